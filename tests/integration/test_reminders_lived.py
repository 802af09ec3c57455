"""Random histories lived through the services: their ledger is what a second derivation says, whatever was missed."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import Cascade
from kijitsu.domain.errors import InputError
from kijitsu.domain.gates import Status
from kijitsu.domain.history import Deed
from kijitsu.domain.plan import Plan
from kijitsu.messages import Letter, Wording
from kijitsu.office import ALL_ROLES, Actor, Office
from kijitsu.services import adopting, changing, reporting
from kijitsu.services.watching import PassReport, watch
from kijitsu.settings import Settings
from kijitsu.store.rows import OutboxState, ReminderState
from tests.acceptance.support import HEAD, Desk, calendar_with, read_mails
from tests.board import end
from tests.unit.owed_by_days import Seen, Word, days, owed_by_days, people, place_of
from tests.unit.test_schedule_by_loops import is_open

CLERK = Actor("総務課 係員", "test", ALL_ROLES)
ISHINOMAKI, TOKYO = "042021", ZoneInfo("Asia/Tokyo")
FIRST, LAST = date(2016, 5, 2), date(2016, 7, 15)
Key = tuple[str, str, str, date]


class Plainly:
    def __call__(self, letter: Letter) -> Wording:
        return Wording("", "\n".join(f"{item.topic} {item.milestone}" for item in letter.items), "", "{}")


# --- a random year ---

WINDOWS = st.tuples(st.dates(FIRST, date(2016, 6, 24)), st.integers(0, 30)).map(
    lambda w: f"{w[0]}～{w[0] + timedelta(w[1])}"
)
OWNERS = st.sampled_from(["residents", "general_affairs", "committee", "education_general", "assembly", "secretariat"])
POLICIES = st.sampled_from(["standard", "meeting", "filing", "statutory", "agency", "external"])
DEEDS = [Deed.START, Deed.COMPLETE, Deed.COMPLETE, Deed.REJECT, Deed.CANCEL, Deed.WAIVE, Deed.MOVE, Deed.MOVE]
ANSWERS = [Deed.ACKNOWLEDGE, Deed.SNOOZE, Deed.ESTIMATE, Deed.EXCUSE]


@st.composite
def plans(draw: st.DrawFn) -> str:
    lines = ["milestones:"]
    for number in range(draw(st.integers(2, 5))):
        earlier = [f"m{each}" for each in range(number)]
        after = draw(st.lists(st.sampled_from(earlier), max_size=2, unique=True)) if earlier else []
        validity = ", validity: {for: 1m, basis: 規則}" if draw(st.booleans()) else ""
        links = ", ".join(f"{{on: {each}, valid: {str(draw(st.booleans())).lower()}}}" for each in after)
        lines.append(
            f"  m{number}: {{title: 項目{number}, kind: meeting, owner: {draw(OWNERS)}, when: {draw(WINDOWS)},"
            f" after: [{links}], reminders: {draw(POLICIES)}{validity}}}"
        )
    return HEAD + "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Act:
    """What somebody tries to do before a morning's pass; not all of it is allowed."""

    deed: Deed
    number: int
    until: int
    to: str


ACTS = st.builds(Act, st.sampled_from([*DEEDS, *ANSWERS]), st.integers(0, 4), st.integers(0, 30), WINDOWS)
OPEN_DAYS = [at for at in days(FIRST, LAST) if is_open(at)]
MORNINGS = st.dictionaries(st.sampled_from(OPEN_DAYS), st.lists(ACTS, min_size=1, max_size=2), min_size=8, max_size=25)


# --- the ledger as it should be ---


@dataclass
class Ledger:
    """What should have been written: each word with what became of it, told by hand at each pass."""

    began: date
    words: dict[Key, ReminderState] = field(default_factory=dict)
    stopped: dict[str, date] = field(default_factory=dict)
    freed: dict[str, date] = field(default_factory=dict)

    def look(self, report: PassReport) -> None:
        """Write what is owed on the day of a pass, and take back what is no longer so."""
        verdicts = report.standing.verdicts
        for id in list(self.stopped):
            if verdicts[id].status is not Status.BLOCKED:
                self.freed[id] = report.on
        seen = Seen(dict(self.stopped), dict(self.freed), self.began)
        owed = {
            word[:4]: word
            for word in owed_by_days(report.standing.plan, verdicts, report.standing.progress, seen, report.on)
        }
        self._take_back(owed)
        for key, word in owed.items():
            if self.words.get(key, ReminderState.SUPERSEDED) is ReminderState.SUPERSEDED and not self._is_unheard(word):
                self.words[key] = ReminderState.COVERED if word.is_covered else ReminderState.PENDING
        for id, verdict in verdicts.items():
            if verdict.status is Status.BLOCKED:
                self.stopped.setdefault(id, report.on)
            else:
                self.stopped.pop(id, None)

    def deliver(self) -> None:
        self.words = {
            key: ReminderState.SENT if state is ReminderState.PENDING else state for key, state in self.words.items()
        }

    def _take_back(self, owed: Mapping[Key, Word]) -> None:
        for key, state in self.words.items():
            if state is ReminderState.PENDING and key not in owed:
                self.words[key] = ReminderState.SUPERSEDED
            elif state is ReminderState.PENDING and owed[key].is_covered:
                self.words[key] = ReminderState.COVERED

    def _is_unheard(self, word: Word) -> bool:
        """Of a stop that was taken back before it was told, the end is no news."""
        stops = {key: state for key, state in self.words.items() if key[:3] == (word[0], "blocked", word[2])}
        return (
            word.kind == "unblocked"
            and bool(stops)
            and stops[max(stops, key=lambda k: k[3])] is ReminderState.SUPERSEDED
        )


def said(words: Mapping[Key, ReminderState]) -> dict[Key, ReminderState]:
    """Return what was sent or will be. What never will be may have been taken back between two passes, or by them."""
    return {key: state for key, state in words.items() if state in (ReminderState.PENDING, ReminderState.SENT)}


# --- the city as it is ---


@dataclass(frozen=True)
class City:
    settings: Settings

    @cached_property
    def office(self) -> Office:
        return replace(open_office(self.settings), make_renderer=Plainly)

    def at(self, day: date, hour: int, minute: int = 0) -> Office:
        now = datetime(day.year, day.month, day.day, hour, minute, tzinfo=TOKYO)
        return self.office.at(lambda: now)

    def act(self, act: Act, day: date) -> None:
        """Try it, and leave what the rules forbid."""
        office, id = self.at(day, 8), f"m{act.number}"
        try:
            if act.deed is Deed.MOVE:
                changing.move(office, "small", id, act.to, "都合により", Cascade.NONE, CLERK)
            elif act.deed in (Deed.CANCEL, Deed.WAIVE):
                end(office, act.deed, id, "都合により")
            else:
                until = day + timedelta(act.until) if act.deed in ANSWERS else None
                given = reporting.Report(act.deed, id, day, "都合により", until=until, override="やむを得ない")
                reporting.report(office, "small", given, CLERK)
        except InputError:
            pass

    def deliver(self, day: date) -> None:
        office = self.at(day, 9)
        with office.open_work(ISHINOMAKI, False) as work:
            while row := work.outbox.claim(office.clock(), timedelta(minutes=5), "relay"):
                assert work.outbox.mark_sent(row.key, "relay", office.clock())
                work.reminders.settle([row.key], ReminderState.SENT)
            work.commit()

    def words(self) -> dict[Key, ReminderState]:
        """The ledger but for moves, which are no part of what is derived."""
        with self.at(FIRST, 8).open_work(ISHINOMAKI, True) as work:
            rows = work.reminders.all("small")
        assert len({row.key for row in rows}) == len(rows)
        return {row.key[1:]: row.state for row in rows if not row.rule.startswith("moved:")}

    def check_letters(self, plan: Plan) -> None:
        """Every word that waits is in one letter to its reader's place; every letter that waits has such a word."""
        with self.at(FIRST, 8).open_work(ISHINOMAKI, True) as work:
            rows, letters = (
                work.reminders.all("small"),
                {row.key: row for row in work.outbox.all() if "/weekly/" not in row.key},
            )
        waiting = [row for row in rows if row.state is ReminderState.PENDING]
        carriers = {row.message_key or "" for row in waiting}
        assert carriers == {key for key, letter in letters.items() if letter.state is OutboxState.PENDING}
        for row in waiting:
            envelope = letters[row.message_key or ""].envelope
            assert (envelope.channel, envelope.address) == place_of(plan.organisation, row.recipient)
            assert envelope.wording.text
        places = [(each.envelope.channel, each.envelope.address) for key, each in letters.items() if key in carriers]
        assert len(set(places)) == len(places)


def city_in(folder: Path, plan: str) -> City:
    calendar = calendar_with(folder / "calendar", small=plan)
    city = City(Settings(home=folder / "home", calendar=calendar, database_url=f"sqlite:///{folder / 'k.db'}"))
    office = city.at(FIRST, 7)
    office.upgrade()
    adopting.adopt(office, "small", CLERK)
    return city


@given(plans(), MORNINGS, st.sets(st.sampled_from(OPEN_DAYS), max_size=25), st.sets(st.sampled_from(OPEN_DAYS)))
@settings(deadline=None, max_examples=30)
def test_the_ledger_of_a_lived_year_is_what_the_second_derivation_says(
    plan: str, mornings: dict[date, list[Act]], missed: set[date], undelivered: set[date]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        city, ledger = city_in(Path(folder), plan), Ledger(FIRST)
        for day in OPEN_DAYS:
            for act in mornings.get(day, ()):
                city.act(act, day)
            if day in missed:
                continue
            report = watch(city.at(day, 8, 30), "small")
            ledger.look(report)
            found = city.words()
            assert said(found) == said(ledger.words), day
            assert set(ledger.words) <= set(found), day
            city.check_letters(report.standing.plan)
            if day not in undelivered:
                city.deliver(day)
                ledger.deliver()


def test_a_second_pass_of_any_day_changes_nothing_in_the_ledger(tmp_path: Path) -> None:
    city = city_in(tmp_path, PLAN)
    for day in OPEN_DAYS:
        report = watch(city.at(day, 8, 30), "small")
        before = city.words()

        assert watch(city.at(day, 11), "small").letters == []
        assert city.words() == before
        city.check_letters(report.standing.plan)


PLAN = (
    HEAD
    + """\
milestones:
  m0: {title: 素案, kind: meeting, owner: residents, when: 2016-05-02～2016-05-31, reminders: statutory}
  m1: {title: 意見, kind: meeting, owner: committee, when: 2016-06-01～2016-06-24, after: [m0], reminders: standard}
  m2: {title: 照会, kind: meeting, owner: general_affairs, when: 2016-05-02～2016-06-30, reminders: filing}
"""
)


def test_nobody_is_told_of_a_move_but_those_whom_its_policy_names(tmp_path: Path) -> None:
    city = city_in(tmp_path, PLAN)
    day = date(2016, 5, 11)
    move = changing.move(city.at(day, 10), "small", "m1", "2016-06-01～2016-07-01", "都合により", Cascade.NONE, CLERK)

    with city.at(day, 10).open_work(ISHINOMAKI, True) as work:
        told = {(row.milestone, row.recipient) for row in work.reminders.all("small")}
    plan = move.standing.plan
    assert told == {("m1", who) for who in people(plan.organisation, "committee", ("owner", "secretariat"))}


def test_a_history_lived_twice_leaves_the_same_bytes(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        desk = Desk(tmp_path / "home")
        out = tmp_path / name
        desk("replay", "fy28", "--history", "fy28-late-pia", "--to", "2016-07-15", "--from", "2016-05-20", "--out", out)
        mails = {path.name: path.read_bytes() for path in sorted((out / "inbox").iterdir())}
        assert len(read_mails(out / "inbox")) == len(mails) > 20
        found.append(((out / "ledger.csv").read_bytes(), (out / "transitions.csv").read_bytes(), mails))

    assert found[0] == found[1]
