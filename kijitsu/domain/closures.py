"""Closures: which days an office is shut and why, and working days counted by table look-up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from itertools import accumulate, compress
from typing import Any

from kijitsu.domain.eras import WEEKDAYS
from kijitsu.domain.errors import InputError

# No such day, no such position.
_NOT_FOUND = (KeyError, IndexError, TypeError)


class Closures:
    """The open days (開庁日) of one office between two dates.

    A *position* is the index of an open day in that table. `closed` maps days to the reason they are closed,
    `weekdays` are closed every week besides (0 is Monday).
    """

    __slots__ = ("_before", "_days", "_first", "_from", "_last", "_open", "_reasons", "_until", "id", "title")

    def __init__(
        self,
        id: str,
        title: str,
        first: date,
        last: date,
        closed: Mapping[date, str],
        weekdays: frozenset[int] = frozenset({5, 6}),
    ) -> None:
        self.id, self.title = id, title
        self._first, self._last = first.toordinal(), last.toordinal()
        days = days_between(first, last)
        blank: dict[date, Any] = _blank(first, last)
        reasons: dict[date, str | None] = blank.copy()
        for weekday in weekdays:
            reasons.update(dict.fromkeys(days[(weekday - first.weekday()) % 7 :: 7], f"{WEEKDAYS[weekday]}曜日"))
        reasons.update(closed)
        # What lies outside is left out; mostly nothing does.
        self._reasons = reasons if len(reasons) == len(days) else {day: reasons[day] for day in days}
        is_open = [why is None for why in self._reasons.values()]
        self._days = list(compress(days, is_open))
        self._open = list(compress(range(self._first, self._last + 1), is_open))
        # How many open days lie before each day, and before the day after the last: what every position comes from.
        self._before = list(accumulate(is_open, initial=0))
        # The positions of the first open day from each day on, and of the last up to it; None where there is none.
        begin = self._open[0] - self._first if self._open else len(days)
        end = self._open[-1] - self._first + 1 if self._open else 0
        self._from: dict[date, int] = blank.copy()
        self._until: dict[date, int] = blank.copy()
        self._from.update(zip(days[:end], self._before, strict=False))
        self._until.update(zip(days[begin:], accumulate(is_open[begin + 1 :], initial=0), strict=False))

    @property
    def first(self) -> date:
        """The first day of the table."""
        return date.fromordinal(self._first)

    @property
    def last(self) -> date:
        """The last day of the table."""
        return date.fromordinal(self._last)

    # --- ordinals and positions: what the schedule counts in ---

    def from_ordinal(self, day: int) -> int:
        """Return the position of the first open day on or after an ordinal day."""
        if self._first <= day <= self._last:
            position = self._before[day - self._first]
            if position < len(self._open):
                return position
        raise self._outside(day)

    def until_ordinal(self, day: int) -> int:
        """Return the position of the last open day on or before an ordinal day."""
        if self._first <= day <= self._last:
            position = self._before[day - self._first + 1] - 1
            if position >= 0:
                return position
        raise self._outside(day)

    def ordinal(self, position: int) -> int:
        """Return the ordinal of the open day at a position."""
        if 0 <= position < len(self._open):
            return self._open[position]
        raise self._outside(self._last + 1 if position >= 0 else self._first - 1)

    # --- dates: what everybody else counts in ---
    # These are asked most: look-ups only, nothing called. What they do not find is left to the ordinals, which say what
    # lies outside.

    def is_open(self, day: date) -> bool:
        """Tell whether the office is open on a day."""
        try:
            return self._reasons[day] is None
        except KeyError:
            raise self._outside(day.toordinal()) from None

    def why_closed(self, day: date) -> str | None:
        """Return why the office is closed on a day (土曜日, 海の日, …), or None on an open day."""
        try:
            return self._reasons[day]
        except KeyError:
            raise self._outside(day.toordinal()) from None

    def next_open(self, day: date) -> date:
        """Return the day itself where open, else the next open day."""
        try:
            return self._days[self._from[day]]
        except _NOT_FOUND:
            return date.fromordinal(self.ordinal(self.from_ordinal(day.toordinal())))

    def previous_open(self, day: date) -> date:
        """Return the day itself where open, else the last open day before it."""
        try:
            return self._days[self._until[day]]
        except _NOT_FOUND:
            return date.fromordinal(self.ordinal(self.until_ordinal(day.toordinal())))

    def add(self, day: date, count: int) -> date:
        """Return the `count`-th open day after a day (before it where negative); for 0 the next from it on."""
        try:
            position = (self._until if count > 0 else self._from)[day] + count
            if position >= 0:
                return self._days[position]
        except _NOT_FOUND:
            pass
        near = self.until_ordinal if count > 0 else self.from_ordinal
        return date.fromordinal(self.ordinal(near(day.toordinal()) + count))

    def count(self, after: date, until: date) -> int:
        """Return how many open days lie after one day up to and including another; negative when they are reversed."""
        try:
            return self._until[until] - self._until[after]
        except _NOT_FOUND:
            return self.until_ordinal(until.toordinal()) - self.until_ordinal(after.toordinal())

    def differing(self, other: Closures) -> list[date]:
        """Return the days, of the span that both know, on which only one of two offices is open."""
        first, last = max(self.first, other.first), min(self.last, other.last)
        return sorted(day for day in {*self._days} ^ {*other._days} if first <= day <= last)

    def _outside(self, day: int) -> InputError:
        return InputError(
            f"{date.fromordinal(day)} は休日表（{self.title}、{self.first}～{self.last}）の外です。"
            "日付の年に誤りがないか確かめてください。"
        )


@lru_cache(maxsize=4)
def days_between(first: date, last: date) -> list[date]:
    """Return every day of a span; shared, for making the dates takes longer than sorting them into open and closed."""
    return list(map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1)))


@lru_cache(maxsize=4)
def _blank(first: date, last: date) -> dict[date, None]:
    # To copy a table takes a tenth of the time that it takes to make it.
    return dict.fromkeys(days_between(first, last))


def combined(calendars: tuple[Closures, ...]) -> Closures:
    """Return the closures under which a day is open only where every one of `calendars` is open."""
    if len(calendars) == 1:
        return calendars[0]
    first, last = max(each.first for each in calendars), min(each.last for each in calendars)
    closed = {day: why for each in calendars for day, why in each._reasons.items() if why}
    title = "・".join(each.title for each in calendars)
    return Closures("+".join(each.id for each in calendars), title, first, last, closed, frozenset())
