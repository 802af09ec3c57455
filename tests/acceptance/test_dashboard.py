"""The three users at the real dashboard that `make run` starts, in the order of the tutorial.

Its pictures are taken here: `make docs` keeps them in docs/tutorial, a test run throws them away.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import dashboard

SECONDS = 240
RUN_SECONDS = 90_000


@dataclass(frozen=True)
class Cockpit:
    """What `make run` started: its process, what it said, where its dashboard and its data are."""

    process: subprocess.Popen[str]
    said: str
    url: str
    morning: str
    home: Path


def demo(home: Path, *options: str) -> subprocess.Popen[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("KIJITSU_", "PREFECT_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "kijitsu", "demo", *options],
        env={**kept, "KIJITSU_HOME": str(home), "PYTHONUTF8": "1"},
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


@pytest.fixture(scope="module")
def cockpit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cockpit]:
    home = tmp_path_factory.mktemp("var")
    process = demo(home)
    try:
        said = "".join(lines_until(process, "終えるには Ctrl-C"))
        found = re.search(r"(http://127\.0\.0\.1:\d+)/runs/flow-run/([0-9a-f-]{36})", said)
        assert found, said + (process.stderr.read() if process.stderr and process.poll() is not None else "")
        yield Cockpit(process, said, found[1], found[2], home / "demo")
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=SECONDS)


@pytest.fixture
def page(browser: Browser, cockpit: Cockpit) -> Iterator[Page]:
    with dashboard.opened(browser, cockpit.url) as opened:
        yield opened


@pytest.fixture
def picture(page: Page, tmp_path: Path) -> Callable[[str], None]:
    """Take a picture for the tutorial."""
    folder = Path(os.environ["PICTURES"], "tutorial") if "PICTURES" in os.environ else tmp_path

    def take(name: str) -> None:
        page.mouse.move(0, 0)
        page.evaluate("document.querySelector('.schema-form-property')?.scrollIntoView()")
        # What is still on its way in is waited for.
        page.wait_for_load_state("networkidle")
        page.screenshot(path=folder / f"{name}.png", animations="disabled")

    return take


def open_run(page: Page, cockpit: Cockpit, run: str) -> dict[str, dict[str, Any]]:
    """Open a run's page; return what its graph is drawn from: the nodes by the milestone in their label."""
    with page.expect_response(re.compile("graph-v2")) as answered:
        page.goto(f"{cockpit.url}/runs/flow-run/{run}")
    nodes = [node for _, node in answered.value.json()["nodes"]]
    return {found[1]: node for node in nodes if (found := re.search(r"\[(\S+)\]$", node["label"]))}


def upstream(nodes: dict[str, dict[str, Any]]) -> dict[str, set[str]]:
    """Return what each milestone of a graph waits for in the end."""
    names = {node["id"]: name for name, node in nodes.items()}

    @cache
    def of(name: str) -> set[str]:
        before = {names[parent["id"]] for parent in nodes[name]["parents"]}
        return before.union(*map(of, before))

    return {name: of(name) for name in nodes}


def run_the_watch(page: Page) -> str:
    """Start 毎朝 by hand, as after a report, and return the run once it has ended."""
    run = dashboard.run_at_once(page, "毎朝")
    expect(page.get_by_text(re.compile("^(要対応|順調)$")).first).to_be_visible(timeout=RUN_SECONDS)
    return run


def test_the_first_words_say_where_to_look(cockpit: Cockpit, page: Page, picture: Callable[[str], None]) -> None:
    assert "kijitsu why fy28 notification\n" in cockpit.said
    assert "kijitsu move fy28 pia --to 平成28年8月\n" in cockpit.said
    assert re.search(r"KIJITSU_TODAY=2016-07-14 \S+kijitsu watch fy28\n", cockpit.said)
    assert (cockpit.home / "replay" / "report.html").exists()
    assert list((cockpit.home / "today" / "mailbox").glob("*_2016-07-13_*.eml"))

    dashboard.turn_to(page, "Runs")

    expect(page.get_by_text("fy28 2016-07-13").first).to_be_visible()
    expect(page.get_by_text("Switch to V2 UI")).to_have_count(0)
    picture("runs")


def test_the_run_opens_on_what_needs_action(cockpit: Cockpit, page: Page, picture: Callable[[str], None]) -> None:
    open_run(page, cockpit, cockpit.morning)

    expect(page.get_by_text("要対応", exact=True).first).to_be_visible()
    expect(page.get_by_text(re.compile("期限超過（担当 総務課、期限 平成28年5月31日（火））")).first).to_be_visible()
    expect(page.get_by_text("Finished in state")).to_have_count(0)
    picture("morning")


def test_the_graph_shows_what_a_late_assessment_stops_and_why(
    cockpit: Cockpit, page: Page, picture: Callable[[str], None]
) -> None:
    nodes = open_run(page, cockpit, cockpit.morning)

    assert len([name for name in nodes if name not in ("gates", "letters")]) == 69
    assert nodes["pia"]["state_type"] == "FAILED"
    stopped = {name for name, node in nodes.items() if node["state_type"] == "PENDING"}
    assert {"precheck", "notification", "linkage"} <= stopped
    before = upstream(nodes)
    assert all("pia" in before[name] for name in stopped)
    assert all(not before[name] & (stopped | {"pia"}) for name in nodes if name not in stopped)

    dashboard.lay_out_as_grid(page)
    picture("graph")
    page.reload()
    page.get_by_text("Task Runs", exact=True).last.click()
    page.get_by_placeholder(re.compile("Search", re.IGNORECASE)).last.fill("notification]")
    page.get_by_role("link", name=re.compile(r"■ .*\[notification\]")).first.click()

    expect(page.get_by_text("NotReady").first).to_be_visible()
    expect(page.get_by_text("原因: 特定個人情報保護評価書の再評価").first).to_be_visible()
    expect(
        page.get_by_text(re.compile("が期限までに終わっていません（平成28年6月1日（水）から）")).first
    ).to_be_visible()
    picture("reason")


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("actions", "これが終わらないと10件が進みません"),
        ("chain", "止まっている項目: 10件"),
        ("year", "平成28年7月13日（水）"),
    ],
)
def test_the_newest_of_each_artifact_opens_under_its_key(
    cockpit: Cockpit, page: Page, picture: Callable[[str], None], key: str, shown: str
) -> None:
    page.goto(f"{cockpit.url}/artifacts")
    page.get_by_text(f"fy28-{key}", exact=True).click()
    page.locator(".artifact-timeline-item, .timeline-artifact-item, a[href*='/artifacts/artifact/']").first.click()

    expect(page.get_by_text(shown).first).to_be_visible()
    for image in page.locator("img[src^='data:image/svg']").all():
        assert image.evaluate("image => image.complete && image.naturalWidth > 0")
    picture(key)


def test_a_manager_looks_at_a_move_then_makes_it(cockpit: Cockpit, page: Page, picture: Callable[[str], None]) -> None:
    dashboard.open_form(page, "日程変更")
    dashboard.choose(page, "項目", "（portal）")
    dashboard.write(page, "新しい時期", "平成29年8月～")
    dashboard.write(page, "理由", "国の発表 <b>2</b> *3*")
    dashboard.write(page, "氏名または職名", "情報システム課長")
    picture("move-form")
    dashboard.submit(page)

    # The run's page opens on its log.
    what_next = page.get_by_text("「実際に変更する」を選び、「影響を確かめた版」に 4 と書いて送ってください。").first
    expect(what_next).to_be_visible(timeout=RUN_SECONDS)
    expect(page.get_by_text("確認のみ").first).to_be_visible()
    picture("move-looked-at")

    page.get_by_text("Artifacts", exact=True).last.click()
    page.get_by_text("fy28-change").last.click()
    expect(page.get_by_text("理由: 国の発表 <b>2</b> *3*")).to_be_visible()
    expect(page.locator("td", has_text="平成29年7月～")).to_be_visible()
    picture("move-effects")

    page.get_by_role("link", name="→ 平成29年8月～").first.click()
    dashboard.copy_to_new_run(page)
    expect(dashboard.field(page, "新しい時期").locator("textarea")).to_have_value("平成29年8月～")
    dashboard.choose(page, "何をするか", "実際に変更する")
    dashboard.write(page, "影響を確かめた版", "4")
    dashboard.submit(page)

    expect(page.get_by_text("変更済み").first).to_be_visible(timeout=RUN_SECONDS)
    expect(page.get_by_text("「取り消す版」に 5 と書いて送ります").first).to_be_visible()


def test_a_clerk_reports_the_assessment_and_the_next_watch_lets_go(
    cockpit: Cockpit, page: Page, picture: Callable[[str], None]
) -> None:
    dashboard.open_form(page, "完了報告")
    dashboard.choose(page, "項目", "（pia）")
    dashboard.pick(page, "完了した日", "2016-07-13")
    page.get_by_role("button", name="Add item").click()
    dashboard.write(page, "種類", "評価書")
    dashboard.write(page, "文書番号", "石総第70号")
    dashboard.write(page, "氏名または職名", "事務局")
    picture("complete-form")
    dashboard.submit(page)
    expect(page.get_by_text("記録済み").first).to_be_visible(timeout=RUN_SECONDS)

    nodes = open_run(page, cockpit, run_the_watch(page))

    assert (nodes["pia"]["state_type"], nodes["precheck"]["state_type"]) == ("COMPLETED", "COMPLETED")
    # Published it is not yet, which was due as well, and holds the rest.
    assert nodes["pia_publication"]["state_type"] == "FAILED"
    before = upstream(nodes)
    assert all("pia_publication" in before[name] for name, node in nodes.items() if node["state_type"] == "PENDING")
    picture("freed")


def test_a_form_that_lacks_something_says_so_beside_the_field(page: Page) -> None:
    dashboard.open_form(page, "日程変更")
    dashboard.write(page, "新しい時期", "平成29年8月～")
    page.get_by_role("button", name="Submit").click()

    expect(dashboard.field(page, "理由")).to_contain_text("required")


def test_the_secretariat_sees_the_letters_of_the_coming_weeks(page: Page, picture: Callable[[str], None]) -> None:
    dashboard.open_form(page, "予行")
    dashboard.write(page, "何週間先まで", "2")
    dashboard.submit(page)

    expect(page.get_by_text("予行済み").first).to_be_visible(timeout=RUN_SECONDS)
    page.get_by_text("Artifacts", exact=True).last.click()
    page.get_by_text("fy28-rehearsal").last.click()
    expect(page.locator("td", has_text="総務課").first).to_be_visible()
    picture("rehearsal")


def test_the_automations_and_the_events_are_ours(page: Page, picture: Callable[[str], None]) -> None:
    dashboard.turn_to(page, "Automations")
    expect(page.get_by_text("停止").first).to_be_visible()
    picture("automations")

    dashboard.turn_to(page, "Event Feed")
    expect(page.get_by_text(re.compile("kijitsu\\.")).first).to_be_visible()


def test_ctrl_c_ends_everything_and_it_runs_again(cockpit: Cockpit) -> None:
    cockpit.process.send_signal(signal.SIGINT)
    rest, errors = cockpit.process.communicate(timeout=SECONDS)

    assert cockpit.process.returncode == 0, errors
    assert "止めました" in rest
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(cockpit.url.rpartition(":")[2]))) != 0

    again = demo(cockpit.home.parent, "--once")
    said, errors = again.communicate(timeout=SECONDS)

    assert again.returncode == 0, errors
    assert "見るところ" in said
    assert "止めました" in said
