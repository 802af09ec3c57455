"""From a letter's link to the audit log, in a real browser without JavaScript, on a phone's width and a desk's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from kijitsu.hosting.processes import free_port
from tests.acceptance.support import SMALL, Desk, body, calendar_with

# Ten open days before 31 May 2016: the morning of the first letter.
MORNING = date(2016, 5, 17)


ON_DESK_AND_PHONE = pytest.mark.parametrize("page", [1440, 390], ids=["desk", "phone"], indirect=True)


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page as wide as asked, else as a phone's; whatever it asks of anybody but our board fails the test."""
    width = getattr(request, "param", 390)
    context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=False, locale="ja-JP")
    opened = context.new_page()
    foreign: list[str] = []
    opened.on("request", lambda sent: foreign.append(sent.url) if "://127.0.0.1:" not in sent.url else None)
    yield opened
    context.close()
    assert foreign == []


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk whose letters went out this morning, with the board running beside it as a process."""
    here = Desk(
        tmp_path / "home",
        calendar=calendar_with(tmp_path / "calendar", small=SMALL),
        board_port=free_port(0),
        today=MORNING,
        actor="総務課 係員",
    )
    here("plan", "adopt", "small")
    here("watch", "small")
    with board(here, tmp_path / "board.log"):
        yield here


@contextmanager
def board(desk: Desk, log: Path) -> Iterator[None]:
    """Run the board as `kijitsu up` starts it."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("KIJITSU_")}
    with log.open("wb") as out:
        command = [sys.executable, "-m", "kijitsu.web"]
        process = subprocess.Popen(command, env=outside | desk.variables, stdout=out, stderr=out)
    try:
        while not is_ready(desk.variables["KIJITSU_BOARD_PORT"]):
            assert not ends_within(process, 0.1), log.read_text(encoding="utf-8")
        yield
    finally:
        process.terminate()
        process.wait(20)


def is_ready(port: str) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").text == "ok\n"
    except httpx.TransportError:
        return False


def ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def link_in_the_letter(desk: Desk, to: str = "soumu@") -> str:
    (mail,) = [mail for mail in desk.mails if to in str(mail["To"])]
    links = set(re.findall(r"http://127\.0\.0\.1:\d+/answer/[\w.~-]+", body(mail, "html")))
    (link,) = links
    assert link in body(mail, "plain").replace("=\n", "")
    return str(link)


def audit(desk: Desk) -> list[dict[str, Any]]:
    return [entry for entry in desk("audit", "list", "small", "--json").json if entry["actor"] != "kijitsu"]


def choose(page: Page, words: str) -> None:
    """Open one of the answers with the keyboard."""
    page.locator("summary", has_text=words).focus()
    page.keyboard.press("Enter")


def is_within_the_window(page: Page) -> bool:
    """Tell whether nothing has to be scrolled to sideways. Asked of the boxes, for scripts are off."""
    assert page.viewport_size
    width = page.viewport_size["width"]
    boxes = [each.bounding_box() for each in page.locator("body *:visible").all()]
    return all(box["x"] >= 0 and box["x"] + box["width"] <= width + 1 for box in boxes if box)


@ON_DESK_AND_PHONE
def test_a_department_answers_from_its_letter(desk: Desk, page: Page) -> None:
    link = link_in_the_letter(desk)
    before = audit(desk)

    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("評価書の再評価")
    expect(page.locator(".due")).to_contain_text("平成28年5月31日（火）")
    expect(page.get_by_text("届出書の提出")).to_be_visible()
    assert is_within_the_window(page)
    assert audit(desk) == before

    page.get_by_role("button", name="確認しました").click()
    expect(page.get_by_role("status")).to_contain_text("受け付けました")
    page.reload()
    expect(page.get_by_text("確認済み（平成28年5月31日まで督促を止めています）")).to_be_visible()

    choose(page, "期限内の完了は困難です")
    page.get_by_label("完了の見込みの日").fill("2016-06-15")
    page.get_by_label("理由").fill("<b>国の様式</b>が届かないため")
    page.get_by_role("button", name="事務局に知らせる").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("見込みの日を平成28年6月15日（水）として")
    assert is_within_the_window(page)

    entries = audit(desk)[len(before) :]
    assert [(e["action"], e["actor"], e["subject"]) for e in entries] == [
        ("acknowledge", "総務課", "small/review"),
        ("estimate", "総務課", "small/review"),
    ]
    assert entries[1]["details"]["until"] == "2016-06-15"
    assert entries[1]["details"]["reason"] == "<b>国の様式</b>が届かないため"
    assert "改ざんはありません" in desk("audit", "verify", "small").out


@ON_DESK_AND_PHONE
def test_reminders_are_put_off_no_further_than_is_safe(desk: Desk, page: Page) -> None:
    page.goto(link_in_the_letter(desk))
    choose(page, "あとで知らせてください")
    day = page.get_by_label("次に知らせる日")
    assert (day.get_attribute("min"), day.get_attribute("max")) == ("2016-05-18", "2016-05-31")

    # The browser itself keeps to the last day; a Saturday only we know to be closed.
    day.fill("2016-06-01")
    page.get_by_role("button", name="この日まで止める").click()
    expect(page.get_by_role("status")).to_have_count(0)
    day.fill("2016-05-28")
    page.get_by_role("button", name="この日まで止める").click()
    expect(page.get_by_role("alert")).to_contain_text("閉庁日（土曜日）")
    expect(day).to_have_value("2016-05-28")
    expect(day).to_have_attribute("aria-invalid", "true")
    assert is_within_the_window(page)

    day.fill("2016-05-30")
    page.get_by_role("button", name="この日まで止める").click()
    expect(page.get_by_role("status")).to_contain_text("平成28年5月30日（月）まで督促を止めます")
    assert [entry["action"] for entry in audit(desk)][-1] == "snooze"


def test_completion_with_its_document_closes_the_page(desk: Desk, page: Page) -> None:
    page.goto(link_in_the_letter(desk))
    choose(page, "完了しました")
    page.get_by_label("評価書の文書番号").fill("総第75号")
    page.get_by_role("button", name="完了を報告する").click()

    expect(page.get_by_role("status")).to_contain_text("平成28年5月17日（火）の完了として記録しました")
    expect(page.get_by_role("button")).to_have_count(0)
    (reported,) = [e for e in audit(desk) if e["action"] == "complete"]
    assert reported["details"]["evidence"] == {"評価書": "総第75号"}
    assert desk("status", "small", "--json").json[0]["status"] == "done"


def test_a_page_left_open_while_the_date_moved_asks_again(desk: Desk, page: Page) -> None:
    page.goto(link_in_the_letter(desk))
    choose(page, "期限内の完了は困難です")
    page.get_by_label("完了の見込みの日").fill("2016-06-15")
    page.get_by_label("理由").fill("国の様式が届かないため")
    desk("move", "small", "review", "--to", "平成28年6月", "--cascade", "none", "--reason", "国の延期", "--apply")

    page.get_by_role("button", name="事務局に知らせる").click()

    expect(page.get_by_role("alert")).to_contain_text("平成28年6月30日（木）")
    expect(page.get_by_label("理由")).to_have_value("国の様式が届かないため")
    assert "estimate" not in [entry["action"] for entry in audit(desk)]
    page.get_by_role("button", name="事務局に知らせる").click()
    expect(page.get_by_role("status")).to_contain_text("受け付けました")


def test_a_rotated_key_is_noticed_and_old_letters_still_open(desk: Desk, page: Page) -> None:
    link = link_in_the_letter(desk)

    desk("keys", "rotate")
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("評価書の再評価")
    desk("keys", "rotate")
    desk("keys", "rotate")
    page.goto(link)

    expect(page.get_by_role("heading", level=1)).to_have_text("リンクが正しくありません")


def test_the_boards_log_names_no_link(desk: Desk, page: Page, tmp_path: Path) -> None:
    link = link_in_the_letter(desk)
    (tmp_path / "calendar" / "closures" / "municipality.yaml").write_text("[", encoding="utf-8")

    page.goto(link)

    expect(page.get_by_role("heading", level=1)).to_have_text("処理できませんでした")
    said = (tmp_path / "board.log").read_text(encoding="utf-8")
    assert page.locator(".reference").inner_text() in said
    assert link.rpartition("/")[2] not in said
