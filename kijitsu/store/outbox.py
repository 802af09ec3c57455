"""Messages on their way: claimed under a lease, sent, marked; a process killed at any instant loses none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, Row, String, bindparam, exists, func, insert, or_, select, tuple_, update

from kijitsu.messages import Envelope, Wording
from kijitsu.store.repository import Repository, spelled, values
from kijitsu.store.rows import Delivery, LettersWanted, OutboxRow, OutboxState, ReminderKey, SentMessage
from kijitsu.store.tables import outbox, reminders

_ENVELOPE = [field.name for field in fields(Envelope) if field.name != "wording"]
_WORDING = [field.name for field in fields(Wording)]
_DELIVERY = [field.name for field in fields(OutboxRow) if field.name != "envelope"]
_COLUMNS = [outbox.c[name] for name in (*_ENVELOPE, *_WORDING, *_DELIVERY)]
_HERE = outbox.c.municipality == bindparam("here")
_THIS = (_HERE, outbox.c.key == bindparam("this"))
_PENDING = spelled(OutboxState.PENDING)
_LEASED = (*_THIS, outbox.c.state == _PENDING, outbox.c.lease_token == bindparam("token"))

_ADD = insert(outbox)
_ALL = select(*_COLUMNS).where(_HERE).order_by(outbox.c.written_at, outbox.c.key)
_IN_STATE = _ALL.where(outbox.c.state == bindparam("state"))
_BY_KEY = select(*_COLUMNS).where(*_THIS)
_REMINDERS_OF = (
    select(reminders.c.message_key, *(reminders.c[name] for name in ReminderKey._fields))
    .where(
        reminders.c.municipality == bindparam("here"),
        reminders.c.message_key.in_(bindparam("keys", expanding=True)),
    )
    .order_by(reminders.c.deadline, reminders.c.milestone, reminders.c.rule)
)
_STATE = select(outbox.c.state).where(outbox.c.municipality == bindparam("here"), outbox.c.key == bindparam("this"))
_DELIVERIES = select(*(outbox.c[name] for name in Delivery._fields)).where(
    _HERE, outbox.c.key.in_(bindparam("those", expanding=True))
)
_COUNTS = select(outbox.c.state, func.count()).where(_HERE).group_by(outbox.c.state)
_DUE = (
    _HERE,
    outbox.c.state == _PENDING,
    outbox.c.not_before <= bindparam("now"),
    or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= bindparam("now")),
)
_ANY_DUE = select(outbox.c.key).where(*_DUE).limit(1)
# In the order of the index that holds only what is pending: sorted by anything more, each claim would read it all.
# A common table, not a subquery: PostgreSQL may run a subquery once for each row, whatever its limit.
_NEXT = select(outbox.c.key).where(*_DUE).order_by(outbox.c.not_before).limit(1)
_NEXT_FREE = _NEXT.with_for_update(skip_locked=True).cte("free")
_CLAIM = (
    update(outbox)
    .where(_HERE, outbox.c.key.in_(select(_NEXT_FREE.c.key)))
    .values(
        # So that one which ends its sender each time comes after the others when its lease runs out.
        not_before=bindparam("until"),
        lease_until=bindparam("until"),
        lease_token=bindparam("token"),
        attempts=outbox.c.attempts + 1,
    )
    .returning(*_COLUMNS)
)
_SAME_WAY = (
    select(outbox.c.key)
    .where(
        *_DUE,
        outbox.c.channel == bindparam("way"),
        or_(bindparam("place", type_=String).is_(None), outbox.c.address == bindparam("place")),
    )
    .with_for_update(skip_locked=True)
)
_PUT_OFF = (
    update(outbox)
    .where(_HERE, outbox.c.key.in_(_SAME_WAY))
    .values(not_before=bindparam("until"), last_error=bindparam("error"))
)
_SHORTEN_LEASES = (
    update(outbox)
    .where(_HERE, outbox.c.state == _PENDING, outbox.c.lease_until > bindparam("longest"))
    .values(lease_until=bindparam("longest"), not_before=bindparam("longest"))
)
_MARK_SENT = (
    update(outbox)
    .where(*_LEASED)
    .values(
        state=OutboxState.SENT,
        sent_at=bindparam("at"),
        is_news=True,
        lease_until=None,
        lease_token=None,
        last_error=None,
    )
)
_MARK_FAILED = (
    update(outbox)
    .where(*_LEASED)
    .values(
        state=bindparam("becomes"),
        not_before=func.coalesce(bindparam("retry_at", type_=outbox.c.not_before.type), outbox.c.not_before),
        attempts=outbox.c.attempts - bindparam("uncounted"),
        last_error=bindparam("error"),
        lease_until=None,
        lease_token=None,
    )
)
_HASTEN = (
    update(outbox)
    .where(_HERE, outbox.c.state == _PENDING, outbox.c.not_before > bindparam("now"))
    .values(not_before=bindparam("now"))
)
_REVIVE = (
    update(outbox)
    .where(*_THIS, outbox.c.state == OutboxState.DEAD)
    .values(state=OutboxState.PENDING, not_before=bindparam("now"), attempts=0)
)
_NEWS = (
    select(*(outbox.c[name] for name in SentMessage._fields))
    .where(_HERE, outbox.c.is_news.is_(True))
    .order_by(outbox.c.sent_at, outbox.c.key)
    .limit(bindparam("most"))
)
_TOLD = update(outbox).where(*_THIS).values(is_news=False)
_NOTHING_NEW = update(outbox).where(_HERE, outbox.c.is_news.is_(True)).values(is_news=False)


class Outbox(Repository):
    """The messages of a municipality and their delivery."""

    def add(self, envelopes: Sequence[Envelope], not_before: datetime) -> None:
        """Put messages out, to be claimed from `not_before` on. A key already there raises IntegrityError."""
        rows = []
        for envelope in envelopes:
            row = values(envelope) | values(envelope.wording)
            del row["wording"]
            rows.append(row | {"state": OutboxState.PENDING, "attempts": 0, "not_before": not_before})
        self._write(_ADD, rows)

    def has_due(self, now: datetime) -> bool:
        """Tell whether there is anything to claim."""
        return self._run(_ANY_DUE, now=now).first() is not None

    def claim(self, now: datetime, lease: timedelta, token: str) -> OutboxRow | None:
        """Lease the message that is due the longest to `token` until `now + lease`; None where none is due.

        What another holds is passed over until its lease runs out. Commit before you send.
        """
        row = self._run(_CLAIM, now=now, until=now + lease, token=token).first()
        return _outbox_row(row) if row else None

    def mark_sent(self, key: str, token: str, at: datetime) -> bool:
        """Record the delivery; False where the lease is no longer `token`'s."""
        return bool(self._run(_MARK_SENT, this=key, token=token, at=at).rowcount)

    def mark_failed(self, key: str, token: str, error: str, retry_at: datetime | None, *, counts: bool = True) -> bool:
        """Give a message back until `retry_at`, dead where None; False where the lease is not `token`'s.

        An attempt that does not count was none of the message.
        """
        becomes = OutboxState.DEAD if retry_at is None else OutboxState.PENDING
        given = {"error": error, "retry_at": retry_at, "becomes": becomes, "uncounted": int(not counts)}
        return bool(self._run(_MARK_FAILED, this=key, token=token, **given).rowcount)

    def put_off(self, now: datetime, until: datetime, error: str, channel: str, address: str | None) -> int:
        """Put off what is due and goes by a channel (to one address of it where given); return how many messages.

        None of them is counted as tried, and what somebody is sending is left to them.
        """
        given = {"now": now, "until": until, "error": error, "way": channel, "place": address}
        return int(self._run(_PUT_OFF, **given).rowcount)

    def shorten_leases(self, now: datetime, lease: timedelta) -> int:
        """End every lease within `lease` from now: one that reaches further was given before the clock was set back."""
        return int(self._run(_SHORTEN_LEASES, longest=now + lease).rowcount)

    def hasten(self, now: datetime) -> int:
        """Let what was put off for later be claimed at once; return how many messages that were."""
        return int(self._run(_HASTEN, now=now).rowcount)

    def revive(self, key: str, now: datetime) -> bool:
        """Put a dead message out again with its attempts forgotten; False where none such is dead."""
        return bool(self._run(_REVIVE, this=key, now=now).rowcount)

    def state(self, key: str) -> OutboxState | None:
        """Return what became of a message, None where there is none."""
        return cast("OutboxState | None", self._run(_STATE, this=key).scalar())

    def deliveries(self, keys: Iterable[str]) -> dict[str, Delivery]:
        """Return what became of these messages so far, by their keys."""
        found = (Delivery(*row) for row in self._rows(_DELIVERIES, those=list(keys)))
        return {each.key: each for each in found}

    def counts(self) -> dict[OutboxState, int]:
        """Return how many messages are in each state, those without any included."""
        return dict.fromkeys(OutboxState, 0) | dict(map(tuple, self._run(_COUNTS)))

    def news(self, most: int) -> list[SentMessage]:
        """Return the messages that were sent and not yet announced, the oldest first, so many at the most."""
        return [SentMessage(*row) for row in self._rows(_NEWS, most=most)]

    def announced(self, keys: Sequence[str]) -> None:
        """Remember that it was announced that these were sent."""
        self._run_each(_TOLD, [{"this": key} for key in keys])

    def nothing_new(self) -> None:
        """Leave what was sent so far unannounced."""
        self._run(_NOTHING_NEW)

    def all(self, state: OutboxState | None = None) -> list[OutboxRow]:
        """Return the messages in this state (in any where None), in the order they were written."""
        found = self._rows(_ALL) if state is None else self._rows(_IN_STATE, state=state)
        return [_outbox_row(row) for row in found]

    def get(self, key: str) -> OutboxRow | None:
        """Return a message, None where there is none."""
        row = self._run(_BY_KEY, this=key).first()
        return _outbox_row(row) if row else None

    def page(self, wanted: LettersWanted, most: int, before: str = "") -> list[OutboxRow]:
        """Return messages, the newest first, so many at the most; those older than the one whose key is `before`."""
        # The keys first, so that only so many are read with all their words.
        keys = select(outbox.c.key).where(_HERE, *_conditions(wanted))
        if before and (place := self.get(before)):
            keys = keys.where(tuple_(outbox.c.written_at, outbox.c.key) < (place.envelope.written_at, before))
        keys = keys.order_by(outbox.c.written_at.desc(), outbox.c.key.desc()).limit(most)
        found = self._rows(_ALL.where(outbox.c.key.in_(keys)))
        return [_outbox_row(row) for row in reversed(found)]

    def reminders_of(self, keys: Sequence[str]) -> dict[str, list[ReminderKey]]:
        """Return the reminders that each of some messages carries, or carried when it went out."""
        carried: dict[str, list[ReminderKey]] = {}
        for row in self._rows(_REMINDERS_OF, keys=list(keys)):
            carried.setdefault(row.message_key, []).append(ReminderKey(*row[1:]))
        return carried


def _conditions(wanted: LettersWanted) -> Iterator[ColumnElement[bool]]:
    if wanted.states:
        yield outbox.c.state.in_(wanted.states)
    if wanted.plan:
        yield outbox.c.key.startswith(f"{wanted.plan}/", autoescape=True)
    if wanted.recipient_title:
        yield outbox.c.recipient_title == wanted.recipient_title
    if wanted.milestone:
        yield exists(
            select(reminders.c.message_key).where(
                reminders.c.municipality == outbox.c.municipality,
                reminders.c.message_key == outbox.c.key,
                reminders.c.milestone == wanted.milestone,
            )
        )


def _outbox_row(row: Row[Any]) -> OutboxRow:
    worded_from = len(_ENVELOPE)
    delivery_from = worded_from + len(_WORDING)
    wording = Wording(*row[worded_from:delivery_from])
    envelope = Envelope(**dict(zip(_ENVELOPE, row[:worded_from], strict=True)), wording=wording)
    return OutboxRow(envelope, *row[delivery_from:])
