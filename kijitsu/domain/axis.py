"""The axis of time: how links and durations lead from one day to another, on one calendar.

Days are ordinals, *positions* are indices of open days (see `closures`). A start is always an open day; a finish is one
too unless an elapsed duration (30d, 1m) ends on a closed day.
"""

from __future__ import annotations

from datetime import date

from kijitsu.domain.closures import Closures
from kijitsu.domain.periods import Length, length_end, months_of
from kijitsu.domain.plan import Dependency, LinkType
from kijitsu.domain.windows import add_months


class Axis:
    """What a link or a duration comes to on one calendar, forwards and backwards."""

    __slots__ = ("calendar",)

    def __init__(self, calendar: Closures) -> None:
        self.calendar = calendar

    # --- forwards ---

    def finish(self, duration: Length, start: int) -> int:
        """Return the day on which something ends that starts on a day."""
        if duration.unit == "wd":
            return self.calendar.ordinal(self.calendar.from_ordinal(start) + duration.number - 1)
        if (days := _days(duration)) is not None:
            return start + days - 1
        return length_end(date.fromordinal(start), duration, self.calendar).toordinal()

    def bound(self, link: Dependency, start: int, finish: int) -> int:
        """Return the position before which a prerequisite lets its dependent not start, or not finish."""
        match link.type:
            case LinkType.FINISH_TO_START:
                return self._later(finish + 1, link.lag)
            case LinkType.START_TO_START:
                return self._later(start, link.lag)
            case LinkType.FINISH_TO_FINISH:
                return self._later(finish, link.lag)
            case LinkType.START_TO_FINISH if is_working_time(link.lag):
                return self.calendar.until_ordinal(start - 1) + link.lag.number
            case LinkType.START_TO_FINISH:
                return self._later(start - 1, link.lag)

    def _later(self, day: int, lag: Length) -> int:
        """Return the position of the first open day at or after `day` plus a lag."""
        if is_working_time(lag):
            return self.calendar.from_ordinal(day) + lag.number
        return self.calendar.from_ordinal(_plus(day, lag, 1))

    def start_for(self, duration: Length, finish: int) -> int:
        """Return the first start position whose finish reaches the finish position."""
        if duration.unit == "wd":
            return finish - duration.number + 1
        edge = self.calendar.ordinal(finish)
        if (days := _days(duration)) is not None:
            return self.calendar.from_ordinal(edge - days + 1)
        position = self.calendar.from_ordinal(_plus(edge, duration, -1))
        while self.finish(duration, self.calendar.ordinal(position)) >= edge:
            position -= 1
        while self.finish(duration, self.calendar.ordinal(position)) < edge:
            position += 1
        return position

    # --- backwards ---

    def limit(self, link: Dependency, edge: int) -> int:
        """Return the last day of the prerequisite's end that lets its dependent's end fall on `edge` or before."""
        position = self.calendar.until_ordinal(edge)
        if link.type is LinkType.START_TO_FINISH and is_working_time(link.lag):
            return self.calendar.ordinal(position - link.lag.number + 1)
        # FS and SF stand a day apart: the finish is the evening before the start.
        gap = {LinkType.FINISH_TO_START: 1, LinkType.START_TO_FINISH: -1}.get(link.type, 0)
        if is_working_time(link.lag):
            return self.calendar.ordinal(position - link.lag.number) - gap
        return _last_before(self.calendar.ordinal(position), link.lag) - gap

    def last_start(self, duration: Length, finish: int) -> int:
        """Return the last open day on which something may start to be over by the finish."""
        if duration.unit == "wd":
            return self.calendar.ordinal(self.calendar.until_ordinal(finish) - duration.number + 1)
        if (days := _days(duration)) is not None:
            return self.calendar.ordinal(self.calendar.until_ordinal(finish - days + 1))
        position = self.calendar.from_ordinal(_plus(finish, duration, -1))
        while self.finish(duration, self.calendar.ordinal(position)) <= finish:
            position += 1
        while self.finish(duration, self.calendar.ordinal(position)) > finish:
            position -= 1
        return self.calendar.ordinal(position)


def is_working_time(lag: Length) -> bool:
    """Tell whether a lag is counted in open days; none at all is."""
    return lag.unit == "wd" or not lag.number


def _last_before(edge: int, lag: Length) -> int:
    """Return the last day that is not after `edge` when the lag is added."""
    if (days := _days(lag)) is not None:
        return edge - days
    day = _plus(edge, lag, -1)
    while _plus(day + 1, lag, 1) <= edge:
        day += 1
    while _plus(day, lag, 1) > edge:
        day -= 1
    return day


def _days(length: Length) -> int | None:
    """Return a length of days or weeks in days, None for months and years, whose days depend on where they lie."""
    return length.number * (7 if length.unit == "w" else 1) if length.unit in ("d", "w") else None


def _plus(day: int, length: Length, sign: int) -> int:
    if (days := _days(length)) is not None:
        return day + sign * days
    return add_months(date.fromordinal(day), sign * months_of(length)).toordinal()
