"""Working days from the table against a walk from day to day, over offices nobody has thought of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import count as numbers
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kijitsu.calendars import Calendars, faults, national_holidays
from kijitsu.domain.closures import Closures, combined
from kijitsu.domain.errors import InputError
from kijitsu.schemas import ClosuresDocument

HOLIDAYS = national_holidays(2014, 2028)
DAYS = st.dates(date(2016, 1, 1), date(2017, 12, 31))
SPANS = st.tuples(DAYS, st.integers(0, 14))
WEEKDAYS = st.lists(st.integers(0, 6), max_size=3, unique=True).map(tuple)
YEAR_ENDS = st.sampled_from([((12, 29), (1, 3)), ((12, 28), (1, 4)), ((8, 13), (8, 16)), ((1, 1), (1, 1))])

ENTRY = st.one_of(
    st.builds(lambda on: {"on": on}, DAYS),
    st.builds(lambda span: {"from": span[0], "to": span[0] + timedelta(span[1])}, SPANS),
    st.builds(
        lambda weekday, nth, more: {"weekday": weekday, "nth": nth, **more},
        st.integers(0, 6),
        st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True).map(tuple),
        st.one_of(st.just({}), st.builds(lambda day: {"from": day}, DAYS), st.builds(lambda day: {"to": day}, DAYS)),
    ),
).map(lambda entry: {**entry, "why": "理由"})

SAID = st.fixed_dictionaries(
    {},
    optional={
        "weekdays": WEEKDAYS,
        "national_holidays": st.booleans(),
        "year_end": YEAR_ENDS.map(lambda days: {"from": days[0], "to": days[1]}),
    },
)


@st.composite
def layer(draw: st.DrawFn, id: str, **more: Any) -> dict[str, Any]:
    begins = sorted(draw(st.lists(DAYS, max_size=3, unique=True)))
    regimes = [{"from": begin, **draw(SAID.filter(bool))} for begin in begins]
    return {
        "closures": id,
        "title": id,
        "regimes": regimes,
        **draw(SAID),
        **more,
        "open": draw(st.lists(ENTRY, max_size=3)),
        "closed": draw(st.lists(ENTRY, max_size=3)),
    }


class Office:
    """An office's files, its table, and the same closings found for each day by itself."""

    def __init__(self, layers: list[dict[str, Any]]) -> None:
        self.layers = layers
        documents = {each["closures"]: ClosuresDocument.model_validate(each) for each in layers}
        assume(not any(fault for each in documents.values() for fault in faults(each)))
        self.table = Calendars(documents, 2016, 2016)(layers[-1]["closures"])

    def __repr__(self) -> str:
        return f"Office({self.layers})"

    def is_open(self, day: date) -> bool:
        weekdays, holidays, year_end = (self._said(key, day) for key in ("weekdays", "national_holidays", "year_end"))
        is_open = day.weekday() not in (weekdays or ()) and not (holidays and day in HOLIDAYS)
        if year_end and _is_within((day.month, day.day), year_end["from"], year_end["to"]):
            is_open = False
        for each in self.layers:
            hits = [(_rank(entry), key) for key in ("open", "closed") for entry in each[key] if _hits(entry, day)]
            if hits:
                is_open = max(hits)[1] == "open"
        return is_open

    def _said(self, key: str, day: date) -> Any:
        regimes = [regime for each in self.layers for regime in (each, *each["regimes"])]
        said = [regime[key] for regime in regimes if key in regime and regime.get("from", day) <= day]
        return said[-1] if said else None

    def walk(self, at: date, number: int) -> date:
        """Go to the `number`-th open day after a day, or before it where negative."""
        step = timedelta(1 if number > 0 else -1)
        for _ in range(abs(number)):
            at = next(day for n in numbers(1) if self.is_open(day := at + n * step))
        return at


def _is_within(day: tuple[int, int], first: tuple[int, int], last: tuple[int, int]) -> bool:
    return first <= day <= last if first <= last else day >= first or day <= last


def _rank(entry: dict[str, Any]) -> int:
    return 3 if "on" in entry else 1 if "nth" in entry else 2


def _hits(entry: dict[str, Any], day: date) -> bool:
    if "on" in entry:
        return bool(entry["on"] == day)
    if not entry.get("from", day) <= day <= entry.get("to", day):
        return False
    week = -(-day.day // 7)  # the first seven days are the first Monday, Tuesday, …
    return "nth" not in entry or (day.weekday() == entry["weekday"] and week in entry["nth"])


OFFICES = st.one_of(st.tuples(layer("city")), st.tuples(layer("city"), layer("branch", extends="city"))).map(
    lambda layers: Office(list(layers))
)
NUMBERS = st.integers(-40, 40)
FEW = settings(deadline=None, max_examples=60)


@given(OFFICES)
@FEW
def test_a_table_is_open_on_the_days_that_the_files_say_one_by_one(office: Office) -> None:
    days = [date(2015, 12, 1) + timedelta(n) for n in range(800)]

    assert [day for day in days if office.table.is_open(day)] == [day for day in days if office.is_open(day)]
    assert all((office.table.why_closed(day) is None) == office.is_open(day) for day in days)


@given(OFFICES, DAYS, NUMBERS)
@FEW
def test_adding_working_days_equals_walking_from_open_day_to_open_day(office: Office, at: date, number: int) -> None:
    start = at if number > 0 or office.is_open(at) else office.walk(at, 1)

    assert office.table.add(at, number) == office.walk(start, number)


@given(OFFICES, DAYS, DAYS)
@FEW
def test_counting_working_days_equals_walking_over_them(office: Office, one: date, other: date) -> None:
    after, until = sorted((one, other))
    walked = sum(office.is_open(after + timedelta(n + 1)) for n in range((until - after).days))

    assert office.table.count(after, until) == walked
    assert office.table.count(until, after) == -walked


@given(OFFICES, DAYS)
@FEW
def test_the_nearest_open_days_equal_a_walk(office: Office, at: date) -> None:
    assert office.table.next_open(at) == (at if office.is_open(at) else office.walk(at, 1))
    assert office.table.previous_open(at) == (at if office.is_open(at) else office.walk(at, -1))


@given(OFFICES, OFFICES, DAYS)
@FEW
def test_offices_together_are_open_where_each_is(one: Office, other: Office, at: date) -> None:
    both = combined((one.table, other.table))

    assert both.is_open(at) == (one.is_open(at) and other.is_open(at))


@given(OFFICES, DAYS, DAYS, DAYS, NUMBERS, NUMBERS)
@FEW
def test_adding_and_counting_keep_their_laws(
    office: Office, one: date, other: date, third: date, a: int, b: int
) -> None:
    table = office.table
    first, second, last = sorted((one, other, third))
    open_day = table.next_open(one)

    assert table.count(one, table.add(one, abs(a) + 1)) == abs(a) + 1
    assert table.count(open_day, table.add(open_day, a)) == a
    assert table.add(table.add(open_day, a), b) == table.add(open_day, a + b)
    assert table.add(first, a) <= table.add(second, a)
    assert table.add(open_day, a) < table.add(open_day, a + 1)
    assert table.count(first, second) + table.count(second, last) == table.count(first, last)
    assert table.previous_open(one) <= one <= table.next_open(one)


def answer(ask: Callable[..., Any], *given: Any) -> Any:
    try:
        return ask(*given)
    except InputError as exc:
        return str(exc)


def added(table: Closures, at: date, number: int) -> date:
    near = table.until_ordinal if number > 0 else table.from_ordinal
    return date.fromordinal(table.ordinal(near(at.toordinal()) + number))


def counted(table: Closures, after: date, until: date) -> int:
    return table.until_ordinal(until.toordinal()) - table.until_ordinal(after.toordinal())


EDGES = {date(2016, 4, 28): "整理", date(2016, 5, 9): "整理"}
ALL = {date(2016, 4, 28) + timedelta(n): "休館" for n in range(12)}


# Closed at both ends, or nowhere open: there the table has days but no answer.
@pytest.mark.parametrize("closed", [EDGES, ALL])
def test_dates_are_answered_or_refused_as_their_ordinals_are(closed: dict[date, str]) -> None:
    table = Closures("small", "小さな表", date(2016, 4, 28), date(2016, 5, 9), closed)
    days = [date(2016, 4, 26) + timedelta(n) for n in range(16)]

    for at in days:
        assert answer(table.next_open, at) == answer(added, table, at, 0)
        for number in range(-9, 10):
            assert answer(table.add, at, number) == answer(added, table, at, number)
        for other in days:
            assert answer(table.count, at, other) == answer(counted, table, at, other)


def test_at_its_edges_a_table_says_what_it_does_not_know() -> None:
    table = Closures("small", "小さな表", date(2016, 4, 28), date(2016, 5, 9), EDGES)
    outside = " は休日表（小さな表、2016-04-28～2016-05-09）の外です。日付の年に誤りがないか確かめてください。"

    assert table.next_open(date(2016, 4, 28)) == date(2016, 4, 29)
    assert table.previous_open(date(2016, 5, 9)) == date(2016, 5, 6)
    assert table.why_closed(date(2016, 5, 9)) == "整理"
    for told, ask in [
        ("2016-04-28", lambda: table.previous_open(date(2016, 4, 28))),
        ("2016-05-09", lambda: table.next_open(date(2016, 5, 9))),
        ("2016-05-10", lambda: table.previous_open(date(2016, 5, 10))),
        ("2016-04-27", lambda: table.is_open(date(2016, 4, 27))),
        ("2016-05-10", lambda: table.why_closed(date(2016, 5, 10))),
        ("2016-05-10", lambda: table.add(date(2016, 5, 6), 1)),
        ("2016-04-27", lambda: table.add(date(2016, 4, 29), -1)),
        ("2016-05-10", lambda: table.count(date(2016, 5, 6), date(2016, 5, 10))),
    ]:
        assert answer(ask) == told + outside
