"""What happens, as lines of JSON: passes, transitions, letters, deliveries, every entry of the audit log, alarms.

A line holds ids, numbers and states only: no address, no secret, nothing that people wrote.
"""

from __future__ import annotations

import fcntl
import logging
from logging.handlers import WatchedFileHandler
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kijitsu.store.rows import AuditRow

MOST_BYTES, KEPT_FILES = 10 * 1024 * 1024, 5
"""How long `kijitsu.jsonl` grows, and how many of its predecessors (kijitsu.jsonl.1 the newest) are kept."""

# Below `kijitsu`, whose lines Prefect shows beside the run that they belong to (PREFECT_LOGGING_EXTRA_LOGGERS).
_log = logging.getLogger(__name__)
_log.setLevel(logging.INFO)
_lock = Lock()

# Their subject is no plan; nor is that of an entry on an account, `accounts` or `accounts/NAME`.
_ON_NO_PLAN = ("trial", "export")


def tell(logs: Path, event: str, sentence: str = "", **fields: str | int | float | None) -> None:
    """Add a line on an event to `kijitsu.jsonl` in the folder `logs`; fields that are None or empty are left out.

    With a sentence, in Japanese for people, the line is a warning. A line that cannot be written stops nobody.
    """
    known = {name: value for name, value in fields.items() if value not in (None, "")}
    with _lock:
        _keep_in(logs / "kijitsu.jsonl")
        _log.log(logging.WARNING if sentence else logging.INFO, sentence or event, extra={"event": event, **known})


def tell_audit(logs: Path, entry: AuditRow) -> None:
    """Add a line on an entry that was added to the audit log."""
    plan, _, rest = entry.subject.partition("/")
    if entry.action in _ON_NO_PLAN or plan == "accounts":
        plan = rest = ""
    # What has more parts is a message's key.
    milestone = "" if "/" in rest else rest
    revision, run = entry.details.get("revision"), entry.details.get("flow_run")
    about = {"action": entry.action, "subject": entry.subject, "plan": plan, "milestone": milestone}
    tell(logs, "audit", audit=entry.number, **about, revision=revision, flow_run=run)


def _keep_in(file: Path) -> None:
    """Let the lines go to this file, in place of one of another home."""
    kept = [handler for handler in _log.handlers if isinstance(handler, _SharedFile)]
    if kept and kept[0].baseFilename == str(file.absolute()):
        return
    for handler in kept:
        _log.removeHandler(handler)
        handler.close()
    _log.addHandler(_SharedFile(file))


class _SharedFile(WatchedFileHandler):
    """A file to which several processes add lines; whoever finds it too long puts it aside, the others follow."""

    def __init__(self, file: Path) -> None:
        from pythonjsonlogger.json import JsonFormatter

        super().__init__(file, encoding="utf-8", delay=True)
        self._file = file
        renamed = {"levelname": "level", "timestamp": "at"}
        # The instant, the level and the sentence, then whatever the event brings along.
        self.setFormatter(
            JsonFormatter(("levelname", "message"), rename_fields=renamed, timestamp=True, json_ensure_ascii=False)
        )

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            if self._is_full():
                self._put_aside()
            super().emit(record)
        except OSError:
            self.handleError(record)

    def _is_full(self) -> bool:
        return self._file.exists() and self._file.stat().st_size >= MOST_BYTES

    def _put_aside(self) -> None:
        with self._file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._is_full():  # nobody else did it meanwhile
                for number in reversed(range(KEPT_FILES)):
                    older = self._older(number)
                    if older.exists():
                        older.replace(self._older(number + 1))

    def _older(self, number: int) -> Path:
        return self._file.with_name(f"{self._file.name}.{number}") if number else self._file
