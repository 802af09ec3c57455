"""Prefect's ids stand in our records, ours in Prefect's; and doctor asks a real Prefect what it has."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import pytest
from prefect import get_client
from prefect.settings import PREFECT_API_URL

from flows.watch import watch
from kijitsu.services.health import examine
from tests.flows.conftest import Morning

Prepare = Callable[[str | None, date], Morning]


def test_a_run_and_what_it_wrote_name_each_other(morning: Prepare) -> None:
    here = morning("fy28-late-pia", date(2016, 7, 13))

    state = watch(return_state=True)

    run = state.state_details.flow_run_id
    assert run
    with here.office.open_work("042021", True) as work:
        (entry,) = (each for each in work.audit.all() if each.details.get("flow_run") == str(run))
        last, plan = work.passes.latest("fy28"), work.plans.head("fy28")
    assert entry.action == "watch"
    assert last and plan
    assert last.flow_run == str(run)
    with get_client(sync_client=True) as client:
        assert {"plan:fy28", f"revision:{plan.number}", f"audit:{entry.number}"} <= set(client.read_flow_run(run).tags)
    log = (here.folder / "logs" / "kijitsu.jsonl").read_text(encoding="utf-8").splitlines()
    logged = [each for each in map(json.loads, log) if each.get("flow_run") == str(run)]
    assert {"pass", "letter", "delivery", "audit"} <= {each["event"] for each in logged}


def test_doctor_names_the_deployments_that_prefect_does_not_have(
    morning: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = morning("fy28-late-pia", date(2016, 7, 13)).office
    monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))

    doctor = {finding.what: finding for finding in examine(office)}

    assert "で動いています" in doctor["Prefect"].found
    assert "登録がありません: 毎朝" in doctor["デプロイメント"].remedy
