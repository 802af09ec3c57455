"""The schedule: earliest and latest dates, slack and what drives it, by a forward and a backward pass.

Everything is counted in ordinals of days and positions of open days (see `closures`): a start is always an open day,
a finish is one too unless an elapsed duration (30d, 1m) ends on a closed day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from heapq import heappop, heappush

from kijitsu.domain.closures import Closures
from kijitsu.domain.errors import InputError
from kijitsu.domain.history import NOTHING_YET, Progress
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
    has not happened yet is provisional: it moves with the estimate of the event and cannot be missed.
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


class Cycle(InputError):
    """Milestones wait for each other in a ring; `path` names it, first id again at the end."""

    def __init__(self, path: list[str]) -> None:
        self.path = path
        super().__init__("前提が循環しています: " + " → ".join(path))


def topological_order(after: Mapping[str, list[str]]) -> list[str]:
    """Return the keys so that each comes after what `after` lists for it, else in given order. Raises Cycle."""
    rank = {key: number for number, key in enumerate(after)}
    open_links = {key: len(before) for key, before in after.items()}
    dependents: dict[str, list[str]] = {key: [] for key in after}
    for key, before in after.items():
        for prerequisite in before:
            dependents[prerequisite].append(key)
    ready = [rank[key] for key, count in open_links.items() if count == 0]
    keys, order = list(after), []
    while ready:
        key = keys[heappop(ready)]
        order.append(key)
        for dependent in dependents[key]:
            open_links[dependent] -= 1
            if open_links[dependent] == 0:
                heappush(ready, rank[dependent])
    if len(order) < len(keys):
        raise Cycle(_ring(after, set(keys) - set(order)))
    return order


def _ring(after: Mapping[str, list[str]], stuck: set[str]) -> list[str]:
    key = min(stuck, key=list(after).index)
    path: list[str] = []
    while key not in path:
        path.append(key)
        key = next(before for before in after[key] if before in stuck)
    ring = path[path.index(key) :]
    ring.reverse()
    return [*ring, ring[0]]


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
        self._before_anchor = {
            m.id: {m.due.milestone, *self.upstream(m.due.milestone)}
            for m in plan.milestones.values()
            if isinstance(m.due, DueRule)
        }

    def _first_day(self) -> int | None:
        if self.plan.fiscal_year is not None:
            return date(self.plan.fiscal_year, 4, 1).toordinal()
        windows = [m.window for m in self.plan.milestones.values() if m.window]
        days = [day.toordinal() for window in windows for day in (window.first, window.last) if day]
        return min(days, default=None)

    def downstream(self, id: str) -> list[str]:
        """Return everything that rests on a milestone, directly or not, in the plan's order of dependency."""
        reached = {id}
        for each in self.order[self.order.index(id) + 1 :]:
            if any(link.on in reached for link in self.plan.milestones[each].after):
                reached.add(each)
        return [each for each in self.order if each in reached and each != id]

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
        position = self._not_before(link.type, link.lag, Length(1, "wd"), start.toordinal(), finish.toordinal())
        return date.fromordinal(self.calendar.ordinal(position))

    def schedule(self, progress: Mapping[str, Progress] | None = None, as_of: date | None = None) -> dict[str, Slot]:
        """Return every milestone's slot, given what has happened; nothing unfinished starts before `as_of`."""
        progress = progress or {}
        planned, drivers = self._forward(progress, None)
        placed = planned
        if as_of is not None:
            placed, drivers = self._forward(progress, as_of.toordinal())
        dues = {id: self._due(m, planned, placed, progress) for id, m in self.plan.milestones.items()}
        latest = self._backward(progress, {id: due.day.toordinal() for id, due in dues.items() if due.day})
        slots = {}
        for id in self.plan.milestones:
            start, finish = placed.get(id, (None, None))
            late_start, late_finish = latest.get(id, (None, None))
            slack = None
            if finish is not None and late_finish is not None:
                slack = late_finish - self.calendar.until_ordinal(finish)
            due = dues[id]
            slots[id] = Slot(
                id,
                _date(start),
                _date(finish),
                _date(None if late_start is None else self.calendar.ordinal(late_start)),
                _date(None if late_finish is None else self.calendar.ordinal(late_finish)),
                slack,
                due.day,
                due.kind,
                tuple(drivers.get(id, ())),
                deadline=due.deadline,
                is_provisional=due.is_provisional,
            )
        return _with_critical(slots)

    # --- forward: as soon as possible ---

    def _forward(self, progress: Mapping[str, Progress], as_of: int | None) -> tuple[Placed, dict[str, list[str]]]:
        placed: dict[str, tuple[int, int]] = {}
        drivers: dict[str, list[str]] = {}
        for id in self.order:
            milestone, done = self.plan.milestones[id], progress.get(id, NOTHING_YET)
            if done.cancelled_on:
                continue
            if done.finished_on:
                placed[id] = self._actual(milestone, done)
                continue
            bounds = [
                (self._not_before(link.type, link.lag, milestone.duration, *placed[link.on]), link.on)
                for link in milestone.after
                if link.on in placed
            ]
            window = milestone.window
            if done.started_on:
                start = done.started_on.toordinal()
            else:
                first = window.first.toordinal() if window and window.first else None
                if not bounds and first is None:
                    if window is None or window.undecided or self._floor is None:
                        continue
                    first = self._floor
                low = max((day for day in (first, as_of) if day is not None), default=None)
                positions = [position for position, _ in bounds]
                if low is not None:
                    positions.append(self.calendar.from_ordinal(low))
                best = max(positions)
                start = self.calendar.ordinal(best)
                drivers[id] = [on for position, on in bounds if position == best]
            finish = self._finish(milestone.duration, start)
            if as_of is not None and done.started_on:
                finish = max(finish, self.calendar.ordinal(self.calendar.from_ordinal(as_of)))
            placed[id] = (start, finish)
        return placed, drivers

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

    def _not_before(self, type: LinkType, lag: Length, duration: Length, start: int, finish: int) -> int:
        """Return the position before which a link lets its dependent not start."""
        match type:
            case LinkType.FINISH_TO_START:
                return self._later(finish + 1, lag)
            case LinkType.START_TO_START:
                return self._later(start, lag)
            case LinkType.FINISH_TO_FINISH:
                return self._start_for(duration, self._later(finish, lag))
            case LinkType.START_TO_FINISH if lag.unit == "wd" or not lag.number:
                return self._start_for(duration, self.calendar.until_ordinal(start - 1) + lag.number)
            case LinkType.START_TO_FINISH:
                return self._start_for(duration, self._later(start - 1, lag))

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

    def _backward(self, progress: Mapping[str, Progress], dues: Mapping[str, int]) -> Placed:
        """Return the latest start and finish of each, as positions of open days."""
        latest: Placed = {}
        starts: dict[str, int] = {}
        finishes: dict[str, int] = {}
        own = {id: self.calendar.until_ordinal(day) for id, day in dues.items()}
        for id in reversed(self.order):
            milestone, done = self.plan.milestones[id], progress.get(id, NOTHING_YET)
            if done.is_closed:
                continue
            needed = self._both_ends(milestone.duration, starts.get(id), finishes.get(id))
            due = self._both_ends(milestone.duration, None, own.get(id))
            ends = [each for each in (needed, due) if each is not None]
            if not ends:
                continue
            latest[id] = whole = (min(start for start, _ in ends), min(finish for _, finish in ends))
            for link in milestone.after:
                # A deadline counted from an event moves with the event: it is no reason to hurry the event.
                held = needed if link.on in self._before_anchor.get(id, ()) else whole
                if held is not None:
                    self._hold(link, *held, done.started_on is not None, starts, finishes)
        return latest

    def _both_ends(self, duration: Length, start: int | None, finish: int | None) -> tuple[int, int] | None:
        """Return the latest start and finish that keep a latest start, a latest finish, or both."""
        if start is not None:
            reached = self.calendar.until_ordinal(self._finish(duration, self.calendar.ordinal(start)))
            finish = reached if finish is None else min(finish, reached)
        if finish is None:
            return None
        late_start = self._last_start(duration, finish)
        return (late_start if start is None else min(late_start, start)), finish

    def _hold(
        self,
        link: Dependency,
        late_start: int,
        late_finish: int,
        has_started: bool,
        starts: dict[str, int],
        finishes: dict[str, int],
    ) -> None:
        """Tell the prerequisite what its dependent's latest dates leave it; a start that was made holds nobody."""
        type, lag = link.type, link.lag
        to_start = type in (LinkType.FINISH_TO_START, LinkType.START_TO_START)
        if to_start and has_started:
            return
        from_finish = type in (LinkType.FINISH_TO_START, LinkType.FINISH_TO_FINISH)
        position = late_start if to_start else late_finish
        if lag.unit == "wd" or not lag.number:
            # FS and SF stand a day apart: the finish is the evening before the start.
            gap = {LinkType.FINISH_TO_START: -1, LinkType.START_TO_FINISH: 1}.get(type, 0)
            limit = position - lag.number + gap
        else:
            gap = {LinkType.FINISH_TO_START: 1, LinkType.START_TO_FINISH: -1}.get(type, 0)
            limit = self._latest_before(self.calendar.ordinal(position), lag, gap)
        held = finishes if from_finish else starts
        held[link.on] = min(held.get(link.on, limit), limit)

    def _latest_before(self, edge: int, lag: Length, gap: int) -> int:
        """Return the last position p whose day plus `gap` plus the lag, taken to an open day, is not after `edge`."""
        position = self.calendar.until_ordinal(_plus(edge, lag, -1) - gap)
        while self._later(self.calendar.ordinal(position + 1) + gap, lag) <= self.calendar.from_ordinal(edge):
            position += 1
        while self._later(self.calendar.ordinal(position) + gap, lag) > self.calendar.from_ordinal(edge):
            position -= 1
        return position

    def _last_start(self, duration: Length, finish: int) -> int:
        """Return the last start position whose finish is not after the finish position."""
        if duration.unit == "wd":
            return finish - duration.number + 1
        edge = self.calendar.ordinal(finish)
        position = self.calendar.from_ordinal(_plus(edge, duration, -1))
        while self._finish(duration, self.calendar.ordinal(position)) <= edge:
            position += 1
        while self._finish(duration, self.calendar.ordinal(position)) > edge:
            position -= 1
        return position


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
    return {id: replace(slot, critical=slot.slack == least) for id, slot in slots.items()}
