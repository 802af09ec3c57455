"""Answers and decisions as the secretariat records them at the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.support import SMALL, Desk, calendar_with


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk that adopted the small plan, on Friday 20 May 2016: the review is due on the 31st."""
    calendar = calendar_with(tmp_path / "calendar", small=SMALL)
    here = Desk(tmp_path / "home", calendar=calendar, today="2016-05-20", actor="事務局 係員")
    here("plan", "adopt", "small")
    return here


ANSWERS = [
    (("acknowledge",), "に確認したと記録しました: review", {"deadline": "2016-05-31"}),
    (("snooze", "--until", "H28.5.30"), "先送りしました: review（平成28年5月30日（月））", {"until": "2016-05-30"}),
    (
        ("estimate", "--until", "2016-06-15", "--reason", "国の様式待ち"),
        "見込みを記録しました: review（平成28年6月15日（水））",
        {"until": "2016-06-15", "reason": "国の様式待ち"},
    ),
    (
        ("excuse", "--until", "2016-06-15", "--reason", "国の通知による", "--on", "2016-05-19"),
        "平成28年5月19日（木）付けで、次の日までの遅れを承認しました: review（平成28年6月15日（水））",
        {"until": "2016-06-15", "reason": "国の通知による"},
    ),
]


@pytest.mark.parametrize(("words", "said", "kept"), ANSWERS, ids=[words[0] for words, _, _ in ANSWERS])
def test_an_answer_is_recorded_once_with_its_audit_entry(
    words: tuple[str, ...], said: str, kept: dict[str, str], desk: Desk
) -> None:
    command, *options = words

    first, second = (desk(command, "small", "review", *options) for _ in range(2))

    assert said in first.out
    assert "既に受け付けています: review" in second.out
    (entry,) = [each for each in desk("audit", "list", "small", "--json").json if each["action"] == command]
    assert kept.items() <= entry["details"].items()
    assert entry["actor"] == "事務局 係員"


def test_work_is_started_done_sent_back_and_done_again(desk: Desk) -> None:
    desk("start", "small", "review", "--on", "2016-05-16")
    desk("complete", "small", "review", "--evidence", "評価書=総第75号")
    sent_back = desk("reject", "small", "review", "--reason", "押印がない")

    assert "証拠を差し戻し、完了を取り消しました: review" in sent_back.out
    status = {each["id"]: each["status"] for each in desk("status", "small", "--json").json}
    assert status["review"] == "active"
    desk("complete", "small", "review", "--evidence", "評価書=総第75号の2")


def test_what_is_cancelled_stops_what_rests_on_it(desk: Desk) -> None:
    done = desk("cancel", "small", "review", "--reason", "評価の対象外")

    assert done.out.startswith("評価書の再評価の中止: 第2版として変更しました\n")
    assert "■新たに停止します: 届出書の提出\n" in done.out
    status = {each["id"]: each["status"] for each in desk("status", "small", "--json").json}
    assert (status["review"], status["filing"]) == ("cancelled", "blocked")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("snooze", "--until", "2016-06-01"), "安全な完了の限度（平成28年5月31日（火））"),
        (("snooze", "--until", "2016-05-21"), "閉庁日（土曜日）"),
        (("snooze", "--until", "5月のどこか"), "5月のどこか"),
        (("estimate", "--until", "2016-05-19", "--reason", "遅れ"), "以降の日"),
        (("estimate", "--until", "2016-06-15", "--reason", "　"), "--reason"),
        (("estimate", "--until", "2061-06-15", "--reason", "遅れ"), "年に誤り"),
        (("excuse", "--until", "2016-06-15", "--reason", ""), "--reason"),
        (("reject", "--reason", "押印がない"), "完了していない"),
        (("start", "--on", "2016-05-21"), "先の日です"),
        (("cancel", "--reason", ""), "理由が要ります"),
    ],
)
def test_what_cannot_be_recorded_says_why_and_leaves_no_trace(words: tuple[str, ...], said: str, desk: Desk) -> None:
    command, *options = words

    refused = desk(command, "small", "review", *options, code=1)

    assert said in refused.err
    assert [entry["action"] for entry in desk("audit", "list", "small", "--json").json] == ["adopt"]


def test_keys_are_added_and_listed_without_being_shown(desk: Desk) -> None:
    for _ in range(4):
        desk("keys", "rotate")

    listed, shown = desk("keys", "list", "--json").json, desk("keys", "list").out

    assert desk.home
    lines = (desk.home / "link-keys").read_text(encoding="ascii").splitlines()
    assert len(lines) == len(listed) == 3
    assert [line.split()[0] for line in lines] == [key["made_on"] for key in listed]
    for line, key in zip(lines, listed, strict=True):
        assert key["fingerprint"] in shown
        assert line.split()[1] not in shown


HISTORY = """\
history: answered
plan: small
title: 答えた場合
kind: scenario
events:
  - {on: 2016-05-18, acknowledge: review}
  - {on: 2016-05-19, snooze: review, until: 2016-05-30}
  - {on: 2016-05-23, start: review}
  - {on: 2016-05-25, estimate: review, until: 2016-06-10}
  - {on: 2016-05-26, excuse: review, until: 2016-06-10}
  - {on: 2016-06-08, complete: review}
  - {on: 2016-06-09, reject: review, reason: 押印がない}
  - {on: 2016-06-10, complete: review}
  - {on: 2016-06-13, cancel: audience, reason: 実施しない}
"""


def test_a_history_holds_every_answer(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "calendar" / "histories" / "answered.yaml").write_text(HISTORY, encoding="utf-8")

    span = ("--from", "2016-05-17", "--to", "2016-06-15", "--out", tmp_path / "replay", "--json")
    totals = desk("replay", "small", "--history", "answered", *span).json

    assert totals["events"] == 9
    assert (totals["statuses"]["done"], totals["statuses"]["cancelled"]) == (1, 1)
