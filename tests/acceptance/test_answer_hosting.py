"""`kijitsu up` runs the board beside the dashboard, and the links of its letters lead there."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx

from kijitsu.hosting.processes import free_port
from tests.acceptance.support import SMALL, Desk, body, calendar_with

SECONDS = 240


def test_up_serves_the_board_on_another_port_where_its_own_is_taken_and_ends_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        desk = Desk(
            tmp_path / "home",
            calendar=calendar_with(tmp_path / "calendar", small=SMALL),
            board_port=taken,
            prefect_port=free_port(0),
            today="2016-05-17",
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
            said = ""
            while "Ctrl-C" not in said and (line := up.stdout.readline()):
                said += line
            found = re.search(r"返事のページ: http://127\.0\.0\.1:(\d+)（.*\n.*KIJITSU_BOARD_PORT=(\d+) ", said)
            assert found, said
            port = int(found[1])
            assert port == int(found[2]) != taken

            desk("watch", "small", board_port=port)
            # The week's 週報 goes to the 事務局, and asks for no answer.
            (letter,) = [mail for mail in desk.mails if mail["To"].addresses[0].username == "soumu"]
            [link] = set(re.findall(rf"http://127\.0\.0\.1:{port}/answer/[\w.~-]+", body(letter, "html")))
            shown = httpx.get(link)
            assert (shown.status_code, "評価書の再評価" in shown.text) == (200, True)
        finally:
            up.send_signal(signal.SIGINT)
            _, errors = up.communicate(timeout=SECONDS)

    assert up.returncode == 0, errors
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
