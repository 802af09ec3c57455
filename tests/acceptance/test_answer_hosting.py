"""`kijitsu up` runs the board beside the dashboard, and the links of its letters lead there."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path

import httpx

from tests.acceptance.support import SMALL, UP_SECONDS, Desk, body, calendar_with


def test_up_serves_the_board_on_another_port_where_its_own_is_taken_and_ends_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        desk = Desk(
            tmp_path / "home",
            calendar=calendar_with(tmp_path / "calendar", small=SMALL),
            board_port=taken,
            today="2016-05-17",
        )
        with desk.up() as (up, said):
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
            up.send_signal(signal.SIGINT)
            _, errors = up.communicate(timeout=UP_SECONDS)

    assert up.returncode == 0, errors
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
