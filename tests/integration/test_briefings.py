"""The report before a meeting: one to the body that meets, in its letter of the day or alone, and none too late."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import Cascade
from kijitsu.domain.history import Deed
from kijitsu.office import ALL_ROLES, Actor, Office
from kijitsu.services import adopting, changing, reporting
from kijitsu.services.overview import overview
from kijitsu.services.watching import watch
from kijitsu.settings import Settings
from kijitsu.store.rows import OutboxRow, OutboxState
from tests.acceptance.support import HEAD, calendar_with
from tests.at_once import at_once

CLERK = Actor("総務課 係員", "test", ALL_ROLES)
ISHINOMAKI, HEADQUARTERS, SECRETARIAT = "042021", "推進本部", "番号制度推進本部事務局"
PENDING, SENT, WITHDRAWN = OutboxState.PENDING, OutboxState.SENT, OutboxState.WITHDRAWN

# Five open days before Monday, June 20, is Monday, June 13. Under `external`, nobody else writes to the headquarters.
PLAN = (
    HEAD
    + """\
milestones:
  review: {title: 再評価, kind: assessment, owner: general_affairs, when: 2016-05-02～2016-06-03}
  filing: {title: 届出, kind: filing, owner: residents, when: 平成28年9月, after: [review]}
  council: {title: 本部会議, kind: meeting, owner: headquarters, when: 2016-06-20, reminders: external}
"""
)
NAMED = "「本部会議」の前の報告"


@dataclass(frozen=True)
class Hall:
    """An installation that is looked at, and acted on, on given mornings."""

    office: Office

    def on(self, day: str) -> Office:
        return replace(self.office, settings=replace(self.office.settings, today=day))

    def watch(self, *days: str) -> None:
        for day in days:
            watch(self.on(day), "small")

    def move(self, day: str, id: str, to: str) -> None:
        changing.move(self.on(day), "small", id, to, "都合により", Cascade.NONE, CLERK)

    def complete(self, day: str, id: str) -> None:
        done = reporting.Report(Deed.COMPLETE, id, date.fromisoformat(day))
        reporting.report(self.on(day), "small", done, CLERK)

    def letters(self, to: str = HEADQUARTERS) -> dict[str, OutboxRow]:
        """The reports to somebody, by the day they were written, the day's last one where there are more."""
        with self.office.open_work(ISHINOMAKI, True) as work:
            rows = [row for row in work.outbox.all() if "監査記録の控え" in row.envelope.wording.text]
        return {_day(row.key): row for row in rows if row.envelope.recipient_title == to}

    def states(self) -> dict[str, OutboxState]:
        return {day: row.state for day, row in self.letters().items()}

    def deliver(self, day: str, error: str = "") -> None:
        """Let a relay take everything that waits, or refuse it for now."""
        office = self.on(day)
        now = office.now(office.library.organisations()[0])
        with office.open_work(ISHINOMAKI, False) as work:
            while row := work.outbox.claim(now, timedelta(minutes=5), "relay"):
                if error:
                    work.outbox.mark_failed(row.key, "relay", error, now + timedelta(hours=1))
                else:
                    work.outbox.mark_sent(row.key, "relay", now)
            work.commit()


def _day(key: str) -> str:
    return next(part for part in key.split("/") if part.startswith("20"))


def days(first: str, last: str) -> Iterator[str]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return ((start + timedelta(number)).isoformat() for number in range((end - start).days + 1))


@pytest.fixture
def hall(tmp_path: Path) -> Callable[[str], Hall]:
    """Adopt a plan on June 1, a Wednesday, in a city that has no address such as `unreachable`."""

    def prepare(plan: str = PLAN, unreachable: str = "") -> Hall:
        calendar = calendar_with(tmp_path / "calendar", small=plan)
        if unreachable:
            path = calendar / "organisations" / "ishinomaki.yaml"
            lines: Iterable[str] = path.read_text(encoding="utf-8").splitlines(keepends=True)
            path.write_text("".join(line for line in lines if unreachable not in line), encoding="utf-8")
        office = open_office(Settings(home=tmp_path / "home", calendar=calendar))
        office.upgrade()
        found = Hall(office)
        adopting.adopt(found.on("2016-06-01"), "small", CLERK)
        return found

    return prepare


def test_each_meeting_has_one_report_five_open_days_before_it(hall: Callable[..., Hall]) -> None:
    town = hall()

    for day in days("2016-06-01", "2016-06-27"):
        at_once(2, lambda number: watch(town.on(day), "small"))  # noqa: B023 (at_once waits for all)
        town.deliver(day)

    [(day, letter)] = town.letters().items()
    words = letter.envelope.wording
    assert (day, letter.key) == ("2016-06-13", "small/weekly/2016-06-13/headquarters")
    assert words.subject == "【会議の前の報告】「本部会議」 6月13日 期限超過1件・停止1件・期限間近1件"
    assert "平成28年6月20日（月）" in words.text
    # What they sit to decide on: who is late, what that stops, and what ends it.
    text = "".join(words.text.split())
    assert "期限超過再評価（総務課、平成28年6月3日（金）まで）「届出」が止まっています。" in text
    assert "総務課が「再評価」を完了し、報告すれば、この原因は解けます。" in text
    # The secretariat is told each week as before, on the first open day.
    assert list(town.letters(SECRETARIAT)) == ["2016-06-01", "2016-06-06", "2016-06-13", "2016-06-20", "2016-06-27"]
    assert all("会議の前" not in each.envelope.wording.text for each in town.letters(SECRETARIAT).values())


@pytest.mark.parametrize(
    ("passes", "told"),
    [
        pytest.param(("2016-06-10", "2016-06-17"), ["2016-06-17"], id="late"),
        pytest.param(("2016-06-10", "2016-06-20"), ["2016-06-20"], id="on-its-morning"),
        pytest.param(("2016-06-10", "2016-06-21"), [], id="too-late"),
    ],
)
def test_after_days_without_a_pass_it_goes_out_late_and_never_after_the_meeting(
    hall: Callable[..., Hall], passes: tuple[str, ...], told: list[str]
) -> None:
    town = hall()

    town.watch(*passes)

    assert list(town.letters()) == told


def test_a_meeting_that_was_held_early_needs_none(hall: Callable[..., Hall]) -> None:
    town = hall()
    town.complete("2016-06-10", "council")

    town.watch("2016-06-10", "2016-06-13", "2016-06-14")

    assert town.letters() == {}


def test_it_is_part_of_the_letter_of_the_day_where_its_reader_gets_one(hall: Callable[..., Hall]) -> None:
    # The policy of meetings writes to the headquarters itself on the fifth open day before.
    town = hall(PLAN.replace(", reminders: external", ""))

    town.watch("2016-06-13", "2016-06-13")

    [letter] = town.letters().values()
    assert letter.key.startswith("small/2016-06-13/headquarters/")
    for words in (letter.envelope.wording.text, letter.envelope.wording.html):
        assert NAMED in words
    with town.office.open_work(ISHINOMAKI, True) as work:
        addresses = [row.envelope.address for row in work.outbox.all()]
    assert len(addresses) == len(set(addresses))


def test_who_cannot_be_written_to_is_told_through_the_secretariat_with_its_own_report(
    hall: Callable[..., Hall],
) -> None:
    town = hall(unreachable="bangou-honbu@")

    town.watch("2016-06-10", "2016-06-13")

    assert town.letters() == {}
    last = town.letters(SECRETARIAT)["2016-06-13"]
    assert NAMED in last.envelope.wording.text
    with town.office.open_work(ISHINOMAKI, True) as work:
        found = work.passes.latest("small")
    assert found
    assert [(each["id"], each["key"]) for each in found.summary["reports"]] == [("", last.key), ("council", last.key)]


def test_a_meeting_that_moves_is_reported_on_before_its_new_day(hall: Callable[..., Hall]) -> None:
    town = hall()
    town.watch("2016-06-13")
    town.deliver("2016-06-13")
    town.move("2016-06-14", "council", "2016-07-11")

    for day in days("2016-06-14", "2016-07-11"):
        town.watch(day)
        town.deliver(day)

    # Five open days before Monday, July 11.
    assert town.states() == {"2016-06-13": SENT, "2016-07-04": SENT}
    new = town.letters()["2016-07-04"].envelope.wording.text
    assert "平成28年7月11日（月）" in new
    # Of what changed since the last one.
    assert "都合により" in new


def test_a_report_that_still_waits_is_taken_back_where_the_meeting_moves(hall: Callable[..., Hall]) -> None:
    town = hall()
    town.watch("2016-06-13")
    town.move("2016-06-14", "council", "2016-07-11")

    town.watch("2016-06-14")

    assert town.states() == {"2016-06-13": WITHDRAWN}


def test_one_that_nobody_tried_to_send_is_written_anew_the_next_day(hall: Callable[..., Hall]) -> None:
    town = hall()

    town.watch("2016-06-13", "2016-06-14", "2016-06-14")

    assert town.states() == {"2016-06-13": WITHDRAWN, "2016-06-14": PENDING}


def test_one_that_a_relay_refused_for_now_is_not_written_twice(hall: Callable[..., Hall]) -> None:
    town = hall()
    town.watch("2016-06-13")
    town.deliver("2016-06-13", error="451 later")

    town.watch("2016-06-14")

    assert town.states() == {"2016-06-13": PENDING}


def test_a_meeting_known_by_its_month_counts_from_the_earliest_day_that_the_schedule_allows(
    hall: Callable[..., Hall],
) -> None:
    # Ten open days lie between the review and the meeting: done on June 15, it may be held from June 30 on.
    since = "when: 平成28年6月～7月, after: [{on: review, lag: 10wd, lapse: warn}]"
    town = hall(PLAN.replace("when: 2016-06-20", since))

    for day in days("2016-06-01", "2016-07-08"):
        if day == "2016-06-15":
            town.complete(day, "review")
        town.watch(day)
        town.deliver(day)

    [(day, letter)] = town.letters().items()
    assert day == "2016-06-23"
    assert "平成28年6月～7月（早ければ平成28年6月30日（木）の見込み）" in "".join(letter.envelope.wording.text.split())


def test_the_overview_knows_what_was_told_today_and_what_is_missing(hall: Callable[..., Hall]) -> None:
    town = hall()
    town.watch("2016-06-10")

    before = overview(town.on("2016-06-13"), "small")
    town.watch("2016-06-13")
    after = overview(town.on("2016-06-13"), "small")
    town.move("2016-06-13", "filing", "平成28年10月")
    changed = overview(town.on("2016-06-14"), "small")
    closed = overview(town.on("2016-06-18"), "small")

    assert (before.is_missing, before.told) == (True, [])
    assert (after.is_missing, after.told) == (False, [f"{SECRETARIAT}（週報）", f"{HEADQUARTERS}（{NAMED}）"])
    assert (changed.is_missing, [each.reason for each in changed.weekly.changes]) == (True, ["都合により"])
    assert not closed.is_missing


def test_what_opens_after_the_pass_of_the_day_is_missing_until_the_next(hall: Callable[..., Hall]) -> None:
    town = hall()
    town.watch("2016-06-10")
    town.move("2016-06-10", "council", "2016-06-16")

    found = overview(town.on("2016-06-10"), "small")
    town.watch("2016-06-10")

    assert found.is_missing
    assert not overview(town.on("2016-06-10"), "small").is_missing
    assert list(town.letters()) == ["2016-06-10"]
