"""Our eras against japanera 2.1.3, which others wrote: the same day for the same words, save where we mean to differ.

Both agree on every day from 1873 to 2100, read and written. They differ here, and each difference has its test:

| case | japanera | Kijitsu | why |
|---|---|---|---|
| the first year | writes 平成01年, 平成1年 | writes 平成元年, reads all three | as papers do |
| an era that ended (平成31年5月1日) | refuses, or keeps 平成 | 令和元年, with a warning | papers of the time say so |
| a wrong weekday | ignores it | an error that names the right one | one of the two is a slip |
| the year 0 | reads 平成0年 as 1989 | an error | there is none |
| a month or a year | its first day within the era | all its days | a month is not due on its first day |
| 令和6年度 | 2024-01-01 | 2024-04-01 to 2025-03-31 | a fiscal year begins in April |
| H1.9.9 | nine eras that begin with an H | 平成 | nobody plans in 白雉 |
| no era | every era that was so long | the plan's, else 平成 with a warning | a plan has a year |
| wide digits, digit by digit (二八年) | refuses | reads them | papers have them |
| the beginning of 明治 | 1868-01-23 | 1868-01-25 | 慶応4年1月1日 of the old calendar, from which 明治 counts |
| before 1873 | reads it in our calendar | an error | Japan counted moons until 明治5年12月2日 |
"""

from __future__ import annotations

import warnings
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from japanera import ERA_DATA_GENERAL, EraDate

from kijitsu.domain.eras import ERAS, era_of, show_date
from kijitsu.domain.windows import Precision, WindowError, parse_window

CHANGES = [date(1912, 7, 30), date(1926, 12, 25), date(1989, 1, 8), date(2019, 5, 1)]
# What each writes and the other reads.
FORMATS = ["%-K%-y年%m月%d日", "%-K%-Y年%m月%d日（%-a）", "%-K%-N年%-m月%-d日", "%-h%-y.%m.%d", "%-h%-Y/%m/%d"]
ARABIC = "%-K%-y年%m月%d日"


def theirs(text: str, layout: str = ARABIC, allow_ended: bool = False) -> list[date]:
    """The days that japanera reads, one for each era that it could be."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = EraDate.strptime(text, layout, allow_date_after_end_of_era=allow_ended)
    return [each.to_date() for each in found]


def compare(day: date) -> None:
    japanera = EraDate.from_date(day)
    assert japanera.era.kanji == era_of(day).name
    assert theirs(show_date(day, weekday=False)) == [day]
    for layout in FORMATS:
        window = parse_window(japanera.strftime(layout))
        assert (window.first, window.last, window.warnings) == (day, day, ())


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_near_a_change_of_era_both_read_what_the_other_writes(change: date) -> None:
    for days in range(-400, 401):
        compare(change + timedelta(days))


@given(st.dates(date(1873, 1, 1), date(2100, 12, 31)))
@settings(deadline=None, max_examples=500)
def test_on_any_day_both_read_what_the_other_writes(day: date) -> None:
    compare(day)


def test_the_eras_have_the_same_days_but_for_the_beginning_of_meiji() -> None:
    others = {era.kanji: era for era in ERA_DATA_GENERAL}

    for ours in ERAS:
        # Their `until` is the first day after.
        until = others[ours.name].until
        assert ours.last_day == (until and until - timedelta(1))
        assert ours.letter == others[ours.name].english_head
        if ours.name != "明治":
            assert ours.first_day == others[ours.name].since

    assert others["明治"].since == date(1868, 1, 23)
    assert ERAS[0].first_day == date(1868, 1, 25)


def test_both_refuse_an_era_that_had_not_begun_and_days_that_are_none() -> None:
    for text in (
        "平成元年1月7日",
        "令和元年4月30日",
        "昭和元年12月24日",
        "大正元年7月29日",
        "平成28年2月30日",
        "平成28年6月31日",
    ):
        with pytest.raises(ValueError, match="not found"):
            theirs(text)
        with pytest.raises(WindowError, match="もしかして"):
            parse_window(text)


def test_the_first_year_is_written_01_by_them_and_gannen_by_us() -> None:
    day = date(2019, 5, 1)

    assert EraDate.from_date(day).strftime(ARABIC) == "令和01年05月01日"
    assert EraDate.from_date(day).strftime("%-K%-Y年") == "令和1年"
    assert show_date(day) == "令和元年5月1日（水）"


@pytest.mark.parametrize(
    ("text", "day", "shown"),
    [
        ("平成31年5月1日", date(2019, 5, 1), "令和元年5月1日（水）"),
        ("昭和64年1月8日", date(1989, 1, 8), "平成元年1月8日（日）"),
    ],
)
def test_an_era_that_ended_is_refused_by_them_and_read_by_us_with_a_warning(text: str, day: date, shown: str) -> None:
    with pytest.raises(ValueError, match="not found"):
        theirs(text)
    assert theirs(text, allow_ended=True) == [day]
    with pytest.warns(RuntimeWarning, match="not in era"):
        kept = EraDate.strptime(text, ARABIC, allow_date_after_end_of_era=True)[0]
    assert kept.era.kanji == text[:2]

    window = parse_window(text)

    assert window.first == day
    assert f"{shown}のこととして" in window.warnings[0]


def test_a_wrong_weekday_is_ignored_by_them_and_an_error_to_us() -> None:
    assert theirs("平成28年6月4日(金)", ARABIC + "(%-a)") == [date(2016, 6, 4)]
    with pytest.raises(WindowError, match="曜日が違います"):
        parse_window("平成28年6月4日(金)")


def test_the_year_0_is_1989_to_them_and_an_error_to_us() -> None:
    assert theirs("平成0年6月3日") == [date(1989, 6, 3)]
    with pytest.raises(WindowError, match="年が0"):
        parse_window("平成0年6月3日")


@pytest.mark.parametrize(
    ("text", "layout", "their_day", "first", "last", "precision"),
    [
        ("平成28年6月", "%-K%-y年%m月", "2016-06-01", "2016-06-01", "2016-06-30", Precision.MONTH),
        ("平成元年1月", "%-K%-y年%m月", "1989-01-08", "1989-01-01", "1989-01-31", Precision.MONTH),
        ("令和元年", "%-K%-y年", "2019-05-01", "2019-01-01", "2019-12-31", Precision.RANGE),
        ("令和6年度", "%-K%-y年度", "2024-01-01", "2024-04-01", "2025-03-31", Precision.FISCAL_YEAR),
        ("令和元年度", "%-K%-y年度", "2019-05-01", "2019-04-01", "2020-03-31", Precision.FISCAL_YEAR),
    ],
)
def test_a_month_or_a_year_is_one_day_to_them_and_all_its_days_to_us(
    text: str, layout: str, their_day: str, first: str, last: str, precision: Precision
) -> None:
    assert theirs(text, layout) == [date.fromisoformat(their_day)]

    window = parse_window(text)

    assert (str(window.first), str(window.last), window.precision) == (first, last, precision)


def test_a_letter_is_every_era_that_begins_with_it_to_them_and_the_modern_one_to_us() -> None:
    found = theirs("H1.9.9", "%-h%-y.%m.%d")

    assert len(found) == 9
    assert found[-1] == parse_window("H1.9.9").first == date(1989, 9, 9)


def test_without_an_era_they_give_every_era_and_we_the_one_of_the_plan() -> None:
    found = theirs("28年6月3日", "%-y年%m月%d日")

    assert len(found) == 7
    assert parse_window("28年6月3日", 2016).first == date(2016, 6, 3)
    assert parse_window("28年6月3日").warnings


@pytest.mark.parametrize(
    ("text", "layout"), [("平成２８年６月３日", ARABIC), ("平成二八年六月三日", "%-K%-n年%-m月%-d日")]
)
def test_wide_digits_and_kanji_digit_by_digit_are_read_by_us_alone(text: str, layout: str) -> None:
    with pytest.raises(ValueError, match="does not match"):
        theirs(text, layout)
    assert parse_window(text).first == date(2016, 6, 3)


def test_before_the_solar_calendar_they_read_on_and_we_refuse() -> None:
    assert theirs("明治5年12月3日") == [date(1872, 12, 3)]
    with pytest.raises(WindowError, match="1873年から"):
        parse_window("明治5年12月3日")
