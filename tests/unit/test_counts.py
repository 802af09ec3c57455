"""Counts: the arithmetic of 2016-04-15, and the forecast against a date."""

from __future__ import annotations

from typing import Any

import pytest

from kijitsu.domain.counts import Forecast, forecast
from kijitsu.domain.plan import Capacity, Point
from tests.unit.worked import CALENDARS, LIBRARY, day, milestone

CARDS = LIBRARY.plan("fy28").plan.milestones["card_delivery"]
RETURNS = LIBRARY.plan("fy28").plan.milestones["notice_card_returns"]


def told(due: str | None = None, closures: str = "residents", **given: Any) -> Forecast:
    capacity = Capacity(given.pop("per_day", 28), closures, "申請", "交付")
    points = (
        Point(day("2016-04-15"), "申請", given.pop("applied", 10548), "件"),
        Point(day(given.pop("on", "2016-04-15")), "交付", given.pop("handed", 1846), "枚"),
    )
    found = forecast(milestone("cards", capacity=capacity, series=points), due and day(due), CALENDARS)
    assert found
    return found


def test_the_citys_cards_take_311_opening_days_until_2017_06_15_with_two_sundays_a_month() -> None:
    found = forecast(CARDS, None, CALENDARS)

    assert found
    assert (found.left, found.days, str(found.on), found.slack) == (8702, 311, "2017-06-15", None)


def test_on_weekdays_alone_they_take_until_2017_07_26() -> None:
    found = told(closures="municipality")

    assert (found.left, found.days, str(found.on)) == (8702, 311, "2017-07-26")


def test_the_slack_against_a_date_is_counted_on_the_counters_own_open_days() -> None:
    assert told(due="2017-06-15").slack == 0
    # 2017-06-16, 19 to 23, the Sunday 25, 26 to 30.
    assert told(due="2017-06-30").slack == 12
    assert told(due="2017-06-15", closures="municipality").slack == -28


def test_a_day_that_is_not_full_counts_whole_and_an_empty_count_is_through_at_once() -> None:
    assert (told(applied=1874).days, told(applied=1875).days) == (1, 2)
    assert (told(applied=1846).left, str(told(applied=1846).on)) == (0, "2016-04-15")
    assert told(applied=1800).left == 0


def test_the_later_of_the_two_figures_is_the_day_it_is_counted_from() -> None:
    found = told(on="2016-05-31", handed=10548 - 28)

    assert (str(found.counted_on), str(found.on)) == ("2016-05-31", "2016-06-01")


def test_without_a_capacity_or_its_figures_there_is_no_forecast() -> None:
    nameless = milestone("cards", capacity=Capacity(28, "residents"))
    unknown = milestone("cards", capacity=Capacity(28, "residents", "申請", "交付"))

    assert [forecast(each, None, CALENDARS) for each in (RETURNS, nameless, unknown)] == [None, None, None]


@pytest.mark.parametrize(("title", "parts"), [("郵便局からの返戻", 5069), ("返戻分の処理済件数", 3783)])
def test_the_parts_of_a_figure_of_the_source_add_up(title: str, parts: int) -> None:
    [point] = [point for point in RETURNS.series if point.title == title]

    assert sum(value for _, value in point.parts) == point.value == parts
