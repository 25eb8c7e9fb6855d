"""An independent writer and reader of CTL and ITL files.

trust_list.py write SPEC.json OUT          writes a list
trust_list.py read FILE                    verifies a list and prints what it says, as JSON
trust_list.py rewrite FILE KEY.pem OUT     reads a list and writes it anew from what was read
"""

import ipaddress
import json
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

ROLES = {"sast": 0, "ccm": 1, "ccm+tftp": 2, "tftp": 3, "capf": 4, "app-server": 7, "tvs": 21}
DIGESTS = {"sha-1": (1, hashes.SHA1), "sha-512": (3, hashes.SHA512)}
HASHES = {"sha-1": (1, hashes.SHA1), "sha-256": (2, hashes.SHA256), "sha-512": (3, hashes.SHA512)}
MODULI = {1024: 1, 2048: 2, 4096: 3}
TYPES = {
    "2.5.4.3": "CN", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.6": "C",
    "2.5.4.9": "STREET", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
}


def element(tag, value):
    return bytes([tag]) + len(value).to_bytes(2, "big") + value


def number(tag, value, octets):
    return element(tag, value.to_bytes(octets, "big"))


def string(tag, value):
    return element(tag, value.encode() + b"\0")


def escape(value):
    out = "".join("\\" + c if c in '\\"+,;<>' else c for c in value)
    if out.endswith(" "):
        out = out[:-1] + "\\ "
    if value[:1] == "#" or (value[:1] == " " and len(value) > 1):
        out = "\\" + out
    return out


def name_text(name, separator=","):
    attributes = [attribute for rdn in name.rdns for attribute in rdn]
    parts = []
    for attribute in attributes:
        oid = attribute.oid.dotted_string
        parts.append(TYPES.get(oid, oid) + "=" + escape(attribute.value))
    return separator.join(parts)


def serial_octets(certificate):
    serial = certificate.serial_number
    return serial.to_bytes(max(1, (serial.bit_length() + 7) // 8), "big")


def key_octets(key):
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def header(certificate, key, version, digest, file_name, timestamp, signer_version=None, separator=",", more=b""):
    """The parts before and behind the signature, padding and header length included."""
    signer = string(4, name_text(certificate.subject, separator))
    signer += string(6, name_text(certificate.issuer, separator))
    signer += element(5, serial_octets(certificate))
    algorithm = number(10, 0, 1) + number(11, MODULI[key.key_size], 1)
    before = b""
    if signer_version:
        before += element(28, bytes(int(part) for part in signer_version.split(".")))
    before += element(3, signer)
    before += element(7, number(8, DIGESTS[digest][0], 1) + element(9, algorithm))
    after = string(14, file_name) + number(15, timestamp, 4) + more
    length = 5 + 5 + len(before) + 3 + key.key_size // 8 + len(after)
    padding_octets = -length % 4
    after += bytes([13]) * padding_octets
    start = element(1, bytes(version)) + number(2, length + padding_octets, 2)
    return start + before, after


def sign(key, digest, before, after):
    signature = key.sign(before + after, padding.PKCS1v15(), DIGESTS[digest][1]())
    return before + element(12, signature) + after


def record(entry, separator=",", reverse=False):
    certificate = entry["certificate"]
    subject = entry.get("subject", name_text(certificate.subject, separator))
    parts = []
    if entry.get("dns_name") is not None:
        parts.append(string(2, entry["dns_name"]))
    parts.append(string(3, subject))
    parts.append(string(5, name_text(certificate.issuer, separator)))
    parts.append(element(6, serial_octets(certificate)))
    parts.append(number(4, ROLES[entry["role"]], 2))
    parts.append(element(7, key_octets(certificate.public_key())))
    parts.append(element(8, certificate.signature))
    hashed = entry.get("hash")
    if not hashed:
        parts.append(element(9, certificate.public_bytes(serialization.Encoding.DER)))
    if entry.get("address"):
        parts.append(element(10, ipaddress.IPv4Address(entry["address"]).packed))
    if hashed:
        parts.append(element(11, certificate.fingerprint(HASHES[hashed][1]())))
        parts.append(number(12, HASHES[hashed][0], 1))
    if reverse:
        parts.reverse()
    body = b"".join(parts)
    return number(1, 5 + len(body), 2) + body


def load(path):
    with open(path, "rb") as file:
        return x509.load_der_x509_certificate(file.read())


def load_key(path):
    with open(path, "rb") as file:
        return serialization.load_pem_private_key(file.read(), None)


def write(spec):
    signer, key = load(spec["signer"]), load_key(spec["key"])
    separator = spec.get("separator", ",")
    before, after = header(signer, key, (1, 2), spec["digest"], spec["file_name"], spec["timestamp"],
                           spec.get("signer_version"), separator)
    for entry in spec["entries"]:
        entry = dict(entry, certificate=load(entry["certificate"]))
        after += record(entry, separator, spec.get("reverse", False))
    return sign(key, spec["digest"], before, after)


def elements(data, at=0):
    """Yields (tag, value) of each element."""
    while at < len(data):
        tag, length = data[at], int.from_bytes(data[at + 1:at + 3], "big")
        value = data[at + 3:at + 3 + length]
        assert len(value) == length, f"element {tag} is cut off"
        yield tag, value
        at += 3 + length


def text_of(value):
    assert value[-1] == 0, "a text without NUL"
    return value[:-1].decode()


def reverse_lookup(table, wanted):
    return next(name for name, value in table.items() if wanted in (value, value[0] if isinstance(value, tuple) else None))


def read_header(data):
    """What a header says, its length, and the message that was signed."""
    assert data[:3] == b"\x01\x00\x02" and data[5:8] == b"\x02\x00\x02"
    length = int.from_bytes(data[8:10], "big")
    assert length % 4 == 0 and length <= len(data)
    said, at = {"version": list(data[3:5])}, 10
    containers = {3, 7, 9, 16, 17, 21}
    order = []
    while at < length:
        tag = data[at]
        if tag == 13:
            assert data[at:length] == bytes([13]) * (length - at) and length - at < 4
            break
        size = int.from_bytes(data[at + 1:at + 3], "big")
        order.append(tag)
        if tag in containers:
            at += 3
            continue
        value = data[at + 3:at + 3 + size]
        said[tag] = value
        if tag == 12:
            signed = data[:at] + data[at + 3 + size:]
        at += 3 + size
    said["order"] = order
    return said, length, signed


def read(data):
    said, at, signed = read_header(data)
    result = {
        "file_name": text_of(said[14]), "timestamp": int.from_bytes(said[15], "big"),
        "digest": reverse_lookup(DIGESTS, said[8][0]),
        "signer": text_of(said[4]), "issuer": text_of(said[6]), "serial": said[5].hex().upper(),
        "signer_version": ".".join(str(part) for part in said[28]) if 28 in said else None,
        "order": said["order"], "entries": [],
    }
    assert said["version"] == [1, 2]
    signer = None
    while at < len(data):
        length = int.from_bytes(data[at + 3:at + 5], "big")
        found = dict(elements(data[at:at + length]))
        entry = {"role": reverse_lookup(ROLES, int.from_bytes(found[4], "big")), "subject": text_of(found[3]),
                 "issuer": text_of(found[5]), "serial": found[6].hex().upper(),
                 "dns_name": text_of(found[2]) if 2 in found else None,
                 "address": str(ipaddress.IPv4Address(found[10])) if 10 in found else None}
        if 9 in found:
            certificate = x509.load_der_x509_certificate(found[9])
            assert found[7] == key_octets(certificate.public_key()) and found[8] == certificate.signature
            assert found[6] == serial_octets(certificate)
            entry["certificate"] = certificate
            if entry["role"] == "sast" and found[6] == said[5]:
                signer = certificate
        else:
            entry["hash"] = reverse_lookup(HASHES, found[12][0])
            entry["octets"] = found[11].hex()
            entry["raw"] = data[at:at + length]
        result["entries"].append(entry)
        at += length
    signer.public_key().verify(said[12], signed, padding.PKCS1v15(), DIGESTS[result["digest"]][1]())
    return result, signer


def rewrite(data, key):
    said, signer = read(data)
    before, after = header(signer, key, (1, 2), said["digest"], said["file_name"], said["timestamp"],
                           said["signer_version"])
    for entry in said["entries"]:
        # Of a hash no record can be made anew.
        after += record(entry) if "certificate" in entry else entry["raw"]
    return sign(key, said["digest"], before, after)


def main():
    command, *arguments = sys.argv[1:]
    if command == "write":
        with open(arguments[0], "rb") as file:
            made = write(json.load(file))
        with open(arguments[1], "wb") as file:
            file.write(made)
    elif command == "read":
        with open(arguments[0], "rb") as file:
            said, _ = read(file.read())
        for entry in said["entries"]:
            entry.pop("certificate", None)
            entry.pop("raw", None)
        print(json.dumps(said))
    elif command == "rewrite":
        with open(arguments[0], "rb") as file:
            made = rewrite(file.read(), load_key(arguments[1]))
        with open(arguments[2], "wb") as file:
            file.write(made)
    else:
        sys.exit(f"no command {command}")


if __name__ == "__main__":
    main()
