"""The commands that only read: what they print for people and for machines, and what they leave untouched."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import replayed
from kijitsu.domain.gates import Status
from kijitsu.services.reading import Standing
from tests.acceptance.support import ROOT, Desk

STATUSES = [
    *("done", "waived", "cancelled", "blocked", "overdue", "due_soon"),
    *("active", "ready", "waiting", "scheduled", "undecided"),
]

# The days from 4月28日 to 5月6日: 29日 is 昭和の日, 3日 to 5日 are holidays, 30日 and 1日 the weekend.
HAND = """\
plan: hand
title: 手で数えた計画
fiscal_year: H28
organisation: ishinomaki
milestones:
  survey: {title: 調査, kind: milestone, owner: general_affairs, when: 2016-04-25～2016-04-28, duration: 3wd}
  draft: {title: 案, kind: ordinance, owner: general_affairs, after: [survey], duration: 2wd}
  review:
    title: 審査
    kind: ordinance
    owner: committee
    after: [{on: draft, lag: 2wd}]
    due: 2016-05-15
  notice: {title: 周知, kind: publicity, owner: residents, after: [{on: survey, type: SS, lag: 7d}]}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


@pytest.fixture
def hand(tmp_path: Path) -> Path:
    path = tmp_path / "hand.yaml"
    path.write_text(HAND, encoding="utf-8")
    return path


# --- schedule ---


def test_schedule_gives_the_dates_that_were_worked_out_by_hand(desk: Desk, hand: Path) -> None:
    done = desk("schedule", hand, "--json")

    # review's due date is a Sunday, which leaves Friday the 13th; notice has no deadline anywhere after it.
    assert done.err == ""
    assert done.json == [
        {
            "id": "survey",
            "earliest_start": "2016-04-25",
            "earliest_finish": "2016-04-27",
            "latest_start": "2016-04-26",
            "latest_finish": "2016-04-28",
            "slack": 1,
            "critical": True,
            "due": "2016-04-28",
            "due_kind": "target",
            "drivers": [],
        },
        {
            "id": "draft",
            "earliest_start": "2016-04-28",
            "earliest_finish": "2016-05-02",
            "latest_start": "2016-05-09",
            "latest_finish": "2016-05-10",
            "slack": 3,
            "critical": False,
            "due": None,
            "due_kind": None,
            "drivers": ["survey"],
        },
        {
            "id": "review",
            "earliest_start": "2016-05-10",
            "earliest_finish": "2016-05-10",
            "latest_start": "2016-05-13",
            "latest_finish": "2016-05-13",
            "slack": 3,
            "critical": False,
            "due": "2016-05-15",
            "due_kind": "deadline",
            "drivers": ["draft"],
        },
        {
            "id": "notice",
            "earliest_start": "2016-05-02",
            "earliest_finish": "2016-05-02",
            "latest_start": None,
            "latest_finish": None,
            "slack": None,
            "critical": False,
            "due": None,
            "due_kind": None,
            "drivers": ["survey"],
        },
    ]


def test_schedule_as_of_a_day_starts_nothing_before_it(desk: Desk, hand: Path) -> None:
    slots = {slot["id"]: slot for slot in desk("schedule", hand, "--as-of", "2016-04-28", "--json").json}

    # Three working days from the 28th: 28日, 2日, 6日; then 9日 and 10日; then two days between, 13日.
    assert [slots[id]["earliest_finish"] for id in ("survey", "draft", "review")] == [
        "2016-05-06",
        "2016-05-10",
        "2016-05-13",
    ]
    assert [slots[id]["slack"] for id in ("survey", "draft", "review")] == [-2, 0, 0]


def test_schedule_of_fy28_has_every_milestone_with_iso_dates(desk: Desk) -> None:
    slots = desk("schedule", "fy28", "--json").json

    assert len(slots) == 69
    for slot in slots:
        assert list(slot) == [
            *("id", "earliest_start", "earliest_finish", "latest_start", "latest_finish", "slack", "critical"),
            *("due", "due_kind", "drivers"),
        ]
        for key in ("earliest_start", "earliest_finish", "latest_start", "latest_finish", "due"):
            assert slot[key] is None or date.fromisoformat(slot[key])
        assert slot["due_kind"] in {"deadline", "target", None}
        assert (slot["due"] is None) == (slot["due_kind"] is None)
    least = min(slot["slack"] for slot in slots if slot["slack"] is not None)
    assert {slot["slack"] for slot in slots if slot["critical"]} == {least}


def test_schedule_counts_the_notice_of_the_session_back_from_its_opening(desk: Desk) -> None:
    at_record = ("--history", "fy28-national-dates", "--as-of", "2016-06-01")
    slots = {slot["id"]: slot for slot in desk("schedule", "fy28", *at_record, "--json").json}

    # Opened on June 10; seven days before is June 3 (地方自治法第101条).
    assert slots["convocation_notice"]["due"] == "2016-06-03"
    assert slots["convocation_notice"]["due_kind"] == "deadline"


def test_reading_an_id_makes_no_database_and_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    desk = Desk(None, today="2016-06-03")

    for words in (["schedule"], ["status"], ["why", "pia"], ["export"], ["move", "pia", "--to", "平成28年8月"]):
        desk(words[0], "fy28", *words[1:])
    desk("check")
    desk("plan", "list")

    assert list(tmp_path.iterdir()) == []


# --- status and why ---


def test_status_says_of_each_milestone_what_holds_and_why(desk: Desk) -> None:
    done = desk("status", "fy28", "--as-of", "2016-07-13", "--history", "fy28-late-pia", "--json")

    assert done.err == ""
    verdicts = {verdict["id"]: verdict for verdict in done.json}
    assert len(verdicts) == 69
    for verdict in verdicts.values():
        assert list(verdict) == ["id", "status", "facts", "reasons", "due", "latest_safe_finish", "slack"]
        assert verdict["facts"][0] == verdict["status"]
        assert verdict["facts"] == sorted(verdict["facts"], key=STATUSES.index)
    assert verdicts["pia"]["status"] == "overdue"
    assert verdicts["notification"]["status"] == "blocked"
    assert {reason["root_cause"] for reason in verdicts["notification"]["reasons"]} == {"pia"}
    (direct,) = [r for r in verdicts["notification"]["reasons"] if r["prerequisite"] == "pia"]
    holds_up = direct.pop("holds_up")
    assert direct == {
        "code": "prerequisite_overdue",
        "prerequisite": "pia",
        "root_cause": "pia",
        "root_code": "prerequisite_overdue",
        "basis": "番号法第27条（平成29年5月30日からは第28条）",
        "since": "2016-06-01",
        "lapse": "block",
    }
    assert {"precheck", "notification", "linkage"} <= set(holds_up)
    assert not {"roster", "first_committee", "operational_test"} & set(holds_up)


def test_a_day_in_japanese_years_is_the_same_day(desk: Desk) -> None:
    told = ("--history", "fy28-late-pia", "--json")

    first, *others = (
        desk("status", "fy28", "--as-of", day, *told).out
        for day in ("2016-07-13", "H28.7.13", "平成28年7月13日", "平成２８年７月１３日（水）", "平成二十八年七月十三日")
    )

    assert all(other == first for other in others)


def test_a_history_and_a_plan_can_be_named_by_their_paths(desk: Desk) -> None:
    by_id = desk("status", "fy28", "--history", "fy28-late-pia", "--as-of", "2016-07-13", "--json")

    by_path = desk(
        *("status", ROOT / "calendar/plans/fy28.yaml", "--as-of", "2016-07-13", "--json"),
        *("--history", ROOT / "calendar/histories/fy28-late-pia.yaml"),
    )

    assert by_path.out == by_id.out


def test_status_without_a_day_is_todays(desk: Desk, hand: Path) -> None:
    on_the_last_day = desk("status", hand, "--json", today="2016-04-28").json
    a_day_later = desk("status", hand, "--json", today="2016-04-29").json

    # The draft has four working days until May 10, its latest safe finish; the review seven until May 13.
    assert [verdict["status"] for verdict in on_the_last_day] == ["due_soon", "due_soon", "waiting", "waiting"]
    assert [verdict["status"] for verdict in a_day_later] == ["overdue", "blocked", "blocked", "blocked"]


def test_why_names_the_root_cause_the_article_and_the_remedy(desk: Desk) -> None:
    told = ("--history", "fy28-late-pia", "--as-of", "2016-07-13")

    done = desk("why", "fy28", "linkage", *told)

    assert "「情報提供ネットワークシステム（庁外連携）の運用開始」は「停止」です" in done.out
    assert "「特定個人情報保護評価書の再評価」" in done.out
    assert "平成28年6月1日（水）から" in done.out
    assert "番号法第27条" in done.out
    assert "総務課が「特定個人情報保護評価書の再評価」を完了し、報告すれば、この原因は解けます。" in done.out
    as_json = desk("why", "fy28", "linkage", *told, "--json").json
    assert as_json["explanation"] == done.out.splitlines()
    assert as_json["status"] == "blocked"


@pytest.mark.parametrize(("history", "may_stop"), [("fy28-on-time", False), ("fy28-late-pia", True)])
def test_only_the_late_assessment_ever_stops_anything(history: str, may_stop: bool) -> None:
    office = open_office()
    loaded = office.library.plan("fy28", [2016, 2017])
    events = office.library.history(history, loaded.plan).events
    bad: dict[Status, set[str]] = {Status.BLOCKED: set(), Status.OVERDUE: set()}

    for number in range(487):
        day = date(2016, 4, 1) + timedelta(number)
        standing = Standing(loaded, *replayed(loaded.network, events, day), day)
        for id, verdict in standing.verdicts.items():
            if verdict.status in bad:
                bad[verdict.status].add(id)

    assert day == date(2017, 7, 31)
    if may_stop:
        assert "pia" in bad[Status.OVERDUE]
        assert {"precheck", "notification"} <= bad[Status.BLOCKED]
        assert not {"first_committee", "inhouse_test", "operational_test"} & bad[Status.BLOCKED]
    else:
        assert bad == {Status.BLOCKED: set(), Status.OVERDUE: set()}


# --- period and schema ---


def test_period_counts_a_rule_and_explains_every_step(desk: Desk) -> None:
    done = desk("period", "notice_of_session", "--from", "平成28年6月10日", "--json")

    assert done.err == ""
    assert {"due", "basis", "explanation"} <= set(done.json)
    assert done.json["due"] == "2016-06-03"
    assert done.json["basis"] == "地方自治法第101条第7項"
    assert any("民法140条" in step for step in done.json["explanation"])


@pytest.mark.parametrize(
    ("rule", "start", "due"),
    [
        # 議決 June 28: three days, the first excluded; 送付 June 29: twenty days; 公布 July 1: on the eleventh day.
        ("sending_to_mayor", "2016-06-28", "2016-07-01"),
        ("promulgation", "2016-06-29", "2016-07-19"),
        ("taking_effect", "2016-07-01", "2016-07-11"),
        ("reconsideration", "2016-06-29", "2016-07-09"),
        # Three months from June 20 end on September 20, the day after a holiday.
        ("review_request", "2016-06-20", "2016-09-20"),
    ],
)
def test_period_of_each_rule(rule: str, start: str, due: str, desk: Desk) -> None:
    assert desk("period", rule, "--from", start, "--json").json["due"] == due


def test_a_free_period_is_counted_as_it_is_described(desk: Desk) -> None:
    free = ["--direction", "forward", "--first-day", "excluded", "--calendar", "municipality", "--from", "2016-06-10"]

    plain = desk("period", "--length", "8d", "--roll", "none", *free, "--json").json
    rolled = desk("period", "--length", "8d", "--roll", "next_open_day", *free, "--json").json

    # June 18 is a Saturday.
    assert (plain["due"], rolled["due"]) == ("2016-06-18", "2016-06-20")
    assert any("土曜日" in step or "6月18日（土）" in step for step in rolled["explanation"])


@pytest.mark.parametrize("kind", ["plan", "organisation", "closures", "rules", "history"])
def test_schema_is_a_json_schema_that_knows_the_keys(kind: str, desk: Desk) -> None:
    schema = desk("schema", kind).json

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["type"] == "object"
    assert desk("schema", kind, "--json").json == schema
    if kind == "plan":
        assert {"plan", "title", "organisation", "milestones"} <= set(schema["required"])


# --- as real processes ---


def test_each_way_to_end_has_its_exit_code(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home")

    fine = desk.spawn("schedule", "fy28", "--json", cwd=tmp_path)
    wrong = desk.spawn("status", "fy28", "--as-of", "2016-09-31", "--json", code=1, cwd=tmp_path)
    misused = desk.spawn("status", "fy28", "--asof", "2016-09-30", "--json", code=2, cwd=tmp_path)
    outside = desk.spawn("watch", "fy28", "--json", code=3, cwd=tmp_path)

    assert len(json.loads(fine.out)) == 69
    assert fine.err == ""
    assert "もしかして: 2016-09-30" in wrong.err
    assert "--as-of" in misused.err
    assert "kijitsu plan adopt" in outside.err
    assert wrong.out == misused.out == outside.out == ""
    assert list(tmp_path.iterdir()) == []
