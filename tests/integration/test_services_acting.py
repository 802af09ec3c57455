"""What people do, done at the same time and read again: nothing is lost, nothing counts twice."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import Cascade
from kijitsu.domain.errors import InputError
from kijitsu.domain.history import Deed
from kijitsu.office import ALL_ROLES, Actor, Office
from kijitsu.services import adopting, changing, ledger, reading, reporting
from kijitsu.services.reckoning import move_request
from kijitsu.services.watching import watch
from kijitsu.settings import Settings
from kijitsu.store.rows import ReminderState
from tests.acceptance.support import HEAD, ROOT, calendar_with
from tests.at_once import at_once

CLERK = Actor("総務課 係員", "test", ALL_ROLES)
ISHINOMAKI = "042021"
TODAY = date(2016, 6, 3)


def having_adopted(settings: Settings) -> Settings:
    """Return the settings of an installation that adopted fy28."""
    office = open_office(settings)
    office.upgrade()
    adopting.adopt(office, "fy28", CLERK)
    return settings


@pytest.fixture
def shared(empty_database: str, tmp_path: Path) -> Settings:
    """An installation on each kind of database."""
    here = {"home": tmp_path / "home", "calendar": ROOT / "calendar", "today": TODAY.isoformat()}
    return having_adopted(Settings(**here, database_url=empty_database))


@pytest.fixture
def office(tmp_path: Path) -> Office:
    here = {"home": tmp_path / "home", "calendar": ROOT / "calendar", "today": TODAY.isoformat()}
    return open_office(having_adopted(Settings(**here)))


def revisions(office: Office) -> int:
    (plan,) = ledger.adopted_plans(office)
    return int(plan["revision"])


def test_a_milestone_reported_twice_at_once_is_done_once(shared: Settings) -> None:
    offices = [open_office(shared) for _ in range(4)]
    given = reporting.Report(Deed.COMPLETE, "roster", TODAY, evidence={"名簿": "石総第19号"})

    def report(number: int) -> str:
        try:
            reporting.report(offices[number], "fy28", given, CLERK)
        except InputError as exc:
            return str(exc)
        return "done"

    said = at_once(4, report)

    assert said.count("done") == 1
    assert sum("二度は報告できません" in each for each in said) == 3
    with offices[0].open_work(ISHINOMAKI, True) as work:
        assert len(work.events.upto("fy28", None)) == 1
        assert work.audit.verify() == []


def test_of_managers_who_move_dates_at_once_nobody_overwrites_another(shared: Settings) -> None:
    offices = [open_office(shared) for _ in range(4)]
    ids = ("precheck", "notification", "card_study", "staff_training")

    def move(number: int) -> int | None:
        return changing.move(
            offices[number], "fy28", ids[number], "平成29年2月", "延期", Cascade.NONE, CLERK
        ).applied_as

    assert sorted(at_once(4, move)) == [2, 3, 4, 5]

    plan = reading.standing(offices[0], "fy28", TODAY).plan
    later = {id for id in ids if plan.milestones[id].window and plan.milestones[id].window.first == date(2017, 2, 1)}
    assert later == set(ids)
    assert revisions(offices[0]) == 5


@pytest.mark.parametrize("cascade", list(Cascade))
@pytest.mark.parametrize(
    ("id", "to"),
    [
        ("pia", "平成28年8月"),
        ("precheck", "2016-08-10～2016-08-24"),
        ("first_committee", "平成28年6月下旬"),
        ("portal_establishment", "平成29年7月めど"),
        ("security_policy_review", "29年度"),
    ],
)
def test_what_is_applied_is_what_was_previewed(id: str, to: str, cascade: Cascade, office: Office) -> None:
    preview = changing.preview(office, "fy28", move_request(id, to, "延期", cascade), TODAY)
    before = reading.standing(office, "fy28", TODAY).plan
    assert revisions(office) == 1

    applied = changing.move(office, "fy28", id, to, "延期", cascade, CLERK)

    assert {**applied.as_json(), "change": None} == {**preview.as_json(), "change": None}
    assert applied.standing.revision == preview.standing.revision == 1
    standing = reading.standing(open_office(office.settings), "fy28", TODAY)
    assert standing.revision == 2
    assert standing.slots == preview.effects.after.schedule
    for moved in preview.effects.moved:
        window = standing.plan.milestones[moved.id].window
        assert window is not None
        assert moved.new is not None
        assert (window.first, window.last, window.wording) == (moved.new.first, moved.new.last, moved.new.wording)
    untouched = set(before.milestones) - {moved.id for moved in preview.effects.moved}
    assert all(standing.plan.milestones[each] == before.milestones[each] for each in untouched)


def test_a_revision_keeps_everything_of_the_file_but_what_was_moved(office: Office) -> None:
    file = dict(office.library.plan("fy28").document)

    changing.move(office, "fy28", "card_study", "平成29年6月", "延期", Cascade.NONE, CLERK)

    document = dict(reading.standing(open_office(office.settings), "fy28", TODAY).loaded.document)
    assert document["milestones"]["card_study"]["when"] == "平成29年6月"
    document["milestones"]["card_study"]["when"] = file["milestones"]["card_study"]["when"]
    assert list(document["milestones"]) == list(file["milestones"])
    assert document == file


def test_a_report_for_a_plan_that_was_never_adopted_says_how_to_adopt_it(office: Office) -> None:
    with pytest.raises(InputError, match="kijitsu plan adopt fy29"):
        reporting.report(office, "fy29", reporting.Report(Deed.START, "pia", TODAY), CLERK)


def test_a_move_elsewhere_leaves_a_reminder_of_the_firm_date_behind_a_provisional_one(tmp_path: Path) -> None:
    # The vote is yet to come, so that the deadline of the sending moves with it; the effect needs it by September 29.
    plan = (
        HEAD
        + """\
milestones:
  vote: {title: 議決, kind: meeting, owner: general_affairs, when: 2016-08-01～}
  sending:
    title: 議決書の送付
    kind: filing
    owner: general_affairs
    after: [vote]
    due: {rule: sending_to_mayor, from: vote.finish}
  effect: {title: 施行, kind: milestone, owner: general_affairs, after: [sending], due: 2016-09-30}
  portal: {title: 窓口の開始, kind: service, owner: residents, when: 平成29年1月}
"""
    )
    calendar = calendar_with(tmp_path / "calendar", small=plan)
    office = open_office(Settings(home=tmp_path / "home", calendar=calendar, today="2016-09-15"))
    office.upgrade()
    adopting.adopt(office, "small", CLERK)
    watch(office, "small")

    changing.move(office, "small", "portal", "平成29年2月", "延期", Cascade.NONE, CLERK)

    with office.open_work(ISHINOMAKI, True) as work:
        rows = [row for row in work.reminders.all("small") if row.milestone == "sending"]
    assert [(row.rule, row.deadline, row.state) for row in rows] == [
        ("before:10wd", date(2016, 9, 29), ReminderState.PENDING),
        ("before:20wd", date(2016, 9, 29), ReminderState.COVERED),
    ]
