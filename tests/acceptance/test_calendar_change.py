"""A holiday that is added by law, or taken away, while a plan runs: what it moves is said, and why is in the log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from kijitsu.people import os_user
from tests.acceptance.support import HEAD, Desk, calendar_with, close_day, engine_of
from tests.integration.smtp_relays import unused_place

THURSDAY, FRIDAY, TUESDAY = "2016-07-14", "2016-07-15", "2016-07-19"
LAW = "市の記念日（記念日条例）"

# July 18 is 海の日 and July 31 a Sunday, so that July 29 is the last open day of the month.
PLAN = (
    HEAD
    + """\
milestones:
  filing: {title: 届出書の提出, kind: filing, owner: residents, when: 平成28年7月}
  study: {title: 議案の調製, kind: ordinance, owner: general_affairs, when: 2016-07-20～, duration: 10wd}
  session: {title: 臨時会, kind: meeting, owner: general_affairs, after: [study]}
  notice:
    title: 招集の告示
    kind: publicity
    owner: general_affairs
    when: 平成28年7月
    due: {rule: notice_of_session, from: session.start}
  training: {title: 職員研修, kind: training, owner: general_affairs, when: 2016-10-03, done: 2016-07-01}
"""
)

# The study's ten days from July 20 end on August 2, with July 29 closed on the 3rd; the session opens the day after,
# and is called seven days ahead.
MOVED = {
    "filing": {"latest_finish": ["2016-07-29", "2016-07-28"]},
    "study": {"earliest_finish": ["2016-08-02", "2016-08-03"]},
    "session": {"earliest_finish": ["2016-08-03", "2016-08-04"]},
    "notice": {"latest_finish": ["2016-07-27", "2016-07-28"], "due": ["2016-07-27", "2016-07-28"]},
}


@pytest.fixture
def desk(empty_database: str, tmp_path: Path) -> Desk:
    """A desk whose plan was watched on Thursday, with the relay out of reach, so that its letters wait."""
    calendar = calendar_with(tmp_path / "calendar", small=PLAN)
    desk = Desk(tmp_path / "home", calendar=calendar, database_url=empty_database, today=THURSDAY, plan="small")
    desk("plan", "adopt", "small")
    desk("watch", code=3, smtp_url=f"smtp://{unused_place()}")
    return desk


def closures(desk: Desk) -> Path:
    return Path(desk.variables["KIJITSU_CALENDAR"]) / "closures" / "municipality.yaml"


def close(desk: Desk, on: str, calendar: str = "municipality") -> None:
    close_day(closures(desk).with_name(f"{calendar}.yaml"), on, LAW)


def entries(desk: Desk) -> list[dict[str, Any]]:
    return [entry for entry in desk("audit", "list", "--json").json if entry["action"] == "calendar"]


def ledger(desk: Desk) -> set[tuple[str, str, str]]:
    rows = desk("reminders", "--json").json
    return {(r["milestone"], r["deadline"], r["state"]) for r in rows if r["rule"] == "before:10wd"}


def test_a_new_holiday_moves_what_counts_on_the_day_and_its_cause_is_in_the_log(desk: Desk) -> None:
    close(desk, "2016-07-29")

    (change,) = desk("watch", "--json", today=FRIDAY).json["calendars"]

    assert change == {
        "calendar": "municipality",
        "cause": f"平成28年7月29日（金）{LAW}",
        "closed": [["2016-07-29", LAW]],
        "opened": [],
        "milestones": MOVED,
    }
    (entry,) = entries(desk)
    assert (entry["actor"], entry["authenticated_by"], entry["subject"]) == (os_user(), "operating-system", "small")
    assert entry["details"] == {**change, "on": FRIDAY}
    assert LAW in desk("audit", "list").out
    assert desk("audit", "verify", "--json").json["problems"] == []
    slots = {slot["id"]: slot for slot in desk("schedule", "small", "--as-of", FRIDAY, "--json").json}
    assert {id: {key: slots[id][key] for key in dates} for id, dates in MOVED.items()} == {
        id: {key: after for key, (_, after) in dates.items()} for id, dates in MOVED.items()
    }


def test_people_read_which_day_closed_and_what_that_moved(desk: Desk) -> None:
    close(desk, "2016-07-29")

    said = desk("watch", today=FRIDAY).out

    assert (
        f"休日表「石巻市の休日」が変わりました: 平成28年7月29日（金）{LAW}。期限や予定が動いた項目 4件\n"
        "  届出書の提出: 最遅完了 平成28年7月29日（金） → 平成28年7月28日（木）\n"
    ) in said
    assert "  招集の告示: 最遅完了 平成28年7月27日（水） → 平成28年7月28日（木）、期限 平成28年7月27日" in said


def test_letters_that_wait_with_the_former_date_are_withdrawn_for_new_ones(desk: Desk) -> None:
    assert ledger(desk) == {("filing", "2016-07-29", "pending"), ("notice", "2016-07-27", "pending")}
    close(desk, "2016-07-29")

    report = desk("watch", "--json", today=FRIDAY).json

    # To 市民課 and 総務課, whose dates moved, and to the 事務局, with the 週報 that waited since Thursday.
    assert (report["letters"], report["sent"]) == (3, 3)
    assert ledger(desk) == {
        ("filing", "2016-07-29", "superseded"),
        ("notice", "2016-07-27", "superseded"),
        ("filing", "2016-07-28", "sent"),
        ("notice", "2016-07-28", "sent"),
    }
    assert len(desk.mails) == 3
    assert desk("outbox", "list", "--json").json == []


def test_a_change_is_noticed_once(desk: Desk) -> None:
    close(desk, "2016-07-29")
    desk("watch", today=FRIDAY)
    log, letters = desk("audit", "list", "--json").json, len(desk.mails)

    again = desk("watch", "--json", today=FRIDAY).json

    assert (again["calendars"], again["transitions"], again["letters"]) == ([], 0, 0)
    assert desk("audit", "list", "--json").json == log
    assert len(desk.mails) == letters
    assert desk("watch", "--json", today=TUESDAY).json["calendars"] == []


def test_a_holiday_that_is_taken_away_moves_everything_back(desk: Desk) -> None:
    before = closures(desk).read_text(encoding="utf-8")
    close(desk, "2016-07-29")
    desk("watch", today=FRIDAY)
    closures(desk).write_text(before, encoding="utf-8")

    said = desk("watch", today=TUESDAY).out

    assert f"平成28年7月29日（金）は開庁日に（これまで{LAW}）" in said
    _, entry = entries(desk)
    assert (entry["details"]["closed"], entry["details"]["opened"]) == ([], [["2016-07-29", LAW]])
    assert entry["details"]["milestones"] == {
        id: {key: dates[::-1] for key, dates in keys.items()} for id, keys in MOVED.items()
    }
    assert desk("audit", "verify", "--json").json["problems"] == []


def test_a_change_that_moves_nothing_is_recorded_all_the_same(desk: Desk) -> None:
    close(desk, "2027-06-01")

    said = desk("watch", today=FRIDAY).out

    assert f"令和9年6月1日（火）{LAW}。動いた期限や予定はありません" in said
    (entry,) = entries(desk)
    assert entry["details"]["milestones"] == {}
    assert ("filing", "2016-07-29", "sent") in ledger(desk)


@pytest.mark.parametrize(
    "on", ["2040-01-04", "2016-07-30", "2016-07-18"], ids=["beyond the tables", "a Saturday", "a holiday already"]
)
def test_a_day_that_was_closed_already_or_that_nobody_counts_is_no_change(on: str, desk: Desk) -> None:
    close(desk, on)

    assert desk("watch", "--json", today=FRIDAY).json["calendars"] == []

    assert entries(desk) == []


def test_a_calendar_that_the_plan_does_not_count_on_is_none_of_its_business(desk: Desk) -> None:
    close(desk, "2016-07-29", "government")

    assert desk("watch", "--json", today=FRIDAY).json["calendars"] == []


def test_on_a_closed_day_a_change_waits_for_the_next_open_one(desk: Desk) -> None:
    close(desk, "2016-07-29")

    on_saturday = desk("watch", "--json", today="2016-07-16").json
    on_tuesday = desk("watch", "--json", today=TUESDAY).json

    assert on_saturday["calendars"] == []
    assert [change["milestones"] for change in on_tuesday["calendars"]] == [MOVED]


def test_a_change_before_the_first_pass_is_told_against_the_calendar_of_the_adoption(
    empty_database: str, tmp_path: Path
) -> None:
    calendar = calendar_with(tmp_path / "calendar", small=PLAN)
    desk = Desk(tmp_path / "home", calendar=calendar, database_url=empty_database, today=THURSDAY, plan="small")
    desk("plan", "adopt", "small")
    close(desk, "2016-07-29")

    (change,) = desk("watch", "--json").json["calendars"]

    assert change["milestones"] == MOVED


def test_a_plan_adopted_before_calendars_were_remembered_starts_with_todays(desk: Desk) -> None:
    with engine_of(desk.variables["KIJITSU_DATABASE_URL"]).begin() as connection:
        connection.execute(text("DELETE FROM seen_calendars"))
    close(desk, "2016-07-29")

    first = desk("watch", "--json", today=FRIDAY).json
    close(desk, "2016-07-28")
    second = desk("watch", "--json", today=TUESDAY).json

    assert first["calendars"] == []
    assert [change["closed"] for change in second["calendars"]] == [[["2016-07-28", LAW]]]


def test_a_year_that_comes_into_view_is_no_change(desk: Desk) -> None:
    """The tables reach twelve years beyond the year of the pass."""
    later = desk("watch", "--json", today="2018-01-04").json

    assert later["calendars"] == []
    with engine_of(desk.variables["KIJITSU_DATABASE_URL"]).connect() as connection:
        assert str(connection.execute(text('SELECT "last" FROM seen_calendars')).scalar_one()) == "2030-12-31"
    close(desk, "2029-06-01")
    (change,) = desk("watch", "--json", today="2018-01-05").json["calendars"]
    assert change["closed"] == [["2029-06-01", LAW]]
