"""What people write stays text: on every page, in a letter, a card, a table, an artifact, it is never markup."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from kijitsu.domain.history import Deed
from kijitsu.services.delivering import dispatch
from kijitsu.services.reporting import Report, report
from kijitsu.services.watching import watch
from tests.acceptance.support import HEAD, body, read_mails
from tests.board import CLERK, link
from tests.integration.browsers import Door, csrf, door

SCRIPT = "<script>alert(1)</script>"
BAD = f'{SCRIPT}"><img src=x onerror=alert(1)>{{{{7*7}}}}[x](javascript:alert(1))'
SUM = '=HYPERLINK("k.example")'
PLAN = (
    HEAD
    + f"""\
milestones:
  review:
    title: {json.dumps("評価" + BAD, ensure_ascii=False)}
    kind: assessment
    owner: general_affairs
    when: 平成28年4月～5月
    evidence: [評価書]
    reminders: filing
    basis: {json.dumps(BAD)}
    source: {json.dumps(BAD)}
    note: {json.dumps(BAD)}
  filing: {{title: {json.dumps(SUM)}, kind: filing, owner: residents, when: 平成28年9月, after: [review]}}
"""
)
PAGES = (
    *("today", "timeline?ties=all", "timeline?zoom=month", "stops", "changes", "deliveries", "deliveries/next"),
    *("deliveries?state=upcoming", "audit", "milestones/review", "milestones/filing"),
    "changes/new?milestone=review&do=move&move=平成28年8月&cascade=push",
)


class Markup(HTMLParser):
    """Collects what could run."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "img", "object", "embed"):
            self.scripts.append(dict(attrs).get("src") or tag)
        for name, value in attrs:
            if name.startswith("on") or (value or "").strip().lower().startswith("javascript:"):
                self.handlers.append(f"{tag} {name}={value}")


def require_text(page: str) -> None:
    found = Markup()
    found.feed(page)
    assert [src for src in found.scripts if not re.fullmatch(r"(\.\./)*static/[\w./-]+\.js", src)] == []
    assert found.handlers == []
    assert "49[x]" not in page  # no template was run


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A late milestone, a report and a change, all with the worst of words, and their letters."""
    folder = tmp_path_factory.mktemp("texts")
    with door(folder, plan=PLAN) as found:
        watch(found.office, "small")
        late = Report(Deed.ESTIMATE, "review", date(2016, 5, 20), reason=BAD, until=date(2016, 6, 10))
        report(found.office, "small", late, CLERK)
        with found.entered("tanaka") as browser:
            asked = {"milestone": "review", "do": "move", "move": "平成28年5月", "cascade": "none"}
            sent = {**asked, "csrf": csrf(browser), "reason": BAD, "seen": "1"}
            assert browser.post("/plans/small/changes/new", data=sent).status_code == 303
        found.clock.advance(days=14)
        watch(found.office, "small")
        dispatch(found.office, found.office.library.organisations()[0])
        yield found


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_page_of_the_board_shows_it_and_runs_nothing(path: str, language: str, city: Door) -> None:
    with city.entered("suzuki") as browser:
        answer = browser.get(f"/plans/small/{path}{'&' if '?' in path else '?'}lang={language}")

    assert answer.status_code == 200
    assert SCRIPT not in answer.text
    require_text(answer.text)
    if path not in ("changes", "milestones/filing"):
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text


def test_the_page_behind_a_letter_shows_it_and_runs_nothing(city: Door) -> None:
    answer = httpx.get(link(city.office))

    assert "&lt;script&gt;" in answer.text
    require_text(answer.text)


def test_a_file_and_a_number_of_evidence_stay_text(tmp_path: Path) -> None:
    pdf = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
    name = '"><img src=x onerror=alert(1)>.pdf'
    with door(tmp_path, plan=PLAN) as city, city.entered("suzuki") as browser:
        fields = {"csrf": csrf(browser), "action": "complete", "on": "2016-05-20", "evidence.0": SCRIPT}
        sent = browser.post(
            "/plans/small/milestones/review",
            data=fields,
            files={"file.0": (name, pdf, "application/pdf")},
        )
        assert sent.status_code == 303, sent.text

        page = browser.get("/plans/small/milestones/review").text
        require_text(page)
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        [address] = set(re.findall(r'href="([^"]*evidence/[^"]+)"', page))
        paper = browser.get(str(httpx.URL("/plans/small/milestones/review").join(address)))
        assert paper.content == pdf
        assert paper.headers["content-disposition"].startswith("attachment")
        assert paper.headers["x-content-type-options"] == "nosniff"


def test_letters_and_cards_hold_it_as_text(city: Door) -> None:
    mails = [mail for mail in read_mails(city.office.settings.mailbox) if "評価" in str(mail["Subject"])]

    assert mails
    for mail in mails:
        require_text(body(mail, "html"))
        assert SCRIPT not in body(mail, "html")
        assert "\n" not in str(mail["Subject"])


def test_a_table_begins_no_cell_with_a_sum(city: Door) -> None:
    with city.entered("suzuki") as browser:
        sent = browser.post("/plans/small/audit/export", data={"csrf": csrf(browser), "format": "csv"})
    assert sent.status_code == 200, sent.text

    cells = [cell for line in csv.reader(io.StringIO(sent.content.decode("utf-8-sig"))) for cell in line]
    assert any("<script>" in cell for cell in cells)
    assert [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")] == []
