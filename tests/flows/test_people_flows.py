"""完了報告: what a department does in the dashboard's form."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from flows.complete import complete
from flows.forms import CompletionForm, Milestone, Paper
from flows.watch import watch
from kijitsu.services import reading
from tests.flows.conftest import Morning

Prepare = Callable[[str | None, date], Morning]


def test_a_completion_lets_what_it_stopped_go_on_at_the_next_watch(morning: Prepare) -> None:
    office = morning("fy28-late-pia", date(2016, 7, 13)).office
    watch()

    form = CompletionForm(
        milestone=Milestone["pia"],
        on=date(2016, 7, 13),
        evidence=[Paper(kind="評価書", number="石総第70号")],
        decided=date(2016, 7, 12),
        actor="総務課",
    )
    state = complete(form, return_state=True)
    watch()

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
