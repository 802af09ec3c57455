"""The ledger of reminders: each is written once, whoever tries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import bindparam, exists, or_, select, update

from kijitsu.store.repository import Repository, insert_new, rows_of, values
from kijitsu.store.rows import OutboxState, ReminderKey, ReminderRow, ReminderState
from kijitsu.store.tables import outbox, reminders

_KEY = [reminders.c[name] for name in ReminderKey._fields]
_HERE = reminders.c.municipality == bindparam("here")

_KEYS = select(*_KEY).where(_HERE, reminders.c.plan == bindparam("plan"))
_ALL = (
    rows_of(reminders, ReminderRow).where(reminders.c.plan == bindparam("plan")).order_by(reminders.c.written_on, *_KEY)
)
_SINCE = _ALL.where(reminders.c.written_on >= bindparam("since"))
# PostgreSQL waits here for a claim under way, and then sees it.
_UNCLAIMED = exists(
    select(outbox.c.key)
    .where(
        outbox.c.municipality == reminders.c.municipality,
        outbox.c.key == reminders.c.message_key,
        outbox.c.state == OutboxState.PENDING,
        outbox.c.lease_token.is_(None),
    )
    .with_for_update()
)
_SUPERSEDE = (
    update(reminders)
    .where(
        _HERE,
        *(column == bindparam(f"key_{column.name}") for column in _KEY),
        reminders.c.state == ReminderState.PENDING,
        or_(reminders.c.message_key.is_(None), _UNCLAIMED),
    )
    .values(state=ReminderState.SUPERSEDED)
    .returning(reminders.c.message_key)
)
_WITHDRAW = (
    update(outbox)
    .where(
        outbox.c.municipality == bindparam("here"),
        outbox.c.key.in_(bindparam("carriers", expanding=True)),
        ~exists(
            select(reminders.c.message_key).where(
                reminders.c.municipality == outbox.c.municipality,
                reminders.c.message_key == outbox.c.key,
                reminders.c.state == ReminderState.PENDING,
            )
        ),
    )
    .values(state=OutboxState.WITHDRAWN)
)
_SETTLE = (
    update(reminders)
    .where(
        _HERE,
        reminders.c.message_key.in_(bindparam("carriers", expanding=True)),
        reminders.c.state.in_([ReminderState.PENDING, ReminderState.DEAD]),
    )
    .values(state=bindparam("settled"))
)


class Reminders(Repository):
    """Which reminders were written, by what message, and what became of them."""

    def keys(self, plan: str) -> set[ReminderKey]:
        """Return the keys of all the plan's reminders, in whatever state."""
        return {ReminderKey(*row) for row in self._rows(_KEYS, plan=plan)}

    def all(self, plan: str, since: date | None = None) -> list[ReminderRow]:
        """Return the plan's reminders written on `since` or later, in the order of their days."""
        found = self._rows(_ALL, plan=plan) if since is None else self._rows(_SINCE, plan=plan, since=since)
        return [ReminderRow(*row) for row in found]

    def add(self, rows: Sequence[ReminderRow]) -> list[ReminderRow]:
        """Write the reminders that nobody wrote before, and return those, in the order given.

        The message that a row names has to be in the outbox by the time of the commit.
        """
        statement = insert_new(self._dialect, reminders)
        new = {ReminderKey(*row) for row in self._write(statement, [values(row) for row in rows])}
        written = []
        for row in rows:
            if row.key in new:
                new.remove(row.key)
                written.append(row)
        return written

    def supersede(self, keys: Iterable[ReminderKey]) -> list[ReminderKey]:
        """Take back those that are pending and whose message nobody has claimed; return their keys.

        A message that carries nothing else is withdrawn. One that does still goes out as it was worded.
        """
        superseded, carriers = [], set()
        for key in keys:
            row = self._run(_SUPERSEDE, **{f"key_{name}": value for name, value in key._asdict().items()}).first()
            if row:
                superseded.append(key)
                carriers.add(row.message_key)
        self._run(_WITHDRAW, carriers=list(carriers - {None}))
        return superseded

    def settle(self, message_keys: Iterable[str], state: ReminderState) -> None:
        """Set what became of the reminders that these messages carry; superseded and covered ones stay so."""
        self._run(_SETTLE, carriers=list(message_keys), settled=state)
