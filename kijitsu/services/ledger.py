"""What the secretariat looks up: plans, reminders sent and to come, messages that did not arrive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from kijitsu.domain.gates import Status
from kijitsu.domain.line import addressee
from kijitsu.domain.plan import Addressee, Organisation
from kijitsu.domain.reminders import Reminder, upcoming
from kijitsu.messages import Wording
from kijitsu.office import Json, Office
from kijitsu.services.reading import Standing
from kijitsu.services.sorting import mail_of
from kijitsu.services.watching import adopted, organisation_of
from kijitsu.services.writing import letter_of, owed_on
from kijitsu.store import rows


def plans(office: Office) -> list[Json]:
    """Return the adopted plans with the revision in force, then the plan files that nobody adopted."""
    found = adopted_plans(office) if office.settings.may_have_database else []
    known = {each["plan"] for each in found}
    for id in office.library.ids("plans"):
        if id not in known:
            found.append({"plan": id, "title": office.library.plan(id).plan.title, "revision": None})
    return found


def adopted_plans(office: Office) -> list[Json]:
    """Return every adopted plan with the revision in force, whether or not its file is still there."""
    found: list[Json] = []
    for organisation in office.library.organisations():
        with office.open_work(organisation.municipality, True) as work:
            for id in work.plans.ids():
                revision = work.plans.latest(id)
                assert revision
                found.append({"plan": id, "title": revision.document["title"], "revision": revision.number})
    return found


def reminders(office: Office, plan: str) -> list[Json]:
    """Return the ledger of an adopted plan, what was written first, then what will be if nothing changes."""
    organisation = organisation_of(office, plan)
    today = office.today(organisation)
    with office.open_work(organisation.municipality, True) as work:
        standing = adopted(office, work, plan, today)
        written = work.reminders.all(plan)
    known = {row.key for row in written}
    past = [_entry(standing, row, row.written_on, row.channel, row.state.value) for row in written]
    ahead = [
        _entry(standing, each, each.due_on, addressee(organisation, each.recipient).channel, "upcoming")
        for each in upcoming(standing.network, standing.slots, standing.progress, today)
        if (plan, *each.key) not in known
    ]
    return past + sorted(ahead, key=lambda r: (r["date"], r["milestone"]))


def _entry(standing: Standing, of: Reminder | rows.ReminderRow, on: date, channel: str, state: str) -> Json:
    return {
        "date": on,
        "milestone": of.milestone,
        "rule": of.rule,
        "recipient": of.recipient,
        "channel": channel,
        "deadline": of.deadline,
        "state": state,
        "title": standing.plan.milestones[of.milestone].title,
        "recipient_title": addressee(standing.plan.organisation, of.recipient).title,
    }


@dataclass(frozen=True)
class Foreseen:
    """A letter that will be written if nothing changes until then."""

    to: Addressee
    wording: Wording


def next_mail(office: Office, plan: str) -> tuple[date, list[Foreseen]]:
    """Return the next morning whose pass is still to come, and the letters that it would write; nothing is written."""
    organisation = organisation_of(office, plan)
    today = office.today(organisation)
    with office.open_work(organisation.municipality, True) as work:
        last = work.passes.latest(plan)
        calendar = adopted(office, work, plan, today).network.calendar
        on = calendar.next_open(max(today, last.occurred_on + timedelta(1)) if last else today)
        standing = adopted(office, work, plan, on)
        drafts = mail_of(work, standing, owed_on(work, standing, on), on, hold=False).drafts
        letters = [(draft.to, letter_of(office, work, standing, draft, on)) for draft in drafts]
    return on, [Foreseen(to, office.renderer(letter)) for to, letter in letters]


def transitions_of(office: Office, plan: str, until: date) -> dict[str, list[tuple[date, Status]]]:
    """Return each milestone's states of an adopted plan up to a day, as (from which day, status)."""
    states: dict[str, list[tuple[date, Status]]] = {}
    with office.open_work(organisation_of(office, plan).municipality, True) as work:
        for row in work.transitions.all(plan):
            if row.occurred_on <= until:
                states.setdefault(row.milestone, []).append((row.occurred_on, Status(row.after)))
    return states


def letters(office: Office, organisation: Organisation) -> dict[rows.OutboxState, int]:
    """Return how many letters there are in each state."""
    with office.open_work(organisation.municipality, True) as work:
        return work.outbox.counts()


def last_pass(office: Office, plan: str) -> date | None:
    """Return the day of the latest pass of a plan, None before the first."""
    with office.open_work(organisation_of(office, plan).municipality, True) as work:
        found = work.passes.latest(plan)
    return found.occurred_on if found else None


def undelivered(office: Office, organisation: Organisation) -> list[Json]:
    """Return the messages that wait or were given up, with what the other side answered."""
    with office.open_work(organisation.municipality, True) as work:
        found = [*work.outbox.all(rows.OutboxState.DEAD), *work.outbox.all(rows.OutboxState.PENDING)]
    return [
        {
            "state": row.state.value,
            "recipient": row.envelope.recipient_title,
            "channel": row.envelope.channel,
            "address": row.envelope.address,
            "subject": row.envelope.wording.subject,
            "attempts": row.attempts,
            "not_before": row.not_before,
            "error": row.last_error,
            "key": row.key,
        }
        for row in found
    ]
