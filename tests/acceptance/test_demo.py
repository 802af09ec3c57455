"""`make run` does `kijitsu demo`: a newcomer's first minutes, as a real process."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests import dashboard

SECONDS = 240


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("KIJITSU_", "PREFECT_"))}
    return {**kept, "KIJITSU_HOME": str(tmp_path / "var"), "PYTHONUTF8": "1"}


def start(environment: dict[str, str], *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "kijitsu", "demo", *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def lines_until(process: subprocess.Popen[str], mark: str) -> Iterator[str]:
    assert process.stdout
    for line in process.stdout:
        yield line
        if mark in line:
            return


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def a_manager_looks_at_a_move(browser: Browser, url: str) -> None:
    """See all that a move does and how to make it, without a terminal; nothing is loaded from elsewhere."""
    with dashboard.opened(browser, url) as page:
        dashboard.start_run(page, "日程変更")
        dashboard.choose(page, "項目", "（portal）")
        dashboard.write(page, "新しい時期", "平成29年8月～")
        dashboard.write(page, "理由", "国の発表 <b>2</b> *3*")
        dashboard.write(page, "氏名または職名", "情報システム課長")
        dashboard.submit(page)

        # The run's page opens on its log.
        what_next = page.get_by_text(
            "「実際に変更する」を選び、「影響を確かめた版」に 4 と書いて送ってください。"
        ).first
        expect(what_next).to_be_visible(timeout=60_000)
        expect(page.get_by_text("確認のみ").first).to_be_visible()

        page.get_by_text("Artifacts", exact=True).last.click()
        page.get_by_text("fy28-change").last.click()
        expect(page.get_by_text("理由: 国の発表 <b>2</b> *3*")).to_be_visible()
        expect(page.locator("td", has_text="平成29年7月～")).to_be_visible()

        page.get_by_role("link", name="→ 平成29年8月～").first.click()
        page.locator(".flow-run-menu button").first.click()
        page.locator(".p-overflow-menu-item", has_text="Copy to new run").click()
        expect(dashboard.field(page, "新しい時期").locator("textarea")).to_have_value("平成29年8月～")
        dashboard.choose(page, "何をするか", "実際に変更する")
        dashboard.write(page, "影響を確かめた版", "4")


def test_the_demo_shows_a_stopped_day_ends_on_ctrl_c_and_runs_again(
    environment: dict[str, str], tmp_path: Path, browser: Browser
) -> None:
    demo = start(environment)
    try:
        said = "".join(lines_until(demo, "終えるには Ctrl-C"))
        found = re.search(r"(http://127\.0\.0\.1:(\d+))/runs/flow-run/([0-9a-f-]{36})", said)
        assert found, said + (demo.stderr.read() if demo.stderr and demo.poll() is not None else "")
        url, port, run = found[1], int(found[2]), found[3]
        with urllib.request.urlopen(f"{url}/api/flow_runs/{run}", timeout=10) as answer:  # noqa: S310 (loopback)
            shown = answer.read().decode()
        assert "要対応" in shown
        assert "fy28 2016-07-13" in shown
        a_manager_looks_at_a_move(browser, url)
    finally:
        demo.send_signal(signal.SIGINT)
        rest, errors = demo.communicate(timeout=SECONDS)

    assert demo.returncode == 0, errors
    assert "止めました" in rest
    assert not is_listening(port)
    home = tmp_path / "var" / "demo"
    assert (home / "replay" / "report.html").exists()
    assert list((home / "today" / "mailbox").glob("*_2016-07-13_*.eml"))

    again = start(environment, "--once")
    said, errors = again.communicate(timeout=SECONDS)

    assert again.returncode == 0, errors
    assert "見るところ" in said
    assert "kijitsu why fy28 notification\n" in said
    assert "kijitsu move fy28 pia --to 平成28年8月\n" in said
    assert re.search(r"KIJITSU_TODAY=2016-07-14 \S+kijitsu watch fy28\n", said)
    assert "止めました" in said
