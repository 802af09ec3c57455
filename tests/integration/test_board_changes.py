"""日程変更 over real HTTP: looking changes nothing, what is made is what was seen, each by who may."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import urlencode, urljoin

import httpx
import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import Cascade
from kijitsu.office import Office
from kijitsu.services import changing, reading
from kijitsu.services.reckoning import move_request
from kijitsu.web.views import changes as view
from tests.board import CLERK, EVERY_ROLE, ISHINOMAKI, TODAY, forms, proxied, rows, served, text

SCRIPT = "<script>alert(1)</script>"
PLAN = f"""\
plan: small
title: 小さな計画
fiscal_year: H28
organisation: ishinomaki
milestones:
  review: {{title: 評価書の再評価, kind: assessment, owner: general_affairs, when: 平成28年6月, reminders: filing}}
  filing:
    title: 届出書の提出{SCRIPT}
    kind: filing
    owner: residents
    when: 平成28年9月
    after: [review]
    pinned: true
    basis: 番号法第27条
  portal: {{title: 窓口の開始, kind: service, owner: information_systems, when: 平成28年10月, after: [review]}}
"""
APPROVED = PLAN.replace("milestones:", "approvers: [総務部長]\nmilestones:")
NOVEMBER = {"milestone": "review", "do": "move", "move": "平成28年11月", "cascade": "push"}


class Board:
    """The board of one installation, as its readers use it."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.root = f"http://127.0.0.1:{office.settings.board_port}/plans/small/changes"
        self._client = httpx.Client()

    def get(self, path: str = "", who: str = "manager", **query: str) -> httpx.Response:
        address = self.root + path + (f"?{urlencode(query)}" if query else "")
        return self._client.get(address, headers={"X-User": who})

    def send(self, page: httpx.Response, action: str, who: str = "manager", **typed: str) -> httpx.Response:
        """Fill in the page's form that goes to an address ending so, and send it as a browser does."""
        address, fields = next(each for each in forms(page) if each[0].endswith(action))
        return self.post(address, who, [*fields, *typed.items()])

    def post(self, address: str, who: str, fields: list[tuple[str, str]], **headers: str) -> httpx.Response:
        sent = {"X-User": who, "Content-Type": "application/x-www-form-urlencoded", **headers}
        return self._client.post(address, content=urlencode(fields), headers=sent)

    def change(self, to: str, who: str = "manager", reason: str = "都合により", **query: str) -> httpx.Response:
        """Preview a move of the review, and send what the page offers."""
        page = self.get("/new", who, **{**NOVEMBER, "move": to, **query})
        return self.send(page, "/new", who, reason=reason)

    @property
    def rows(self) -> list[str]:
        return rows(self.office)

    @property
    def standing(self) -> reading.Standing:
        return reading.standing(replace(self.office, revisions={}), "small", TODAY)

    @property
    def windows(self) -> dict[str, str]:
        return {id: each.window.wording for id, each in self.standing.plan.milestones.items() if each.window}


def actions(page: httpx.Response) -> set[str]:
    """Return where the page's forms lead, but for the one that signs out."""
    return {address.rpartition("/changes/")[2] for address, _ in forms(page) if not address.endswith("sign-out")}


Opening = Callable[[str], Board]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Office]:
    """An installation of each plan, to be copied: making the tables takes longer than a test."""
    made = {}
    for plan in (PLAN, APPROVED):
        folder = tmp_path_factory.mktemp("prepared")
        made[plan] = proxied(folder, EVERY_ROLE, plan)
    return made


@pytest.fixture
def opened(prepared: dict[str, Office], tmp_path: Path) -> Iterator[Opening]:
    """Opens the board of a plan."""
    with ExitStack() as open_boards:
        yield lambda plan: open_boards.enter_context(board_of(prepared[plan], tmp_path))


@contextmanager
def board_of(office: Office, folder: Path) -> Iterator[Board]:
    """Serve a copy of an installation."""
    shutil.copytree(office.settings.home, folder / "home")
    with served(open_office(replace(office.settings, home=folder / "home"))) as here:
        yield Board(here)


@pytest.fixture(scope="module")
def quiet(prepared: dict[str, Office], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """A board for the tests that only look."""
    with board_of(prepared[PLAN], tmp_path_factory.mktemp("quiet")) as board:
        yield board


@pytest.fixture
def board(opened: Opening) -> Board:
    return opened(PLAN)


@pytest.fixture
def guarded(opened: Opening) -> Board:
    """The board of a plan whose changes 総務部長 approves."""
    return opened(APPROVED)


# --- previewing ---


def test_looking_shows_all_that_a_change_would_do_and_changes_nothing(board: Board) -> None:
    before = board.rows

    page = board.get("/new", **NOVEMBER)

    said = text(page)
    assert page.status_code == 200
    assert "評価書の再評価 → 平成28年11月" in said
    assert "動かせない日程 平成28年9月30日（金） 番号法第27条 → 早くて 平成28年11月2日（水）" in said
    assert "開庁日の遅れ" in said
    # The window, the deadline and the slack, before and after; then what is pushed along.
    assert re.search(r"評価書の再評価 時期 平成28年6月 平成28年11月 ", said)
    assert re.search(r"窓口の開始 時期 平成28年10月 平成28年11月 ", said)
    assert "督促 取消し" in said
    assert "総務課" in said
    assert actions(page) == {"new"}
    assert [board.get(path).status_code for path in ("", "/new", "/new?milestone=review")] == [200, 200, 200]
    assert board.rows == before


def test_the_picture_shows_each_milestone_before_and_after_and_what_breaks_by_a_pattern_and_a_mark(
    quiet: Board,
) -> None:
    page = quiet.get("/new", **NOVEMBER).text

    drawing = page[page.index('<svg width="100%"') : page.index("<figcaption>")]
    titles = re.findall(r'class="title"[^>]*>([^<]*)<', drawing)
    assert titles[0] == "評価書の再評価"
    assert any(each.startswith("！届出書の提出") for each in titles)
    assert drawing.count('class="bar before"') == len(titles) == drawing.count('class="bar after')
    assert drawing.count('class="bar after broken"') == 1
    # From June to November, so that every month has its name; November's bar lies in the last of six.
    assert re.findall(r'class="name"[^>]*>(\d+月)<', drawing) == [f"{month}月" for month in range(6, 12)]
    places = [float(each) for each in re.findall(r'class="window" x="([\d.]+)%"', drawing)]
    assert places[0] == 0
    assert 80 < places[1] < 84


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"do": "move", "move": "28年8月上旬"}, "評価書の再評価 → 28年8月上旬"),
        ({"do": "move", "move_day": "2016-08-05"}, "評価書の再評価 → 2016-08-05"),
        ({"do": "duration", "length": "30", "unit": "wd"}, "評価書の再評価の所要 → 30wd"),
        ({"do": "owner", "owner": "residents"}, "評価書の再評価の担当 → 市民課"),
        ({"do": "due", "due": "平成28年7月29日"}, "評価書の再評価の期限 → 平成28年7月29日"),
        ({"do": "waive"}, "評価書の再評価の免除"),
        ({"do": "cancel"}, "評価書の再評価の中止"),
    ],
)
def test_whatever_can_be_chosen_is_previewed(quiet: Board, typed: dict[str, str], said: str) -> None:
    page = quiet.get("/new", milestone="review", cascade="push", **typed)

    assert page.status_code == 200
    assert said in text(page)


def test_what_was_waived_is_reinstated_and_a_deadline_is_taken_away(board: Board) -> None:
    for typed in (
        {"do": "waive"},
        {"do": "reinstate"},
        {"do": "due", "due": "2016-07-29"},
        {"do": "due", "due": "なし"},
    ):
        page = board.get("/new", milestone="review", **typed)
        assert board.send(page, "/new", reason="確かめ").status_code == 303

    standing = board.standing
    assert standing.plan.milestones["review"].due is None
    assert standing.progress["review"].waived_on is None
    assert standing.revision == 5


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"milestone": ""}, "milestone", "どの項目を変えるか"),
        ({"do": "nothing"}, "do", "何を変えるか"),
        ({"move": ""}, "move", "新しい日付を書いて"),
        ({"move": "いつか"}, "move", "「いつか」を日付として読めません"),
        ({"move_day": "2016-08-05"}, "move", "どちらか一方"),
        ({"move": "平成28年6月"}, "move", "変わるところがありません"),
        ({"do": "duration", "length": "長く"}, "length", "所要を数字で"),
        ({"do": "owner", "owner": "moon"}, "owner", "moon"),
        ({"do": "due"}, "due", "新しい日付を書いて"),
        ({"do": "reinstate"}, "do", "免除も中止もされていません"),
        ({"cascade": "away"}, "cascade", "後に続く項目"),
        ({"milestone": "reviw"}, "move", "もしかして: review"),
    ],
)
def test_what_cannot_be_read_is_told_beside_its_field_and_what_was_typed_stays(
    quiet: Board, typed: dict[str, str], field: str, said: str
) -> None:
    given = {**NOVEMBER, **typed}

    page = quiet.get("/new", **given)

    assert page.status_code == 422
    assert re.search(rf'href="#{field}">[^<]*{re.escape(said)}', page.text)
    assert f'id="{field}"' in page.text
    assert f'value="{given["move"]}"' in page.text
    assert actions(page) == set()


def test_what_is_written_where_another_thing_belongs_is_refused(quiet: Board) -> None:
    assert quiet.get("/new", **NOVEMBER, also="nonsense").status_code == 422
    assert quiet.get("/new", **NOVEMBER, also="move:moon=平成28年9月").status_code == 422


def test_a_remedy_leads_to_a_preview_in_which_nothing_breaks(board: Board) -> None:
    page = board.get("/new", **NOVEMBER)
    [link] = re.findall(r'<a href="([^"]*also=[^"]*)"', page.text)

    mended = httpx.get(urljoin(str(page.url), unescape(link)), headers={"X-User": "manager"})

    assert "守れなくなる期限も、新たに止まる項目もありません" in text(mended)
    assert f"合わせて変えるもの 届出書の提出{SCRIPT} → 平成28年11月" in text(mended).replace("< /", "</")
    board.send(mended, "/new", reason="相手方と調整した")
    assert board.windows == {"review": "平成28年11月", "filing": "平成28年11月", "portal": "平成28年11月"}


# --- changing ---


def test_what_is_made_is_what_was_shown(board: Board) -> None:
    shown = changing.preview(board.office, "small", move_request("review", "平成28年11月", "議会のため", Cascade.PUSH))
    expected = {id: each.window.wording for id, each in shown.effects.plan.milestones.items() if each.window}

    answer = board.change("平成28年11月", reason="議会のため")

    assert (answer.status_code, answer.headers["location"]) == (303, "../../../plans/small/changes?said=made")
    assert board.windows == expected != {}
    with board.office.open_work(ISHINOMAKI, True) as work:
        entry = work.audit.all()[-1]
        kept = work.plans.latest("small")
    assert (entry.action, entry.actor, entry.authenticated_by) == ("change", "情報政策課長 manager", "proxy")
    assert kept is not None
    assert kept.change is not None
    assert {**kept.change["change"], "revision": None} == {**shown.as_json()["change"], "on": str(TODAY)}
    assert kept.change["moved"] == shown.as_json()["moved"]
    listed = board.get("", said="made")
    assert "変更しました。" in text(listed)
    assert "第2版 いまの計画 評価書の再評価 → 平成28年11月 理由: 議会のため" in text(listed)
    assert f"audit?entry={entry.number}" in listed.text


def test_a_change_without_a_reason_is_not_made_and_the_preview_stays(board: Board) -> None:
    before = board.rows

    answer = board.change("平成28年11月", reason="  ")

    assert answer.status_code == 422
    assert "計画の変更には理由が要ります。" in text(answer)
    assert re.search(r'id="reason-error">計画の変更には理由が要ります', answer.text)
    assert "早くて 平成28年11月2日（水）" in text(answer)
    assert board.rows == before


def test_a_form_that_does_not_say_what_was_seen_is_refused(board: Board) -> None:
    page = board.get("/new", **NOVEMBER)
    address, fields = next(each for each in forms(page) if each[0].endswith("/new"))
    blind = [each for each in fields if each[0] != "seen"]

    answer = board.post(address, "manager", [*blind, ("reason", "急ぎ")])

    assert answer.status_code == 422
    assert "どの版で影響を確かめたか" in text(answer)
    assert board.standing.revision == 1


def test_a_preview_that_was_overtaken_is_shown_anew_and_may_then_be_sent(board: Board) -> None:
    page = board.get("/new", **NOVEMBER)
    changing.move(board.office, "small", "portal", "平成29年2月", f"別件{SCRIPT}", Cascade.NONE, CLERK)
    before = board.rows

    stale = board.send(page, "/new", reason="議会のため")

    assert stale.status_code == 409
    assert "確かめている間に、計画が変わりました" in text(stale)
    assert "第2版" in text(stale)
    assert SCRIPT not in stale.text
    assert "議会のため" in stale.text
    # The counter's date is far enough off now.
    assert "窓口の開始 時期" not in text(stale)
    assert board.rows == before
    assert board.send(stale, "/new", reason="議会のため").status_code == 303
    assert board.windows["review"] == "平成28年11月"


def test_a_form_is_taken_from_our_own_page_only(board: Board) -> None:
    page = board.get("/new", **NOVEMBER)
    address, fields = next(each for each in forms(page) if each[0].endswith("/new"))
    fields.append(("reason", "急ぎ"))
    before = board.rows

    answers = [
        board.post(address, "manager", [each for each in fields if each[0] != "csrf"]),
        board.post(address, "manager", fields, Origin="https://elsewhere.example"),
        board.post(address, "head", fields),
    ]

    assert [each.status_code for each in answers] == [403, 403, 403]
    assert board.rows == before


# --- undoing ---


def test_an_undo_shows_what_it_does_and_restores_every_date(board: Board) -> None:
    at_first = board.windows
    board.change("平成28年11月")
    changed = board.rows

    page = board.get("/2/undo")

    assert re.search(r"評価書の再評価 時期 平成28年11月 平成28年6月 ", text(page))
    assert board.rows == changed
    assert board.send(page, "/2/undo", reason="誤り").status_code == 303
    assert board.windows == at_first
    listed = text(board.get())
    assert "第3版 いまの計画 第2版の変更の取消し 理由: 誤り" in listed


def test_an_undo_that_is_in_the_way_of_a_later_change_says_so(board: Board) -> None:
    board.change("平成28年11月")
    board.change("平成28年12月", reason="再び")

    page = board.get("/2/undo")

    assert page.status_code == 422
    assert "第2版だけを取り消すことはできません" in text(page)
    assert "再び" in text(page)
    assert actions(page) == set()
    assert [board.get(f"/{number}/undo").status_code for number in (1, 99, 10**20)] == [422, 422, 422]


# --- approving ---


def test_a_change_that_needs_approval_waits_for_somebody_else(guarded: Board) -> None:
    at_first = guarded.windows

    asked = guarded.change("平成28年11月", reason=f"議会のため{SCRIPT}")

    assert asked.headers["location"].endswith("changes?said=proposed")
    assert guarded.windows == at_first
    own, others = guarded.get("/proposals/1"), guarded.get("/proposals/1", "head")
    assert actions(own) == {"proposals/1/turn-down"}
    assert "自分の変更案は承認できません。承認するのは 総務部長 です。" in text(own)
    assert actions(others) == {"proposals/1/approve", "proposals/1/turn-down"}
    listed = guarded.get()
    assert "日程の変わる項目 2・ ！守れない期限 1 ・新たに停止 0" in text(listed)
    for page in (own, others, listed):
        assert SCRIPT not in page.text
        assert "&lt;script&gt;" in page.text

    done = guarded.send(others, "/approve", "head", decision="了承")

    assert done.headers["location"].endswith("changes?said=approved")
    assert guarded.windows["review"] == "平成28年11月"
    decided = guarded.get("/proposals/1")
    assert "承認 総務部長 head" in text(decided)
    assert "第2版になりました" in text(decided)
    assert actions(decided) == set()
    assert "変更案 1 （承認: 総務部長 head）" in text(guarded.get())


def test_ones_own_proposal_is_not_approved_by_a_form_made_by_hand_either(guarded: Board) -> None:
    guarded.change("平成28年11月")
    page = guarded.get("/proposals/1")
    address, fields = next(each for each in forms(page) if "proposals" in each[0])
    before = guarded.rows

    answer = guarded.post(address.replace("turn-down", "approve"), "manager", [*fields, ("seen", "1")])

    assert answer.status_code == 403
    assert "自分の変更案は承認できません" in text(answer)
    assert guarded.rows == before


def test_an_approval_is_of_the_effects_that_were_seen(guarded: Board) -> None:
    guarded.change("平成28年11月")
    page = guarded.get("/proposals/1", "head")
    move = move_request("portal", "平成29年2月", "別件", Cascade.NONE)
    changing.change(guarded.office, "small", move, CLERK, approved=True)

    stale = guarded.send(page, "/approve", "head")

    assert stale.status_code == 409
    assert "確かめている間に、計画が変わりました" in text(stale)
    assert guarded.windows["review"] == "平成28年6月"
    assert "提案の後に計画が変わっています" in text(guarded.get())
    assert guarded.send(stale, "/approve", "head").status_code == 303
    assert guarded.windows["review"] == "平成28年11月"


@pytest.mark.parametrize(
    ("who", "state", "said"), [("head", "却下", "turned-down"), ("manager", "取下げ", "withdrawn")]
)
def test_a_proposal_is_turned_down_or_withdrawn_with_a_reason(guarded: Board, who: str, state: str, said: str) -> None:
    guarded.change("平成28年11月")
    page = guarded.get("/proposals/1", who)

    silent = guarded.send(page, "/turn-down", who, reason="")
    done = guarded.send(page, "/turn-down", who, reason="別の方法にする")

    assert silent.status_code == 422
    assert "却下や取下げには理由が要ります。" in text(silent)
    assert done.headers["location"].endswith(f"changes?said={said}")
    assert guarded.standing.revision == 1
    assert f"変更案 1 {state}" in text(guarded.get("/proposals/1"))
    assert "別の方法にする" in text(guarded.get())
    # Nobody decides twice.
    again = guarded.send(page, "/turn-down", who, reason="もう一度")
    assert again.status_code == 422
    assert f"{state}にしています" in text(again)


def test_a_proposal_that_is_not_there_has_no_page(quiet: Board) -> None:
    assert [quiet.get(f"/proposals/{number}").status_code for number in (1, 0, 10**20)] == [422, 422, 422]


# --- rights ---


def test_who_may_not_change_a_plan_sees_why_and_whom_to_ask_and_no_button(guarded: Board) -> None:
    guarded.change("平成28年11月")
    address, fields = next(each for each in forms(guarded.get("/new", **NOVEMBER)) if each[0].endswith("/new"))
    before = guarded.rows

    for who in ("viewer", "department", "secretariat", "administrator"):
        pages = [guarded.get("/new", who, **NOVEMBER), guarded.get("/proposals/1", who), guarded.get("", who)]
        # What only others are shown, sent all the same with a token of their own.
        [token] = {dict(found)["csrf"] for _, found in forms(pages[0])}
        sent = [("csrf", token), ("seen", "1"), ("reason", "権限なし")]
        made_by_hand = [(name, token if name == "csrf" else value) for name, value in fields]
        answers = [
            guarded.post(address, who, [*made_by_hand, ("reason", "権限なし")]),
            guarded.post(f"{guarded.root}/proposals/1/approve", who, sent),
            guarded.post(f"{guarded.root}/proposals/1/turn-down", who, sent),
        ]

        assert [each.status_code for each in pages] == [200, 200, 200]
        whom = "行えるのは 管理職 です。役割は管理者（情報システム課 係員 administrator）に確かめてください。"
        assert [whom in text(each) for each in pages] == [True, True, True]
        assert [actions(each) for each in pages[:2]] == [set(), set()]
        assert "/undo" not in pages[2].text
        assert [each.status_code for each in answers] == [403, 403, 403]
        assert [whom in text(each) for each in answers] == [True, True, True]
    assert guarded.rows == before


def test_who_is_not_signed_in_is_asked_to_and_changes_nothing(board: Board) -> None:
    asked = httpx.get(board.root)
    sent = httpx.post(f"{board.root}/new", data={**NOVEMBER, "seen": "1", "reason": "なし"})

    assert asked.status_code == 303
    assert asked.headers["location"].startswith("../../sign-in")
    assert sent.status_code in (401, 403)
    assert board.standing.revision == 1


# --- the list ---


def test_a_revision_is_given_a_name_once_by_who_may(board: Board) -> None:
    page = board.get()

    named = board.send(page, "/baselines", name="6月議会前", revision="1")
    taken = board.send(page, "/baselines", name="6月議会前", revision="1")
    [token] = {dict(fields)["csrf"] for _, fields in forms(board.get("", "viewer"))}
    sent = [("csrf", token), ("name", "別"), ("revision", "1")]
    nobody = board.post(f"{board.root}/baselines", "viewer", sent)

    assert named.headers["location"].endswith("changes?said=named")
    assert "基準: 6月議会前" in text(board.get())
    assert taken.status_code == 422
    assert "「6月議会前」は第1版の名前です" in text(taken)
    assert 'value="6月議会前"' in taken.text
    assert nobody.status_code == 403
    assert "基準の命名を行えません" in text(nobody)
    assert actions(board.get("", "viewer")) == set()


def test_the_list_shows_the_newest_and_leads_to_the_earlier_ones(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "PAGE", 2)
    for month in (7, 8):
        board.change(f"平成28年{month}月")

    newest, earlier = board.get(), board.get("", before="2")

    assert re.findall(r'id="r(\d+)"', newest.text) == ["3", "2"]
    assert "changes?before=2#revisions" in newest.text
    assert re.findall(r'id="r(\d+)"', earlier.text) == ["1"]
    assert board.get("", before="junk").status_code == 200


def test_every_page_speaks_english_stays_on_this_site_and_shows_a_script_as_text(guarded: Board) -> None:
    guarded.change("平成28年11月", reason=SCRIPT)
    # Sent from a page for the approver, so that there is a revision to look back on.
    guarded.send(guarded.get("/proposals/1", "head"), "/approve", "head", decision=SCRIPT)
    guarded.change("平成28年12月", reason=SCRIPT)
    asked = urlencode({**NOVEMBER, "move": "平成29年1月"})

    for path in ("", "/new", f"/new?{asked}", f"/new?{asked}&also={SCRIPT}", "/proposals/1", "/proposals/2", "/2/undo"):
        page = guarded.get(f"{path}{'&' if '?' in path else '?'}lang=en")
        assert SCRIPT not in page.text, path
        addresses = re.findall(r'(?:href|src|action)="([^"]+)"', page.text)
        outside = [each for each in addresses if not each.startswith(("../", "?", "#", "today", "stops"))]
        assert set(outside) <= {"http://127.0.0.1:4200"}, path
        assert "style=" not in page.text
        if page.status_code == 200:
            assert '<html lang="en">' in page.text
            assert "Back to the changes" in page.text or path == ""


def test_a_form_that_is_sent_twice_asks_once(guarded: Board) -> None:
    page = guarded.get("/new", **NOVEMBER)

    answers = [guarded.send(page, "/new", reason="議会のため") for _ in range(2)]

    assert [each.status_code for each in answers] == [303, 422]
    assert "同じ変更案 1 が、すでに承認を待っています。" in text(answers[1])
    assert len(changing.proposals(guarded.office, "small")) == 1
