"""A change as a picture: of each milestone it touches two bars, how it was above how it would be.

What is computed here are places in per cent of the picture's width, so that it fits any page; the template draws it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from kijitsu.domain.changes import Outlook
from kijitsu.domain.eras import show_year
from kijitsu.domain.windows import Precision, Window, add_months, month_end
from kijitsu.services.describing import lines
from kijitsu.services.reckoning import Change

MOST_ROWS = 30
"""A picture of more helps nobody: the table has them all."""

_MOST_LABELS = 8
_STEPS = (1, 2, 3, 6, 12)


@dataclass(frozen=True, slots=True)
class Span:
    """From where to where, in per cent; `is_open` where an end is not given, or lies outside of the picture."""

    x: float
    width: float
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A milestone at one time: its window, whether that is a single day, what is planned, and where it is due."""

    window: Span | None
    is_day: bool
    planned: Span | None
    due: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """A milestone before and after; the change breaks its date (`is_broken`), or stops it."""

    title: str
    before: Bar
    after: Bar
    is_broken: bool
    is_stopped: bool


@dataclass(frozen=True, slots=True)
class Month:
    """A month that is labelled, at its first day; `year` is the era's where it is another than to its left, else ""."""

    x: float
    on: date
    year: str


@dataclass(frozen=True, slots=True)
class Picture:
    """`today` is a place, None where it lies outside; `more` rows are left out."""

    rows: tuple[Row, ...]
    months: tuple[Month, ...]
    today: float | None
    more: int


def picture(change: Change) -> Picture | None:
    """Return the picture of a change, None where it touches no date."""
    effects = change.effects
    touched = [each.id for each in lines(change)]
    shown = touched[:MOST_ROWS]
    pairs = [pair for id in shown for pair in zip(_days(effects.before, id), _days(effects.after, id), strict=True)]
    # What stays is drawn as far as there is room: a window of years would leave none to what changes.
    days = [day for pair in pairs if pair[0] != pair[1] for day in pair if day]
    if not days:
        return None
    scale = _Scale(min(days).replace(day=1), month_end(max(days)))
    rows = tuple(
        Row(
            effects.plan.milestones[id].title,
            scale.bar(effects.before, id),
            scale.bar(effects.after, id),
            id in effects.breached,
            id in effects.lapsing,
        )
        for id in shown
    )
    today = change.standing.as_of
    is_today_in = today is not None and scale.first <= today <= scale.last
    return Picture(
        rows, tuple(scale.months()), scale.x(today) if today and is_today_in else None, len(touched) - len(shown)
    )


def _days(outlook: Outlook, id: str) -> tuple[date | None, ...]:
    slot, window = outlook.schedule[id], outlook.plan.milestones[id].window
    ends = (window.first, window.last) if window else (None, None)
    return (*ends, slot.earliest_start, slot.earliest_finish, slot.due)


@dataclass(frozen=True, slots=True)
class _Scale:
    first: date
    last: date

    def x(self, day: date) -> float:
        return round((day - self.first).days / self._days * 100, 2)

    @property
    def _days(self) -> int:
        return (self.last - self.first).days + 1

    def bar(self, outlook: Outlook, id: str) -> Bar:
        slot, window = outlook.schedule[id], outlook.plan.milestones[id].window
        return Bar(
            self._window(window) if window and not window.undecided else None,
            window is not None and window.precision is Precision.DAY and not window.is_open,
            self._span(slot.earliest_start, slot.earliest_finish or slot.earliest_start),
            self._after(slot.due) if slot.due and self.first <= slot.due <= self.last else None,
        )

    def _window(self, window: Window) -> Span | None:
        return self._span(window.first or self.first, window.last or self.last, window.is_open)

    def _span(self, first: date | None, last: date | None, is_open: bool = False) -> Span | None:
        if first is None or last is None or last < self.first or self.last < first:
            return None
        is_cut = first < self.first or self.last < last
        x, end = self.x(max(first, self.first)), self._after(min(last, self.last))
        return Span(x, round(end - x, 2), is_open or is_cut)

    def _after(self, day: date) -> float:
        """Return where a day ends."""
        return self.x(day + timedelta(1))

    def months(self) -> Iterator[Month]:
        """Yield the months that have room for their name: all, or every second, third, sixth, twelfth."""
        count = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
        step = next((each for each in _STEPS if count / each <= _MOST_LABELS), _STEPS[-1])
        # From April on, so that every twelfth is the first of a fiscal year.
        months = [month for ahead in range(count) if not ((month := add_months(self.first, ahead)).month - 4) % step]
        for left, month in zip([None, *months], months, strict=False):
            is_new = left is None or left.year != month.year
            yield Month(self.x(month), month, show_year(month) if is_new else "")
