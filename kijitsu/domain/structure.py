"""A plan compiled for scheduling: milestones in topological order, links as three flat lists, days as numbers.

A milestone is named by its *rank*, its place in the topological order. Links lie in order of their head's rank, so that
one walk along the lists is a forward pass and one walk back a backward pass. Where a link holds between two milestones
of working days by a lag of working days, all that its type, its lag and the durations say is one number, its *gap*:
the head starts at least so many open days after the tail's start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from copy import copy
from dataclasses import replace
from datetime import date
from itertools import accumulate, chain, repeat
from operator import sub

from kijitsu.domain.axis import Axis, is_working_time
from kijitsu.domain.closures import Closures
from kijitsu.domain.order import topological_order
from kijitsu.domain.patched import Patched, patched
from kijitsu.domain.plan import Dependency, DueRule, LinkType, Milestone, Plan

# A start nowhere on the axis, and a latest start that nothing limits. Gaps added to them leave them beyond the halves.
NOWHERE, UNBOUND = -(1 << 40), 1 << 40
ABSENT, FREE = NOWHERE >> 1, UNBOUND >> 1


class Structure:
    """One plan on one calendar, ready for any number of passes.

    `lengths` are working days, 0 for an elapsed duration; `starts` the earliest positions that windows allow (NOWHERE
    without one), `limits` the latest starts that the own due dates allow (UNBOUND without one), `dues` those due dates
    as ordinals. `ruled` has the due dates that a rule counts, which a pass has to reckon.
    """

    __slots__ = (
        "_outward",
        "_plan",
        "_replaced",
        "_upstream",
        "axis",
        "dues",
        "elapsed",
        "first_links",
        "floor",
        "gaps",
        "heads",
        "ids",
        "lengths",
        "limits",
        "milestones",
        "rank",
        "ruled",
        "starts",
        "tails",
        "unplaced",
    )

    def __init__(self, plan: Plan, calendar: Closures) -> None:
        self._plan, self.axis = plan, Axis(calendar)
        self._replaced: dict[str, Milestone] = {}
        self.floor = _floor(plan)
        # Most files are written in an order that does.
        if not self._lay_out(list(plan.milestones.values())):
            after = {id: [link.on for link in milestone.after] for id, milestone in plan.milestones.items()}
            self._lay_out([plan.milestones[id] for id in topological_order(after)])
        self.elapsed = [rank for rank, length in enumerate(self.lengths) if not length]
        self.dues: list[int | None] | Patched[int | None] = [_own_due(milestone) for milestone in self.milestones]
        self.starts: list[int] | Patched[int] = [self._start(milestone) for milestone in self.milestones]
        self.limits: list[int] | Patched[int] = [
            UNBOUND if due is None else self.limit(rank, due) for rank, due in enumerate(self.dues)
        ]
        # What has neither a first day nor a prerequisite, nor a window that the plan's first day could begin.
        nowhere = (rank for rank, start in enumerate(self.starts) if start == NOWHERE)
        self.unplaced = [rank for rank in nowhere if not self.milestones[rank].after]
        ruled = ((rank, milestone.due) for rank, milestone in enumerate(self.milestones) if milestone.due is not None)
        self.ruled = {rank: due for rank, due in ruled if isinstance(due, DueRule)}

    @property
    def plan(self) -> Plan:
        """The plan, put together again where milestones were replaced."""
        if self._replaced:
            milestones = {**self._plan.milestones, **self._replaced}
            self._plan, self._replaced = replace(self._plan, milestones=milestones), {}
        return self._plan

    def _lay_out(self, milestones: list[Milestone]) -> bool:
        """Lay milestones and links out in an order; False where something would come before what it rests on."""
        self.milestones: list[Milestone] | Patched[Milestone] = milestones
        self.ids = [milestone.id for milestone in milestones]
        self.rank = rank = dict(zip(self.ids, range(len(milestones)), strict=True))
        self.lengths: list[int] | Patched[int] = [_working_days(milestone) for milestone in milestones]
        lengths = self.lengths
        tails: list[int] = []
        gaps: list[int | None] = []
        first_links = [0]
        is_after, by_start, by_finish = (
            LinkType.FINISH_TO_START,
            LinkType.START_TO_START,
            LinkType.FINISH_TO_FINISH,
        )
        for head, (milestone, length) in enumerate(zip(milestones, lengths, strict=True)):
            for link in milestone.after:
                tail, lag, kind = rank[link.on], link.lag, link.type
                if tail >= head:
                    return False
                before = lengths[tail]
                tails.append(tail)
                # `_gap` in place: this is where a large plan spends its time.
                if not (length and before and (lag.unit == "wd" or not lag.number)):
                    gaps.append(None)
                elif kind is is_after:
                    gaps.append(before + lag.number)
                elif kind is by_start:
                    gaps.append(lag.number)
                elif kind is by_finish:
                    gaps.append(before - length + lag.number)
                else:
                    gaps.append(lag.number - length)
            first_links.append(len(tails))
        self.tails, self.first_links = tails, first_links
        self.gaps: list[int | None] | Patched[int | None] = gaps
        counts = map(sub, first_links[1:], first_links)
        self.heads = list(chain.from_iterable(map(repeat, range(len(self.ids)), counts)))
        self._outward = _Outward(tails, len(self.ids))
        self._upstream: dict[int, AbstractSet[int]] = {}  # shared as well, for the links are
        return True

    def _start(self, milestone: Milestone) -> int:
        window = milestone.window
        if window is None:
            return NOWHERE
        if window.first is not None:
            return self.axis.calendar.from_ordinal(window.first.toordinal())
        if milestone.after or window.undecided or self.floor is None:
            return NOWHERE
        return self.axis.calendar.from_ordinal(self.floor)

    def may_begin_at_floor(self, milestone: Milestone) -> bool:
        """Tell whether the plan's first day places a milestone that nothing else does."""
        return milestone.window is not None and not milestone.window.undecided and self.floor is not None

    def limit(self, rank: int, due: int) -> int:
        """Return the latest start position that a due day allows to something of working days."""
        length = self.lengths[rank]
        return self.axis.calendar.until_ordinal(due) - length + 1 if length else UNBOUND

    # --- links ---

    def link(self, number: int) -> Dependency:
        """Return the link at a place in the lists."""
        head = self.heads[number]
        return self.milestones[head].after[number - self.first_links[head]]

    def links_into(self, rank: int) -> range:
        """Return the places of the links that hold a milestone."""
        return range(self.first_links[rank], self.first_links[rank + 1])

    def links_from(self, rank: int) -> list[int]:
        """Return the places of the links by which a milestone holds others."""
        return self._outward.of(rank)

    def dependents(self, rank: int) -> Iterator[int]:
        """Yield the ranks of what rests directly on a milestone, each once."""
        return iter(dict.fromkeys(self.heads[number] for number in self.links_from(rank)))

    def held(self, number: int, span: tuple[int, int]) -> int:
        """Return the start position that a link asks of its head, its tail lying from one day to another."""
        link, milestone = self.link(number), self.milestones[self.heads[number]]
        bound = self.axis.bound(link, *span)
        return bound if link.type.holds_start else self.axis.start_for(milestone.duration, bound)

    def with_upstream(self, rank: int) -> AbstractSet[int]:
        """Return a milestone and everything that it rests on."""
        if rank not in self._upstream:
            self._upstream[rank] = self.reach((rank,))
        return self._upstream[rank]

    def reach(self, ranks: Iterable[int], spared: AbstractSet[int] = frozenset()) -> set[int]:
        """Return some milestones and what they rest on, directly or not, without those that are spared."""
        found = set(ranks)
        waiting = list(found)
        while waiting:
            for number in self.links_into(waiting.pop()):
                tail = self.tails[number]
                if tail not in found and tail not in spared:
                    found.add(tail)
                    waiting.append(tail)
        return found

    # --- another state of the same plan ---

    def revised(self, changed: Mapping[str, Milestone]) -> Structure:
        """Return the structure with some milestones replaced; only what they touch is compiled anew."""
        if any(not self._can_take(milestone) for milestone in changed.values()):
            plan = self.plan
            return Structure(replace(plan, milestones={**plan.milestones, **changed}), self.axis.calendar)
        revised = copy(self)
        revised._replaced = self._replaced.copy()
        for name in ("milestones", "starts", "dues", "limits"):
            setattr(revised, name, patched(getattr(self, name)))
        for milestone in changed.values():
            revised.put(milestone)
        return revised

    def _can_take(self, milestone: Milestone) -> bool:
        """Tell whether the lists stay in order when a milestone takes its predecessor's place."""
        rank = self.rank.get(milestone.id)
        if rank is None:
            return False
        old = self.milestones[rank]
        is_placed = [(self._start(each) == NOWHERE, self.may_begin_at_floor(each)) for each in (old, milestone)]
        rules = [each.due if isinstance(each.due, DueRule) else None for each in (old, milestone)]
        is_elapsed = [not _working_days(each) for each in (old, milestone)]
        days = [day.toordinal() for each in (old, milestone) for day in _days(each)]
        keeps_floor = (
            self._plan.fiscal_year is not None or not days or (self.floor is not None and min(days) > self.floor)
        )
        alike = (old.after, is_placed[0], rules[0], is_elapsed[0]) == (
            milestone.after,
            is_placed[1],
            rules[1],
            is_elapsed[1],
        )
        return alike and keeps_floor

    def put(self, milestone: Milestone) -> None:
        """Replace one milestone in place. For a structure that nobody else holds yet, and a change of dates only."""
        rank = self.rank[milestone.id]
        if milestone.duration != self.milestones[rank].duration:
            self.lengths, self.gaps = patched(self.lengths), patched(self.gaps)
            self.lengths[rank] = _working_days(milestone)
            for number in (*self.links_into(rank), *self.links_from(rank)):
                tail, head = self.tails[number], self.heads[number]
                self.gaps[number] = _gap(self.link(number), self.lengths[tail], self.lengths[head])
        self._replaced[milestone.id] = milestone
        self.milestones[rank] = milestone
        self.starts[rank] = self._start(milestone)
        due = _own_due(milestone)
        self.dues[rank] = due
        self.limits[rank] = UNBOUND if due is None else self.limit(rank, due)


class _Outward:
    """The places of the links by their tail, sorted when first asked for; shared by every state of a structure."""

    __slots__ = ("_count", "_first", "_numbers", "_tails")

    def __init__(self, tails: list[int], count: int) -> None:
        self._tails, self._count = tails, count
        self._numbers: list[int] | None = None

    def of(self, rank: int) -> list[int]:
        if self._numbers is None:
            counted = Counter(self._tails)
            self._first = [0, *accumulate(counted[rank] for rank in range(self._count))]
            self._numbers = sorted(range(len(self._tails)), key=self._tails.__getitem__)
        return self._numbers[self._first[rank] : self._first[rank + 1]]


def _working_days(milestone: Milestone) -> int:
    return milestone.duration.number if milestone.duration.unit == "wd" else 0


def _gap(link: Dependency, tail: int, head: int) -> int | None:
    """Return a link as one number, None where it takes the days themselves to say (see `Axis.bound`)."""
    lag = link.lag
    if not (tail and head and is_working_time(lag)):
        return None
    kind = link.type
    if kind is LinkType.FINISH_TO_START:
        return tail + lag.number
    if kind is LinkType.START_TO_START:
        return lag.number
    if kind is LinkType.FINISH_TO_FINISH:
        return tail - head + lag.number
    return lag.number - head


def _own_due(milestone: Milestone) -> int | None:
    """Return the due day that stands in the plan: the date, else the target."""
    if isinstance(milestone.due, date):
        return milestone.due.toordinal()
    window = milestone.window
    return window.last.toordinal() if window is not None and window.last is not None else None


def _days(milestone: Milestone) -> list[date]:
    window = milestone.window
    return [day for day in (window.first, window.last) if day] if window else []


def _floor(plan: Plan) -> int | None:
    if plan.fiscal_year is not None:
        return date(plan.fiscal_year, 4, 1).toordinal()
    return min((day.toordinal() for m in plan.milestones.values() for day in _days(m)), default=None)
