"""How far a small plan has slipped, through the services: worked by hand, by milestone, department and cause."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import Cascade
from kijitsu.domain.errors import InputError
from kijitsu.domain.history import Deed
from kijitsu.domain.roles import Role
from kijitsu.domain.slips import Tally
from kijitsu.office import ALL_ROLES, Actor, NotAllowed, Office
from kijitsu.services import adopting, changing, reporting, slipping
from kijitsu.services.slipping import SlipReport, slip
from kijitsu.settings import Settings
from tests.acceptance.support import HEAD, calendar_with

CLERK = Actor("総務課 係員", "test", ALL_ROLES)
ISHINOMAKI = "042021"
TUESDAY = date(2016, 7, 12)

# July 18 2016 is 海の日, a Monday.
PLAN = (
    HEAD
    + """\
milestones:
  design: {title: 設計, kind: milestone, owner: general_affairs, when: 2016-07-11～2016-07-15}
  review: {title: 点検, kind: milestone, owner: residents, after: [design]}
  report: {title: 報告, kind: filing, owner: residents, after: [review], due: {rule: own, from: review.finish}}
  survey: {title: 調査, kind: milestone, owner: information_systems, when: 2016-07-04～2016-07-08}
"""
)
RULE = """\
rules:
  own:
    title: 十日以内の報告
    basis: 規則第1条
    in_force_from: 2000-01-01
    direction: forward
    length: 10d
    first_day: excluded
    roll: none
    calendar: municipality
    effect: hard
"""


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An installation that adopted the small plan, and moved its design from July 15 to July 22."""
    calendar = calendar_with(tmp_path / "calendar", small=PLAN)
    (calendar / "rules" / "own.yaml").write_text(RULE, encoding="utf-8")
    office = open_office(Settings(home=tmp_path / "home", calendar=calendar, today=str(TUESDAY)))
    office.upgrade()
    adopting.adopt(office, "small", CLERK)
    changing.move(office, "small", "design", "2016-07-20～2016-07-22", "国の様式が遅れる", Cascade.NONE, CLERK)
    return office


def open_days(report: SlipReport) -> dict[str, int | None]:
    return {slip.id: slip.open_days for slip in report.slips}


def test_a_move_and_what_came_along_and_what_is_overdue_are_told_apart(office: Office) -> None:
    report = slip(office, "small", None, TUESDAY)

    # design: 19 20 21 22. review follows it, from the 12th to the 21st: 13 14 15 19 20 21. report is due ten days
    # after the review, from the 22nd to the 31st: 25 26 27 28 29. survey should have been done on the 8th: 11 12.
    assert open_days(report) == {"design": 4, "review": 6, "report": 5, "survey": 2}
    assert (report.against, report.revision, report.standing.revision) == ("採用時", 1, 2)
    moved, done = report.effects
    assert (moved.cause.revision, moved.cause.reason, moved.cause.actor) == (2, "国の様式が遅れる", "総務課 係員")
    assert (moved.moved, moved.along) == (("design",), ("review", "report"))
    assert moved.tally == Tally(3, 6, 15, 0)
    assert (done.cause.revision, done.tally, done.moved) == (None, Tally(1, 2, 2, 0), ("survey",))
    assert report.departments == {
        "general_affairs": Tally(1, 4, 4, 0),
        "residents": Tally(2, 6, 11, 0),
        "information_systems": Tally(1, 2, 2, 0),
    }
    assert [id for id in report.known if report.is_overdue(id)] == ["survey"]


def test_against_a_later_baseline_only_what_came_after_it_counts(office: Office) -> None:
    made = slipping.baseline(office, "small", " 夏の見直し ", None, CLERK)
    changing.move(office, "small", "design", "2016-07-15", "間に合うことになった", Cascade.NONE, CLERK)
    reporting.report(office, "small", reporting.Report(Deed.COMPLETE, "survey", date(2016, 7, 11)), CLERK)

    report = slip(office, "small", "夏の見直し", TUESDAY)

    assert (made.name, made.revision) == ("夏の見直し", 2)
    assert (report.against, report.revision) == ("夏の見直し", 2)
    # review goes from the 21st to the 19th, the first open day after the design; report from Sunday the 31st to the
    # Friday before it.
    assert open_days(report) == {"design": -4, "review": -2, "report": 0, "survey": 1}
    assert [(effect.cause.revision, effect.tally) for effect in report.effects] == [
        (3, Tally(0, 0, 0, -6)),
        (None, Tally(1, 1, 1, 0)),
    ]
    assert slip(office, "small", "第2版", TUESDAY).as_json()["against"] == {"name": None, "revision": 2}
    assert open_days(slip(office, "small", "3", TUESDAY)) == {"design": 0, "review": 0, "report": 0, "survey": 1}
    assert [
        (each["number"], each["reason"], each["moved"], each["baselines"])
        for each in slipping.revisions(office, "small")
    ] == [
        (1, "採用", None, ["採用時"]),
        (2, "国の様式が遅れる", 3, ["夏の見直し"]),
        (3, "間に合うことになった", 3, []),
    ]


def test_a_baseline_is_named_once_by_whoever_may_and_stays_in_the_audit_log(office: Office) -> None:
    slipping.baseline(office, "small", "原案", 1, Actor("課長", "test", frozenset({Role.MANAGER})))

    for taken in ("原案", "採用時"):
        with pytest.raises(InputError, match="第1版の名前"):
            slipping.baseline(office, "small", taken, 2, CLERK)
    for missing in (0, 3):
        with pytest.raises(InputError, match="第1版から第2版まで"):
            slipping.baseline(office, "small", "別名", missing, CLERK)
    for bad in ("", " ", "あ" * 61, "改\n行", "見え\u200bない", "2016", "第３版"):
        with pytest.raises(InputError, match=r"名前|紛れ"):
            slipping.baseline(office, "small", bad, None, CLERK)
    for role in (Role.VIEWER, Role.DEPARTMENT):
        with pytest.raises(NotAllowed, match="管理職、事務局、管理者"):
            slipping.baseline(office, "small", "別名", None, Actor("だれか", "test", frozenset({role})))
    with pytest.raises(InputError, match="あるもの: 採用時、原案"):
        slip(office, "small", "原安", TUESDAY)
    with pytest.raises(InputError, match="第1版から第2版まで"):
        slip(office, "small", "99999999999", TUESDAY)

    with office.open_work(ISHINOMAKI, True) as work:
        assert [(each.name, each.revision, each.actor) for each in work.baselines.all("small")] == [("原案", 1, "課長")]
        adopted = work.plans.revision("small", 1)
        (entry,) = [each for each in work.audit.all() if each.action == "baseline"]
    assert adopted
    assert (entry.actor, entry.subject) == ("課長", "small")
    assert entry.details == {"name": "原案", "revision": 1, "sha256": adopted.sha256}


def test_a_revision_whose_rule_is_gone_is_named_and_a_later_one_still_compares(office: Office) -> None:
    with office.open_work(ISHINOMAKI, False) as work:
        latest = work.plans.latest("small")
        assert latest
        document = {**latest.document, "milestones": {**latest.document["milestones"]}}
        del document["milestones"]["report"]
        document["milestones"]["briefing"] = {**document["milestones"]["survey"], "title": "説明", "when": "2016-07-15"}
        work.plans.add("small", document, "報告を説明に替える", "総務課長", None, latest.made_at, latest.number)
        work.commit()
    replaced = slip(office, "small", None, TUESDAY)
    (office.library.folder / "rules" / "own.yaml").unlink()
    later = open_office(office.settings)

    with pytest.raises(InputError, match=r"第1版は、今の calendar/ では読めません: .*own"):
        slip(later, "small", None, TUESDAY)

    added_dropped = {each.id: (each.added, each.dropped) for each in replaced.slips if each.open_days is None}
    assert added_dropped == {"briefing": (3, None), "report": (None, 3)}
    assert replaced.title(replaced.known["report"].owner) == "市民課"
    assert open_days(slip(later, "small", "3", TUESDAY)) == {"design": 0, "review": 0, "survey": 2, "briefing": 0}
    assert [each["moved"] for each in slipping.revisions(later, "small")] == [None, None, None]
