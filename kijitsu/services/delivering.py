"""Delivery: claim, send, mark; a process killed in between repeats at most the one message in flight.

Marking one message and claiming the next is one transaction, so that a lease is as long as its whole span when the
sending begins, and nobody holds more than the message that is being sent.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import uuid4

from kijitsu.domain.errors import OutsideError
from kijitsu.domain.plan import Organisation
from kijitsu.domain.roles import Right
from kijitsu.messages import Courier, DeliveryFailure, Envelope, TransientFailure, Unreachable
from kijitsu.office import Actor, Office
from kijitsu.store import rows
from kijitsu.store.work import UnitOfWork

LEASE = timedelta(minutes=5)
# A channel ends one sending within two minutes, and SQLite waits ten seconds for its lock: what was sent is tried to be
# marked for as long as the lease lasts.
MARK_TRIES = 18
FIRST_RETRY, LAST_RETRY = timedelta(minutes=1), timedelta(hours=4)
UNREACHABLE_RETRY = timedelta(minutes=5)
# 1, 2, 4, … minutes, then every 4 hours, in office hours: nine or ten times on the first day, two or three on each day
# after, about a working week before a message is given up to the secretariat.
MOST_ATTEMPTS = 18


@dataclass(frozen=True)
class DispatchReport:
    """How many messages went out, wait for another attempt, and were given up; `errors` are what relays answered."""

    sent: int = 0
    waiting: int = 0
    dead: int = 0
    errors: tuple[str, ...] = ()


def dispatch(
    office: Office, organisation: Organisation, courier: Courier | None = None, *, forced: bool = False
) -> DispatchReport:
    """Send everything that is due, in the office hours of open days, at any hour where `forced`.

    A courier that is handed in stays open, else one is opened for the purpose. Raises OutsideError where the database
    fails: whatever was not sent goes out later, and what was sent and could not be marked once more.
    """
    dispatcher = _Dispatcher(office, organisation, forced)
    if not dispatcher.has_work():
        return DispatchReport()
    if courier is not None:
        return dispatcher.run(courier)
    courier = office.open_courier()
    try:
        return dispatcher.run(courier)
    finally:
        courier.close()


def send_now(office: Office, organisation: Organisation) -> DispatchReport:
    """Send everything that waits, also what was put off after a failure, at whatever hour."""
    office.actor().require(Right.SEND, "通知の送信")
    with office.open_work(organisation.municipality, False) as work:
        work.outbox.hasten(office.now(organisation))
        work.commit()
    return dispatch(office, organisation, forced=True)


def resend(office: Office, organisation: Organisation, actor: Actor, plan: str, key: str | None = None) -> int:
    """Put a given-up message out again, all of a plan's where no key is given; return how many were."""
    actor.require(Right.SEND, "通知の再送")
    now = office.now(organisation)
    with office.open_work(organisation.municipality, False) as work:
        work.audit.take_turn()
        dead = [row.key for row in work.outbox.all(rows.OutboxState.DEAD)]
        chosen = [each for each in dead if (each.startswith(f"{plan}/") if key is None else each == key)]
        revived = [each for each in chosen if work.outbox.revive(each, now)]
        work.reminders.settle(revived, rows.ReminderState.PENDING)
        for each in revived:
            work.audit.append(now, actor.name, actor.authenticated_by, "resend", each, {})
        work.commit()
    return len(revived)


def retry_at(office: Office, organisation: Organisation, row: rows.OutboxRow, failure: TransientFailure) -> datetime:
    """Return when a message is tried again: after a wait that doubles, in office hours, and not before we are asked to.

    A message waits up to a quarter longer than its fellows, so that they do not all come back at once; how much, its
    key and attempt say, so that a replay repeats it.
    """
    wait = min(FIRST_RETRY * 2 ** min(row.attempts - 1, 10), LAST_RETRY)
    chance = int.from_bytes(sha256(f"{row.key} {row.attempts}".encode()).digest()[:4]) / 2**32
    longest = max(wait * (1 + chance / 4), failure.retry_after or timedelta(0))
    return office.opening(organisation, office.now(organisation) + longest)


class _Dispatcher:
    """One run, under a token of its own."""

    def __init__(self, office: Office, organisation: Organisation, forced: bool) -> None:
        self._office, self._organisation, self._forced = office, organisation, forced
        self._token = uuid4().hex

    def has_work(self) -> bool:
        """Tell whether anything is due; leases that a wrong clock gave are shortened first."""
        if not self._may_send():
            return False
        with self._work() as work:
            now = self._now()
            if work.outbox.shorten_leases(now, LEASE):
                work.commit()
            return work.outbox.has_due(now)

    def run(self, courier: Courier) -> DispatchReport:
        """Send until nothing is due."""
        became: Counter[str] = Counter()
        errors: dict[str, None] = {}
        row, _ = self._advance(None, None)
        while row:
            failure = None
            try:
                courier.send(row.envelope)
            except DeliveryFailure as exc:
                failure = exc
                errors[_said(row.envelope, exc)] = None
            row, counted = self._advance(row, failure)
            became += counted
        return DispatchReport(became["sent"], became["waiting"], became["dead"], tuple(errors))

    def _advance(
        self, done: rows.OutboxRow | None, failure: DeliveryFailure | None
    ) -> tuple[rows.OutboxRow | None, Counter[str]]:
        """Mark the message that was sent or refused, and claim the next; return it, and what became of how many."""
        for left in reversed(range(MARK_TRIES)):
            try:
                with self._work() as work:
                    became = self._mark(work, done, failure) if done else Counter()
                    row = work.outbox.claim(self._now(), LEASE, self._token) if self._may_send() else None
                    work.commit()
                self._log(done, became, failure)
                return row, became
            except OutsideError:
                # Where nothing was sent, nothing is at stake.
                if not done or not left:
                    raise
        raise AssertionError("the last try returned or raised")

    def _mark(self, work: UnitOfWork, row: rows.OutboxRow, failure: DeliveryFailure | None) -> Counter[str]:
        now, outbox, envelope = self._now(), work.outbox, row.envelope
        if failure is None:
            if not outbox.mark_sent(row.key, self._token, now):
                return Counter()
            work.reminders.settle([row.key], rows.ReminderState.SENT)
            return Counter(sent=1)
        said = str(failure)
        if isinstance(failure, Unreachable):
            until = self._office.opening(self._organisation, now + UNREACHABLE_RETRY)
            # Behind the others: should it be this message all the same that cuts the connection, they go out.
            # One that may have arrived counts as tried, so that only itself is ever sent again.
            last, counts = until + timedelta(seconds=1), failure.may_have_arrived
            ours = outbox.mark_failed(row.key, self._token, said, last, counts=counts)
            others = outbox.put_off(now, until, said, envelope.channel, _one_address(envelope))
            return Counter(waiting=ours + others)
        if isinstance(failure, TransientFailure) and row.attempts < MOST_ATTEMPTS:
            again = retry_at(self._office, self._organisation, row, failure)
            return Counter(waiting=int(outbox.mark_failed(row.key, self._token, said, again)))
        # Before the message: a pass has its turn first and then looks at messages.
        work.audit.take_turn()
        if not outbox.mark_failed(row.key, self._token, said, None):
            return Counter()
        work.reminders.settle([row.key], rows.ReminderState.DEAD)
        work.audit.append(now, "kijitsu", "dispatch", "give-up", row.key, {"error": said})
        return Counter(dead=1)

    def _log(self, row: rows.OutboxRow | None, became: Counter[str], failure: DeliveryFailure | None) -> None:
        if row is None or not became:
            return
        outcome = next(iter(became))
        # Which kind of failure, not what the other side said: there it may name an address.
        self._office.log(
            "delivery",
            f"{row.envelope.recipient_title}への通知を送れませんでした。" if failure else "",
            message_key=row.key,
            channel=row.envelope.channel,
            attempts=row.attempts,
            outcome=outcome,
            failure=type(failure).__name__ if failure else None,
        )

    def _may_send(self) -> bool:
        now = self._now()
        return self._forced or self._office.opening(self._organisation, now) <= now

    def _work(self) -> UnitOfWork:
        # What a power cut undoes is delivered once more. To wait for the disk would take about as long as to send.
        return self._office.open_work(self._organisation.municipality, False).of_the_moment()

    def _now(self) -> datetime:
        return self._office.now(self._organisation)


def _one_address(envelope: Envelope) -> str | None:
    """Return which address an unreachable channel is known of; all mail goes through one relay."""
    return None if envelope.channel == "mail" else envelope.address


def _said(envelope: Envelope, failure: DeliveryFailure) -> str:
    """Return what to tell of a failure: a relay that is down has nothing to do with whom the letter is for."""
    if isinstance(failure, Unreachable) and _one_address(envelope) is None:
        return str(failure)
    return f"{envelope.recipient_title}: {failure}"
