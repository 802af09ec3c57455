"""`kijitsu up` with its automations: a stop reaches the secretariat's channel, a failed pass the operator."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowFilter, FlowFilterName

from kijitsu.hosting.processes import free_port
from tests.acceptance.support import SMALL, Desk, body, calendar_with, read_mails

SECONDS = 90
# The day after review is due.
STOPPED = "2016-06-01"


class Prefect:
    """The server of `kijitsu up`, as any program would use it."""

    def __init__(self, port: str) -> None:
        self._client = SyncPrefectClient(f"http://127.0.0.1:{port}/api")

    def start(self, deployment: str, **parameters: Any) -> None:
        """Start a run, as somebody does at the dashboard."""
        found = self._client.read_deployment_by_name(deployment)
        self._client.create_flow_run_from_deployment(found.id, parameters=parameters)

    def runs(self, flow: str) -> list[str]:
        """Return the names of the states of a flow's runs, sorted."""
        found = self._client.read_flow_runs(flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])))
        return sorted(run.state_name or "" for run in found)


def until(is_so: Callable[[], Any], process: subprocess.Popen[bytes]) -> Any:
    """Return what comes of asking, once it is something."""
    ends_at = time.monotonic() + SECONDS
    while time.monotonic() < ends_at:
        if found := is_so():
            return found
        try:
            process.wait(0.25)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail("kijitsu up ended")
    pytest.fail("it did not come to pass")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk on the morning on which a milestone becomes late, with what the evening before left behind."""
    calendar = calendar_with(tmp_path / "calendar", small=SMALL)
    desk = Desk(tmp_path / "home", calendar=calendar, plan="small", board_port=free_port(0))
    desk("plan", "adopt", "small", today="2016-04-01")
    desk("watch", "small", today="2016-05-31")
    yield desk


def test_a_stop_is_told_to_the_channel_and_a_failed_pass_to_the_operator_once_each(desk: Desk) -> None:
    home = desk.home
    assert home
    prefect = Prefect(desk.variables["KIJITSU_PREFECT_PORT"])
    up = desk.start("up", today=STOPPED)
    try:
        until((home / "prefect" / "serving").exists, up)
        channel, alarms = home / "mailbox" / "jimukyoku", home / "logs" / "alarms.log"
        prefect.start("毎朝の監視/毎朝")
        until(lambda: prefect.runs("毎朝の監視") == ["要対応"], up)
        # The pass of a later day is done.
        prefect.start("毎朝の監視/毎朝", form={"on": "2016-05-30"})
        until(lambda: prefect.runs("運用担当への連絡") == ["知らせた"], up)
        until(lambda: prefect.runs("事務局への連絡") == ["連絡済み"], up)

        assert prefect.runs("毎朝の監視") == ["Failed", "要対応"]
    finally:
        up.send_signal(signal.SIGINT)
        assert up.wait(SECONDS) == 0

    (news,) = read_mails(channel)
    assert news["Subject"] == "【停止】新たに2件が止まりました（小さな計画）"
    assert "原因：評価書の再評価" in body(news, "plain")
    assert "止まったもの：届出書の提出、窓口の開始" in body(news, "plain")
    (alarm,) = alarms.read_text(encoding="utf-8").splitlines()
    assert "「毎朝」に異常があります（Failed）" in alarm
    assert "それより前の平成28年5月30日（月）には戻れません" in alarm
