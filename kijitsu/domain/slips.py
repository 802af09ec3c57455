"""Slips: how far the day of each milestone has gone since a baseline, and what each cause did to it.

The day of a milestone in a revision is the one people hold it to: its due date, else its earliest finish, as meant. A
slip is the open days from the baseline's day to where the milestone is now, on one calendar, so that it is exactly the
sum of what the revisions in between did to the day and of what happened to it since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from kijitsu.domain.closures import Closures
from kijitsu.domain.gates import Status, Verdict
from kijitsu.domain.history import Progress, progress_of
from kijitsu.domain.schedule import Network

Days = Mapping[str, date | None]


@dataclass(frozen=True, slots=True)
class Cause:
    """What moves days: a revision, or (`revision` is None) what happened."""

    revision: int | None
    reason: str
    actor: str | None = None
    made_at: datetime | None = None


HAPPENED = Cause(None, "実績")


@dataclass(frozen=True, slots=True)
class Step:
    """The day of every milestone in a revision, None where it has none.

    `rewritten` are the milestones whose own entry differs from the revision before; what else it moves came along.
    """

    cause: Cause
    days: Days
    rewritten: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Slip:
    """How far one milestone is from its baseline: `open_days` on the calendar, `days` of any kind, later is positive.

    `baseline` and `now` are its days in the two revisions. `parts` are the open days that each cause is answerable for,
    in order, and add up to `open_days`. That is None, and there are no parts, where either end has no day: `added` and
    `dropped` say which revision brought the milestone in or took it out.
    """

    id: str
    baseline: date | None
    now: date | None
    open_days: int | None
    days: int | None
    parts: tuple[tuple[Cause, int], ...]
    added: int | None = None
    dropped: int | None = None

    @property
    def is_off(self) -> bool:
        """True where the milestone is later than its baseline, or has a day at one end only."""
        if self.open_days is None:
            return self.baseline != self.now or bool(self.added or self.dropped)
        return self.open_days > 0


class Tally(NamedTuple):
    """Slips taken together: how many are later, the greatest and the sum of those; `earlier` is the sum of the rest.

    All in open days; `earlier` is 0 or below, for what came early makes up for nothing that is late.
    """

    milestones: int
    greatest: int
    sum: int
    earlier: int


def days_of(network: Network) -> dict[str, date | None]:
    """Return the day of every milestone as the plan means it, None where it has none.

    What the plan itself calls done has that day.
    """
    done = progress_of(network.plan, ())
    return {
        id: done[id].completed_on if id in done else slot.due or slot.earliest_finish
        for id, slot in network.schedule(done).items()
    }


def happened(
    days: Days, progress: Mapping[str, Progress], verdicts: Mapping[str, Verdict], on: date
) -> dict[str, date]:
    """Return where milestones have come to on a day: the day of their completion, or that day while they are overdue.

    What is waived or cancelled has not come to anything.
    """
    reached = {id: each.completed_on for id, each in progress.items() if each.completed_on}
    for id, verdict in verdicts.items():
        day = days.get(id)
        # A deadline that runs from an actual day may have passed before the day that was meant has come.
        if Status.OVERDUE in verdict.facts and day and day < on:
            reached[id] = on
    return reached


def slips(baseline: Days, revisions: Sequence[Step], reached: Mapping[str, date], calendar: Closures) -> list[Slip]:
    """Return the slip of every milestone, in the order of the last revision, then what is in none but earlier ones.

    `revisions` are those after the baseline, the oldest first; `reached` is what `happened`.
    """
    now = revisions[-1].days if revisions else baseline
    ids = dict.fromkeys([*now, *baseline, *(id for step in revisions for id in step.days)])
    return [_slip(id, baseline, revisions, reached.get(id), calendar) for id in ids]


def _slip(id: str, baseline: Days, revisions: Sequence[Step], reached: date | None, calendar: Closures) -> Slip:
    now = revisions[-1].days if revisions else baseline
    then, end = baseline.get(id), reached or now.get(id)
    within = [step.cause.revision for step in revisions if id in step.days]
    added = None if id in baseline else within[0]
    dropped = None
    if id not in now:
        last = max((number for number, step in enumerate(revisions) if id in step.days), default=-1)
        dropped = revisions[last + 1].cause.revision
    if then is None or end is None:
        return Slip(id, then, now.get(id), None, None, (), added, dropped)
    parts: list[tuple[Cause, int]] = []
    at = then
    for cause, day in [*((step.cause, step.days.get(id)) for step in revisions), (HAPPENED, reached)]:
        # Undecided or dropped for a while, it is still where it was.
        if day is not None:
            if moved := calendar.count(at, day):
                parts.append((cause, moved))
            at = day
    return Slip(id, then, now.get(id), calendar.count(then, end), (end - then).days, tuple(parts), added, dropped)


def tally(counts: Iterable[int]) -> Tally:
    """Take slips together."""
    counts = list(counts)
    late = [count for count in counts if count > 0]
    return Tally(len(late), max(late, default=0), sum(late), sum(counts) - sum(late))
