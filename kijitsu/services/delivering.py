"""Delivery: claim, send, mark; a process killed in between repeats at most the one message in flight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from kijitsu.domain.plan import Organisation
from kijitsu.messages import Courier, DeliveryFailure, PermanentFailure
from kijitsu.office import Office
from kijitsu.store import rows

LEASE = timedelta(minutes=5)
BATCH = 20
FIRST_RETRY, LAST_RETRY = timedelta(minutes=1), timedelta(hours=4)
# 1, 2, 4, … minutes, then every 4 hours: about five days of trying before a message is given up to the secretariat.
MOST_ATTEMPTS = 38


@dataclass(frozen=True)
class DispatchReport:
    """How many messages went out, wait for another attempt, and were given up; `errors` are what relays answered."""

    sent: int = 0
    waiting: int = 0
    dead: int = 0
    errors: tuple[str, ...] = ()


def dispatch(office: Office, organisation: Organisation, courier: Courier | None = None) -> DispatchReport:
    """Send everything that is due. A courier that is handed in stays open, else one is opened for the purpose."""
    if courier is None:
        with office.open_work(organisation.municipality, True) as work:
            if not work.outbox.counts()[rows.OutboxState.PENDING]:
                return DispatchReport()
        courier = office.open_courier()
        try:
            return _dispatch(office, organisation, courier)
        finally:
            courier.close()
    return _dispatch(office, organisation, courier)


def send_now(office: Office, organisation: Organisation) -> DispatchReport:
    """Send everything that waits, also what was put off after a failure."""
    with office.open_work(organisation.municipality, False) as work:
        work.outbox.hasten(office.now(organisation))
        work.commit()
    return dispatch(office, organisation)


def _dispatch(office: Office, organisation: Organisation, courier: Courier) -> DispatchReport:
    sent, waiting, dead, errors = 0, 0, 0, []
    token = uuid4().hex
    while claimed := _claim(office, organisation, token):
        for row in claimed:
            try:
                courier.send(row.envelope)
            except DeliveryFailure as failure:
                is_dead = _mark_failed(office, organisation, row, token, failure)
                dead, waiting = dead + is_dead, waiting + (not is_dead)
                errors.append(f"{row.envelope.recipient_title}: {failure}")
            else:
                sent += _mark_sent(office, organisation, row, token)
    return DispatchReport(sent, waiting, dead, tuple(errors))


def _claim(office: Office, organisation: Organisation, token: str) -> list[rows.OutboxRow]:
    with office.open_work(organisation.municipality, False) as work:
        claimed = work.outbox.claim(office.now(organisation), LEASE, BATCH, token)
        work.commit()
    return claimed


def _mark_sent(office: Office, organisation: Organisation, row: rows.OutboxRow, token: str) -> bool:
    with office.open_work(organisation.municipality, False) as work:
        is_ours = work.outbox.mark_sent(row.key, token, office.now(organisation))
        if is_ours:
            work.reminders.settle([row.key], rows.ReminderState.SENT)
        work.commit()
    return is_ours


def _mark_failed(
    office: Office, organisation: Organisation, row: rows.OutboxRow, token: str, failure: DeliveryFailure
) -> bool:
    """Give the message back for later, or up; return whether it was given up."""
    now = office.now(organisation)
    is_dead = isinstance(failure, PermanentFailure) or row.attempts >= MOST_ATTEMPTS
    retry_at = None if is_dead else now + min(FIRST_RETRY * 2 ** min(row.attempts - 1, 10), LAST_RETRY)
    with office.open_work(organisation.municipality, False) as work:
        if work.outbox.mark_failed(row.key, token, str(failure), retry_at) and is_dead:
            work.reminders.settle([row.key], rows.ReminderState.DEAD)
            work.audit.append(now, "kijitsu", "dispatch", "give-up", row.key, {"error": str(failure)})
        work.commit()
    return is_dead


def resend(office: Office, organisation: Organisation, key: str) -> bool:
    """Put a given-up message out again; False where none such was given up."""
    actor, now = office.actor(), office.now(organisation)
    with office.open_work(organisation.municipality, False) as work:
        revived = work.outbox.revive(key, now)
        if revived:
            work.audit.append(now, actor.name, actor.authenticated_by, "resend", key, {})
        work.commit()
    return revived
