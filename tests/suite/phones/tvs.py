"""TVS, written from its description alone: what a phone asks, and what a server answers.

ask HOST PORT   questions as JSON lines from standard input, over one TLS connection; answers as JSON lines.
answer          JSON lines {question, status, roles, ttl, certificate}: the message that a server answers, hexadecimal.
frame           questions as JSON lines; the message that a phone sends, hexadecimal.
"""

import hashlib
import json
import socket
import ssl
import struct
import sys


def element(tag, value):
    return bytes([tag]) + struct.pack(">H", len(value)) + value


def frame(command, session, body):
    return bytes([0x57, 0x01, command, 0]) + struct.pack(">IH", session, len(body)) + body


def question(asked):
    body = element(1, b"\x01" + asked["device"].encode())
    if "certificate" in asked:
        return frame(1, asked["session"], body + element(2, bytes.fromhex(asked["certificate"])))
    body += element(3, asked["subject"].encode() + b"\0")
    body += element(4, asked["issuer"].encode() + b"\0")
    body += element(5, bytes.fromhex(asked["serial"]))
    return frame(3, asked["session"], body)


def elements(body):
    found = {}
    while body:
        tag, length = body[0], struct.unpack(">H", body[1:3])[0]
        value, body = body[3 : 3 + length], body[3 + length :]
        assert len(value) == length and tag not in found
        found[tag] = value
    return found


def read_answer(stream):
    head = stream.read(10)
    if not head:
        return {"closed": True}
    protocol, version, command, zero, session, length = struct.unpack(">BBBBIH", head)
    assert (protocol, version, zero) == (0x57, 1, 0), head
    found = elements(stream.read(length))
    assert len(found[7]) == 1
    answer = {"command": command, "session": session, "status": found[7][0]}
    if 8 in found:
        answer["roles"] = list(found[8])
    if 9 in found:
        answer["ttl"] = struct.unpack(">I", found[9])[0]
    if 2 in found:
        answer["certificate"] = found[2].hex()
    return answer


def ask(host, port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # A phone compares the certificate with its list; no chain is built.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((host, int(port)), timeout=20) as plain, context.wrap_socket(plain) as tls:
        shown = hashlib.sha256(tls.getpeercert(True)).hexdigest()
        print(json.dumps({"shown": shown, "version": tls.version()}))
        with tls.makefile("rwb") as stream:
            for line in sys.stdin:
                stream.write(question(json.loads(line)))
                stream.flush()
                print(json.dumps(read_answer(stream)))


def answer(told):
    asked = bytes.fromhex(told["question"])
    command, session = asked[2], struct.unpack(">I", asked[4:8])[0]
    body = element(7, bytes([told["status"]]))
    if told["status"] == 0:
        if command == 3:
            body += element(2, bytes.fromhex(told["certificate"]))
        body += element(8, bytes(told["roles"])) + element(9, struct.pack(">I", told["ttl"]))
    return frame(command + 1, session, body)


if sys.argv[1] == "ask":
    ask(*sys.argv[2:])
else:
    make = {"answer": answer, "frame": question}[sys.argv[1]]
    for line in sys.stdin:
        print(make(json.loads(line)).hex())
