"""毎朝の監視 on a real Prefect server: what the run graph, the artifacts and the mailbox show."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State

from flows.watch import watch
from kijitsu.bootstrap import open_office
from kijitsu.domain.gates import Status
from kijitsu.services import watching
from tasks.milestones import show_all
from tests.acceptance.support import ROOT, close_day
from tests.flows.conftest import Morning

Prepare = Callable[[str | None, date], Morning]
STOPPED = date(2016, 7, 13)


def states_shown(report: watching.PassReport) -> dict[str, State[Any]]:
    """Run the milestones' tasks and return the state each ended in."""

    @flow
    def graph() -> dict[str, State[Any]]:
        return {id: future.state for id, future in show_all(report).items()}

    return graph()


def test_a_lapsed_prerequisite_leaves_all_that_rests_on_it_not_ready(morning: Prepare) -> None:
    office = morning("fy28-late-pia", STOPPED).office
    report = watching.watch(office, "fy28")

    states = states_shown(report)

    assert (states["pia"].type.value, states["pia"].name) == ("FAILED", "期限超過")
    for id, verdict in report.standing.verdicts.items():
        is_blocked = verdict.status is Status.BLOCKED
        assert (states[id].name == "NotReady") is is_blocked, id
    assert {"pia_publication", "precheck", "notification", "linkage"} <= {
        id for id, state in states.items() if state.name == "NotReady"
    }
    assert (states["first_committee"].type.value, states["first_committee"].name) == ("COMPLETED", "完了")
    assert states["card_study"].name == "着手可"


def test_a_validity_that_ended_is_a_failed_node_and_what_needs_it_is_not_ready(
    morning: Prepare, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    morning(None, date(2016, 4, 4))
    plan = tmp_path_factory.mktemp("plan") / "licence.yaml"
    plan.write_text(
        """
plan: licence
title: 許可の更新
fiscal_year: H28
organisation: ishinomaki
milestones:
  licence:
    title: 許可
    kind: registration
    owner: general_affairs
    when: 2016-04-01
    validity: {for: 10d, basis: 要領第3条}
    done: 2016-04-01
  use:
    title: 利用
    kind: service
    owner: residents
    when: 平成28年5月
    after: [{on: licence, valid: true}]
""",
        encoding="utf-8",
    )
    from kijitsu.services import reading

    office = open_office()
    standing = reading.standing(office, str(plan), date(2016, 4, 12))

    states = states_shown(watching.PassReport(standing, date(2016, 4, 12), True))

    assert states["licence"].name == "完了"
    assert states["use"].name == "NotReady"


def test_the_run_says_what_needs_action_and_sends_what_is_due_once(morning: Prepare) -> None:
    today = morning("fy28-late-pia", STOPPED)
    before = len(today.letters())

    first = watch(return_state=True)
    second = watch(return_state=True)

    assert first.type.value == "COMPLETED"
    assert (first.name, second.name) == ("要対応", "要対応")
    sent = today.letters()[before:]
    assert len(sent) == 2
    assert all("_2016-07-13_" in path.name for path in sent)
    assert first.message == "平成28年7月13日（水）: 要対応 11件、通知 2通"
    assert second.message == "平成28年7月13日（水）: 要対応 11件、通知 0通"


def test_a_year_on_time_is_smooth(morning: Prepare) -> None:
    morning("fy28-on-time", date(2016, 7, 21))

    state = watch(return_state=True)

    assert state.name == "順調"


def test_a_closed_day_is_looked_at_and_nothing_is_sent(morning: Prepare) -> None:
    today = morning("fy28-late-pia", date(2016, 7, 18))
    before = today.letters()

    state = watch(return_state=True)

    assert state.name == "要対応"
    assert today.letters() == before


def test_the_artifacts_name_the_root_cause_and_what_it_stops(morning: Prepare) -> None:
    morning("fy28-late-pia", STOPPED)

    watch()

    actions, chain, year = (Artifact.get(f"fy28-{key}") for key in ("actions", "chain", "year"))
    assert actions and chain and year
    assert "平成28年7月13日（水）" in (actions.description or "")
    assert json.loads(str(actions.data))[0] == {
        "状態": "期限超過",
        "項目": "[特定個人情報保護評価書の再評価](http://127.0.0.1:4280/plans/fy28/milestones/pia)",
        "担当": "総務課",
        "期限": "平成28年5月31日（火）",
        "理由": "これが終わらないと10件が進みません",
    }
    assert "## 原因: 特定個人情報保護評価書の再評価" in str(chain.data)
    assert "- 止まっている項目: 10件" in str(chain.data)
    assert "data:image/svg+xml;base64," in str(chain.data)
    assert "data:image/svg+xml;base64," in str(year.data)


def test_a_changed_calendar_is_told_above_what_needs_action(
    morning: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    morning("fy28-late-pia", STOPPED)
    calendar = shutil.copytree(ROOT / "calendar", tmp_path / "calendar")
    close_day(calendar / "closures" / "municipality.yaml", "2016-07-29", "市の記念日")
    monkeypatch.setenv("KIJITSU_CALENDAR", str(calendar))

    watch()

    actions = Artifact.get("fy28-actions")
    assert actions
    assert "休日表「石巻市の休日」が変わりました: 平成28年7月29日（金）市の記念日" in (actions.description or "")


def test_a_plan_that_nobody_adopted_fails_with_the_command_that_adopts_it(
    morning: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    morning(None, date(2016, 4, 4))
    monkeypatch.setenv("KIJITSU_PLAN", "fy99")

    state = watch(return_state=True)

    assert state.type.value == "FAILED"
    assert "kijitsu plan adopt fy99" in (state.message or "")


def test_the_run_is_named_after_plan_and_day(morning: Prepare) -> None:
    morning("fy28-late-pia", STOPPED)

    state = watch(return_state=True)

    assert state.state_details.flow_run_id
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(state.state_details.flow_run_id).name == "fy28 2016-07-13"
