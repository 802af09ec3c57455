"""Which days the office is shut, why, and working days counted from a table."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from kijitsu.calendars import Calendars, national_holidays
from kijitsu.domain.closures import combined
from kijitsu.domain.errors import InputError
from kijitsu.plans import Library
from tests.unit.worked import CALENDARS, LIBRARY, OFFICE, day

RESIDENTS = CALENDARS("residents")

# 国民の祝日, April 2016 to July 2017, copied from the law's own table.
HOLIDAYS = {
    "2016-04-29": "昭和の日",
    "2016-05-03": "憲法記念日",
    "2016-05-04": "みどりの日",
    "2016-05-05": "こどもの日",
    "2016-07-18": "海の日",
    "2016-08-11": "山の日",
    "2016-09-19": "敬老の日",
    "2016-09-22": "秋分の日",
    "2016-10-10": "体育の日",
    "2016-11-03": "文化の日",
    "2016-11-23": "勤労感謝の日",
    "2016-12-23": "天皇誕生日",
    "2017-01-09": "成人の日",
    "2017-02-11": "建国記念の日",
    "2017-03-20": "春分の日",
    "2017-04-29": "昭和の日",
    "2017-05-03": "憲法記念日",
    "2017-05-04": "みどりの日",
    "2017-05-05": "こどもの日",
    "2017-07-17": "海の日",
}
YEAR_END = [f"2016-12-{n}" for n in (29, 30, 31)] + [f"2017-01-0{n}" for n in (1, 2, 3)]


@pytest.mark.parametrize(("holiday", "name"), HOLIDAYS.items())
def test_a_national_holiday_is_closed_and_says_which_it_is(holiday: str, name: str) -> None:
    assert OFFICE.why_closed(day(holiday)) == name


def test_nothing_else_is_closed_but_weekends_and_the_year_end() -> None:
    closed_weekdays = [
        str(each)
        for each in (date(2016, 4, 1) + timedelta(n) for n in range(487))
        if each.weekday() < 5 and not OFFICE.is_open(each)
    ]

    weekdays = [each for each in sorted({*HOLIDAYS, *YEAR_END}) if day(each).weekday() < 5]
    assert closed_weekdays == weekdays
    assert date(2016, 4, 1) + timedelta(486) == date(2017, 7, 31)


@pytest.mark.parametrize("closed", YEAR_END)
def test_the_year_end_is_closed_by_ordinance(closed: str) -> None:
    assert OFFICE.why_closed(day(closed)) == "年末年始"


def test_the_days_around_the_year_end_are_open() -> None:
    assert OFFICE.is_open(date(2016, 12, 28))
    assert OFFICE.is_open(date(2017, 1, 4))


def test_a_weekend_is_closed_and_an_open_day_has_no_reason() -> None:
    assert OFFICE.why_closed(date(2016, 6, 4)) == "土曜日"
    assert OFFICE.why_closed(date(2016, 6, 5)) == "日曜日"
    assert OFFICE.why_closed(date(2016, 6, 6)) is None


def test_the_residents_counter_opens_on_the_second_and_fourth_sunday() -> None:
    sundays = [date(2016, 5, n) for n in (1, 8, 15, 22, 29)]

    assert [RESIDENTS.is_open(each) for each in sundays] == [False, True, False, True, False]
    assert not OFFICE.is_open(date(2016, 5, 8))
    assert RESIDENTS.why_closed(date(2016, 5, 14)) == "土曜日"


def test_the_office_had_no_open_sunday_before_the_cards_were_handed_out() -> None:
    assert not RESIDENTS.is_open(date(2015, 12, 13))
    assert RESIDENTS.is_open(date(2016, 1, 10))


def test_working_days_step_over_golden_week() -> None:
    assert OFFICE.add(date(2016, 4, 28), 1) == date(2016, 5, 2)
    assert OFFICE.add(date(2016, 5, 2), 1) == date(2016, 5, 6)
    assert OFFICE.add(date(2016, 5, 6), -2) == date(2016, 4, 28)
    assert OFFICE.count(date(2016, 4, 28), date(2016, 5, 6)) == 2
    assert OFFICE.count(date(2016, 5, 6), date(2016, 4, 28)) == -2


def test_nothing_added_to_a_closed_day_is_the_next_open_day() -> None:
    assert OFFICE.add(date(2016, 6, 4), 0) == date(2016, 6, 6)
    assert OFFICE.add(date(2016, 6, 6), 0) == date(2016, 6, 6)
    assert OFFICE.previous_open(date(2016, 6, 5)) == date(2016, 6, 3)
    assert OFFICE.next_open(date(2016, 12, 29)) == date(2017, 1, 4)


def test_two_calendars_together_are_open_where_both_are() -> None:
    both = CALENDARS.together(("municipality", "residents"))

    assert not both.is_open(date(2016, 5, 8))
    assert both.why_closed(date(2016, 5, 8)) == "日曜日"
    assert both.why_closed(date(2016, 7, 18)) == "海の日"
    assert both.add(date(2016, 4, 28), 2) == date(2016, 5, 6)
    assert both.title == "石巻市の休日・市民課の個人番号カード交付窓口"


def test_the_table_ends_with_an_error_that_names_the_day_and_the_table() -> None:
    for outside in (date(2013, 12, 31), date(2030, 1, 1)):
        with pytest.raises(InputError, match=f"{outside} は休日表（石巻市の休日、2014-01-01～2029-12-31）の外です"):
            OFFICE.is_open(outside)


def test_the_first_and_last_days_of_the_table_are_known() -> None:
    # They are closed themselves: 2014 opened on Monday 6 January, 2029 will close on Friday 28 December.
    assert OFFICE.why_closed(date(2014, 1, 1)) == OFFICE.why_closed(date(2029, 12, 31)) == "年末年始"
    assert OFFICE.next_open(date(2014, 1, 1)) == OFFICE.add(date(2014, 1, 7), -1) == date(2014, 1, 6)
    assert OFFICE.previous_open(date(2029, 12, 31)) == OFFICE.add(date(2029, 12, 27), 1) == date(2029, 12, 28)
    for outside, count in [
        ("2029-12-31", lambda: OFFICE.next_open(date(2029, 12, 31))),
        ("2014-01-01", lambda: OFFICE.previous_open(date(2014, 1, 1))),
        ("2013-12-31", lambda: OFFICE.add(date(2014, 1, 6), -1)),
        ("2030-01-01", lambda: OFFICE.add(date(2029, 12, 28), 1)),
    ]:
        with pytest.raises(InputError, match=f"{outside} は休日表"):
            count()


def test_the_table_reaches_twelve_years_beyond_the_years_in_play() -> None:
    assert OFFICE.why_closed(date(2029, 11, 23)) == "勤労感謝の日"
    assert [year for year in range(2010, 2035) if CALENDARS.covers(year)] == [2015, 2016, 2017]


def test_a_table_says_its_own_first_and_last_day() -> None:
    assert (OFFICE.first, OFFICE.last) == (date(2014, 1, 1), date(2029, 12, 31))


def test_the_margins_end_where_the_national_holidays_do() -> None:
    early, late = LIBRARY.calendars(1955, 1956), LIBRARY.calendars(2049, 2050)

    assert (early("municipality").first, early("municipality").last) == (date(1955, 1, 1), date(1968, 12, 31))
    assert (late("municipality").first, late("municipality").last) == (date(2047, 1, 1), date(2050, 12, 31))
    assert [year for year in range(1950, 1960) if early.covers(year)] == [1955, 1956]
    assert [year for year in range(2045, 2055) if late.covers(year)] == [2048, 2049, 2050]


@pytest.mark.parametrize(("first", "last", "unknown"), [(1954, 2016, 1954), (2016, 2051, 2051), (1873, 2199, 1873)])
def test_a_year_whose_holidays_are_not_known_is_an_error_and_no_gap(first: int, last: int, unknown: int) -> None:
    message = f"西暦{unknown}年の休日は分かりません。国民の祝日が分かるのは1955年から2050年までです。日付の年に"

    with pytest.raises(InputError, match=message):
        LIBRARY.calendars(first, last)
    with pytest.raises(InputError, match=message):
        national_holidays(first, last)


def test_two_calendars_together_know_the_days_that_both_know() -> None:
    later = LIBRARY.calendars(2018, 2019)("municipality")

    both = combined((OFFICE, later))

    assert both.next_open(date(2016, 1, 1)) == date(2016, 1, 4)
    assert both.why_closed(date(2029, 12, 31)) == "年末年始"
    for outside in (date(2015, 12, 31), date(2030, 1, 1)):
        with pytest.raises(InputError, match="2016-01-01～2029-12-31）の外です"):
            both.is_open(outside)


def test_a_calendar_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"「municipalty」という休日表はありません。もしかして: municipality"):
        CALENDARS("municipalty")


@pytest.fixture
def own(tmp_path: Path) -> Calendars:
    (tmp_path / "closures").mkdir()
    (tmp_path / "closures" / "library.yaml").write_text(
        """
closures: library
title: 図書館
weekdays: [月]
year_end: {from: 02-29, to: 03-02}
closed: [{on: 2016-05-08, why: 停電}, {on: 2016-05-10, why: 棚卸し}]
open:
  - {weekday: 日, nth: [2], why: 第2日曜}
  - {on: 2016-05-09, why: 市民祭り}
""",
        encoding="utf-8",
    )
    return Library(tmp_path).calendars(2016, 2017)


def test_a_day_written_out_is_surer_than_every_second_sunday(own: Calendars) -> None:
    library = own("library")

    assert library.why_closed(date(2016, 5, 8)) == "停電"
    assert library.why_closed(date(2016, 5, 2)) == "月曜日"
    assert library.is_open(date(2016, 5, 9))
    assert library.why_closed(date(2016, 5, 10)) == "棚卸し"


def test_a_yearly_closure_from_29_february_begins_on_the_28th_in_a_common_year(own: Calendars) -> None:
    library = own("library")

    assert library.is_open(date(2016, 2, 28))
    assert library.why_closed(date(2017, 2, 28)) == "年末年始"
    assert library.why_closed(date(2016, 3, 2)) == "年末年始"
