"""A schedule revised by way of one change against one that is reckoned anew, over thousands of random plans and moves.

Plain seeded randomness: hypothesis shrinks well, but draws too slowly for this many.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from kijitsu.domain.history import Progress
from kijitsu.domain.passes import Earliest, Latest
from kijitsu.domain.periods import Length
from kijitsu.domain.plan import Dependency, DueRule, LinkType, Milestone
from kijitsu.domain.schedule import Schedule
from kijitsu.domain.windows import Precision, Window, parse_window
from tests.unit.worked import RULES, milestone, network

FIRST = date(2016, 4, 1)
KINDS = list(LinkType)
RULED = [RULES["promulgation"], RULES["sending_to_mayor"], RULES["notice_of_session"], RULES["taking_effect"]]


def day(random: Random) -> date:
    return FIRST + timedelta(random.randrange(240))


def window(random: Random) -> Window | None:
    first, last = sorted((day(random), day(random)))
    match random.randrange(8):
        case 0:
            return Window(None, None, Precision.RANGE, undecided=True)
        case 1:
            return Window(first, None, Precision.RANGE)
        case 2:
            return Window(None, last, Precision.RANGE)
        case 3:
            return None
        case _:
            return Window(first, last, Precision.RANGE)


def lag(random: Random) -> Length:
    return random.choice([Length(0, "wd")] * 4 + [Length(random.randint(-6, 6), unit) for unit in ("wd", "d", "w")])


def length(random: Random) -> Length:
    return random.choice(
        [Length(random.randint(1, 6), "wd")] * 4 + [Length(random.randint(1, 40), "d"), Length(1, "m")]
    )


def some_plan(random: Random) -> list[Milestone]:
    milestones: list[Milestone] = []
    for number in range(random.randint(2, 14)):
        names = [each.id for each in milestones]
        after = tuple(
            Dependency(on, random.choice(KINDS), lag(random))
            for on in random.sample(names, random.randint(0, min(3, len(names))))
        )
        due: date | DueRule | None = None
        if random.random() < 0.15:
            due = day(random)
        elif names and random.random() < 0.25:
            stops = tuple(random.sample(names, random.randint(0, 1)))
            due = DueRule(random.choice(RULED), random.choice(names), random.choice(["start", "finish"]), stops)
        placed = window(random)
        if placed is None and not after:
            placed = Window(day(random), None, Precision.RANGE)
        milestones.append(
            replace(milestone(f"m{number}"), after=after, window=placed, duration=length(random), due=due)
        )
    if random.random() < 0.3:
        random.shuffle(milestones)
    return milestones


def what_happened(random: Random, milestones: list[Milestone]) -> dict[str, Progress]:
    happened = {}
    for each in milestones:
        at = day(random)
        match random.randrange(10):
            case 0:
                happened[each.id] = Progress(started_on=at)
            case 1:
                happened[each.id] = Progress(completed_on=at)
            case 2:
                happened[each.id] = Progress(started_on=at, completed_on=at + timedelta(random.randrange(20)))
            case 3:
                happened[each.id] = Progress(cancelled_on=at)
            case 4:
                happened[each.id] = Progress(waived_on=at)
    return happened


def change(random: Random, each: Milestone) -> Milestone:
    match random.randrange(6):
        case 0 if not isinstance(each.due, DueRule):
            return replace(each, due=random.choice([None, day(random)]))
        case 1:
            return replace(each, duration=length(random))
        case 2 if each.window and each.window.first and each.window.last:
            later = timedelta(random.randint(-30, 30))
            return replace(each, window=Window(each.window.first + later, each.window.last + later, Precision.RANGE))
        case _:
            placed = window(random)
            return replace(each, window=placed) if placed or each.after else each


def same(left: Schedule, right: Schedule) -> bool:
    return {**left} == {**right} and left.slacks == right.slacks


@pytest.mark.parametrize("seed", range(30))
def test_a_change_gives_exactly_what_a_full_recompute_gives(seed: int) -> None:
    random = Random(seed)
    for _ in range(80):
        milestones = some_plan(random)
        progress = what_happened(random, milestones) if random.random() < 0.5 else {}
        as_of = random.choice([None, day(random)])
        fiscal_year = random.choice([2016, 2016, None])
        state = {each.id: each for each in milestones}
        revised = network(*milestones, fiscal_year=fiscal_year).schedule(progress, as_of)
        if random.random() < 0.5:
            assert revised.slacks is not None  # counted before the change, so that the change counts on

        for _ in range(random.randint(1, 5)):
            touched = random.sample(milestones, random.choice([1, 1, 1, min(2, len(milestones))]))
            changed = {each.id: change(random, state[each.id]) for each in touched}
            state |= changed
            revised = revised.revised(changed)

            anew = network(*state.values(), fiscal_year=fiscal_year).schedule(progress, as_of)
            assert same(revised, anew), (seed, changed)
            again = revised.network.schedule(progress, FIRST + timedelta(100))
            assert {**again} == {**anew.network.schedule(progress, FIRST + timedelta(100))}, (seed, changed)


def test_a_change_leaves_the_former_schedule_as_it_was() -> None:
    before = network(milestone("a", when="2016-06-01"), milestone("b", "a", when="～2016-06-30")).schedule()
    slots = {**before}

    after = before.revised({"a": milestone("a", when="2016-06-10")})

    assert {**before} == slots
    assert str(after["b"].earliest_start) == "2016-06-13"


def test_a_change_walks_what_it_reaches_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    chains = [
        milestone(f"c{chain}-{n}", *([f"c{chain}-{n - 1}"] if n else []), when="2016-06-01～", due="2016-12-28")
        for chain in range(50)
        for n in range(20)
    ]
    before = network(*chains).schedule()
    assert before.slacks
    walked: list[str] = []

    def spied(kind: type, name: str) -> None:
        plain = getattr(kind, name)

        def walk(self: Any, rank: int) -> Any:
            walked.append(self.situation.structure.ids[rank])
            return plain(self, rank)

        monkeypatch.setattr(kind, name, walk)

    spied(Earliest, "_place")
    spied(Latest, "_limit")
    after = before.revised({"c7-15": replace(chains[7 * 20 + 15], window=parse_window("2016-08-01～"))})

    assert str(after["c7-19"].earliest_finish) == "2016-08-05"
    # Forward itself and the four behind it; backward itself, whose limit is the same as before.
    assert sorted(set(walked)) == [f"c7-{n}" for n in range(15, 20)]
