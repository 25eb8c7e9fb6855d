"""An independent writer and reader of .sgn and .enc.sgn files.

signed_file.py sign SPEC.json IN OUT          signs, and encrypts where the spec names a device
signed_file.py open FILE SIGNER.der [DEVICE.key]   verifies, decrypts and prints the content
signed_file.py rewrite FILE SIGNER.der SIGNER.key OUT [DEVICE.key]   reads a file and writes it anew
signed_file.py judge-companion COMPANION CONFIGURATION DEVICE.der   checks the plain file beside an encrypted one
"""

import hashlib
import json
import os
import sys
import xml.etree.ElementTree as ElementTree

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from trust_list import DIGESTS, element, header, load, load_key, number, read_header, reverse_lookup, sign, text_of


def digest_of(name, content):
    return hashlib.new(name.replace("-", ""), content).digest()


def aes(key, iv):
    return Cipher(algorithms.AES(key), modes.CBC(iv))


def encrypt(content, digest, key, iv, wrapped, filler=b"\r"):
    added = 16 - len(content) % 16
    encryptor = aes(key, iv).encryptor()
    body = encryptor.update(content + filler * added) + encryptor.finalize()
    iv_info = number(18, 0, 1) + element(19, iv) + number(20, added, 2)
    key_info = number(22, 0, 1) + number(23, len(wrapped) * 8, 2) + number(24, 1, 1) + element(25, wrapped)
    more = element(16, element(17, iv_info) + element(21, key_info))
    more += number(26, DIGESTS[digest][0], 1) + element(27, digest_of(digest, content))
    return more, body


def write(spec, content, keys=None):
    signer, key = load(spec["signer"]), load_key(spec["key"])
    name, version, more, body = spec["name"] + ".sgn", (1, 0), b"", content
    if "device" in spec and not keys:
        content_key = os.urandom(16)
        device = load(spec["device"]).public_key()
        keys = content_key, os.urandom(16), device.encrypt(content_key, padding.PKCS1v15())
    if keys:
        name, version = spec["name"] + ".enc.sgn", (2, 0)
        more, body = encrypt(content, spec["digest"], *keys, spec.get("filler", "\r").encode())
        if spec.get("digest_of") is not None:
            more = more[:-len(digest_of(spec["digest"], b""))] + digest_of(spec["digest"], spec["digest_of"].encode())
    before, after = header(signer, key, version, spec["digest"], name, spec["timestamp"], more=more)
    return sign(key, spec["digest"], before, after + body)


def read(data, signer, device_key=None):
    said, length, signed = read_header(data)
    digest = reverse_lookup(DIGESTS, said[8][0])
    signer.public_key().verify(said[12], signed, padding.PKCS1v15(), DIGESTS[digest][1]())
    name, body, keys = text_of(said[14]), data[length:], None
    if 19 in said:
        assert said["version"] == [2, 0] and name.endswith(".enc.sgn")
        assert said[18] == said[22] == b"\0" and said[24] == b"\1" and said[26] == said[8]
        assert int.from_bytes(said[23], "big") == 8 * len(said[25])
        keys = device_key.decrypt(said[25], padding.PKCS1v15()), said[19], said[25]
        decryptor = aes(keys[0], keys[1]).decryptor()
        body = decryptor.update(body) + decryptor.finalize()
        added = int.from_bytes(said[20], "big")
        assert 1 <= added <= 16 and body[-added:] == b"\r" * added
        body = body[:-added]
        assert digest_of(digest, body) == said[27]
        name = name.removesuffix(".enc.sgn")
    else:
        assert said["version"] == [1, 0] and name.endswith(".sgn")
        name = name.removesuffix(".sgn")
    return {"name": name, "digest": digest, "timestamp": int.from_bytes(said[15], "big")}, body, keys


def judge_companion(companion, configuration, device):
    small, full = ElementTree.fromstring(companion), ElementTree.fromstring(configuration)
    assert small.tag == "device" and not small.attrib
    kept = [e for e in full if e.tag in ("ipAddressMode", "loadInformation", "capfAuthMode", "capfList")]
    tags = [child.tag for child in small]
    assert tags == ["fullConfig", *(e.tag for e in kept), "certHash", "encrConfig"], tags
    def shape(e):
        return (e.tag, e.attrib, (e.text or "").strip(), [shape(child) for child in e])
    assert [shape(e) for e in small][1:-2] == [shape(e) for e in kept]
    der = device.public_bytes(serialization.Encoding.DER)
    assert small.findtext("certHash") == hashlib.md5(der).hexdigest()
    assert small.findtext("fullConfig") == "false" and small.findtext("encrConfig") == "true"


def content_of(path):
    with open(path, "rb") as file:
        return file.read()


def main():
    command, *arguments = sys.argv[1:]
    if command == "sign":
        made = write(json.loads(content_of(arguments[0])), content_of(arguments[1]))
        with open(arguments[2], "wb") as file:
            file.write(made)
    elif command == "open":
        key = load_key(arguments[2]) if len(arguments) > 2 else None
        _, body, _ = read(content_of(arguments[0]), load(arguments[1]), key)
        sys.stdout.buffer.write(body)
    elif command == "rewrite":
        key = load_key(arguments[4]) if len(arguments) > 4 else None
        said, body, keys = read(content_of(arguments[0]), load(arguments[1]), key)
        made = write(dict(said, signer=arguments[1], key=arguments[2]), body, keys)
        with open(arguments[3], "wb") as file:
            file.write(made)
    elif command == "judge-companion":
        judge_companion(content_of(arguments[0]), content_of(arguments[1]), load(arguments[2]))
    else:
        sys.exit(f"no command {command}")


if __name__ == "__main__":
    main()
