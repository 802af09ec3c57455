"""How long a server is waited for: one that drips a byte at a time is given up like one that is silent."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from time import monotonic
from typing import Any


@dataclass(slots=True)
class Patience:
    """Seconds of `silence` that a server may keep, and the moment (of `time.monotonic`) when all must be over."""

    silence: float
    ends_at: float

    @classmethod
    def of(cls, silence: float, limit: float) -> Patience:
        """Return the patience of something that begins now and may take `limit` seconds as a whole."""
        return cls(silence, monotonic() + limit)

    @property
    def is_over(self) -> bool:
        """True when there is no time left."""
        return monotonic() >= self.ends_at

    def left(self) -> float:
        """Return how many seconds the next step may take. Raises TimeoutError when time is over."""
        left = self.ends_at - monotonic()
        if left <= 0:
            raise TimeoutError
        return min(self.silence, left)


class _Drops(RawIOBase):
    """What a socket receives; its own timeout would begin anew with every byte."""

    def __init__(self, sock: socket.socket, left: Callable[[], float]) -> None:
        self._sock = sock
        self._received = sock.makefile("rb", buffering=0)
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._left())
        return self._received.readinto(buffer)

    def close(self) -> None:
        self._received.close()
        super().close()


def patient_file(sock: socket.socket, left: Callable[[], float]) -> BufferedReader:
    """Return `sock.makefile("rb")` for which `left` says before each step how many seconds it may take."""
    return BufferedReader(_Drops(sock, left))
