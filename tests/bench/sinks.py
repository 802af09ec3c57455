"""A mail relay and an HTTPS webhook that take everything and keep nothing, for a process of their own.

`python -m tests.bench.sinks PEM` prints the two ports and runs until its standard input ends. Both tell how many
messages they took so far: the relay in its answer to NOOP, the webhook in that to GET.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.integration.smtp_relays import tls


class Relay(asyncio.Protocol):
    """As much of SMTP as clients need, with PIPELINING and SIZE as Postfix and Exchange have them."""

    taken = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self.waiting = b""
        self.is_message = False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        answers = b""
        while True:
            end = b"\r\n.\r\n" if self.is_message else b"\r\n"
            line, found, rest = self.waiting.partition(end)
            if not found:
                break
            self.waiting = rest
            answers += self.answer(line[:4].upper())
        if answers:
            self.transport.write(answers)

    def answer(self, command: bytes) -> bytes:
        if self.is_message:
            self.is_message = False
            Relay.taken += 1
            return b"250 2.0.0 queued\r\n"
        match command:
            case b"EHLO":
                return b"250-sink\r\n250-PIPELINING\r\n250-SIZE 35882577\r\n250 8BITMIME\r\n"
            case b"DATA":
                self.is_message = True
                return b"354 go on\r\n"
            case b"QUIT":
                return b"221 bye\r\n"
            case b"NOOP":
                return b"250 %d\r\n" % Relay.taken
        return b"250 2.0.0 OK\r\n"


class Webhook(asyncio.Protocol):
    """As much of HTTP/1.1 as clients need, connections kept."""

    taken = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self.waiting = b""

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        while True:
            head, found, rest = self.waiting.partition(b"\r\n\r\n")
            _, _, length = head.lower().partition(b"content-length:")
            size = int(length.split(b"\r\n")[0]) if length else 0
            if not found or len(rest) < size:
                break
            self.waiting = rest[size:]
            Webhook.taken += head.startswith(b"POST")
            said = b"%d" % Webhook.taken
            self.transport.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said))


async def serve(pem: Path) -> None:
    """Listen, say where, and go on until nobody holds the other end of standard input."""
    loop = asyncio.get_running_loop()
    relay = await loop.create_server(Relay, "127.0.0.1", 0)
    webhook = await loop.create_server(Webhook, "127.0.0.1", 0, ssl=tls(pem))
    print(*(each.sockets[0].getsockname()[1] for each in (relay, webhook)), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
