"""The assembly's year: one recurring session, and its statutory and practical steps on days of each session's own."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import replayed
from kijitsu.domain.gates import Status
from kijitsu.services.reading import Standing
from tests.acceptance.support import Desk

PLAN, QUIET, TROUBLED = "assembly-r4", "assembly-r4-quiet", "assembly-r4-troubled"

# The opening is D, four Fridays: 2022-06-10, 2022-09-02, 2022-12-02, 2023-02-17. What falls on a closed day is due on
# the open day before; statutory days stay. 4/29, 7/18, 8/11, 9/19, 9/23, 1/2 to 1/3 and 1/9 are closed.
DUES = {
    "bill_call": ("2022-04-11", "2022-07-04", "2022-10-03", "2022-12-19"),  # D-60
    "bill_legal_check": ("2022-04-26", "2022-07-19", "2022-10-18", "2022-12-28"),  # D-45, the last for January 3
    "budget_request": ("2022-04-28", "2022-07-22", "2022-10-21", "2023-01-06"),  # D-40, each of them a Sunday
    "budget_assessment": ("2022-05-11", "2022-08-03", "2022-11-02", "2023-01-18"),  # D-30
    "bill_decision": ("2022-05-20", "2022-08-12", "2022-11-11", "2023-01-27"),  # D-21
    "bill_print": ("2022-05-27", "2022-08-19", "2022-11-18", "2023-02-03"),  # D-14
    "convocation_notice": ("2022-06-03", "2022-08-26", "2022-11-25", "2023-02-10"),  # D-7, 地方自治法第101条
    "bill_delivery": ("2022-06-03", "2022-08-26", "2022-11-25", "2023-02-10"),
    "steering_meeting": ("2022-06-03", "2022-08-26", "2022-11-25", "2023-02-10"),
    "question_deadline": ("2022-06-10", "2022-09-02", "2022-12-02", "2023-02-17"),  # D, 17:15
    "questions": ("2022-06-14", "2022-09-06", "2022-12-06", "2023-02-21"),  # D+4
    # The session's last day (第119条): D+18, and March 17 where the closing was moved.
    "bill_vote": ("2022-06-28", "2022-09-20", "2022-12-20", "2023-03-17"),
    "supplementary_budget": ("2022-06-28", "2022-09-20", "2022-12-20", "2023-03-17"),
    "decision_report": ("2022-06-28", "2022-09-20", "2022-12-20", "2023-03-17"),
    # Three days from the vote (第16条第1項、第219条); September 23 is a holiday, and stays.
    "ordinance_sending": ("2022-07-01", "2022-09-23", "2022-12-23", "2023-03-20"),
    "budget_sending": ("2022-07-01", "2022-09-23", "2022-12-23", "2023-03-20"),
    # Sent on 6/29, 9/21, 12/21, 3/20: ten days (第176条) and twenty (第16条第2項).
    "reconsideration_decision": ("2022-07-09", "2022-10-01", "2022-12-31", "2023-03-30"),
    "ordinance_promulgation": ("2022-07-19", "2022-10-11", "2023-01-10", "2023-04-09"),
    # Promulgated on 7/1, 9/26, 12/23, 3/23: that day is the first, the eleventh the effective one (第16条第3項).
    "ordinance_effect": ("2022-07-11", "2022-10-06", "2023-01-02", "2023-04-02"),
}
FREE = {"session", "closing", "bill_explanation", "reconsideration"}
AFTER_THE_VOTE = ["ordinance_sending", "reconsideration_decision", "reconsideration"]
AFTER_THE_VOTE += ["ordinance_promulgation", "ordinance_effect"]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


@pytest.fixture(scope="module")
def quiet_year(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The schedule of the year in which everything was done in time."""
    return by_id(Desk(tmp_path_factory.mktemp("home"))("schedule", PLAN, "--history", QUIET, "--json").json)


def occurrence(id: str, number: int) -> str:
    return id if number == 1 else f"{id}-{number}"


def by_id(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in rows}


def told(folder: Path, name: str, *events: str) -> Path:
    """Write a history of a few events."""
    path = folder / f"{name}.yaml"
    lines = "".join(f"  - {event}\n" for event in events)
    head = f"history: {name}\nplan: {PLAN}\ntitle: 試験\nkind: scenario\nevents:\n"
    path.write_text(head + lines, encoding="utf-8")
    return path


def test_the_plan_and_its_histories_are_clean(desk: Desk) -> None:
    assert desk("check", PLAN, "--json").json == []
    for history in (QUIET, TROUBLED):
        assert desk("status", PLAN, "--history", history, "--as-of", "2022-04-01", "--json").err == ""


def test_four_sessions_have_every_step_once_each(desk: Desk) -> None:
    slots = by_id(desk("schedule", PLAN, "--json").json)

    steps = {*DUES, *FREE}
    yearly = {"fiscal_year_end", "accounts_closing", "accounts_to_mayor", "accounts_audit", "accounts_approval"}
    assert set(slots) == yearly | {occurrence(step, number) for step in steps for number in (1, 2, 3, 4)}
    assert len(slots) == 97


def test_until_an_opening_is_known_its_month_says_how_early_the_notice_must_be(desk: Desk) -> None:
    slots = by_id(desk("schedule", PLAN, "--json").json)

    # The first open days of June, September, December and February; seven days before each.
    assert [slots[occurrence("session", n)]["earliest_start"] for n in (1, 2, 3, 4)] == [
        *("2022-06-01", "2022-09-01", "2022-12-01", "2023-02-01")
    ]
    assert [slots[occurrence("convocation_notice", n)]["due"] for n in (1, 2, 3, 4)] == [
        *("2022-05-25", "2022-08-25", "2022-11-24", "2023-01-25")
    ]


@pytest.mark.parametrize("step", DUES)
def test_each_session_has_its_own_deadlines_for_a_step(step: str, quiet_year: dict[str, dict[str, Any]]) -> None:
    slots = [quiet_year[occurrence(step, number)] for number in (1, 2, 3, 4)]

    assert tuple(slot["due"] for slot in slots) == DUES[step]
    assert {slot["due_kind"] for slot in slots} == {"deadline"}


def test_from_the_opening_alone_the_rest_of_a_session_is_foreseen(desk: Desk, tmp_path: Path) -> None:
    only_opening = told(tmp_path, "opening", "{on: 2022-04-01, move: session, to: 2022-06-10}")

    slots = by_id(desk("schedule", PLAN, "--history", only_opening, "--json").json)

    # Voted on D+18, sent and judged on the next two open days, promulgated on the third.
    assert [slots[id]["earliest_finish"] for id in ("bill_vote", "closing", *AFTER_THE_VOTE[:2])] == [
        *("2022-06-28", "2022-06-28", "2022-06-29", "2022-06-30")
    ]
    assert slots["ordinance_sending"]["due"] == "2022-07-01"
    assert slots["ordinance_promulgation"]["earliest_finish"] == "2022-07-01"
    assert slots["ordinance_promulgation"]["due"] == "2022-07-19"


def test_moving_one_session_moves_its_own_steps_and_no_others(desk: Desk, tmp_path: Path) -> None:
    june = "{on: 2022-04-01, move: session, to: 2022-06-10}"
    before = by_id(desk("schedule", PLAN, "--history", told(tmp_path, "before", june), "--json").json)

    september = "{on: 2022-04-01, move: session-2, to: 2022-09-09}"
    after = by_id(desk("schedule", PLAN, "--history", told(tmp_path, "after", june, september), "--json").json)

    # Which steps are the tightest of the whole plan may change anywhere.
    for slot in (*before.values(), *after.values()):
        del slot["critical"]
    moved = {id for id in before if before[id] != after[id]}
    # The accounts are approved once the September session has opened.
    assert moved == {f"{step}-2" for step in {*DUES, *FREE}} | {"accounts_approval"}
    assert after["convocation_notice-2"]["due"] == "2022-09-02"
    assert after["bill_vote-2"]["due"] == "2022-09-27"


def test_a_preview_names_the_session_that_moves(desk: Desk) -> None:
    shown = desk("move", PLAN, "session-3", "--to", "2022-12-02", "--as-of", "2022-04-01", "--json").json

    assert shown["moved"] == [{"id": "session-3", "old": "令和4年12月", "new": "2022-12-02"}]
    assert shown["breached"] == []
    assert {each["milestone"].endswith("-3") for each in shown["reminders"]["created"]} == {True}


def test_questions_are_given_notice_of_by_a_time_of_the_day(desk: Desk) -> None:
    why = desk("why", PLAN, "question_deadline", "--history", QUIET, "--as-of", "2022-06-06").out

    assert "令和4年6月10日（金）17時15分まで" in why
    assert "実務・伝聞" in why


# --- reconsideration (地方自治法第176条) ---


def test_a_reconsideration_moves_the_promulgation_by_as_many_days_as_it_takes(desk: Desk) -> None:
    def due(on: str) -> str:
        rows = desk("status", PLAN, "--history", TROUBLED, "--as-of", on, "--json").json
        return str(by_id(rows)["ordinance_promulgation"]["due"])

    # Sent on June 29: twenty days are over on July 19. From July 4 to 12 nine days are not counted: July 28.
    assert due("2022-07-01") == "2022-07-19"
    assert due("2022-07-13") == "2022-07-28"


def test_why_tells_the_days_on_which_the_period_stood_still(desk: Desk) -> None:
    why = desk("why", PLAN, "ordinance_promulgation", "--history", TROUBLED, "--as-of", "2022-07-13").out

    assert "期限（法定）は令和4年7月28日（木）です" in why
    assert "止まる間: 令和4年7月4日（月）から令和4年7月12日（火）までの9日は数えません" in why
    assert "地方自治法第16条第2項" in why


def test_a_law_that_was_not_reconsidered_is_promulgated_in_twenty_days(desk: Desk) -> None:
    rows = desk("status", PLAN, "--history", QUIET, "--as-of", "2022-06-30", "--json").json

    assert by_id(rows)["reconsideration"]["status"] == "cancelled"
    assert by_id(rows)["ordinance_promulgation"]["due"] == "2022-07-19"


# --- what lapses ---


def test_a_bill_that_is_not_voted_on_lapses_with_its_session_and_stops_what_rests_on_it(desk: Desk) -> None:
    done = desk("status", PLAN, "--history", TROUBLED, "--as-of", "2022-12-21", "--json")

    verdicts = by_id(done.json)
    assert verdicts["closing-3"]["status"] == "done"
    assert verdicts["bill_vote-3"]["status"] == "overdue"
    stopped = [id for id, verdict in verdicts.items() if verdict["status"] == "blocked"]
    assert stopped == [f"{id}-3" for id in AFTER_THE_VOTE]
    (reason,) = verdicts["ordinance_sending-3"]["reasons"]
    assert (reason["root_cause"], reason["since"]) == ("bill_vote-3", "2022-12-21")
    assert "第119条" in reason["basis"]
    # The budget was voted, and is sent; the next session has a vote of its own.
    assert verdicts["budget_sending-3"]["status"] == "done"
    assert verdicts["bill_vote-4"]["status"] == "waiting"


def test_a_bill_that_lapsed_is_given_up_and_comes_again_in_the_next_session(desk: Desk) -> None:
    given_up = by_id(desk("status", PLAN, "--history", TROUBLED, "--as-of", "2022-12-26", "--json").json)
    at_the_end = by_id(desk("status", PLAN, "--history", TROUBLED, "--as-of", "2023-04-03", "--json").json)

    assert {given_up[f"{id}-3"]["status"] for id in ("bill_vote", *AFTER_THE_VOTE)} == {"cancelled"}
    assert "blocked" not in {verdict["status"] for verdict in given_up.values()}
    assert {verdict["status"] for verdict in at_the_end.values()} == {"done", "waived", "cancelled"}
    assert at_the_end["bill_vote-4"]["status"] == "done"


def test_without_the_notice_no_bill_is_explained_unless_the_session_is_urgent(desk: Desk, tmp_path: Path) -> None:
    early = ("bill_call", "bill_legal_check", "budget_request", "budget_assessment", "bill_decision", "bill_print")
    events = ["{on: 2022-04-01, move: session, to: 2022-06-10}"]
    events += [f"{{on: 2022-04-11, complete: {id}}}" for id in (*early, "bill_delivery", "steering_meeting")]
    late = told(tmp_path, "late", *events)
    urgent = told(tmp_path, "urgent", *events, "{on: 2022-06-06, waive: convocation_notice, reason: 急施を要するため}")

    stopped = by_id(desk("status", PLAN, "--history", late, "--as-of", "2022-06-06", "--json").json)
    freed = by_id(desk("status", PLAN, "--history", urgent, "--as-of", "2022-06-06", "--json").json)

    assert stopped["convocation_notice"]["status"] == "overdue"
    (reason,) = [r for r in stopped["bill_explanation"]["reasons"] if r["code"] == "prerequisite_overdue"]
    assert (reason["root_cause"], reason["since"]) == ("convocation_notice", "2022-06-04")
    assert reason["basis"] == "地方自治法第101条第7項"
    assert {stopped[id]["status"] for id in ("bill_explanation", "questions", "bill_vote")} == {"blocked"}
    assert stopped["bill_explanation-2"]["status"] == "waiting"
    assert freed["bill_explanation"]["status"] == "waiting"


@pytest.mark.parametrize("history", [QUIET, TROUBLED])
def test_in_a_whole_year_only_the_lapsed_bill_is_late_or_stopped(history: str) -> None:
    office = open_office()
    loaded = office.library.plan(PLAN, [2022, 2023])
    events = office.library.history(history, loaded.plan).events
    bad: dict[str, list[date]] = {}

    for number in range(368):
        day = date(2022, 4, 1) + timedelta(number)
        standing = Standing(loaded, *replayed(loaded.network, events, day), day)
        for id, verdict in standing.verdicts.items():
            if verdict.status in (Status.BLOCKED, Status.OVERDUE):
                bad.setdefault(id, []).append(day)

    assert day == date(2023, 4, 3)
    if history == QUIET:
        assert bad == {}
    else:
        # From the day after the closing until it was given up.
        assert set(bad) == {f"{id}-3" for id in ("bill_vote", *AFTER_THE_VOTE)}
        assert {(days[0], days[-1]) for days in bad.values()} == {(date(2022, 12, 21), date(2022, 12, 25))}


# --- once a year ---


def test_the_accounts_go_from_closing_to_approval(desk: Desk) -> None:
    slots = by_id(desk("schedule", PLAN, "--json").json)

    # Closed on May 31; three months from June 1 end on August 31.
    assert [(id, slots[id]["due"], slots[id]["due_kind"]) for id in slots if id.startswith("accounts")] == [
        ("accounts_closing", "2022-05-31", "deadline"),
        ("accounts_to_mayor", "2022-08-31", "deadline"),
        ("accounts_audit", "2022-08-31", "target"),
        ("accounts_approval", "2022-09-30", "target"),
    ]
    assert slots["accounts_closing"]["slack"] == 0
    # Twenty open days for the audit by August 31: from August 3, so that the accounts are there on the 2nd.
    assert slots["accounts_to_mayor"]["latest_finish"] == "2022-08-02"


def test_a_few_days_replayed_write_of_the_lapsed_bill(desk: Desk, tmp_path: Path) -> None:
    span = ("--from", "2022-12-19", "--to", "2022-12-28")

    totals = desk("replay", PLAN, "--history", TROUBLED, *span, "--out", tmp_path / "out", "--json").json

    # The 24th and 25th are a weekend; stopped on the 21st, 22nd and 23rd.
    assert (totals["days"], totals["passes"], totals["blocked_days"]) == (10, 8, 3)
    with (tmp_path / "out" / "transitions.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["milestone"] == "bill_vote-3"]
    assert [(row["date"], row["from"], row["to"]) for row in rows] == [
        ("2022-12-19", "", "due_soon"),
        ("2022-12-21", "due_soon", "overdue"),
        ("2022-12-26", "overdue", "cancelled"),
    ]
    assert len(list((tmp_path / "out" / "inbox").glob("*.eml"))) == totals["messages"] > 0


def test_the_preview_of_a_move_shows_the_deadlines_that_go_with_it(desk: Desk) -> None:
    desk("plan", "adopt", PLAN, today="2022-07-01")
    move = ("move", PLAN, "session-2", "--to", "2022-09-09")

    shown = desk(*move, "--json", today="2022-07-01").json
    said = desk(*move, today="2022-07-01").out

    assert [each["id"] for each in shown["moved"]] == ["session-2"]
    notice = next(each for each in shown["redated"] if each["id"] == "convocation_notice-2")
    assert (notice["old"], notice["new"]) == ("2022-08-25", "2022-09-02")
    assert {each["id"].rpartition("-")[2] for each in shown["redated"]} == {"2"}
    assert "定例会の招集告示（令和4年9月）: 期限 令和4年8月25日（木） → 令和4年9月2日（金）" in said
