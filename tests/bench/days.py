"""Working days: adding and counting, beside what else in Python can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from random import Random

import jpholiday
import numpy as np
import pandas as pd
from holidays.countries.japan import Japan as HolidaysJapan
from pandas.tseries.offsets import CustomBusinessDay
from workalendar.asia.japan import Japan as WorkalendarJapan

from . import plans
from .by_networkx import business_days
from .measure import Row, beside, in_turn

FIRST, LAST = date(2016, 4, 1), date(2019, 3, 31)
# Lengths as the law has them, a week to a month of working days; both ways. The slow ones are given fewer calls.
LONGEST, CALLS, FEWER = 20, 2000, 200
SLOW = ("pandas", "workalendar", "jpholiday")
ONE = timedelta(1)

Add = Callable[[date, int], date]
Count = Callable[[date, date], int]


def measure() -> list[Row]:
    """Check that all agree, time them in turn, return the rows."""
    random = Random(1)
    span = (LAST - FIRST).days
    days = [FIRST + timedelta(random.randrange(span)) for _ in range(CALLS)]
    steps = [(day, random.choice([-1, 1]) * random.randint(1, LONGEST)) for day in days]
    spans = [(day, day + timedelta(random.randint(0, LONGEST * 7 // 5))) for day in days]
    adding, counting = ways()
    rows: list[Row] = []
    for what, ways_of_it, samples in (("add", adding, steps), ("count", counting, spans)):
        calls, sizes = {}, {}
        reference = ways_of_it["Kijitsu"]
        for name, call in ways_of_it.items():
            sample = samples[: FEWER if name in SLOW else CALLS]
            odd = [each for each in sample if call(*each) != reference(*each)]
            told = f": {len(odd)} differ, such as {odd[0][0]}, {odd[0][1]}" if odd else ": agrees"
            print(f"{what} working days, {name}, {len(sample)} calls{told}")
            calls[name], sizes[name] = partial(_each, call, sample), len(sample)
        taken = {name: seconds / sizes[name] for name, seconds in in_turn(7, calls).items()}
        rows += beside(f"{what} working days, a call", taken, 0.5e-6, {"holidays": 40})
    return rows


def _each(call: Callable[..., object], sample: list[tuple[object, object]]) -> None:
    for first, second in sample:
        call(first, second)


def ways() -> tuple[dict[str, Add], dict[str, Count]]:
    """Return each way to add and to count; ours first."""
    ours = plans.LIBRARY.calendars(2016, 2020)("municipality")
    year_ends = list(_year_ends())

    japan = HolidaysJapan(years=range(2014, 2022))
    japan.update(dict.fromkeys(year_ends, "年末年始"))

    days = business_days(ours)
    offset = CustomBusinessDay(calendar=days)
    closed = days.holidays.astype(object).tolist()

    workalendar = WorkalendarJapan()
    extra = tuple(year_ends)

    def by_holidays(after: date, until: date) -> int:
        # Both ends are counted there, and reversed ends are put right.
        return japan.get_working_days_count(after + ONE, until) if after < until else 0

    def numpy_adds(day: date, count: int) -> date:
        roll = "backward" if count > 0 else "forward"
        return np.busday_offset(day, count, roll=roll, busdaycal=days).item()

    def numpy_counts(after: date, until: date) -> int:
        return int(np.busday_count(after + ONE, until + ONE, busdaycal=days))

    def pandas_adds(day: date, count: int) -> date:
        return (pd.Timestamp(day) + count * offset).date()

    def pandas_counts(after: date, until: date) -> int:
        return len(pd.bdate_range(after + ONE, until, freq="C", holidays=closed))

    def workalendar_adds(day: date, count: int) -> date:
        return workalendar.add_working_days(day, count, extra_holidays=extra)

    def workalendar_counts(after: date, until: date) -> int:
        return workalendar.get_working_days_delta(after, until, extra_holidays=extra)

    is_year_end = frozenset(year_ends).__contains__

    def is_open(day: date) -> bool:
        return day.weekday() < 5 and not jpholiday.is_holiday(day) and not is_year_end(day)

    def jpholiday_adds(day: date, count: int) -> date:
        step, left = (ONE, count) if count > 0 else (-ONE, -count)
        while left:
            day += step
            left -= is_open(day)
        return day

    def jpholiday_counts(after: date, until: date) -> int:
        return sum(is_open(after + timedelta(number)) for number in range(1, (until - after).days + 1))

    adding: dict[str, Add] = {
        "Kijitsu": ours.add,
        "holidays": japan.get_nth_working_day,
        "numpy": numpy_adds,
        "pandas": pandas_adds,
        "workalendar": workalendar_adds,
        "jpholiday": jpholiday_adds,
    }
    counting: dict[str, Count] = {
        "Kijitsu": ours.count,
        "holidays": by_holidays,
        "numpy": numpy_counts,
        "pandas": pandas_counts,
        "workalendar": workalendar_counts,
        "jpholiday": jpholiday_counts,
    }
    return adding, counting


def _year_ends() -> Iterator[date]:
    """Yield the days that a city's ordinance closes besides the national holidays: 12/29 to 1/3."""
    for year in range(2014, 2022):
        yield from (date(year, 12, 29) + timedelta(number) for number in range(6))
