#!/usr/bin/env python3
"""A phone that speaks CAPF, written from the protocol's description alone. Prints as JSON what it saw.

  capf_client.py 127.0.0.1:3804 SEP001122334455 --password 12345 --key phone.key --lsc phone.pem
  capf_client.py 127.0.0.1:3804 SEP001122334455 --certificate mic.pem --certificate-key mic.key --mic
  capf_client.py 127.0.0.1:3804 CSFALICE --version 2 --no-password

It does what the server asks for. To misbehave: --refuse-ec, --cut STAGE, --busy N, --chunk N, and --alter STEP.WHAT=VALUE
(repeatable; STEP is the message: auth, key, store, fetch, delete, busy), where WHAT=VALUE is

  13=HEX    the element 13 is this        13=-      it is left out         +13=HEX   it is there once more
  body=HEX  the whole body                frame=HEX the whole message, {s} stands for the session id
  before=HEX  sent before the message     command=N  session=HEX  length=N   of the header
  fill=N    N empty elements more         first=N   only its first N bytes, and then nothing

HEX may end in *N: so many times. Exit code: 0 it ended with reason 0 or 1 and the server broke no rule; 1 otherwise.
"""
import argparse
import json
import pathlib
import socket
import ssl
import sys
import time

import capf_proof as proof
import capf_wire as wire
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

CURVES = {0: ec.SECP256R1, 1: ec.SECP384R1, 2: ec.SECP521R1}
CURVE_NAMES = {0: "p-256", 1: "p-384", 2: "p-521"}
STAGES = ["connected", "greeted", "answered", "key-asked", "key-sent", "certificate", "confirmed", "fetch", "delete"]
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER


class Cut(Exception):
    """The link is cut here, as the arguments want it."""


def pem_certificate(path):
    return x509.load_pem_x509_certificate(pathlib.Path(path).read_bytes())


def private_key(path):
    return serialization.load_pem_private_key(pathlib.Path(path).read_bytes(), None)


def hex_bytes(text):
    text, _, times = text.partition("*")
    return bytes.fromhex(text) * int(times or 1)


class Alterations:
    """What --alter asked for."""

    def __init__(self, given):
        self.by_step = {}
        for one in given:
            where, value = one.split("=", 1)
            step, what = where.split(".", 1)
            self.by_step.setdefault(step, []).append((what, value))

    def message(self, step, command, session, elements):
        """The bytes to be sent instead of this message, and whether anything may follow."""
        elements, fixed, whole, first = list(elements), {}, None, None
        for what, value in self.by_step.get(step, []):
            if what.isdigit():
                elements = [(tag, old) for tag, old in elements if tag != int(what)]
                elements += [] if value == "-" else [(int(what), hex_bytes(value))]
            elif what.startswith("+"):
                elements.append((int(what[1:]), hex_bytes(value)))
            elif what == "fill":
                elements += [(200, b"")] * int(value)
            elif what == "first":
                first = int(value)
            elif what == "frame":
                whole = hex_bytes(value.replace("{s}", f"{session:08x}"))
            elif what in ("body", "before", "command", "session", "length"):
                fixed[what] = value
            else:
                sys.exit(f"--alter: {what} is not known")
        body = b"".join(wire.element(tag, value) for tag, value in elements)
        body = hex_bytes(fixed["body"]) if "body" in fixed else body
        header = wire.HEADER.pack(
            wire.PROTOCOL,
            int(fixed.get("command", command)),
            int(fixed["session"], 16) if "session" in fixed else session,
            int(fixed.get("length", min(len(body), 0xFFFF))),
        )
        sent = whole if whole is not None else header + body
        sent = hex_bytes(fixed.get("before", "").replace("{s}", f"{session:08x}")) + sent
        return (sent, True) if first is None else (sent[:first], False)


class Phone:
    def __init__(self, arguments):
        self.arguments = arguments
        self.alterations = Alterations(arguments.alter)
        self.name = arguments.device.encode()
        self.key, self.session, self.stream = None, None, None
        self.seen = {"received": [], "sent": [], "asked": [], "operations": [], "violations": [], "reason": None}

    # The link.

    def connect(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if self.arguments.cipher:
            context.set_ciphers(f"{self.arguments.cipher}:@SECLEVEL=0")
        if self.arguments.tls:
            context.minimum_version = context.maximum_version = ssl.TLSVersion[self.arguments.tls]
        host, port = self.arguments.server.rsplit(":", 1)
        plain = socket.create_connection((host, int(port)), timeout=self.arguments.timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.arguments.plain:
            plain.sendall(wire.frame(2, 0, b""))
            self.stream = plain
            return
        self.stream = context.wrap_socket(plain)
        presented = x509.load_der_x509_certificate(self.stream.getpeercert(True))
        self.seen["tls"] = self.stream.version()
        self.seen["cipher"] = self.stream.cipher()[0]
        self.seen["server"] = presented.public_bytes(PEM).decode()
        if self.arguments.trust and presented != pem_certificate(self.arguments.trust):
            raise wire.Broken("the server shows another certificate than the trust list has")

    def receive(self):
        """The next message. One read gives at most one TLS record: a message in two of them stalls a phone."""
        data = self.stream.recv(70_000)
        if not data:
            raise EOFError
        message = wire.Message(data)
        self.seen["received"].append(message.seen())
        if self.session is None:
            self.session = message.session
            self.seen["session"] = f"{message.session:08x}"
        elif message.session != self.session:
            message.violations.append(f"{message.name}: the session id became {message.session:08x}")
        self.seen["violations"] += message.violations
        message.violations = self.seen["violations"]
        return message

    def send(self, step, name, elements=()):
        data, goes_on = self.alterations.message(step, wire.NUMBERS[name], self.session, elements)
        size = self.arguments.chunk or len(data)
        for start in range(0, len(data), max(size, 1)):
            if start and self.arguments.pause:
                time.sleep(self.arguments.pause)
            self.stream.sendall(data[start : start + size])
        self.seen["sent"].append(name)
        if not goes_on:
            self.stream.recv(70_000)
            raise EOFError

    def stage(self, name):
        if self.arguments.cut == name:
            raise Cut
        if self.arguments.wait_at == name:
            print(json.dumps({"waiting": name, "session": self.seen.get("session")}), flush=True)
            sys.stdin.readline()

    # The conversation.

    def run(self):
        start = time.monotonic()
        try:
            self.connect()
            self.stage("connected")
            self.converse()
            self.seen["outcome"] = "ended"
        except Cut:
            self.seen["outcome"] = "cut"
        except (TimeoutError, socket.timeout):
            self.seen["outcome"] = "timeout"
        except (EOFError, ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            self.seen["outcome"] = "closed"
        except ssl.SSLError as error:
            self.seen.update(outcome="tls-error", detail=str(error))
        except wire.Broken as error:
            self.seen.update(outcome="broken", detail=str(error))
            self.seen["violations"].append(str(error))
        if self.stream:
            self.stream.close()
        self.seen["seconds"] = round(time.monotonic() - start, 4)
        return self.seen

    def converse(self):
        message = self.receive()
        if message.name == "AuthRequest":
            self.authenticate(message)
            message = self.receive()
        while message.name != "EndSession":
            answer = {
                "KeyGenerateRequest": self.generate,
                "StoreCertificateRequest": self.store,
                "FetchCertificateRequest": self.fetch,
                "DeleteCertificateRequest": self.delete,
            }.get(message.name)
            if answer is None:
                raise wire.Broken(f"{message.name} is not for a phone, or not now")
            answer(message)
            message = self.receive()
        message.expect([wire.REASON])
        self.seen["reason"] = message.number(wire.REASON)

    def authenticate(self, message):
        message.expect([wire.VERSION, wire.AUTH_TYPE], [wire.VERSION])
        if (message.number(wire.VERSION), message.number(wire.AUTH_TYPE) or 0) != (3, 0):
            message.violations.append("AuthRequest: not version 3 and auth type 0")
        self.stage("greeted")
        given = self.arguments
        elements = [(wire.REASON, b"\x01"), (wire.VERSION, bytes([given.version]))]
        if not given.no_password:
            elements.append((wire.PASSWORD, given.password.encode() + b"\x00"))
        elements.append((wire.DEVICE_NAME, self.name + b"\x00"))
        if given.certificate:
            elements += self.certificate_proof()
        if given.sudi:
            der = pem_certificate(given.sudi).public_bytes(DER)
            session = int(given.sudi_session, 16) if given.sudi_session else self.session
            elements.append((wire.SUDI_DATA, proof.of_sudi(session, der, private_key(given.sudi_key))))
        if given.reverse:
            elements.reverse()
        self.send("auth", "AuthResponse", elements)
        self.stage("answered")

    def certificate_proof(self):
        der = pem_certificate(self.arguments.certificate).public_bytes(DER)
        signed_name = (self.arguments.sign_name or self.arguments.device).encode()
        first, second = proof.of_certificate(signed_name, der, private_key(self.arguments.certificate_key))
        kind = wire.MIC if self.arguments.mic else wire.LSC
        return [
            (wire.CERTIFICATE, wire.wrapped_certificate(der, kind)),
            (wire.SIGNED_DATA, first),
            (wire.SHA2_SIGNED_DATA, second),
        ]

    def generate(self, message):
        asked, make = self.asked_key(message)
        self.seen["asked"].append(asked)
        self.stage("key-asked")
        for _ in range(self.arguments.busy):
            self.send("busy", "RequestInProgress")
            time.sleep(self.arguments.busy_pause)
        if self.arguments.refuse_ec and asked.startswith("p-"):
            self.send("refuse", "KeyGenerateResponse", [(wire.REASON, b"\x07")])
            return
        self.key = self.made_key(make)
        public = self.key.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.send("key", "KeyGenerateResponse", [(wire.PUBLIC_KEY, public)])
        self.stage("key-sent")

    def asked_key(self, message):
        """(its name, what makes one)"""
        if self.arguments.version == 2:
            message.expect([wire.KEY_SIZE])
        else:
            message.expect([wire.KEY_SIZE, wire.KEY_TYPE], [wire.KEY_TYPE, wire.CURVE])
        size, curve = message.number(wire.KEY_SIZE, 2), message.number(wire.CURVE)
        if (message.number(wire.KEY_TYPE) or 0) == 0 and size:
            return f"rsa-{size}", lambda: rsa.generate_private_key(public_exponent=65537, key_size=size)
        if message.number(wire.KEY_TYPE) == 1 and curve in CURVES:
            return CURVE_NAMES[curve], lambda: ec.generate_private_key(CURVES[curve]())
        raise wire.Broken(f"a key of type {message.number(wire.KEY_TYPE)}, size {size}, curve {curve}")

    def made_key(self, make):
        """The key of the file, whatever was asked for; if there is none, it is made and written."""
        path = self.arguments.key and pathlib.Path(self.arguments.key)
        if path and path.exists():
            return private_key(path)
        key = make()
        if path:
            form = (PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            path.write_bytes(key.private_bytes(*form))
        return key

    def store(self, message):
        self.seen["operations"].append("install")
        message.expect([wire.CERTIFICATE_TYPE, wire.CERTIFICATE])
        if message.number(wire.CERTIFICATE_TYPE) != wire.LSC:
            message.violations.append("StoreCertificateRequest: the type is not LSC")
        kind, der = wire.unwrapped_certificate(message.elements.get(wire.CERTIFICATE, b""))
        if kind != wire.LSC:
            message.violations.append(f"StoreCertificateRequest: type byte {kind}")
        certificate = x509.load_der_x509_certificate(der)
        key = self.key or (self.arguments.key and private_key(self.arguments.key))  # of an earlier visit, maybe
        if not key or certificate.public_key() != key.public_key():
            message.violations.append("StoreCertificateRequest: it is not for the key of this phone")
        self.seen["certificate"] = certificate.public_bytes(PEM).decode()
        size = (certificate.serial_number.bit_length() + 7) // 8
        self.seen["serial"] = certificate.serial_number.to_bytes(size, "big").hex().upper()
        self.stage("certificate")
        if self.arguments.lsc:
            pathlib.Path(self.arguments.lsc).write_bytes(certificate.public_bytes(PEM))
        self.send("store", "StoreCertificateResponse", [(wire.REASON, b"\x01")])
        self.stage("confirmed")

    def fetch(self, message):
        self.seen["operations"].append("fetch")
        message.expect([])
        self.stage("fetch")
        path = self.arguments.holds or self.arguments.certificate
        if path is None:
            self.send("fetch", "FetchCertificateResponse", [(wire.REASON, b"\x07")])
            return
        value = wire.wrapped_certificate(pem_certificate(path).public_bytes(DER))
        self.send("fetch", "FetchCertificateResponse", [(wire.REASON, b"\x01"), (wire.CERTIFICATE, value)])

    def delete(self, message):
        self.seen["operations"].append("delete")
        message.expect([])
        self.stage("delete")
        self.send("delete", "DeleteCertificateResponse", [(wire.REASON, b"\x01")])


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("server", help="ADDRESS:PORT")
    add("device", help="the name it gives, as SEP001122334455")
    add("--password", default="", help="authentication string; without it, an empty one is sent")
    add("--no-password", action="store_true", help="send no such element")
    add("--certificate", help="PEM of the LSC or MIC that it proves itself by")
    add("--certificate-key", help="PEM of its key")
    add("--mic", action="store_true", help="say that it is a MIC")
    add("--sign-name", help="the name in what is signed, if it is another")
    add("--sudi", help="PEM of the SUDI certificate")
    add("--sudi-key", help="PEM of its key")
    add("--sudi-session", help="HEX of the session id in what is signed, if it is another")
    add("--version", type=int, default=3, help="3 as phones, 2 as Jabber")
    add("--key", help="PEM of the new key; made and written there if the file is missing")
    add("--lsc", help="where to write the certificate that it gets")
    add("--holds", help="PEM of the certificate that it shows when it is asked (default: --certificate)")
    add("--trust", help="PEM of the certificate that the server must show")
    add("--tls", choices=["TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"], help="this version only")
    add("--cipher", help="this suite only (TLS 1.2 or older), as old phones have it")
    add("--plain", action="store_true", help="no TLS at all")
    add("--refuse-ec", action="store_true", help="say that it cannot make EC keys")
    add("--busy", type=int, default=0, help="so many RequestInProgress before the key")
    add("--busy-pause", type=float, default=0, help="seconds after each of them")
    add("--cut", choices=STAGES, help="cut the link there")
    add("--wait-at", choices=STAGES, help="say so there, and wait for a line on standard input")
    add("--chunk", type=int, default=0, help="send so many bytes at a time")
    add("--pause", type=float, default=0, help="seconds between them")
    add("--reverse", action="store_true", help="the elements of AuthResponse in reverse order")
    add("--alter", action="append", default=[], metavar="STEP.WHAT=VALUE", help="see above")
    add("--timeout", type=float, default=30, help="seconds of silence that it bears")
    return parser.parse_args()


if __name__ == "__main__":
    result = Phone(arguments()).run()
    print(json.dumps(result))
    sys.exit(0 if result["reason"] in (0, 1) and not result["violations"] else 1)
