"""`kijitsu period`: a rule or a free count, for people and for machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.support import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


def test_a_rule_is_told_with_its_title_its_steps_and_its_note(desk: Desk) -> None:
    said = desk("period", "sending_to_mayor", "--from", "平成28年6月28日（火）").out.splitlines()

    assert said == [
        "議決した条例の市長への送付: 平成28年7月1日（金）",
        "  根拠: 地方自治法第16条第1項（昭和22年5月3日から。確度: 出典あり）",
        "  起点: 平成28年6月28日（火）",
        "  初日不算入: 平成28年6月29日（水）から数えます（民法140条）",
        "  期間: 3日",
        "  平成28年6月29日（水）から30日（木）までの2日",
        "  平成28年7月1日（金）の1日（計3日）",
        "  3日目: 平成28年7月1日（金）",
        "  よって、期限は平成28年7月1日（金）です。",
        "注意: 議長の義務。内部の手続なので閉庁日でも繰り延べないものとします。",
    ]


def test_a_rule_for_machines(desk: Desk) -> None:
    said = desk("period", "question_notice", "--from", "2016-06-08", "--json").json

    assert {key: said[key] for key in ("due", "at", "basis", "confidence")} == {
        "due": "2016-06-08",
        "at": "17:15",
        "basis": "実務の目安",
        "confidence": "low",
    }
    assert said["explanation"][-1] == "よって、期限（目安）は平成28年6月8日（水）17時15分までです。"
    assert set(said) == {"due", "at", "basis", "explanation", "confidence"}
    assert desk("period", "promulgation", "--from", "2016-07-01", "--json").json["at"] is None


@pytest.mark.parametrize(("start", "article"), [("2017-05-29", "番号法第27条"), ("2017-05-30", "番号法第28条")])
def test_the_article_is_the_one_of_the_day_of_the_event(start: str, article: str, desk: Desk) -> None:
    assert desk("period", "pia_public_comment", "--from", start, "--json").json["basis"].startswith(article)


@pytest.mark.parametrize(
    ("words", "due"),
    [
        (("--length", "7d", "--direction", "backward", "--from", "2016-09-07"), "2016-08-31"),
        (("--length", "7d", "--direction", "backward", "--clear", "--from", "2016-09-07"), "2016-08-30"),
        (("--length", "10d", "--first-day", "included", "--passed", "--from", "2016-07-01"), "2016-07-11"),
        (("promulgation", "--suspended", "2016-07-05～2016-07-12", "--from", "2016-06-28"), "2016-07-26"),
        # Two days that do not count, one of them said twice.
        (("--length=3d", "--suspended=H28.6.7～H28.6.8", "--suspended=2016-06-08", "--from=2016-06-06"), "2016-06-11"),
    ],
)
def test_each_way_to_count(words: tuple[str, ...], due: str, desk: Desk) -> None:
    assert desk("period", *words, "--json").json["due"] == due


def test_a_free_count_has_the_time_it_is_given(desk: Desk) -> None:
    words = ("period", "--length", "5d", "--at", "17:15", "--from", "2016-06-10")

    assert desk(*words, "--json").json["at"] == "17:15"
    assert desk(*words).out.splitlines()[0] == "期限: 平成28年6月15日（水）17時15分まで"


def test_the_rules_can_be_listed(desk: Desk) -> None:
    listed = {rule["id"]: rule for rule in desk("period", "--list", "--json").json}

    assert {"notice_of_session", "promulgation", "ppc_periodic_report", "session_vote"} <= set(listed)
    assert listed["promulgation"] == {
        "id": "promulgation",
        "title": "条例の公布",
        "basis": "地方自治法第16条第2項",
        "in_force_from": "1947-05-03",
        "confidence": "high",
    }
    assert "10日を経過した日" in desk("period", "--list").out


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("--length", "7d", "--clear", "--first-day", "included"), "first_day を excluded にする"),
        (("--length", "7d", "--clear", "--passed"), "一方だけにしてください"),
        (("--length", "7d", "--passed", "--direction", "backward"), "clear（中N日）を使ってください"),
        (("--length", "7d", "--at", "25:00"), "17:15 のように"),
        (("--length", "7d", "--suspended", "2016-07-01～"), "2016-07-01～2016-07-10"),
        (("--length", "7d", "--suspended", "2016-07-02～2016-07-01"), "より前です"),
        (("--length", "7d", "--direction", "onward"), "forward、backward"),
        (("review_request", "--suspended", "調整中"), "始まりと終わりの両方"),
    ],
)
def test_what_is_wrong_is_answered_with_the_remedy(words: tuple[str, ...], remedy: str, desk: Desk) -> None:
    done = desk("period", *words, "--from", "2016-06-10", code=1)

    assert remedy in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((), "--list"),
        (("notice_of_session", "--clear", "--from", "2016-06-10"), "--clear"),
        (("notice_of_session", "--direction", "forward", "--from", "2016-06-10"), "--direction"),
    ],
)
def test_a_rule_and_what_it_decides_itself_are_not_given_together(
    words: tuple[str, ...], named: str, desk: Desk
) -> None:
    done = desk("period", *words, code=2)

    assert named in done.err
    assert done.out == ""


def test_an_era_that_had_ended_is_read_with_a_warning_beside_the_answer(desk: Desk) -> None:
    said = desk("period", "--length", "7d", "--from", "平成31年5月7日", "--json")

    assert said.json["due"] == "2019-05-14"
    assert "注意: 「平成31年5月7日」は平成の終わった後です" in said.err


def test_a_count_may_go_on_for_years(desk: Desk) -> None:
    assert desk("period", "--length", "15y", "--from", "2016-06-10", "--json").json["due"] == "2031-06-10"
    assert desk("period", "--length", "10wd", "--direction", "backward", "--from", "1960-01-20", "--json").json["due"]
    beyond = desk("period", "--length", "40y", "--from", "2016-06-10", code=1)
    assert "の外です" in beyond.err
