"""When a calendar changed while a plan runs: what that recomputes, and the reminders that it overtakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any

from kijitsu.calendars import Calendars
from kijitsu.domain.closures import Closures, combined
from kijitsu.domain.eras import show_date
from kijitsu.domain.plan import DueRule, Plan
from kijitsu.domain.schedule import Network, Slot
from kijitsu.services.reading import Standing
from kijitsu.store import rows
from kijitsu.store.tables import canonical
from kijitsu.store.work import UnitOfWork

# What is compared of a milestone, as JSON and people call it.
SHOWN = {"earliest_finish": "最早完了", "latest_finish": "最遅完了", "due": "期限"}

_NAMED = 3
"""Of a change of many days, a sentence names so many."""

Dates = tuple[date | None, date | None]


@dataclass(frozen=True)
class CalendarChange:
    """What became of a calendar since the last pass, and what that did to the plan.

    `closed` and `opened` are days with the reason they are closed now, or were. `moved` has the former and the new
    date of each key of `SHOWN` that differs, by milestone.
    """

    calendar: str
    title: str
    closed: Mapping[date, str]
    opened: Mapping[date, str]
    moved: Mapping[str, Mapping[str, Dates]]

    @property
    def cause(self) -> str:
        """The days, in words."""
        days = [f"{show_date(day)}{why}" for day, why in self.closed.items()]
        days += [f"{show_date(day)}は開庁日に（これまで{why}）" for day, why in self.opened.items()]
        return "、".join(days[:_NAMED]) + (f"ほか{len(days) - _NAMED}日" if len(days) > _NAMED else "")

    def sentences(self, plan: Plan) -> list[str]:
        """Return the change, and each milestone that it moves, in one line each."""
        count = f"期限や予定が動いた項目 {len(self.moved)}件" if self.moved else "動いた期限や予定はありません"
        lines = [f"休日表「{self.title}」が変わりました: {self.cause}。{count}"]
        for id, dates in self.moved.items():
            shown = (f"{SHOWN[key]} {_shown(before)} → {_shown(after)}" for key, (before, after) in dates.items())
            lines.append(f"  {plan.milestones[id].title}: {'、'.join(shown)}")
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return the change as the audit log keeps it and `kijitsu watch --json` shows it."""
        return {
            "calendar": self.calendar,
            "cause": self.cause,
            "closed": [[day.isoformat(), why] for day, why in self.closed.items()],
            "opened": [[day.isoformat(), why] for day, why in self.opened.items()],
            "milestones": {
                id: {key: [day and day.isoformat() for day in pair] for key, pair in dates.items()}
                for id, dates in self.moved.items()
            },
        }


def remember(work: UnitOfWork, plan: Plan, calendars: Calendars) -> None:
    """Keep the calendars that a plan counts on, to be compared with at the next pass."""
    work.seen_calendars.put(plan.id, [_seen(calendars(id)) for id in _ids(plan)])


def take_over(work: UnitOfWork, plan: Plan, before: Calendars, after: Calendars) -> None:
    """Remember the days that a change of the plan itself closed or opened: they are told with the change.

    What else became of the calendars since the last pass is left for the next one to notice.
    """
    known = work.seen_calendars.all(plan.id)
    for id in _ids(plan):
        days = before(id).differing(after(id))
        if days and id in known:
            now = {day.isoformat(): why for day in days if (why := after(id).why_closed(day))}
            opened = {day.isoformat() for day in days} - now.keys()
            kept = {day: why for day, why in known[id].closed.items() if day not in opened}
            work.seen_calendars.put(plan.id, [_remembered(id, known[id].first, known[id].last, kept | now)])


def recompute(work: UnitOfWork, standing: Standing) -> list[CalendarChange]:
    """Return what changed in the plan's calendars since they were last remembered, and remember them.

    Only days that both know are compared. Of several changes each is told with what it adds to those before it.
    """
    plan, calendars = standing.plan, standing.loaded.calendars
    tables = {id: calendars(id) for id in _ids(plan)}
    hashes = work.seen_calendars.hashes(plan.id)
    if all(_seen(table).sha256 == hashes.get(id) for id, table in tables.items()):
        return []
    known = work.seen_calendars.all(plan.id)
    remember(work, plan, calendars)
    former = {id: _former(table, known[id]) for id, table in tables.items() if id in known}
    changed = {id: table for id, table in former.items() if _closed(table).keys() != _closed(tables[id]).keys()}
    tables |= changed
    after = _scheduled(standing, tables)
    changes = []
    for id, old in changed.items():
        new = tables[id] = calendars(id)
        before, after = after, _scheduled(standing, tables)
        closed = {day: why for day, why in _closed(new).items() if old.is_open(day)}
        opened = {day: why for day, why in _closed(old).items() if new.is_open(day)}
        changes.append(CalendarChange(id, new.title, closed, opened, _moved(before, after)))
    return changes


def _ids(plan: Plan) -> list[str]:
    """Return the calendars that a plan counts on: its own, those of its deadlines' rules and of its counters."""
    milestones = plan.milestones.values()
    rules = [milestone.due.rule for milestone in milestones if isinstance(milestone.due, DueRule)]
    versions = (version.calendar for rule in rules for version in (rule, *rule.amended))
    counters = (milestone.capacity.closures for milestone in milestones if milestone.capacity)
    return list(dict.fromkeys([*plan.closures, *versions, *counters]))


# A replay asks for the same few tables every day.
@lru_cache(maxsize=16)
def _seen(table: Closures) -> rows.SeenCalendar:
    closed = {day.isoformat(): why for day, why in _closed(table).items()}
    return _remembered(table.id, table.first, table.last, closed)


def _remembered(id: str, first: date, last: date, closed: Mapping[str, str]) -> rows.SeenCalendar:
    digest = sha256(canonical([first.isoformat(), last.isoformat(), closed]).encode()).hexdigest()
    return rows.SeenCalendar(id, first, last, closed, digest)


def _closed(table: Closures) -> dict[date, str]:
    """Return every closed day of a table with its reason, in order."""
    days = (table.first + timedelta(number) for number in range((table.last - table.first).days + 1))
    return {day: why for day in days if (why := table.why_closed(day))}


def _former(table: Closures, seen: rows.SeenCalendar) -> Closures:
    """Return a table as it was seen; what was not seen then is as it is now."""
    unseen = {day: why for day, why in _closed(table).items() if not seen.first <= day <= seen.last}
    known = {date.fromisoformat(day): why for day, why in seen.closed.items()}
    return Closures(table.id, table.title, table.first, table.last, unseen | known, frozenset())


def _scheduled(standing: Standing, tables: Mapping[str, Closures]) -> Mapping[str, Slot]:
    calendar = combined(tuple(tables[id] for id in standing.plan.closures))
    return Network(standing.plan, calendar, tables.__getitem__).schedule(standing.progress, standing.as_of)


def _moved(before: Mapping[str, Slot], after: Mapping[str, Slot]) -> dict[str, dict[str, Dates]]:
    moved = {}
    for id in after:
        pairs = {key: (getattr(before[id], key), getattr(after[id], key)) for key in SHOWN}
        if differing := {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}:
            moved[id] = differing
    return moved


def _shown(day: date | None) -> str:
    return show_date(day) if day else "－"
