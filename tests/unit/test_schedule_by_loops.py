"""The schedule against a second one that walks day by day and knows no tables, positions or inverses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from kijitsu.domain.history import Progress
from kijitsu.domain.periods import Direction, Length, count_period
from kijitsu.domain.plan import Dependency, DueRule, LinkType, Milestone
from kijitsu.domain.windows import Precision, Window, add_months
from tests.unit.worked import OFFICE, milestone, network

Span = tuple[date, date]
Hold = tuple[Dependency, date, date]
ONE = timedelta(1)
FAR_BACK, FAR_AHEAD = date(2015, 7, 1), date(2017, 6, 30)


@cache
def is_open(at: date) -> bool:
    return OFFICE.is_open(at)


@cache
def on_or_after(at: date) -> date:
    while not is_open(at):
        at += ONE
    return at


@cache
def on_or_before(at: date) -> date:
    while not is_open(at):
        at -= ONE
    return at


@cache
def walked(at: date, number: int) -> date:
    """From one open day to the open day so many after it, or before."""
    while number:
        step = ONE if number > 0 else -ONE
        at += step
        if is_open(at):
            number -= 1 if number > 0 else -1
    return at


def later(at: date, lag: Length) -> date:
    """First open day at or after a day and a lag."""
    if lag.unit == "wd" or not lag.number:
        return walked(on_or_after(at), lag.number)
    if lag.unit == "m":
        return on_or_after(add_months(at, lag.number))
    return on_or_after(at + timedelta(lag.number * (7 if lag.unit == "w" else 1)))


@cache
def end_of(start: date, duration: Length) -> date:
    if duration.unit == "wd":
        return walked(on_or_after(start), duration.number - 1)
    if duration.unit == "m":
        same = add_months(start, duration.number)
        return same - ONE if same.day == start.day else same
    return start + timedelta(duration.number - 1)


@cache
def is_kept(link: Dependency, before: tuple[date, date], start: date | None, finish: date) -> bool:
    """Design 7, read aloud. A start of None is one that was made, and holds nobody any more."""
    match link.type:
        case LinkType.FINISH_TO_START:
            return start is None or start >= later(before[1] + ONE, link.lag)
        case LinkType.START_TO_START:
            return start is None or start >= later(before[0], link.lag)
        case LinkType.FINISH_TO_FINISH:
            return finish >= later(before[1], link.lag)
        case LinkType.START_TO_FINISH:
            if link.lag.unit == "wd" or not link.lag.number:
                return finish >= walked(on_or_before(before[0] - ONE), link.lag.number)
            return finish >= later(before[0] - ONE, link.lag)


def first_day(is_good: Callable[[date], bool], only_open: bool = True) -> date:
    at = FAR_BACK
    while not (is_good(at) and (is_open(at) or not only_open)):
        at += ONE
    return at


def last_day(is_good: Callable[[date], bool], only_open: bool = True) -> date:
    at = FAR_AHEAD
    while not (is_good(at) and (is_open(at) or not only_open)):
        at -= ONE
    return at


def earliest_of(
    each: Milestone, done: Progress, placed: dict[str, Span], as_of: date | None
) -> tuple[date, date] | None:
    links = [link for link in each.after if link.on in placed]
    first = each.window.first if each.window else None
    if done.cancelled_on:
        return None
    if done.finished_on:
        return done.started_on or done.finished_on, done.finished_on
    if done.started_on:
        least = end_of(done.started_on, each.duration)
        today = on_or_after(as_of) if as_of else least
        opens = on_or_after(first) if first else least
        return done.started_on, first_day(
            lambda at: (
                at >= max(least, today, opens) and all(is_kept(link, placed[link.on], None, at) for link in links)
            ),
            only_open=False,
        )
    if first is None and not links:
        if each.window is None:
            return None
        first = date(2016, 4, 1)
    start = first_day(
        lambda at: (
            at >= (first or at)
            and at >= (as_of or at)
            and all(is_kept(link, placed[link.on], at, end_of(at, each.duration)) for link in links)
        )
    )
    return start, end_of(start, each.duration)


def safest_of(each: Milestone, done: Progress, due: date | None, holds: list[Hold]) -> tuple[date, date] | None:
    # The start of this one is a fact once it was made; only what its finish holds still counts.
    starts = [hold for hold in holds if hold[0].type.value[0] == "S" and not done.started_on]
    finishes = [hold for hold in holds if hold[0].type.value[0] == "F"]
    if not (due or starts or finishes):
        return None
    last_start = last_day(lambda at: all(is_kept(link, (at, at), *held) for link, *held in starts))
    last_end = end_of(last_start, each.duration) if starts else FAR_AHEAD
    finish = last_day(
        lambda at: at <= min(due or at, last_end) and all(is_kept(link, (at, at), *held) for link, *held in finishes),
        only_open=False,
    )
    return last_day(lambda at: at <= last_start and end_of(at, each.duration) <= finish), finish


def earliest(milestones: list[Milestone], progress: dict[str, Progress], as_of: date | None) -> dict[str, Span]:
    placed: dict[str, Span] = {}
    for each in milestones:
        found = earliest_of(each, progress.get(each.id, Progress()), placed, as_of)
        if found:
            placed[each.id] = found
    return placed


# A day, the event it moves with where it does, and whether that makes it provisional.
Due = tuple[date, str | None, bool]


def before(milestones: list[Milestone], id: str) -> set[str]:
    """A milestone and all that it rests on."""
    found = {id}
    for each in reversed(milestones):
        if each.id in found:
            found |= {link.on for link in each.after}
    return found


def due_days(
    milestones: list[Milestone], progress: dict[str, Progress], planned: dict[str, Span], now: dict[str, Span]
) -> dict[str, Due]:
    """Each due day. It moves with an event that is to come, that only others place, or that it rests on."""
    found: dict[str, Due] = {}
    by_id = {each.id: each for each in milestones}
    for each in milestones:
        due = each.due
        if isinstance(due, DueRule) and due.milestone in planned:
            done = progress.get(due.milestone, Progress())
            has_happened = done.finished_on or (due.end == "start" and done.started_on)
            waits = due.rule.direction is Direction.FORWARD and not has_happened
            event = (now if waits else planned)[due.milestone][0 if due.end == "start" else 1]
            window = by_id[due.milestone].window
            # Without a window or a prerequisite, the year's first day places it.
            is_placed = (window and (window.first or not by_id[due.milestone].after)) or done.started_on
            derived = not (is_placed or done.is_closed)
            rests_on_it = due.milestone in before(milestones, each.id)
            moves_with = due.milestone if waits or derived or rests_on_it else None
            found[each.id] = count_period(due.rule, event, OFFICE).due, moves_with, bool(waits)
        elif isinstance(due, date):
            found[each.id] = due, None, False
        elif each.window and each.window.last:
            found[each.id] = each.window.last, None, False
    return found


def safest_with_all(
    milestones: list[Milestone], progress: dict[str, Progress], dues: dict[str, Due]
) -> tuple[dict[str, Span], dict[str, Span]]:
    """What is firm asks for, and what that and each event to come ask for; an event never hurries itself."""
    firm = safest(milestones, progress, {id: day for id, (day, event, _) in dues.items() if event is None}, set())
    safe = dict(firm)
    for event, waits in {(event, waits) for _, event, waits in dues.values() if event}:
        own = {id: day for id, (day, each, also) in dues.items() if (each, also) == (event, waits)}
        for id, span in safest(milestones, progress, own, before(milestones, event)).items():
            for known in (safe,) if waits else (safe, firm):
                former = known.get(id, span)
                known[id] = min(former[0], span[0]), min(former[1], span[1])
    return firm, safe


def safest(
    milestones: list[Milestone], progress: dict[str, Progress], dues: dict[str, date], spared: set[str]
) -> dict[str, Span]:
    """The latest start and finish that keep every due day ahead, dependents first."""
    safe: dict[str, Span] = {}
    for each in reversed(milestones):
        done = progress.get(each.id, Progress())
        if done.is_closed or each.id in spared:
            continue
        holds: list[Hold] = []
        for other in milestones:
            if other.id in safe:
                start, finish = safe[other.id]
                was_made = progress.get(other.id, Progress()).started_on is not None
                end = finish if was_made else end_of(start, other.duration)
                held = [link for link in other.after if link.on == each.id]
                holds += [(link, start, end) for link in held if link.type.value[1] == "F" or not was_made]
        found = safest_of(each, done, dues.get(each.id), holds)
        if found:
            safe[each.id] = found
    return safe


def slack(finish: date, limit: date) -> int:
    """Working days by which the finish can move, negative where it is too late already."""
    if finish <= limit:
        return sum(is_open(finish + timedelta(n + 1)) for n in range((limit - finish).days))
    finish = on_or_after(finish)
    return -sum(is_open(limit + timedelta(n + 1)) for n in range((finish - limit).days))


# --- random plans ---

DAYS = st.dates(date(2016, 4, 1), date(2016, 8, 31))
RULED, ENDS = ["promulgation", "sending_to_mayor", "notice_of_session"], ["start", "finish"]
LAGS = st.one_of(
    st.just(Length(0, "wd")),
    st.builds(Length, st.integers(-8, 8), st.sampled_from(["wd", "d"])),
    st.builds(Length, st.integers(-2, 2), st.sampled_from(["w", "m"])),
)
DURATIONS = st.one_of(
    st.builds(Length, st.integers(1, 8), st.just("wd")),
    st.builds(Length, st.integers(1, 40), st.just("d")),
    st.builds(Length, st.integers(1, 2), st.just("m")),
)


@st.composite
def plans(draw: st.DrawFn) -> list[Milestone]:
    milestones: list[Milestone] = []
    for number in range(draw(st.integers(1, 8))):
        before = [each.id for each in milestones]
        on = draw(st.lists(st.sampled_from(before), max_size=3)) if before else []
        first, last = draw(st.one_of(st.none(), DAYS)), draw(st.one_of(st.none(), DAYS))
        if first and last and last < first:
            first, last = last, first
        window = Window(first, last, Precision.RANGE) if first or last else None
        due: str | tuple[str, str] | None = None
        match draw(st.integers(0, 3)):
            case 0:
                due = str(draw(DAYS))
            case 1 if before:
                due = draw(st.sampled_from(RULED)), f"{draw(st.sampled_from(before))}.{draw(st.sampled_from(ENDS))}"
        milestones.append(
            milestone(
                f"m{number}",
                *(Dependency(each, draw(st.sampled_from(LinkType)), draw(LAGS)) for each in on),
                window=window,
                due=due,
                duration=str(draw(DURATIONS)),
            )
        )
    return milestones


@st.composite
def what_happened(draw: st.DrawFn, milestones: list[Milestone]) -> dict[str, Progress]:
    happened = {}
    for each in milestones:
        at = draw(DAYS)
        kind = draw(st.sampled_from(["nothing", "nothing", "nothing", "started", "completed", "both", "cancelled"]))
        if kind == "started":
            happened[each.id] = Progress(started_on=at)
        elif kind == "completed":
            happened[each.id] = Progress(completed_on=at)
        elif kind == "both":
            happened[each.id] = Progress(started_on=at, completed_on=at + timedelta(draw(st.integers(0, 30))))
        elif kind == "cancelled":
            happened[each.id] = Progress(cancelled_on=at)
    return happened


@given(plans(), st.data())
@settings(deadline=None, max_examples=500)
def test_the_schedule_equals_one_that_walks_from_day_to_day(milestones: list[Milestone], data: st.DataObject) -> None:
    progress = data.draw(what_happened(milestones)) if data.draw(st.booleans()) else {}
    as_of = data.draw(st.one_of(st.none(), DAYS))

    net = network(*milestones)
    net.schedule({}, date(2016, 5, 2))  # one network is asked many times
    slots = net.schedule(progress, as_of)

    planned, early = earliest(milestones, progress, None), earliest(milestones, progress, as_of)
    dues = due_days(milestones, progress, planned, early)
    firm, safe = safest_with_all(milestones, progress, dues)
    for each in milestones:
        slot = slots[each.id]
        assert (slot.due, slot.is_provisional) == (
            dues[each.id][0] if each.id in dues else None,
            each.id in dues and dues[each.id][2],
        ), each.id
        assert slot.firm_finish == (on_or_before(firm[each.id][1]) if each.id in firm else None), each.id
        assert (slot.earliest_start, slot.earliest_finish) == early.get(each.id, (None, None)), each.id
        late_start, late_finish = safe.get(each.id, (None, None))
        assert (slot.latest_start, slot.latest_finish) == (late_start, late_finish and on_or_before(late_finish)), (
            each.id
        )
        both = each.id in early and each.id in safe
        assert slot.slack == (slack(early[each.id][1], safe[each.id][1]) if both else None), each.id
    known = [slot.slack for slot in slots.values() if slot.slack is not None]
    assert [slot.critical for slot in slots.values()] == [
        bool(known) and slot.slack == min(known) for slot in slots.values()
    ]
