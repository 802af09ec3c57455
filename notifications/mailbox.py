"""A mail server on this machine that keeps what it gets as files: the channel that needs no relay."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import socket
import threading
from collections import Counter
from datetime import UTC, datetime, tzinfo
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

from aiosmtpd.smtp import SMTP

_JAPAN = ZoneInfo("Asia/Tokyo")
_NAME = re.compile(r"(\d{6,})_\d{4}-\d\d-\d\d_.*_([0-9a-f]{12})(?:-\d+)?\.eml")


class LocalMailbox:
    """Takes mail at `url` and stores each message in `folder` as one .eml file, while used in a `with` block.

    Files are named `000012_2016-06-03_residents_3f9a1c2b7d60.eml`: the number of arrival, the Date header's day in
    `zone`, the recipient's local part and a hash of the Message-ID. A Message-ID that arrives again gets `-2`, `-3`, ….
    A message is answered 250 once its file is whole and in place; a reader never sees half of one.
    """

    def __init__(self, folder: Path, zone: tzinfo = _JAPAN) -> None:
        self.folder = folder
        self.url = ""
        self._zone = zone

    def __enter__(self) -> Self:
        self._files = MessageFolder(self.folder, self._zone)
        # The socket listens from here on, on a port that the system chose, so that nobody has to wait for the thread.
        # aiosmtpd's own Controller cannot do this: with port 0 it goes on to connect to port 0.
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self._socket.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="kijitsu-mailbox", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await self._loop.create_server(self._session, sock=self._socket)
        await self._closing.wait()
        # Sessions that are still open end with the runner, which cancels them.
        server.close()

    def _session(self) -> SMTP:
        return _Session(self, hostname="localhost", ident="Kijitsu", enable_SMTPUTF8=True, loop=self._loop)

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        """Store one message and answer with the name of its file."""
        try:
            return f"250 {self._files.store(envelope.rcpt_tos[0], envelope.content)}"
        except OSError as error:
            return f"452 cannot store the message: {error.strerror}"


class _Session(SMTP):
    """aiosmtpd's session, but for DATA, which it reads line by line: half of what a message costs."""

    line_length_limit = 32 * 1024 * 1024

    async def smtp_DATA(self, arg: str | None) -> None:
        """Read up to the line with only a dot, and pass what came to the mailbox."""
        envelope = self.envelope
        if arg or envelope is None or not envelope.rcpt_tos:
            await self.push("501 Syntax: DATA" if arg else "503 Error: need RCPT command")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        data = b""
        try:
            while data != b".\r\n" and not data.endswith(b"\r\n.\r\n"):
                data += await self._reader.readuntil(b".\r\n")
        except asyncio.LimitOverrunError:
            await self.push("552 Error: too much mail data")
            self._writer.close()
            return
        envelope.content = data[:-3].replace(b"\r\n..", b"\r\n.").removeprefix(b".")
        answer = await self.event_handler.handle_DATA(self, self.session, envelope)
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        await self.push(answer)


class MessageFolder:
    """A folder of messages, made if need be, numbered and named as LocalMailbox says.

    `outlives_a_power_cut` has each message on the disk before it counts as stored; that takes milliseconds.
    """

    def __init__(self, folder: Path, zone: tzinfo = _JAPAN, outlives_a_power_cut: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._outlives_a_power_cut = outlives_a_power_cut
        self._zone = zone
        self._headers = BytesHeaderParser()
        self._count_anew()

    def store(self, recipient: str, content: bytes) -> str:
        """Write the message beside its place, then put it there under a name that was free, and return the name.

        Raises OSError where that fails, and then nothing is left of it.
        """
        headers = self._headers.parsebytes(content.partition(b"\r\n\r\n")[0])
        message_id = hashlib.sha256((headers["Message-ID"] or "").strip().encode()).hexdigest()[:12]
        part = self._folder / f".{os.getpid()}-{id(self)}.part"
        try:
            with part.open("wb") as file:
                file.write(content)
                if self._outlives_a_power_cut:
                    file.flush()
                    os.fsync(file.fileno())
            while True:
                name = self._next_name(self._day(headers["Date"]), recipient, message_id)
                try:
                    # A link, for unlike a rename it does not replace what another process put there in the meantime.
                    os.link(part, self._folder / name)
                except FileExistsError:
                    self._count_anew()
                else:
                    return name
        finally:
            part.unlink(missing_ok=True)

    def _next_name(self, day: str, recipient: str, message_id: str) -> str:
        self._last += 1
        self._seen[message_id] += 1
        local = re.sub(r"[^A-Za-z0-9.+-]", "-", recipient.rpartition("@")[0])[:40]
        repeat = f"-{self._seen[message_id]}" if self._seen[message_id] > 1 else ""
        return f"{self._last:06d}_{day}_{local}_{message_id}{repeat}.eml"

    def _day(self, sent: str | None) -> str:
        try:
            moment = parsedate_to_datetime(sent or "")
        except ValueError:
            moment = datetime.now(UTC)
        return moment.astimezone(self._zone).date().isoformat()

    def _count_anew(self) -> None:
        stored = [match.groups() for path in self._folder.iterdir() if (match := _NAME.fullmatch(path.name))]
        self._last = max((int(number) for number, _ in stored), default=0)
        self._seen = Counter(message_id for _, message_id in stored)
