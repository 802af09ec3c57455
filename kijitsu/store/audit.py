"""Who did what, on whose word: a log that is only added to, each entry holding the hash of the one before."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, String, bindparam, func, insert, or_, select, type_coerce

from kijitsu.domain.errors import InputError
from kijitsu.store.engine import ADVISORY_LOCKS
from kijitsu.store.repository import Repository, rows_of, upsert, values
from kijitsu.store.rows import AuditHead, AuditRow, EntriesWanted
from kijitsu.store.tables import announcements, audit, audit_heads, canonical

GENESIS = "0" * 64
"""The previous hash of a municipality's first entry."""

_HEAD = select(audit_heads.c.number, audit_heads.c.hash).where(audit_heads.c.municipality == bindparam("here"))
_APPEND = insert(audit)
_HERE = audit.c.municipality == bindparam("here")
_ALL = rows_of(audit, AuditRow).order_by(audit.c.number)
_AFTER = _ALL.where(audit.c.number > bindparam("number")).limit(bindparam("most"))
_OF = _ALL.where(audit.c.action.in_(bindparam("actions", expanding=True)))
_NEWEST_FIRST = rows_of(audit, AuditRow).order_by(audit.c.number.desc()).limit(bindparam("most"))
_HASHES = select(audit.c.number, audit.c.hash).where(_HERE, audit.c.number.in_(bindparam("numbers", expanding=True)))
_COUNT = select(func.count()).where(_HERE)
_ANNOUNCED = select(announcements.c.number).where(announcements.c.municipality == bindparam("here"))
_LOCK = select(func.pg_advisory_xact_lock(ADVISORY_LOCKS, bindparam("chain")))
_ROWS_AT_ONCE = 1000
"""A log of years is never in memory as a whole."""


def _raw(at: ColumnElement[Any]) -> Select[Any]:
    """Select entries as the database holds them: what does not even parse is reported, and does not end the search."""
    as_held = {"at": at.label("at"), "details": type_coerce(audit.c.details, String).label("details")}
    columns = (as_held.get(column.name, column) for column in _ALL.selected_columns)
    return select(*columns).where(_HERE).order_by(audit.c.number)


_RAW = {
    "sqlite": _raw(type_coerce(audit.c.at, String)),
    # As SQLite spells an instant; the era is for what no driver would read.
    "postgresql": _raw(func.to_char(func.timezone("UTC", audit.c.at), "YYYY-MM-DD HH24:MI:SS.US AD")),
}


class Audit(Repository):
    """The audit log of a municipality. What is added names the `flow_run` of Prefect that it is part of, if any."""

    def __init__(self, connection: Connection, municipality: str, flow_run: str = "") -> None:
        super().__init__(connection, municipality)
        self._flow_run = flow_run
        self._appended: list[AuditRow] = []

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
        run = {"flow_run": self._flow_run} if self._flow_run else {}
        details = json.loads(canonical({**details, **run}))
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
        self._appended.append(AuditRow(**fields))
        return self._appended[-1]

    def take_appended(self) -> list[AuditRow]:
        """Return what was added since this was last asked."""
        taken, self._appended = self._appended, []
        return taken

    def take_turn(self) -> None:
        """Wait for whoever is about to add an entry: what is read from here on stays true until the commit."""
        if self._dialect == "postgresql":
            # SQLite has one writer at a time anyway. The mask keeps the number within a signed integer.
            self._connection.execute(_LOCK, {"chain": zlib.crc32(self._municipality.encode()) & 0x7FFFFFFF})

    def all(self) -> list[AuditRow]:
        """Return all entries, the first one first."""
        return list(self.each())

    def each(self) -> Iterator[AuditRow]:
        """Yield all entries, the first one first, a few at a time. Raises InputError for one that cannot be read."""
        with _readable():
            for row in self._stream(_ALL):
                yield AuditRow(*tuple(row))

    def after(self, number: int, most: int) -> list[AuditRow]:
        """Return the entries after a number, the first one first, so many at the most."""
        return [AuditRow(*row) for row in self._rows(_AFTER, number=number, most=most)]

    def of(self, actions: Collection[str]) -> list[AuditRow]:
        """Return the entries on some actions, the first one first."""
        return [AuditRow(*row) for row in self._rows(_OF, actions=list(actions))]

    def page(self, wanted: EntriesWanted, most: int, before: int | None = None) -> list[AuditRow]:
        """Return entries, the newest first, so many at the most; those with a number less than `before`.

        Raises InputError for one that cannot be read.
        """
        conditions = list(_conditions(wanted))
        if before is not None:
            conditions.append(audit.c.number < before)
        with _readable():
            return [AuditRow(*row) for row in self._rows(_NEWEST_FIRST.where(*conditions), most=most)]

    def in_chain(self, entries: Sequence[AuditRow]) -> set[int]:
        """Return the numbers of those entries that are what their hash says, and hold the hash of the one before."""
        wanted = [each.number - 1 for each in entries]
        hashes = {0: GENESIS, **{row.number: row.hash for row in self._rows(_HASHES, numbers=wanted)}}
        return {
            each.number
            for each in entries
            if each.hash == self._digest(each) and each.previous_hash == hashes.get(each.number - 1)
        }

    def announced(self) -> int:
        """Return the number up to which entries were announced, 0 where none was."""
        return int(self._run(_ANNOUNCED).scalar() or 0)

    def announce(self, number: int) -> None:
        """Remember that the entries up to a number were announced."""
        self._write(upsert(self._dialect, announcements), [{"number": number}])

    def count(self) -> int:
        """Return how many entries there are."""
        return int(self._run(_COUNT).scalar_one())

    def head(self) -> AuditHead:
        """Return where the chain ends: number 0 and the hash of GENESIS before the first entry."""
        return AuditHead(*self._head())

    def verify(
        self, witness: AuditHead | None = None, on_entry: Callable[[AuditRow], None] = lambda entry: None
    ) -> list[str]:
        """Return what is wrong with the log, in sentences naming the entry; none where it is as written.

        `witness` is the head as somebody noted it down, its hash from the first digit on: the log must still lead
        there. Only that shows a log that was cut or rebuilt together with its head. `on_entry` is given every entry
        that is as it was written.
        """
        return list(self._problems(witness, on_entry))

    def _problems(self, witness: AuditHead | None, on_entry: Callable[[AuditRow], None]) -> Iterator[str]:
        last, previous, witnessed = 0, GENESIS, ""
        for raw in self._stream(_RAW[self._dialect]):
            number = raw.number
            # SQLite's integers may be fractions and texts, and a table made anew may hold a number twice.
            if not isinstance(number, int) or number <= last:
                yield f"監査記録 {number}番 は、後から差し込まれたものです。"
                continue
            if number > last + 1:
                yield f"監査記録 {_span(last + 1, number - 1)} が欠けています。"
            entry = self._as_written(raw)
            if entry is None:
                yield f"監査記録 {number}番 の内容が、記録した後に書き換えられています。"
            else:
                on_entry(entry)
                if number == last + 1 and raw.previous_hash != previous:
                    yield (
                        f"監査記録 {number}番 が、前の記録につながっていません。"
                        f"{_span(max(last, 1), number)} のどちらかが、記録した後に作り直されています。"
                    )
            last, previous = number, raw.hash
            if witness and number == witness.number:
                witnessed = str(raw.hash)
        yield from self._problems_of_head(last, previous)
        if witness:
            yield from _problems_of_witness(witness, witnessed, last)

    def _problems_of_head(self, last: int, previous: str) -> Iterator[str]:
        head = self.head()
        if last < head.number:
            yield f"監査記録 {_span(last + 1, head.number)} が欠けています。"
        elif last > head.number == 0:
            yield f"監査記録の最後（{last}番）の控えが消されています。"
        elif last > head.number:
            yield f"監査記録 {_span(head.number + 1, last)} は、後から差し込まれたものです。"
        elif previous != head.hash:
            yield f"監査記録 {last}番 が、記録した後に作り直されています。"

    def _stream(self, statement: Select[Any]) -> Iterator[Row[Any]]:
        options = {"yield_per": _ROWS_AT_ONCE}
        return iter(self._connection.execute(statement, {"here": self._municipality}, execution_options=options))

    def _head(self) -> tuple[int, str]:
        # Not the newest entry: were it removed, the next one would take its number and hide that.
        row = self._run(_HEAD).first()
        return (row.number, row.hash) if row else (0, GENESIS)

    def _as_written(self, raw: Row[Any]) -> AuditRow | None:
        """Return an entry whose hash is that of its content, None for any other.

        The spelling counts too: of a key that JSON holds twice, and of an instant with a zone, others read another
        value than we do.
        """
        try:
            text = raw.at.removesuffix(" AD")
            at = datetime.fromisoformat(text).replace(tzinfo=None)
            entry = AuditRow(**raw._asdict() | {"at": at.replace(tzinfo=UTC), "details": json.loads(raw.details)})
            is_ours = (
                text == at.isoformat(" ", "microseconds")
                and raw.details == canonical(entry.details)
                and entry.hash == self._digest(entry)
            )
        except (AttributeError, TypeError, ValueError, RecursionError):
            return None
        return entry if is_ours else None

    def _digest(self, entry: AuditRow) -> str:
        hashed = values(entry) | {"municipality": self._municipality, "at": entry.at.isoformat()}
        del hashed["hash"]
        return sha256(canonical(hashed).encode()).hexdigest()


def _conditions(wanted: EntriesWanted) -> Iterator[ColumnElement[bool]]:
    subject = audit.c.subject
    if wanted.plan:
        yield or_(subject == wanted.plan, subject.startswith(f"{wanted.plan}/", autoescape=True))
    if wanted.milestone:
        # An id stands in the details as a text of its own.
        said = type_coerce(audit.c.details, String).contains(canonical(wanted.milestone), autoescape=True)
        yield or_(subject == f"{wanted.plan}/{wanted.milestone}", said)
    if wanted.actor:
        yield audit.c.actor.contains(wanted.actor, autoescape=True)
    if wanted.action:
        yield audit.c.action == wanted.action
    if wanted.first:
        yield audit.c.at >= wanted.first
    if wanted.last:
        yield audit.c.at < wanted.last


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except ValueError as exc:
        raise InputError("監査記録に読めないものがあります。kijitsu audit verify で番号を確かめてください。") from exc


def _problems_of_witness(witness: AuditHead, found: str, last: int) -> Iterator[str]:
    """Say how the log differs from what was noted down; `found` is the hash of that number, "" where it is missing."""
    if witness.number > last:
        yield (
            f"控えにある監査記録 {witness.number}番 がありません。今の記録は{last}番で終わっています。"
            "終わりが切り取られたか、古いバックアップに戻されています。"
        )
    elif not found:
        yield f"控えにある監査記録 {witness.number}番 がありません。"
    elif not found.startswith(witness.hash):
        yield (
            f"監査記録 {witness.number}番 のハッシュが、控え（{witness.hash[:16]}）と違います（今は {found[:16]}）。"
            f"{_span(1, witness.number)} のどれかから後が、作り直されています。"
        )


def _span(first: int, last: int) -> str:
    return f"{first}番" if first == last else f"{first}番から{last}番まで"
