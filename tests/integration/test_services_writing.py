"""What is owed becomes letters: one to a place, true on its day, whatever is still waiting to be sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import Cascade
from kijitsu.domain.history import Deed
from kijitsu.messages import Letter, Wording
from kijitsu.office import ALL_ROLES, Actor, Office
from kijitsu.services import adopting, changing, reporting
from kijitsu.services.watching import PassReport, watch
from kijitsu.settings import Settings
from kijitsu.store.rows import OutboxRow, OutboxState, ReminderRow, ReminderState
from tests.acceptance.support import HEAD, calendar_with, close_day
from tests.board import end

CLERK = Actor("総務課 係員", "test", ALL_ROLES)
ISHINOMAKI, TOKYO = "042021", ZoneInfo("Asia/Tokyo")
PENDING, SENT, WITHDRAWN = OutboxState.PENDING, OutboxState.SENT, OutboxState.WITHDRAWN

# Of June 24, a Friday, the days ahead are 6/10, 6/17 and 6/23; of June 30, a Thursday, 6/16, 6/23 and 6/29.
PLAN = (
    HEAD
    + """\
milestones:
  draft: {title: 素案, kind: meeting, owner: residents, when: 2016-05-02～2016-06-24, reminders: standard}
  survey: {title: 照会, kind: meeting, owner: residents, when: 2016-05-02～2016-06-30, reminders: standard}
  opinion: {title: 意見, kind: meeting, owner: general_affairs, when: 2016-05-02～2016-06-24, reminders: standard}
  report: {title: 報告, kind: meeting, owner: finance, when: 2016-09-01～2016-09-30, reminders: standard}
"""
)


class Plainly:
    """Words that can be asked about: a line for each item of a letter, `topic milestone (was ->) due`."""

    def __call__(self, letter: Letter) -> Wording:
        lines = [
            f"{item.topic} {item.milestone} {f'{item.was} -> ' if item.was else ''}{item.due}" for item in letter.items
        ]
        return Wording(f"{letter.on} {letter.recipient}", "\n".join(lines), "", "{}")


@dataclass(frozen=True)
class City:
    """An installation that is looked at and acted on at given local times: a day is its morning at half past eight."""

    settings: Settings

    @cached_property
    def office(self) -> Office:
        return replace(open_office(self.settings), make_renderer=Plainly)

    def at(self, when: str) -> Office:
        local = datetime.fromisoformat(when if " " in when else f"{when} 08:30").replace(tzinfo=TOKYO)
        return self.office.at(lambda: local)

    def watch(self, when: str) -> PassReport:
        return watch(self.at(when), "small")

    def move(self, when: str, id: str, to: str, reason: str = "都合により") -> None:
        changing.move(self.at(when), "small", id, to, reason, Cascade.NONE, CLERK)

    def report(self, when: str, deed: Deed, id: str, **given: Any) -> None:
        report = reporting.Report(deed, id, date.fromisoformat(when[:10]), **given)
        reporting.report(self.at(when), "small", report, CLERK)

    def letters(self, *states: OutboxState) -> list[OutboxRow]:
        """The letters that carry reminders, not the weekly ones."""
        with self.at("2016-05-02").open_work(ISHINOMAKI, True) as work:
            found = [row for row in work.outbox.all() if row.state in (states or (PENDING,))]
        return [row for row in found if "/weekly/" not in row.key]

    def said(self, *states: OutboxState) -> list[tuple[str, ...]]:
        """What the letters say, `day recipient` first."""
        return [
            (row.envelope.wording.subject, *row.envelope.wording.text.splitlines()) for row in self.letters(*states)
        ]

    def ledger(self, *ids: str) -> list[ReminderRow]:
        with self.at("2016-05-02").open_work(ISHINOMAKI, True) as work:
            return [row for row in work.reminders.all("small") if not ids or row.milestone in ids]

    def states(self, id: str) -> set[tuple[str, str, ReminderState]]:
        return {(row.rule, row.recipient, row.state) for row in self.ledger(id)}

    def deliver(self, when: str) -> None:
        """Let a relay take everything that may go out."""
        office = self.at(when)
        now = office.clock()
        with office.open_work(ISHINOMAKI, False) as work:
            while row := work.outbox.claim(now, timedelta(minutes=5), "relay"):
                assert work.outbox.mark_sent(row.key, "relay", now)
                work.reminders.settle([row.key], ReminderState.SENT)
            work.commit()

    def refuse(self, when: str) -> None:
        """Let a relay refuse everything for now, until an hour later."""
        office = self.at(when)
        now = office.clock()
        with office.open_work(ISHINOMAKI, False) as work:
            while row := work.outbox.claim(now, timedelta(minutes=5), "relay"):
                assert work.outbox.mark_failed(row.key, "relay", "451", now + timedelta(hours=1))
            work.commit()


def city_of(url: str, folder: Path, plan: str = PLAN, change: tuple[str, str] | None = None) -> City:
    """A city that adopted the plan on May 2; `change` is one to its organisation's file: a pattern, its replacement."""
    calendar = calendar_with(folder / "calendar", small=plan)
    if change:
        file = calendar / "organisations" / "ishinomaki.yaml"
        text, count = re.subn(*change, file.read_text(encoding="utf-8"))
        assert count
        file.write_text(text, encoding="utf-8")
    city = City(Settings(home=folder / "home", calendar=calendar, database_url=url))
    office = city.at("2016-05-02")
    office.upgrade()
    adopting.adopt(office, "small", CLERK)
    return city


@pytest.fixture
def city(tmp_path: Path) -> City:
    return city_of(f"sqlite:///{tmp_path / 'kijitsu.db'}", tmp_path)


@pytest.fixture
def shared(empty_database: str, tmp_path: Path) -> City:
    """The same on SQLite and on PostgreSQL."""
    return city_of(empty_database, tmp_path)


# --- one letter to a place and day ---


def test_all_that_a_recipient_is_owed_on_a_day_is_one_letter(shared: City) -> None:
    for on in ("2016-06-10", "2016-06-16", "2016-06-17"):
        shared.watch(on)
        shared.deliver(on)

    shared.watch("2016-06-23")

    assert shared.said() == [
        ("2016-06-23 general_affairs", "before opinion 2016-06-24"),
        ("2016-06-23 residents", "before draft 2016-06-24", "before survey 2016-06-30"),
    ]


def test_a_day_on_which_nothing_is_owed_has_no_letter(city: City) -> None:
    for on in ("2016-06-08", "2016-06-09"):
        assert city.watch(on).letters == []

    assert city.letters(*OutboxState) == []


def test_bodies_with_one_address_get_one_letter(tmp_path: Path) -> None:
    one = city_of(
        f"sqlite:///{tmp_path / 'kijitsu.db'}",
        tmp_path,
        change=(r"mail: soumu@city\S+", "mail: shimin@city.ishinomaki.example"),
    )

    one.watch("2016-06-10")

    [letter] = one.letters()
    assert letter.envelope.address == "shimin@city.ishinomaki.example"
    assert letter.envelope.wording.text.splitlines() == ["before draft 2016-06-24", "before opinion 2016-06-24"]
    assert {row.recipient for row in one.ledger()} == {"residents", "general_affairs"}


def test_the_channel_of_a_body_reaches_the_ledger_and_the_envelope(tmp_path: Path) -> None:
    by_teams = city_of(
        f"sqlite:///{tmp_path / 'kijitsu.db'}",
        tmp_path,
        change=(r"mail: shimin@city\S+", "channel: teams\n    address: shimin"),
    )

    by_teams.watch("2016-06-10")

    envelopes = {row.envelope.recipient_title: row.envelope for row in by_teams.letters()}
    assert (envelopes["市民課"].channel, envelopes["市民課"].address) == ("teams", "shimin")
    assert (envelopes["総務課"].channel, envelopes["総務課"].address) == ("mail", "soumu@city.ishinomaki.example")
    assert {(row.recipient, row.channel) for row in by_teams.ledger()} == {
        ("residents", "teams"),
        ("general_affairs", "mail"),
    }


# --- a second pass on one day ---


def test_a_second_pass_writes_nothing_whether_or_not_the_letters_are_out(shared: City) -> None:
    first = shared.watch("2016-06-10")
    waiting = shared.letters(*OutboxState)

    assert sorted(first.letters) == ["general_affairs", "residents"]
    assert shared.watch("2016-06-10 11:00").letters == []
    assert shared.letters(*OutboxState) == waiting

    shared.deliver("2016-06-10 11:05")
    assert shared.watch("2016-06-10 12:00").letters == []
    assert len(shared.letters(*OutboxState)) == 2


def test_what_is_not_urgent_waits_for_the_next_open_morning(city: City) -> None:
    # Friday: from now on, 照会 is due on the 17th, whose five working days ahead are today.
    city.watch("2016-06-10")
    city.move("2016-06-10 10:00", "survey", "2016-05-02～2016-06-17")
    city.deliver("2016-06-10 10:05")

    assert city.watch("2016-06-10 11:00").letters == []
    assert {rule for rule, _, _ in city.states("survey")} == {"moved:2"}

    assert city.watch("2016-06-13").letters == ["residents"]
    assert city.said() == [("2016-06-13 residents", "before survey 2016-06-17")]


def test_what_is_urgent_goes_the_same_day(tmp_path: Path) -> None:
    resting = PLAN.replace("2016-09-30,", "2016-09-30, after: [survey],")
    city = city_of(f"sqlite:///{tmp_path / 'kijitsu.db'}", tmp_path, resting)
    assert "secretariat" in city.watch("2016-06-27").letters
    city.deliver("2016-06-27")
    end(city.at("2016-06-27 10:00"), Deed.CANCEL, "survey", "照会先の廃止")

    city.watch("2016-06-27 11:00")

    assert city.said() == [
        ("2016-06-27 finance", "blocked report 2016-09-30"),
        ("2016-06-27 secretariat", "blocked report 2016-09-30"),
    ]


def test_a_new_estimate_and_a_rejection_are_told_with_the_report(city: City) -> None:
    city.watch("2016-06-27")
    city.deliver("2016-06-27")

    city.report("2016-06-27 10:00", Deed.ESTIMATE, "draft", reason="照会の回答待ち", until=date(2016, 7, 4))
    city.report("2016-06-27 10:00", Deed.COMPLETE, "opinion")
    city.report("2016-06-27 10:05", Deed.REJECT, "opinion", reason="押印漏れ")

    told = [
        ("2016-06-27 general_affairs", "rejected opinion 2016-06-24"),
        ("2016-06-27 secretariat", "estimate draft 2016-06-24"),
    ]
    assert sorted(city.said()) == told
    city.watch("2016-06-27 11:00")
    assert sorted(city.said()) == told


def test_what_is_taken_back_and_true_again_on_the_same_day_is_written_again(shared: City) -> None:
    for at in ("10:00", "11:00"):
        shared.report(f"2016-05-11 {at}", Deed.COMPLETE, "draft")
        shared.watch(f"2016-05-11 {at}")
        assert shared.said() == []

        shared.report(f"2016-05-11 {at}", Deed.REJECT, "draft", reason="押印漏れ")
        assert shared.said() == [("2016-05-11 residents", "rejected draft 2016-06-24")]


def test_while_the_days_letter_waits_what_is_new_joins_it(city: City) -> None:
    city.watch("2016-06-10")
    city.move("2016-06-10 10:00", "survey", "2016-05-02～2016-06-17")

    city.watch("2016-06-10 11:00")

    assert [text for text in city.said() if "residents" in text[0]] == [
        (
            "2016-06-10 residents",
            "before survey 2016-06-17",
            "before draft 2016-06-24",
            "moved survey 2016-06-30 -> 2016-06-17",
        )
    ]


# --- what waits is folded into what is newer ---


def test_a_letter_never_tried_gives_its_reminders_to_the_newer_one(shared: City) -> None:
    shared.watch("2016-06-10")
    old = {row.envelope.recipient_title: row.key for row in shared.letters()}

    shared.watch("2016-06-16")

    new = {row.envelope.recipient_title: row.key for row in shared.letters()}
    assert {row.key for row in shared.letters(WITHDRAWN)} == set(old.values())
    assert shared.said() == [
        ("2016-06-16 general_affairs", "before opinion 2016-06-24"),
        ("2016-06-16 residents", "before draft 2016-06-24", "before survey 2016-06-30"),
    ]
    carried = {(row.milestone, row.rule): (row.state, row.message_key) for row in shared.ledger("draft", "survey")}
    assert carried == {
        ("draft", "before:10wd"): (ReminderState.PENDING, new["市民課"]),
        ("survey", "before:10wd"): (ReminderState.PENDING, new["市民課"]),
    }


def test_what_a_newer_one_stands_for_is_not_carried_on(city: City) -> None:
    city.watch("2016-06-10")

    city.watch("2016-06-17")

    assert city.states("opinion") == {
        ("before:10wd", "general_affairs", ReminderState.COVERED),
        ("before:5wd", "general_affairs", ReminderState.PENDING),
    }
    assert ("2016-06-17 general_affairs", "before opinion 2016-06-24") in city.said()
    assert [row.state for row in city.letters(*OutboxState)] == [WITHDRAWN, WITHDRAWN, PENDING, PENDING]


def test_a_letter_that_was_tried_stays_as_it_is(shared: City) -> None:
    # It may have arrived: its Message-ID has to be the same next time.
    shared.watch("2016-06-10")
    shared.refuse("2016-06-10")
    tried = {row.key for row in shared.letters()}

    shared.watch("2016-06-16")

    assert shared.letters(WITHDRAWN) == []
    assert {row.key for row in shared.letters() if row.attempts} == tried
    assert [text for text in shared.said() if text[0].startswith("2016-06-16")] == [
        ("2016-06-16 residents", "before survey 2016-06-30")
    ]
    assert {row.message_key for row in shared.ledger("draft")} <= tried


def test_a_letter_that_was_tried_is_withdrawn_where_nothing_of_it_is_so_any_more(city: City) -> None:
    city.watch("2016-06-10")
    city.refuse("2016-06-10")
    city.report("2016-06-13", Deed.COMPLETE, "draft")

    city.watch("2016-06-13")

    assert city.states("draft") == {("before:10wd", "residents", ReminderState.SUPERSEDED)}
    assert [row.envelope.recipient_title for row in city.letters(WITHDRAWN)] == ["市民課"]
    assert [row.envelope.recipient_title for row in city.letters()] == ["総務課"]


def test_a_letter_on_its_way_is_left_to_whoever_sends_it(shared: City) -> None:
    shared.watch("2016-06-10")
    office = shared.at("2016-06-10")
    with office.open_work(ISHINOMAKI, False) as work:
        claimed = [work.outbox.claim(office.clock(), timedelta(days=30), "sender") for _ in range(2)]
        work.commit()

    shared.report("2016-06-13", Deed.COMPLETE, "draft")
    shared.watch("2016-06-13")
    shared.watch("2016-06-16")

    assert {row.key for row in shared.letters() if row.lease_token} == {row.key for row in claimed if row}
    assert shared.letters(WITHDRAWN) == []
    assert [text for text in shared.said() if not text[0].startswith("2016-06-10")] == [
        ("2016-06-16 residents", "before survey 2016-06-30")
    ]


def test_what_was_completed_before_its_letter_went_out_is_not_asked_for(city: City) -> None:
    city.watch("2016-06-10")
    city.report("2016-06-10 09:00", Deed.COMPLETE, "draft")

    assert city.watch("2016-06-10 09:30").letters == []

    assert city.states("draft") == {("before:10wd", "residents", ReminderState.SUPERSEDED)}
    assert city.said() == [("2016-06-10 general_affairs", "before opinion 2016-06-24")]


def test_of_a_letter_half_of_which_is_so_no_more_the_other_half_goes_out(city: City) -> None:
    city.watch("2016-06-16")
    city.report("2016-06-16 09:00", Deed.COMPLETE, "survey")

    city.watch("2016-06-16 09:30")

    assert ("2016-06-16 residents", "before draft 2016-06-24") in city.said()
    assert len(city.said()) == 2


# --- moves ---


def test_a_move_takes_back_what_was_not_sent_and_tells_before_and_after(shared: City) -> None:
    shared.watch("2016-06-10")

    shared.move("2016-06-10 10:00", "draft", "2016-05-02～2016-07-08")

    assert shared.states("draft") == {
        ("before:10wd", "residents", ReminderState.SUPERSEDED),
        ("moved:2", "residents", ReminderState.PENDING),
        ("moved:2", "secretariat", ReminderState.PENDING),
    }
    assert sorted(shared.said()) == [
        ("2016-06-10 general_affairs", "before opinion 2016-06-24"),
        ("2016-06-10 residents", "moved draft 2016-06-24 -> 2016-07-08"),
        ("2016-06-10 secretariat", "moved draft 2016-06-24 -> 2016-07-08"),
    ]


def test_several_moves_are_one_letter_from_what_the_reader_knows_to_what_is_so_now(shared: City) -> None:
    shared.move("2016-05-11 10:00", "draft", "2016-05-02～2016-07-08")
    shared.move("2016-05-11 11:00", "draft", "2016-05-02～2016-07-15")

    shared.move("2016-05-11 12:00", "draft", "2016-05-02～2016-07-22")

    assert shared.said() == [
        ("2016-05-11 residents", "moved draft 2016-06-24 -> 2016-07-22"),
        ("2016-05-11 secretariat", "moved draft 2016-06-24 -> 2016-07-22"),
    ]
    assert len(shared.letters(WITHDRAWN)) == 4


def test_a_second_move_tells_from_the_date_that_was_told_by_the_first(city: City) -> None:
    city.move("2016-05-11 10:00", "draft", "2016-05-02～2016-07-08")
    city.deliver("2016-05-11 10:05")

    city.move("2016-05-12 10:00", "draft", "2016-05-02～2016-07-15")

    assert {text[1:] for text in city.said()} == {("moved draft 2016-07-08 -> 2016-07-15",)}


def test_from_the_tenth_move_on_the_oldest_is_still_the_oldest(city: City) -> None:
    # As texts, moved:10 comes before moved:9.
    for number in range(10):
        city.move(f"2016-05-11 10:{number:02}", "draft", f"2016-05-02～2016-07-{number + 1:02}")

    assert {text[1:] for text in city.said()} == {("moved draft 2016-06-24 -> 2016-07-10",)}


def test_a_move_that_is_taken_back_before_it_was_told_is_no_news(city: City) -> None:
    city.move("2016-05-11 10:00", "draft", "2016-05-02～2016-07-08")

    city.move("2016-05-11 11:00", "draft", "2016-05-02～2016-06-24", "誤りのため")

    assert city.said() == []


def test_moved_back_the_reminder_of_the_old_date_is_written_again(shared: City) -> None:
    shared.watch("2016-06-10")
    shared.move("2016-06-10 10:00", "draft", "2016-05-02～2016-07-08")
    assert ("before:10wd", "residents", ReminderState.SUPERSEDED) in shared.states("draft")

    shared.move("2016-06-10 11:00", "draft", "2016-05-02～2016-06-24")
    shared.watch("2016-06-13")

    assert shared.states("draft") == {
        ("before:10wd", "residents", ReminderState.PENDING),
        ("moved:2", "residents", ReminderState.SUPERSEDED),
        ("moved:2", "secretariat", ReminderState.SUPERSEDED),
    }
    assert ("2016-06-13 residents", "before draft 2016-06-24") in shared.said()


def test_a_date_that_moves_with_another_is_told_as_well(tmp_path: Path) -> None:
    plan = f"""{PLAN}\
  notice:
    title: 告示
    kind: meeting
    owner: general_affairs
    due: {{rule: sending_to_mayor, from: draft.finish}}
    after: [draft]
    reminders: standard
"""
    moving = city_of(f"sqlite:///{tmp_path / 'kijitsu.db'}", tmp_path, plan)

    moving.move("2016-05-11 10:00", "draft", "2016-05-16～2016-06-24")

    assert any(text[0] == "2016-05-11 general_affairs" and text[1].startswith("moved notice") for text in moving.said())


def test_a_date_that_a_calendar_moved_is_told_with_its_former_one_by_a_later_days_letter_too(tmp_path: Path) -> None:
    # A session of August 5 is announced by July 29; where the 5th is closed, the session opens on Monday the 8th.
    plan = f"""{PLAN}\
  notice:
    title: 告示
    kind: meeting
    owner: general_affairs
    when: 2016-07-01～
    due: {{rule: notice_of_session, from: session.start}}
    reminders: standard
  session: {{title: 開会, kind: meeting, owner: finance, when: 2016-08-05～2016-08-31}}
"""
    city = city_of(f"sqlite:///{tmp_path / 'kijitsu.db'}", tmp_path, plan)
    assert city.watch("2016-07-11").standing.verdicts["notice"].due == date(2016, 7, 29)
    city.deliver("2016-07-11")
    close_day(city.settings.calendar / "closures" / "municipality.yaml", "2016-08-05", "市の記念日")
    city = City(city.settings)

    city.watch("2016-07-12")
    assert any("moved notice 2016-07-29 -> 2016-08-01" in text for text in city.said())
    city.watch("2016-07-13")

    moved = [line for text in city.said() for line in text if line.startswith("moved")]
    assert moved == ["moved notice 2016-07-29 -> 2016-08-01"] * 2


# --- stopped and freed ---

STOPPING = PLAN.replace("2016-06-24, reminders: standard}\n  survey", "2016-05-31}\n  survey").replace(
    "2016-09-30,", "2016-09-30, after: [draft],"
)


@pytest.fixture
def stopping(tmp_path: Path) -> City:
    """素案 is due on May 31, and what rests on it stops on June 1."""
    return city_of(f"sqlite:///{tmp_path / 'kijitsu.db'}", tmp_path, STOPPING)


def test_what_was_stopped_and_freed_before_anybody_was_told_is_no_news(stopping: City) -> None:
    stopping.watch("2016-06-01")
    assert ("2016-06-01 finance", "blocked report 2016-09-30") in stopping.said()

    stopping.report("2016-06-01 10:00", Deed.COMPLETE, "draft")
    stopping.watch("2016-06-02")

    assert stopping.said() == []
    assert stopping.states("report") <= {
        ("blocked", "finance", ReminderState.SUPERSEDED),
        ("blocked", "secretariat", ReminderState.SUPERSEDED),
    }


def test_who_was_told_of_the_stop_is_told_of_its_end(stopping: City) -> None:
    stopping.watch("2016-06-01")
    stopping.deliver("2016-06-01")

    stopping.report("2016-06-01 10:00", Deed.COMPLETE, "draft")
    stopping.watch("2016-06-02")

    assert stopping.said() == [
        ("2016-06-02 finance", "unblocked report 2016-09-30"),
        ("2016-06-02 secretariat", "unblocked report 2016-09-30"),
    ]


def test_the_end_of_a_stop_told_by_the_pass_of_the_same_day_is_not_told_twice(stopping: City) -> None:
    for on in ("2016-06-01", "2016-06-02"):
        stopping.watch(on)
        stopping.deliver(on)
    stopping.report("2016-06-02 10:00", Deed.COMPLETE, "draft")

    for on in ("2016-06-03", "2016-06-03 10:00", "2016-06-06", "2016-06-07"):
        stopping.watch(on)
        stopping.deliver(on)

    told = [text for text in stopping.said(SENT) if any(line.startswith("unblocked") for line in text)]
    assert [text[0] for text in told] == ["2016-06-03 finance", "2016-06-03 secretariat"]


# --- threads, keys and hours ---


def test_all_letters_of_a_milestone_are_one_thread(city: City) -> None:
    for on in ("2016-06-10", "2016-06-16", "2016-06-24", "2016-06-27"):
        city.watch(on)
        city.deliver(on)

    threads: dict[str, set[str]] = {}
    for row in city.letters(SENT):
        of = row.envelope.in_reply_to.split()
        milestones = [line.split()[1] for line in row.envelope.wording.text.splitlines()]
        assert len(of) == len(set(milestones)), row.envelope.wording.text
        if len(of) == 1:
            threads.setdefault(milestones[0], set()).update(of)
    assert {id: len(of) for id, of in threads.items()} == {"draft": 1, "opinion": 1, "survey": 1}
    both = next(row.envelope for row in city.letters(SENT) if row.envelope.wording.subject == "2016-06-24 residents")
    assert set(both.in_reply_to.split()) == threads["draft"] | threads["survey"]


def test_a_message_id_is_the_same_in_any_run_and_another_for_each_letter(tmp_path: Path) -> None:
    def lived(folder: Path) -> Iterator[str]:
        city = city_of(f"sqlite:///{folder / 'kijitsu.db'}", folder)
        for on in ("2016-06-10", "2016-06-16", "2016-06-23"):
            city.watch(on)
        city.move("2016-06-23 10:00", "draft", "2016-05-02～2016-07-08")
        yield from sorted(row.envelope.message_id for row in city.letters(*OutboxState))

    ids = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        ids.append(list(lived(tmp_path / name)))

    assert ids[0] == ids[1]
    assert len(set(ids[0])) == len(ids[0]) > 4


def test_every_letter_says_something_and_every_pending_reminder_has_its_letter(city: City) -> None:
    for on in ("2016-06-10", "2016-06-16", "2016-06-17", "2016-06-24", "2016-06-27", "2016-07-04"):
        city.watch(on)
    city.move("2016-07-04 10:00", "survey", "2016-05-02～2016-07-29")

    letters = {row.key: row for row in city.letters(*OutboxState)}
    assert all(row.envelope.wording.text for row in letters.values())
    carried = {row.message_key for row in city.ledger() if row.state is ReminderState.PENDING}
    assert carried == {key for key, row in letters.items() if row.state is PENDING}


@pytest.mark.parametrize(
    ("moved_at", "goes_out"),
    [
        ("2016-06-10 10:00", "2016-06-10 10:00"),
        ("2016-06-10 06:00", "2016-06-10 08:30"),
        ("2016-06-10 17:14", "2016-06-10 17:14"),
        ("2016-06-10 17:15", "2016-06-13 08:30"),
        ("2016-06-10 20:00", "2016-06-13 08:30"),
        ("2016-06-11 11:00", "2016-06-13 08:30"),
        ("2016-07-18 11:00", "2016-07-19 08:30"),  # 海の日
        ("2016-12-28 18:00", "2017-01-04 08:30"),
    ],
)
def test_a_letter_goes_out_in_the_office_hours_of_an_open_day(city: City, moved_at: str, goes_out: str) -> None:
    city.move(moved_at, "report", "2017-02-01～2017-02-28")

    local = {row.not_before.astimezone(TOKYO).strftime("%Y-%m-%d %H:%M") for row in city.letters()}
    assert local == {goes_out}


def test_a_pass_on_a_closed_day_writes_nothing_and_the_next_makes_up_for_it(city: City) -> None:
    # 素案's day of one working day ahead is Thursday; the pass comes on Saturday, and on Monday it is late.
    city.watch("2016-06-22")
    city.deliver("2016-06-22")

    assert not city.watch("2016-06-25").is_open
    assert city.letters() == []
    assert sorted(city.watch("2016-06-27").letters) == ["general_affairs", "residents", "secretariat"]
