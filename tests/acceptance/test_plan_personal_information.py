"""An ordinance with a day that does not move: passed in December, or rejected and brought again in March."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import replayed
from kijitsu.domain.gates import Status
from kijitsu.services.reading import Standing
from tests.acceptance.support import Desk

PLAN = "personal-information-r5"
PASSED, REJECTED = f"{PLAN}-passed", f"{PLAN}-rejected"
IN_FORCE = "2023-04-01"  # a Saturday
REASON = "12月定例会で否決されたため、3月定例会に出し直す"
AFTER_THE_VOTE = ["ordinance_sending", "ordinance_promulgation", "enforcement_rules", "file_register"]
AFTER_THE_VOTE += ["staff_training", "ordinance_effect"]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home", actor="総務課長")


def by_id(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in rows}


def status_on(desk: Desk, day: str, history: str | Path = REJECTED) -> dict[str, dict[str, Any]]:
    return by_id(desk("status", PLAN, "--history", history, "--as-of", day, "--json").json)


def test_the_plan_and_its_histories_are_clean(desk: Desk) -> None:
    assert desk("check", PLAN, "--json").json == []
    for history in (PASSED, REJECTED):
        assert desk("status", PLAN, "--history", history, "--as-of", "2022-04-01", "--json").err == ""


def test_with_a_vote_in_december_there_is_time_until_april(desk: Desk) -> None:
    slots = by_id(desk("schedule", PLAN, "--json").json)

    # December 1, 2, 5; five days each from the 6th and the 13th; training when its window opens, on February 1 to 3.
    assert [(slots[id]["earliest_finish"], slots[id]["slack"]) for id in ("bill_vote", *AFTER_THE_VOTE)] == [
        ("2022-12-01", 19),  # December 28 is the last open day of the month
        ("2022-12-02", 0),  # three days end on Sunday the 4th
        ("2022-12-05", 13),  # twenty end on the 22nd
        ("2022-12-12", 31),
        ("2022-12-19", 45),
        ("2023-02-03", 38),
        ("2023-02-03", 38),  # until Friday, March 31
    ]
    effect = slots["ordinance_effect"]
    assert (effect["due"], effect["due_kind"], effect["latest_finish"]) == (IN_FORCE, "deadline", "2023-03-31")


def test_a_vote_in_march_pushes_the_preparations_and_leaves_the_effective_date(desk: Desk) -> None:
    shown = desk("move", PLAN, "bill_vote", "--to", "令和5年3月", "--as-of", "2022-04-01", "--json").json

    assert shown["moved"] == [
        {"id": "bill_vote", "old": "令和4年12月", "new": "令和5年3月"},
        {"id": "enforcement_rules", "old": "～令和5年1月", "new": "～令和5年3月"},
        {"id": "file_register", "old": "～令和5年2月", "new": "～令和5年3月"},
    ]
    assert (shown["breached"], shown["lapsing"]) == ([], [])


def test_a_vote_late_in_march_breaks_the_effective_date_and_says_so(desk: Desk) -> None:
    words = ("move", PLAN, "bill_vote", "--to", "2023-03-17", "--as-of", "2022-04-01")

    shown = desk(*words, "--json").json
    told = desk(*words).out

    assert shown["breached"] == ["ordinance_effect"]
    assert "ordinance_effect" not in {each["id"] for each in shown["moved"]}
    assert "動かせない日程を守れません: 個人情報保護条例の施行（令和5年4月1日（土））" in told


def test_a_rejection_leaves_the_effective_date_and_takes_of_its_slack(desk: Desk) -> None:
    days = ("2022-12-19", "2022-12-20", "2023-02-10", "2023-03-17")

    effects = [status_on(desk, day)["ordinance_effect"] for day in days]

    # To March: 1, 2, 3; 6 to 10; 13 to 17; 20, 22, 23 (the 21st is a holiday). Left: 24, 27 to 31.
    # To the 17th: 20, 22; 23, 24, 27, 28, 29; 30, 31, April 3, 4, 5; 6, 7, 10. Too late: April 3 to 7 and the 10th.
    # Voted and sent on the 17th: each of it a day sooner.
    assert [effect["slack"] for effect in effects] == [38, 6, -6, -5]
    assert {effect["due"] for effect in effects} == {IN_FORCE}
    assert {effect["latest_safe_finish"] for effect in effects} == {"2023-03-31"}
    assert "blocked" not in {effect["status"] for effect in effects}


def test_why_says_by_how_much_the_time_is_short(desk: Desk) -> None:
    why = desk("why", PLAN, "ordinance_effect", "--history", REJECTED, "--as-of", "2023-02-10").out

    assert "期限（確定日）は令和5年4月1日（土）です。" in why
    assert "このままでは6開庁日足りません。" in why
    assert "新しい個人情報保護制度の職員研修" in why


def test_what_is_late_is_told_by_the_days_that_are_still_safe(desk: Desk) -> None:
    verdicts = status_on(desk, "2023-03-10")

    # Back from March 31: training on 29 to 31, the register on 22 to 28, the rules on 14 to 20.
    assert [(id, verdicts[id]["latest_safe_finish"]) for id in ("bill_vote", *AFTER_THE_VOTE)] == [
        ("bill_vote", "2023-03-09"),
        ("ordinance_sending", "2023-03-10"),
        ("ordinance_promulgation", "2023-03-13"),
        ("enforcement_rules", "2023-03-20"),
        ("file_register", "2023-03-28"),
        ("staff_training", "2023-03-31"),
        ("ordinance_effect", "2023-03-31"),
    ]
    assert verdicts["bill_vote"]["status"] == "due_soon"


def test_a_rejection_that_nobody_reported_stops_everything_after_the_vote(desk: Desk, tmp_path: Path) -> None:
    unreported = tmp_path / "unreported.yaml"
    early = ("council_report", "comment_period", "bill_review")
    events = "".join(f"  - {{on: 2022-10-21, complete: {id}}}\n" for id in early)
    head = f"history: unreported\nplan: {PLAN}\ntitle: 試験\nkind: scenario\nevents:\n"
    unreported.write_text(head + events, encoding="utf-8")

    last_day = status_on(desk, "2022-12-31", unreported)
    next_day = status_on(desk, "2023-01-01", unreported)

    assert "blocked" not in {verdict["status"] for verdict in last_day.values()}
    assert next_day["bill_vote"]["status"] == "overdue"
    assert [id for id, verdict in next_day.items() if verdict["status"] == "blocked"] == AFTER_THE_VOTE
    for id in AFTER_THE_VOTE:
        lapsed = [reason for reason in next_day[id]["reasons"] if reason["since"]]
        assert {(reason["root_cause"], reason["since"]) for reason in lapsed} == {("bill_vote", "2023-01-01")}
    assert next_day["ordinance_effect"]["due"] == IN_FORCE


def test_the_manager_moves_the_rejected_bill_to_the_next_session(desk: Desk) -> None:
    desk("plan", "adopt", PLAN, today="2022-04-01")
    done = {"council_report": ("2022-07-15", "答申書"), "comment_period": ("2022-08-31", "実施記録")}
    done |= {"bill_review": ("2022-10-21", "審査記録")}
    for id, (day, evidence) in done.items():
        desk("complete", PLAN, id, "--on", day, "--evidence", f"{evidence}=石総第1号", today=day)
    words = ("move", PLAN, "bill_vote", "--to", "令和5年3月")

    shown = desk(*words, "--json", today="2022-12-20").json
    refused = desk(*words, "--apply", code=1, today="2022-12-20")
    applied = desk(*words, "--reason", REASON, "--apply", "--json", today="2022-12-20").json

    assert [each["id"] for each in shown["moved"]] == ["bill_vote", "enforcement_rules", "file_register"]
    assert shown["breached"] == shown["lapsing"] == []
    assert shown["change"]["revision"] is None
    assert "理由が要ります" in refused.err
    assert applied["change"]["revision"] == 2
    effect = by_id(desk("status", PLAN, "--json", today="2022-12-20").json)["ordinance_effect"]
    assert (effect["due"], effect["slack"]) == (IN_FORCE, 6)
    (entry,) = [entry for entry in desk("audit", "list", PLAN, "--json").json if entry["action"] == "change"]
    assert "否決" in str(entry["details"])


@pytest.mark.parametrize("history", [PASSED, REJECTED])
def test_the_ordinance_is_in_force_on_its_day_and_nothing_was_late(history: str) -> None:
    office = open_office()
    loaded = office.library.plan(PLAN, [2022, 2023])
    events = office.library.history(history, loaded.plan).events

    for number in range(366):
        day = date(2022, 4, 1) + timedelta(number)
        standing = Standing(loaded, *replayed(loaded.network, events, day), day)
        bad = {id for id, verdict in standing.verdicts.items() if verdict.status in (Status.BLOCKED, Status.OVERDUE)}
        assert not bad, day

    assert day == date(2023, 4, 1)
    assert {verdict.status for verdict in standing.verdicts.values()} == {Status.DONE}
