"""停止・要対応, 案件 and evidence over real HTTP: looking changes nothing, each act by who may, a script stays text."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from html import unescape
from pathlib import Path

import httpx
import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.history import NOTHING_YET, Deed, Progress
from kijitsu.office import Office
from kijitsu.services import reading
from kijitsu.services.reporting import Report, report
from tests.acceptance.support import read_mail
from tests.board import CLERK, TODAY, link, proxied, rows, served, text, ticket
from tests.board import form as answer_form
from tests.integration.smtp_relays import Relay, relay

SCRIPT = "<script>alert(1)</script>"
LATE = "2016-06-03"
"""Friday 3 June 2016: the review, due on 31 May, is late and stops the filing and the portal."""

PLAN = f"""\
plan: small
title: 小さな計画
fiscal_year: H28
organisation: ishinomaki
milestones:
  review: {{title: 評価書の再評価, kind: assessment, owner: general_affairs, when: 平成28年4月～5月, evidence: [評価書],
    reminders: filing, basis: 番号法第27条}}
  filing: {{title: 届出書の提出{SCRIPT}, kind: filing, owner: residents, when: 平成28年6月, after: [review],
    evidence: [届出書, 送付状], reminders: filing}}
  portal: {{title: 窓口の開始, kind: service, owner: information_systems, when: 平成29年1月, after: [filing]}}
  survey: {{title: 事務の調査, kind: count, owner: residents, when: 平成28年6月10日, evidence: [調査票]}}
"""
PEOPLE = """\
people:
  viewer: {title: 市民課 係員, roles: [viewer]}
  department: {title: 総務課 係員, roles: [department], bodies: [general_affairs]}
  residents: {title: 市民課 主任, roles: [department], bodies: [residents]}
  secretariat: {title: 事務局 係員, roles: [secretariat]}
"""
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


class Board:
    """The board of one installation, as its readers use it."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.root = f"http://127.0.0.1:{office.settings.board_port}/plans/small/"
        self._client = httpx.Client()

    def get(self, path: str, who: str = "secretariat") -> httpx.Response:
        self._client.cookies.clear()  # the language that was asked for before
        return self._client.get(self.root + path, headers={"X-User": who})

    def post(
        self, path: str, who: str = "secretariat", files: dict[str, tuple[str, bytes]] | None = None, **typed: str
    ) -> httpx.Response:
        """Send a form of the page with the hidden fields that its reader was shown."""
        csrf = re.search(r'name="csrf" value="([^"]+)"', self.get(path, who).text)
        assert csrf
        fields = {"csrf": csrf[1], **{name.replace("_", "."): value for name, value in typed.items()}}
        return self._client.post(self.root + path, data=fields, files=files or None, headers={"X-User": who})

    def raw(self, path: str, **fields: str) -> httpx.Response:
        return self._client.post(self.root + path, data=fields, headers={"X-User": "secretariat"})

    @property
    def rows(self) -> list[str]:
        return rows(self.office)

    @property
    def files(self) -> list[Path]:
        """Everything in the folder of the evidence."""
        return [each for each in self.office.settings.evidence.rglob("*") if each.is_file()]

    def progress(self, id: str) -> Progress:
        day = self.office.today(self.office.library.organisations()[0])
        standing = reading.standing(replace(self.office, revisions={}), "small", day)
        return standing.progress.get(id, NOTHING_YET)


def acts(page: httpx.Response) -> list[str]:
    """Return what the page's forms do."""
    return re.findall(r'name="action" value="(\w+)"', page.text)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An installation to be copied: making the tables takes longer than a test."""
    folder = tmp_path_factory.mktemp("made")
    return proxied(folder, PEOPLE, PLAN, evidence_mib=1)


@pytest.fixture(scope="module")
def running() -> Iterator[Relay]:
    with relay() as running:
        yield running


@pytest.fixture(scope="module")
def shared(made: Office, running: Relay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """A board for the tests that leave it as it is."""
    with board_of(made, tmp_path_factory.mktemp("shared"), running) as board:
        yield board


@pytest.fixture
def linked(made: Office, tmp_path: Path) -> Iterator[Board]:
    """A board to which the letters' links lead."""
    with board_of(made, tmp_path) as board:
        yield board


@pytest.fixture
def board(made: Office, running: Relay, tmp_path: Path) -> Iterator[Board]:
    with board_of(made, tmp_path, running) as board:
        yield board


@contextmanager
def board_of(made: Office, folder: Path, running: Relay | None = None) -> Iterator[Board]:
    """Serve a copy of an installation on the late day; its mail goes to the relay, or stays and has links."""
    shutil.copytree(made.settings.home, folder / "home")
    settings = replace(made.settings, home=folder / "home", today=LATE)
    if running:
        running.post.messages.clear()
        settings = replace(settings, smtp_url=f"smtp://{running.place}")
    with served(open_office(settings)) as office:
        yield Board(office)


# --- looking ---


@pytest.mark.parametrize(
    "path",
    ["stops", "stops?state=blocked&owner=residents", "milestones/review", "milestones/filing", "milestones/none"],
    ids=["stops", "narrowed", "late", "stopped", "missing"],
)
def test_looking_changes_nothing(path: str, shared: Board) -> None:
    before = shared.rows

    page = shared.get(path)
    english = shared.get(f"{path}{'&' if '?' in path else '?'}lang=en")

    assert {page.status_code, english.status_code} == {404 if path.endswith("none") else 200}
    assert '<html lang="en">' in english.text
    assert shared.rows == before


def test_what_is_stopped_is_told_with_its_cause_and_all_that_waits(shared: Board) -> None:
    page = text(shared.get("stops"))

    assert "停止 2件。原因は1件" in page
    assert (
        "原因 1 2件を止めています 評価書の再評価 期限超過 期限 平成28年5月31日（火） 3開庁日の遅れ 担当: 総務課" in page
    )
    assert "「評価書の再評価」が終わらないため、進められません。" in page
    assert "このままでは、続く1件も進められません: 窓口の開始" in page
    assert f"「届出書の提出{SCRIPT}」が終わらないため、進められません。" in page
    assert "まもなく期限 1件" in page


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("state=blocked", "届出書の提出", "事務の調査"),
        ("state=overdue", "評価書の再評価", "届出書の提出"),
        ("state=soon", "事務の調査", "評価書の再評価"),
        ("owner=residents", "事務の調査", "窓口の開始"),
        ("owner=committee&state=nonsense", "この条件に当たるものはありません", "評価書の再評価"),
    ],
    ids=["blocked", "overdue", "soon", "owner", "nobody"],
)
def test_the_page_can_be_narrowed(query: str, shown: str, hidden: str, shared: Board) -> None:
    page = shared.get(f"stops?{query}").text.partition("</form>\n\n")[2].partition("<footer")[0]

    assert shown in page
    # As a heading or a row: a cause names what it stops.
    assert not re.search(rf">{hidden}[^<]*</a> *<span class=\"(state|owner)", page)


def test_a_milestone_tells_its_reasons_prerequisites_and_reminders_to_come(shared: Board) -> None:
    page = text(shared.get("milestones/filing"))

    assert "止まっていて、進められません。" in page
    assert "「評価書の再評価」（担当：総務課）が期限までに終わっていません（平成28年6月1日（水）から）。" in page
    assert "総務課が「評価書の再評価」を完了し、報告すれば、この原因は解けます。" in page
    assert "期限（目標）は平成28年6月30日（木）です。出典の「平成28年6月」の最終日です。" in page
    assert "求められているもの: 届出書、送付状" in page
    assert "これから" in page
    assert "原因の「評価書の再評価」を督促してください。" in page


def test_an_unknown_milestone_gets_a_page_with_what_was_meant(shared: Board) -> None:
    page = shared.get("milestones/reviw")

    assert page.status_code == 404
    assert 'milestones/review">評価書の再評価</a>' in page.text


def test_a_script_in_a_title_stays_text(shared: Board) -> None:
    for path in ("stops", "milestones/filing", "milestones/review", "milestones/<script>alert(1)"):
        page = shared.get(path)
        assert "<script>alert(1)" in unescape(page.text)
        assert "<script>" not in page.text


# --- who may do what ---


@pytest.mark.parametrize(
    ("who", "offered"),
    [
        ("viewer", []),
        ("residents", []),
        ("department", ["complete", "start", "estimate", "acknowledge"]),
        ("secretariat", ["ask", "complete", "start", "estimate", "acknowledge", "excuse"]),
    ],
)
def test_everybody_is_offered_what_they_may(who: str, offered: list[str], shared: Board) -> None:
    assert acts(shared.get("milestones/review", who)) == offered


@pytest.mark.parametrize(
    ("who", "action"),
    [("viewer", "start"), ("residents", "complete"), ("department", "excuse"), ("department", "ask")],
)
def test_what_somebody_may_not_do_is_refused_and_changes_nothing(who: str, action: str, shared: Board) -> None:
    before = shared.rows

    page = shared.post(
        "milestones/review", who, action=action, evidence_0="総第1号", until="2016-06-20", reason="都合により"
    )

    assert page.status_code == 403
    assert "を行えません" in text(page)
    assert shared.rows == before


def test_a_form_that_is_not_of_our_page_is_refused(shared: Board) -> None:
    before = shared.rows

    assert shared.raw("milestones/review", action="start").status_code == 403
    assert shared.raw("stops", milestone="review", csrf="guessed").status_code == 403
    assert shared.rows == before


# --- reporting ---


@pytest.mark.parametrize(
    ("action", "typed", "became"),
    [
        ("start", {"on": "2016-06-02"}, {"started_on": "2016-06-02"}),
        ("estimate", {"until": "2016-06-20", "reason": f"協議中{SCRIPT}"}, {"estimate": "2016-06-20"}),
        ("acknowledge", {}, {"acknowledged_for": "2016-05-31"}),
        ("excuse", {"until": "2016-06-30", "reason": "国の様式"}, {"excused_until": "2016-06-30"}),
    ],
    ids=["start", "estimate", "acknowledge", "excuse"],
)
def test_each_report_has_its_effect(action: str, typed: dict[str, str], became: dict[str, str], board: Board) -> None:
    answer = board.post("milestones/review", action=action, **typed)

    assert answer.status_code == 303
    assert {name: str(getattr(board.progress("review"), name)) for name in became} == became
    page = board.get(f"milestones/review?said={action}")
    assert 'class="note thanks"' in page.text
    assert SCRIPT not in page.text


def test_reminders_can_be_put_off(board: Board) -> None:
    assert board.post("milestones/survey", action="snooze", until="2016-06-08").status_code == 303

    assert str(board.progress("survey").snoozed_until) == "2016-06-08"


def test_a_completion_keeps_its_file_which_comes_back_as_it_was(board: Board) -> None:
    name = f'評価書"{SCRIPT.replace("/", "")}\r\nX-Evil: 1.pdf'

    answer = board.post(
        "milestones/review",
        files={"file.0": (name, PDF)},
        action="complete",
        on="2016-06-02",
        evidence_0=f"第1号{SCRIPT}",
    )
    page = board.get("milestones/review")

    assert answer.status_code == 303
    assert str(board.progress("review").completed_on) == "2016-06-02"
    assert SCRIPT in unescape(page.text)
    assert "<script>" not in page.text
    address = re.search(r'milestones/(review/evidence/[0-9a-f]{64})"', page.text)
    assert address
    given = board.get(f"milestones/{address[1]}")
    assert given.content == PDF
    assert given.headers["content-disposition"].startswith("attachment; filename*=utf-8''%E8%A9%95")
    assert given.headers["content-type"] == "application/pdf"
    assert given.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in given.headers["content-security-policy"]
    assert "x-evil" not in given.headers
    # What is not this milestone's, is not there.
    assert board.get(f"milestones/{address[1].replace('review', 'filing')}").status_code == 404
    assert board.get("milestones/review/evidence/../../../etc").status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("評価書.pdf", PDF + b"x" * (1 << 20), "大きすぎます"),
        ("評価書.pdf", PDF + b"x" * (3 << 20), "大きすぎます"),
        ("評価書.exe", b"MZ\x90\x00", "受け取れない形式"),
        ("評価書.pdf", b"<html><script>alert(1)</script>", "受け取れない形式"),
    ],
    ids=["large", "larger", "program", "markup"],
)
def test_a_file_that_is_not_taken_is_said_beside_its_field_and_leaves_nothing(
    name: str, content: bytes, said: str, shared: Board
) -> None:
    before = shared.rows

    page = shared.post("milestones/review", files={"file.0": (name, content)}, action="complete", evidence_0="第1号")

    assert page.status_code in (413, 422)
    error = re.search(r'id="complete-file.0-error"[^>]*>([^<]*)', page.text)
    assert error
    assert said in error[1]
    assert "/tmp" not in page.text
    assert (shared.rows, shared.files) == (before, [])


def test_a_file_may_have_a_long_name(board: Board) -> None:
    named = f"{'特定個人情報保護評価書' * 20}.pdf"

    answer = board.post("milestones/review", files={"file.0": (named, PDF)}, action="complete", evidence_0="第1号")

    assert board.post("milestones/review", files={"file.0": ("..", PDF)}, action="complete").status_code == 422
    assert answer.status_code == 303
    assert "情報保護評価書.pdf" in text(board.get("milestones/review"))


def test_a_refused_form_is_shown_again_with_what_was_typed(shared: Board) -> None:
    page = shared.post("milestones/review", action="estimate", until="2016-06-01", reason=f"</textarea>{SCRIPT}")

    assert page.status_code == 422
    assert 'id="estimate-until-error"' in page.text
    assert 'value="2016-06-01"' in page.text
    assert f"</textarea>{SCRIPT}" in unescape(page.text)
    assert SCRIPT not in page.text
    missing = shared.post("milestones/review", action="complete")
    assert "評価書の文書番号を書いてください。" in text(missing)
    assert 'id="complete-evidence.0-error"' in missing.text


def test_what_is_not_yet_possible_is_taken_from_the_secretariat_with_a_reason(board: Board) -> None:
    papers = {"evidence_0": "第1号", "evidence_1": "第2号"}
    assert "まだ受け付けられません" in text(board.get("milestones/filing", "residents"))

    refused = board.post("milestones/filing", "residents", action="complete", **papers)
    taken = board.post("milestones/filing", action="complete", override="国から先に受理の連絡があった", **papers)

    assert "は停止しています" in text(refused)
    assert (refused.status_code, taken.status_code) == (422, 303)
    assert board.progress("filing").completed_on


def test_evidence_can_be_sent_back(board: Board) -> None:
    for _ in range(2):  # the second of two clicks
        assert board.post("milestones/review", action="complete", evidence_0="第1号").status_code == 303
    assert acts(board.get("milestones/review")) == ["reject"]

    for _ in range(2):
        assert board.post("milestones/review", action="reject", reason="附則がありません").status_code == 303

    page = text(board.get("milestones/review"))
    assert "平成28年6月3日（金）に証拠が差し戻されました。" in page
    assert "平成28年6月3日に差戻し" in page
    assert "理由: 附則がありません" in page


# --- reminding ---


def test_a_question_goes_out_once_and_its_fate_is_shown(board: Board, running: Relay) -> None:
    first = board.post("stops?state=blocked", milestone="review")
    board.post("stops", milestone="review")
    board.post("milestones/review", action="ask")

    assert first.headers["location"].endswith("plans/small/stops?state=blocked&asked=review#review")
    assert len(running.post.messages) == 1
    assert "至急の照会" in str(read_mail(running.post.messages[0])["Subject"])
    for path in ("stops", "milestones/review"):
        page = text(board.get(path))
        assert "総務課 送りました 平成28年6月3日 08:30 相手のサーバーが受け取りました。" in page
        assert "今すぐ督促する" not in page


def test_a_relay_that_refuses_is_shown_in_its_own_words(board: Board, running: Relay) -> None:
    running.post._answers["RCPT"] = ["550 no such <mailbox>"]

    board.post("milestones/review", action="ask")

    page = text(board.get("stops"))
    assert "総務課 受け取りを断られました" in page
    assert "no such <mailbox>" in page


def test_who_cannot_act_is_not_asked(shared: Board) -> None:
    page = shared.post("stops", milestone="filing")

    assert page.status_code == 422
    assert "原因の「評価書の再評価」を督促してください。" in text(page)
    assert shared.post("stops", milestone="none").status_code == 422


# --- behind a letter's link ---


def test_a_department_hands_in_a_file_behind_its_link(linked: Board) -> None:
    url = link(linked.office)
    fields = answer_form(httpx.get(url).text, "complete") | {"evidence.0": "総第75号"}

    refused = httpx.post(url, data=fields, files={"file.0": ("評価書.exe", b"MZ\x90\x00")})
    large = httpx.post(url, data=fields, files={"file.0": ("評価書.pdf", PDF + b"x" * (3 << 20))})

    assert (refused.status_code, large.status_code) == (422, 413)
    assert 'id="complete-file.0-error"' in refused.text
    assert "大きすぎます" in text(large)
    assert linked.files == []

    taken = httpx.post(url, data=fields, files={"file.0": ("評価書.pdf", PDF)})

    assert taken.status_code == 303
    assert linked.progress("review").evidence == {"評価書": "総第75号"}
    assert [each.read_bytes() for each in linked.files] == [PDF]
    assert "評価書.pdf" in text(linked.get("milestones/review"))


def test_a_link_does_not_offer_a_completion_that_cannot_be_taken_yet(made: Office, tmp_path: Path) -> None:
    shutil.copytree(made.settings.home, tmp_path / "home")
    with served(open_office(replace(made.settings, home=tmp_path / "home", today=str(TODAY)))) as office:
        url = link(office, ticket("filing", "residents"))
        waiting = httpx.get(url)
        report(office, "small", Report(Deed.COMPLETE, "review", TODAY, evidence={"評価書": "第1号"}), CLERK)
        ready = httpx.get(url)

    assert 'value="complete"' not in waiting.text
    assert "まだ完了を報告できません" in text(waiting)
    assert "前提「評価書の再評価」（担当：総務課）の完了がまだ報告されていません。" in text(waiting)
    assert 'value="complete"' in ready.text
    assert "まだ完了を報告できません" not in text(ready)


def test_a_wrong_link_fills_no_disk(linked: Board) -> None:
    url = link(linked.office)[:-4] + "AAAA"

    answer = httpx.post(url, files={"file.0": ("x.pdf", PDF + b"x" * (1 << 20))})

    assert answer.status_code == 404
