"""Mail relays and a webhook for the tests: real servers on this machine, some of them in trouble."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


class Scripted:
    """A relay that at each stage answers with the line that it is told, or `hangs`, `closes`, `drips`; "" is yes.

    The stages are GREETING, the commands' names, and MESSAGE for what follows DATA. `commands` are those it got, by
    connection. A drip is a byte every 20 ms for some seconds, and then all is well.
    """

    def __init__(self, deeds: dict[str, list[str]], extensions: tuple[str, ...]) -> None:
        self.commands: list[list[str]] = []
        self.messages: list[bytes] = []
        self._deeds = deeds
        self._extensions = extensions
        self._over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def stop(self) -> None:
        self._over.set()
        with socket.create_connection(self._listening.getsockname()):  # wakes up who accepts
            pass
        for thread in self._threads:
            thread.join()
        self._listening.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            client, _ = self._listening.accept()
            thread = threading.Thread(target=self._serve, args=(client,))
            thread.start()
            self._threads.append(thread)

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as lines, suppress(OSError):
            client.settimeout(10)
            commands: list[str] = []
            if self._does(client, "GREETING", "220 relay"):
                for line in lines:
                    if not commands:
                        self.commands.append(commands)
                    command = line.decode().split()[0].upper()
                    commands.append(command)
                    if not self._obeys(client, command, lines):
                        break

    def _obeys(self, client: socket.socket, command: str, lines: Any) -> bool:
        """Answer a command; return whether the connection goes on."""
        match command:
            case "EHLO":
                features = "\r\n".join(["250-relay", *(f"250-{each}" for each in self._extensions), "250 HELP"])
                return bool(self._does(client, command, features))
            case "DATA":
                answer = self._does(client, command, "354 go on")
                if answer.startswith("354"):
                    message = b""
                    while not message.endswith(b"\r\n.\r\n"):
                        line = lines.readline()
                        if not line:
                            return False
                        message += line
                    self.messages.append(message.removesuffix(b".\r\n"))
                    answer = self._does(client, "MESSAGE", "250 2.0.0 queued as 4711")
                return bool(answer)
            case "QUIT":
                self._does(client, command, "221 bye")
                return False
        return bool(self._does(client, command, "250 OK"))

    def _does(self, client: socket.socket, stage: str, yes: str) -> str:
        """Do what is told for the stage; return the answer, "" where the connection ends."""
        deeds = self._deeds.get(stage, [])
        deed = deeds.pop(0) if deeds else ""
        match deed:
            case "hangs":
                self._over.wait()
                return ""
            case "closes":
                return ""
            case "drips":
                for byte in f"250-{'x' * 200}\r\n{yes}\r\n".encode():
                    client.sendall(bytes([byte]))
                    self._over.wait(0.02)
                return yes
        client.sendall(f"{deed or yes}\r\n".encode())
        return deed or yes


@contextmanager
def scripted(*extensions: str, **deeds: list[str]) -> Iterator[Scripted]:
    running = Scripted(deeds, extensions)
    try:
        yield running
    finally:
        running.stop()


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
    """A webhook that answers as it was told, then with 202; over HTTPS where it is given a certificate.

    An answer is a status, a status with headers, or `hangs`, `closes`, `drips`.
    """

    def __init__(self, pem: Path | None, *answers: int | str | tuple[int, dict[str, str]]) -> None:
        super().__init__(("127.0.0.1", 0), _WebhookHandler)
        if pem:
            self.socket = tls(pem).wrap_socket(self.socket, server_side=True)
        self.answers = list(answers)
        self.paths: list[str] = []
        self.bodies: list[bytes] = []
        self.connections: set[tuple[str, int]] = set()
        self.over = threading.Event()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return (
            f"https://{self.place}/workflows/0123abcd/triggers/manual/paths/invoke"
            "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=HIMITSU-sig"
        )

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that gives up is what the test is about


class _WebhookHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections
    disable_nagle_algorithm = True
    server: Webhook

    def do_POST(self) -> None:
        self.server.connections.add(self.client_address)
        self.server.paths.append(self.path)
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        answer = self.server.answers.pop(0) if self.server.answers else 202
        if isinstance(answer, str):
            self.close_connection = True
            if answer == "hangs":
                self.server.over.wait()
            if answer == "drips":
                for byte in b"HTTP/1.1 202 Accepted\r\nX: " + b"x" * 200 + b"\r\nContent-Length: 0\r\n\r\n":
                    self.wfile.write(bytes([byte]))
                    self.server.over.wait(0.02)
            return
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def webhook(pem: Path | None, *answers: int | str | tuple[int, dict[str, str]]) -> Iterator[Webhook]:
    with Webhook(pem, *answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()
