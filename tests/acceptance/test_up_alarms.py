"""`kijitsu up` tells the operator when the Prefect server dies under it, by another path than the one that failed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from kijitsu.hosting.processes import free_port
from tests.acceptance.support import SMALL, Desk, calendar_with
from tests.integration.smtp_relays import unused_place, webhook

SECONDS = 240


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
            prefect_port=free_port(0),
            operator_url=f"json://{operator.place}/",
            smtp_url=f"smtp://{unused_place()}",
        )
        outside = {name: value for name, value in os.environ.items() if not name.startswith(("KIJITSU_", "PREFECT_"))}
        up = subprocess.Popen(
            [sys.executable, "-m", "kijitsu", "up"],
            env={**outside, **desk.variables, "PYTHONUTF8": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            assert up.stdout
            while "Ctrl-C" not in (line := up.stdout.readline()):
                assert line, up.communicate(timeout=SECONDS)[1]

            os.kill(child_of(up.pid, "prefect server start"), signal.SIGKILL)
            _, errors = up.communicate(timeout=SECONDS)
        finally:
            if up.poll() is None:
                up.send_signal(signal.SIGINT)
                up.communicate(timeout=SECONDS)

    assert up.returncode == 3
    assert "Prefectサーバーが終了しました（コード -9" in errors
    titles = [json.loads(body)["title"] for body in operator.bodies]
    assert titles == ["【期日】プロセスが終了しました"]
