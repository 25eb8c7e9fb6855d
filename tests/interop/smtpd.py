"""A mail server of aiosmtpd: each letter becomes a file. Arguments: folder port encryption [certificate key]."""
import pathlib
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

folder, port, encryption = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


class Keep:
    count = 0

    async def handle_DATA(self, server, session, envelope):
        if (folder / "full").exists():
            return "452 4.3.1 no room"
        Keep.count += 1
        head = f"X-Hello: {session.host_name}\nX-From: {envelope.mail_from}\nX-To: {','.join(envelope.rcpt_tos)}\n"
        head += f"X-Tls: {server.transport.get_extra_info('sslcontext') is not None}\nX-User: {getattr(session, 'auth_data', None)}\n"
        part = folder / f"{Keep.count}.part"
        part.write_bytes(head.encode() + envelope.content)
        part.rename(folder / f"{Keep.count}.eml")
        return "250 kept"


def authenticate(server, session, envelope, mechanism, data):
    right = data.login == b"signet" and data.password == b"open sesame"
    return AuthResult(success=right, handled=right, auth_data=data.login.decode() if right else None)


options = {}
if encryption != "none":
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[4], sys.argv[5])
    options = {"authenticator": authenticate, "auth_required": True}
    if encryption == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    else:
        options |= {"ssl_context": context, "auth_require_tls": False}
Controller(Keep(), hostname="127.0.0.1", port=port, **options).start()
(folder / "ready").touch()
threading.Event().wait()
