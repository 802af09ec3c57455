"""`closures/*.yaml`: which days an office is closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal

from pydantic import (
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError

from kijitsu.schemas.fields import (
    DayField,
    Identifier,
    MonthDayField,
    Shape,
    Title,
    WeekdayField,
)


class YearEndShape(Shape):
    """The year-end days, as month-day."""

    from_: MonthDayField = Field(alias="from")
    to: MonthDayField


class RegimeShape(Shape):
    """What is closed as a rule; what is not said is as it was before, or as in the file that this one extends."""

    weekdays: tuple[WeekdayField, ...] | None = None
    national_holidays: bool | None = None
    year_end: YearEndShape | None = None
    basis: str = ""
    confidence: Literal["high", "medium", "low"] = "high"
    note: str = ""


class ChangeOfRegimeShape(RegimeShape):
    """A regime that an ordinance brings from a day on, until the next."""

    from_: DayField = Field(alias="from")

    @model_validator(mode="after")
    def _changes_something(self) -> ChangeOfRegimeShape:
        if self.weekdays is None and self.national_holidays is None and self.year_end is None:
            raise PydanticCustomError(
                "bad-shape", "この日から変わるものを weekdays、national_holidays、year_end から書いてください。"
            )
        return self


class ExtraShape(Shape):
    """Days closed or open all the same: one day, the n-th given weekdays of each month, or a span."""

    on: DayField | None = None
    weekday: WeekdayField | None = None
    nth: tuple[int, ...] = ()
    from_: DayField | None = Field(default=None, alias="from")
    to: DayField | None = None
    why: Title
    basis: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> ExtraShape:
        is_span = self.from_ is not None and self.to is not None
        ways = (
            self.on is not None and not (self.weekday is not None or self.nth or self.from_ or self.to),
            self.on is None and self.weekday is not None and bool(self.nth),
            self.on is None and self.weekday is None and not self.nth and is_span,
        )
        if not any(ways):
            raise PydanticCustomError(
                "bad-shape",
                "on（一日）、weekday と nth（毎月第n曜日。from と to で期間を限れます）、from と to（期間）の"
                "どれか一つの形で書いてください。",
            )
        if any(not 1 <= number <= 5 for number in self.nth):
            raise PydanticCustomError("bad-number", "nth は1から5までの数で書いてください。例: nth: [2, 4]")
        if self.from_ and self.to and self.to < self.from_:
            raise PydanticCustomError("bad-date", "to が from より前です。from と to を入れ替えてください。")
        return self

    @property
    def reason(self) -> str:
        """What is said of such a day: why, and the law or ordinance where there is one."""
        return f"{self.why}（{self.basis}）" if self.basis else self.why

    @property
    def rank(self) -> int:
        """How sure it is, the surest last: 毎月第n曜日, a span, a day written out."""
        return 2 if self.on else 0 if self.nth else 1

    def days(self, first: date, last: date) -> Iterator[date]:
        """Yield the days meant, within a span."""
        begin = max(first, self.on or self.from_ or first)
        end = min(last, self.on or self.to or last)
        step = 1
        if self.weekday is not None:
            begin, step = begin + timedelta((self.weekday - begin.weekday()) % 7), 7
        for number in range(begin.toordinal(), end.toordinal() + 1, step):
            day = date.fromordinal(number)
            if not self.nth or (day.day - 1) // 7 + 1 in self.nth:
                yield day


class ClosuresDocument(RegimeShape):
    """A file of `calendar/closures/`: which days an office is closed, at first and under each later regime."""

    closures: Identifier
    title: Title
    extends: Identifier | None = None
    regimes: tuple[ChangeOfRegimeShape, ...] = ()
    closed: tuple[ExtraShape, ...] = ()
    open: tuple[ExtraShape, ...] = ()
