"""Where a plan stands, told to whoever meets about it: the secretariat each week (週報), a body before its meetings.

A report goes in the day's letter to its reader, and alone where the pass has none for them: nobody gets two messages
on one day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby

from kijitsu.domain.gates import Code, Reason, Status
from kijitsu.domain.history import NOTHING_YET
from kijitsu.domain.line import addressee
from kijitsu.domain.plan import Addressee, Kind, Place
from kijitsu.explain import remedy_sentence
from kijitsu.messages import Coming, Matter, Meeting, Revised, Weekly
from kijitsu.office import Office, morning
from kijitsu.services.reading import Standing
from kijitsu.services.sorting import Mail
from kijitsu.services.writing import addressed, letter_to, secretariat_of
from kijitsu.store.rows import OutboxState, PassRow, ProposalState
from kijitsu.store.work import UnitOfWork

OPEN_DAYS_AHEAD = 10


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a report is owed for, and to whom: the week, or a meeting.

    `id` is the meeting's milestone, "" for the week. `version` is the ISO week, or what the plan says of the meeting's
    date: a meeting that is moved is another occasion, unless it was reported on since the day it `opens` on.
    """

    id: str
    version: str
    to: Addressee
    opens: date
    meeting: Meeting | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """Which letter carries the report for an occasion, as passes keep it: days are ISO.

    `on` is the day it was written, `since` that of the report before it, "" for none: it tells of changes from there.
    """

    id: str
    version: str
    on: str
    key: str
    since: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What one reader is owed on a day."""

    to: Addressee
    occasions: Sequence[Occasion]
    since: str
    weekly: Weekly


def carried_by(last: PassRow | None) -> dict[str, Carried]:
    """Return the letters that carried the last report for each occasion, by its id, as the last pass knew them."""
    kept = (last.summary if last else {}).get("reports", ())
    return {each["id"]: Carried(**each) for each in kept}


def occasions(standing: Standing, on: date) -> Iterator[Occasion]:
    """Yield what a day calls for a report for, whether or not there was one."""
    plan, calendar = standing.plan, standing.network.calendar
    year, week, weekday = on.isocalendar()
    yield Occasion("", f"{year}-W{week:02}", secretariat_of(plan), on - timedelta(weekday - 1))
    for id, milestone in plan.milestones.items():
        before = plan.organisation.bodies[milestone.owner].briefing
        if before is None or milestone.kind is not Kind.MEETING or not (meeting := _ahead(standing, id)):
            continue
        opens = calendar.add(calendar.previous_open(meeting.day), -before.number)
        if opens <= on <= meeting.day:
            window = milestone.window
            version = f"{window.first}/{window.last}" if window else ""
            yield Occasion(id, version, addressee(plan.organisation, milestone.owner), opens, meeting)


def _ahead(standing: Standing, id: str) -> Meeting | None:
    """Return a meeting that has not begun, None where it has, or nobody can say when it will."""
    milestone, window = standing.plan.milestones[id], standing.plan.milestones[id].window
    if standing.verdicts[id].is_closed or standing.progress.get(id, NOTHING_YET).started_on:
        return None
    if window and window.first and window.first == window.last:
        return Meeting(milestone.title, window.first, window.wording, is_estimate=False)
    earliest = standing.slots[id].earliest_start
    if earliest is None:
        return None
    return Meeting(milestone.title, earliest, window.wording if window else "", is_estimate=True)


def still_owed(
    work: UnitOfWork, called_for: Iterable[Occasion], before: Mapping[str, Carried], replaced: Collection[str] = ()
) -> list[Occasion]:
    """Return the occasions that no letter carries a report for which has arrived or is still to.

    A letter that another takes the place of before anybody tried to send it (`replaced`) hands its report on.
    """

    def is_told(occasion: Occasion, carried: Carried | None) -> bool:
        if carried is None or _is_lost(work, carried, replaced):
            return False
        return carried.version == occasion.version or carried.on >= occasion.opens.isoformat()

    return [each for each in called_for if not is_told(each, before.get(each.id))]


def reports_owed(
    work: UnitOfWork, standing: Standing, on: date, before: Mapping[str, Carried], mail: Mail, told: Collection[str]
) -> dict[Place, Report]:
    """Return the reports of a day, one for each place, and take back those that wait and are not true any more.

    Whoever was `told` something today, and is sent nothing else, is told tomorrow.
    """
    organisation = standing.plan.organisation
    called_for = list(occasions(standing, on))
    _take_back(work, before, {each.id for each in called_for}, on)
    replaced = {key for draft in mail.drafts for key in draft.replaces}
    full = {addressee(organisation, each).place for each in told} - {draft.to.place for draft in mail.drafts}
    owed = [each for each in still_owed(work, called_for, before, replaced) if each.to.place not in full]
    found = {}
    for place, group in groupby(sorted(owed, key=lambda each: each.to.place), key=lambda each: each.to.place):
        mine = list(group)
        since = min(_since(work, before.get(each.id), replaced) for each in mine)
        weekly = where_it_stands(work, standing, on, since)
        meetings = tuple(each.meeting for each in mine if each.meeting)
        found[place] = Report(mine[0].to, mine, since, replace(weekly, meetings=meetings))
    return found


def _take_back(work: UnitOfWork, before: Mapping[str, Carried], called_for: Collection[str], on: date) -> None:
    """Withdraw the letters with nothing but a report whose occasion is gone, or that has grown old untried."""
    waiting = [each for each in before.values() if work.outbox.state(each.key) is OutboxState.PENDING]
    if waiting:
        untried = {row.key for row in work.outbox.all(OutboxState.PENDING) if not row.attempts}
        old = {each.key for each in waiting if each.on < on.isoformat()} & untried
        work.reminders.withdraw(old | {each.key for each in waiting if each.id not in called_for})


def _since(work: UnitOfWork, carried: Carried | None, replaced: Collection[str]) -> str:
    """Return the day of the last report that reached its reader."""
    if carried is None:
        return ""
    return carried.since if _is_lost(work, carried, replaced) else carried.on


def _is_lost(work: UnitOfWork, carried: Carried, replaced: Collection[str]) -> bool:
    return carried.key in replaced or work.outbox.state(carried.key) is OutboxState.WITHDRAWN


def write_alone(
    office: Office,
    work: UnitOfWork,
    standing: Standing,
    on: date,
    reports: Mapping[Place, Report],
    letters: Mapping[str, str],
) -> dict[str, str]:
    """Write a letter with nothing but the report to whoever has none among the day's `letters`; return these."""
    organisation = standing.plan.organisation
    served = {addressee(organisation, recipient).place for recipient in letters}
    alone = [report for place, report in reports.items() if place not in served]
    keys = {report.to.id: f"{standing.plan.id}/weekly/{on}/{report.to.id}" for report in alone}
    envelopes = []
    for report in alone:
        letter = letter_to(report.to, standing, on, message="weekly", weekly=report.weekly)
        envelopes.append(addressed(office, organisation, report.to, keys[report.to.id], letter))
    work.outbox.add(envelopes, office.opening(organisation, office.now(organisation)))
    return keys


def carried_now(
    standing: Standing,
    on: date,
    before: Mapping[str, Carried],
    reports: Mapping[Place, Report],
    letters: Mapping[str, str],
) -> list[Carried]:
    """Return which letters carry the last report for each occasion, those just written included."""
    keys = {addressee(standing.plan.organisation, recipient).place: key for recipient, key in letters.items()}
    new = {
        each.id: Carried(each.id, each.version, on.isoformat(), keys[place], report.since)
        for place, report in reports.items()
        for each in report.occasions
    }
    return list({**before, **new}.values())


# --- what a report says ---


def where_it_stands(work: UnitOfWork, standing: Standing, on: date, since: str) -> Weekly:
    """Return where a plan stands on a day, with what was changed since the morning of another, ever where it is ""."""
    plan, bodies = standing.plan, standing.plan.organisation.bodies
    found = Counter(verdict.status for verdict in standing.verdicts.values())
    until = standing.network.calendar.add(on, OPEN_DAYS_AHEAD)
    near = [
        Coming(plan.milestones[id].title, bodies[plan.milestones[id].owner].title, verdict.due)
        for id, verdict in standing.verdicts.items()
        if verdict.due and on <= verdict.due <= until and not verdict.is_closed
    ]
    last = morning(plan.organisation, date.fromisoformat(since)) if since else None
    head = work.audit.head()
    return Weekly(
        head_number=head.number,
        head_hash=head.hash,
        total=found.total() - found[Status.WAIVED] - found[Status.CANCELLED],
        done=found[Status.DONE],
        overdue=found[Status.OVERDUE],
        blocked=found[Status.BLOCKED],
        due_soon=found[Status.DUE_SOON],
        matters=tuple(_matters(standing)),
        coming=tuple(sorted(near, key=lambda each: each.due)),
        changes=tuple(
            Revised(each.number, each.reason, each.actor)
            for each in work.plans.revisions(plan.id)
            if each.number > 1 and (last is None or each.made_at > last)
        ),
        proposals=tuple(
            Revised(each.number, each.reason, each.actor)
            for each in work.proposals.all(plan.id)
            if each.state is ProposalState.PENDING
        ),
        undelivered=work.outbox.counts()[OutboxState.DEAD],
    )


_STATES = {Code.VALIDITY_ENDED: "expired", Code.CANCELLED: "cancelled"}


def _matters(standing: Standing) -> list[Matter]:
    """Return what somebody has to act on: what stops the most first, what is soon due last.

    What is stopped itself is not among it: its people cannot act, and it stands with what stops it.
    """
    plan, verdicts = standing.plan, standing.verdicts
    stopped: dict[str, dict[str, Reason]] = {}
    for id, verdict in verdicts.items():
        for reason in verdict.reasons if verdict.status is Status.BLOCKED else ():
            if reason.blocks:
                stopped.setdefault(reason.root_cause, {})[id] = reason

    def matter(id: str) -> Matter:
        milestone, verdict, held = plan.milestones[id], verdicts[id], stopped.get(id, {})
        reason = next(iter(held.values()), None)
        days = (verdict.due, verdict.latest_safe_finish if verdict.status is Status.DUE_SOON else None)
        return Matter(
            _STATES.get(reason.root_code, verdict.status.value) if reason else verdict.status.value,
            milestone.title,
            plan.organisation.bodies[milestone.owner].title,
            min((day for day in days if day), default=None),
            tuple(plan.milestones[each].title for each in held),
            remedy_sentence(plan, reason) if reason else "",
        )

    urgent = [id for id, each in verdicts.items() if each.status in (Status.OVERDUE, Status.DUE_SOON)]
    found = map(matter, dict.fromkeys([*stopped, *urgent]))
    return sorted(found, key=lambda each: (-len(each.stops), each.state == Status.DUE_SOON, each.due or date.max))
