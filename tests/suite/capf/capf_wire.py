"""CAPF on the wire: header, elements, and what a phone checks in every message that it gets. All integers big-endian."""
import struct

PROTOCOL = 0x55
HEADER = struct.Struct("!BBIH")  # protocol, command, session, length of the body

COMMANDS = {
    1: "AuthRequest",
    2: "AuthResponse",
    3: "KeyGenerateRequest",
    4: "KeyGenerateResponse",
    9: "StoreCertificateRequest",
    10: "StoreCertificateResponse",
    11: "FetchCertificateRequest",
    12: "FetchCertificateResponse",
    13: "DeleteCertificateRequest",
    14: "DeleteCertificateResponse",
    15: "EndSession",
    16: "RetryLater",
    17: "RequestInProgress",
}
NUMBERS = {name: number for number, name in COMMANDS.items()}

(REASON, CERTIFICATE_TYPE, CERTIFICATE, SIGNED_DATA, VERSION, AUTH_TYPE, PUBLIC_KEY, KEY_SIZE, PASSWORD) = (
    1, 3, 4, 6, 7, 8, 9, 10, 11
)
DEVICE_NAME, SUDI_DATA, KEY_TYPE, CURVE, SHA2_SIGNED_DATA = 13, 16, 17, 18, 20

# Known clients abort on any other element from a server.
FROM_SERVER = {REASON, CERTIFICATE_TYPE, CERTIFICATE, VERSION, AUTH_TYPE, KEY_SIZE, KEY_TYPE, CURVE}
LSC, MIC = 1, 2


class Broken(Exception):
    """What came is not CAPF, or came in a way that stalls a phone."""


def element(tag, value):
    return struct.pack("!BH", tag, len(value)) + value


def frame(command, session, body):
    return HEADER.pack(PROTOCOL, command, session, len(body)) + body


def wrapped_certificate(der, kind=LSC):
    """The value of element 4."""
    return struct.pack("!BHBB", 1, len(der) + 2, 0, kind) + der


def unwrapped_certificate(value):
    """(type byte, DER) of the value of element 4."""
    if len(value) < 5:
        raise Broken("element 4 is shorter than its own header")
    first, length, zero, kind = struct.unpack("!BHBB", value[:5])
    if first != 1 or zero != 0 or length != len(value) - 3:
        raise Broken(f"element 4 begins {value[:5].hex()} and has {len(value)} bytes")
    return kind, value[5:]


class Message:
    """One message from the server; `violations` says what a phone would stumble over."""

    def __init__(self, data):
        if len(data) < HEADER.size:
            raise Broken(f"{len(data)} bytes are no header: it came in more than one record")
        protocol, self.command, self.session, length = HEADER.unpack_from(data)
        if protocol != PROTOCOL:
            raise Broken(f"protocol id {protocol:#04x}")
        if len(data) != HEADER.size + length:
            raise Broken(f"a body of {length} bytes came as {len(data) - HEADER.size} in this record")
        self.name = COMMANDS.get(self.command, f"command {self.command}")
        self.elements, self.violations = {}, []
        self._read(data[HEADER.size :])

    def _read(self, body):
        last = 0
        while body:
            if len(body) < 3:
                raise Broken("an element without its header")
            tag, length = struct.unpack_from("!BH", body)
            value, body = body[3 : 3 + length], body[3 + length :]
            if len(value) != length:
                raise Broken(f"element {tag} exceeds the message")
            if tag <= last:
                self.violations.append(f"{self.name}: element {tag} after {last}")
            if tag not in FROM_SERVER:
                self.violations.append(f"{self.name}: element {tag} is not for clients")
            last = tag
            self.elements[tag] = value

    def number(self, tag, size=1):
        """An integer element, None if it is not there; a wrong length is a violation."""
        value = self.elements.get(tag)
        if value is None:
            return None
        if len(value) != size:
            self.violations.append(f"{self.name}: element {tag} has {len(value)} bytes")
        return int.from_bytes(value, "big")

    def expect(self, *allowed):
        """One of these sets of elements."""
        if set(self.elements) not in [set(tags) for tags in allowed]:
            self.violations.append(f"{self.name}: elements {sorted(self.elements)}")

    def seen(self):
        return {"name": self.name, "elements": {str(tag): value.hex() for tag, value in self.elements.items()}}
