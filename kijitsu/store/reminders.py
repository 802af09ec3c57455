"""The ledger of reminders: each is written once, whoever tries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from operator import itemgetter

from sqlalchemy import bindparam, exists, or_, select, update

from kijitsu.store.repository import Repository, insert_again, rows_of, spelled, values
from kijitsu.store.rows import OutboxState, ReminderKey, ReminderRow, ReminderState
from kijitsu.store.tables import outbox, reminders

_KEY = [reminders.c[name] for name in ReminderKey._fields]
_HERE = reminders.c.municipality == bindparam("here")
_THIS = (_HERE, *(column == bindparam(f"key_{column.name}") for column in _KEY))

_STATES = select(*_KEY, reminders.c.state).where(
    _HERE,
    reminders.c.plan == bindparam("plan"),
    reminders.c.milestone.in_(bindparam("milestones", expanding=True)),
    reminders.c.deadline >= bindparam("since"),
)
_ALL = (
    rows_of(reminders, ReminderRow).where(reminders.c.plan == bindparam("plan")).order_by(reminders.c.written_on, *_KEY)
)
_SINCE = _ALL.where(reminders.c.written_on >= bindparam("since"))
_WAITING = (
    rows_of(reminders, ReminderRow)
    .add_columns(outbox.c.attempts)
    .join(outbox, (outbox.c.municipality == reminders.c.municipality) & (outbox.c.key == reminders.c.message_key))
    .where(
        reminders.c.plan == bindparam("plan"),
        reminders.c.state == spelled(ReminderState.PENDING),
        outbox.c.state == spelled(OutboxState.PENDING),
        outbox.c.lease_token.is_(None),
    )
)
# Whoever sends passes these over until we commit.
_WAITING_HELD = _WAITING.with_for_update(of=outbox, skip_locked=True)
_CARRIER = select(reminders.c.message_key).where(*_THIS, reminders.c.message_key.is_not(None))
_CARRY = update(reminders).where(*_THIS).values(message_key=bindparam("carrier"))
# PostgreSQL waits here for a claim under way, and then sees it.
_UNCLAIMED = exists(
    select(outbox.c.key)
    .where(
        outbox.c.municipality == reminders.c.municipality,
        outbox.c.key == reminders.c.message_key,
        outbox.c.state == spelled(OutboxState.PENDING),
        outbox.c.lease_token.is_(None),
    )
    .with_for_update()
)
_SUPERSEDE = (
    update(reminders)
    .where(
        *_THIS,
        reminders.c.state == spelled(ReminderState.PENDING),
        or_(reminders.c.message_key.is_(None), _UNCLAIMED),
    )
    .values(state=bindparam("becomes"))
    .returning(reminders.c.message_key)
)
_WITHDRAW = (
    update(outbox)
    .where(
        outbox.c.municipality == bindparam("here"),
        outbox.c.key.in_(bindparam("carriers", expanding=True)),
        outbox.c.state == spelled(OutboxState.PENDING),
        outbox.c.lease_token.is_(None),
        ~exists(
            select(reminders.c.message_key).where(
                reminders.c.municipality == outbox.c.municipality,
                reminders.c.message_key == outbox.c.key,
                reminders.c.state == spelled(ReminderState.PENDING),
            )
        ),
    )
    .values(state=OutboxState.WITHDRAWN)
)
_SETTLE = (
    update(reminders)
    .where(
        _HERE,
        reminders.c.message_key == bindparam("carrier"),
        reminders.c.state.in_([spelled(ReminderState.PENDING), spelled(ReminderState.DEAD)]),
    )
    .values(state=bindparam("settled"))
)


class Reminders(Repository):
    """Which reminders were written, by what message, and what became of them."""

    def states(self, plan: str, milestones: Iterable[str], since: date) -> dict[ReminderKey, ReminderState]:
        """Return the reminders of some milestones, of deadlines from `since` on, each with what became of it."""
        found = self._rows(_STATES, plan=plan, milestones=list(milestones), since=since)
        return {ReminderKey(*row[:-1]): row[-1] for row in found}

    def waiting(self, plan: str, hold: bool = True) -> list[tuple[ReminderRow, bool]]:
        """Return the reminders whose message nobody is sending just now, each with whether it was never tried.

        Held, nobody will until this unit of work ends.
        """
        # Sorted here: asked for an order, SQLite reads the whole plan by its primary key to have it.
        found = sorted(self._rows(_WAITING_HELD if hold else _WAITING, plan=plan), key=itemgetter(slice(len(_KEY))))
        return [(ReminderRow(*row[:-1]), row[-1] == 0) for row in found]

    def carriers(self, keys: Iterable[ReminderKey]) -> set[str]:
        """Return the messages that carry these reminders, or did before they were superseded."""
        return {row.message_key for key in keys for row in self._run(_CARRIER, **_named(key))}

    def carry(self, keys: Iterable[ReminderKey], message_key: str) -> None:
        """Let a message carry these reminders; `withdraw` the one that did before."""
        for key in keys:
            self._run(_CARRY, **_named(key), carrier=message_key)

    def withdraw(self, message_keys: Iterable[str]) -> None:
        """Withdraw those of some messages, which nobody is sending, that carry nothing any more."""
        self._run(_WITHDRAW, carriers=list(message_keys))

    def all(self, plan: str, since: date | None = None) -> list[ReminderRow]:
        """Return the plan's reminders written on `since` or later, in the order of their days."""
        found = self._rows(_ALL, plan=plan) if since is None else self._rows(_SINCE, plan=plan, since=since)
        return [ReminderRow(*row) for row in found]

    def add(self, rows: Sequence[ReminderRow]) -> list[ReminderRow]:
        """Write the reminders that nobody wrote before or that were superseded; return those, in the order given.

        The message that a row names has to be in the outbox by the time of the commit.
        """
        statement = insert_again(self._dialect, reminders, ReminderState.SUPERSEDED)
        # PostgreSQL refuses to write over what the same statement wrote.
        given: dict[ReminderKey, ReminderRow] = {}
        for row in rows:
            given.setdefault(row.key, row)
        new = {ReminderKey(*row) for row in self._write(statement, [values(row) for row in given.values()])}
        return [row for key, row in given.items() if key in new]

    def supersede(
        self, keys: Iterable[ReminderKey], state: ReminderState = ReminderState.SUPERSEDED
    ) -> list[ReminderKey]:
        """Take back those that are pending and whose message nobody has claimed, into `state`; return their keys.

        A message that carries nothing else is withdrawn. One that does still goes out as it was worded.
        """
        superseded, carriers = [], set()
        for key in keys:
            row = self._run(_SUPERSEDE, **_named(key), becomes=state).first()
            if row:
                superseded.append(key)
                carriers.add(row.message_key)
        self.withdraw(carriers - {None})
        return superseded

    def settle(self, message_keys: Iterable[str], state: ReminderState) -> None:
        """Set what became of the reminders that these messages carry; superseded and covered ones stay so."""
        self._run_each(_SETTLE, [{"carrier": key, "settled": state} for key in message_keys])


def _named(key: ReminderKey) -> dict[str, str | date]:
    return {f"key_{name}": value for name, value in key._asdict().items()}
