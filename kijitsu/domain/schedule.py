"""The schedule: earliest and latest dates, slack and what drives it, by a forward and a backward pass.

Everything is counted in ordinals of days and positions of open days (see `closures`): a start is always an open day,
a finish is one too unless an elapsed duration (30d, 1m) ends on a closed day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date

from kijitsu.domain.closures import Closures
from kijitsu.domain.history import NOTHING_YET, Progress
from kijitsu.domain.order import Cycle as Cycle
from kijitsu.domain.order import topological_order as topological_order
from kijitsu.domain.periods import Deadline, Direction, Length, count_period, length_end, months_of
from kijitsu.domain.plan import Dependency, DueRule, LinkType, Milestone, Plan
from kijitsu.domain.windows import add_months

ClosuresById = Callable[[str], Closures]


@dataclass(frozen=True, slots=True)
class Slot:
    """Where one milestone lies. `slack` is in working days, None where nothing downstream has a deadline.

    `latest_finish` is the latest safe finish: the smaller of the own due date and what successors need; `drivers` are
    the prerequisites that hold the earliest start where it is. What is completed or waived has actual dates and no
    slack; what is cancelled, or undecided with nothing before it, has no dates. A deadline that runs from an event that
    has not happened yet is provisional: it moves with the estimate of the event and cannot be missed. `firm_finish` is
    the latest safe finish without those: the day to remind people of.
    """

    id: str
    earliest_start: date | None
    earliest_finish: date | None
    latest_start: date | None
    latest_finish: date | None
    slack: int | None
    due: date | None
    due_kind: str | None
    drivers: tuple[str, ...]
    critical: bool = False
    deadline: Deadline | None = None
    is_provisional: bool = False
    firm_finish: date | None = None


# Start and finish of what has a place, as ordinals.
Placed = dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Due:
    day: date | None = None
    kind: str | None = None
    deadline: Deadline | None = None
    is_provisional: bool = False


def _has_happened(due: DueRule, progress: Mapping[str, Progress]) -> bool:
    done = progress.get(due.milestone, NOTHING_YET)
    return done.finished_on is not None or (due.end == "start" and done.started_on is not None)


class Network:
    """A plan made ready to be scheduled many times: its order, its links both ways, its calendar.

    `closures` gives a calendar by id; the plan's own is `calendar`.
    """

    def __init__(self, plan: Plan, calendar: Closures, closures: ClosuresById) -> None:
        self.plan, self.calendar, self.closures = plan, calendar, closures
        self.order = topological_order({m.id: [link.on for link in m.after] for m in plan.milestones.values()})
        self.dependents: dict[str, list[str]] = {id: [] for id in plan.milestones}
        for milestone in plan.milestones.values():
            for link in milestone.after:
                if milestone.id not in self.dependents[link.on]:
                    self.dependents[link.on].append(milestone.id)
        self._floor = self._first_day()
        self._firm: tuple[Mapping[str, int], Mapping[str, Progress], Placed] | None = None
        self._planned: tuple[Mapping[str, Progress], Placed, dict[str, list[str]]] | None = None
        self._rank = {id: rank for rank, id in enumerate(self.order)}

    def _first_day(self) -> int | None:
        if self.plan.fiscal_year is not None:
            return date(self.plan.fiscal_year, 4, 1).toordinal()
        windows = [m.window for m in self.plan.milestones.values() if m.window]
        days = [day.toordinal() for window in windows for day in (window.first, window.last) if day]
        return min(days, default=None)

    def downstream(self, id: str) -> list[str]:
        """Return everything that rests on a milestone, directly or not, in the plan's order of dependency."""
        found: set[str] = set()
        waiting = [id]
        while waiting:
            for dependent in self.dependents[waiting.pop()]:
                if dependent not in found:
                    found.add(dependent)
                    waiting.append(dependent)
        return self.in_order(found)

    def in_order(self, ids: Iterable[str]) -> list[str]:
        """Return some milestones, prerequisites before what rests on them."""
        return sorted(ids, key=self._rank.__getitem__)

    def upstream(self, id: str) -> set[str]:
        """Return everything that a milestone rests on, directly or not."""
        found: set[str] = set()
        waiting = [id]
        while waiting:
            for link in self.plan.milestones[waiting.pop()].after:
                if link.on not in found:
                    found.add(link.on)
                    waiting.append(link.on)
        return found

    def may_start(self, link: Dependency, start: date, finish: date) -> date:
        """Return the first day on which a prerequisite's actual dates let a dependent of one day start."""
        position = self._bound(link, start.toordinal(), finish.toordinal())
        return date.fromordinal(self.calendar.ordinal(position))

    def schedule(self, progress: Mapping[str, Progress] | None = None, as_of: date | None = None) -> dict[str, Slot]:
        """Return every milestone's slot, given what has happened; nothing unfinished starts before `as_of`."""
        progress = progress or {}
        if self._planned is None or self._planned[0] != progress:
            # The plan as meant changes only when something happens, not from day to day.
            self._planned = dict(progress), *self._forward(progress, None)
        planned, drivers = self._planned[1:]
        placed = planned
        if as_of is not None:
            placed, drivers = self._forward(progress, as_of.toordinal())
        dues = {id: self._due(m, planned, placed, progress) for id, m in self.plan.milestones.items()}
        firm, latest = self._backward(progress, dues)
        slots = {}
        for id in self.plan.milestones:
            start, finish = placed.get(id, (None, None))
            late_start, late_finish = latest.get(id, (None, None))
            due = dues[id]
            slots[id] = Slot(
                id,
                _date(start),
                _date(finish),
                _date(late_start),
                self._last_open(late_finish),
                None if finish is None or late_finish is None else self._slack(finish, late_finish),
                due.day,
                due.kind,
                tuple(drivers.get(id, ())),
                deadline=due.deadline,
                is_provisional=due.is_provisional,
                firm_finish=self._last_open(firm[id][1] if id in firm else None),
            )
        return _with_critical(slots)

    def _last_open(self, day: int | None) -> date | None:
        return None if day is None else self.calendar.previous_open(date.fromordinal(day))

    def _slack(self, finish: int, latest: int) -> int:
        """Return the open days between; what ends on a closed day after its limit is late by the next open day."""
        ends = self.calendar.until_ordinal(finish) if finish <= latest else self.calendar.from_ordinal(finish)
        return self.calendar.until_ordinal(latest) - ends

    # --- forward: as soon as possible ---

    def _forward(self, progress: Mapping[str, Progress], as_of: int | None) -> tuple[Placed, dict[str, list[str]]]:
        placed: Placed = {}
        drivers: dict[str, list[str]] = {}
        for id in self.order:
            found = self.place(self.plan.milestones[id], placed, progress, as_of)
            if found:
                start, finish, drivers[id] = found
                placed[id] = (start, finish)
        return placed, drivers

    def place(
        self, milestone: Milestone, placed: Placed, progress: Mapping[str, Progress], as_of: int | None = None
    ) -> tuple[int, int, list[str]] | None:
        """Return one milestone's earliest start and finish and what drives them, given where its prerequisites lie."""
        done = progress.get(milestone.id, NOTHING_YET)
        if done.cancelled_on:
            return None
        if done.finished_on:
            return (*self._actual(milestone, done), [])
        links = [link for link in milestone.after if link.on in placed]
        bounds = [(link, self._bound(link, *placed[link.on])) for link in links]
        if done.started_on:
            start = done.started_on.toordinal()
            ends = [self.calendar.ordinal(bound) for link, bound in bounds if not link.type.holds_start]
            # What is under way ends neither before today nor before its window opens, should it have been moved.
            first = milestone.window.first.toordinal() if milestone.window and milestone.window.first else None
            lows = [day for day in (first, as_of) if day is not None]
            ends += [self.calendar.ordinal(self.calendar.from_ordinal(day)) for day in lows]
            return start, max([self._finish(milestone.duration, start), *ends]), []
        window = milestone.window
        first = window.first.toordinal() if window and window.first else None
        if not bounds and first is None:
            if window is None or window.undecided or self._floor is None:
                return None
            first = self._floor
        starts = [
            (bound if link.type.holds_start else self._start_for(milestone.duration, bound), link.on)
            for link, bound in bounds
        ]
        low = [self.calendar.from_ordinal(day) for day in (first, as_of) if day is not None]
        best = max([*low, *(position for position, _ in starts)])
        start = self.calendar.ordinal(best)
        drivers = dict.fromkeys(on for position, on in starts if position == best)
        return start, self._finish(milestone.duration, start), list(drivers)

    def _actual(self, milestone: Milestone, done: Progress) -> tuple[int, int]:
        assert done.finished_on
        finish = done.finished_on.toordinal()
        if done.started_on:
            return done.started_on.toordinal(), finish
        return finish, finish

    def _finish(self, duration: Length, start: int) -> int:
        if duration.unit == "wd":
            return self.calendar.ordinal(self.calendar.from_ordinal(start) + duration.number - 1)
        return length_end(date.fromordinal(start), duration, self.calendar).toordinal()

    def _bound(self, link: Dependency, start: int, finish: int) -> int:
        """Return the position before which a prerequisite lets its dependent not start, or not finish."""
        match link.type:
            case LinkType.FINISH_TO_START:
                return self._later(finish + 1, link.lag)
            case LinkType.START_TO_START:
                return self._later(start, link.lag)
            case LinkType.FINISH_TO_FINISH:
                return self._later(finish, link.lag)
            case LinkType.START_TO_FINISH if link.lag.unit == "wd" or not link.lag.number:
                return self.calendar.until_ordinal(start - 1) + link.lag.number
            case LinkType.START_TO_FINISH:
                return self._later(start - 1, link.lag)

    def _later(self, day: int, lag: Length) -> int:
        """Return the position of the first open day at or after `day` plus a lag."""
        if lag.unit == "wd" or not lag.number:
            return self.calendar.from_ordinal(day) + lag.number
        return self.calendar.from_ordinal(_plus(day, lag, 1))

    def _start_for(self, duration: Length, finish: int) -> int:
        """Return the first start position whose finish reaches the finish position."""
        if duration.unit == "wd":
            return finish - duration.number + 1
        edge = self.calendar.ordinal(finish)
        position = self.calendar.from_ordinal(_plus(edge, duration, -1))
        while self._finish(duration, self.calendar.ordinal(position)) >= edge:
            position -= 1
        while self._finish(duration, self.calendar.ordinal(position)) < edge:
            position += 1
        return position

    # --- due dates ---

    def _due(self, milestone: Milestone, planned: Placed, estimated: Placed, progress: Mapping[str, Progress]) -> _Due:
        """Return the deadline of a milestone.

        What must be done before an event holds on to the planned day, for the day comes whether or not we are ready.
        What must be done after it has no deadline until the event has happened: it goes with the estimate.
        """
        due = milestone.due
        if isinstance(due, date):
            return _Due(due, "deadline")
        if isinstance(due, DueRule) and due.milestone in planned:
            is_provisional = due.rule.direction is Direction.FORWARD and not _has_happened(due, progress)
            placed = estimated if is_provisional else planned
            event = date.fromordinal(placed[due.milestone][0 if due.end == "start" else 1])
            deadline = count_period(due.rule, event, self.closures(due.rule.calendar))
            return _Due(deadline.due, "deadline", deadline, is_provisional)
        if milestone.window and milestone.window.last:
            return _Due(milestone.window.last, "target")
        return _Due()

    # --- backward: as late as is safe ---

    def _backward(self, progress: Mapping[str, Progress], dues: Mapping[str, _Due]) -> tuple[Placed, Placed]:
        """Return the latest start and finish of each: from what is firm alone, and with the provisional deadlines.

        A deadline counted from an event to come moves with the event: it is no reason to hurry the event, nor what the
        event rests on.
        """
        days = {id: due.day.toordinal() for id, due in dues.items() if due.day and not due.is_provisional}
        if self._firm is None or self._firm[0] != days or self._firm[1] != progress:
            self._firm = days, dict(progress), self._latest(days, frozenset(), progress)
        firm = self._firm[2]
        latest = dict(firm)
        by_anchor: dict[str, dict[str, int]] = {}
        for id, due in dues.items():
            rule = self.plan.milestones[id].due
            if due.day and due.is_provisional and isinstance(rule, DueRule):
                by_anchor.setdefault(rule.milestone, {})[id] = due.day.toordinal()
        for anchor, days in by_anchor.items():
            for id, (start, finish) in self._latest(days, {anchor, *self.upstream(anchor)}, progress).items():
                start_before, finish_before = latest.get(id, (start, finish))
                latest[id] = min(start, start_before), min(finish, finish_before)
        return firm, latest

    def _latest(self, dues: Mapping[str, int], spared: AbstractSet[str], progress: Mapping[str, Progress]) -> Placed:
        """Return the latest start and finish that some due days leave, to all but those who are spared."""
        latest: Placed = {}
        starts: dict[str, int] = {}
        finishes = dict(dues)
        for id in self._towards(dues, spared):
            milestone, done = self.plan.milestones[id], progress.get(id, NOTHING_YET)
            if done.is_closed:
                continue
            duration, last_start, finish = milestone.duration, starts.get(id), finishes.get(id)
            if last_start is not None and not done.started_on:
                last_start = self.calendar.ordinal(self.calendar.until_ordinal(last_start))
                reached = self._finish(duration, last_start)
                finish = reached if finish is None else min(finish, reached)
            if finish is None:
                continue
            start = self._last_start(duration, finish)
            if last_start is not None and not done.started_on:
                start = min(start, last_start)
            latest[id] = start, finish
            # A period of 30 days may have no start that lets it end on its last safe day: what it does reach counts.
            reached = finish if done.started_on else self._finish(duration, start)
            for link in milestone.after:
                if link.on in spared or (link.type.holds_start and done.started_on):
                    continue
                held = finishes if link.type.holds_from_finish else starts
                limit = self._limit(link, start if link.type.holds_start else reached)
                held[link.on] = min(held.get(link.on, limit), limit)
        return latest

    def _towards(self, dues: Mapping[str, int], spared: AbstractSet[str]) -> list[str]:
        """Return what has a due day and what those rest on, dependents first, without those who are spared."""
        found = set(dues)
        waiting = list(dues)
        while waiting:
            for link in self.plan.milestones[waiting.pop()].after:
                if link.on not in found and link.on not in spared:
                    found.add(link.on)
                    waiting.append(link.on)
        return self.in_order(found)[::-1]

    def _limit(self, link: Dependency, edge: int) -> int:
        """Return the last day of the prerequisite's end that lets its dependent's end fall on `edge` or before."""
        position = self.calendar.until_ordinal(edge)
        by_position = link.lag.unit == "wd" or not link.lag.number
        if link.type is LinkType.START_TO_FINISH and by_position:
            return self.calendar.ordinal(position - link.lag.number + 1)
        # FS and SF stand a day apart: the finish is the evening before the start.
        gap = {LinkType.FINISH_TO_START: 1, LinkType.START_TO_FINISH: -1}.get(link.type, 0)
        if by_position:
            return self.calendar.ordinal(position - link.lag.number) - gap
        return _last_before(self.calendar.ordinal(position), link.lag) - gap

    def _last_start(self, duration: Length, finish: int) -> int:
        """Return the last open day on which something may start to be over by the finish."""
        if duration.unit == "wd":
            return self.calendar.ordinal(self.calendar.until_ordinal(finish) - duration.number + 1)
        position = self.calendar.from_ordinal(_plus(finish, duration, -1))
        while self._finish(duration, self.calendar.ordinal(position)) <= finish:
            position += 1
        while self._finish(duration, self.calendar.ordinal(position)) > finish:
            position -= 1
        return self.calendar.ordinal(position)


def _last_before(edge: int, lag: Length) -> int:
    """Return the last day that is not after `edge` when the lag is added."""
    day = _plus(edge, lag, -1)
    while _plus(day + 1, lag, 1) <= edge:
        day += 1
    while _plus(day, lag, 1) > edge:
        day -= 1
    return day


def _plus(day: int, length: Length, sign: int) -> int:
    if length.unit in ("d", "w"):
        return day + sign * length.number * (7 if length.unit == "w" else 1)
    return add_months(date.fromordinal(day), sign * months_of(length)).toordinal()


def _date(ordinal: int | None) -> date | None:
    return None if ordinal is None else date.fromordinal(ordinal)


def _with_critical(slots: dict[str, Slot]) -> dict[str, Slot]:
    least = min((slot.slack for slot in slots.values() if slot.slack is not None), default=None)
    if least is None:
        return slots
    return {id: replace(slot, critical=True) if slot.slack == least else slot for id, slot in slots.items()}
