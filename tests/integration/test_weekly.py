"""The weekly letter: one a week, in the pass's transaction, with the head that the audit log then has."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.office import ALL_ROLES, Actor, Office
from kijitsu.services import adopting, asking, auditing, reading
from kijitsu.services.delivering import dispatch
from kijitsu.services.watching import watch
from kijitsu.settings import Settings
from kijitsu.store.rows import OutboxRow, OutboxState, Proposal
from tests.acceptance.support import SMALL, calendar_with
from tests.at_once import at_once
from tests.integration.test_services_writing import ISHINOMAKI, PLAN

CLERK = Actor("総務課 係員", "test", ALL_ROLES)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    settings = Settings(
        home=tmp_path / "home", calendar=calendar_with(tmp_path / "calendar", small=PLAN + "approvers: [総務部長]\n")
    )
    office = open_office(settings)
    office.upgrade()
    adopting.adopt(on(office, "2016-06-01"), "small", CLERK)
    return office


def on(office: Office, day: str) -> Office:
    return replace(office, settings=replace(office.settings, today=day))


def weekly(office: Office) -> list[OutboxRow]:
    with office.open_work(ISHINOMAKI, True) as work:
        return [row for row in work.outbox.all() if "kijitsu audit verify" in row.envelope.wording.text]


def test_the_first_pass_of_each_week_writes_one_letter_to_the_secretariat(office: Office) -> None:
    # June 3 is a Friday; the passes of a morning may run at once, and again.
    for day in ("2016-06-03", "2016-06-06", "2016-06-06", "2016-06-07", "2016-06-13"):
        offices = [on(office, day)] * 2
        [report, _] = at_once(2, lambda number: watch(offices[number], "small"))  # noqa: B023 (at_once waits for all)
        dispatch(offices[0], report.standing.plan.organisation)

    found = weekly(office)

    days = ("2016-06-03", "2016-06-06", "2016-06-13")
    assert [row.key for row in found] == [f"small/weekly/{day}/secretariat" for day in days]
    assert {row.envelope.recipient_title for row in found} == {"番号制度推進本部事務局"}
    assert "意見" in found[-1].envelope.wording.text  # due on June 24, within ten open days of the 13th


def test_it_is_part_of_the_letter_of_the_day_where_the_secretariat_gets_one(tmp_path: Path) -> None:
    # The review was due on Tuesday, May 31: on Wednesday everybody concerned is written to.
    calendar = calendar_with(tmp_path / "calendar", small=SMALL)
    office = open_office(Settings(home=tmp_path / "home", calendar=calendar))
    office.upgrade()
    adopting.adopt(on(office, "2016-05-31"), "small", CLERK)

    watch(on(office, "2016-06-01"), "small")
    [letter] = weekly(office)
    # Nothing could be sent: the next letter stands for the first, and brings along what that one held.
    watch(on(office, "2016-06-02"), "small")
    watch(on(office, "2016-06-03"), "small")

    assert letter.key.startswith("small/2016-06-01/secretariat/")
    assert "評価書の再評価" in letter.envelope.wording.text
    assert "評価書の再評価" in letter.envelope.wording.html
    kept = {row.key.split("/")[1]: row.state for row in weekly(office)}
    assert [day for day, state in kept.items() if state is OutboxState.PENDING] == [max(kept)]
    with office.open_work(ISHINOMAKI, True) as work:
        waiting = [row.envelope.address for row in work.outbox.all(OutboxState.PENDING)]
    assert len(waiting) == len(set(waiting))


def test_a_closed_day_has_no_weekly_letter(office: Office) -> None:
    watch(on(office, "2016-06-04"), "small")

    assert weekly(office) == []


def test_the_letter_holds_the_head_that_the_log_has_after_the_pass(office: Office) -> None:
    watch(on(office, "2016-06-03"), "small")

    [letter] = weekly(office)
    typed = re.search(r"--head (\S+)", letter.envelope.wording.text)
    assert typed
    organisation = reading.adopter_of(office, "small")
    assert organisation
    found = auditing.verify(office, organisation, auditing.witness(typed[1]))
    assert found.problems == []
    assert typed[1] == f"{found.head.number}:{found.head.hash[:16]}"
    assert found.head.hash in letter.envelope.wording.text


def test_approvers_are_asked_once_and_a_deputy_where_the_author_is_one(office: Office) -> None:
    with on(office, "2016-06-03").open_work(ISHINOMAKI, False) as work:
        standing = reading.adopted(office, work, "small", date(2016, 6, 3))
        assert standing
        posts = standing.plan.organisation.posts
        [held] = standing.plan.approvers
        proposal = Proposal("small", 1, 1, {"posts": []}, {}, "都合により", "係員", "test", office.clock())
        own = replace(proposal, number=2, request={"posts": [held]})

        asked = asking.ask(office, work, standing, proposal, ["素案 → 平成28年7月", ""], date(2016, 6, 3))
        instead = asking.ask(office, work, standing, own, ["素案 → 平成28年7月"], date(2016, 6, 3))
        letters = {row.key: row.envelope.wording.text for row in work.outbox.all()}

    assert (asked, instead) == ([held], [posts[held].deputy])
    assert letters.keys() == {f"small/approval/1/{held}", f"small/approval/2/{posts[held].deputy}"}
    assert "kijitsu approve small 1" in letters[f"small/approval/1/{held}"]
