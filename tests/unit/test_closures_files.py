"""Closures files: regimes that ordinances bring, extra days, and offices whose calendar extends another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from kijitsu.calendars import Calendars
from kijitsu.domain.errors import InvalidFile
from kijitsu.plans import Library
from tests.unit.worked import CALENDARS, LIBRARY, OFFICE

Write = Callable[..., Library]

CITY = """
closures: city
title: 市の休日
weekdays: [日]
national_holidays: true
year_end: {from: 12-29, to: 01-03}
regimes:
  - {from: 1992-08-01, weekdays: [土, 日], basis: 平成4年条例第24号}
  - {from: 2017-01-01, year_end: {from: 12-28, to: 01-04}, basis: 平成28年条例第40号}
  - {from: 2024-04-01, weekdays: [日], basis: 令和5年条例第9号}
closed:
  - {on: 2016-08-15, why: 庁舎の停電}
open:
  - {weekday: 日, nth: [2], why: 第2日曜}
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write closures files, each under the name of its id, and return their library."""

    def write(*texts: str) -> Library:
        (tmp_path / "closures").mkdir(exist_ok=True)
        for number, text in enumerate(texts):
            (tmp_path / "closures" / f"{number}.yaml").write_text(text, encoding="utf-8")
        return Library(tmp_path)

    return write


@pytest.fixture
def calendars(write: Write) -> Callable[..., Calendars]:
    return lambda *texts, years=(2016, 2024): write(CITY, *texts).calendars(*years)


Make = Callable[..., Calendars]


# --- regimes ---


def test_a_regime_stands_from_its_day_on(calendars: Make) -> None:
    city = calendars(years=(1992, 1992))("city")

    assert city.is_open(date(1992, 7, 25))  # a Saturday
    assert city.why_closed(date(1992, 8, 1)) == "土曜日"
    assert city.why_closed(date(1992, 7, 26)) == city.why_closed(date(1992, 8, 2)) == "日曜日"
    assert city.add(date(1992, 7, 31), 1) == date(1992, 8, 3)


def test_a_regime_before_the_table_stands_in_it(calendars: Make) -> None:
    assert calendars()("city").why_closed(date(2016, 6, 4)) == "土曜日"


def test_what_a_regime_does_not_say_is_as_it_was(calendars: Make) -> None:
    city = calendars()("city")

    assert city.why_closed(date(2024, 3, 30)) == "土曜日"
    assert city.is_open(date(2024, 4, 6))
    assert city.why_closed(date(2024, 4, 29)) == "昭和の日"
    assert city.why_closed(date(2025, 1, 4)) == "年末年始"  # a Saturday, and the year end of 2017


def test_a_regime_that_begins_amid_the_year_end_changes_its_second_half(calendars: Make) -> None:
    city = calendars()("city")

    assert city.is_open(date(2016, 12, 28))
    assert city.why_closed(date(2017, 1, 4)) == "年末年始"
    assert city.why_closed(date(2017, 12, 28)) == "年末年始"
    assert city.is_open(date(2016, 1, 4))


def test_an_extra_day_lasts_through_every_regime(calendars: Make) -> None:
    city = calendars()("city")

    assert city.why_closed(date(2016, 8, 15)) == "庁舎の停電"
    assert city.is_open(date(2016, 6, 12))  # the second Sunday of June 2016
    assert city.is_open(date(2024, 6, 9))  # and of June 2024


# --- one office's days over another's ---


def test_a_body_closes_for_a_span_and_says_by_what_law(calendars: Make) -> None:
    library = calendars(
        """
closures: library
title: 図書館
extends: city
closed:
  - {from: 2016-06-06, to: 2016-06-10, why: 蔵書点検, basis: 図書館条例第5条}
  - {weekday: 水, nth: [1, 3], from: 2016-07-01, why: 館内整理日}
open:
  - {on: 2016-06-08, why: 臨時開館}
"""
    )("library")

    week = [library.why_closed(date(2016, 6, n)) for n in range(5, 12)]
    checked = "蔵書点検（図書館条例第5条）"
    assert week == ["日曜日", checked, checked, None, checked, checked, "土曜日"]
    wednesdays = [date(2016, 6, 15), date(2016, 7, 6), date(2016, 7, 13), date(2016, 7, 20), date(2016, 8, 3)]
    assert [library.why_closed(each) for each in wednesdays] == [None, "館内整理日", None, "館内整理日", "館内整理日"]


def test_a_body_opens_for_a_span_all_the_same(calendars: Make) -> None:
    tax = calendars(
        """
closures: tax
title: 税務課の申告会場
extends: city
open: [{from: 2017-03-04, to: 2017-03-05, why: 確定申告}]
"""
    )("tax")

    assert [tax.is_open(date(2017, 3, n)) for n in (4, 5, 11)] == [True, True, False]


def test_a_later_layer_wins_over_the_one_it_extends(calendars: Make) -> None:
    files = calendars(
        """
closures: branch
title: 支所
extends: city
closed: [{weekday: 日, nth: [2], why: 支所は休み}]
open: [{on: 2016-08-15, why: 支所は停電しない}]
""",
        """
closures: counter
title: 支所の窓口
extends: branch
open: [{on: 2016-06-12, why: 窓口開設}]
""",
    )

    assert files("city").is_open(date(2016, 6, 12))
    assert files("branch").why_closed(date(2016, 6, 12)) == "支所は休み"
    assert files("branch").is_open(date(2016, 8, 15))
    assert files("counter").is_open(date(2016, 6, 12))
    assert files("counter").why_closed(date(2016, 7, 10)) == "支所は休み"


def test_a_body_has_closing_days_of_its_own_and_those_of_the_city_for_the_rest(calendars: Make) -> None:
    museum = calendars(
        """
closures: museum
title: 博物館
extends: city
weekdays: [月]
regimes:
  - {from: 2018-04-01, weekdays: [月, 火], national_holidays: false}
"""
    )("museum")

    assert museum.is_open(date(2016, 6, 4))  # Saturday
    assert museum.why_closed(date(2016, 6, 6)) == "月曜日"
    assert museum.why_closed(date(2016, 11, 3)) == "文化の日"
    assert museum.why_closed(date(2016, 12, 29)) == "年末年始"
    assert museum.why_closed(date(2018, 3, 27)) is None  # Tuesday
    assert museum.why_closed(date(2018, 4, 3)) == "火曜日"
    assert museum.is_open(date(2018, 5, 3))
    assert museum.is_open(date(2024, 4, 6))  # what the city changes later is not said again over the museum's own


def test_a_day_closed_by_a_new_law_names_the_law(calendars: Make) -> None:
    state = calendars(
        """
closures: state
title: 国の休日
weekdays: [土, 日]
closed: [{on: 2016-09-01, why: 記念の日, basis: 平成28年法律第1号}]
"""
    )("state")

    assert state.why_closed(date(2016, 9, 1)) == "記念の日（平成28年法律第1号）"


# --- the State and the city ---


def test_the_state_closed_two_saturdays_a_month_before_it_closed_all() -> None:
    state = LIBRARY.calendars(1988, 1992)("government")

    by_law = "土曜閉庁（昭和63年法律第91号第1条）"
    assert state.is_open(date(1988, 12, 24))
    june = [state.why_closed(date(1990, 6, n)) for n in (2, 9, 16, 23, 30)]
    assert june == [None, by_law, None, by_law, None]
    assert [state.why_closed(date(1992, 4, n)) for n in (18, 25)] == [None, by_law]
    assert [state.why_closed(date(1992, 5, n)) for n in (2, 9)] == ["土曜日", "土曜日"]


def test_the_states_deadline_falls_on_a_day_that_the_city_is_closed() -> None:
    calendars = LIBRARY.calendars(1990, 1990)

    # From Friday 1 June 1990: the first Saturday was a working day of the State.
    assert calendars("government").add(date(1990, 6, 1), 1) == date(1990, 6, 2)
    assert calendars("municipality").add(date(1990, 6, 1), 1) == date(1990, 6, 4)


def test_a_citys_own_closing_days_are_not_the_states(calendars: Make) -> None:
    city, state = calendars()("city"), CALENDARS("government")

    # In 2017 this city opens on 5 January, the State on the 4th; on 15 August 2016 the power was cut in the city hall.
    assert city.next_open(date(2016, 12, 31)) == date(2017, 1, 5)
    assert state.next_open(date(2016, 12, 31)) == date(2017, 1, 4)
    assert city.count(date(2016, 8, 14), date(2016, 8, 31)) == 12
    assert state.count(date(2016, 8, 14), date(2016, 8, 31)) == 13


def test_today_the_city_and_the_state_close_on_the_same_days() -> None:
    state = CALENDARS("government")
    year = [date.fromordinal(n) for n in range(date(2016, 4, 1).toordinal(), date(2017, 7, 31).toordinal() + 1)]

    assert [OFFICE.why_closed(each) for each in year] == [state.why_closed(each) for each in year]


# --- what is told to be wrong ---

OWN = "closures: own\ntitle: 自分の\nweekdays: [土, 日]\n"


@pytest.mark.parametrize(
    ("text", "line", "column", "code", "message"),
    [
        (
            "regimes:\n  - {from: 1992-08-01, weekdays: [土, 日]}\n  - {from: 1989-04-01, weekdays: [日]}",
            *(6, 12, "bad-shape"),
            "古い順に書いてください。1989-04-01 からの定めを 1992-08-01 からのものより前に移してください。",
        ),
        (
            "regimes:\n  - {from: 1992-08-01, weekdays: [土]}\n  - {from: 平成4年8月1日, weekdays: [日]}",
            *(6, 12, "duplicate-id"),
            "1992-08-01 からの定めが二つあります。一つにまとめてください。",
        ),
        (
            "regimes:\n  - {from: 1992-08-01, basis: 条例}",
            *(5, 5, "bad-shape"),
            "この日から変わるものを weekdays、national_holidays、year_end から書いてください。",
        ),
        ("regimes:\n  - {weekdays: [日]}", 5, 5, "missing-from", "「from」がありません。"),
        ("regimes:\n  - {from: 1992-08-01, weekday: [日]}", 5, 24, "unknown-key", "もしかして: weekdays"),
        (
            "open: [{on: 2016-05-08, why: 祭り}]\nclosed: [{on: 2016-05-08, why: 停電}]",
            *(4, 8, "bad-open-day"),
            "2016-05-08 を open で開け、closed で閉めています（停電）。どちらかを消してください。",
        ),
        (
            """\
open: [{from: 2016-05-01, to: 2016-05-10, why: 祭り}]
closed: [{from: 2016-05-09, to: 2018-05-20, why: 停電}]
""",
            *(4, 8, "bad-open-day"),
            "2016-05-09 を open で",
        ),
        (
            """\
open:
  - {weekday: 土, nth: [1], why: 朝市}
  - {weekday: 日, nth: [2, 4], why: 交付}
closed: [{weekday: 日, nth: [4, 5], from: 2016-06-27, why: 整理}]
""",
            *(6, 5, "bad-open-day"),
            "2016-07-24 を open で",
        ),
        (
            "closed:\n  - {on: 2016-05-09, why: 停電}\n  - {on: 2016-05-09, why: 点検}",
            *(6, 5, "duplicate-id"),
            "2016-05-09 が二度あります。一つにまとめてください。",
        ),
        ("closed: [{why: 停電}]", 4, 10, "bad-shape", "どれか一つの形で"),
        ("closed: [{from: 2016-05-08, why: 停電}]", 4, 10, "bad-shape", "どれか一つの形で"),
        ("closed: [{on: 2016-05-08, to: 2016-05-09, why: 停電}]", 4, 10, "bad-shape", "どれか一つの形で"),
        ("open: [{weekday: 日, why: 交付}]", 4, 8, "bad-shape", "どれか一つの形で"),
        ("open: [{weekday: 日, nth: [0], why: 交付}]", 4, 8, "bad-number", "nth は1から5までの数で"),
        ("open: [{weekday: 日, nth: [6], why: 交付}]", 4, 8, "bad-number", "nth は1から5までの数で"),
        ("closed: [{from: 2016-05-09, to: 2016-05-08, why: 停電}]", 4, 10, "bad-date", "to が from より前です"),
    ],
)
def test_what_contradicts_itself_is_told_with_its_place_and_the_remedy(
    write: Write, text: str, line: int, column: int, code: str, message: str
) -> None:
    with pytest.raises(InvalidFile) as raised:
        write(OWN + text).closures()

    [problem] = raised.value.problems
    assert (problem.line, problem.column, problem.code) == (line, column, code)
    assert message in problem.message


@pytest.mark.parametrize(
    "text",
    [
        "open: [{on: 2016-05-08, why: 祭り}]\nclosed: [{from: 2016-05-01, to: 2016-05-10, why: 停電}]",
        "open: [{weekday: 日, nth: [2], why: 交付}]\nclosed: [{on: 2016-05-08, why: 停電}]",
        "open: [{weekday: 日, nth: [2, 4], why: 交付}]\nclosed: [{weekday: 日, nth: [1, 3, 5], why: 整理}]",
        "open: [{weekday: 日, nth: [2], why: 交付}]\nclosed: [{weekday: 土, nth: [2], why: 整理}]",
        """\
open: [{weekday: 日, nth: [2], to: 2016-03-31, why: 交付}]
closed: [{weekday: 日, nth: [2], from: 2016-04-01, why: 整理}]
""",
        "open: [{from: 2016-05-01, to: 2016-05-08, why: 祭}]\nclosed: [{from: 2016-05-09, to: 2016-05-10, why: 停電}]",
    ],
)
def test_the_surer_of_two_entries_and_days_that_never_meet_are_no_contradiction(write: Write, text: str) -> None:
    assert list(write(OWN + text).closures()) == ["own"]


def test_an_id_in_two_files_is_told_with_the_other_file(write: Write) -> None:
    with pytest.raises(InvalidFile) as raised:
        write(OWN, OWN).closures()

    [problem] = raised.value.problems
    assert (Path(problem.file).name, problem.line, problem.column, problem.code) == ("1.yaml", 1, 11, "duplicate-id")
    assert "「own」は " in problem.message
    assert "0.yaml にもあります。一方の名前を変えてください。" in problem.message
