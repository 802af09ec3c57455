"""Reminders against a second derivation that walks from day to day, and what holds of them whatever the plan."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kijitsu.domain.gates import Status, Verdict, evaluate
from kijitsu.domain.history import Deed, Event, Progress, progress_of
from kijitsu.domain.periods import Length
from kijitsu.domain.plan import Body, Lapse, Organisation, Plan, Policy, Post, Validity
from kijitsu.domain.reminders import News, owed
from kijitsu.domain.schedule import Network
from tests.unit.owed_by_days import Seen, Word, days, owed_by_days, place_of
from tests.unit.test_schedule_by_loops import is_open, on_or_before, plans
from tests.unit.worked import CALENDARS, OFFICE, plan

# --- random organisations, policies and histories ---

MAILS = st.sampled_from([None, *(f"{name}@city.example" for name in ("one", "two", "three", "four", "five", "six"))])
TITLES, BODIES = ["係長", "課長", "次長", "部長", "副市長"], ["section", "department", "city_hall"]
DAYS = st.dates(date(2016, 4, 1), date(2016, 9, 30))
ROLES = st.sampled_from(
    [("owner",), ("owner", "secretariat"), ("owner", "superior", "secretariat"), ("superior", "owner"), ()]
)
OFFSETS = st.lists(
    st.one_of(
        st.builds(Length, st.integers(1, 30), st.sampled_from(["wd", "d"])),
        st.builds(Length, st.integers(1, 3), st.sampled_from(["w", "m"])),
    ),
    min_size=1,
    max_size=4,
    unique=True,
).map(tuple)
TIERS = st.lists(st.integers(1, 25), max_size=5, unique=True).map(lambda n: tuple(Length(i, "wd") for i in sorted(n)))
POLICIES = st.builds(
    Policy,
    before=OFFSETS,
    to_before=ROLES,
    on_day=st.booleans(),
    to_on_day=ROLES,
    every=st.one_of(st.none(), st.builds(Length, st.integers(1, 6), st.just("wd"))),
    to_after=ROLES,
    tiers=TIERS,
    to_blocked=ROLES,
    to_unblocked=ROLES,
    expiring=OFFSETS,
    to_expiring=ROLES,
    to_rejected=ROLES,
)
SPANS = st.lists(st.tuples(DAYS, st.integers(0, 40)).map(lambda s: (s[0], s[0] + timedelta(s[1]))), max_size=3)


@st.composite
def organisations(draw: st.DrawFn) -> Organisation:
    """Three bodies, of which any reports to any, and five posts; addresses are few, so that many are shared."""
    bodies = [
        Body(
            id,
            id,
            "department",
            reports_to=draw(st.one_of(st.none(), st.sampled_from(BODIES))),
            mail=draw(MAILS),
            line=tuple(draw(st.permutations(TITLES))[: draw(st.integers(0, 4))]),
        )
        for id in BODIES
    ]
    posts = [
        Post(title, draw(MAILS), deputy=draw(st.one_of(st.none(), st.sampled_from(TITLES))), absent=tuple(draw(SPANS)))
        for title in draw(st.permutations(TITLES))[: draw(st.integers(3, 5))]
    ]
    secretariat = Body(
        "secretariat", "事務局", "council", mail=draw(st.sampled_from(["one@city.example", "office@city.example"]))
    )
    return Organisation(
        "made-up",
        "000001",
        "ある市",
        "secretariat",
        {body.id: body for body in (*bodies, secretariat)},
        posts={post.title: post for post in posts},
    )


@st.composite
def programmes(draw: st.DrawFn) -> Plan:
    """A random plan: owners, policies, validities, and links that ask for one."""
    milestones = []
    for each in draw(plans()):
        links = tuple(replace(link, valid=draw(st.sampled_from([True, True, False]))) for link in each.after)
        validity = Validity(Length(draw(st.integers(1, 3)), "m"), "規則", draw(st.sampled_from(Lapse)))
        milestones.append(
            replace(
                each,
                owner=draw(st.sampled_from(BODIES)),
                after=links,
                reminders=draw(st.sampled_from([None, "filing"])),
                validity=draw(st.sampled_from([None, validity])),
            )
        )
    policies = {"standard": draw(POLICIES), "filing": draw(POLICIES)}
    return replace(plan(*milestones, policies=policies), organisation=draw(organisations()))


DEEDS = [deed for deed in Deed if deed is not Deed.MOVE]


@st.composite
def histories(draw: st.DrawFn, network: Network) -> list[Event]:
    """What people did and answered; who acknowledges has seen the latest safe day of then."""
    events: list[Event] = []
    for on in sorted(draw(st.lists(DAYS, min_size=6, max_size=15))):
        id = draw(st.sampled_from(list(network.plan.milestones)))
        deed = draw(st.sampled_from([*DEEDS, Deed.COMPLETE, Deed.COMPLETE]))
        details: dict[str, str] = {}
        expires = None
        match deed:
            case Deed.ACKNOWLEDGE:
                seen = network.schedule(progress_of(network.plan, events), on)[id].firm_finish
                details = {"deadline": str(seen)} if seen else {}
            case Deed.SNOOZE | Deed.ESTIMATE | Deed.EXCUSE:
                details = {"until": str(on + timedelta(draw(st.integers(0, 45))))}
            case Deed.COMPLETE if draw(st.booleans()):
                expires = on + timedelta(draw(st.integers(0, 60)))
        events.append(Event(on, deed, id, expires=expires, details=details))
    return events


# --- passes ---


@dataclass(frozen=True)
class Pass:
    """What one pass sees, and what both derivations say of it."""

    on: date
    verdicts: dict[str, Verdict]
    progress: dict[str, Progress]
    words: list[Word]
    expected: set[Word]


def lived(network: Network, events: list[Event], passes: list[date], began: date) -> Iterator[Pass]:
    """Walk through the days of the passes, each remembering what was blocked and freed as the store does."""
    statuses: dict[str, Status] = {}
    stopped: dict[str, date] = {}
    freed: dict[str, date] = {}
    for on in passes:
        progress = progress_of(network.plan, events, on)
        verdicts = evaluate(network, network.schedule(progress, on), progress, on)
        for id, verdict in verdicts.items():
            was_blocked, is_blocked = statuses.get(id) is Status.BLOCKED, verdict.status is Status.BLOCKED
            if was_blocked and not is_blocked:
                freed[id] = on
            if not is_blocked:
                stopped.pop(id, None)
            statuses[id] = verdict.status
        found = owed(network, verdicts, progress, News(stopped, freed, began), on)
        words = [Word(r.milestone, r.rule, r.recipient, r.deadline, r.due_on, r.is_covered) for r in found]
        yield Pass(
            on,
            verdicts,
            progress,
            words,
            owed_by_days(network.plan, verdicts, progress, Seen(stopped, freed, began), on),
        )
        for id, verdict in verdicts.items():
            if verdict.status is Status.BLOCKED:
                stopped.setdefault(id, on)


def drawn(data: st.DataObject, span: int) -> tuple[Network, list[Event], list[date]]:
    """A random plan with a history, and the open days of a span of it."""
    network = Network(data.draw(programmes()), OFFICE, CALENDARS)
    events = data.draw(histories(network))
    first = data.draw(st.dates(date(2016, 5, 2), date(2016, 8, 15)))
    return network, events, [at for at in days(first, first + timedelta(span)) if is_open(at)]


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_what_is_owed_equals_a_derivation_that_walks_from_day_to_day(data: st.DataObject) -> None:
    network, events, open_days = drawn(data, 60)
    missed = data.draw(st.sets(st.sampled_from(open_days)))
    began = data.draw(DAYS)

    for each in lived(network, events, [on for on in open_days if on not in missed], began):
        assert set(each.words) == each.expected, each.on
        assert len({word[:4] for word in each.words}) == len(each.words), each.on


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_what_is_said_is_never_a_nuisance_and_never_too_late(data: st.DataObject) -> None:
    network, events, open_days = drawn(data, 60)
    organisation = network.plan.organisation

    for each in lived(network, events, open_days, open_days[0]):
        said: dict[str, list[Word]] = defaultdict(list)
        for word in each.words:
            said[word.milestone].append(word)
        for id, verdict in each.verdicts.items():
            of_kind: dict[str, list[Word]] = defaultdict(list)
            for word in said[id]:
                of_kind[word.kind].append(word)
            done, safe = each.progress.get(id, Progress()), verdict.firm_finish
            spoken = [word for word in said[id] if not word.is_covered]

            # Nobody is told twice on one rule, and of all tiers nobody twice either.
            told = Counter((word.kind, place_of(organisation, word.recipient)) for word in spoken)
            assert not told or max(told.values()) == 1, told
            # One number a day after the due date; tiers in order, none left out.
            assert len({word.rule for word in of_kind["after"]}) <= 1
            tiers = [int(word.rule.removeprefix("escalated:")) for word in of_kind["escalated"]]
            assert tiers == list(range(1, len(tiers) + 1))
            # Every word is due by now, on an open day where it is one of a kind that has a day of its own.
            assert all(word.due_on <= each.on for word in said[id])
            assert all(is_open(word.due_on) for word in said[id] if word.kind != "snoozed")
            if verdict.is_closed:
                assert {word.kind for word in said[id]} <= {"expiring"}
                continue
            ahead = of_kind["before"] + of_kind["snoozed"]
            is_excused = done.excused_until is not None and each.on <= done.excused_until
            if is_excused:
                assert not ahead + of_kind["on_day"] + of_kind["after"] + of_kind["escalated"]
                continue
            # Answered, it is quiet until the latest safe day, and from that day on never.
            if safe and each.on < safe and done.acknowledged_for == safe:
                assert not ahead
            if safe and done.snoozed_until and each.on < min(safe, done.snoozed_until):
                assert not ahead
            policy = network.plan.policies[network.plan.milestones[id].reminders or "standard"]
            is_past = Status.OVERDUE in verdict.facts
            if safe and safe <= each.on and not is_past and policy.before and policy.to_before:
                assert of_kind["before"]
            assert not is_past or not ahead + of_kind["on_day"]
            if is_past and verdict.due:
                assert all(word.due_on > verdict.due for word in of_kind["after"] + of_kind["escalated"])


NEWS = ("blocked", "unblocked")


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_late_passes_say_the_same_but_for_what_is_no_longer_so(data: st.DataObject) -> None:
    network, events, open_days = drawn(data, 60)
    kept = data.draw(st.sets(st.sampled_from(open_days), min_size=1))
    began = open_days[0]
    everything = list(lived(network, events, open_days, began))
    # Of what was stopped for a while, the line is told from the pass that found it free.
    ever_stopped = {id for each in everything for id, v in each.verdicts.items() if v.status is Status.BLOCKED}

    def is_news(word: Word) -> bool:
        return word.kind in NEWS or (word.kind == "escalated" and word.milestone in ever_stopped)

    def written(passes: list[date]) -> dict[Any, date]:
        found: dict[Any, date] = {}
        for each in lived(network, events, passes, began):
            for word in each.words:
                if not is_news(word):
                    found.setdefault(word[:4], each.on)
        return found

    daily, late = written(open_days), written(sorted(kept))

    # What a late pass writes was written before, or the same day.
    assert set(late) <= set(daily)
    assert all(daily[key] <= on for key, on in late.items())
    # What it never wrote was owed between two passes only.
    by_day = {each.on: {word[:4] for word in each.words} for each in everything}
    for key in set(daily) - set(late):
        assert not any(key in by_day[on] for on in kept)


def test_the_second_derivation_is_of_the_same_calendar() -> None:
    assert [on_or_before(date(2016, 6, 19)), on_or_before(date(2016, 5, 5))] == [date(2016, 6, 17), date(2016, 5, 2)]
