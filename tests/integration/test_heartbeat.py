"""A pass that did not happen by nine is noticed and told, whatever is down."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.errors import OutsideError
from kijitsu.hosting import up
from kijitsu.hosting.processes import Child, watch_over
from kijitsu.office import ALL_ROLES, Actor, Office
from kijitsu.services import adopting
from kijitsu.services.heartbeat import Beat, Cause, examine, tell
from kijitsu.services.watching import watch
from kijitsu.settings import Settings
from kijitsu.store.rows import PassRow
from tests.acceptance.support import SMALL, Desk, calendar_with
from tests.integration.smtp_relays import Webhook, unused_place, webhook

ISHINOMAKI = "042021"
CLERK = Actor("総務課 係員", "test", ALL_ROLES)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return calendar_with(tmp_path_factory.mktemp("content") / "calendar", small=SMALL)


@pytest.fixture
def settings(content: Path, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", calendar=content, plan="small")


@pytest.fixture
def operator() -> Iterator[Webhook]:
    with webhook(None) as there:
        yield there


def at(settings: Settings, local: str) -> Office:
    """The office at an instant, local time."""
    instant = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Asia/Tokyo"))
    return open_office(settings).at(lambda: instant)


def adopt(settings: Settings, local: str) -> None:
    office = at(settings, local)
    office.upgrade()
    adopting.adopt(office, "small", CLERK)


def asked(settings: Settings, local: str) -> Beat:
    return examine(at(settings, local))


def told(operator: Webhook) -> list[str]:
    return [json.loads(body)["title"] for body in operator.bodies]


# May 9 2016 is a Monday, May 6 the Friday before it; May 3, 4 and 5 are holidays.


def test_a_pass_is_missed_from_nine_on_of_an_open_day_until_it_is_made_up_for(
    content: Path, empty_database: str, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path / "home", calendar=content, plan="small", database_url=empty_database)
    adopt(settings, "2016-05-02T17:00")
    watch(at(settings, "2016-05-06T08:30"), "small")

    early, due = asked(settings, "2016-05-09T08:59"), asked(settings, "2016-05-09T09:00")
    late = asked(settings, "2016-05-09T11:05")
    watch(at(settings, "2016-05-09T11:06"), "small")
    done = asked(settings, "2016-05-09T11:07")

    assert (early.cause, early.day, early.last) == (None, date(2016, 5, 6), date(2016, 5, 6))
    assert (due.cause, due.day, due.late) == (Cause.PASS, date(2016, 5, 9), 0)
    assert (late.cause, late.late, late.last) == (Cause.PASS, 125, date(2016, 5, 6))
    assert (done.cause, done.last) == (None, date(2016, 5, 9))


def test_a_pass_at_one_minute_to_nine_is_in_time(settings: Settings) -> None:
    adopt(settings, "2016-05-06T17:00")
    watch(at(settings, "2016-05-09T08:59"), "small")

    assert asked(settings, "2016-05-09T09:00").cause is None


def test_closed_days_want_no_pass_and_excuse_none(settings: Settings) -> None:
    adopt(settings, "2016-05-01T12:00")
    before = [asked(settings, "2016-05-02T08:59"), asked(settings, "2016-05-02T09:00")]
    watch(at(settings, "2016-05-02T09:10"), "small")
    golden_week = [asked(settings, f"2016-05-0{day}T12:00") for day in (3, 4, 5)]
    friday_missed = [asked(settings, f"2016-05-0{day}T12:00") for day in (6, 7, 8)]

    assert [each.cause for each in before] == [None, Cause.PASS]
    assert [each.cause for each in golden_week] == [None] * 3
    assert [(each.cause, each.day) for each in friday_missed] == [(Cause.PASS, date(2016, 5, 6))] * 3


def test_the_first_open_day_of_a_year_looks_back_into_the_old_one(settings: Settings) -> None:
    adopt(settings, "2016-12-27T12:00")
    watch(at(settings, "2016-12-28T08:30"), "small")

    new_year = [asked(settings, "2017-01-03T12:00"), asked(settings, "2017-01-04T08:00")]

    assert [(each.cause, each.day) for each in new_year] == [(None, date(2016, 12, 28))] * 2
    assert asked(settings, "2017-01-04T09:00").cause is Cause.PASS


def test_a_plan_adopted_during_the_day_is_first_expected_the_next_open_morning(settings: Settings) -> None:
    adopt(settings, "2016-05-06T10:00")

    assert [asked(settings, f"2016-05-{when}").cause for when in ("06T10:01", "08T12:00", "09T08:59")] == [None] * 3
    assert asked(settings, "2016-05-09T09:00").cause is Cause.PASS


def test_a_rehearsal_is_never_late(settings: Settings) -> None:
    adopt(settings, "2016-05-02T17:00")
    stage = open_office(replace(settings, today="2016-05-09"))

    assert examine(stage).cause is None
    assert not tell(stage, Beat("small", "なし", Cause.PASS, date(2016, 5, 9)))
    assert not (settings.home / "logs" / "alarms.log").exists()


# --- what the operator is told ---


def test_the_operator_is_told_once_a_day_and_when_it_is_right_again(settings: Settings, operator: Webhook) -> None:
    settings = replace(settings, operator_url=f"json://{operator.place}/", smtp_url=f"smtp://{unused_place()}")
    adopt(settings, "2016-05-02T17:00")

    def minute(local: str) -> None:
        up.beat(at(settings, local))

    for local in ("2016-05-06T09:00", "2016-05-06T09:01", "2016-05-06T23:59", "2016-05-09T09:00", "2016-05-09T09:01"):
        minute(local)
    watch(at(settings, "2016-05-09T09:30"), "small")
    minute("2016-05-09T09:31")
    minute("2016-05-09T09:32")

    assert told(operator) == ["【期日】監視が行われていません"] * 2 + ["【期日】復旧しました"]
    first = json.loads(operator.bodies[0])["message"]
    assert "平成28年5月6日（金）の監視が行われていません（計画 small、0時間0分の遅れ）" in first
    assert "kijitsu watch" in first
    assert len((settings.home / "logs" / "alarms.log").read_text(encoding="utf-8").splitlines()) == 3


def test_a_clock_that_jumps_there_and_back_is_told_as_an_alarm_and_its_end(
    settings: Settings, operator: Webhook
) -> None:
    settings = replace(settings, operator_url=f"json://{operator.place}/")
    adopt(settings, "2016-05-06T08:00")
    watch(at(settings, "2016-05-06T08:30"), "small")

    for local in ("2016-05-06T10:00", "2031-01-06T10:00", "2031-01-06T10:01", "2016-05-06T10:02", "2016-05-06T10:03"):
        up.beat(at(settings, local))

    assert told(operator) == ["【期日】監視が行われていません", "【期日】復旧しました"]


def test_a_database_that_is_gone_is_an_alarm_of_its_own(settings: Settings, operator: Webhook) -> None:
    settings = replace(settings, operator_url=f"json://{operator.place}/")
    adopt(settings, "2016-05-02T17:00")
    database, aside = settings.home / "kijitsu.db", settings.home / "aside.db"

    up.beat(at(settings, "2016-05-06T09:00"))
    database.rename(aside)
    for local in ("2016-05-06T09:01", "2016-05-06T09:02"):
        up.beat(at(settings, local))
    aside.rename(database)
    up.beat(at(settings, "2016-05-06T09:03"))

    missing, unknown, back = (
        ["【期日】監視が行われていません"],
        ["【期日】監視を確かめられません"],
        ["【期日】復旧しました"],
    )
    assert told(operator) == missing + unknown + back


def test_an_alarm_that_did_not_get_through_is_tried_again_after_a_while(
    settings: Settings, operator: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    operator.answers = [500]
    settings = replace(settings, operator_url=f"json://{operator.place}/")
    adopt(settings, "2016-05-02T17:00")

    for local in ("2016-05-06T09:00", "2016-05-06T09:01", "2016-05-06T09:15", "2016-05-06T09:31"):
        up.beat(at(settings, local))

    assert told(operator) == ["【期日】監視が行われていません"] * 2
    assert "警報を送れない経路があります" in capsys.readouterr().err


def test_a_note_cut_short_has_the_operator_told_rather_than_not(settings: Settings) -> None:
    adopt(settings, "2016-05-02T17:00")
    (settings.home / "heartbeat.json").write_text('{"pass": {"ab')

    assert tell(at(settings, "2016-05-06T09:00"), asked(settings, "2016-05-06T09:00"))


# --- the processes of `kijitsu up` ---


def test_a_killed_process_of_ours_alarms_the_operator_before_it_is_raised(
    settings: Settings, operator: Webhook
) -> None:
    settings = replace(settings, operator_url=f"json://{operator.place}/")
    adopt(settings, "2016-05-06T10:00")
    office, minutes = at(settings, "2016-05-06T10:30"), []
    pause = [sys.executable, "-c", "import signal; signal.pause()"]
    children = [Child(name, pause, os.environ, settings.home / f"{name}.log") for name in "ab"]

    def each_minute() -> None:
        minutes.append(1)
        up.beat(office)
        os.kill(children[1].process.pid, signal.SIGKILL)

    try:
        with pytest.raises(OutsideError, match="bが終了しました（コード -9"), up.heart(office):
            watch_over(children, each_minute)
    finally:
        for child in children:
            child.stop()
    # Started again, it says so once.
    up.beat(office)
    up.beat(office)

    assert minutes == [1]
    assert told(operator) == ["【期日】プロセスが終了しました", "【期日】復旧しました"]


# --- the command ---


def test_the_command_ends_with_three_where_the_pass_is_missing(content: Path, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", calendar=content, plan="small")
    settings = Settings(home=tmp_path / "home", calendar=content, plan="small")
    adopt(settings, "2016-05-02T17:00")

    missing = desk("heartbeat", "--tell", code=3)
    again: Any = desk("heartbeat", "--tell", "--json", code=3).json
    # Not by `watch`, which does nothing where today is a closed day.
    office = open_office(settings)
    with office.open_work(ISHINOMAKI, False) as work:
        work.passes.record(PassRow("small", office.clock().date(), office.clock(), None, {}))
        work.commit()
    there = desk("heartbeat", "--tell")

    assert "監視が行われていません（計画 small" in missing.err
    assert again["cause"] == "pass"
    assert again["late"] > 0
    assert again["last"] is None
    assert "済んでいます" in there.out
    log = (tmp_path / "home" / "logs" / "alarms.log").read_text(encoding="utf-8").splitlines()
    assert [line.split("】")[1].split(":")[0] for line in log] == ["監視が行われていません", "復旧しました"]
