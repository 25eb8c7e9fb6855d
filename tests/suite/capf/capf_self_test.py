"""A small CAPF server of its own, and the client against it: where the two disagree, one of them misreads the protocol.

It shares no wire code with the client. Argument: a folder for its files. Exit code 0 if each conversation went as written.
"""
import hashlib
import json
import pathlib
import socket
import ssl
import subprocess
import sys
import threading

import capf_pki
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

CLIENT = pathlib.Path(__file__).with_name("capf_client.py")
NAME, SESSION = "SEP001122334455", 0x9ABCDEF0
RSA, CURVES = {2048: b"\x08\x00", 3072: b"\x0c\x00", 4096: b"\x10\x00"}, {"secp256r1": 0, "secp384r1": 1, "secp521r1": 2}
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER


def tell(stream, command, *elements):
    body = b"".join(bytes([tag]) + len(value).to_bytes(2, "big") + value for tag, value in elements)
    stream.sendall(bytes([0x55, command]) + SESSION.to_bytes(4, "big") + len(body).to_bytes(2, "big") + body)


def hear(stream, command):
    """The elements of the next message, which must be this one."""
    head = exactly(stream, 8)
    assert head[:1] == b"\x55" and head[2:6] == bytes.fromhex("9abcdef0"), head.hex()
    body = exactly(stream, int.from_bytes(head[6:], "big"))
    assert head[1] == command, f"command {head[1]} instead of {command}"
    found = {}
    while body:
        end = 3 + int.from_bytes(body[1:3], "big")
        assert body[0] not in found and end <= len(body)
        found[body[0]], body = body[3:end], body[end:]
    return found


def exactly(stream, size):
    data = b""
    while len(data) < size:
        if not (more := stream.recv(size - len(data))):
            raise EOFError
        data += more
    return data


def good(public, message, signature, digest):
    hashed = hashlib.new(digest, message).digest()
    if isinstance(public, rsa.RSAPublicKey):
        numbers, size = public.public_numbers(), public.key_size // 8
        opened = pow(int.from_bytes(signature, "big"), numbers.e, numbers.n).to_bytes(size, "big")
        return len(signature) == size and opened == b"\0\1" + b"\xff" * (size - 3 - len(hashed)) + b"\0" + hashed
    public.verify(signature, hashed, ec.ECDSA(Prehashed(hashes.SHA1() if digest == "sha1" else hashes.SHA512())))
    return True


def proved(answer, wanted):
    """Whether the AuthResponse has the proof that the scenario is about."""
    assert answer[1] == b"\x01" and answer[13] == NAME.encode() + b"\0" and answer[7] in (b"\x02", b"\x03"), answer
    if wanted in ("string", "null"):
        return answer.get(11, b"\0") == (b"12345\0" if wanted == "string" else b"\0")
    if wanted == "sudi":
        parts, rest = [], answer[16]
        while rest:
            size = int.from_bytes(rest[1:3], "big")
            parts.append((rest[0], rest[3 : 3 + size]))
            rest = rest[3 + size :]
        assert [kind for kind, _ in parts] == [0, 1, 3]
        message = bytes.fromhex("f0debc9a") + parts[0][1]
        public = x509.load_der_x509_certificate(parts[0][1]).public_key()
        return good(public, message, parts[1][1], "sha1") and good(public, message, parts[2][1], "sha512")
    wrapped, second = answer[4], answer[20]
    assert wrapped[0] == 1 and int.from_bytes(wrapped[1:3], "big") == len(wrapped) - 3 and wrapped[3] == 0
    assert wrapped[4] == (2 if wanted == "mic" else 1) and second[0] == 3
    assert int.from_bytes(second[1:3], "big") == len(second) - 3
    public, message = x509.load_der_x509_certificate(wrapped[5:]).public_key(), answer[13] + wrapped[5:]
    return good(public, message, answer[6], "sha1") and good(public, message, second[3:], "sha512")


def keys_asked(stream, version, orders):
    """The public key, after as many requests as it takes."""
    for kind in orders:
        if version == 2:
            tell(stream, 3, (10, RSA[kind]))
        elif kind in RSA:
            tell(stream, 3, (10, RSA[kind]), (17, b"\0"))
        else:
            tell(stream, 3, (17, b"\1"), (18, bytes([CURVES[kind]])))
        answer = {}
        while not answer:
            try:
                answer = hear(stream, 4)
            except AssertionError as error:
                if str(error) != "command 17 instead of 4":
                    raise
        if 9 in answer:
            return serialization.load_der_public_key(answer[9]), kind
    return None, None


def converse(stream, ca, ca_key, wanted, operation, orders):
    tell(stream, 1, (7, b"\3"), (8, b"\0"))
    answer = hear(stream, 2)
    if not proved(answer, wanted):
        return tell(stream, 15, (1, b"\7"))
    if operation == "install":
        public, kind = keys_asked(stream, answer[7][0], orders)
        if public is None:
            return tell(stream, 15, (1, b"\7"))
        assert getattr(public, "key_size", 0) == kind or public.curve.name == kind
        der = issued(public, ca, ca_key)
        tell(stream, 9, (3, b"\1"), (4, b"\1" + (len(der) + 2).to_bytes(2, "big") + b"\0\1" + der))
        assert hear(stream, 10) == {1: b"\1"}
    elif operation == "fetch":
        tell(stream, 11)
        assert hear(stream, 12).get(4, b"\1\0\2\0\1")[4] == 1
    elif operation == "delete":
        tell(stream, 13)
        assert hear(stream, 14) == {1: b"\1"}
    return tell(stream, 15, (1, b"\0" if operation in ("none", "fetch") else b"\1"))


def issued(public, ca, ca_key):
    builder = x509.CertificateBuilder().subject_name(capf_pki.named(NAME)).issuer_name(ca.subject)
    builder = builder.public_key(public).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(capf_pki.NOW).not_valid_after(capf_pki.NOW + 30 * capf_pki.DAY)
    return builder.sign(ca_key, hashes.SHA256()).public_bytes(DER)


def scenario(folder, wanted, operation, orders, flags):
    """(what the client printed, what went wrong in the server)"""
    faults, listener, context = [], socket.create_server(("127.0.0.1", 0)), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "root.pem", folder / "root.key")
    ca = x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())

    def serve():
        try:
            with context.wrap_socket(listener.accept()[0], server_side=True) as stream:
                converse(stream, ca, capf_pki.root_of(folder), wanted, operation, orders)
        except (EOFError, ConnectionError):
            pass
        except Exception as error:
            faults.append(repr(error))

    (thread := threading.Thread(target=serve)).start()
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    command = [sys.executable, CLIENT, address, NAME, "--trust", folder / "root.pem", *flags]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    thread.join()
    listener.close()
    return (json.loads(said.stdout) if said.stdout else {"detail": said.stderr}), faults


def scenarios(folder):
    """(name, proof, operation, keys asked for, flags of the client, what it must say)"""
    def by(kind):
        return ["--certificate", f"{folder}/{kind}.pem", "--certificate-key", f"{folder}/{kind}.key"]

    string, done = ["--password", "12345"], {"outcome": "ended", "reason": 1}
    sudi = ["--no-password", "--sudi", f"{folder}/sudi.pem", "--sudi-key", f"{folder}/sudi.key"]
    for kind in [*RSA, *CURVES]:
        yield f"install {kind}", "string", "install", [kind], string, done
    yield "version 2", "null", "install", [2048], ["--version", "2", "--no-password"], done
    yield "null string", "null", "install", [2048], [], done
    yield "RSA backup", "string", "install", ["secp384r1", 2048], [*string, "--refuse-ec", "--busy", "1"], done
    yield "no EC at all", "string", "install", ["secp256r1"], [*string, "--refuse-ec"], {"reason": 7}
    yield "LSC", "lsc", "install", ["secp256r1"], by("mic"), done
    yield "EC LSC", "lsc", "install", ["secp256r1"], [*by("ec-mic"), "--reverse"], done
    yield "MIC", "mic", "install", ["secp256r1"], [*by("mic"), "--mic"], done
    yield "SUDI", "sudi", "install", ["secp256r1"], sudi, done
    yield "SUDI of another session", "sudi", "install", [2048], [*sudi, "--sudi-session", "9abcdef1"], {"reason": 7}
    yield "other name signed", "lsc", "install", [2048], [*by("mic"), "--sign-name", "SEP0"], {"reason": 7}
    yield "wrong string", "string", "install", [2048], ["--password", "54321"], {"reason": 7}
    yield "fetch", "string", "fetch", [], [*string, "--holds", f"{folder}/mic.pem"], {"reason": 0}
    yield "fetch nothing", "string", "fetch", [], string, {"reason": 0}
    yield "delete", "string", "delete", [], string, done
    yield "none", "string", "none", [], string, {"reason": 0, "received": 2}
    yield "cut", "string", "install", ["secp256r1"], [*string, "--cut", "certificate"], {"outcome": "cut", "reason": None}
    yield "byte by byte", "string", "delete", [], [*string, "--chunk", "1"], done


if __name__ == "__main__":
    place, wrong = pathlib.Path(sys.argv[1]), 0
    for what in ("mic", "ec-mic", "sudi"):
        capf_pki.device(place, what, NAME)
    for title, *how, expected in scenarios(place):
        seen, trouble = scenario(place, *how)
        seen["received"] = len(seen.get("received", []))
        if trouble or seen.get("violations") or any(seen.get(key) != value for key, value in expected.items()):
            wrong += 1
            print(f"{title}: expected {expected}, client {seen}, server {trouble}")
    sys.exit(1 if wrong else 0)
