"""Proofs of a device by certificate: bare hashes under PKCS#1 type 1 padding for RSA, ECDSA over the message for EC."""
import hashlib
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

SHA512 = 3  # digest type of element 20


def signature(key, message, digest):
    """Of `message`, by "sha1" or "sha512"."""
    if isinstance(key, rsa.RSAPrivateKey):
        return bare_rsa(key, hashlib.new(digest, message).digest())
    return key.sign(message, ec.ECDSA(hashes.SHA1() if digest == "sha1" else hashes.SHA512()))


def bare_rsa(key, value):
    """The private operation on 00 01 FF… 00 `value`: no DigestInfo stands before the hash."""
    numbers = key.private_numbers()
    size = (key.key_size + 7) // 8
    padded = b"\x00\x01" + b"\xff" * (size - 3 - len(value)) + b"\x00" + value
    return pow(int.from_bytes(padded, "big"), numbers.d, numbers.public_numbers.n).to_bytes(size, "big")


def of_certificate(name, der, key):
    """(value of element 6, value of element 20) for a device that names itself `name`."""
    message = name + b"\x00" + der
    second = signature(key, message, "sha512")
    return signature(key, message, "sha1"), struct.pack("!BH", SHA512, len(second)) + second


def of_sudi(session, der, key):
    """The value of element 16. The session id is little-endian here, and nowhere else."""
    message = struct.pack("<I", session) + der
    parts = [(0, der), (1, signature(key, message, "sha1")), (3, signature(key, message, "sha512"))]
    return b"".join(struct.pack("!BH", kind, len(value)) + value for kind, value in parts)
