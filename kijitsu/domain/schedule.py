"""The schedule: earliest and latest dates, slack and what drives it, for every milestone of a plan.

A `Network` is a plan made ready, a `Schedule` what two passes over it come to (see `passes`), a `Slot` one milestone of
that, made when it is looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import NamedTuple

from kijitsu.domain.closures import Closures
from kijitsu.domain.history import NOTHING_YET, Progress
from kijitsu.domain.order import Cycle as Cycle
from kijitsu.domain.passes import Earliest, Latest, Settle
from kijitsu.domain.periods import Deadline, Direction, count_period
from kijitsu.domain.plan import Dependency, DueRule, Milestone, Plan
from kijitsu.domain.situation import Situation, Span
from kijitsu.domain.structure import ABSENT, FREE, NOWHERE, Structure

ClosuresById = Callable[[str], Closures]


class Slot(NamedTuple):
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
    critical: bool
    deadline: Deadline | None
    is_provisional: bool
    firm_finish: date | None


class _Event(NamedTuple):
    """What a ruled deadline is counted from; the spans are days during which the period stands still."""

    on: date
    suspended: tuple[tuple[date, date], ...]
    is_provisional: bool


class _Layer(NamedTuple):
    """A backward pass beside the firm one."""

    latest: Latest
    is_provisional: bool


class Network:
    """A plan made ready to be scheduled many times, on its own calendar; `closures` gives any calendar by id."""

    def __init__(self, plan: Plan, calendar: Closures, closures: ClosuresById) -> None:
        self._begin(Structure(plan, calendar), closures)

    @classmethod
    def _of(cls, structure: Structure, closures: ClosuresById) -> Network:
        network = cls.__new__(cls)
        network._begin(structure, closures)
        return network

    def _begin(self, structure: Structure, closures: ClosuresById) -> None:
        self.structure, self.closures = structure, closures
        self.calendar = structure.axis.calendar
        self._situation: tuple[Mapping[str, Progress], Situation, Earliest] | None = None
        self._firm: tuple[Situation, Latest] | None = None
        self._deadlines: dict[tuple[int, date, tuple[tuple[date, date], ...]], Deadline] = {}

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self.structure.plan

    # --- the graph ---

    @property
    def order(self) -> list[str]:
        """Every milestone, prerequisites before what rests on them."""
        return self.structure.ids

    def rank(self, id: str) -> int:
        """Return a milestone's place in that order."""
        return self.structure.rank[id]

    def in_order(self, ids: Iterable[str]) -> list[str]:
        """Return some milestones, prerequisites before what rests on them."""
        return sorted(ids, key=self.structure.rank.__getitem__)

    def dependents(self, id: str) -> list[str]:
        """Return what rests directly on a milestone."""
        return [self.order[rank] for rank in self.structure.dependents(self.structure.rank[id])]

    def downstream(self, *ids: str) -> list[str]:
        """Return everything that rests on some milestones, directly or not, in the plan's order of dependency."""
        found: set[str] = set()
        waiting = list(ids)
        while waiting:
            for dependent in self.dependents(waiting.pop()):
                if dependent not in found:
                    found.add(dependent)
                    waiting.append(dependent)
        return self.in_order(found)

    def upstream(self, ids: Iterable[str]) -> set[str]:
        """Return some milestones and everything that they rest on, directly or not."""
        return {self.order[rank] for rank in self.structure.reach(map(self.rank, ids))}

    def may_start(self, link: Dependency, start: date, finish: date) -> date:
        """Return the first day on which a prerequisite's actual dates let a dependent of one day start."""
        position = self.structure.axis.bound(link, start.toordinal(), finish.toordinal())
        return date.fromordinal(self.calendar.ordinal(position))

    # --- the schedule ---

    def schedule(self, progress: Mapping[str, Progress] | None = None, as_of: date | None = None) -> Schedule:
        """Return every milestone's slot, given what has happened; nothing unfinished starts before `as_of`."""
        situation, planned = self._in_situation(progress or {})
        now = planned if as_of is None else Earliest(situation, as_of.toordinal())
        return Schedule(self, situation, planned, now)

    def _in_situation(self, progress: Mapping[str, Progress]) -> tuple[Situation, Earliest]:
        """Return the situation and the plan as meant in it, which change only when something happens."""
        if self._situation is None or self._situation[0] != progress:
            situation = Situation(self.structure, progress)
            self._situation = dict(progress), situation, Earliest(situation)
        return self._situation[1:]

    def firm(self, situation: Situation, ruled: Mapping[int, int | None]) -> Latest:
        """Return the backward pass from what is firm, kept while nothing of that changes."""
        if self._firm is None or self._firm[0] is not situation or self._firm[1].ruled != ruled:
            self._firm = situation, Latest(situation, ruled)
        return self._firm[1]

    def keep(self, progress: Mapping[str, Progress], situation: Situation, planned: Earliest, firm: Latest) -> None:
        """Take over what the passes of another state left."""
        self._situation, self._firm = (progress, situation, planned), (situation, firm)

    def revised(self, changed: Mapping[str, Milestone]) -> Network:
        """Return the network with some milestones replaced; only what they touch is compiled anew."""
        return Network._of(self.structure.revised(changed), self.closures)

    # --- deadlines that a rule counts ---

    def deadline(self, rank: int, event: _Event) -> Deadline:
        """Return a ruled deadline; counting one takes longer than both passes over a small plan, so they are kept."""
        key = rank, event.on, event.suspended
        if key not in self._deadlines:
            rule = self.structure.ruled[rank].rule
            self._deadlines[key] = count_period(rule, event.on, self.closures(rule.calendar), event.suspended)
        return self._deadlines[key]


class Schedule(Mapping[str, Slot]):
    """Every milestone's slot, by id, in the plan's order."""

    def __init__(
        self,
        network: Network,
        situation: Situation,
        planned: Earliest,
        now: Earliest,
        before: tuple[Latest, Iterable[int]] | None = None,
    ) -> None:
        """Reckon what the passes leave open. `before` is another state's firm pass and the ranks that changed since."""
        self.network, self._situation, self._planned, self._now = network, situation, planned, now
        self._events = dict(self._events_of_rules())
        self._deadlines = {rank: network.deadline(rank, event) for rank, event in self._events.items()}
        self._ends = {rank: deadline.due.toordinal() for rank, deadline in self._deadlines.items()}
        self._limited: set[int] = set()
        if before:
            self._firm, self._limited = before[0].revised(situation, self._ruled(), before[1])
        else:
            self._firm = network.firm(situation, self._ruled())
        self._layers: dict[int, list[_Layer]] = {}
        for layer in self._own_layers():
            for rank in layer.latest.reached:
                self._layers.setdefault(rank, []).append(layer)
        self._slots: dict[str, Slot] = {}
        self._counts: Counter[int] | None = None

    def __getitem__(self, id: str) -> Slot:
        if id not in self._slots:
            self._slots[id] = self._slot(id)
        return self._slots[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.network.plan.milestones)

    def __len__(self) -> int:
        return len(self.network.plan.milestones)

    def is_plainly_as(self, other: Schedule, id: str) -> bool:
        """Tell without making slots that a milestone lies as in another state on an equal calendar; False where only
        the slots can say."""
        own, its = self.network.rank(id), other.network.rank(id)
        if not (self._is_plain(own) and other._is_plain(its)):
            return False
        return (
            self._now.positions[own] == other._now.positions[its]
            and self._firm.positions[own] == other._firm.positions[its]
            and self.network.structure.lengths[own] == other.network.structure.lengths[its]
            and self._due(own) == other._due(its)
        )

    def span(self, id: str) -> tuple[date, date] | None:
        """Return the earliest start and finish of a milestone, None where it has no place."""
        span = self._now.span(self.network.rank(id))
        return span and (date.fromordinal(span[0]), date.fromordinal(span[1]))

    # --- deadlines ---

    def _events_of_rules(self) -> Iterator[tuple[int, _Event]]:
        """Yield the event of each ruled deadline that has one.

        What must be done before an event holds on to the planned day, for the day comes whether or not we are ready.
        What must be done after it has no deadline until the event has happened: it goes with the estimate.
        """
        for rank, due in self.network.structure.ruled.items():
            # A period that stands still today goes on by a day each day: that cannot be missed either.
            stands_still = any(self.network.rank(id) in self._situation.started for id in due.suspended)
            waits = due.rule.direction is Direction.FORWARD and not self._has_happened(due)
            is_provisional = waits or stands_still
            source = self._now if waits else self._planned
            span = source.span(self.network.rank(due.milestone))
            if span is not None:
                on = date.fromordinal(span[0 if due.end == "start" else 1])
                yield rank, _Event(on, tuple(self._suspensions(due, source)), is_provisional)

    def _has_happened(self, due: DueRule) -> bool:
        rank = self.network.rank(due.milestone)
        return rank in self._situation.done or (due.end == "start" and rank in self._situation.started)

    def _suspensions(self, due: DueRule, source: Earliest) -> Iterator[tuple[date, date]]:
        """Yield the days of the milestones during which the period stands still, once those are decided on."""
        for id in due.suspended:
            rank, done = self.network.rank(id), self._situation.progress.get(id, NOTHING_YET)
            is_under_way = rank in self._situation.started
            is_decided = is_under_way or done.completed_on or not self.network.structure.milestones[rank].is_undecided
            # What is under way stands still until today at least.
            span = (self._now if is_under_way else source).span(rank)
            if span and is_decided and not done.waived_on:
                yield date.fromordinal(span[0]), date.fromordinal(span[1])

    def _moves_with_its_event(self, rank: int) -> bool:
        """Tell whether a ruled deadline goes where its event goes.

        So does one whose event is to come, or is placed by prerequisites alone, or is what the milestone itself rests
        on. Such a deadline is no reason to hurry the event, nor what the event rests on.
        """
        network = self.network
        anchor = network.rank(network.structure.ruled[rank].milestone)
        is_derived = network.structure.starts[anchor] == NOWHERE and not self._situation.is_fixed(anchor)
        return self._events[rank].is_provisional or is_derived or anchor in network.structure.with_upstream(rank)

    def _ruled(self) -> dict[int, int | None]:
        """Return the ruled deadlines as the firm pass takes them: those that move with their event have layers."""
        return {rank: None if self._moves_with_its_event(rank) else end for rank, end in self._ends.items()}

    def _own_layers(self) -> Iterator[_Layer]:
        """Yield what the deadlines ask for that move with their event."""
        by_event: dict[tuple[int, bool], dict[int, int | None]] = {}
        for rank, event in self._events.items():
            if self._moves_with_its_event(rank):
                anchor = self.network.rank(self.network.structure.ruled[rank].milestone)
                by_event.setdefault((anchor, event.is_provisional), {})[rank] = self._ends[rank]
        for (anchor, is_provisional), dues in by_event.items():
            layer = Latest.layer(self._situation, dues, self.network.structure.with_upstream(anchor))
            yield _Layer(layer, is_provisional)

    def _due(self, rank: int) -> int | None:
        return self._ends.get(rank, self.network.structure.dues[rank])

    # --- one milestone ---

    def _late(self, rank: int) -> tuple[Span | None, Span | None]:
        """Return the latest start and finish, with and without what is provisional."""
        late = firm = self._firm.span(rank)
        for layer, is_provisional in self._layers.get(rank, ()):
            span = layer.span(rank)
            late = _earlier(late, span)
            firm = firm if is_provisional else _earlier(firm, span)
        return late, firm

    def _slack(self, rank: int) -> int | None:
        if not self._is_plain(rank):
            return self._between(self._now.span(rank), self._late(rank)[0])
        position, limit = self._now.positions[rank], self._firm.positions[rank]
        return limit - position if position > ABSENT and limit < FREE else None

    def _between(self, span: Span | None, late: Span | None) -> int | None:
        if span is None or late is None:
            return None
        # What ends on a closed day after its limit is late by the next open day.
        calendar, finish, latest = self.network.calendar, span[1], late[1]
        ends = calendar.until_ordinal(finish) if finish <= latest else calendar.from_ordinal(finish)
        return calendar.until_ordinal(latest) - ends

    def _is_plain(self, rank: int) -> bool:
        """Tell whether positions alone say how much slack there is."""
        return (
            self.network.structure.lengths[rank] > 0 and not self._situation.is_fixed(rank) and rank not in self._layers
        )

    @property
    def slacks(self) -> Counter[int]:
        """How many milestones have which slack."""
        if self._counts is None:
            pairs = zip(self._firm.positions, self._now.positions, strict=True)
            counts = Counter(limit - position for limit, position in pairs if limit < FREE and position > ABSENT)
            # Days, not positions, say it of the others.
            structure, situation = self.network.structure, self._situation
            others = {*structure.elapsed, *situation.done, *situation.started, *situation.cancelled}
            for rank in others.union(self._layers):
                limit, position = self._firm.positions[rank], self._now.positions[rank]
                if limit < FREE and position > ABSENT:
                    counts[limit - position] -= 1
                if (slack := self._slack(rank)) is not None:
                    counts[slack] += 1
            self._counts = +counts
        return self._counts

    @cached_property
    def _least(self) -> int:
        return min(self.slacks)

    def _slot(self, id: str) -> Slot:
        network, rank = self.network, self.network.rank(id)
        milestone, event = network.structure.milestones[rank], self._events.get(rank)
        span, (late, firm) = self._now.span(rank), self._late(rank)
        slack, due, last = self._between(span, late), self._due(rank), self._last_open(late)
        is_deadline = event is not None or isinstance(milestone.due, date)
        return Slot(
            id,
            _date(span and span[0]),
            _date(span and span[1]),
            _date(late and late[0]),
            last,
            slack,
            _date(due),
            None if due is None else "deadline" if is_deadline else "target",
            tuple(network.order[driver] for driver in self._now.drivers(rank)),
            slack is not None and slack == self._least,
            self._deadlines.get(rank),
            event is not None and event.is_provisional,
            last if firm == late else self._last_open(firm),
        )

    def _last_open(self, late: Span | None) -> date | None:
        return late and self.network.calendar.previous_open(date.fromordinal(late[1]))

    # --- after a change ---

    def revised(self, changed: Mapping[str, Milestone]) -> Schedule:
        """Return the schedule with some milestones replaced: what a new network gives, by way of the change alone."""
        network, progress = self.network.revised(changed), self._situation.progress
        structure = network.structure
        if structure.rank is not self.network.structure.rank:
            return network.schedule(progress, self.as_of)
        situation = self._situation.on(structure)
        ranks = [structure.rank[id] for id in changed]
        planned, moved = self._planned.revised(situation, ranks)
        now = planned
        if self._now is not self._planned:
            now, moved = self._now.revised(situation, ranks)
        revised = Schedule(network, situation, planned, now, (self._firm, ranks))
        network.keep(progress, situation, planned, revised._firm)
        if self._counts is not None and not (self._layers or revised._layers):
            revised._counts = self._counts.copy()
            for rank in moved | revised._limited:
                if (slack := self._slack(rank)) is not None:
                    revised._counts[slack] -= 1
                if (slack := revised._slack(rank)) is not None:
                    revised._counts[slack] += 1
            revised._counts = +revised._counts
        return revised

    def settle(self, ids: Iterable[str], settle: Settle) -> None:
        """Ask of some milestones, prerequisites first, and of all that they then move, what should take their place."""
        structure = self.network.structure.revised({})
        ranks = [structure.rank[id] for id in ids]
        self._now.revised(self._situation.on(structure), ranks, settle)

    @property
    def as_of(self) -> date | None:
        """The day before which nothing unfinished starts."""
        return _date(self._now.as_of)


def _earlier(one: Span | None, other: Span | None) -> Span | None:
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), min(one[1], other[1])


def _date(ordinal: int | None) -> date | None:
    return None if ordinal is None else date.fromordinal(ordinal)
