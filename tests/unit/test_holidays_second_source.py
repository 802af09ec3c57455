"""The national holidays against a second source, day by day, and against the law's own milestones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import jpholiday
import pytest

from kijitsu.calendars import national_holidays
from tests.unit.worked import day

KNOWN = national_holidays(1955, 2050)

# Where the two say the same day in other words. (These are all: names that differ elsewhere fail the test.)
OTHERWISE = {
    "大喪の礼": "昭和天皇の大喪の礼",  # 1989-02-24
    "即位礼正殿の儀": "即位の礼正殿の儀",  # 1990-11-12
    "結婚の儀": "皇太子・皇太子徳仁親王の結婚の儀",  # 1993-06-09
    "即位礼正殿の儀が行われる日": "即位礼正殿の儀",  # 2019-10-22
}


def days(first: int, last: int) -> Iterator[date]:
    at = date(first, 1, 1)
    while at.year <= last:
        yield at
        at += timedelta(1)


# Before 1986 jpholiday is no witness: it makes 4 May a 国民の休日 in years before that law (昭和60年法律第103号) and
# 1973-02-12 a substitute for a Sunday before that one (昭和48年法律第10号, in force from 1973-04-12).
def test_every_day_from_1986_to_2027_is_a_holiday_in_both_sources_or_in_neither() -> None:
    differing = [at for at in days(1986, 2027) if (at in KNOWN) != jpholiday.is_holiday(at)]

    assert differing == []


def test_every_holiday_from_1986_to_2027_has_the_same_name_in_both_sources() -> None:
    differing = []
    for at in days(1986, 2027):
        ours, theirs = KNOWN.get(at), jpholiday.is_holiday_name(at)
        # The second source says of which holiday the day is the substitute: 元日 振替休日.
        if theirs != OTHERWISE.get(ours or "", ours) and not (
            ours == "振替休日" and (theirs or "").endswith(f" {ours}")
        ):
            differing.append((at, ours, theirs))

    assert differing == []


@pytest.mark.parametrize(
    ("on", "name"),
    [
        # 1955: the nine of the law of 1948
        ("1955-01-01", "元日"),
        ("1955-01-15", "成人の日"),
        ("1955-03-21", "春分の日"),
        ("1955-04-29", "天皇誕生日"),
        ("1955-05-03", "憲法記念日"),
        ("1955-05-05", "こどもの日"),
        ("1955-09-24", "秋分の日"),
        ("1955-11-03", "文化の日"),
        ("1955-11-23", "勤労感謝の日"),
        ("1959-04-10", "結婚の儀"),
        # 1966: three more; 建国記念の日 only from the next year
        ("1966-02-11", None),
        ("1966-09-15", "敬老の日"),
        ("1966-10-10", "体育の日"),
        ("1967-02-11", "建国記念の日"),
        # 振替休日 from 1973-04-12: 1973-02-11 was a Sunday too early, 1973-04-29 the first one to count
        ("1973-02-12", None),
        ("1973-04-30", "振替休日"),
        # 国民の休日 from 1985-12-27: 4 May was a Sunday in 1986, a substitute in 1987
        ("1985-05-04", None),
        ("1986-05-04", None),
        ("1987-05-04", "振替休日"),
        ("1988-05-04", "国民の休日"),
        # 振替休日 past the whole Golden Week since 2007: 2008-05-04 was a Sunday
        ("2008-05-06", "振替休日"),
        # between 敬老の日 and 秋分の日
        ("2009-09-22", "国民の休日"),
        ("2026-09-22", "国民の休日"),
        ("2032-09-21", "国民の休日"),
        # the change of emperors, 2019
        ("2018-12-23", "天皇誕生日"),
        ("2019-02-23", None),
        ("2019-04-30", "国民の休日"),
        ("2019-05-01", "天皇の即位の日"),
        ("2019-05-02", "国民の休日"),
        ("2019-10-22", "即位礼正殿の儀が行われる日"),
        ("2019-12-23", None),
        ("2020-02-24", "振替休日"),
        # the Olympic moves of 2020 and 2021
        ("2020-07-20", None),
        ("2020-07-23", "海の日"),
        ("2020-07-24", "スポーツの日"),
        ("2020-08-10", "山の日"),
        ("2020-08-11", None),
        ("2020-10-12", None),
        ("2021-07-19", None),
        ("2021-07-22", "海の日"),
        ("2021-07-23", "スポーツの日"),
        ("2021-08-08", "山の日"),
        ("2021-08-09", "振替休日"),
        ("2021-08-11", None),
        ("2021-10-11", None),
        # equinoxes on each of their days
        ("1960-03-20", "春分の日"),
        ("1979-09-24", "秋分の日"),
        ("1980-09-23", "秋分の日"),
        ("2012-09-22", "秋分の日"),
        ("2023-03-21", "春分の日"),
        ("2024-03-20", "春分の日"),
        # the last years: 2050-03-20, 春分の日, is a Sunday
        ("2043-05-06", "振替休日"),
        ("2050-03-21", "振替休日"),
        ("2050-11-23", "勤労感謝の日"),
    ],
)
def test_a_day_on_which_the_law_turned_is_known(on: str, name: str | None) -> None:
    assert KNOWN.get(day(on)) == name


@pytest.mark.parametrize("year", range(1955, 2051))
def test_every_year_has_the_holidays_that_never_ceased(year: int) -> None:
    of_year = {at: name for at, name in KNOWN.items() if at.year == year}

    fixed = {date(year, 1, 1): "元日", date(year, 5, 3): "憲法記念日", date(year, 5, 5): "こどもの日"}
    fixed |= {date(year, 11, 3): "文化の日", date(year, 11, 23): "勤労感謝の日"}
    assert fixed.items() <= of_year.items()
    [spring] = [at for at, name in of_year.items() if name == "春分の日"]
    [autumn] = [at for at, name in of_year.items() if name == "秋分の日"]
    assert date(year, 3, 20) <= spring <= date(year, 3, 21)
    assert date(year, 9, 22) <= autumn <= date(year, 9, 24)


def test_a_year_asked_for_alone_has_the_holidays_it_has_among_others() -> None:
    for year in range(1955, 2051):
        assert national_holidays(year, year) == {at: name for at, name in KNOWN.items() if at.year == year}
