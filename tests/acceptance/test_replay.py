"""Sixteen months replayed: the same pass as in production on every day, and all that people would have received."""

from __future__ import annotations

import csv
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from holidays.countries.japan import Japan

from tests.acceptance.support import ROOT, Desk, body, calendar_with, read_mails

JAPAN = ZoneInfo("Asia/Tokyo")
HISTORIES = ("fy28-on-time", "fy28-late-pia", "fy28-national-dates")
ON_TIME, LATE_PIA, NATIONAL_DATES = HISTORIES
FIRST, LAST = date(2016, 4, 1), date(2017, 7, 31)
# 2016-04-01 to 2017-07-31 is 487 days: 347 of Monday to Friday, less 19 holidays on those and 3 days at the year's end.
DAYS, OPEN_DAYS = 487, 325


@dataclass(frozen=True)
class Replay:
    """A replay's folder, and the totals that it printed."""

    out: Path
    totals: dict[str, Any]

    @property
    def ledger(self) -> list[dict[str, str]]:
        return read_csv(self.out / "ledger.csv")

    @property
    def transitions(self) -> list[dict[str, str]]:
        return read_csv(self.out / "transitions.csv")


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def replays(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Replay]:
    """Each history replayed once; the tests read what it left."""
    folder = tmp_path_factory.mktemp("replays")
    desk = Desk(folder / "home")
    found = {}
    for history in HISTORIES:
        done = desk("replay", "fy28", "--history", history, "--json", "--out", folder / history)
        assert done.err == ""
        found[history] = Replay(folder / history, done.json)
    assert not (folder / "home").exists()
    return found


@pytest.fixture(params=HISTORIES)
def replay(request: pytest.FixtureRequest, replays: dict[str, Replay]) -> Replay:
    return replays[request.param]


@cache
def holidays() -> Japan:
    return Japan(years=range(2015, 2019))


def is_closed(day: date) -> bool:
    """Tell it from the law, not from our tables: 地方自治法第4条の2."""
    at_years_end = (day.month, day.day) >= (12, 29) or (day.month, day.day) <= (1, 3)
    return day.weekday() >= 5 or day in holidays() or at_years_end


def open_days(after: date, until: date) -> int:
    return sum(not is_closed(after + timedelta(number)) for number in range(1, (until - after).days + 1))


def test_a_replay_covers_every_day_and_leaves_what_it_promises(replay: Replay) -> None:
    totals = replay.totals

    assert {path.name for path in replay.out.iterdir() if not path.name.startswith("kijitsu.db")} == {
        *("inbox", "ledger.csv", "transitions.csv", "report.html"),
    }
    assert (totals["first"], totals["last"]) == ("2016-04-01", "2017-07-31")
    assert (totals["days"], totals["passes"]) == (DAYS, OPEN_DAYS)
    assert sum(not is_closed(FIRST + timedelta(number)) for number in range(DAYS)) == OPEN_DAYS
    assert totals["out"] == str(replay.out)
    assert not list(replay.out.parent.glob(".*"))


def test_the_files_have_their_columns_and_open_in_a_spreadsheet(replay: Replay) -> None:
    for name, header in (
        ("ledger.csv", "date,milestone,rule,recipient,channel,deadline,state"),
        ("transitions.csv", "date,milestone,from,to,reason"),
    ):
        content = (replay.out / name).read_bytes()
        assert content.startswith(b"\xef\xbb\xbf" + header.encode() + b"\r\n")


def test_the_totals_are_what_the_files_hold(replay: Replay) -> None:
    totals = replay.totals

    assert len(list((replay.out / "inbox").glob("*.eml"))) == totals["messages"] > 0
    assert sum(row["state"] != "covered" for row in replay.ledger) == totals["reminders"]
    assert len(replay.transitions) == totals["transitions"]
    last = {row["milestone"]: row["to"] for row in replay.transitions}
    assert Counter(last.values()) == totals["statuses"]


def test_nobody_gets_two_messages_on_one_day_and_none_on_a_closed_one(replay: Replay) -> None:
    mails = read_mails(replay.out / "inbox")
    arrivals = [(mail["To"].addresses[0].addr_spec, mail["Date"].datetime.astimezone(JAPAN)) for mail in mails]

    assert set(Counter((to, at.date()) for to, at in arrivals).values()) == {1}
    assert {(at.hour, at.minute) for _, at in arrivals} == {(8, 30)}
    assert [day for _, at in arrivals if is_closed(day := at.date())] == []
    assert len({mail["Message-ID"] for mail in mails}) == len(mails)
    assert all(to.endswith(".example") for to, _ in arrivals)
    assert all(body(mail, "plain").strip() and body(mail, "html").strip() for mail in mails)


def test_every_reminder_stands_once_on_an_open_day_at_its_distance_from_the_deadline(replay: Replay) -> None:
    ledger = replay.ledger

    keys = Counter((row["milestone"], row["rule"], row["recipient"], row["deadline"]) for row in ledger)
    assert set(keys.values()) == {1}
    assert {row["state"] for row in ledger} <= {"sent", "covered"}
    for row in ledger:
        day, deadline = date.fromisoformat(row["date"]), date.fromisoformat(row["deadline"])
        topic, _, number = row["rule"].partition(":")
        assert not is_closed(day), row
        match topic:
            case "before":
                assert day <= deadline, row
                assert open_days(day, deadline) <= int(number.removesuffix("wd")), row
            case "on_day":
                assert day <= deadline, row
                assert open_days(day, deadline) == 0, row
            case "after" | "escalated":
                assert day > deadline, row
            case "blocked" | "unblocked":
                assert day >= deadline, row
            case "expiring":
                assert open_days(day, deadline) <= int(number.removesuffix("wd")), row
            case "moved":
                assert number.isdecimal(), row
            case _:
                pytest.fail(f"unknown rule: {row}")


def test_each_transition_goes_on_from_the_one_before(replay: Replay) -> None:
    known: dict[str, str] = {}

    for row in replay.transitions:
        assert row["from"] == known.get(row["milestone"], ""), row
        assert row["to"] != row["from"], row
        assert not is_closed(date.fromisoformat(row["date"])), row
        assert row["reason"], row
        known[row["milestone"]] = row["to"]
    assert len(known) == 69


@pytest.mark.parametrize("day", ["2016-04-01", "2016-06-01", "2016-07-13", "2016-08-12", "2016-12-28", "2017-03-31"])
def test_the_days_that_were_lived_are_the_days_that_status_tells(day: str, replay: Replay) -> None:
    lived = {row["milestone"]: row["to"] for row in replay.transitions if row["date"] <= day}

    told = Desk(None)("status", "fy28", "--as-of", day, "--history", replay.totals["history"], "--json").json

    assert {verdict["id"]: verdict["status"] for verdict in told} == lived


@pytest.mark.parametrize("history", [ON_TIME, NATIONAL_DATES])
def test_nothing_stops_and_nothing_is_late_where_everything_is_done_in_time(
    history: str, replays: dict[str, Replay]
) -> None:
    replay = replays[history]

    assert replay.totals["blocked_days"] == 0
    assert not {"blocked", "overdue"} & {row["to"] for row in replay.transitions}
    assert {row["rule"].partition(":")[0] for row in replay.ledger} <= {"before", "on_day", "moved", "expiring"}


def test_a_late_assessment_stops_what_rests_on_it_and_lets_it_go_again(replays: dict[str, Replay]) -> None:
    replay = replays[LATE_PIA]
    stopped = {row["milestone"]: row for row in replay.transitions if row["to"] == "blocked"}

    # Due by the end of May, done on August 10, published on August 12.
    assert {row["date"] for row in stopped.values()} == {"2016-06-01"}
    assert {"precheck", "notification", "ppc_publication", "master_data", "linkage"} <= set(stopped)
    assert not {"roster", "inhouse_test", "operational_test", "independent_use_ordinance"} & set(stopped)
    assert "特定個人情報保護評価書の再評価" in stopped["notification"]["reason"]
    assert "番号法第27条" in stopped["notification"]["reason"]
    freed = {row["milestone"]: row["date"] for row in replay.transitions if row["from"] == "blocked"}
    assert set(freed) == set(stopped)
    assert set(freed.values()) == {"2016-08-10", "2016-08-12"}
    # June 1 to August 10, the last blocked mornings being those of August 10: 山の日 is August 11.
    assert replay.totals["blocked_days"] == open_days(date(2016, 5, 31), date(2016, 8, 10))
    done = {row["milestone"]: row["date"] for row in replay.transitions if row["to"] == "done"}
    assert (done["pia"], done["notification"], done["linkage"]) == ("2016-08-10", "2016-09-16", "2017-07-03")
    assert not {"blocked", "overdue"} & set(replay.totals["statuses"])


def test_those_who_are_stopped_are_told_once_and_told_when_it_is_over(replays: dict[str, Replay]) -> None:
    replay = replays[LATE_PIA]
    told = [(row["rule"], row["date"], row["recipient"]) for row in replay.ledger if row["milestone"] == "notification"]

    for rule, day in (("blocked", "2016-06-01"), ("unblocked", "2016-08-12")):
        assert sorted(to for each, on, to in told if (each, on) == (rule, day)) == [
            *("general_affairs", "general_affairs_department", "secretariat"),
        ]
        assert sum(each == rule for each, _, _ in told) == 3
    overdue = [row for row in replay.ledger if row["rule"].startswith("after:")]
    assert {row["milestone"] for row in overdue} == {"pia", "pia_publication"}


def test_what_stays_undone_is_told_up_the_line_a_person_at_a_time(replays: dict[str, Replay]) -> None:
    ledger = [row for row in replays[LATE_PIA].ledger if row["milestone"] == "pia"]
    rows = [row for row in ledger if row["rule"].startswith("escalated")]

    # Due on Tuesday May 31: 2, 4, 6 and 8 open days after it.
    assert [(row["rule"], row["date"], row["recipient"]) for row in rows] == [
        ("escalated:1", "2016-06-02", "総務課長"),
        ("escalated:2", "2016-06-06", "総務部次長"),
        ("escalated:3", "2016-06-08", "総務部長"),
        ("escalated:4", "2016-06-10", "副市長"),
    ]


def test_a_moved_date_is_told_to_its_owner_with_before_and_after(replays: dict[str, Replay]) -> None:
    replay = replays[LATE_PIA]
    mails = [mail for mail in read_mails(replay.out / "inbox") if "日程変更" in body(mail, "plain")]

    assert mails
    assert {row["rule"].partition(":")[0] for row in replay.ledger} >= {"moved"}
    for mail in mails:
        assert "変更前" in body(mail, "plain"), body(mail, "plain")


def test_the_nations_dates_are_the_ones_on_record(replays: dict[str, Replay]) -> None:
    done = {row["milestone"]: row["date"] for row in replays[NATIONAL_DATES].transitions if row["to"] == "done"}

    assert (done["linkage"], done["portal"]) == ("2017-07-18", "2017-07-18")
    assert "paper_omission" not in done


def test_a_second_replay_gives_the_same_files_byte_for_byte(replays: dict[str, Replay], tmp_path: Path) -> None:
    first = replays[LATE_PIA]

    # A process of its own, with another seed for its hashes.
    again = Desk(tmp_path / "home").spawn(
        *("replay", "fy28", "--history", LATE_PIA, "--json", "--out", tmp_path / "out"), cwd=tmp_path
    )

    assert again.json | {"out": ""} == first.totals | {"out": ""}
    for name in ("ledger.csv", "transitions.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (first.out / name).read_bytes()
    letters = [sorted(path.read_bytes() for path in (out / "inbox").iterdir()) for out in (first.out, tmp_path / "out")]
    assert letters[0] == letters[1]


def test_the_report_is_one_page_with_a_picture_and_nothing_from_elsewhere(replay: Replay) -> None:
    page = (replay.out / "report.html").read_text(encoding="utf-8")

    assert page.count("<svg") >= 1
    assert "情報提供ネットワークシステム" in page
    assert f"{replay.totals['messages']}" in page
    assert set(re.findall(r"https?://[^\s\"'<>]+", page)) <= {"http://www.w3.org/2000/svg"}
    assert re.findall(r"<script|<link|<iframe|@import|url\((?!#)|(?:src|href)\s*=\s*[\"'](?!#)", page) == []


# --- the folder ---


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


WEEK = ("replay", "fy28", "--from", "平成28年6月1日", "--to", "2016-06-07")


def names(folder: Path) -> Iterator[str]:
    return iter(sorted(path.name for path in folder.iterdir()))


@pytest.mark.parametrize("foreign", ["memo.txt", ".keep", "report.xlsx"])
def test_a_folder_with_something_else_in_it_is_refused_and_left_alone(foreign: str, desk: Desk, tmp_path: Path) -> None:
    out = tmp_path / "out"
    desk(*WEEK, "--out", out)
    (out / foreign).write_text("大事なもの", encoding="utf-8")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    done = desk(*WEEK, "--out", out, code=1)

    assert foreign in done.err
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert list(names(tmp_path)) == ["out"]


def test_a_file_in_the_place_of_the_folder_is_refused(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("大事なもの", encoding="utf-8")

    assert "--out" in desk(*WEEK, "--out", tmp_path / "out", code=1).err
    assert "--out" in desk(*WEEK, "--out", tmp_path / "out" / "inner", code=1).err

    assert (tmp_path / "out").read_text(encoding="utf-8") == "大事なもの"
    assert list(names(tmp_path)) == ["out"]


def test_an_earlier_replay_is_replaced_and_an_empty_folder_is_filled(desk: Desk, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()

    first = desk(*WEEK, "--json", "--out", out).json
    second = desk(*WEEK[:-1], "2016-06-08", "--json", "--out", out).json

    assert (first["last"], second["last"]) == ("2016-06-07", "2016-06-08")
    assert max(row["date"] for row in read_csv(out / "ledger.csv")) <= "2016-06-08"
    assert list(names(tmp_path)) == ["out"]


def test_a_replay_without_an_out_goes_to_the_home(desk: Desk, tmp_path: Path) -> None:
    said = desk(*WEEK).out

    assert (tmp_path / "home" / "replay" / "report.html").exists()
    assert "report.html" in said
    assert "履歴" in said


def test_a_replay_that_fails_leaves_no_half_of_it(tmp_path: Path) -> None:
    plan = (ROOT / "calendar/plans/fy28.yaml").read_text(encoding="utf-8")
    calendar = calendar_with(tmp_path / "calendar", fy28=plan)
    (calendar / "histories" / "twice.yaml").write_text(
        "history: twice\nplan: fy28\ntitle: 二度\nkind: scenario\nevents:\n"
        "  - {on: 2016-06-02, complete: roster, evidence: {名簿: 石総第1号}}\n"
        "  - {on: 2016-06-06, complete: roster, evidence: {名簿: 石総第2号}}\n",
        encoding="utf-8",
    )
    desk = Desk(tmp_path / "home", calendar=calendar)
    desk(*WEEK, "--out", tmp_path / "earlier")
    before = (tmp_path / "earlier" / "ledger.csv").read_bytes()

    for out in ("new", "earlier"):
        done = desk(*WEEK, "--history", "twice", "--out", tmp_path / out, code=1)
        assert "二度は報告できません" in done.err

    assert list(names(tmp_path)) == ["calendar", "earlier"]
    assert (tmp_path / "earlier" / "ledger.csv").read_bytes() == before


def test_a_replay_leaves_the_citys_own_data_alone(desk: Desk, tmp_path: Path) -> None:
    desk("plan", "adopt", "fy28", today="2016-06-01")
    desk("watch", today="2016-06-01")
    before = (desk("audit", "list", "--json").out, list(names(tmp_path / "home" / "mailbox")))

    desk(*WEEK, "--history", LATE_PIA, "--out", tmp_path / "out", smtp_url="smtp://127.0.0.1:9")
    shutil.rmtree(tmp_path / "out")

    assert (desk("audit", "list", "--json").out, list(names(tmp_path / "home" / "mailbox"))) == before
    assert desk("plan", "list", "--json").json[0]["revision"] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "2016-06-07", "--to", "2016-06-01"), "前です"),
        (("--from", "2016-06-31"), "2016-06-30"),
        (("--history", "fy28-late-pai"), "もしかして: fy28-late-pia"),
    ],
)
def test_a_span_or_history_that_is_none_is_refused_before_anything_is_made(
    words: tuple[str, ...], said: str, desk: Desk, tmp_path: Path
) -> None:
    assert said in desk("replay", "fy28", *words, "--out", tmp_path / "out", code=1).err

    assert list(names(tmp_path)) == []
