"""Libraries that log addresses and payloads: what they say is kept out of every log, and read where only it tells."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_APPRISE = logging.getLogger("apprise")
_HTTP = [logging.getLogger(f"urllib3.{name}") for name in ("connection", "connectionpool", "util.retry")]


@contextmanager
def hushed() -> Iterator[list[str]]:
    """Keep what Apprise and the HTTP library log in this thread out of the logs, and yield the lines of Apprise."""
    lines: list[str] = []
    thread = threading.get_ident()

    def collect(record: logging.LogRecord) -> bool:
        if record.thread != thread:
            return True
        if record.name == _APPRISE.name:
            lines.append(record.getMessage())
        return False

    loggers = (_APPRISE, *_HTTP)
    for logger in loggers:
        logger.addFilter(collect)
    try:
        yield lines
    finally:
        for logger in loggers:
            logger.removeFilter(collect)


@contextmanager
def apprise_says() -> Iterator[list[str]]:
    """Do as `hushed`, and have every warning said, however little is logged: only there Apprise tells a status."""
    level = _APPRISE.level
    _APPRISE.setLevel(logging.WARNING)  # payloads are told at lower levels
    try:
        with hushed() as lines:
            yield lines
    finally:
        _APPRISE.setLevel(level)
