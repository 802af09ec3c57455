"""Closures: which days an office is shut and why, and working days counted by table look-up."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from datetime import date

from kijitsu.domain.eras import WEEKDAYS
from kijitsu.domain.errors import InputError


class Closures:
    """The open days (開庁日) of one office between two dates.

    A *position* is the index of an open day in that table. `closed` maps days to the reason they are closed,
    `weekdays` are the weekly closed days (0 is Monday), `opened` are days open all the same.
    """

    __slots__ = ("_at_or_after", "_closed", "_first", "_last", "_open", "_opened", "_weekdays", "id", "title")

    def __init__(
        self,
        id: str,
        title: str,
        first: date,
        last: date,
        closed: Mapping[date, str],
        weekdays: frozenset[int] = frozenset({5, 6}),
        opened: Mapping[date, str] | None = None,
    ) -> None:
        self.id, self.title = id, title
        self._closed, self._weekdays, self._opened = dict(closed), weekdays, dict(opened or {})
        self._first, self._last = first.toordinal(), last.toordinal()
        shut = {day.toordinal() for day in self._closed} - {day.toordinal() for day in self._opened}
        extra = {day.toordinal() for day in self._opened}
        self._open = array(
            "l",
            (
                day
                for day in range(self._first, self._last + 1)
                if day in extra or ((day + 6) % 7 not in weekdays and day not in shut)
            ),
        )
        at_or_after = array("l")
        position = 0
        for day in range(self._first, self._last + 1):
            at_or_after.append(position)
            if position < len(self._open) and self._open[position] == day:
                position += 1
        self._at_or_after = at_or_after

    # --- ordinals and positions: what the schedule counts in ---

    def from_ordinal(self, day: int) -> int:
        """Return the position of the first open day on or after an ordinal day."""
        if not self._first <= day <= self._last:
            raise self._outside(day)
        position = self._at_or_after[day - self._first]
        if position >= len(self._open):
            raise self._outside(day)
        return position

    def until_ordinal(self, day: int) -> int:
        """Return the position of the last open day on or before an ordinal day."""
        if not self._first <= day <= self._last:
            raise self._outside(day)
        position = self._at_or_after[day - self._first]
        if position < len(self._open) and self._open[position] == day:
            return position
        if position == 0:
            raise self._outside(day)
        return position - 1

    def ordinal(self, position: int) -> int:
        """Return the ordinal of the open day at a position."""
        if not 0 <= position < len(self._open):
            raise self._outside(self._last + 1 if position >= 0 else self._first - 1)
        return self._open[position]

    # --- dates: what everybody else counts in ---

    def is_open(self, day: date) -> bool:
        """Tell whether the office is open on a day."""
        number = day.toordinal()
        if not self._first <= number <= self._last:
            raise self._outside(number)
        position = self._at_or_after[number - self._first]
        return position < len(self._open) and self._open[position] == number

    def why_closed(self, day: date) -> str | None:
        """Return why the office is closed on a day (土曜日, 海の日, …), or None on an open day."""
        if self.is_open(day):
            return None
        return self._closed.get(day) or f"{WEEKDAYS[day.weekday()]}曜日"

    def next_open(self, day: date) -> date:
        """Return the day itself where open, else the next open day."""
        return date.fromordinal(self._open[self.from_ordinal(day.toordinal())])

    def previous_open(self, day: date) -> date:
        """Return the day itself where open, else the last open day before it."""
        return date.fromordinal(self._open[self.until_ordinal(day.toordinal())])

    def add(self, day: date, count: int) -> date:
        """Return the `count`-th open day after a day (before it where negative); for 0 the next from it on."""
        if count > 0:
            return date.fromordinal(self.ordinal(self.until_ordinal(day.toordinal()) + count))
        return date.fromordinal(self.ordinal(self.from_ordinal(day.toordinal()) + count))

    def count(self, after: date, until: date) -> int:
        """Return how many open days lie after one day up to and including another; negative when they are reversed."""
        return self.until_ordinal(until.toordinal()) - self.until_ordinal(after.toordinal())

    def _outside(self, day: int) -> InputError:
        first, last = date.fromordinal(self._first), date.fromordinal(self._last)
        return InputError(
            f"{date.fromordinal(day)} は休日表（{self.title}、{first}～{last}）の外です。"
            "日付の年に誤りがないか確かめてください。"
        )


def combined(calendars: tuple[Closures, ...]) -> Closures:
    """Return the closures under which a day is open only where every one of `calendars` is open."""
    if len(calendars) == 1:
        return calendars[0]
    first = date.fromordinal(max(each._first for each in calendars))
    last = date.fromordinal(min(each._last for each in calendars))
    closed = {
        day: reason
        for each in calendars
        for day in map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))
        if (reason := each.why_closed(day))
    }
    title = "・".join(each.title for each in calendars)
    return Closures("+".join(each.id for each in calendars), title, first, last, closed, frozenset())
