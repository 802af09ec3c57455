"""The board as people use it: in Chromium, with axe-core, with the keyboard alone, and without JavaScript."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request

from kijitsu.bootstrap import open_office
from kijitsu.services import accounts
from kijitsu.services.delivering import dispatch
from kijitsu.services.replaying import rehearsal
from kijitsu.services.watching import watch
from kijitsu.settings import Settings
from tests.acceptance.support import SMALL, body, read_mails
from tests.board import CLERK, TODAY, link, served
from tests.integration.browsers import PASSWORD, Clock, Door, door

MORNING = date(2016, 7, 13)
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
PLAN_PAGES = {
    "today": "today",
    "timeline": "timeline",
    "timeline-month": "timeline?zoom=month",
    "stops": "stops",
    "changes": "changes",
    "change": "changes/new?milestone=review",
    "preview": "changes/new?milestone=filing&do=move&move=2016-12-01&cascade=push",
    "refused": "changes/new?milestone=filing&do=move&move=いつか&cascade=push",
    "milestone": "milestones/review",
    "deliveries": "deliveries",
    "deliveries-upcoming": "deliveries?state=upcoming",
    "audit": "audit",
    "missing": "milestones/none",
}
OTHER_PAGES = {"plans": "plans", "account": "account", "unknown": "plans/none/today", "sign-in": "sign-in"}
STATUS = {"refused": 422, "missing": 404, "unknown": 404}
APPROVED = SMALL.replace("milestones:", "approvers: [総務課長]\nmilestones:")
PAGES = {name: f"plans/small/{path}" for name, path in PLAN_PAGES.items()} | OTHER_PAGES


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A board after the pass of a morning, whose letters are in the mailbox."""
    with door(tmp_path_factory.mktemp("board")) as found:
        watch(found.office, "small")
        dispatch(found.office, found.office.library.organisations()[0])
        yield found


@contextmanager
def seen_by(city: Door, browser: Browser, account: str = "", **options: Any) -> Iterator[Page]:
    """Give a page of somebody who is signed in, or of nobody; fail where it asks anybody but the board."""
    context = browser.new_context(locale="ja-JP", **options)
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    context.on("request", note)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    if account:
        page.goto(f"{city.url}/sign-in/{accounts.make_link(city.office, CLERK, account)}")
        page.locator("main button").click()
        page.wait_for_url("**/account")
    yield page
    context.close()
    assert [url for url in asked if not url.startswith(city.url)] == []
    # A page that is not there says so on the console, too.
    assert [each for each in wrong if "404" not in each and "422" not in each] == []


@pytest.mark.parametrize(("width", "language"), [(1440, "ja"), (390, "en")])
def test_axe_finds_nothing_on_any_page(city: Door, browser: Browser, width: int, language: str) -> None:
    found = {}
    with seen_by(city, browser, "suzuki", viewport={"width": width, "height": 900}) as page:
        for name, path in PAGES.items():
            shown = page.goto(f"{city.url}/{path}{'&' if '?' in path else '?'}lang={language}")
            if not shown or shown.status != STATUS.get(name, 200):
                found[f"{name} is not there"] = []
            if broken := Axe().run(page, options={"runOnly": WCAG}).response["violations"]:
                found[name] = [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in broken]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found[f"{name} is too wide"] = []

    assert found == {}


def test_axe_finds_nothing_on_the_page_behind_a_letter(city: Door, browser: Browser) -> None:
    with seen_by(city, browser, viewport={"width": 390, "height": 844}) as page:
        page.goto(link(city.office))
        assert Axe().run(page, options={"runOnly": WCAG}).response["violations"] == []


# --- a real year, and its pictures ---


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """FY28 on the morning of July 13 2016: the assessment is late, and what rests on it stopped."""
    home = tmp_path_factory.mktemp("year") / "home"
    with rehearsal(open_office(Settings(home=home)), home) as stage:
        stage.start("fy28", date(2016, 4, 1))
        told = stage.office.library.history("fy28-late-pia", stage.office.library.plan("fy28").plan)
        for _ in stage.run(told, date(2016, 4, 1), MORNING, lambda done, of: None):
            pass
    clock = Clock()
    clock.advance(days=(MORNING - TODAY).days)
    with served(open_office(Settings(home=home, plan="fy28")), clock) as office:
        yield Door(office, clock)


SHOWN = {
    "today": "today",
    "timeline": "timeline",
    "timeline-month": "timeline?zoom=month",
    "stops": "stops",
    "change": "changes/new?milestone=june_session&do=move&move=平成28年9月&cascade=push",
    "changes": "changes",
    "milestone": "milestones/pia",
    "deliveries": "deliveries",
    "audit": "audit",
}


def test_the_pages_of_a_real_year_for_the_guide(year: Door, browser: Browser, tmp_path: Path) -> None:
    folder = Path(os.environ["PICTURES"], "board") if "PICTURES" in os.environ else tmp_path
    owner = year.office.actor().name
    with seen_by(year, browser, owner, viewport={"width": 1280, "height": 900}) as page:
        for name, path in SHOWN.items():
            page.goto(f"{year.url}/plans/fy28/{path}")
            page.screenshot(path=folder / f"{name}.png")
            assert Axe().run(page, options={"runOnly": WCAG}).response["violations"] == []
    with seen_by(year, browser, owner, viewport={"width": 390, "height": 844}) as page:
        page.goto(f"{year.url}/plans/fy28/today")
        page.screenshot(path=folder / "phone.png")


# --- the journeys, from a mail to the audit log; with a script and without ---


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def scripted(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def approved(tmp_path: Path) -> Iterator[Door]:
    """A board whose plan asks the 総務課長, who has a password, to approve changes."""
    with door(tmp_path, plan=APPROVED) as found:
        found.with_password("tanaka")
        yield found


@pytest.fixture
def morning(tmp_path: Path) -> Iterator[Door]:
    """A board on the day of a letter, whose pass has run."""
    with door(tmp_path) as found:
        watch(found.office, "small")
        yield found


def delivered(city: Door, *words: str) -> str:
    """Send what waits, and return the text of the one mail whose subject holds all the words."""
    dispatch(city.office, city.office.library.organisations()[0])
    mails = read_mails(city.office.settings.mailbox)
    (found,) = [mail for mail in mails if all(word in str(mail["Subject"]) for word in words)]
    return body(found, "plain")


def audited(city: Door, browser: Browser, scripted: bool) -> str:
    """Return what the page of the audit log says to the secretariat."""
    with seen_by(city, browser, "suzuki", java_script_enabled=scripted) as page:
        page.goto(f"{city.url}/plans/small/today")
        page.get_by_role("link", name="監査", exact=True).click()
        return page.locator("main").inner_text()


def test_a_manager_proposes_and_another_approves_from_the_letter(
    approved: Door, browser: Browser, scripted: bool
) -> None:
    with seen_by(approved, browser, "kondo", java_script_enabled=scripted) as page:
        page.goto(f"{approved.url}/plans/small/today")
        page.get_by_role("link", name="日程変更", exact=True).click()
        page.get_by_role("link", name="日程を変える").first.click()
        page.get_by_label("どの項目を").select_option(label="届出書の提出")
        page.get_by_label("新しい時期").fill("平成28年11月")
        page.get_by_role("button", name="影響を確かめる").click()
        assert "まだ何も変わっていません" in page.locator("main").inner_text()
        page.get_by_label("理由").fill("様式の改正を待つため")
        page.get_by_role("button", name="承認を求める").click()
        assert "承認待ち" in page.locator("main").inner_text()

    letter = delivered(approved, "承認依頼")
    [address] = re.findall(rf"{approved.url}/\S+", letter)
    with seen_by(approved, browser, java_script_enabled=scripted) as page:
        page.goto(address)
        page.get_by_label("アカウント").fill("tanaka")
        page.get_by_label("パスワード").fill(PASSWORD)
        page.locator("main button").click()
        assert page.url == address
        assert "様式の改正を待つため" in page.locator("main").inner_text()
        page.get_by_role("button", name="承認して変更する").click()
        assert "第2版" in page.locator("body").inner_text()

    told = audited(approved, browser, scripted)
    assert "様式の改正を待つため" in told
    assert "総務課長 tanaka" in told


def test_a_department_answers_its_letter_with_the_document_and_the_audit_log_has_it(
    morning: Door, browser: Browser, scripted: bool, tmp_path: Path
) -> None:
    paper = tmp_path / "評価書.pdf"
    paper.write_bytes(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")
    [address] = set(re.findall(rf"{morning.url}/answer/\S+", delivered(morning, "評価書の再評価", "5月31日")))

    with seen_by(morning, browser, java_script_enabled=scripted, viewport={"width": 390, "height": 844}) as page:
        page.goto(address)
        page.get_by_text("完了しました", exact=True).click()
        page.get_by_label("評価書の文書番号").fill("総第75号")
        page.get_by_label(re.compile("評価書のファイル")).set_input_files(paper)
        page.get_by_role("button", name="完了を報告する").click()
        assert "受け付けました" in page.locator("main").inner_text()

    told = audited(morning, browser, scripted)
    assert "総第75号" in told
    assert "総務課（署名付きリンク）" in told
    with seen_by(morning, browser, "suzuki", java_script_enabled=scripted) as page:
        page.goto(f"{morning.url}/plans/small/milestones/review")
        with page.expect_download() as download:
            page.get_by_role("link", name=re.compile("評価書.pdf")).click()
        assert Path(download.value.path()).read_bytes() == paper.read_bytes()


def test_the_secretariat_reminds_from_the_page_and_sees_that_it_arrived(
    morning: Door, browser: Browser, scripted: bool
) -> None:
    morning.clock.advance(days=14)  # Friday, June 3: the review is late
    watch(morning.office, "small")
    dispatch(morning.office, morning.office.library.organisations()[0])

    with seen_by(morning, browser, "suzuki", java_script_enabled=scripted) as page:
        page.goto(f"{morning.url}/plans/small/today")
        page.locator(".counts").get_by_role("link", name=re.compile("停止")).click()
        page.get_by_role("button", name="今すぐ督促する").first.click()
        assert "送りました" in page.locator("main").inner_text()

    assert "状況を至急御回答ください" in delivered(morning, "至急の照会", "評価書の再評価")
    assert "事務局 係員 suzuki（サインインのリンク）が、「評価書の再評価」（review）の督促" in audited(
        morning, browser, scripted
    )


# --- the keyboard alone ---


def test_the_keyboard_alone_signs_in_moves_and_opens_a_milestone(morning: Door, browser: Browser) -> None:
    morning.with_password("suzuki")
    with seen_by(morning, browser) as page:
        page.goto(f"{morning.url}/plans/small/timeline")
        reach(page, "アカウント")
        page.keyboard.type("suzuki")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/timeline")
        page.keyboard.press("Tab")
        assert focused(page) == "本文へ"
        reach(page, "評価書の再評価")
        page.keyboard.press("ArrowDown")
        assert "届出書の提出" in focused(page)
        page.keyboard.press("End")
        page.keyboard.press("Home")
        assert "評価書の再評価" in focused(page)
        page.keyboard.press("Enter")
        page.wait_for_url("**/milestones/review")


def focused(page: Page) -> str:
    """Return what the element with the focus is called."""
    name: str = page.evaluate(
        "(e => e.getAttribute('aria-label') || (e.labels && e.labels[0] ? e.labels[0].innerText : e.textContent))"
        "(document.activeElement)"
    )
    return name


def reach(page: Page, name: str) -> None:
    """Press the tab key until something of that name has the focus, which is then to be seen."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if name in focused(page):
            assert page.evaluate("document.activeElement.matches(':focus-visible')")
            return
    raise AssertionError(f"the tab key does not reach {name}")
