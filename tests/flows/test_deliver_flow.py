"""配信: what a relay refused in the morning goes out when the relay is back."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import date

import pytest

from flows.deliver import deliver
from flows.watch import watch
from tests.flows.conftest import Morning

Prepare = Callable[[str | None, date], Morning]


def test_letters_that_a_relay_did_not_take_go_out_once_it_is_back(
    morning: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = morning("fy28-late-pia", date(2016, 7, 13))
    before = today.letters()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers
        monkeypatch.setenv("KIJITSU_SMTP_URL", f"smtp://127.0.0.1:{taken.getsockname()[1]}")
        morning_run = watch(return_state=True)
        again_too_early = deliver(return_state=True)
    monkeypatch.delenv("KIJITSU_SMTP_URL")
    monkeypatch.setenv("KIJITSU_TODAY", "2016-07-14")

    later = deliver(return_state=True)
    once_more = deliver(return_state=True)

    assert morning_run.name == "要対応"
    assert again_too_early.name == "送信なし"
    assert later.message == "送信 2通、再送待ち 0通、不達 0通"
    assert once_more.name == "送信なし"
    assert len(today.letters()) == len(before) + 2
