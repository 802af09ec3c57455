"""What has happened in a plan, as the passes take it: which starts are made, what is met, what has no place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy

from kijitsu.domain.history import Progress
from kijitsu.domain.patched import Patched
from kijitsu.domain.structure import NOWHERE, Structure

Span = tuple[int, int]


class Situation:
    """A structure and what has happened in it. Days are ordinals, milestones ranks.

    `done` are the actual start and finish of what is met, `started` the actual starts; `absent` is what has no place:
    cancelled, or undecided with nothing before it. `gaps` are the structure's, without those that no longer hold.
    """

    __slots__ = ("absent", "cancelled", "done", "floored", "gaps", "progress", "started", "structure")

    def __init__(self, structure: Structure, progress: Mapping[str, Progress]) -> None:
        self.structure, self.progress = structure, progress
        self.done: dict[int, Span] = {}
        self.started: dict[int, int] = {}
        self.cancelled: set[int] = set()
        for id, each in progress.items():
            if (rank := structure.rank.get(id)) is not None:
                self._enter(rank, each)
        self.gaps: list[int | None] | Patched[int | None] = structure.gaps
        if touched := self.done.keys() | self.started.keys() | self.cancelled:
            self.gaps = _without(structure, touched)
        self.absent: set[int] = set()
        self.floored: set[int] = set()
        self._find_absent()

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
                        self.floored.add(head)
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
        revised = copy(self)
        revised.structure = structure
        if self.gaps is self.structure.gaps:
            revised.gaps = structure.gaps
        else:
            revised.gaps = _without(structure, self.done.keys() | self.started.keys() | self.cancelled)
        return revised


def _without(structure: Structure, ranks: Iterable[int]) -> list[int | None]:
    """Return a structure's gaps without those of some milestones, whose links take the days to say."""
    gaps = list(structure.gaps)
    for rank in ranks:
        for number in (*structure.links_into(rank), *structure.links_from(rank)):
            gaps[number] = None
    return gaps
