"""The weekly letter 週報: where a plan stands, for the secretariat's meeting, and where the audit log ended."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

from kijitsu.domain.gates import Status
from kijitsu.domain.line import addressee
from kijitsu.messages import Coming, Revised, Weekly
from kijitsu.office import Office
from kijitsu.services.reading import Standing
from kijitsu.services.writing import addressed, letter_to
from kijitsu.store.rows import OutboxState, ProposalState
from kijitsu.store.work import UnitOfWork

OPEN_DAYS_AHEAD = 10


def write_weekly(office: Office, work: UnitOfWork, standing: Standing, on: date) -> str | None:
    """Write the letter of a day's ISO week and return its key, None where it was written already.

    The caller has the turn (`Audit.take_turn`), adds no audit entry after this, and commits.
    """
    plan, organisation = standing.plan, standing.plan.organisation
    year, week, _ = on.isocalendar()
    all_weeks = f"{plan.id}/weekly/"
    key, last = f"{all_weeks}{year}-W{week:02}", work.outbox.last(all_weeks)
    if last and last[0] == key:
        return None
    now = office.now(organisation)
    since = last[1] if last else now - timedelta(weeks=1)
    to = addressee(organisation, organisation.secretariat)
    letter = letter_to(to, standing, on, message="weekly", weekly=_weekly(work, standing, on, since))
    work.outbox.add([addressed(office, organisation, to, key, letter)], office.opening(organisation, now))
    return key


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
