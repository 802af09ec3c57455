"""The schedule, worked by hand. June 2016 has no holidays: 1 June is a Wednesday, 3, 10, 17 and 24 are Fridays."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from kijitsu.domain.errors import InputError
from kijitsu.domain.history import Progress
from kijitsu.domain.schedule import Cycle
from kijitsu.domain.windows import parse_window
from tests.unit.worked import (
    cancelled,
    completed,
    day,
    ends,
    latest,
    link,
    milestone,
    network,
    scheduled,
    started,
    waived,
)


@pytest.mark.parametrize(
    ("type", "lag", "start"),
    [
        ("FS", "0", "2016-06-06"),
        ("FS", "0d", "2016-06-06"),
        ("FS", "2wd", "2016-06-08"),
        ("FS", "1d", "2016-06-06"),
        ("FS", "3d", "2016-06-07"),
        ("FS", "1w", "2016-06-13"),
        ("FS", "1m", "2016-07-04"),
        ("FS", "-2wd", "2016-06-02"),
        ("FS", "-3d", "2016-06-01"),
        ("SS", "0", "2016-06-01"),
        ("SS", "0m", "2016-06-01"),
        ("SS", "1wd", "2016-06-02"),
        ("SS", "3d", "2016-06-06"),
        ("SS", "-1wd", "2016-05-31"),
        ("SS", "-3d", "2016-05-30"),
        ("FF", "0", "2016-06-03"),
        ("FF", "1wd", "2016-06-06"),
        ("FF", "1d", "2016-06-06"),
        ("FF", "-1wd", "2016-06-02"),
        ("FF", "-1d", "2016-06-02"),
        ("SF", "0", "2016-05-31"),
        ("SF", "0d", "2016-05-31"),
        ("SF", "1wd", "2016-06-01"),
        ("SF", "-1wd", "2016-05-30"),
        ("SF", "1d", "2016-06-01"),
        ("SF", "4d", "2016-06-06"),
        ("SF", "-2d", "2016-05-30"),
    ],
)
def test_a_day_after_three_days_from_wednesday_to_friday(type: str, lag: str, start: str) -> None:
    slots = scheduled(milestone("a", when="2016-06-01～", duration="3wd"), milestone("b", link("a", type, lag)))

    assert ends(slots["a"]) == ("2016-06-01", "2016-06-03")
    assert ends(slots["b"]) == (start, start)
    assert slots["b"].drivers == ("a",)


def test_a_start_to_finish_link_asks_for_the_working_day_before_a_monday_start() -> None:
    slots = scheduled(milestone("a", when="2016-06-06～"), milestone("b", link("a", "SF"), duration="2wd"))

    assert ends(slots["b"]) == ("2016-06-02", "2016-06-03")


def test_a_finish_to_finish_link_lets_the_longer_one_start_early() -> None:
    slots = scheduled(milestone("a", when="2016-06-09"), milestone("b", link("a", "FF"), duration="4wd"))

    assert ends(slots["b"]) == ("2016-06-06", "2016-06-09")


def test_the_first_day_of_the_window_holds_where_the_prerequisite_is_earlier() -> None:
    slots = scheduled(milestone("a", when="2016-06-01～"), milestone("b", "a", when="平成28年6月中旬"))

    assert ends(slots["b"]) == ("2016-06-13", "2016-06-13")
    assert slots["b"].drivers == ()
    assert (slots["b"].due, slots["b"].due_kind) == (date(2016, 6, 20), "target")
    assert slots["b"].slack == 5


def test_the_latest_of_several_prerequisites_drives_and_is_named_once() -> None:
    slots = scheduled(
        milestone("short", when="2016-06-01～"),
        milestone("long", when="2016-06-01～", duration="5wd"),
        milestone("b", "short", link("long"), link("long", "SS", "5wd"), link("long", "FF", "1wd")),
    )

    assert ends(slots["b"]) == ("2016-06-08", "2016-06-08")
    assert slots["b"].drivers == ("long",)


# --- elapsed time ---


@pytest.mark.parametrize(("duration", "finish"), [("30d", "2016-04-30"), ("1m", "2016-04-30"), ("2w", "2016-04-14")])
def test_elapsed_time_may_end_on_a_closed_day(duration: str, finish: str) -> None:
    slots = scheduled(milestone("a", when="2016-04-01～", duration=duration))

    assert ends(slots["a"]) == ("2016-04-01", finish)


def test_what_follows_elapsed_time_starts_on_the_next_open_day() -> None:
    slots = scheduled(
        milestone("comment", when="2016-04-01～", duration="30d"),
        milestone("summary", "comment"),
        milestone("report", link("comment", "FF")),
        milestone("decision", link("comment", "FS", "2wd")),
    )

    assert ends(slots["summary"]) == ("2016-05-02", "2016-05-02")
    assert ends(slots["report"]) == ("2016-05-02", "2016-05-02")
    assert ends(slots["decision"]) == ("2016-05-09", "2016-05-09")


def test_a_month_that_fills_its_month_has_no_slack_and_is_not_late() -> None:
    [slot] = scheduled(milestone("a", when="平成28年4月", duration="1m")).values()

    assert slot.due == date(2016, 4, 30)
    assert latest(slot) == ("2016-04-01", "2016-04-28")
    assert slot.slack == 0


def test_elapsed_time_that_ends_on_a_closed_day_after_its_due_day_is_late() -> None:
    [slot] = scheduled(milestone("a", when="2016-04-01～", duration="30d", due="2016-04-28")).values()

    assert slot.slack == -1


def test_elapsed_time_may_run_through_the_weekend_before_its_successor() -> None:
    slots = scheduled(
        milestone("comment", when="2016-05-30～", duration="30d"), milestone("b", "comment", due="2016-07-04")
    )

    # From Friday 6/3 the thirty days end on Saturday 7/2; from Monday 6/6 on Tuesday 7/5, too late for Monday 7/4.
    assert latest(slots["comment"]) == ("2016-06-03", "2016-07-01")
    assert ends(slots["comment"]) == ("2016-05-30", "2016-06-28")
    assert slots["comment"].slack == 3


# --- windows and due dates ---


def test_a_window_without_a_beginning_begins_with_the_fiscal_year() -> None:
    [slot] = scheduled(milestone("a", when="～平成28年7月")).values()

    assert ends(slot) == ("2016-04-01", "2016-04-01")
    assert (slot.due, slot.due_kind) == (date(2016, 7, 31), "target")
    assert latest(slot) == ("2016-07-29", "2016-07-29")  # 7/31 is a Sunday


def test_without_a_fiscal_year_it_begins_with_the_first_day_of_the_plan() -> None:
    slots = scheduled(milestone("a", when="～平成28年7月"), milestone("b", when="2016-06-10"), fiscal_year=None)

    assert ends(slots["a"]) == ("2016-06-10", "2016-06-10")


def test_a_window_without_an_end_has_no_due_date_and_no_slack() -> None:
    [slot] = scheduled(milestone("a", when="2016-04-01〜", pinned=True)).values()

    assert ends(slot) == ("2016-04-01", "2016-04-01")
    assert latest(slot) == ("None", "None")
    assert (slot.due, slot.due_kind, slot.slack, slot.critical) == (None, None, None, False)


def test_a_deadline_stands_before_the_target() -> None:
    [slot] = scheduled(milestone("a", when="平成28年6月", due="2016-06-17")).values()

    assert (slot.due, slot.due_kind) == (date(2016, 6, 17), "deadline")
    assert slot.slack == 12


def test_a_due_day_on_a_closed_day_leaves_the_last_open_day_before_it() -> None:
    [slot] = scheduled(milestone("a", when="2016-06-01～", due="2016-06-19")).values()

    assert slot.due == date(2016, 6, 19)
    assert latest(slot) == ("2016-06-17", "2016-06-17")


def test_a_pinned_day_that_cannot_be_met_shows_as_negative_slack() -> None:
    slots = scheduled(
        milestone("a", when="2016-06-01～", duration="10wd"), milestone("b", "a", when="2016-06-10", pinned=True)
    )

    assert ends(slots["b"]) == ("2016-06-15", "2016-06-15")
    assert slots["b"].slack == -3
    assert slots["b"].drivers == ("a",)
    assert latest(slots["a"]) == ("2016-05-27", "2016-06-09")
    assert slots["a"].slack == -3


def test_the_latest_safe_finish_is_the_smaller_of_the_own_due_day_and_what_successors_need() -> None:
    slots = scheduled(
        milestone("a", when="平成28年6月"),
        milestone("b", link("a", lag="2wd"), when="2016-06-01～", due="2016-06-15", duration="3wd"),
        milestone("c", link("a", "SS", "1w"), when="2016-06-01～", due="2016-06-30"),
    )

    # b starts by Monday 6/13, two working days after a has finished: by Wednesday 6/8.
    assert latest(slots["b"]) == ("2016-06-13", "2016-06-15")
    assert latest(slots["a"]) == ("2016-06-08", "2016-06-08")
    assert slots["a"].due == date(2016, 6, 30)


def test_a_lag_of_a_month_leaves_the_last_day_whose_corresponding_day_is_safe() -> None:
    slots = scheduled(milestone("a", when="2016-06-01～"), milestone("b", link("a", lag="1m"), due="2017-02-28"))

    # Over by Monday 1/30: a month from the 31st leads to 28 February, a month from 1 February to 1 March.
    assert latest(slots["a"]) == ("2017-01-30", "2017-01-30")


def test_critical_is_what_nothing_in_the_plan_has_less_slack_than() -> None:
    slots = scheduled(
        milestone("a", when="2016-06-01～", duration="3wd"),
        milestone("b", "a", due="2016-06-08"),
        milestone("c", "a", due="2016-06-30"),
        milestone("d", when="2016-06-01～"),
    )

    assert [slots[id].slack for id in "abcd"] == [2, 2, 18, None]
    assert [slots[id].critical for id in "abcd"] == [True, True, False, False]


# --- what has happened ---

PAIR = (milestone("a", when="2016-06-01～", duration="3wd"), milestone("b", "a", due="2016-06-30"))


@pytest.mark.parametrize(
    ("progress", "a", "b"),
    [
        (completed("2016-06-01"), ("2016-06-01", "2016-06-01"), "2016-06-02"),
        (completed("2016-06-08"), ("2016-06-08", "2016-06-08"), "2016-06-09"),
        (completed("2016-06-04"), ("2016-06-04", "2016-06-04"), "2016-06-06"),  # a Saturday
        (Progress(day("2016-06-02"), day("2016-06-07")), ("2016-06-02", "2016-06-07"), "2016-06-08"),
        (started("2016-06-07"), ("2016-06-07", "2016-06-09"), "2016-06-10"),
        (waived("2016-06-02"), ("2016-06-02", "2016-06-02"), "2016-06-03"),
    ],
)
def test_actual_days_replace_the_estimate(progress: Progress, a: tuple[str, str], b: str) -> None:
    slots = scheduled(*PAIR, progress={"a": progress})

    assert ends(slots["a"]) == a
    assert ends(slots["b"]) == (b, b)
    assert (slots["a"].slack is None) == progress.is_closed


def test_nothing_unfinished_starts_before_today() -> None:
    slots = scheduled(*PAIR, as_of="2016-06-11")

    assert ends(slots["a"]) == ("2016-06-13", "2016-06-15")
    assert ends(slots["b"]) == ("2016-06-16", "2016-06-16")


def test_what_was_started_and_should_be_over_ends_today_at_the_earliest() -> None:
    slots = scheduled(*PAIR, progress={"a": started("2016-06-01")}, as_of="2016-06-20")

    assert ends(slots["a"]) == ("2016-06-01", "2016-06-20")
    assert ends(slots["b"]) == ("2016-06-21", "2016-06-21")


def test_what_was_started_on_a_saturday_counts_from_monday() -> None:
    slots = scheduled(milestone("a", when="2016-06-01～", duration="2wd"), progress={"a": started("2016-06-04")})

    assert ends(slots["a"]) == ("2016-06-04", "2016-06-07")


def test_what_was_started_before_its_window_ends_in_it() -> None:
    slots = scheduled(milestone("a", when="2016-06-20～2016-06-24"), progress={"a": started("2016-06-01")})

    assert ends(slots["a"]) == ("2016-06-01", "2016-06-20")


def test_a_finish_that_waits_for_another_waits_after_the_start_was_made() -> None:
    slots = scheduled(
        milestone("a", when="2016-06-01～", duration="8wd"),
        milestone("b", link("a", "FF"), duration="2wd", due="2016-06-09"),
        progress={"b": started("2016-06-02")},
    )

    assert ends(slots["b"]) == ("2016-06-02", "2016-06-10")
    assert slots["b"].slack == -1
    assert slots["a"].slack == -1


def test_a_start_that_was_made_is_held_by_nobody() -> None:
    slots = scheduled(
        milestone("a", when="2016-06-01～", duration="10wd"),
        milestone("b", link("a", "SS"), due="2016-06-06"),
        progress={"a": started("2016-06-01")},
    )
    assert slots["a"].slack is None

    slots = scheduled(*PAIR, progress={"b": started("2016-06-02")})
    assert slots["a"].slack is None


def test_what_was_cancelled_has_no_days_and_holds_nobody() -> None:
    slots = scheduled(*PAIR, milestone("c", "a", when="2016-06-20"), progress={"a": cancelled("2016-05-31")})

    assert ends(slots["a"]) == ("None", "None")
    assert ends(slots["b"]) == ("None", "None")
    assert ends(slots["c"]) == ("2016-06-20", "2016-06-20")


def test_what_is_undecided_has_no_days_unless_something_comes_before_it() -> None:
    slots = scheduled(
        milestone("a", when="調整中"),
        milestone("b", when="2016-06-01"),
        milestone("c", "a", "b", when="調整中"),
    )

    assert ends(slots["a"]) == ("None", "None")
    assert ends(slots["c"]) == ("2016-06-02", "2016-06-02")
    assert slots["c"].due is None


# --- the network ---


@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_hundred_thousand_in_a_row_are_scheduled_without_recursion(is_reversed: bool) -> None:
    one = milestone("m0", when="2016-06-01～")
    row = [one, *(replace(one, id=f"m{n}", window=None, after=(link(f"m{n - 1}", "SS"),)) for n in range(1, 99_999))]
    row.append(milestone("m99999", "m99998", due="2016-06-10"))

    net = network(*(reversed(row) if is_reversed else row))
    slots = net.schedule(as_of=day("2016-06-01"))

    assert ends(slots["m99999"]) == ("2016-06-02", "2016-06-02")
    assert slots.slacks == {6: 100_000}
    assert len(net.downstream("m0")) == len(net.structure.with_upstream(net.rank("m99998"))) == 99_999
    moved = slots.revised({"m0": replace(one, window=parse_window("2016-06-03～"))})
    assert (ends(moved["m99999"]), moved.slacks) == (("2016-06-06", "2016-06-06"), {4: 100_000})


def test_a_ring_is_named_as_a_path() -> None:
    with pytest.raises(Cycle, match="循環しています") as caught:
        network(milestone("a", "c", when="2016-06-01"), milestone("b", "a"), milestone("c", "b"), milestone("d", "c"))

    assert caught.value.path == ["b", "c", "a", "b"]


def test_a_lag_beyond_every_calendar_is_an_error_of_the_input() -> None:
    for lag in ("99999wd", "-99999d", "99999y"):
        with pytest.raises(InputError):
            scheduled(milestone("a", when="2016-06-01"), milestone("b", link("a", lag=lag), due="2016-06-30"))
