"""日程変更 and 変更の承認: what a manager, and whoever approves, does in the dashboard's forms."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from prefect.artifacts import Artifact
from prefect.client.schemas.objects import State

from flows.approve import approve
from flows.forms import Decision, DecisionForm, Doing, Milestone, MoveForm
from flows.move import move
from kijitsu.bootstrap import open_office
from kijitsu.domain.plan import Plan
from kijitsu.editing import Edit, EditKind
from kijitsu.office import ALL_ROLES, Actor, Office
from kijitsu.services import auditing, changing, reading
from kijitsu.services.reckoning import Request
from tasks.changes import literal
from tests.flows.conftest import Morning

Prepare = Callable[[str | None, date], Morning]

FRIDAY = date(2016, 5, 13)
PEOPLE = """\
people:
  abe: {title: 情報システム課長, roles: [manager]}
  ito: {title: 総務部長, roles: [manager], posts: [総務部長]}
  ueda: {title: 総務課係員, roles: [department], bodies: [general_affairs]}
"""


@pytest.fixture
def office(morning: Prepare) -> Office:
    return morning("fy28-on-time", FRIDAY).office


@pytest.fixture
def with_approval(office: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """The office where the second revision of the plan asks the head of general affairs to approve changes."""
    loaded = office.library.plan("fy28")
    document = {**loaded.document, "approvers": ["総務部長"]}
    request = Request((Edit(EditKind.FILE, "fy28", document),), "二人で決める")
    changing.change(office, "fy28", request, Actor("推進本部", "test", ALL_ROLES))
    people = office.settings.home / "people.yaml"
    people.write_text(PEOPLE)
    monkeypatch.setenv("KIJITSU_PEOPLE", str(people))
    return open_office()


def sent(**given: object) -> State[Any]:
    """Send the form 日程変更, as far as it is not told otherwise for the portal in July 2017."""
    filled = {
        "milestone": Milestone["portal"],
        "to": "平成29年7月～",
        "reason": "国の発表",
        "actor": "情報システム課長",
    }
    return move(MoveForm(**{**filled, **given}), return_state=True)


def decided(number: int | None = 1, **given: object) -> State[Any]:
    return approve(DecisionForm(number=number, **{"actor": "総務部長", **given}), return_state=True)


def plan_of(office: Office) -> Plan:
    return reading.standing(office, "fy28", FRIDAY).plan


def first_day(office: Office) -> date | None:
    window = plan_of(office).milestones["portal"].window
    return window and window.first


def revision(office: Office) -> int:
    return reading.standing(office, "fy28", FRIDAY).revision


def artifact(key: str) -> tuple[list[dict[str, str]], str]:
    """Return the rows and the words of the newest artifact of a key."""
    found = Artifact.get(key)
    assert found
    return json.loads(str(found.data)), str(found.description)


def test_a_move_is_only_shown_until_it_is_asked_for_and_the_state_says_how(office: Office) -> None:
    state = sent()

    rows, words = artifact("fy28-change")
    assert state.name == "確認のみ"
    assert state.message
    assert state.message.endswith("「実際に変更する」を選び、「影響を確かめた版」に 1 と書いて送ってください。")
    assert revision(office) == 1
    assert {"変わるもの": "時期", "変更前": "平成29年1月～", "変更後": "平成29年7月～"}.items() <= rows[0].items()
    assert "理由: 国の発表" in words


def test_a_move_is_made_on_the_revision_that_was_seen_and_names_its_author_as_self_declared(office: Office) -> None:
    state = sent(doing=Doing.CHANGE, seen=1)

    assert state.name == "変更済み"
    assert (revision(office), first_day(office)) == (2, date(2017, 7, 1))
    last = [each.row for each in auditing.entries(office, plan_of(office).organisation)][-1]
    assert (last.action, last.actor, last.authenticated_by) == ("change", "情報システム課長", "self-declared")


def test_a_move_whose_effects_nobody_looked_at_is_refused(office: Office) -> None:
    state = sent(doing=Doing.CHANGE)

    assert (state.is_failed(), state.name) == (True, "入力の誤り")
    assert "まず「影響を確かめる」で送り" in (state.message or "")
    assert revision(office) == 1


def test_a_stale_preview_is_refused_and_a_fresh_one_published(office: Office) -> None:
    sent(to="平成29年8月～", reason="国の再発表", doing=Doing.CHANGE, seen=1)

    state = sent(doing=Doing.CHANGE, seen=1)

    rows, words = artifact("fy28-change")
    assert (state.is_failed(), state.name) == (True, "計画が変わりました")
    assert "第2版（情報システム課長: 国の再発表）" in (state.message or "")
    assert "「影響を確かめた版」に 2 と書いて" in (state.message or "")
    assert (rows[0]["変更前"], rows[0]["変更後"]) == ("平成29年8月～", "平成29年7月～")
    assert "第2版で確かめました" in words
    assert (revision(office), first_day(office)) == (2, date(2017, 8, 1))


def test_a_change_is_taken_back_from_the_form(office: Office) -> None:
    before = plan_of(office)
    sent(doing=Doing.CHANGE, seen=1)
    asked = {"milestone": None, "to": "", "undo": 2, "reason": "国の撤回"}

    shown = sent(**asked)
    state = sent(**asked, doing=Doing.CHANGE, seen=2)

    assert (shown.name, state.name) == ("確認のみ", "変更済み")
    assert revision(office) == 3
    assert plan_of(office) == before


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ({"milestone": None, "to": ""}, "「項目」と「新しい時期」を入れてください"),
        ({"undo": 2}, "どちらかにしてください"),
    ],
    ids=["nothing", "both"],
)
def test_a_form_that_asks_for_nothing_to_be_done_ends_with_the_remedy(
    office: Office, given: dict[str, object], remedy: str
) -> None:
    state = sent(**given)

    assert (state.is_failed(), state.name) == (True, "入力の誤り")
    assert remedy in (state.message or "")


def test_words_that_look_like_markup_stay_words() -> None:
    shown = literal("<b>国</b>の *発表*\n\n# [見出し](http://x.example/)")

    assert shown == r"\<b\>国\<\/b\>の \*発表\* \# \[見出し\]\(http\:\/\/x\.example\/\)"


def test_a_change_waits_for_somebody_else_who_approves_it(with_approval: Office) -> None:
    proposed = sent(doing=Doing.CHANGE, seen=2)
    listed = decided(None)
    own = decided(actor="情報システム課長", decision=Decision.APPROVE, seen=2)
    shown = decided()

    [row], _ = artifact("fy28-proposals")
    assert proposed.name == "承認待ち"
    assert "総務部長" in (proposed.message or "")
    assert "「変更案の番号」に 1 と書いて" in (proposed.message or "")
    assert (row["番号"], row["だれが"], row["理由"]) == ("1", "情報システム課長 abe", "国の発表")
    assert (listed.name, own.name, shown.name) == ("一覧", "権限がありません", "確認のみ")
    assert revision(with_approval) == 2

    state = decided(decision=Decision.APPROVE, seen=2)

    assert state.name == "変更済み"
    assert (revision(with_approval), first_day(with_approval)) == (3, date(2017, 7, 1))


def test_a_proposed_change_is_turned_down_with_a_reason(with_approval: Office) -> None:
    sent(doing=Doing.CHANGE, seen=2)

    state = decided(decision=Decision.REJECT, reason="時期尚早")

    assert state.name == "却下"
    assert revision(with_approval) == 2


def test_who_may_not_change_plans_is_told_so(with_approval: Office) -> None:
    state = sent(doing=Doing.CHANGE, seen=2, actor="総務課係員")

    assert (state.is_failed(), state.name) == (True, "権限がありません")
    assert "総務課係員 ueda（担当課）は計画の変更を行えません" in (state.message or "")
