"""Statutory periods, counted as a clerk would with the code on the desk."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kijitsu.domain.closures import Closures
from kijitsu.domain.errors import InputError
from kijitsu.domain.periods import Direction, FirstDay, Length, Roll, Rule, count_period, length_end, parse_length
from tests.unit.worked import CALENDARS, LIBRARY, OFFICE, RULES, day

WIDE = LIBRARY.calendars(2010, 2020)("municipality")
EXCLUDED, INCLUDED = FirstDay.EXCLUDED, FirstDay.INCLUDED
FORWARD, BACKWARD = Direction.FORWARD, Direction.BACKWARD
NEXT, PREVIOUS = Roll.NEXT_OPEN_DAY, Roll.PREVIOUS_OPEN_DAY


def rule(length: str, direction: Direction = FORWARD, first_day: FirstDay = EXCLUDED, roll: Roll = Roll.NONE) -> Rule:
    return Rule("free", "期間", "", parse_length(length), direction, first_day, roll)


def due(length: str, event: str, **given: Direction | FirstDay | Roll) -> date:
    return count_period(rule(length, **given), day(event), OFFICE).due  # type: ignore[arg-type]


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
        ("accounts_to_mayor", "2016-05-31", "2016-08-31"),
        ("move_in_notice", "2016-07-04", "2016-07-19"),  # the 14th day is Marine Day: a filing rolls
        ("review_request", "2016-05-31", "2016-08-31"),
        ("review_request", "2016-06-30", "2016-09-30"),
        ("vote_within_session", "2016-06-28", "2016-06-28"),
        ("pia_yearly_review", "2016-05-20", "2017-05-20"),
        ("pia_five_years", "2016-02-29", "2021-02-28"),
        ("ppc_window_lead", "2017-07-18", "2016-09-18"),
        ("call_for_bills", "2016-06-10", "2016-04-11"),
        ("executive_meeting", "2016-06-10", "2016-05-20"),
        ("bill_printing", "2016-06-10", "2016-05-27"),
        ("mayors_assessment", "2016-06-10", "2016-05-11"),
        ("bill_legal_review", "2016-06-10", "2016-04-26"),
        ("budget_request", "2016-06-10", "2016-04-28"),  # D-40 is Sunday 5/1, do it on the Thursday before 4/29
    ],
)
def test_a_rule_of_the_city_counts_as_worked_by_hand(name: str, event: str, expected: str) -> None:
    deadline = count_period(RULES[name], day(event), CALENDARS(RULES[name].calendar))

    assert deadline.due == day(expected)
    assert deadline.rule is RULES[name]
    assert deadline.event == day(event)


def test_seven_clear_days_between_are_one_day_more_than_seven_days_before() -> None:
    assert due("7d", "2016-09-07", direction=BACKWARD) == date(2016, 8, 31)
    assert due("8d", "2016-09-07", direction=BACKWARD) == date(2016, 8, 30)


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


def test_the_count_is_explained_step_by_step() -> None:
    steps = count_period(RULES["promulgation"], date(2016, 6, 28), OFFICE).explanation

    assert steps == (
        "根拠: 地方自治法第16条第2項（確度: 出典あり）",
        "起点: 平成28年6月28日（火）",
        "初日不算入: 平成28年6月29日（水）から数えます（民法140条）",
        "20日目: 平成28年7月18日（月）",
        (
            "平成28年7月18日（月）は閉庁日（海の日）ですが、この期限は繰り延べません。"
            "実務上は平成28年7月15日（金）までに済ませてください。"
        ),
    )


def test_days_not_counted_and_rolled_over_are_named_with_their_reason() -> None:
    working = count_period(rule("3wd"), date(2016, 4, 27), OFFICE).explanation
    assert [step for step in working if step.startswith("数えない日")] == [
        "数えない日: 平成28年4月29日（金） 昭和の日",
        "数えない日: 平成28年4月30日（土） 土曜日",
        "数えない日: 平成28年5月1日（日） 日曜日",
        "数えない日: 平成28年5月3日（火） 憲法記念日",
        "数えない日: 平成28年5月4日（水） みどりの日",
        "数えない日: 平成28年5月5日（木） こどもの日",
    ]
    assert working[-1] == "3開庁日目: 平成28年5月6日（金）"

    rolled = count_period(rule("20d", roll=NEXT), date(2016, 6, 28), OFFICE).explanation
    assert rolled[-1] == "閉庁日のため翌日へ: 平成28年7月18日（月） 海の日"


def test_a_month_is_explained_by_its_corresponding_day_or_the_lack_of_it() -> None:
    with_day = count_period(rule("1m"), date(2016, 1, 31), OFFICE).explanation
    assert "応当日 平成28年3月1日（火） の前日で満了します（民法143条2項）" in with_day

    without = count_period(rule("1m"), date(2017, 1, 30), OFFICE).explanation
    assert "応当日がないため、その月の末日で満了します（民法143条2項ただし書）" in without

    back = count_period(rule("1m", BACKWARD), date(2017, 3, 31), OFFICE).explanation
    assert "平成29年2月28日（火）から平成29年3月30日（木）までが暦に従った満期間です（民法143条の準用）" in back


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


# --- against a count by the fingers ---


def counted_by_fingers(rule: Rule, event: date, closures: Closures) -> date:
    """Walk day by day, counting those that count."""
    step = timedelta(1 if rule.direction is FORWARD else -1)
    per_unit = {"d": 1, "w": 7, "wd": 1}[rule.length.unit]
    left, at = rule.length.number * per_unit, event
    counts = rule.first_day is INCLUDED
    while True:
        if counts and (rule.length.unit != "wd" or closures.is_open(at)):
            left -= 1
            if left == 0:
                break
        at, counts = at + step, True
    while rule.roll is not Roll.NONE and not closures.is_open(at):
        at += timedelta(1 if rule.roll is NEXT else -1)
    return at


LENGTHS = st.builds(Length, st.integers(1, 60), st.sampled_from(["d", "w", "wd"]))
FREE_RULES = st.builds(
    lambda length, direction, first_day, roll: Rule("free", "期間", "", length, direction, first_day, roll),
    LENGTHS,
    st.sampled_from(Direction),
    st.sampled_from(FirstDay),
    st.sampled_from(Roll),
)


@given(FREE_RULES, st.dates(date(2016, 4, 1), date(2017, 7, 31)), st.sampled_from([OFFICE, CALENDARS("residents")]))
@settings(deadline=None, max_examples=300)
def test_days_weeks_and_working_days_equal_a_count_by_the_fingers(rule: Rule, event: date, closures: Closures) -> None:
    assert count_period(rule, event, closures).due == counted_by_fingers(rule, event, closures)


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
