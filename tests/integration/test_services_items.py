"""What a letter says of a milestone besides its dates: in whose place, why, and what cannot be done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import Cascade
from kijitsu.domain.history import Deed
from kijitsu.messages import Item, Letter, Topic, Wording
from kijitsu.office import ALL_ROLES, Actor, Office
from kijitsu.services import adopting, changing, delivering, reporting
from kijitsu.services.watching import watch
from kijitsu.settings import Settings
from tests.acceptance.support import HEAD, calendar_with

CLERK = Actor("総務課 係員", "test", ALL_ROLES)
PLAN = (
    HEAD
    + """\
milestones:
  root: {title: 調査, kind: test, owner: finance, when: 2016-05-02～2016-05-31}
  held: {title: 設計, kind: test, owner: residents, when: 2016-06-01～2016-06-24, after: [root]}
  outside: {title: 議決, kind: test, owner: assembly, when: 2016-06-01～2016-06-24}
  paper: {title: 届出書, kind: test, owner: personnel, when: 2016-06-01～2016-09-30, evidence: [届出書]}
"""
)


@dataclass
class Said:
    """Every letter that was worded, by recipient."""

    letters: list[Letter]

    def __call__(self, letter: Letter) -> Wording:
        self.letters.append(letter)
        return Wording(letter.recipient, "本文", "", "")

    def items(self, recipient: str) -> Iterator[Item]:
        return (item for letter in self.letters if letter.recipient == recipient for item in letter.items)


@pytest.fixture
def said() -> Said:
    return Said([])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    calendar = calendar_with(tmp_path / "calendar", small=PLAN)
    file = calendar / "organisations" / "ishinomaki.yaml"
    text = file.read_text(encoding="utf-8")
    post = "財務部次長: {mail: jichou.zaimubu@city.ishinomaki.example"
    assert post in text
    absent = f"{post}, deputy: 人事課長, absent: [{{from: 2016-06-01, to: 2016-06-30}}]"
    file.write_text(text.replace(post, absent), encoding="utf-8")
    return Settings(home=tmp_path / "home", calendar=calendar)


def morning(settings: Settings, said: Said, day: str) -> Office:
    at = datetime.fromisoformat(f"{day} 08:30").replace(tzinfo=ZoneInfo("Asia/Tokyo"))
    office = replace(open_office(settings), make_renderer=lambda: said).at(lambda: at)
    if not settings.may_have_database:
        office.upgrade()
        adopting.adopt(office, "small", CLERK)
    return office


def live(settings: Settings, said: Said, day: str) -> None:
    """Run the pass of a day and let its letters go."""
    office = morning(settings, said, day)
    report = watch(office, "small")
    delivering.dispatch(office, report.standing.plan.organisation)


def test_who_stands_in_for_somebody_is_told_for_whom(settings: Settings, said: Said) -> None:
    morning(settings, said, "2016-05-02")

    # Five open days after Tuesday May 31.
    live(settings, said, "2016-06-07")
    live(settings, said, "2016-06-23")

    [deputy] = [item for item in said.items("人事課長") if item.topic is Topic.ESCALATED]
    assert (deputy.milestone, deputy.in_place_of) == ("root", "財務部次長")
    for item in said.items("secretariat"):
        assert item.in_place_of == ("石巻市議会" if item.milestone == "outside" else "")
    assert {item.in_place_of for item in said.items("finance")} == {""}


def test_what_is_stopped_says_so_where_its_deadline_is_near(settings: Settings, said: Said) -> None:
    morning(settings, said, "2016-05-02")
    live(settings, said, "2016-06-01")
    said.letters.clear()

    live(settings, said, "2016-06-10")

    [item] = said.items("residents")
    assert (item.topic, item.is_stopped) == (Topic.BEFORE, True)


def test_moves_told_together_give_all_their_reasons_and_no_chain_of_stops(settings: Settings, said: Said) -> None:
    morning(settings, said, "2016-05-02")
    saturday = morning(settings, said, "2016-06-04")
    changing.move(saturday, "small", "held", "2016-06-06～2016-06-28", "国の様式の遅れ", Cascade.NONE, CLERK)
    said.letters.clear()

    changing.move(saturday, "small", "held", "2016-06-06～2016-06-30", "審査の延長", Cascade.NONE, CLERK)

    [item] = said.items("residents")
    assert (item.was, item.due, item.cause) == (date(2016, 6, 24), date(2016, 6, 30), "国の様式の遅れ／審査の延長")
    assert (item.reasons, item.holds_up) == ((), ())


def test_evidence_that_is_sent_back_is_named(settings: Settings, said: Said) -> None:
    morning(settings, said, "2016-05-02")
    office = morning(settings, said, "2016-06-01")
    done = reporting.Report(Deed.COMPLETE, "paper", date(2016, 6, 1), evidence={"届出書": "石人第3号"})
    reporting.report(office, "small", done, CLERK)

    sent_back = reporting.Report(Deed.REJECT, "paper", date(2016, 6, 1), reason="押印がありません")
    reporting.report(office, "small", sent_back, CLERK)

    [item] = said.items("personnel")
    assert (item.topic, item.evidence, item.cause) == (Topic.REJECTED, ("届出書：石人第3号",), "押印がありません")
