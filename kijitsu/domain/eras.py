"""Japanese eras: which year 平成28年 is, and how a date is shown to people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kijitsu.domain.errors import InputError

WEEKDAYS = "月火水木金土日"


@dataclass(frozen=True, slots=True)
class Era:
    """A named count of years. `last_day` is None for the era that goes on."""

    name: str
    letter: str
    first_day: date
    last_day: date | None

    @property
    def offset(self) -> int:
        """What to add to the era's year to have the Gregorian one."""
        return self.first_day.year - 1

    def year(self, number: int) -> int:
        """Return the Gregorian year of this era's `number`-th year, whether or not the era lasted so long."""
        return self.offset + number


# 元号法（昭和54年法律第43号）; the days are those of the ordinances that changed the era.
ERAS = (
    Era("明治", "M", date(1868, 1, 25), date(1912, 7, 29)),
    Era("大正", "T", date(1912, 7, 30), date(1926, 12, 24)),
    Era("昭和", "S", date(1926, 12, 25), date(1989, 1, 7)),
    Era("平成", "H", date(1989, 1, 8), date(2019, 4, 30)),
    Era("令和", "R", date(2019, 5, 1), None),
)
# 平成, 平 as the statute books abbreviate it, and H.
BY_NAME = {name: era for era in ERAS for name in (era.name, era.name[0], era.letter)}


def era_of(day: date) -> Era:
    """Return the era that `day` fell in. Raises InputError before Meiji."""
    for era in reversed(ERAS):
        if day >= era.first_day:
            return era
    raise InputError(f"{day} は明治より前なので元号で表せません。日付の年に誤りがないか確かめてください。")


def show_year(day: date) -> str:
    """Return the era year of a day: 平成28年, 令和元年."""
    era = era_of(day)
    number = day.year - era.offset
    return f"{era.name}{'元' if number == 1 else number}年"


def show_date(day: date, weekday: bool = True) -> str:
    """Return a day as people write it: 平成28年6月3日（金）."""
    shown = f"{show_year(day)}{day.month}月{day.day}日"
    return f"{shown}（{WEEKDAYS[day.weekday()]}）" if weekday else shown


def show_fiscal_year(year: int) -> str:
    """Return a fiscal year (1 April to 31 March) as people write it: 平成28年度."""
    return f"{show_year(date(year, 4, 1))}度"
