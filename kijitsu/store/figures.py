"""Counts for whoever watches an installation from outside, each read from an index: they are asked for every minute."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import bindparam, func, select

from kijitsu.store import tables
from kijitsu.store.repository import Repository, spelled
from kijitsu.store.rows import OutboxState


class LastPass(NamedTuple):
    """When a plan's latest pass ran, and what it left of itself."""

    plan: str
    ran_at: datetime
    summary: dict[str, Any]


def _counted(*columns: Any) -> Any:
    table = columns[0].table
    return select(*columns, func.count()).where(table.c.municipality == bindparam("here")).group_by(*columns)


_MILESTONES = _counted(tables.standings.c.plan, tables.standings.c.status)
_REMINDERS = _counted(tables.reminders.c.plan, tables.reminders.c.state)
_MESSAGES = _counted(tables.outbox.c.state, tables.outbox.c.channel)
_OLDEST_WAITING = select(func.min(tables.outbox.c.written_at)).where(
    tables.outbox.c.municipality == bindparam("here"), tables.outbox.c.state == spelled(OutboxState.PENDING)
)
_NEWEST = (
    select(tables.passes.c.plan, func.max(tables.passes.c.occurred_on).label("occurred_on"))
    .where(tables.passes.c.municipality == bindparam("here"))
    .group_by(tables.passes.c.plan)
    .subquery()
)
_PASSES = (
    select(*(tables.passes.c[name] for name in LastPass._fields))
    .join(_NEWEST, (_NEWEST.c.plan == tables.passes.c.plan) & (_NEWEST.c.occurred_on == tables.passes.c.occurred_on))
    .where(tables.passes.c.municipality == bindparam("here"))
)


_NEWEST_ENTRY = (
    select(tables.audit.c.at)
    .where(tables.audit.c.municipality == bindparam("here"))
    .order_by(tables.audit.c.number.desc())
    .limit(1)
)
_CLOCK = select(func.clock_timestamp(type_=tables.Instant))


class Figures(Repository):
    """What there is of everything, by plan and state."""

    def milestones(self) -> dict[tuple[str, str], int]:
        """Return how many milestones each plan has in each status, as of its latest pass."""
        return _by_two(self._rows(_MILESTONES))

    def reminders(self) -> dict[tuple[str, str], int]:
        """Return how many reminders of each plan are in each state."""
        return _by_two(self._rows(_REMINDERS))

    def messages(self) -> dict[tuple[str, str], int]:
        """Return how many messages are in each state, by channel."""
        return _by_two(self._rows(_MESSAGES))

    def oldest_waiting(self) -> datetime | None:
        """Return when the oldest message was written that is not sent yet, None where none waits."""
        return cast("datetime | None", self._run(_OLDEST_WAITING).scalar())

    def passes(self) -> list[LastPass]:
        """Return the latest pass of every plan."""
        return [LastPass(*row) for row in self._rows(_PASSES)]

    def newest_entry(self) -> datetime | None:
        """Return when the newest entry of the audit log was made, None before the first."""
        return cast("datetime | None", self._run(_NEWEST_ENTRY).scalar())

    def clock(self) -> datetime | None:
        """Return what the clock of the database's server says, None for SQLite, which has none of its own."""
        if self._dialect != "postgresql":
            return None
        return self._connection.execute(_CLOCK).scalar_one()


def _by_two(rows: Iterable[Any]) -> dict[tuple[str, str], int]:
    return {(str(first), str(second)): count for first, second, count in sorted(rows)}
