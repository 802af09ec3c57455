"""The reasoning that `period` and `why` print, line by line, as a clerk checks it."""

from __future__ import annotations

from datetime import date
from typing import Any

from kijitsu import explain
from kijitsu.domain.closures import Closures
from kijitsu.domain.periods import Direction, FirstDay, Roll, Rule, count_period, parse_length
from kijitsu.domain.recurrence import Recurrence, expanded
from tests.unit.worked import CALENDARS, OFFICE, RULES, day, milestone, network

BACKWARD = Direction.BACKWARD


def told(
    length: str, event: str, *suspended: tuple[str, str], closures: Closures = OFFICE, **given: Any
) -> tuple[str, ...]:
    free = Rule("", "期間", "", parse_length(length), **given)
    return count_period(free, day(event), closures, [(day(a), day(b)) for a, b in suspended]).explanation


def test_days_are_told_month_by_month_with_the_sum_so_far() -> None:
    assert count_period(RULES["promulgation"], date(2016, 6, 28), OFFICE).explanation == (
        "根拠: 地方自治法第16条第2項（昭和22年5月3日から。確度: 出典あり）",
        "起点: 平成28年6月28日（火）",
        "初日不算入: 平成28年6月29日（水）から数えます（民法140条）",
        "期間: 20日",
        "平成28年6月29日（水）から30日（木）までの2日",
        "平成28年7月1日（金）から18日（月）までの18日（計20日）",
        "20日目: 平成28年7月18日（月）",
        (
            "平成28年7月18日（月）は閉庁日（海の日）ですが、この期限は繰り延べません。"
            "実務上は平成28年7月15日（金）までに済ませてください。"
        ),
        "よって、期限は平成28年7月18日（月）です。",
    )


def test_a_count_back_is_told_back() -> None:
    assert told("7d", "2016-09-07", direction=BACKWARD)[1:] == (
        "起点: 平成28年9月7日（水）",
        "初日不算入: 平成28年9月6日（火）から前へ数えます（民法140条）",
        "期間: 前へ7日",
        "平成28年9月6日（火）から1日（木）までの6日",
        "平成28年8月31日（水）の1日（計7日）",
        "7日目: 平成28年8月31日（水）",
        "よって、期限は平成28年8月31日（水）です。",
    )


def test_working_days_are_told_with_each_closed_day_and_its_reason() -> None:
    assert told("3wd", "2016-04-27") == (
        "根拠: 指定なし",
        "休日表: 石巻市の休日",
        "起点: 平成28年4月27日（水）",
        "初日不算入: 平成28年4月28日（木）から数えます（民法140条）",
        "期間: 3開庁日",
        "平成28年4月28日（木）から30日（土）までの1開庁日。数えない閉庁日: 29日（昭和の日）、30日（土曜日）",
        (
            "平成28年5月1日（日）から6日（金）までの2開庁日（計3開庁日）。"
            "数えない閉庁日: 1日（日曜日）、3日（憲法記念日）、4日（みどりの日）、5日（こどもの日）"
        ),
        "3開庁日目: 平成28年5月6日（金）",
        "よって、期限は平成28年5月6日（金）です。",
    )


def test_a_sunday_that_counts_because_the_office_opens_is_told() -> None:
    # 5/8 is the second Sunday of May.
    steps = told("2wd", "2016-05-06", closures=CALENDARS("residents"))

    assert (
        "平成28年5月7日（土）から9日（月）までの2開庁日。数えない閉庁日: 7日（土曜日）。開庁するので数える日: 8日（日）"
        in steps
    )


def test_each_day_rolled_over_is_told() -> None:
    steps = told("40d", "2016-06-10", direction=BACKWARD, roll=Roll.PREVIOUS_OPEN_DAY)

    assert steps[-4:] == (
        "閉庁日のため前日へ: 平成28年5月1日（日） 日曜日",
        "閉庁日のため前日へ: 平成28年4月30日（土） 土曜日",
        "閉庁日のため前日へ: 平成28年4月29日（金） 昭和の日",
        "よって、期限は平成28年4月28日（木）です。",
    )


def test_months_are_told_by_the_corresponding_day_or_the_lack_of_it() -> None:
    assert "1か月後の応当日 平成28年3月1日（火） の前日で満了します（民法143条2項）" in told("1m", "2016-01-31")
    lack = "1か月後の応当日（31日）がないため、その月の末日で満了します（民法143条2項ただし書）"
    assert lack in told("1m", "2017-01-30")
    back = (
        "平成29年2月28日（火）から平成29年3月30日（木）までで1か月が満ちます（翌日からでは足りません。民法143条の準用）"
    )
    assert back in told("1m", "2017-03-31", direction=BACKWARD)


def test_weeks_and_clear_days_are_told_as_days() -> None:
    assert "14日目: 平成28年5月27日（金）" in told("2w", "2016-06-10", direction=BACKWARD)
    clear = told("7d", "2016-09-07", direction=BACKWARD, clear=True)
    assert clear[3] == "期間: 前へ中7日（間に丸7日を置きます）"
    assert clear[-3:] == (
        "平成28年8月31日（水）から30日（火）までの2日（計8日）",
        "中7日を置いた日: 平成28年8月30日（火）",
        "よって、期限は平成28年8月30日（火）です。",
    )


def test_the_day_on_which_a_period_has_passed_is_told_after_its_last() -> None:
    # 8/2 to 8/11; the day after is Friday 8/12.
    assert told("10d", "2016-08-02", first_day=FirstDay.INCLUDED, passed=True)[-3:] == (
        "10日目: 平成28年8月11日（木）",
        "期間は平成28年8月11日（木）で終わり、その翌日が10日を経過した日です",
        "よって、期限は平成28年8月12日（金）です。",
    )
    # 8/1 to 8/10; the day after is Mountain Day.
    assert told("10d", "2016-08-01", first_day=FirstDay.INCLUDED, passed=True)[-2:] == (
        "平成28年8月11日（木）は閉庁日（山の日）ですが、動きません",
        "よって、期限は平成28年8月11日（木）です。",
    )


def test_spans_that_stand_still_are_told_where_they_lie() -> None:
    steps = told("10d", "2016-07-01", ("2016-07-04", "2016-07-07"), ("2016-08-01", "2016-08-01"))

    assert steps[3:] == (
        "期間: 10日",
        "平成28年7月2日（土）から3日（日）までの2日",
        "止まる間: 平成28年7月4日（月）から平成28年7月7日（木）までの4日は数えません",
        "平成28年7月8日（金）から15日（金）までの8日（計10日）",
        "10日目: 平成28年7月15日（金）",
        "平成28年8月1日（月）は期間の外なので、数に影響しません",
        "よって、期限は平成28年7月15日（金）です。",
    )


def test_a_month_that_stands_still_is_told_with_the_days_made_up_for() -> None:
    steps = told("1m", "2016-06-30", ("2016-07-05", "2016-07-14"), ("2016-08-01", "2016-08-03"))

    assert steps[4:] == (
        "1か月後の応当日 平成28年8月1日（月） の前日で満了します（民法143条2項）",
        "止まる間: 平成28年7月5日（火）から平成28年7月14日（木）までの10日は数えません",
        "止まらなければ平成28年7月31日（日）です。そこからさらに、止まった10日を数えます",
        "止まる間: 平成28年8月1日（月）から平成28年8月3日（水）までの3日は数えません",
        "平成28年8月4日（木）から13日（土）までの10日",
        "満了: 平成28年8月13日（土）",
        (
            "平成28年8月13日（土）は閉庁日（土曜日）ですが、この期限は繰り延べません。"
            "実務上は平成28年8月12日（金）までに済ませてください。"
        ),
        "よって、期限は平成28年8月13日（土）です。",
    )


def test_nobody_is_told_to_end_early_what_is_only_waited_for() -> None:
    # Thirty days of public comment from 6/1 end on Saturday 7/1 2017; ended on Friday they were 29.
    steps = count_period(RULES["pia_public_comment"], date(2017, 6, 1), OFFICE).explanation

    assert steps[-2] == "平成29年7月1日（土）は閉庁日（土曜日）ですが、この期限は繰り延べません。"
    assert steps[-1] == "よって、期限（目安）は平成29年7月1日（土）です。"


def test_a_doubtful_rule_asks_to_be_checked() -> None:
    steps = count_period(RULES["session_vote"], date(2016, 6, 10), OFFICE).explanation

    assert steps[0] == "根拠: 実務の目安（確度: 実務・伝聞。所管に確かめてください）"


def test_why_gives_the_same_steps_and_the_time_of_day() -> None:
    notice = milestone("notice", due=("question_notice", "closing.finish"), when="2016-06-01～")
    milestones = (notice, milestone("closing", when="2016-06-08"))
    net = network(*milestones)

    said = list(explain.due_sentences(net, net.schedule()["notice"]))

    steps = count_period(RULES["question_notice"], date(2016, 6, 8), OFFICE).explanation
    assert said[0].startswith("期限（目安）は平成28年6月8日（水）17時15分までです。")
    assert said[1 : 1 + len(steps)] == [f"  {step}" for step in steps]
    assert steps[-1] == "よって、期限（目安）は平成28年6月8日（水）17時15分までです。"


def test_a_deadline_from_a_month_says_that_it_stands_on_the_earliest_day() -> None:
    notice = milestone("notice", due=("notice_of_session", "session.start"), when="2016-04-01～")
    in_june, on_a_day = milestone("session", when="平成28年6月"), milestone("session", when="2016-06-10")

    month, exact = (network(notice, each) for each in (in_june, on_a_day))

    assert "時期が「平成28年6月」としか決まっていない" in next(explain.due_sentences(month, month.schedule()["notice"]))
    assert "決まっていない" not in next(explain.due_sentences(exact, exact.schedule()["notice"]))


def test_what_a_plan_says_of_its_own_duty_has_no_source_to_be_sure_of() -> None:
    recurs = Recurrence(parse_length("1y"), from_completion=True, until=day("2018-03-31"))
    duty = milestone("review", when="28年度", recurs=recurs, basis="要綱第3条")
    net = network(*expanded({"review": duty}).values())

    said = list(explain.due_sentences(net, net.schedule()["review-2"]))

    assert said[0].startswith("期限（前の回から）は")
    assert said[1] == "  根拠: 要綱第3条"
