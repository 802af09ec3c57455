"""Who did what, on whose word: a log that is only added to, each entry holding the hash of the one before."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, String, bindparam, func, insert, select, type_coerce

from kijitsu.store.engine import ADVISORY_LOCKS
from kijitsu.store.repository import Repository, rows_of, upsert, values
from kijitsu.store.rows import AuditRow
from kijitsu.store.tables import audit, audit_heads, canonical

GENESIS = "0" * 64
"""The previous hash of a municipality's first entry."""

_HEAD = select(audit_heads.c.number, audit_heads.c.hash).where(audit_heads.c.municipality == bindparam("here"))
_APPEND = insert(audit)
_HERE = audit.c.municipality == bindparam("here")
_ALL = rows_of(audit, AuditRow).order_by(audit.c.number)
# As the database holds them: an entry that does not even parse is to be reported, not to end the search.
_RAW = (
    select(
        *(
            type_coerce(column, String) if column.name in {"at", "details"} else column
            for column in _ALL.selected_columns
        )
    )
    .where(_HERE)
    .order_by(audit.c.number)
)
_LOCK = select(func.pg_advisory_xact_lock(ADVISORY_LOCKS, bindparam("chain")))


class Audit(Repository):
    """The audit log of a municipality."""

    def append(
        self,
        at: datetime,
        actor: str,
        authenticated_by: str,
        action: str,
        subject: str,
        details: Mapping[str, Any],
    ) -> AuditRow:
        """Add an entry and return it as it will be read; the chain's next writer waits for the commit."""
        self.take_turn()
        number, previous = self._head()
        # As JSON gives it back, so that the hash is over what is read and not over what was handed in.
        details = json.loads(canonical(details))
        entry = AuditRow(
            number + 1,
            at.astimezone(UTC),
            actor,
            authenticated_by,
            action,
            subject,
            details,
            previous,
            hash="",
        )
        fields = values(entry) | {"hash": self._digest(entry)}
        self._write(_APPEND, [fields])
        self._write(upsert(self._dialect, audit_heads), [{name: fields[name] for name in ("number", "hash")}])
        return AuditRow(**fields)

    def take_turn(self) -> None:
        """Wait for whoever is about to add an entry: what is read from here on stays true until the commit."""
        if self._dialect == "postgresql":
            # SQLite has one writer at a time anyway. The mask keeps the number within a signed integer.
            self._connection.execute(_LOCK, {"chain": zlib.crc32(self._municipality.encode()) & 0x7FFFFFFF})

    def all(self) -> list[AuditRow]:
        """Return all entries, the first one first."""
        return [AuditRow(*row) for row in self._rows(_ALL)]

    def verify(self) -> list[str]:
        """Return what is wrong with the log, in sentences naming the entry; none where it is as written."""
        return list(self._problems())

    def _problems(self) -> Iterator[str]:
        last, previous = 0, GENESIS
        for raw in self._run(_RAW):
            number = raw.number
            if number > last + 1:
                yield f"監査記録 {_span(last + 1, number - 1)} が欠けています。"
            elif number < 1:
                yield f"監査記録 {number}番 は、後から差し込まれたものです。"
                continue
            if not self._is_as_written(raw):
                yield f"監査記録 {number}番 の内容が、記録した後に書き換えられています。"
            elif number == last + 1 and raw.previous_hash != previous:
                yield (
                    f"監査記録 {number}番 が、前の記録につながっていません。"
                    f"{_span(max(last, 1), number)} のどちらかが、記録した後に作り直されています。"
                )
            last, previous = number, raw.hash
        head, head_hash = self._head()
        if last < head:
            yield f"監査記録 {_span(last + 1, head)} が欠けています。"
        elif last > head:
            yield f"監査記録 {_span(head + 1, last)} は、後から差し込まれたものです。"
        elif previous != head_hash:
            yield f"監査記録 {last}番 が、記録した後に作り直されています。"

    def _head(self) -> tuple[int, str]:
        # Not the newest entry: were it removed, the next one would take its number and hide that.
        row = self._run(_HEAD).first()
        return (row.number, row.hash) if row else (0, GENESIS)

    def _is_as_written(self, raw: Row[Any]) -> bool:
        try:
            entry = AuditRow(**raw._asdict() | {"at": _instant(raw.at), "details": json.loads(raw.details)})
        except (TypeError, ValueError):
            return False
        return entry.hash == self._digest(entry)

    def _digest(self, entry: AuditRow) -> str:
        hashed = values(entry) | {"municipality": self._municipality, "at": entry.at.isoformat()}
        del hashed["hash"]
        return sha256(canonical(hashed).encode()).hexdigest()


def _instant(stored: datetime | str) -> datetime:
    """Read what a driver gives for an instant: text on SQLite, aware on PostgreSQL."""
    if isinstance(stored, datetime):
        return stored.astimezone(UTC)
    return datetime.fromisoformat(stored).replace(tzinfo=UTC)


def _span(first: int, last: int) -> str:
    return f"{first}番" if first == last else f"{first}番から{last}番まで"
