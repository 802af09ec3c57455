"""`kijitsu up` tells the operator when the Prefect server dies under it, by another path than the one that failed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from kijitsu.hosting.processes import free_port
from tests.acceptance.support import SMALL, UP_SECONDS, Desk, calendar_with
from tests.integration.smtp_relays import unused_place, webhook


def child_of(parent: int, words: str) -> int:
    """Return the process that another started with these words in its command line."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            status, command = (folder / "status").read_text(), (folder / "cmdline").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        if f"PPid:\t{parent}\n" in status and words in command.replace("\0", " "):
            return int(folder.name)
    raise AssertionError(f"process {parent} has no child {words}")


def test_a_killed_prefect_server_alarms_the_operator(tmp_path: Path) -> None:
    with webhook(None) as operator:
        desk = Desk(
            tmp_path / "home",
            calendar=calendar_with(tmp_path / "calendar", small=SMALL),
            board_port=free_port(0),
            operator_url=f"json://{operator.place}/",
            smtp_url=f"smtp://{unused_place()}",
        )
        with desk.up() as (up, _):
            os.kill(child_of(up.pid, "prefect server start"), signal.SIGKILL)
            _, errors = up.communicate(timeout=UP_SECONDS)

    assert up.returncode == 3
    assert "Prefectサーバーが終了しました（コード -9" in errors
    titles = [json.loads(body)["title"] for body in operator.bodies]
    assert titles == ["【期日】プロセスが終了しました"]
