"""Where a plan stands on one page, and which of today's letters told whom of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from kijitsu.domain.line import addressee
from kijitsu.domain.plan import Plan
from kijitsu.messages import Weekly
from kijitsu.office import Office
from kijitsu.services.reading import Standing
from kijitsu.services.watching import adopted, organisation_of
from kijitsu.services.weekly import Carried, carried_by, occasions, still_owed, where_it_stands


@dataclass(frozen=True)
class Overview:
    """What there is to report of a plan today, and what was.

    `weekly` tells of what was changed since the report before this week's. `told` says in Japanese whom today's letters
    told, and of what. `is_missing` where there was no pass yet that writes them, or one now has more to write.
    """

    standing: Standing
    on: date
    weekly: Weekly
    told: Sequence[str]
    is_missing: bool


def overview(office: Office, plan: str) -> Overview:
    """Return what there is to report of an adopted plan today; nothing is written. Raises InputError for any other."""
    organisation = organisation_of(office, plan)
    on = office.today(organisation)
    with office.open_work(organisation.municipality, True) as work:
        standing = adopted(office, work, plan, on)
        week, *meetings = occasions(standing, on)
        last = work.passes.latest(plan)
        carried = carried_by(last)
        told_today = last.told if last and last.occurred_on == on else None
        places = {addressee(standing.plan.organisation, each).place for each in told_today or ()}
        owed = [each for each in still_owed(work, [week, *meetings], carried) if each.to.place not in places]
        before = carried.get(week.id)
        since = "" if before is None else before.since if before.version == week.version else before.on
        weekly = where_it_stands(work, standing, on, since)
    told = [_said(standing.plan, each) for each in carried.values() if each.on == on.isoformat()]
    is_open = standing.network.calendar.is_open(on)
    return Overview(standing, on, weekly, told, is_open and (told_today is None or bool(owed)))


def _said(plan: Plan, carried: Carried) -> str:
    meeting = plan.milestones.get(carried.id)
    to = addressee(plan.organisation, meeting.owner if meeting else plan.organisation.secretariat)
    return f"{to.title}（{f'「{meeting.title}」の前の報告' if meeting else '週報'}）"
