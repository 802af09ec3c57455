"""配信, 計画, 監査 over real HTTP: all is found once, nobody is told what is not theirs, each act by who may."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from kijitsu.bootstrap import open_office
from kijitsu.located import parse_document
from kijitsu.office import Office
from kijitsu.services import auditing, ledger, reading
from kijitsu.services.delivering import dispatch
from kijitsu.services.watching import watch
from kijitsu.web.views import audits, deliveries
from tests.acceptance.support import HEAD, Desk
from tests.board import EVERY_ROLE, ISHINOMAKI, forms, proxied, rows, served, text

SCRIPT = "<script>alert(1)</script>"
PLAN = (
    HEAD
    + f"""\
milestones:
  review:
    title: 評価書の再評価{SCRIPT}
    kind: assessment
    owner: general_affairs
    when: 平成28年4月～5月
    reminders: filing
  notice: {{title: 住民への通知, kind: filing, owner: residents, when: 平成28年4月～5月}}
  portal: {{title: 窓口の開始, kind: service, owner: information_systems, when: 平成28年10月, after: [review]}}
"""
)
TODAY = "2016-06-03"
LIST = "plans/small/deliveries"


class Board:
    """The board of one installation, as its readers use it."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.root = f"http://127.0.0.1:{office.settings.board_port}/"
        self._client = httpx.Client()

    def get(self, path: str, who: str = "viewer") -> httpx.Response:
        return self._client.get(urljoin(self.root, path), headers={"X-User": who})

    def send(self, page: httpx.Response, action: str, who: str, **typed: str) -> httpx.Response:
        """Fill in the page's first form that goes to an address ending so, and send it as a browser does."""
        address, fields = next(each for each in forms(page) if each[0].endswith(action))
        return self.post(address, who, [*fields, *typed.items()])

    def post(self, address: str, who: str, fields: list[tuple[str, str]], file: bytes | None = None) -> httpx.Response:
        given: dict[str, list[str]] = {}
        for name, value in fields:
            given.setdefault(name, []).append(value)
        files = None if file is None else {"file": ("small.yaml", file)}
        return self._client.post(urljoin(self.root, address), data=given, files=files, headers={"X-User": who})

    def csrf(self, who: str) -> tuple[str, str]:
        """Return the hidden field of somebody's forms."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("plans", who).text)
        assert found
        return "csrf", found[1]

    def hand_in(self, content: bytes, who: str = "manager") -> httpx.Response:
        """Hand an edited file in for a preview."""
        return self.post("plans/small/changes/file", who, [self.csrf(who)], content)

    @property
    def rows(self) -> list[str]:
        return rows(self.office)

    def actions(self, action: str) -> list[tuple[str, str]]:
        """Return the subjects of the audit log's entries on an action, each with who it was."""
        with self.office.open_work(ISHINOMAKI, True) as work:
            return [(each.subject, each.actor) for each in work.audit.all() if each.action == action]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An installation after two weeks of passes; the letters of 市民課 do not arrive, those of the last day wait."""
    folder = tmp_path_factory.mktemp("lists")
    office = proxied(folder, EVERY_ROLE, PLAN)
    plans = folder / "calendar" / "plans"
    other = PLAN.replace("plan: small", "plan: other").replace("小さな計画", f"別の計画{SCRIPT}")
    (plans / "other.yaml").write_text(other, encoding="utf-8")
    broken = other.replace("plan: other", "plan: broken").replace("owner: residents", "owner: residence")
    (plans / "broken.yaml").write_text(broken.replace("kind: service", "kind: servise"), encoding="utf-8")
    city = folder / "calendar" / "organisations" / "ishinomaki.yaml"
    # Nobody set the address that goes by this name.
    named = city.read_text(encoding="utf-8").replace(
        "mail: shimin@city.ishinomaki.example", "channel: teams\n    address: nowhere"
    )
    city.write_text(named, encoding="utf-8")
    now = datetime(2016, 5, 20, 0, 0, tzinfo=UTC)
    for day in range(15):
        at = open_office(office.settings).at(lambda day=day: now + timedelta(day))  # type: ignore[misc]
        watch(at, "small")
        if day < 14:
            dispatch(at, at.library.organisations()[0])
    return open_office(replace(office.settings, today=TODAY))


@contextmanager
def board_of(office: Office, folder: Path) -> Iterator[Board]:
    """Serve a copy of an installation."""
    shutil.copytree(office.settings.home, folder / "home")
    with served(open_office(replace(office.settings, home=folder / "home"))) as here:
        yield Board(here)


@pytest.fixture(scope="module")
def quiet(prepared: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """A board for the tests that only look."""
    with board_of(prepared, tmp_path_factory.mktemp("quiet")) as board:
        yield board


@pytest.fixture
def board(prepared: Office, tmp_path: Path) -> Iterator[Board]:
    with board_of(prepared, tmp_path) as board:
        yield board


def standing(board: Board) -> reading.Standing:
    return reading.standing(replace(board.office, revisions={}), "small", datetime.fromisoformat(TODAY).date())


def keys(page: httpx.Response) -> list[str]:
    """Return the keys of the letters that a page lists."""
    found = re.findall(r'href="[^"]*deliveries/letter\?key=([^"]+)" lang="ja">', page.text)
    return [str(httpx.QueryParams(f"key={unescape(each)}")["key"]) for each in found]


def followed(board: Board, path: str, link: str) -> list[httpx.Response]:
    """Return a page and all that its link leads on to."""
    pages = [board.get(path)]
    while found := re.search(rf'<a href="([^"]+)">{link}</a>', pages[-1].text):
        pages.append(board.get(urljoin(str(pages[-1].url), unescape(found[1]))))
    return pages


def without_links(words: str) -> str:
    """Cut the tokens of a letter's links short, as a board for everybody has to."""
    return re.sub(r"/answer/\S{40,}?(?=[\s\"<]|$)", "/answer/…", words)


ADDRESSES = [
    "plans",
    "plans/small",
    "plans/small?against=",
    "plans/small/export",
    "plans/small/changes/file",
    LIST,
    *(f"{LIST}?state={each}" for each in deliveries.STATES),
    f"{LIST}/next",
    f"{LIST}/next/html?to=general_affairs",
    "plans/small/audit",
    "plans/small/audit?verify=1",
    "plans/small/audit?milestone=review&action=watch&actor=kijitsu&first=2016-05-20&last=2016-06-03&scope=plan",
]


def test_looking_changes_nothing_and_no_script_of_a_title_runs(board: Board) -> None:
    before = board.rows

    pages = {path: board.get(path) for path in ADDRESSES}
    key = keys(pages[LIST])[0]
    pages |= {each: board.get(f"{LIST}/{each}?key={key}") for each in ("letter", "letter/html")}

    assert {path: page.status_code for path, page in pages.items() if page.status_code != 200} == {}
    assert board.rows == before
    for path, page in pages.items():
        if page.headers["content-type"].startswith("text/html"):
            assert SCRIPT not in page.text, path
    for path in ("plans", LIST, "plans/small", "plans/small/audit"):
        assert SCRIPT in text(pages[path]) or "&lt;script&gt;" in pages[path].text, path
    assert board.get("plans/small?lang=en").text.count("Reminder policies") == 1


# --- 配信 ---


def test_what_did_not_arrive_comes_first_and_is_sent_again_by_who_may(board: Board) -> None:
    page = board.get(LIST, "secretariat")
    said = text(page)
    dead = keys(board.get(f"{LIST}?state=dead"))
    (key, *others) = dead
    assert others
    assert said.index("Teamsの送り先「nowhere」のURLが設定にありません") < said.index("送った通知")
    assert "送り直す" not in text(board.get(LIST, "viewer"))

    refused = board.post(f"{LIST}/resend", "viewer", [board.csrf("viewer"), ("key", key)])
    forged = board.post(f"{LIST}/resend", "secretariat", [("key", key)])
    assert (refused.status_code, forged.status_code) == (403, 403)
    assert board.actions("resend") == []

    answer = board.send(page, "/resend", "secretariat")

    assert answer.status_code == 303
    assert "送信待ちに戻しました" in text(board.get(urljoin(str(page.url), answer.headers["location"])))
    assert board.actions("resend") == [(key, "事務局 係員 secretariat")]
    assert keys(board.get(f"{LIST}?state=dead")) == others
    assert key in keys(board.get(f"{LIST}?state=pending"))
    assert board.send(page, "/resend", "secretariat").status_code == 422  # somebody was faster

    board.post(f"{LIST}/resend", "secretariat", [board.csrf("secretariat"), ("all", "1")])
    assert keys(board.get(f"{LIST}?state=dead")) == []
    assert "届かなかった通知はありません" in text(board.get(LIST))


def test_every_letter_is_on_some_page_once(quiet: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "PAGE", 2)

    for state in ("sent", "dead", "pending"):
        pages = followed(quiet, f"{LIST}?state={state}", "もっと前を見る")
        listed = [key for page in pages for key in keys(page)]
        with quiet.office.open_work(ISHINOMAKI, True) as work:
            wanted = [row for row in work.outbox.all() if row.state == state]
        assert sorted(listed) == sorted(row.key for row in wanted)
        assert len(pages) > 1
        # The newest come first.
        days = {row.key: row.envelope.written_at for row in wanted}
        assert [days[key] for key in listed] == sorted(days.values(), reverse=True)


def test_reminders_to_come_are_on_some_page_once(quiet: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "PAGE", 2)
    wanted = [each for each in ledger.reminders(quiet.office, "small") if each["state"] == "upcoming"]

    pages = followed(quiet, f"{LIST}?state=upcoming", "さらに先を見る")

    rows = [re.findall(r'class="when"><time datetime="([^"]+)"', page.text) for page in pages]
    assert [day for page in rows for day in page] == [each["date"].isoformat() for each in wanted]
    assert len(pages) > 1


def test_letters_are_chosen_by_recipient_and_milestone(quiet: Board) -> None:
    chosen = {}
    for query in ("recipient=総務課", "milestone=notice", "recipient=総務課&milestone=notice"):
        listed = keys(quiet.get(f"{LIST}?state=sent&{query}"))
        chosen[query] = [ledger.letter(quiet.office, standing(quiet), key) for key in listed]

    to_one, on_one, on_others = chosen.values()
    assert {each.recipient_title for each in to_one} == {"総務課"}
    assert "番号制度推進本部事務局" in {each.recipient_title for each in on_one}
    assert all("notice" in [about.milestone for about in each.about] for each in on_one)
    assert on_others == []


def test_a_letter_is_shown_as_it_went_but_for_the_links_that_are_its_readers(quiet: Board) -> None:
    (key,) = keys(quiet.get(f"{LIST}?state=sent&recipient=総務課"))[-1:]
    with quiet.office.open_work(ISHINOMAKI, True) as work:
        row = work.outbox.get(key)
    assert row
    wording = row.envelope.wording
    assert "/answer/" in wording.text

    page, html = quiet.get(f"{LIST}/letter?key={key}"), quiet.get(f"{LIST}/letter/html?key={key}")

    shown = re.search(r'<pre class="letter"[^>]*>(.*?)</pre>', page.text, re.DOTALL)
    assert shown
    assert unescape(shown[1]).strip() == without_links(wording.text).strip()
    assert html.text == without_links(wording.html)
    tokens = re.findall(r"/answer/([\w.-]+)", wording.text + wording.html)
    assert tokens
    assert not [each for each in tokens if each in page.text + html.text]
    assert re.search(r"<iframe[^>]* sandbox ", page.text)
    policy = html.headers["content-security-policy"]
    assert policy == "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    assert "unsafe" not in page.headers["content-security-policy"]
    assert quiet.get(f"{LIST}/letter?key=small/none").status_code == 422


def test_the_next_letters_are_those_that_the_command_shows(quiet: Board) -> None:
    settings = quiet.office.settings
    desk = Desk(settings.home, calendar=settings.calendar, today=TODAY, board_port=settings.board_port)
    letters = desk("reminders", "small", "--mail", "--json").json["letters"]

    page = quiet.get(f"{LIST}/next").text

    shown = [unescape(each) for each in re.findall(r'<pre class="letter" lang="ja"[^>]*>(.*?)</pre>', page, re.DOTALL)]
    assert letters
    assert [each.strip() for each in shown] == [without_links(each["text"]).strip() for each in letters if each["text"]]
    assert [unescape(each) for each in re.findall(r'<summary><span lang="ja">([^<]+)</span>', page)] == [
        each["recipient_title"] for each in letters
    ]
    html = quiet.get(f"{LIST}/next/html?to=general_affairs")
    assert "総務課" in html.text
    assert html.headers["content-security-policy"].startswith("sandbox;")
    assert quiet.get(f"{LIST}/next/html?to=nobody").status_code == 422


# --- 計画 ---


def test_a_file_is_adopted_by_who_may_and_one_with_errors_says_them_all(board: Board) -> None:
    page = board.get("plans", "secretariat")
    said = text(page)
    assert "小さな計画" in said
    assert "別の計画<script>" in said
    assert "servise" in said
    assert "residence" in said
    assert "adopt" not in board.get("plans", "viewer").text.replace("adopted", "")

    refused = board.post("plans", "viewer", [board.csrf("viewer"), ("plan", "other")])
    forged = board.post("plans", "secretariat", [("plan", "other")])
    missing = board.post("plans", "secretariat", [board.csrf("secretariat"), ("plan", "../people.yaml")])
    broken = board.post("plans", "secretariat", [board.csrf("secretariat"), ("plan", "broken")])
    assert [each.status_code for each in (refused, forged, missing, broken)] == [403, 403, 422, 422]
    assert board.actions("adopt") == [("small", "事務局 係員")]

    answer = board.send(page, "/plans", "secretariat")

    assert answer.status_code == 303
    assert board.actions("adopt")[1:] == [("other", "事務局 係員 secretariat")]
    assert board.get("plans/other").status_code == 200
    again = board.post("plans", "secretariat", [board.csrf("secretariat"), ("plan", "other")])
    assert again.status_code == 409
    assert "採り入れてあります" in text(again)


def test_a_plan_says_who_is_reminded_when_and_how_far_it_slipped(quiet: Board) -> None:
    said = text(quiet.get("plans/small?against="))

    assert "filing 2件" in said
    assert "20開庁日前、10開庁日前、5開庁日前、1開庁日前に、担当へ" in said
    assert "2開庁日ごとに、担当・事務局へ" in said
    assert "standard 1件" in said
    # Due on the last of May, and now it is the third of June.
    assert re.search(r"評価書の再評価.* 総務課 平成28年5月31日 平成28年5月31日 未完了（期限超過） \+3 実績 \+3", said)
    assert re.search(r"担当ごと .* 総務課 1 3 3", said)
    wrong = quiet.get("plans/small?against=いつか")
    assert wrong.status_code == 422
    assert "という基準は計画 small にありません" in text(wrong)


def test_an_exported_plan_is_edited_and_handed_in_as_a_change(board: Board) -> None:
    exported = board.get("plans/small/export")
    assert exported.headers["content-disposition"] == 'attachment; filename="small-1.yaml"'
    assert parse_document(exported.text, "").data == standing(board).loaded.document
    assert "変わるところがありません" in text(board.hand_in(exported.content))
    before = board.rows
    # Nobody's editor keeps the ends of lines, and no byte of it is lost on the way.
    edited = exported.text.replace("平成28年10月", "平成28年12月").replace("\n", "\r\n").encode()

    page = board.hand_in(edited)

    assert page.status_code == 200
    assert "平成28年12月" in text(page)
    assert board.rows == before
    assert "変更はできません" in text(board.hand_in(edited, "viewer"))
    forged = board.post("plans/small/changes/file", "manager", [], edited)
    fields = next(fields for address, fields in forms(page) if address.endswith("/submit"))
    refused = board.post(
        "plans/small/changes/file/submit",
        "viewer",
        [board.csrf("viewer"), *(each for each in fields if each[0] != "csrf"), ("reason", "都合により")],
    )
    assert (forged.status_code, refused.status_code) == (403, 403)
    unreasoned = board.send(page, "/submit", "manager", reason="")
    assert unreasoned.status_code == 422
    assert board.rows == before

    made = board.send(unreasoned, "/submit", "manager", reason=f"国の都合により{SCRIPT}")

    assert made.status_code == 303
    portal = standing(board).plan.milestones["portal"].window
    assert portal
    assert portal.wording == "平成28年12月"
    assert board.actions("change")[-1] == ("small", "情報政策課長 manager")
    log = board.get("plans/small/audit?action=change")
    assert "国の都合により<script>" in text(log)
    assert SCRIPT not in log.text
    # The same page again: the plan has changed under it, and nothing happens twice.
    assert board.send(page, "/submit", "manager", reason="もう一度").status_code in (409, 422)
    assert standing(board).revision == 2


def test_a_long_file_goes_along_in_pieces_and_one_that_is_too_long_is_refused(quiet: Board) -> None:
    plan = PLAN.replace("平成28年10月", "平成28年12月")
    note = f"    note: {'記' * 30_000}\n"
    long = plan.replace("    reminders: filing\n", f"    reminders: filing\n{note}").encode()

    page = quiet.hand_in(long)

    assert page.status_code == 200
    fields = next(fields for address, fields in forms(page) if address.endswith("/submit"))
    assert len([value for name, value in fields if name == "content"]) > 1
    assert quiet.send(page, "/submit", "manager", reason="").status_code == 422  # read as a whole, and then refused
    assert "理由" in text(quiet.send(page, "/submit", "manager", reason=""))
    assert quiet.hand_in(b"#" * (1024 * 1024 + 1)).status_code == 422
    assert quiet.hand_in(b"#" * (1024 * 1024 + 32 * 1024)).status_code == 413


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (PLAN.replace("owner: residents", "owner: residence").replace("kind: service", "kind: servise").encode(), ""),
        (b"plan: small\n  title: [", "YAMLとして読めません"),
        ("計画".encode("shift_jis"), "UTF-8のYAMLで保存してください"),
        (b"- a\n- b\n", ""),
        (b"", "中身がありません"),
    ],
    ids=["ids", "yaml", "shift_jis", "list", "empty"],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(quiet: Board, content: bytes, said: str) -> None:
    page = quiet.hand_in(content)

    assert page.status_code == 422
    assert said in text(page)
    assert not [address for address, _ in forms(page) if address.endswith("/submit")]


def test_the_places_are_those_that_check_says(quiet: Board, tmp_path: Path) -> None:
    content = PLAN.replace("owner: residents", "owner: residence").replace("kind: service", "kind: servise")
    file = quiet.office.library.folder / "plans" / "small.yaml"
    original = file.read_text(encoding="utf-8")
    file.write_text(content, encoding="utf-8")
    try:
        checked = Desk(tmp_path, calendar=quiet.office.library.folder)("check", file, "--json", code=1).out
    finally:
        file.write_text(original, encoding="utf-8")

    page = quiet.hand_in(content.encode())

    places = re.findall(r'<td class="number">(\d+)</td><td class="number">(\d+)</td>', page.text)
    assert [(int(line), int(column)) for line, column in places] == [
        (each["line"], each["column"]) for each in json.loads(checked)
    ]
    assert len(places) == 2


# --- 監査 ---


def test_every_entry_is_on_some_page_once_the_newest_first(quiet: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audits, "PAGE", 3)

    pages = followed(quiet, "plans/small/audit", "もっと前の記録を見る")

    numbers = [int(each) for page in pages for each in re.findall(r'id="n(\d+)"', page.text)]
    with quiet.office.open_work(ISHINOMAKI, True) as work:
        count = work.audit.count()
    assert numbers == list(range(count, 0, -1))
    assert len(pages) > 2
    assert "つながりません" not in "".join(page.text for page in pages)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("action=adopt", lambda row: row.action == "adopt"),
        ("actor=事務局", lambda row: "事務局" in row.actor),
        (
            "first=2016-05-31&last=2016-06-01",
            lambda row: "2016-05-31" <= str((row.at + timedelta(hours=9)).date()) <= "2016-06-01",
        ),
        ("scope=plan", lambda row: row.subject.partition("/")[0] == "small"),
        ("milestone=portal", lambda row: '"portal"' in json.dumps(row.details)),
        ("actor=%25", lambda row: False),
    ],
    ids=["action", "actor", "days", "plan", "milestone", "no-pattern"],
)
def test_entries_are_chosen(quiet: Board, query: str, wanted: object) -> None:
    assert callable(wanted)
    with quiet.office.open_work(ISHINOMAKI, True) as work:
        numbers = [each.number for each in work.audit.all() if wanted(each)]

    page = quiet.get(f"plans/small/audit?{query}")

    assert [int(each) for each in re.findall(r'id="n(\d+)"', page.text)] == numbers[::-1]
    assert numbers or "この条件の記録はありません" in page.text


def test_the_log_is_verified_against_what_was_noted_down(board: Board) -> None:
    organisation = board.office.library.organisations()[0]
    head = auditing.verify(board.office, organisation).head
    fours = " ".join(head.hash[place : place + 4] for place in range(0, 64, 4))

    good = text(board.get(f"plans/small/audit?verify=1&head={head.number}:{head.hash[:16]}"))

    assert "検証の結果: 改ざんは見つかりません" in good
    assert "控えの番号とハッシュとも一致します" in good
    assert f"最後の記録: {head.number}番 {fours}" in good
    misread = board.get("plans/small/audit?verify=1&head=あ")
    assert misread.status_code == 422
    assert "「番号:ハッシュ」の形で" in text(misread)
    assert board.get("plans/small/audit?first=いつか").status_code == 422

    with sqlite3.connect(board.office.settings.home / "kijitsu.db") as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE audit SET actor = '別の人' WHERE number = 2")
    bad = board.get("plans/small/audit?verify=1")
    assert "検証の結果: 1件の食い違いがあります" in text(bad)
    assert "監査記録 2番 の内容が、記録した後に書き換えられています" in text(bad)
    assert bad.text.count("つながりません") == 1
    assert bad.text.index('id="n2"') < bad.text.index("つながりません") < bad.text.index('id="n1"')

    with sqlite3.connect(board.office.settings.home / "kijitsu.db") as connection:
        connection.execute("UPDATE audit SET details = '{' WHERE number = 2")
    unread = board.get("plans/small/audit?verify=1")
    assert unread.status_code == 422
    assert "監査記録に読めないものがあります" in text(unread)
    assert "書き換えられています" in text(unread)


def test_a_copy_is_taken_by_readers_and_that_is_an_entry(board: Board) -> None:
    page = board.get("plans/small/audit", "viewer")
    assert board.post("plans/small/audit/export", "viewer", [("format", "csv")]).status_code == 403
    assert board.send(page, "/export", "viewer", format="xlsx").status_code == 422
    assert board.send(page, "/export", "viewer", format="csv", since="きのう").status_code == 422
    assert board.actions("export") == []

    taken = board.send(page, "/export", "viewer", format="csv")

    assert taken.headers["content-disposition"] == f'attachment; filename="audit-042021-{TODAY}.csv"'
    rows = list(csv.DictReader(io.StringIO(taken.content.decode("utf-8-sig"))))
    with board.office.open_work(ISHINOMAKI, True) as work:
        assert [int(each["number"]) for each in rows] == [each.number for each in work.audit.all()]
    assert board.actions("export") == [("audit", "市民課 係員 viewer")]
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]

    printed = board.send(page, "/export", "viewer", format="html", since="2016-05-31", until="2016-05-31")
    assert "平成28年5月31日" in printed.text
    assert SCRIPT not in printed.text
    assert printed.headers["content-disposition"].endswith('.html"')
