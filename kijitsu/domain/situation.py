"""What has happened in a plan, as the passes take it: which starts are made, what is met, what has no place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy

from kijitsu.domain.history import Progress
from kijitsu.domain.structure import NOWHERE, Structure

Span = tuple[int, int]


class Situation:
    """A structure and what has happened in it. Days are ordinals, milestones ranks.

    `done` are the actual start and finish of what is met, `started` the actual starts; `absent` is what has no place:
    cancelled, or undecided with nothing before it. `held` are the first positions that what is done leaves to what
    rests on it, and the plan's first day to what nothing else places. `numbers`, `tails`, `heads` and `gaps` are the
    links between milestones that are not closed.
    """

    __slots__ = (
        "absent",
        "cancelled",
        "done",
        "gaps",
        "heads",
        "held",
        "numbers",
        "progress",
        "started",
        "structure",
        "tails",
    )

    def __init__(self, structure: Structure, progress: Mapping[str, Progress]) -> None:
        self.structure, self.progress = structure, progress
        self.done: dict[int, Span] = {}
        self.started: dict[int, int] = {}
        self.cancelled: set[int] = set()
        for id, each in progress.items():
            if (rank := structure.rank.get(id)) is not None:
                self._enter(rank, each)
        self._link()
        self.absent: set[int] = set()
        self._find_absent()

    def _link(self) -> None:
        structure, closed = self.structure, self.done.keys() | self.cancelled
        self.held: dict[int, int] = {}
        for rank, span in self.done.items():
            for number in structure.links_from(rank):
                head = structure.heads[number]
                if not self.is_fixed(head):
                    self.held[head] = max(structure.held(number, span), self.held.get(head, NOWHERE))
        self.numbers: Sequence[int] = range(len(structure.heads))
        self.tails, self.heads = structure.tails, structure.heads
        self.gaps = structure.gaps
        if self.started:
            self.gaps = list(structure.gaps)
            for rank in self.started:
                for number in (*structure.links_into(rank), *structure.links_from(rank)):
                    self.gaps[number] = None
        if closed:
            ends = zip(self.tails, self.heads, strict=True)
            self.numbers = [n for n, (tail, head) in enumerate(ends) if tail not in closed and head not in closed]
            self.tails = [self.tails[number] for number in self.numbers]
            self.heads = [self.heads[number] for number in self.numbers]
            self.gaps = [self.gaps[number] for number in self.numbers]

    def gap(self, number: int) -> int | None:
        """Return the gap of a link, None where it takes the days themselves to say."""
        structure = self.structure
        ends = structure.tails[number], structure.heads[number]
        is_by_days = any(end in self.started or end in self.done or end in self.cancelled for end in ends)
        return None if is_by_days else structure.gaps[number]

    def _enter(self, rank: int, each: Progress) -> None:
        if each.cancelled_on:
            self.cancelled.add(rank)
        elif each.finished_on:
            finish = each.finished_on.toordinal()
            self.done[rank] = (each.started_on.toordinal() if each.started_on else finish, finish)
        elif each.started_on:
            self.started[rank] = each.started_on.toordinal()

    def _find_absent(self) -> None:
        """Follow absence downstream: what only the absent could place is absent too, or begins at the floor."""
        structure = self.structure
        waiting = [*self.cancelled, *(rank for rank in structure.unplaced if not self.is_fixed(rank))]
        while waiting:
            rank = waiting.pop()
            if rank in self.absent:
                continue
            self.absent.add(rank)
            for head in structure.dependents(rank):
                if structure.starts[head] != NOWHERE or self.is_fixed(head):
                    continue
                if all(structure.tails[number] in self.absent for number in structure.links_into(head)):
                    if structure.may_begin_at_floor(structure.milestones[head]):
                        assert structure.floor is not None
                        self.held[head] = structure.axis.calendar.from_ordinal(structure.floor)
                    else:
                        waiting.append(head)

    def is_fixed(self, rank: int) -> bool:
        """Tell whether the start is no longer open: made already, or not to come."""
        return rank in self.done or rank in self.started or rank in self.cancelled

    def is_closed(self, rank: int) -> bool:
        """Tell whether nothing more is expected."""
        return rank in self.done or rank in self.cancelled

    def on(self, structure: Structure) -> Situation:
        """Return the same happenings in a revised structure (see `Structure.revised`)."""
        # Durations are in the gaps, and in what is held; days are not.
        if structure.gaps is not self.structure.gaps:
            return Situation(structure, self.progress)
        revised = copy(self)
        revised.structure = structure
        return revised
