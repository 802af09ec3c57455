"""The weekly report 週報: where a plan stands, for the secretariat's meeting, and where the audit log ended.

It goes in the secretariat's letter of the week's first pass, and alone where that pass has none for them: nobody gets
two messages on one day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from kijitsu.domain.gates import Status
from kijitsu.domain.line import addressee
from kijitsu.messages import Coming, Revised, Weekly
from kijitsu.office import Office, morning
from kijitsu.services.reading import Standing
from kijitsu.services.sorting import Mail
from kijitsu.services.writing import addressed, letter_to, secretariat_of
from kijitsu.store.rows import OutboxState, PassRow, ProposalState
from kijitsu.store.work import UnitOfWork

OPEN_DAYS_AHEAD = 10


@dataclass(frozen=True, slots=True)
class Carried:
    """Which letter carries a week's 週報: the ISO week, the day it was written, the letter's key."""

    week: str
    on: str
    key: str


def carried_by(last: PassRow | None) -> Carried | None:
    """Return the letter that carried the last 週報, as the last pass knew it."""
    kept = (last.summary if last else {}).get("weekly")
    return Carried(**kept) if kept else None


def weekly_owed(work: UnitOfWork, standing: Standing, on: date, before: Carried | None, mail: Mail) -> Weekly | None:
    """Return the 週報 of a day's week, None where a letter carries it that is still to arrive or has.

    A letter that another takes the place of before anybody tried to send it hands it on.
    """
    if before and before.week == _week(on):
        replaced = {key for draft in mail.drafts for key in draft.replaces}
        if before.key not in replaced and work.outbox.state(before.key) is not OutboxState.WITHDRAWN:
            return None
    first = date.fromisoformat(before.on) if before else on - timedelta(weeks=1)
    return _weekly(work, standing, on, morning(standing.plan.organisation, first))


def carry(
    office: Office, work: UnitOfWork, standing: Standing, on: date, weekly: Weekly, letters: Mapping[str, str]
) -> Carried:
    """Return the letter to the secretariat, of those just written, that carries the 週報; or write one for it alone."""
    plan, to = standing.plan, secretariat_of(standing.plan)
    for recipient, key in letters.items():
        if addressee(plan.organisation, recipient).place == to.place:
            return Carried(_week(on), on.isoformat(), key)
    key = f"{plan.id}/weekly/{_week(on)}/{on}"
    letter = letter_to(to, standing, on, message="weekly", weekly=weekly)
    now = office.now(plan.organisation)
    work.outbox.add([addressed(office, plan.organisation, to, key, letter)], office.opening(plan.organisation, now))
    return Carried(_week(on), on.isoformat(), key)


def _week(on: date) -> str:
    year, week, _ = on.isocalendar()
    return f"{year}-W{week:02}"


def _weekly(work: UnitOfWork, standing: Standing, on: date, since: datetime) -> Weekly:
    plan, bodies = standing.plan, standing.plan.organisation.bodies
    found = Counter(verdict.status for verdict in standing.verdicts.values())
    until = standing.network.calendar.add(on, OPEN_DAYS_AHEAD)
    near = [
        Coming(plan.milestones[id].title, bodies[plan.milestones[id].owner].title, verdict.due)
        for id, verdict in standing.verdicts.items()
        if verdict.due and on <= verdict.due <= until and not verdict.is_closed
    ]
    head = work.audit.head()
    return Weekly(
        head_number=head.number,
        head_hash=head.hash,
        total=found.total() - found[Status.WAIVED] - found[Status.CANCELLED],
        done=found[Status.DONE],
        overdue=found[Status.OVERDUE],
        blocked=found[Status.BLOCKED],
        due_soon=found[Status.DUE_SOON],
        coming=tuple(sorted(near, key=lambda each: each.due)),
        changes=tuple(
            Revised(each.number, each.reason, each.actor)
            for each in work.plans.revisions(plan.id)
            if each.number > 1 and each.made_at > since
        ),
        proposals=tuple(
            Revised(each.number, each.reason, each.actor)
            for each in work.proposals.all(plan.id)
            if each.state is ProposalState.PENDING
        ),
        undelivered=work.outbox.counts()[OutboxState.DEAD],
    )
