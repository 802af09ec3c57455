"""Mail relays and a webhook for the tests: real servers on this machine, some of them in trouble."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Post:
    """What a relay does: keep what it takes, and answer a command as it was told to, each answer once ("" is yes)."""

    def __init__(self, **answers: list[str]) -> None:
        self.messages: list[bytes] = []
        self.senders: list[str] = []
        self.recipients: list[str] = []
        self.sessions: list[SMTP] = []
        self._answers = answers

    def _answer(self, command: str) -> str | None:
        answers = self._answers.get(command, [])
        return answers.pop(0) if answers else None

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if server not in self.sessions:
            self.sessions.append(server)
        if answer := self._answer("MAIL"):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if answer := self._answer("RCPT"):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        if answer := self._answer("DATA"):
            if answer == "hang":
                await asyncio.Event().wait()
            return answer
        self.messages.append(envelope.content)
        self.senders.append(envelope.mail_from)
        self.recipients += envelope.rcpt_tos
        return "250 OK"


class Relay(Controller):
    """A relay on a port that the system chose."""

    def __init__(self, post: Post, **options: Any) -> None:
        self.post = post
        self._listening = socket.create_server(("127.0.0.1", 0))
        super().__init__(post, hostname="127.0.0.1", port=self._listening.getsockname()[1], **options)

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._listening, ssl=self.ssl_context)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def hang_up(self) -> None:
        """Close the connection of every client, and return when it is closed."""
        closed = threading.Event()

        def close() -> None:
            for session in self.post.sessions:
                if session.transport is not None:
                    session.transport.close()
            self.loop.call_soon(closed.set)

        self.loop.call_soon_threadsafe(close)
        closed.wait()


@contextmanager
def relay(post: Post | None = None, **options: Any) -> Iterator[Relay]:
    running = Relay(post or Post(), **options)
    running.start()
    try:
        yield running
    finally:
        running.stop()


def sign_in(password: str) -> dict[str, Any]:
    """Return the options of a relay that lets in who knows the password, and tells it in its refusal."""

    def check(server: SMTP, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        given = data.password.decode()
        refusal = f"535 5.7.8 {given} is not the password"
        return AuthResult(success=given == password, handled=False, message=None if given == password else refusal)

    return {"authenticator": check, "auth_required": True, "auth_require_tls": False}


@contextmanager
def cut_off_in_the_middle() -> Iterator[str]:
    """Yield the place of a relay that hangs up while it is given the message."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = listening.accept()
        with client, client.makefile("rb") as lines:
            client.sendall(b"220 relay\r\n")
            for line in lines:
                if line.upper().startswith(b"DATA"):
                    client.sendall(b"354 go on\r\n")
                    lines.readline()
                    return
                client.sendall(b"250 OK\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        thread.join()
        listening.close()


def unused_place() -> str:
    """Return a place where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


def certificate(folder: Path) -> Path:
    """Write a key and a certificate of its own authority for 127.0.0.1, as one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2016, 4, 1, tzinfo=UTC))
        .not_valid_after(datetime(2116, 4, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "relay.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


def tls(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


class Webhook(ThreadingHTTPServer):
    """A Workflows webhook that answers with the statuses it was told, then 202."""

    def __init__(self, pem: Path, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), _WebhookHandler)
        self.socket = tls(pem).wrap_socket(self.socket, server_side=True)
        self.statuses = list(statuses)
        self.paths: list[str] = []
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        return (
            f"https://127.0.0.1:{self.server_port}/workflows/0123abcd/triggers/manual/paths/invoke"
            "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=HIMITSU-sig"
        )


class _WebhookHandler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        self.server.paths.append(self.path)
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def webhook(pem: Path, *statuses: int) -> Iterator[Webhook]:
    with Webhook(pem, *statuses) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
