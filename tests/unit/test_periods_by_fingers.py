"""Every shape of rule against a clerk with a finger on a wall calendar, who moves it a day at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from kijitsu.domain.closures import Closures
from kijitsu.domain.eras import show_date
from kijitsu.domain.periods import (
    Deadline,
    Direction,
    FirstDay,
    Length,
    Roll,
    Rule,
    Span,
    count_period,
)
from tests.unit.worked import CALENDARS, OFFICE

ONE = timedelta(1)


# --- the clerk ---


def pointed_at(rule: Rule, event: date, closures: Closures, spans: list[Span]) -> date:
    """Return the day that the finger ends on."""
    step = ONE if rule.direction is Direction.FORWARD else -ONE
    finger = event if rule.first_day is FirstDay.INCLUDED else event + step
    still = {day for first, last in spans for day in days_of(first, last)}
    if rule.length.unit in ("m", "y"):
        finger = months_pointed_at(rule, finger, step, still)
    else:
        left = rule.length.number * (7 if rule.length.unit == "w" else 1)
        if rule.clear:
            left += 1
        while True:
            if finger not in still and (rule.length.unit != "wd" or closures.is_open(finger)):
                left -= 1
            if left == 0:
                break
            finger += step
    while rule.roll is not Roll.NONE and not closures.is_open(finger):
        finger += ONE if rule.roll is Roll.NEXT_OPEN_DAY else -ONE
    return finger + ONE if rule.passed else finger


def months_pointed_at(rule: Rule, first: date, step: timedelta, still: set[date]) -> date:
    """Go to the end of the months, on by as many days as stood still, and for 中N a day beyond."""
    months = rule.length.number * (12 if rule.length.unit == "y" else 1)
    if step == ONE:
        finger = end_of_months(first, months)
    else:
        finger = first
        while end_of_months(finger, months) > first:
            finger -= ONE
    owed = sum(day in still for day in days_of(min(first, finger), max(first, finger))) + rule.clear
    while owed:
        finger += step
        if finger not in still:
            owed -= 1
    return finger


def end_of_months(first: date, months: int) -> date:
    """民法143条: the day before the corresponding day, or the month's last where that month has no such day."""
    finger, turned = first, 0
    while True:
        tomorrow = finger + ONE
        turned += tomorrow.day == 1
        if turned == months and tomorrow.day == first.day:
            return finger
        if turned > months:
            return finger
        finger = tomorrow


def days_of(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += ONE


# --- every shape ---

LENGTHS = st.one_of(
    st.builds(Length, st.integers(1, 60), st.sampled_from(["d", "wd"])),
    st.builds(Length, st.integers(1, 8), st.just("w")),
    st.builds(Length, st.integers(1, 7), st.just("m")),
    st.just(Length(1, "y")),
)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    direction = draw(st.sampled_from(Direction))
    shapes = [{}, {"first_day": FirstDay.INCLUDED}, {"clear": True}]
    if direction is Direction.FORWARD:
        shapes += [{"passed": True}, {"passed": True, "first_day": FirstDay.INCLUDED}]
    return Rule(
        "free", "期間", "", draw(LENGTHS), direction, roll=draw(st.sampled_from(Roll)), **draw(st.sampled_from(shapes))
    )


@st.composite
def counts(draw: st.DrawFn) -> tuple[Rule, date, Closures, list[Span]]:
    """A rule, an event (often at the end of a month), an office, and spans that may touch, overlap or lie outside."""
    ends = [date(2016, 2, 28), date(2016, 2, 29), date(2016, 12, 31), date(2017, 3, 30), date(2017, 3, 31)]
    event = draw(st.one_of(st.dates(date(2016, 4, 1), date(2017, 7, 31)), st.sampled_from(ends)))
    pairs = draw(st.lists(st.tuples(st.integers(-70, 70), st.integers(0, 25)), max_size=3))
    spans = [(event + timedelta(at), event + timedelta(at + more)) for at, more in pairs]
    return draw(rules()), event, draw(st.sampled_from([OFFICE, CALENDARS("residents")])), spans


@given(counts())
@settings(deadline=None, max_examples=600)
def test_a_count_ends_where_the_finger_does(given: tuple[Rule, date, Closures, list[Span]]) -> None:
    rule, event, closures, spans = given

    assert count_period(rule, event, closures, spans).due == pointed_at(rule, event, closures, spans)


# --- and what is told of it ---

DATE = re.compile(r"(?:明治|大正|昭和|平成|令和)\d+年\d+月\d+日（.）")


@given(counts())
@settings(deadline=None, max_examples=300)
def test_the_explanation_names_every_day_left_out_and_ends_on_the_deadline(
    given: tuple[Rule, date, Closures, list[Span]],
) -> None:
    rule, event, closures, spans = given

    found = count_period(rule, event, closures, spans)
    steps = found.explanation

    assert DATE.findall("".join(steps))[-1] == show_date(found.due)
    told = set("".join(months_told(steps)).split())
    assert closed_days(found, spans) <= told
    if rule.length.unit in ("d", "w", "wd"):
        assert sums(steps) == rule.length.number * (7 if rule.length.unit == "w" else 1) + rule.clear


def closed_days(found: Deadline, spans: list[Span]) -> set[str]:
    """The days that the count passed over or rolled off, as the explanation must name them: 2016-4-29."""
    low, high = min(found.first, found.last), max(found.first, found.last)
    still = {day for first, last in spans for day in days_of(first, last)}
    left_out = {day for day in days_of(low, high) if day not in still and not found.closures.is_open(day)}
    rolled = set()
    if found.rule.roll is not Roll.NONE:
        end = found.due - ONE if found.rule.passed else found.due
        rolled = {day for day in days_of(min(end, found.last), max(end, found.last)) if day != end}
    return {
        f"{day.year}-{day.month}-{day.day}" for day in rolled | (left_out if found.rule.length.unit == "wd" else set())
    }


def months_told(steps: tuple[str, ...]) -> Iterator[str]:
    """Yield the closed days that are named, with the year and month of their line."""
    for step in steps:
        head = re.search(r"平成(\d+)年(\d+)月(\d+)日", step)
        if head and "数えない閉庁日: " in step:
            listed = step.split("数えない閉庁日: ")[1].split("。")[0]
            for number in re.findall(r"(\d+)日（", listed):
                yield f" {int(head[1]) + 1988}-{head[2]}-{number}"
        elif head and step.startswith("閉庁日のため"):
            yield f" {int(head[1]) + 1988}-{head[2]}-{head[3]}"


def sums(steps: tuple[str, ...]) -> int:
    """Add up what each line says it counts."""
    lines = [step for step in steps if not step.startswith("止まる間")]
    return sum(int(found[1]) for step in lines if (found := re.search(r"の(\d+)(?:開庁)?日(?:（計|。|$)", step)))
