"""A duty that recurs, at the command line: each time is moved and completed by itself; on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.support import Desk, calendar_with

YEARS = """\
plan: years
title: 繰り返しのある計画
fiscal_year: H28
organisation: ishinomaki
milestones:
  roster:
    title: 名簿の更新
    kind: roster
    owner: general_affairs
    when: 平成28年4月～5月
    validity: {for: 1y, basis: 番号法第12条}
    recurs: {every: 1y, until: 平成30年5月}
  access:
    title: 権限の付与
    kind: service
    owner: information_systems
    when: 平成29年6月
    after: [{on: roster, valid: true}]
  cards:
    title: カードの交付
    kind: count
    owner: residents
    when: 平成28年1月～平成29年6月15日
    series:
      - {on: 2016-04-15, title: 申請, value: 10548, unit: 件}
      - {on: 2016-04-15, title: 交付, value: 1846, unit: 枚}
    capacity: {per_day: 28, closures: residents, of: 申請, done: 交付}
"""


@pytest.fixture
def desk(empty_database: str, tmp_path: Path) -> Desk:
    calendar = calendar_with(tmp_path / "calendar", years=YEARS)
    opened = Desk(tmp_path / "home", calendar=calendar, database_url=empty_database, today="2016-05-13", plan="years")
    opened("plan", "adopt", "years")
    return opened


def windows(desk: Desk, **settings: str) -> dict[str, str | None]:
    return {slot["id"]: slot["due"] for slot in desk("schedule", "years", "--json", **settings).json}


def test_one_time_is_moved_and_the_others_stay(desk: Desk) -> None:
    said = desk(
        "move", "years", "roster-2", "--to", "平成29年6月", "--reason", "人事異動が遅いため", "--apply", "--json"
    )

    assert said.json["moved"] == [{"id": "roster-2", "old": "平成29年4月～平成29年5月", "new": "平成29年6月"}]
    assert {id: due for id, due in windows(desk).items() if id.startswith("roster")} == {
        "roster": "2016-05-31",
        "roster-2": "2017-06-30",
        "roster-3": "2018-05-31",
    }
    assert "'2': 平成29年6月" in desk("export", "years").out


def test_moving_the_first_time_leaves_the_rhythm(desk: Desk) -> None:
    desk("move", "years", "roster", "--to", "平成28年7月", "--reason", "様式の改正", "--apply")

    assert windows(desk)["roster"] == "2016-07-31"
    assert windows(desk)["roster-2"] == "2017-05-31"


def test_a_second_completion_names_the_next_time_and_that_renews_the_validity(desk: Desk) -> None:
    desk("complete", "years", "roster")
    again = desk("complete", "years", "roster", code=1)
    waiting = desk("status", "years", "--json", today="2017-05-22").json
    stopped = desk("why", "years", "access", "--json", today="2017-06-05").json
    desk("complete", "years", "roster-2", "--on", "2017-06-05", today="2017-06-05")
    after = desk("status", "years", "--json", today="2017-06-05").json

    assert "次の回は roster-2（名簿の更新（平成29年4月～平成29年5月））です。" in again.err
    by_id = {each["id"]: each for each in waiting}
    assert by_id["access"]["status"] == "waiting"
    assert [reason["prerequisite"] for reason in by_id["access"]["reasons"]] == ["roster-2"]
    assert (stopped["status"], stopped["reasons"][0]["code"]) == ("blocked", "prerequisite_validity_ended")
    assert any("「名簿の更新（平成29年4月～平成29年5月）」を完了し" in line for line in stopped["explanation"])
    assert {each["id"]: each["status"] for each in after}["access"] == "ready"


def test_a_counts_forecast_stands_beside_its_date(desk: Desk) -> None:
    said = desk("why", "years", "cards", "--json").json

    assert said["forecast"] == {"on": "2017-06-15", "left": 8702, "days": 311, "slack": 0}
    assert "8,702÷28で311開庁日" in "".join(said["explanation"])
    assert desk("why", "years", "roster", "--json").json["forecast"] is None


def test_a_recurrence_that_cannot_be_is_told_at_its_line(desk: Desk, tmp_path: Path) -> None:
    for wrong, line, message in (
        ("{every: 1y}", 12, "いつまで繰り返すか"),
        ("{every: 1y, at: [平成29年4月], until: 平成30年5月}", 12, "ちょうど一つ"),
        ("{with: accesss}", 12, "もしかして: access"),
        ("{with: access}", 12, "「access」には自分の周期がありません"),
        ("{every: 5wd, until: 平成30年5月}", 12, "1y（年）"),
    ):
        path = tmp_path / "wrong.yaml"
        path.write_text(YEARS.replace("{every: 1y, until: 平成30年5月}", wrong), encoding="utf-8")

        said = desk("check", str(path), code=1)

        assert f"wrong.yaml:{line}:" in said.err
        assert message in said.err
