"""The two passes over a structure: forward, as soon as possible; backward, as late as is safe.

Both walk the links once, for links lie in topological order. What happened already, elapsed durations and calendar lags
take the days themselves; their links have no gap, and the walk asks `Axis`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from copy import copy
from datetime import date
from heapq import heapify, heappop, heappush
from operator import add

from kijitsu.domain.patched import Patched, patched
from kijitsu.domain.plan import Milestone
from kijitsu.domain.situation import Situation, Span
from kijitsu.domain.structure import ABSENT, FREE, NOWHERE, UNBOUND

# Given a milestone and the day it would finish on now: what should take its place, or None to let it lie.
Settle = Callable[[str, date], Milestone | None]


class Earliest:
    """The forward pass: where everything lies as soon as possible, nothing unfinished before `as_of` (an ordinal)."""

    __slots__ = ("_spans", "as_of", "positions", "situation")

    def __init__(self, situation: Situation, as_of: int | None = None) -> None:
        self.situation, self.as_of = situation, as_of
        # Where elapsed durations and what is under way lie, as days, once that was asked.
        self._spans: dict[int, Span] = {}
        self.positions: list[int] | Patched[int] = self._lowest()
        self._walk()
        self._check()

    def _lowest(self) -> list[int]:
        """Return the first position that each may have, its prerequisites aside."""
        structure, calendar = self.situation.structure, self.situation.structure.axis.calendar
        positions = list(structure.starts)
        for rank, held in self.situation.held.items():
            positions[rank] = max(held, positions[rank])
        if self.as_of is not None:
            today = calendar.from_ordinal(self.as_of)
            positions = [max(today, position) for position in positions]
        for rank in self.situation.absent:
            positions[rank] = NOWHERE
        return positions

    def _walk(self) -> None:
        situation, positions, held = self.situation, self.positions, self._held
        for number, tail, head, gap in zip(
            situation.numbers, situation.tails, situation.heads, situation.gaps, strict=True
        ):
            least = positions[tail] + gap if gap is not None else held(number, tail, head)
            if least > positions[head]:
                positions[head] = least

    def _held(self, number: int, tail: int, head: int) -> int:
        """Return the start position that a link without a gap asks of its head."""
        span = None if self.situation.is_fixed(head) else self.span(tail)
        return NOWHERE if span is None else self.situation.structure.held(number, span)

    def _check(self) -> None:
        """Raise InputError where something lies beyond the calendar."""
        ordinal = self.situation.structure.axis.calendar.ordinal
        if min(self.positions, default=0) < 0:
            ordinal(min((position for position in self.positions if position > ABSENT), default=0))
        ordinal(max(0, max(map(add, self.positions, self.situation.structure.lengths), default=0) - 1))

    def span(self, rank: int) -> Span | None:
        """Return the first and the last day of a milestone, None where it has no place."""
        structure, situation = self.situation.structure, self.situation
        if rank in situation.done:
            return situation.done[rank]
        if rank in self._spans:
            return self._spans[rank]
        position, length = self.positions[rank], structure.lengths[rank]
        if rank in situation.started:
            span = situation.started[rank], self._finish_under_way(rank)
        elif position < ABSENT or rank in situation.cancelled:
            return None
        elif length:
            calendar = structure.axis.calendar
            return calendar.ordinal(position), calendar.ordinal(position + length - 1)
        else:
            start = structure.axis.calendar.ordinal(position)
            span = start, structure.axis.finish(structure.milestones[rank].duration, start)
        self._spans[rank] = span
        return span

    def _finish_under_way(self, rank: int) -> int:
        """What is under way ends neither before today nor before its window opens, should it have been moved."""
        structure, axis = self.situation.structure, self.situation.structure.axis
        milestone = structure.milestones[rank]
        window = milestone.window
        ends = [axis.finish(milestone.duration, self.situation.started[rank])]
        lows = [window.first.toordinal() if window and window.first else None, self.as_of]
        ends += [axis.calendar.ordinal(axis.calendar.from_ordinal(day)) for day in lows if day is not None]
        for number in structure.links_into(rank):
            link, span = structure.link(number), self.span(structure.tails[number])
            if span and not link.type.holds_start:
                ends.append(axis.calendar.ordinal(axis.bound(link, *span)))
        return max(ends)

    def drivers(self, rank: int) -> list[int]:
        """Return the prerequisites that hold a start where it is."""
        structure, positions = self.situation.structure, self.positions
        if self.situation.is_fixed(rank) or positions[rank] < ABSENT:
            return []
        found = {}
        for number in structure.links_into(rank):
            tail, gap = structure.tails[number], self.situation.gap(number)
            least = positions[tail] + gap if gap is not None else self._held(number, tail, rank)
            if least == positions[rank]:
                found[tail] = True
        return list(found)

    # --- after a change ---

    def revised(
        self, situation: Situation, changed: Iterable[int], settle: Settle | None = None
    ) -> tuple[Earliest, set[int]]:
        """Return the pass on a revised structure, and the ranks that lie elsewhere now. Only those are walked.

        `settle` may replace a milestone that is reached; the structure must then be nobody else's.
        """
        revised = copy(self)
        revised.situation = situation
        revised.positions, revised._spans = patched(self.positions), {}
        structure, waiting = situation.structure, list(changed)
        heapify(waiting)
        queued, moved = set(waiting), set()
        while waiting:
            rank = heappop(waiting)
            queued.discard(rank)
            before = self.span(rank)
            after = revised._place(rank)
            while settle and after and (milestone := settle(structure.ids[rank], date.fromordinal(after[1]))):
                structure.put(milestone)
                after = revised._place(rank)
            if after == before:
                continue
            moved.add(rank)
            for head in structure.dependents(rank):
                if head not in queued:
                    queued.add(head)
                    heappush(waiting, head)
        return revised, moved

    def _place(self, rank: int) -> Span | None:
        """Place one milestone anew, its prerequisites lying right."""
        situation, structure, positions = self.situation, self.situation.structure, self.positions
        if situation.is_closed(rank) or rank in situation.absent:
            return self.span(rank)
        if rank not in situation.started:
            calendar = structure.axis.calendar
            least = max(structure.starts[rank], situation.held.get(rank, NOWHERE))
            if self.as_of is not None:
                least = max(least, calendar.from_ordinal(self.as_of))
            for number in structure.links_into(rank):
                tail, gap = structure.tails[number], situation.gap(number)
                held = positions[tail] + gap if gap is not None else self._held(number, tail, rank)
                least = max(least, held)
            positions[rank] = least
        self._spans.pop(rank, None)
        return self.span(rank)


class Latest:
    """The backward pass: the latest start and finish that due days leave to their milestones and what those rest on.

    `ruled` are due days (ordinals by rank) that stand for the structure's own, None where there is none. A *layer* has
    no other due days than its own, and leaves some ranks alone.
    """

    __slots__ = ("_finishes", "_own", "_spans", "_starts", "positions", "reached", "ruled", "situation")

    def __init__(self, situation: Situation, ruled: Mapping[int, int | None]) -> None:
        structure = situation.structure
        self._begin(situation, list(structure.limits), structure.dues, ruled)
        closed = situation.done.keys() | situation.cancelled
        for rank in (*ruled, *structure.elapsed, *situation.started, *closed):
            self._limit_by_own_due(rank)
        gaps = list(situation.gaps)
        self._walk(reversed(situation.numbers), reversed(situation.tails), reversed(situation.heads), reversed(gaps))
        self._check()

    @classmethod
    def layer(cls, situation: Situation, dues: Mapping[int, int | None], spared: AbstractSet[int]) -> Latest:
        """Return the pass that some due days alone make, through everything they reach but what is spared."""
        structure, layer = situation.structure, cls.__new__(cls)
        layer._begin(situation, [UNBOUND] * len(structure.ids), None, dues)
        for rank in dues:
            layer._limit_by_own_due(rank)
        layer.reached = structure.reach(dues, spared)
        numbers = [
            number
            for rank in sorted(layer.reached, reverse=True)
            for number in reversed(structure.links_into(rank))
            if structure.tails[number] not in spared
        ]
        tails = [structure.tails[number] for number in numbers]
        heads = [structure.heads[number] for number in numbers]
        layer._walk(numbers, tails, heads, [situation.gap(number) for number in numbers])
        layer._check()
        return layer

    def _begin(
        self,
        situation: Situation,
        positions: list[int] | Patched[int],
        own: list[int | None] | Patched[int | None] | None,
        ruled: Mapping[int, int | None],
    ) -> None:
        self.situation, self.positions, self._own, self.ruled = situation, positions, own, ruled
        self.reached: AbstractSet[int] = frozenset()
        # What limits the ends of elapsed durations and of what is under way, as days.
        self._finishes: dict[int, int] = {}
        self._starts: dict[int, int] = {}
        # What those limits come to, once that was asked.
        self._spans: dict[int, Span | None] = {}

    def _limit_by_own_due(self, rank: int) -> None:
        """Begin a milestone's limit with its own due day, none where it is closed."""
        structure = self.situation.structure
        due = self.ruled[rank] if rank in self.ruled else self._own[rank] if self._own else None
        if due is None or self.situation.is_closed(rank):
            self.positions[rank] = UNBOUND
        elif self._is_by_days(rank):
            self.positions[rank], self._finishes[rank] = UNBOUND, due
        else:
            self.positions[rank] = structure.limit(rank, due)

    def _is_by_days(self, rank: int) -> bool:
        return not self.situation.structure.lengths[rank] or rank in self.situation.started

    def _walk(
        self, numbers: Iterable[int], tails: Iterable[int], heads: Iterable[int], gaps: Iterable[int | None]
    ) -> None:
        positions, hold = self.positions, self._hold
        for number, tail, head, gap in zip(numbers, tails, heads, gaps, strict=True):
            if gap is None:
                hold(number, tail, head)
            else:
                most = positions[head] - gap
                if most < positions[tail]:
                    positions[tail] = most

    def _hold(self, number: int, tail: int, head: int) -> None:
        """Let a link without a gap limit its tail."""
        structure, situation = self.situation.structure, self.situation
        late = None if situation.is_closed(tail) else self.span(head)
        link = structure.link(number)
        if late is None or (link.type.holds_start and head in situation.started):
            return
        if link.type.holds_start:
            edge = late[0]
        elif self._is_by_days(head) and head not in situation.started:
            # A period of 30 days may have no start that lets it end on its last safe day: what it does reach counts.
            edge = structure.axis.finish(structure.milestones[head].duration, late[0])
        else:
            edge = late[1]
        limit = structure.axis.limit(link, edge)
        if self._is_by_days(tail):
            held = self._finishes if link.type.holds_from_finish else self._starts
            self._spans.pop(tail, None)
            held[tail] = min(held.get(tail, limit), limit)
        else:
            last = structure.axis.calendar.until_ordinal(limit)
            most = last - structure.lengths[tail] + 1 if link.type.holds_from_finish else last
            self.positions[tail] = min(self.positions[tail], most)

    def _check(self) -> None:
        if (least := min(self.positions, default=0)) < 0:
            self.situation.structure.axis.calendar.ordinal(least)

    def span(self, rank: int) -> Span | None:
        """Return the latest start and finish, None where nothing limits them."""
        situation, structure, axis = self.situation, self.situation.structure, self.situation.structure.axis
        if not self._is_by_days(rank):
            position = self.positions[rank]
            if position > FREE:
                return None
            return axis.calendar.ordinal(position), axis.calendar.ordinal(position + structure.lengths[rank] - 1)
        if rank not in self._spans:
            self._spans[rank] = None if situation.is_closed(rank) else self._span_by_days(rank)
        return self._spans[rank]

    def _span_by_days(self, rank: int) -> Span | None:
        situation, structure, axis = self.situation, self.situation.structure, self.situation.structure.axis
        duration, finish, last_start = structure.milestones[rank].duration, self._finishes.get(rank), None
        if rank in self._starts and rank not in situation.started:
            last_start = axis.calendar.ordinal(axis.calendar.until_ordinal(self._starts[rank]))
            reached = axis.finish(duration, last_start)
            finish = reached if finish is None else min(finish, reached)
        if finish is None:
            return None
        start = axis.last_start(duration, finish)
        return start if last_start is None else min(start, last_start), finish

    # --- after a change ---

    def revised(
        self, situation: Situation, ruled: Mapping[int, int | None], changed: Iterable[int]
    ) -> tuple[Latest, set[int]]:
        """Return the pass on a revised structure, and the ranks whose limits differ now. Only those are walked."""
        structure, revised = situation.structure, copy(self)
        revised.situation, revised.ruled, revised._own = situation, ruled, structure.dues
        revised.positions = patched(self.positions)
        revised._finishes, revised._starts, revised._spans = self._finishes.copy(), self._starts.copy(), {}
        both = self.ruled.keys() | ruled.keys()
        anew = {rank for rank in both if self.ruled.get(rank, -1) != ruled.get(rank, -1)}
        queued, moved = {*changed, *anew}, set()
        waiting = [-rank for rank in queued]
        heapify(waiting)
        while waiting:
            rank = -heappop(waiting)
            queued.discard(rank)
            before = self.span(rank)
            revised._limit(rank)
            if revised.span(rank) == before:
                continue
            moved.add(rank)
            for number in structure.links_into(rank):
                tail = structure.tails[number]
                if tail not in queued:
                    queued.add(tail)
                    heappush(waiting, -tail)
        return revised, moved

    def _limit(self, rank: int) -> None:
        """Limit one milestone anew, what rests on it lying right."""
        structure = self.situation.structure
        for limits in (self._finishes, self._starts, self._spans):
            limits.pop(rank, None)
        self._limit_by_own_due(rank)
        for number in structure.links_from(rank):
            head, gap = structure.heads[number], self.situation.gap(number)
            if gap is None:
                self._hold(number, rank, head)
            else:
                self.positions[rank] = min(self.positions[rank], self.positions[head] - gap)
