"""The plans that are measured: a city's programme, all cities', a country's, a tangle, a chain.

Everything is drawn from a seed, so that two runs measure the same. Only the domain's own objects, as the parser makes
them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random

from kijitsu.domain.closures import Closures
from kijitsu.domain.periods import Length, parse_length
from kijitsu.domain.plan import Dependency, Kind, LinkType, Milestone, Plan
from kijitsu.domain.windows import Precision, Window, add_months
from kijitsu.plans import Library

LIBRARY = Library(Path(__file__).parents[2] / "calendar")
ORGANISATION = LIBRARY.organisation(LIBRARY.find("organisations", "ishinomaki"))
START, YEAR = date(2016, 4, 1), 2016
# How many municipalities Japan has.
CITIES = 1741
MILESTONES = 100_000

MOSTLY_FINISH_TO_START = [LinkType.FINISH_TO_START] * 8 + list(LinkType)
# What a plan of working days only says instead of days and months.
WORKING = {"7d": Length(5, "wd"), "14d": Length(10, "wd"), "30d": Length(20, "wd")}


def lengths(text: str) -> list[Length]:
    """Return lengths written side by side: 1wd 5wd 30d."""
    return [parse_length(word) for word in text.split()]


# One in fifteen and one in twenty are elapsed time. (Of fy28's 69 durations none is, of its 81 lags one.)
DURATIONS = [*lengths("1wd 1wd 2wd 3wd 5wd 10wd 20wd") * 2, *lengths("30d")]
LAGS = [*lengths("0wd 0wd 0wd 0wd 1wd 5wd 10wd -1wd -3wd") * 4, *lengths("0wd 0wd 7d 14d")]


def plan_of(milestones: Iterable[Milestone]) -> Plan:
    """Return a plan of the milestones."""
    return Plan("bench", "bench", ORGANISATION, {each.id: each for each in milestones}, fiscal_year=YEAR)


def city(seed: int, count: int = 60, has_elapsed: bool = True) -> Plan:
    """Return one city's programme of a year: 60 milestones, about 100 links, windows by month and day, deadlines.

    Most links go from finish to start; lags are positive, negative or none; a few durations and lags are elapsed time.

    Without elapsed time, durations and lags are working days only: what every peer understands.
    """
    random = Random(seed)

    def drawn(choices: list[Length]) -> Length:
        length = random.choice(choices)
        return length if has_elapsed else WORKING.get(str(length), length)

    milestones = []
    for place in range(count):
        # The first five begin the year; the others rest on one to three of the twelve before them.
        before = range(max(0, place - 12), place)
        tails = random.sample(before, random.choice([1, 2, 2, 2])) if place >= 5 else []
        after = tuple(Dependency(f"m{tail}", random.choice(MOSTLY_FINISH_TO_START), drawn(LAGS)) for tail in tails)
        month = add_months(START, place * 12 // count)
        day = month + timedelta(random.randrange(28))
        windows = [
            Window(month, add_months(month, 1) - timedelta(1), Precision.MONTH),
            Window(day, day, Precision.DAY),
            Window(day, None, Precision.RANGE),
            *[None] * (3 if after else 0),
        ]
        milestones.append(
            Milestone(
                f"m{place}",
                f"m{place}",
                Kind.MEETING,
                "committee",
                random.choice(windows),
                drawn(DURATIONS),
                after,
                due=day + timedelta(60) if random.random() < 0.15 else None,
            )
        )
    return plan_of(milestones)


def cities(has_elapsed: bool = True) -> list[Plan]:
    """Return one programme for each municipality of Japan."""
    return [city(seed, has_elapsed=has_elapsed) for seed in range(CITIES)]


def country(count: int = MILESTONES, seed: int = 2, size: int = 60, national: int = 100) -> Plan:
    """Return 1,665 programmes of 60 which rest on 100 milestones of the State: 100,000 milestones, 200,000 links."""
    random, milestones, links = Random(seed), [], 0
    for place in range(count):
        base = 0 if place < national else national + (place - national) // size * size
        pool = range(base, place) if place >= national else range(0)
        tails = random.sample(pool, min(len(pool), 3 if links < 2 * place else 2))
        if place >= national and random.random() < 0.02:
            tails.append(random.randrange(national))
        links += len(tails)
        opens = START + timedelta(random.randrange(60) + (place - base) * 6)
        is_dated = not tails or random.random() < 0.5
        milestones.append(_drawn(random, place, tails, opens if is_dated else None))
    return plan_of(milestones)


def tangle(count: int = MILESTONES, seed: int = 1, reach: int = 2000) -> Plan:
    """Return a random graph without programmes: each rests on two of the 2,000 before it."""
    random, milestones = Random(seed), []
    for place in range(count):
        before = range(max(0, place - reach), place)
        tails = random.sample(before, min(2, len(before)))
        opens = START + timedelta(place * 328 // count + random.randrange(60))
        milestones.append(_drawn(random, place, tails, opens if not tails or random.random() < 0.1 else None))
    return plan_of(milestones)


def _drawn(random: Random, place: int, tails: Iterable[int], opens: date | None) -> Milestone:
    window = None if opens is None else Window(opens, opens + timedelta(30), Precision.RANGE)
    lags = lengths("0wd 0wd 0wd 1wd 2wd -1wd")
    after = tuple(Dependency(f"m{tail}", random.choice(MOSTLY_FINISH_TO_START), random.choice(lags)) for tail in tails)
    duration = random.choice(lengths("1wd 1wd 2wd 3wd 5wd"))
    return Milestone(f"m{place}", f"m{place}", Kind.MEETING, "committee", window, duration, after)


def chain(count: int, is_reversed: bool = False) -> Plan:
    """Return milestones of one day in a row, each after the one before it, in the file's order or against it."""
    first = Milestone("m0", "m0", Kind.MEETING, "committee", Window(START, None, Precision.RANGE))
    following = (
        Milestone(f"m{place}", f"m{place}", Kind.MEETING, "committee", after=(Dependency(f"m{place - 1}"),))
        for place in range(1, count)
    )
    milestones = [first, *following]
    last = replace(milestones[-1], due=START + timedelta(2 * count))
    milestones[-1] = last
    return plan_of(reversed(milestones) if is_reversed else milestones)


def shuffled(plan: Plan, seed: int = 3) -> Plan:
    """Return the same plan from a file in no order at all."""
    milestones = list(plan.milestones.values())
    Random(seed).shuffle(milestones)
    return plan_of(milestones)


def centuries(days: int) -> Closures:
    """Return a calendar without holidays for at least so many working days, for a chain that outlives the law's."""
    return Closures("bench", "bench", date(2015, 1, 1), START + timedelta(2 * days + 1000), {})


def links_of(plan: Plan) -> int:
    """Return how many links a plan has."""
    return sum(len(milestone.after) for milestone in plan.milestones.values())
