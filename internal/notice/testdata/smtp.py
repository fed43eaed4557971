"""A server of e-mail for tests: what it takes, it writes to a folder. smtp.py FOLDER CERT KEY MODE USER PASSWORD WAYS

MODE is starttls, implicit or plain. It prints its port, and ends when its input does."""
import asyncio, os, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

folder, cert, key, mode, user, password, ways = sys.argv[1:8]


class Handler:
    n = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 there is nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        Handler.n += 1
        with open(os.path.join(folder, ".new"), "wb") as f:
            f.write(b"X-Mail-From: " + envelope.mail_from.encode() + b"\r\nX-Rcpt-To: " + envelope.rcpt_tos[0].encode() + b"\r\n" + envelope.original_content)
        os.rename(os.path.join(folder, ".new"), os.path.join(folder, "%d.eml" % Handler.n))
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and data.login == user.encode() and data.password == password.encode()
    return AuthResult(success=good, handled=False)


async def main():
    context = None
    if mode != "plain":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
    exclude = [w for w in ("PLAIN", "LOGIN") if w not in ways.split(",")]

    def make():
        return SMTP(
            Handler(), hostname="mail.test", authenticator=authenticate, auth_required=user != "", auth_require_tls=mode == "starttls",
            auth_exclude_mechanism=exclude, tls_context=context if mode == "starttls" else None, require_starttls=mode == "starttls",
        )

    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0, ssl=context if mode == "implicit" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main())
