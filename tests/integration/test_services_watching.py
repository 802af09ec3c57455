"""The daily pass: one transaction, once a day, whoever else runs it at the same moment."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.history import Deed
from kijitsu.messages import Letter, Wording
from kijitsu.office import ALL_ROLES, Actor, Office
from kijitsu.services import adopting, reporting
from kijitsu.services.watching import watch
from kijitsu.settings import Settings
from kijitsu.store.rows import ReminderState
from tests.acceptance.support import ROOT, close_day
from tests.at_once import at_once

CLERK = Actor("総務課 係員", "test", ALL_ROLES)
ISHINOMAKI = "042021"


class NoWords:
    def __call__(self, letter: Letter) -> Wording:
        raise RuntimeError("no words")


def on(day: str, settings: Settings) -> Office:
    return open_office(replace(settings, today=day))


@pytest.fixture
def settings(empty_database: str, tmp_path: Path) -> Settings:
    """An installation that adopted fy28 on April 1."""
    settings = Settings(home=tmp_path / "home", calendar=ROOT / "calendar", database_url=empty_database)
    office = on("2016-04-01", settings)
    office.upgrade()
    adopting.adopt(office, "fy28", CLERK)
    return settings


def test_passes_at_once_write_everything_once(settings: Settings) -> None:
    offices = [on("2016-06-03", settings) for _ in range(4)]

    reports = at_once(4, lambda number: watch(offices[number], "fy28"))

    with offices[0].open_work(ISHINOMAKI, True) as work:
        transitions, reminders = work.transitions.all("fy28"), work.reminders.all("fy28")
        everything, problems = work.outbox.all(), work.audit.verify()
        entries, last = [entry.action for entry in work.audit.all()], work.passes.latest("fy28")
    assert Counter(row.milestone for row in transitions) == dict.fromkeys(reports[0].standing.plan.milestones, 1)
    keys = {row.key for row in everything}
    assert len(everything) == sum(len(report.letters) for report in reports) == len(keys)
    assert set(Counter(row.envelope.address for row in everything).values()) == {1}
    assert {row.message_key for row in reminders if row.message_key} == keys
    # The week's first letter to the secretariat carries the 週報.
    carriers = [row.key for row in everything if "kijitsu audit verify" in row.envelope.wording.text]
    assert last
    assert carriers == [each["key"] for each in last.summary["reports"]]
    assert entries == ["adopt", "watch"]
    assert problems == []


def test_a_pass_that_cannot_write_its_letters_keeps_nothing_and_the_next_one_makes_up_for_it(
    settings: Settings,
) -> None:
    office = on("2016-06-03", settings)

    with pytest.raises(RuntimeError, match="no words"):
        watch(replace(office, make_renderer=NoWords), "fy28")

    with office.open_work(ISHINOMAKI, True) as work:
        assert work.transitions.all("fy28") == []
        assert work.reminders.all("fy28") == []
        assert work.standings.all("fy28") == {}
        assert work.passes.latest("fy28") is None
        assert len(work.audit.all()) == 1
    assert len(watch(office, "fy28").transitions) == 69


def test_after_days_without_a_pass_a_reminder_goes_out_late_once_the_newest_for_the_older_ones(
    settings: Settings,
) -> None:
    watch(on("2016-04-01", settings), "fy28")

    # The test's target is July 31, a Sunday: on July 25 the letters of 10 and of 5 working days ahead are both due.
    given = reporting.Report(Deed.COMPLETE, "roster", date(2016, 4, 20), evidence={"名簿": "石総第19号"})
    reporting.report(on("2016-04-20", settings), "fy28", given, CLERK)
    office = on("2016-07-25", settings)
    first = watch(office, "fy28")
    second = watch(office, "fy28")

    with office.open_work(ISHINOMAKI, True) as work:
        rows = [row for row in work.reminders.all("fy28") if row.milestone == "inhouse_test"]
    before = {row.rule: row.state for row in rows if row.rule.startswith("before")}
    assert before == {"before:10wd": ReminderState.COVERED, "before:5wd": ReminderState.PENDING}
    assert first.letters
    assert not second.letters


def test_a_pass_of_a_closed_day_looks_and_writes_nothing(settings: Settings) -> None:
    # 山の日, for the first time.
    office = on("2016-08-11", settings)

    report = watch(office, "fy28")

    assert not report.is_open
    assert report.needs_action
    with office.open_work(ISHINOMAKI, True) as work:
        assert work.passes.latest("fy28") is None
        assert work.transitions.all("fy28") == []


def test_a_day_is_the_citys_day_not_the_servers(settings: Settings) -> None:
    evening_in_london = datetime(2016, 6, 2, 23, 30, tzinfo=UTC)

    report = watch(open_office(settings).at(lambda: evening_in_london), "fy28")

    assert report.on == date(2016, 6, 3)


# --- a calendar that changes ---


@pytest.fixture
def changed(settings: Settings, tmp_path: Path) -> Settings:
    """The installation after its pass of July 14, with July 29 closed by an ordinance since."""
    watch(on("2016-07-14", settings), "fy28")
    calendar = shutil.copytree(ROOT / "calendar", tmp_path / "calendar")
    close_day(calendar / "closures" / "municipality.yaml", "2016-07-29", "市の記念日")
    return replace(settings, calendar=calendar)


def test_passes_at_once_record_a_changed_calendar_once(changed: Settings) -> None:
    offices = [on("2016-07-15", changed) for _ in range(4)]

    reports = at_once(4, lambda number: watch(offices[number], "fy28"))

    with offices[0].open_work(ISHINOMAKI, True) as work:
        entries = [entry.details["calendar"] for entry in work.audit.all() if entry.action == "calendar"]
        assert work.audit.verify() == []
    # The counter of cards is counted on residents, which extends municipality.
    assert entries == ["municipality", "residents"]
    assert sum(len(report.calendar_changes) for report in reports) == 2
    municipality, residents = next(report.calendar_changes for report in reports if report.calendar_changes)
    assert municipality.moved
    assert residents.moved == {}


def test_a_pass_that_fails_after_it_noticed_a_change_leaves_it_to_the_next_one(changed: Settings) -> None:
    office = on("2016-07-15", changed)
    with office.open_work(ISHINOMAKI, True) as work:
        before = work.reminders.all("fy28"), work.audit.all(), work.seen_calendars.all("fy28")

    with pytest.raises(RuntimeError, match="no words"):
        watch(replace(office, make_renderer=NoWords), "fy28")

    with office.open_work(ISHINOMAKI, True) as work:
        assert (work.reminders.all("fy28"), work.audit.all(), work.seen_calendars.all("fy28")) == before
    assert [change.calendar for change in watch(office, "fy28").calendar_changes] == ["municipality", "residents"]
    assert watch(on("2016-07-15", changed), "fy28").calendar_changes == []
