"""Statutory periods, counted as a clerk would with the code on the desk."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kijitsu.domain.errors import InputError
from kijitsu.domain.periods import (
    Direction,
    FirstDay,
    Length,
    Roll,
    Rule,
    Span,
    count_period,
    length_end,
    parse_length,
)
from tests.unit.worked import CALENDARS, LIBRARY, OFFICE, RULES, day

WIDE = LIBRARY.calendars(2010, 2020)("municipality")
EXCLUDED, INCLUDED = FirstDay.EXCLUDED, FirstDay.INCLUDED
FORWARD, BACKWARD = Direction.FORWARD, Direction.BACKWARD
NEXT, PREVIOUS = Roll.NEXT_OPEN_DAY, Roll.PREVIOUS_OPEN_DAY


def rule(length: str, direction: Direction = FORWARD, **given: Any) -> Rule:
    return Rule("free", "期間", "", parse_length(length), direction, **given)


def due(length: str, event: str, suspended: tuple[Span, ...] = (), **given: Any) -> date:
    return count_period(rule(length, **given), day(event), OFFICE, suspended).due


def span(first: str, last: str) -> Span:
    return day(first), day(last)


@pytest.mark.parametrize(
    ("name", "event", "expected"),
    [
        ("sending_to_mayor", "2016-06-28", "2016-07-01"),
        ("promulgation", "2016-07-01", "2016-07-21"),
        ("promulgation", "2016-06-28", "2016-07-18"),  # Marine Day, and no roll
        ("notice_of_session", "2016-06-10", "2016-06-03"),
        ("notice_of_session", "2016-09-07", "2016-08-31"),
        ("reconsideration", "2016-06-28", "2016-07-08"),
        ("budget_sending", "2016-06-28", "2016-07-01"),
        ("taking_effect", "2016-07-01", "2016-07-11"),  # ten days 起算して have passed: the eleventh
        ("closing_of_accounts", "2016-03-31", "2016-05-31"),
        ("closing_of_accounts", "2015-03-31", "2015-05-31"),  # a Sunday, and the law names the day
        ("accounts_to_mayor", "2016-05-31", "2016-08-31"),
        ("move_in_notice", "2016-07-04", "2016-07-19"),  # the 14th day is Marine Day: a filing rolls
        ("review_request", "2016-05-31", "2016-08-31"),
        ("review_request", "2016-06-30", "2016-09-30"),
        ("vote_within_session", "2016-06-28", "2016-06-28"),
        ("report_of_decisions", "2016-06-28", "2016-06-28"),
        ("pia_yearly_review", "2016-05-20", "2017-05-20"),
        ("pia_five_years", "2016-02-29", "2021-02-28"),
        ("pia_public_comment", "2016-05-02", "2016-06-01"),
        ("training_yearly", "2016-05-10", "2017-05-10"),
        ("notice_card_retention", "2015-11-30", "2016-02-29"),
        ("ppc_window_lead", "2017-07-18", "2016-09-18"),
        ("ppc_periodic_report", "2017-03-31", "2017-07-31"),
        ("public_comment", "2016-10-03", "2016-11-02"),
        ("call_for_bills", "2016-06-10", "2016-04-11"),
        ("executive_meeting", "2016-06-10", "2016-05-20"),
        ("bill_printing", "2016-06-10", "2016-05-27"),
        ("mayors_assessment", "2016-06-10", "2016-05-11"),
        ("bill_legal_review", "2016-06-10", "2016-04-26"),
        ("budget_request", "2016-06-10", "2016-04-28"),  # D-40 is Sunday 5/1, do it on the Thursday before 4/29
        ("bills_sent", "2016-06-10", "2016-06-03"),
        ("steering_committee", "2016-06-10", "2016-06-03"),
        ("question_notice", "2016-06-08", "2016-06-08"),
        ("questions_and_referral", "2016-06-10", "2016-06-14"),  # as in Ishinomaki, the third day
        ("questions_and_referral", "2016-06-07", "2016-06-13"),  # D+4 is a Saturday
        ("debate_notice", "2016-06-27", "2016-06-27"),
        ("session_vote", "2016-06-10", "2016-06-28"),  # as in Ishinomaki, the eighth day
    ],
)
def test_a_rule_of_the_city_counts_as_worked_by_hand(name: str, event: str, expected: str) -> None:
    deadline = count_period(RULES[name], day(event), CALENDARS(RULES[name].calendar))

    assert deadline.due == day(expected)
    assert deadline.rule is RULES[name]
    assert deadline.event == day(event)


def test_every_statutory_rule_of_the_folder_is_worked_above() -> None:
    worked = {args[0] for args in test_a_rule_of_the_city_counts_as_worked_by_hand.pytestmark[0].args[1]}  # type: ignore[attr-defined]

    assert worked == set(RULES)


def test_an_ordinance_voted_on_june_28_is_sent_by_july_1_and_promulgated_by_july_21() -> None:
    sent = count_period(RULES["sending_to_mayor"], date(2016, 6, 28), OFFICE).due
    promulgated = count_period(RULES["promulgation"], sent, OFFICE).due
    in_force = count_period(RULES["taking_effect"], promulgated, OFFICE).due

    assert (sent, promulgated, in_force) == (date(2016, 7, 1), date(2016, 7, 21), date(2016, 7, 31))


def test_the_twenty_days_of_promulgation_stand_still_during_reconsideration() -> None:
    # Received 6/28. The 6th day is 7/4; the assembly reconsiders from 7/5 to 7/12; 7/13 is the 7th day, 7/26 the 20th.
    still = [span("2016-07-05", "2016-07-12")]

    assert count_period(RULES["promulgation"], date(2016, 6, 28), OFFICE, still).due == date(2016, 7, 26)


def test_a_filing_with_the_national_commission_rolls_on_the_governments_holidays() -> None:
    # 2022-07-31 is a Sunday.
    government = LIBRARY.calendars(2022, 2022)("government")

    assert count_period(RULES["ppc_periodic_report"], date(2022, 3, 31), government).due == date(2022, 8, 1)


@pytest.mark.parametrize(
    ("length", "event", "given", "expected"),
    [
        # 中7日 before 9/7: 8/31 to 9/6 lie between, 8/30 is the day; 「7日前」 is 8/31.
        ("7d", "2016-09-07", {"direction": BACKWARD, "clear": True}, "2016-08-30"),
        ("7d", "2016-09-07", {"direction": BACKWARD}, "2016-08-31"),
        ("7d", "2016-08-30", {"clear": True}, "2016-09-07"),
        ("1w", "2016-08-30", {"clear": True}, "2016-09-07"),
        # Thursday 4/28, one open day between (Monday 5/2), Friday 5/6 after three holidays.
        ("1wd", "2016-04-28", {"clear": True}, "2016-05-06"),
        ("1wd", "2016-05-06", {"direction": BACKWARD, "clear": True}, "2016-04-28"),
        # A clear month: 6/1 to 6/30, then 7/1; back from 7/1, 6/1 to 6/30 lie between, 5/31 before them.
        ("1m", "2016-05-31", {"clear": True}, "2016-07-01"),
        ("1m", "2016-07-01", {"direction": BACKWARD, "clear": True}, "2016-05-31"),
        # D-8 is Sunday 9/4: done on Friday.
        ("7d", "2016-09-12", {"direction": BACKWARD, "clear": True, "roll": PREVIOUS}, "2016-09-02"),
    ],
)
def test_clear_days_lie_in_full_between_the_event_and_the_day(
    length: str, event: str, given: dict[str, Any], expected: str
) -> None:
    assert due(length, event, **given) == day(expected)


@pytest.mark.parametrize(
    ("length", "event", "given", "expected"),
    [
        ("10d", "2016-07-01", {"first_day": INCLUDED, "passed": True}, "2016-07-11"),
        ("10d", "2016-07-01", {"passed": True}, "2016-07-12"),
        ("3m", "2016-03-31", {"passed": True}, "2016-07-01"),
        (
            "3wd",
            "2016-04-27",
            {"passed": True},
            "2016-05-07",
        ),  # they end on Friday 5/6, and time passes on Saturdays too
        # Twenty days from 6/28 end on Marine Day 7/18, roll to 7/19, and have passed on 7/20.
        ("20d", "2016-06-28", {"passed": True, "roll": NEXT}, "2016-07-20"),
    ],
)
def test_the_day_on_which_a_period_has_passed_is_the_day_after_it(
    length: str, event: str, given: dict[str, Any], expected: str
) -> None:
    assert due(length, event, **given) == day(expected)


@pytest.mark.parametrize(
    ("length", "event", "spans", "given", "expected"),
    [
        # Ten days from 7/2 to 7/11; four of them (7/4 to 7/7) do not count.
        ("10d", "2016-07-01", [span("2016-07-04", "2016-07-07")], {}, "2016-07-15"),
        ("10d", "2016-07-01", [span("2016-07-04", "2016-07-05"), span("2016-07-05", "2016-07-07")], {}, "2016-07-15"),
        ("10d", "2016-07-01", [span("2016-07-06", "2016-07-07"), span("2016-07-04", "2016-07-05")], {}, "2016-07-15"),
        # Made up for from 7/12, it meets a second span on 7/13 and 7/14.
        ("10d", "2016-07-01", [span("2016-07-04", "2016-07-07"), span("2016-07-13", "2016-07-14")], {}, "2016-07-17"),
        # From before the event into the period: 7/2 and 7/3 do not count.
        ("10d", "2016-07-01", [span("2016-06-01", "2016-07-03")], {}, "2016-07-13"),
        # The last day itself.
        ("10d", "2016-07-01", [span("2016-07-11", "2016-07-11")], {}, "2016-07-12"),
        ("10d", "2016-07-01", [span("2016-06-01", "2016-07-01"), span("2016-07-12", "2016-08-31")], {}, "2016-07-11"),
        # 8/31 to 9/6 back from 9/7; 9/1 and 9/2 do not count.
        ("7d", "2016-09-07", [span("2016-09-01", "2016-09-02")], {"direction": BACKWARD}, "2016-08-29"),
        ("2w", "2016-06-10", [span("2016-06-11", "2016-06-13")], {}, "2016-06-27"),
        # 4/28, 5/2 and 5/6; without 5/2 the third open day is Monday 5/9. The holidays in the span are no loss.
        ("3wd", "2016-04-27", [span("2016-04-30", "2016-05-03")], {}, "2016-05-09"),
        # A month from 7/1 to 7/31, and the ten days of July that stood still: 8/10.
        ("1m", "2016-06-30", [span("2016-07-05", "2016-07-14")], {}, "2016-08-10"),
        ("1m", "2016-06-30", [span("2016-07-05", "2016-07-14"), span("2016-08-01", "2016-08-03")], {}, "2016-08-13"),
        ("1m", "2016-07-01", [span("2016-06-11", "2016-06-12")], {"direction": BACKWARD}, "2016-05-30"),
        # The period ends on 7/10, and its being over does not stand still.
        (
            "10d",
            "2016-07-01",
            [span("2016-07-11", "2016-07-20")],
            {"first_day": INCLUDED, "passed": True},
            "2016-07-11",
        ),
    ],
)
def test_a_period_does_not_count_the_days_on_which_it_stands_still(
    length: str, event: str, spans: tuple[Span, ...], given: dict[str, Any], expected: str
) -> None:
    assert due(length, event, spans, **given) == day(expected)


def test_a_period_that_never_goes_on_is_refused() -> None:
    for length in ("1d", "1wd", "1m"):
        with pytest.raises(InputError):
            due(length, "2016-07-01", (span("2016-07-02", "9999-12-31"),))


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(InputError, match="順を直してください"):
        due("10d", "2016-07-01", (span("2016-07-07", "2016-07-04"),))


def test_a_deadline_has_the_time_of_its_rule() -> None:
    questions = count_period(RULES["question_notice"], date(2016, 6, 8), OFFICE)
    debate = count_period(RULES["debate_notice"], date(2016, 6, 27), OFFICE)
    plain = count_period(RULES["promulgation"], date(2016, 6, 28), OFFICE)

    assert (questions.at, questions.shown) == (time(17, 15), "平成28年6月8日（水）17時15分まで")
    assert (debate.at, debate.shown) == (time(12), "平成28年6月27日（月）12時まで")
    assert (plain.at, plain.shown) == (None, "平成28年7月18日（月）")


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ({"clear": True, "first_day": INCLUDED}, "first_day を excluded にする"),
        ({"clear": True, "passed": True}, "一方だけにしてください"),
        ({"direction": BACKWARD, "passed": True}, "clear（中N日）を使ってください"),
    ],
)
def test_a_rule_that_contradicts_itself_is_refused_with_the_remedy(given: dict[str, Any], remedy: str) -> None:
    with pytest.raises(InputError, match=remedy):
        rule("7d", **given)


# --- versions of a rule ---


def test_the_version_of_a_rule_in_force_on_the_day_of_the_event_counts() -> None:
    comment = RULES["pia_public_comment"]

    before = count_period(comment, date(2017, 5, 29), OFFICE)
    after = count_period(comment, date(2017, 5, 30), OFFICE)

    assert before.rule.basis.startswith("番号法第27条第1項、")
    assert after.rule.basis.startswith("番号法第28条第1項、")
    assert (before.due, after.due) == (date(2017, 6, 28), date(2017, 6, 29))
    assert "番号法第28条第1項" in after.explanation[0]


def test_versions_stand_in_the_order_in_which_they_came_into_force() -> None:
    first = rule("3d", in_force_from=date(2016, 1, 1))
    second, third = (replace(first, length=Length(n, "d"), in_force_from=date(2016, n, 1)) for n in (5, 7))

    amended = replace(first, amended=(second, third))

    assert [str(amended.on(day(on)).length) for on in ("2016-04-30", "2016-05-01", "2016-06-30", "2016-07-01")] == [
        *("3d", "5d", "5d", "7d")
    ]
    for wrong in ((third, second), (second, second), (first,), (replace(second, in_force_from=None),)):
        with pytest.raises(InputError, match="古い順"):
            replace(first, amended=wrong)


@pytest.mark.parametrize(
    ("event", "length", "expected"),
    [
        ("2016-05-15", "1m", "2016-06-15"),
        # The count begins on 1 February; the day before the corresponding 1 March ends it.
        ("2016-01-31", "1m", "2016-02-29"),
        ("2017-01-31", "1m", "2017-02-28"),
        # It begins on the 31st, 30th, 29th: no such day in February, so the month's last.
        ("2016-01-30", "1m", "2016-02-29"),
        ("2016-01-29", "1m", "2016-02-29"),
        ("2016-01-28", "1m", "2016-02-28"),
        ("2017-01-28", "1m", "2017-02-28"),
        ("2017-01-27", "1m", "2017-02-27"),
        ("2016-03-30", "1m", "2016-04-30"),
        ("2016-03-31", "1m", "2016-04-30"),
        ("2016-08-31", "6m", "2017-02-28"),
        ("2016-12-31", "2m", "2017-02-28"),
        ("2016-11-30", "3m", "2017-02-28"),
        ("2016-02-28", "1y", "2017-02-28"),
        ("2016-02-29", "1y", "2017-02-28"),
        ("2015-02-28", "1y", "2016-02-29"),
        ("2016-02-28", "4y", "2020-02-28"),
        ("2016-02-29", "4y", "2020-02-29"),
        ("2016-03-31", "12m", "2017-03-31"),
    ],
)
def test_months_and_years_end_before_the_corresponding_day(event: str, length: str, expected: str) -> None:
    assert due(length, event) == day(expected)


@pytest.mark.parametrize(
    ("event", "length", "expected"),
    [
        ("2016-04-01", "1y", "2017-03-31"),
        ("2016-01-31", "1m", "2016-02-29"),
        ("2017-01-31", "1m", "2017-02-28"),
        ("2016-02-01", "1m", "2016-02-29"),
        ("2016-02-29", "1y", "2017-02-28"),
        ("2016-07-01", "10d", "2016-07-10"),
        ("2016-07-01", "2w", "2016-07-14"),
        ("2016-07-01", "1d", "2016-07-01"),
        ("2016-07-02", "1wd", "2016-07-04"),
    ],
)
def test_a_first_day_that_counts_is_the_first(event: str, length: str, expected: str) -> None:
    assert due(length, event, first_day=INCLUDED) == day(expected)


@pytest.mark.parametrize(
    ("event", "length", "expected"),
    [
        ("2016-06-15", "1m", "2016-05-15"),
        ("2017-03-01", "1m", "2017-02-01"),
        ("2016-03-01", "1m", "2016-02-01"),
        # From 28 February a month is over on 27 March; from 1 March it would not be over by the 30th.
        ("2017-03-31", "1m", "2017-02-28"),
        ("2017-03-30", "1m", "2017-02-28"),
        ("2016-03-31", "1m", "2016-02-29"),
        ("2017-08-31", "6m", "2017-02-28"),
        ("2017-09-01", "6m", "2017-03-01"),
        ("2017-02-28", "1y", "2016-02-28"),
        ("2017-03-01", "1y", "2016-03-01"),
        ("2016-02-29", "1y", "2015-02-28"),
        ("2016-06-10", "2w", "2016-05-27"),
        ("2016-05-06", "3wd", "2016-04-27"),
        ("2016-05-08", "1wd", "2016-05-06"),
    ],
)
def test_a_period_counted_back_is_full_on_the_day_before_the_event(event: str, length: str, expected: str) -> None:
    assert due(length, event, direction=BACKWARD) == day(expected)


@pytest.mark.parametrize(
    ("length", "event", "direction", "roll", "expected"),
    [
        ("20d", "2016-06-28", FORWARD, Roll.NONE, "2016-07-18"),
        ("20d", "2016-06-28", FORWARD, NEXT, "2016-07-19"),
        ("20d", "2016-06-28", FORWARD, PREVIOUS, "2016-07-15"),
        ("7d", "2016-12-22", FORWARD, NEXT, "2017-01-04"),
        ("7d", "2016-05-12", BACKWARD, PREVIOUS, "2016-05-02"),
        ("7d", "2016-05-12", BACKWARD, NEXT, "2016-05-06"),
        ("1m", "2016-12-31", FORWARD, NEXT, "2017-01-31"),
        ("2m", "2016-08-11", FORWARD, NEXT, "2016-10-11"),
    ],
)
def test_only_a_rule_that_rolls_leaves_a_closed_day(
    length: str, event: str, direction: Direction, roll: Roll, expected: str
) -> None:
    assert due(length, event, direction=direction, roll=roll) == day(expected)


def test_an_event_before_the_rule_was_in_force_is_refused() -> None:
    with pytest.raises(InputError, match=r"審査請求」.*は平成28年4月1日（金）から施行されました。平成28年3月31日"):
        count_period(RULES["review_request"], date(2016, 3, 31), OFFICE)
    assert count_period(RULES["review_request"], date(2016, 4, 1), OFFICE).due == date(2016, 7, 1)


@pytest.mark.parametrize("length", ["0", "0d", "-3d"])
def test_a_period_of_nothing_is_refused(length: str) -> None:
    with pytest.raises(InputError, match="1以上にしてください"):
        due(length, "2016-06-28")


@pytest.mark.parametrize("length", ["99999y", "99999m", "99999w", "99999d", "99999wd"])
def test_a_period_beyond_every_calendar_is_an_error_of_the_input(length: str) -> None:
    for direction in Direction:
        with pytest.raises(InputError):
            due(length, "2016-06-28", direction=direction)


@pytest.mark.parametrize("text", ["10", "wd", "3 days", "1.5d", "", "十日", "1h", "--3d"])
def test_a_length_that_cannot_be_read_shows_the_forms(text: str) -> None:
    with pytest.raises(InputError, match="10wd（開庁日）"):
        parse_length(text)


@pytest.mark.parametrize(
    ("start", "length", "last"),
    [
        ("2016-04-28", "1wd", "2016-04-28"),
        ("2016-04-28", "3wd", "2016-05-06"),
        ("2016-06-04", "2wd", "2016-06-07"),  # from a Saturday
        ("2016-04-01", "30d", "2016-04-30"),  # a Saturday: elapsed time ends where it ends
        ("2016-04-01", "1m", "2016-04-30"),
        ("2016-01-31", "1m", "2016-02-29"),
        ("2016-04-01", "1y", "2017-03-31"),
        ("2016-06-01", "2w", "2016-06-14"),
    ],
)
def test_something_that_takes_a_while_counts_its_first_day(start: str, length: str, last: str) -> None:
    assert length_end(day(start), parse_length(length), OFFICE) == day(last)


@given(
    st.dates(date(2015, 6, 1), date(2018, 6, 1)),
    st.integers(1, 40),
    st.sampled_from(["m", "y"]),
    st.sampled_from(Direction),
)
@settings(deadline=None, max_examples=300)
def test_a_later_event_never_has_an_earlier_deadline(event: date, number: int, unit: str, direction: Direction) -> None:
    length = Length(number if unit == "m" else number % 4 + 1, unit)
    free = Rule("free", "期間", "", length, direction)

    assert count_period(free, event, WIDE).due <= count_period(free, event + timedelta(1), WIDE).due
