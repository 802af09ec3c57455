"""What the secretariat looks up: plans, reminders sent and to come, letters as they went, and which did not arrive."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from kijitsu.domain.errors import InputError, InvalidFile, KijitsuError, Problem
from kijitsu.domain.gates import Status
from kijitsu.domain.line import addressee
from kijitsu.domain.plan import Addressee, Organisation
from kijitsu.domain.reminders import Reminder, upcoming
from kijitsu.explain import rule_words
from kijitsu.messages import Wording
from kijitsu.office import Json, Office
from kijitsu.services import reading
from kijitsu.services.reading import Standing
from kijitsu.services.sorting import mail_of
from kijitsu.services.today import next_pass
from kijitsu.services.watching import adopted, organisation_of
from kijitsu.services.writing import letter_of, owed_on
from kijitsu.store import rows
from kijitsu.store.work import UnitOfWork


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


@dataclass(frozen=True)
class InForce:
    """An adopted plan where it stands today; `standing` and `next_pass` are None where it cannot be read any more.

    `problem` says why then.
    """

    id: str
    title: str
    revision: int
    standing: Standing | None = None
    next_pass: datetime | None = None
    problem: str = ""


def plans_in_force(office: Office) -> list[InForce]:
    """Return every adopted plan as it stands today; one that today's `calendar/` cannot read is there all the same."""
    found = []
    for each in adopted_plans(office):
        plan = InForce(each["plan"], each["title"], each["revision"])
        try:
            standing = reading.standing(office, plan.id, reading.today_of(office, plan.id))
            begins = next_pass(standing, last_pass(office, plan.id))
        except KijitsuError as exc:
            found.append(replace(plan, problem=str(exc)))
        else:
            found.append(replace(plan, standing=standing, next_pass=begins))
    return found


@dataclass(frozen=True)
class PlanFile:
    """A plan file that nobody adopted, and all that is wrong with it."""

    id: str
    title: str = ""
    fiscal_year: int | None = None
    milestones: int = 0
    problems: Sequence[Problem] = ()


def files_not_adopted(office: Office) -> list[PlanFile]:
    """Return the plan files that nobody adopted, also those that cannot be adopted as they are."""
    known = {each["plan"] for each in adopted_plans(office)}
    found = []
    for id in office.library.ids("plans"):
        if id in known:
            continue
        try:
            plan = office.library.plan(id).plan
        except InvalidFile as exc:
            found.append(PlanFile(id, problems=exc.problems))
        else:
            found.append(PlanFile(id, plan.title, plan.fiscal_year, len(plan.milestones)))
    return found


def reminders(office: Office, plan: str) -> list[Json]:
    """Return the ledger of an adopted plan, what was written first, then what will be if nothing changes."""
    organisation = organisation_of(office, plan)
    today = office.today(organisation)
    with office.open_work(organisation.municipality, True) as work:
        standing = adopted(office, work, plan, today)
        written = work.reminders.all(plan)
        ahead = _ahead(work, standing)
    return [*(_entry(standing, row, row.written_on, row.channel, row.state.value) for row in written), *ahead]


def reminders_ahead(office: Office, standing: Standing) -> list[Json]:
    """Return the reminders that will be written if nothing changes, the nearest first."""
    with office.open_work(standing.plan.organisation.municipality, True) as work:
        return _ahead(work, standing)


def _ahead(work: UnitOfWork, standing: Standing) -> list[Json]:
    plan, today = standing.plan, standing.as_of
    assert today
    # What lies ahead speaks of deadlines that do, too.
    known = work.reminders.states(plan.id, plan.milestones, today)
    ahead = [
        _entry(standing, each, each.due_on, addressee(plan.organisation, each.recipient).channel, "upcoming")
        for each in upcoming(standing.network, standing.slots, standing.progress, today)
        if rows.ReminderKey(plan.id, *each.key) not in known
    ]
    return sorted(ahead, key=lambda r: (r["date"], r["milestone"]))


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

    @property
    def shown(self) -> Wording:
        """The letter's words for others than its recipient, see `without_links`."""
        return without_links(self.wording)


def next_mail(office: Office, plan: str, to: str = "") -> tuple[date, list[Foreseen]]:
    """Return the next morning whose pass is still to come, and the letters that it would write; nothing is written.

    Only those to somebody, where named.
    """
    organisation = organisation_of(office, plan)
    today = office.today(organisation)
    with office.open_work(organisation.municipality, True) as work:
        last = work.passes.latest(plan)
        calendar = adopted(office, work, plan, today).network.calendar
        on = calendar.next_open(max(today, last.occurred_on + timedelta(1)) if last else today)
        standing = adopted(office, work, plan, on)
        drafts = mail_of(work, standing, owed_on(work, standing, on), on, hold=False).drafts
        wanted = [draft for draft in drafts if not to or draft.to.id == to]
        letters = [(draft.to, letter_of(office, work, standing, draft, on)) for draft in wanted]
    return on, [Foreseen(to, office.renderer(letter)) for to, letter in letters]


# --- letters as they went ---


@dataclass(frozen=True)
class Subject:
    """One thing that a letter is about; `rule` is the reminder in words, `title` the milestone's today."""

    milestone: str
    title: str
    rule: str
    deadline: date


@dataclass(frozen=True)
class Posted:
    """A letter as it was written, and what became of it; `wording` without the links that only its reader may open.

    `state` is dead, pending, sent or withdrawn. `not_before` is when a pending one goes out at the earliest, `error`
    what the other side answered last. `plan` is the plan it is about.
    """

    key: str
    plan: str
    state: str
    recipient_title: str
    channel: str
    address: str
    wording: Wording
    written_at: datetime
    not_before: datetime
    sent_at: datetime | None
    attempts: int
    error: str
    about: Sequence[Subject]


def posted(
    office: Office,
    standing: Standing,
    states: Collection[str] = (),
    *,
    of_any_plan: bool = False,
    recipient: str = "",
    milestone: str = "",
    most: int = 50,
    before: str = "",
) -> list[Posted]:
    """Return letters on an adopted plan, the newest first, so many at the most; those older than the one called
    `before`, where one is.

    Only those in some states, to a recipient of some title, on a milestone; all where a filter is empty. With
    `of_any_plan` those on every plan of the municipality.
    """
    plan = "" if of_any_plan else standing.plan.id
    wanted = rows.LettersWanted(tuple(map(rows.OutboxState, states)), plan, recipient, milestone)
    with office.open_work(standing.plan.organisation.municipality, True) as work:
        found = work.outbox.page(wanted, most, before)
        carried = work.outbox.reminders_of([row.key for row in found])
    titles = {id: each.title for id, each in standing.plan.milestones.items()}
    return [_posted(row, carried.get(row.key, ()), standing.plan.id, titles) for row in found]


def letter(office: Office, standing: Standing, key: str) -> Posted:
    """Return one letter of the municipality. Raises InputError where there is none."""
    with office.open_work(standing.plan.organisation.municipality, True) as work:
        row = work.outbox.get(key)
        carried = work.outbox.reminders_of([key])
    if row is None:
        raise InputError("この通知はありません。配信の一覧から開いてください。")
    titles = {id: each.title for id, each in standing.plan.milestones.items()}
    return _posted(row, carried.get(key, ()), standing.plan.id, titles)


def _posted(row: rows.OutboxRow, carried: Sequence[rows.ReminderKey], plan: str, titles: Mapping[str, str]) -> Posted:
    envelope = row.envelope
    of = row.key.partition("/")[0]
    known = titles if of == plan else {}
    return Posted(
        row.key,
        of,
        row.state.value,
        envelope.recipient_title,
        envelope.channel,
        envelope.address,
        without_links(envelope.wording),
        envelope.written_at,
        row.not_before,
        row.sent_at,
        row.attempts,
        row.last_error or "",
        [Subject(k.milestone, known.get(k.milestone, k.milestone), rule_words(k.rule), k.deadline) for k in carried],
    )


# The token of a signed link, see `kijitsu.links`.
_SIGNED = re.compile(r"(/answer/)[\w.-]+", re.ASCII)


def without_links(wording: Wording) -> Wording:
    """Return a letter's words without the tokens of its links: whoever has one answers in its recipient's name."""
    shown = {name: _SIGNED.sub(r"\1…", getattr(wording, name)) for name in ("text", "html", "card")}
    return replace(wording, **shown, calendar="")


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
