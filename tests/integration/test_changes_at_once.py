"""Changes at the same time: none is lost, none happens twice, and whoever decided on something else is told."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import Cascade
from kijitsu.domain.errors import InputError
from kijitsu.domain.history import Deed
from kijitsu.editing import Edit, EditKind
from kijitsu.office import ALL_ROLES, Actor, Office
from kijitsu.services import adopting, changing, reading, reporting
from kijitsu.services.changing import StalePreview
from kijitsu.services.reckoning import Request, move_request
from kijitsu.services.watching import watch
from kijitsu.settings import Settings
from kijitsu.store.rows import ProposalState
from tests.acceptance.support import HEAD, calendar_with
from tests.at_once import at_once
from tests.board import CLERK, ISHINOMAKI, TODAY
from tests.integration.test_dispatch_killed import in_a_process, was_killed

WORKERS = 4
BODY = "milestones:\n" + "".join(
    f"  m{n}: {{title: 項目{n}, kind: meeting, owner: residents, when: 2016-07-0{n + 1}, duration: 1wd}}\n"
    for n in range(WORKERS)
)
CHIEF = Actor("事務局長", "test", ALL_ROLES, posts=frozenset({"総務部長"}))
OTHER = Actor("副市長", "test", ALL_ROLES, posts=frozenset({"副市長"}))


def installation(url: str, folder: Path, plan: str) -> Settings:
    given = {"home": folder / "home", "calendar": calendar_with(folder / "calendar", small=plan), "today": str(TODAY)}
    settings = Settings(**given, database_url=url)
    office = open_office(settings)
    office.upgrade()
    adopting.adopt(office, "small", CLERK)
    return settings


@pytest.fixture
def shared(empty_database: str, tmp_path: Path) -> Settings:
    """A plan of four dates that anybody may move."""
    return installation(empty_database, tmp_path, HEAD + BODY)


@pytest.fixture
def guarded(empty_database: str, tmp_path: Path) -> Settings:
    """The same, where two posts approve what moves."""
    return installation(empty_database, tmp_path, HEAD + "approvers: [総務部長, 副市長]\n" + BODY)


def lengthen(number: int) -> Request:
    return Request((Edit(EditKind.DURATION, f"m{number}", "5wd"),), f"延長{number}", Cascade.NONE)


def look_and_change(office: Office, number: int) -> int:
    """Change what was looked at, and look again for as long as it is no longer so; return how often that was."""
    seen, stale = changing.preview(office, "small", lengthen(number)).standing.revision, 0
    while True:
        try:
            changing.change(office, "small", lengthen(number), CLERK, seen)
        except StalePreview as exc:
            assert exc.fresh
            assert exc.fresh.standing.revision > seen
            assert {each.number for each in exc.since} == set(range(seen + 1, exc.fresh.standing.revision + 1))
            seen, stale = exc.fresh.standing.revision, stale + 1
        else:
            return stale


def everything_is_there(settings: Settings, changes: int = WORKERS) -> None:
    office = open_office(settings)
    plan = reading.standing(office, "small", TODAY).plan
    assert [str(each.duration) for each in plan.milestones.values()] == ["5wd"] * changes
    with office.open_work(ISHINOMAKI, True) as work:
        assert work.audit.verify() == []
        entries = [entry for entry in work.audit.all() if entry.action == "change"]
        assert [entry.details["revision"] for entry in entries] == list(range(2, changes + 2))
        revisions = work.plans.revisions("small")
        assert [each.number for each in revisions] == list(range(1, changes + 2))
        assert [each.reason for each in revisions[1:]] == [entry.details["reason"] for entry in entries]


def test_threads_that_change_what_they_saw_lose_nothing(shared: Settings) -> None:
    stale = at_once(WORKERS, lambda number: look_and_change(open_office(shared), number))

    everything_is_there(shared)
    assert sum(stale) <= WORKERS * (WORKERS - 1) // 2


def test_processes_that_change_what_they_saw_lose_nothing(shared: Settings) -> None:
    reading_end, writing = os.pipe()

    def work(number: int) -> Callable[[], object]:
        return lambda: (os.read(reading_end, 1), look_and_change(open_office(shared), number))

    processes = [in_a_process(work(number)) for number in range(WORKERS)]
    os.write(writing, b"!" * WORKERS)

    assert [was_killed(each) for each in processes] == [False] * WORKERS
    everything_is_there(shared)
    os.close(reading_end)
    os.close(writing)


def test_who_saw_the_same_revision_changes_it_once_and_the_others_are_told(shared: Settings) -> None:
    def change(number: int) -> str:
        try:
            changing.change(open_office(shared), "small", lengthen(number), CLERK, 1)
        except StalePreview as exc:
            return str(exc)
        return "done"

    said = at_once(WORKERS, change)

    assert said.count("done") == 1
    assert sum("第1版で影響を確かめた後に、計画が変わりました: 第2版" in each for each in said) == WORKERS - 1


def test_whoever_saw_nothing_changes_what_is_there(shared: Settings) -> None:
    done = at_once(
        WORKERS, lambda number: changing.change(open_office(shared), "small", lengthen(number), CLERK).applied_as
    )

    assert sorted(each for each in done if each) == [2, 3, 4, 5]
    everything_is_there(shared)


def test_a_change_a_report_and_a_pass_at_once_all_happen(shared: Settings) -> None:
    finished = reporting.Report(Deed.COMPLETE, "m3", TODAY)

    def act(number: int) -> object:
        office = open_office(shared)
        if number == 0:
            return watch(office, "small")
        if number == 1:
            return reporting.report(office, "small", finished, CLERK)
        return look_and_change(office, number - 2)

    at_once(4, act)

    standing = reading.standing(open_office(shared), "small", TODAY)
    assert standing.revision == 3
    assert standing.progress["m3"].completed_on == TODAY
    assert [str(standing.plan.milestones[id].duration) for id in ("m0", "m1")] == ["5wd", "5wd"]
    with open_office(shared).open_work(ISHINOMAKI, True) as work:
        assert work.audit.verify() == []
        assert work.passes.latest("small")
    again = watch(open_office(shared), "small")
    assert again.standing.revision == 3


# --- approval ---


def proposed(settings: Settings, number: int = 0) -> int:
    done = changing.change(open_office(settings), "small", lengthen(number), CLERK)
    assert done.proposed_as
    return done.proposed_as


def tried(call: Callable[[], object]) -> str:
    try:
        call()
    except InputError as exc:
        return str(exc)
    return "done"


def outcome(settings: Settings) -> tuple[ProposalState, int, list[str]]:
    """A proposal's state, the revision in force, and what the audit log says was done."""
    with open_office(settings).open_work(ISHINOMAKI, True) as work:
        assert work.audit.verify() == []
        proposal, head = work.proposals.get("small", 1), work.plans.head("small")
        assert proposal
        assert head
        return proposal.state, head.number, [entry.action for entry in work.audit.all()]


def test_of_two_approvals_at_once_one_wins_and_the_other_is_told(guarded: Settings) -> None:
    number = proposed(guarded)

    said = at_once(
        2,
        lambda who: tried(lambda: changing.approve(open_office(guarded), "small", number, (CHIEF, OTHER)[who], "よし")),
    )

    assert said.count("done") == 1
    assert any("が承認にしています" in each for each in said)
    assert outcome(guarded) == (ProposalState.APPLIED, 2, ["adopt", "propose", "approve"])


def test_an_approval_and_a_withdrawal_at_once_do_not_both_happen(guarded: Settings) -> None:
    number = proposed(guarded)
    calls: list[Callable[[], object]] = [
        lambda: changing.approve(open_office(guarded), "small", number, CHIEF, "よし"),
        lambda: changing.turn_down(open_office(guarded), "small", number, CLERK, "取りやめ"),
    ]

    said = at_once(2, lambda which: tried(calls[which]))

    assert said.count("done") == 1
    approved = (ProposalState.APPLIED, 2, ["adopt", "propose", "approve"])
    withdrawn = (ProposalState.WITHDRAWN, 1, ["adopt", "propose", "withdraw"])
    assert outcome(guarded) == (approved if said[0] == "done" else withdrawn)


def test_two_proposals_approved_at_once_are_one_after_the_other_or_one_is_looked_at_again(guarded: Settings) -> None:
    numbers = [proposed(guarded, 0), proposed(guarded, 1)]

    said = at_once(
        2,
        lambda which: tried(
            lambda: changing.approve(open_office(guarded), "small", numbers[which], (CHIEF, OTHER)[which])
        ),
    )

    assert said.count("done") == 1
    (other,) = (each for each in said if each != "done")
    assert "第1版で影響を確かめた後に、計画が変わりました: 第2版" in other
    waiting = numbers[said.index(other)]
    changing.approve(open_office(guarded), "small", waiting, CHIEF, "", 2)
    plan = reading.standing(open_office(guarded), "small", TODAY).plan
    assert [str(plan.milestones[id].duration) for id in ("m0", "m1")] == ["5wd", "5wd"]


def test_proposals_made_at_once_each_have_a_number(guarded: Settings) -> None:
    moved = [move_request(f"m{number}", "2016-07-20", "延期", Cascade.NONE) for number in range(WORKERS)]

    made = at_once(WORKERS, lambda n: changing.change(open_office(guarded), "small", moved[n], CLERK).proposed_as)

    assert sorted(each for each in made if each) == [1, 2, 3, 4]
    kept = changing.proposals(open_office(guarded), "small")
    assert sorted(each.request["edits"][0]["move"] for each in kept) == ["m0", "m1", "m2", "m3"]
