"""日程変更 and 完了報告: what a manager and a department do in the dashboard's forms."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

from prefect.artifacts import Artifact

from flows.complete import complete
from flows.forms import CompletionForm, Milestone, MoveForm, Paper, Spread
from flows.move import move
from flows.replay import replay
from flows.watch import watch
from kijitsu.services import auditing, reading
from tests.flows.conftest import Morning

Prepare = Callable[[str | None, date], Morning]


def test_a_move_is_only_shown_until_it_is_asked_for(morning: Prepare) -> None:
    office = morning("fy28-on-time", date(2016, 5, 13)).office
    form = MoveForm(milestone=Milestone["portal"], to="平成29年7月～", reason="国の発表", actor="情報システム課長")

    state = move(form, return_state=True)

    assert state.name == "確認のみ"
    assert reading.standing(office, "fy28", date(2016, 5, 13)).revision == 1
    shown = Artifact.get("fy28-move")
    assert shown
    assert [row["変更後"] for row in json.loads(str(shown.data))] == ["平成29年7月～"]


def test_an_applied_move_is_a_new_revision_and_names_its_author_as_self_declared(morning: Prepare) -> None:
    office = morning("fy28-on-time", date(2016, 5, 13)).office
    form = MoveForm(
        milestone=Milestone["portal"],
        to="平成29年7月～",
        reason="国の発表",
        spread=Spread.NONE,
        apply=True,
        actor="情報システム課長",
    )

    state = move(form, return_state=True)

    standing = reading.standing(office, "fy28", date(2016, 5, 13))
    assert state.name == "変更済み"
    assert standing.revision == 2
    window = standing.plan.milestones["portal"].window
    assert window and window.first == date(2017, 7, 1)
    last = [each.row for each in auditing.entries(office, standing.plan.organisation)][-1]
    assert (last.action, last.actor, last.authenticated_by) == ("move", "情報システム課長", "self-declared")


def test_a_completion_lets_what_it_stopped_go_on_at_the_next_watch(morning: Prepare) -> None:
    office = morning("fy28-late-pia", date(2016, 7, 13)).office
    watch("fy28")

    form = CompletionForm(
        milestone=Milestone["pia"],
        on=date(2016, 7, 13),
        evidence=[Paper(kind="評価書", number="石総第70号")],
        decided=date(2016, 7, 12),
        actor="総務課",
    )
    state = complete(form, return_state=True)
    watch("fy28")

    verdicts = reading.standing(office, "fy28", date(2016, 7, 13)).verdicts
    assert state.name == "記録済み"
    assert verdicts["pia"].status == "done"
    assert verdicts["precheck"].status != "blocked"
    # What is late in its own right goes on stopping what rests on it.
    assert {r.root_cause for v in verdicts.values() for r in v.reasons if r.blocks} == {"pia_publication"}


def test_a_completion_without_its_evidence_is_refused_with_the_remedy(morning: Prepare) -> None:
    morning("fy28-late-pia", date(2016, 7, 13))

    form = CompletionForm(milestone=Milestone["pia"], on=date(2016, 7, 13), actor="総務課")
    state = complete(form, return_state=True)

    assert state.type.value == "FAILED"
    assert "評価書" in (state.message or "")


def test_a_rehearsal_leaves_the_real_data_alone_and_says_where_its_report_is(morning: Prepare) -> None:
    today = morning(None, date(2016, 4, 4))
    before = today.letters()

    state = replay(date(2016, 5, 30), date(2016, 6, 3), "fy28-late-pia", return_state=True)

    assert state.is_completed()
    assert (today.folder / "replays" / "fy28-fy28-late-pia" / "report.html").exists()
    assert today.letters() == before
