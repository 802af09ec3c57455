"""Schedules: one plan of 60, all cities' plans, 100,000 milestones, one moved date, a chain; beside peers.

A peer is timed only after its dates were found to be ours, milestone by milestone. "Recomputed" keeps what a plan is
compiled to (ours), the graph and its order (networkx), the project's objects (MPXJ), and nothing of the dates.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from random import Random
from statistics import median, quantiles

from kijitsu.domain.closures import Closures
from kijitsu.domain.history import progress_of
from kijitsu.domain.plan import Plan
from kijitsu.domain.schedule import Network, Schedule
from kijitsu.domain.windows import Precision, Window

from . import plans
from .by_mpxj import Projects, Refused, why_left_out
from .by_networkx import Graph, business_days, due_of
from .measure import Row, beside, in_turn

CALENDARS = plans.LIBRARY.calendars(2016, 2020)
OFFICE = CALENDARS("municipality")
BY_DAYS, BY_POSITIONS, MPXJ = "networkx, numpy a day at a time", "networkx, numpy in bulk", "MPXJ"
SAMPLE = date(2016, 7, 13)
MOVES = 400


def measure() -> list[Row]:
    """Measure everything and return the rows."""
    why = why_left_out()
    if why:
        print(why)
    has_mpxj = why is None
    country, tangle = plans.country(), plans.tangle()
    return [
        *one_plan(has_mpxj),
        *all_cities(has_mpxj),
        *large("of the country", country, has_mpxj, has_all=True, at_most=0.5),
        *large("the same, the file in no order", plans.shuffled(country), has_mpxj=False),
        *large("a random graph", tangle, has_mpxj),
        *moves("of the country", country, at_most=5e-3),
        *moves("in the random graph", tangle),
        *chains(has_mpxj),
    ]


# --- ours ---


def compiled(plan: Plan, calendar: Closures = OFFICE) -> Network:
    """Return a plan made ready to be scheduled."""
    return Network(plan, calendar, CALENDARS)


def recomputed(network: Network) -> Schedule:
    """Do both passes and count the slacks anew; a network of the same structure knows nothing of former passes."""
    schedule = Network._of(network.structure, network.closures).schedule()
    assert schedule.slacks
    return schedule


def from_objects(plan: Plan, calendar: Closures = OFFICE) -> Schedule:
    """Compile a plan, do both passes, count the slacks."""
    schedule = compiled(plan, calendar).schedule()
    assert schedule.slacks
    return schedule


# --- the same dates ---


def check_graph(name: str, schedule: Schedule, graph: Graph) -> None:
    """Stop unless networkx and numpy come to our dates and slacks, both ways."""
    early = {id: slot.earliest_start for id, slot in schedule.items()}
    late = {id: slot.latest_start for id, slot in schedule.items() if slot.latest_start}
    for passes in (graph.days, graph.positions):
        slacks = passes()
        theirs = [{id: day.item() for id, day in days.items()} for days in (graph.early, graph.late)]
        if theirs != [early, late] or slacks != schedule.slacks:
            raise SystemExit(f"{name}: networkx and numpy ({passes.__name__}) come to other dates")


def check_project(name: str, schedule: Schedule, theirs: dict[str, tuple[int, int, int, int]]) -> None:
    """Stop unless MPXJ comes to our dates: early as they are, late with nothing later than the end of the project.

    MPXJ lets nothing end after the last early finish. We say the same by giving every milestone that day as its due.
    """
    plan = schedule.network.plan
    end = max(slot.earliest_finish for slot in schedule.values() if slot.earliest_finish)
    bounded = plans.plan_of(replace(each, due=min(due_of(each) or end, end)) for each in plan.milestones.values())
    differ = []
    for id, slot in compiled(bounded).schedule().items():
        days = (slot.earliest_start, slot.earliest_finish, slot.latest_start, slot.latest_finish)
        if theirs[id] != tuple(day and day.toordinal() for day in days):
            differ.append(id)
    if differ:
        raise SystemExit(f"{name}: MPXJ comes to other dates in {len(differ)} milestones, such as {differ[0]}")


def agree(name: str, some: list[Plan], has_mpxj: bool) -> tuple[list[Graph], Projects | None]:
    """Build the peers' plans, check that all come to the same dates, return them."""
    days = business_days(OFFICE)
    schedules, graphs = [from_objects(plan) for plan in some], [Graph(plan, days) for plan in some]
    for schedule, graph in zip(schedules, graphs, strict=True):
        check_graph(name, schedule, graph)
    projects = None
    if has_mpxj:
        projects = Projects(some, OFFICE)
        projects.schedule()
        for schedule, theirs in zip(schedules, projects.dates(), strict=True):
            check_project(name, schedule, theirs)
    peers = "networkx with numpy, twice" + (", and MPXJ" if has_mpxj else "")
    count = sum(len(plan.milestones) for plan in some)
    print(f"{name}: early and late dates of {count} milestones are the same by {peers}", flush=True)
    return graphs, projects


def each_of(call: Callable[[object], object], things: list[object]) -> None:
    """Call with each in turn."""
    for thing in things:
        call(thing)


# --- one plan, and all cities' ---


def one_plan(has_mpxj: bool) -> list[Row]:
    """Recompute one plan of 60 milestones."""
    plan = plans.city(1, has_elapsed=False)
    (graph,), projects = agree("one plan of 60", [plan], has_mpxj)
    times = 100
    calls: dict[str, Callable[[], object]] = {
        "Kijitsu": partial(each_of, recomputed, [compiled(plan)] * times),
        BY_DAYS: partial(each_of, Graph.days, [graph] * times),
        BY_POSITIONS: partial(each_of, Graph.positions, [graph] * times),
    }
    if projects:
        calls[MPXJ] = partial(projects.schedule, times)
        projects.schedule(3 * times)  # until Java has compiled itself
    taken = {name: seconds / times for name, seconds in in_turn(7, calls).items()}
    rows = beside(f"60 milestones, {plans.links_of(plan)} links, recomputed", taken, 0.2e-3)
    if projects:
        projects.close()

    mixed = compiled(plans.city(1))
    by_days = sum(gap is None for gap in mixed.structure.gaps)
    elapsed = f"the same, {len(mixed.structure.elapsed)} of them and so {by_days} links by elapsed time"
    loaded = plans.LIBRARY.plan("fy28")
    real = loaded.network
    progress = progress_of(loaded.plan, plans.LIBRARY.history("fy28-late-pia", loaded.plan).events, SAMPLE)

    def real_recomputed() -> None:
        schedule = Network._of(real.structure, real.closures).schedule(progress, SAMPLE)
        assert schedule.slacks

    alone = {
        elapsed: partial(recomputed, mixed),
        f"fy28 ({len(loaded.plan.milestones)} milestones) as of {SAMPLE}": real_recomputed,
    }
    for what, call in alone.items():
        rows += beside(what, in_turn(7, {"Kijitsu": call}, 200), 0.2e-3)
    slots = in_turn(7, {"Kijitsu": lambda: list(recomputed(mixed).values())}, 100)
    return rows + beside("60 milestones recomputed and every slot made", slots)


def all_cities(has_mpxj: bool) -> list[Row]:
    """Recompute one plan for each municipality of Japan."""
    counted = plans.cities(has_elapsed=False)
    graphs, projects = agree(f"{plans.CITIES} plans of 60", counted, has_mpxj)
    calls: dict[str, Callable[[], object]] = {
        "Kijitsu": partial(each_of, recomputed, [compiled(plan) for plan in counted]),
        BY_DAYS: partial(each_of, Graph.days, graphs),
        BY_POSITIONS: partial(each_of, Graph.positions, graphs),
    }
    if projects:
        calls[MPXJ] = projects.schedule
    rows = beside(f"{plans.CITIES} such plans recomputed", in_turn(3, calls), 0.3)
    if projects:
        projects.close()
    mixed = plans.cities()
    networks = [compiled(plan) for plan in mixed]
    taken = in_turn(5, {"Kijitsu": partial(each_of, recomputed, networks)})
    rows += beside("the same, some by elapsed time", taken, 0.3)
    taken = in_turn(5, {"Kijitsu": partial(each_of, from_objects, mixed)})
    return rows + beside("the same from parsed objects", taken)


# --- 100,000 milestones ---


def large(name: str, plan: Plan, has_mpxj: bool, has_all: bool = False, at_most: float | None = None) -> list[Row]:
    """Schedule 100,000 milestones from parsed objects; MPXJ keeps its objects and is warm."""
    _, projects = agree(name, [plan], has_mpxj)
    days = business_days(OFFICE)
    what = f"{len(plan.milestones)} milestones, {plans.links_of(plan)} links, {name}"
    ours: dict[str, Callable[[], object]] = {"Kijitsu": partial(from_objects, plan)}
    rows: list[Row] = []
    if projects:
        taken = in_turn(7, ours | {MPXJ: projects.schedule})
        rows += beside(what, taken, at_most, {} if at_most is None else {MPXJ: 3})
        projects.close()
    # Apart, for these are slow: in as many rounds they would take minutes.
    graphs: dict[str, Callable[[], object]] = {BY_POSITIONS: lambda: Graph(plan, days).positions()}
    if has_all:
        graphs[BY_DAYS] = lambda: Graph(plan, days).days()
    rows += beside(what, in_turn(3, ours | graphs), None if rows else at_most)
    return rows + beside("the same recomputed", in_turn(5, {"Kijitsu": partial(recomputed, compiled(plan))}))


def moves(name: str, plan: Plan, at_most: float | None = None) -> list[Row]:
    """Move one dated milestone at a time and read where it lies."""
    random, schedule = Random(5), from_objects(plan)
    dated = [each for each in plan.milestones.values() if each.window and each.window.first and each.window.last]
    taken, walked = [], []
    for number in range(MOVES + 1):
        milestone = random.choice(dated)
        distance = timedelta(random.choice([-10, 7, 14, 20]))
        first, last = milestone.window.first + distance, milestone.window.last + distance
        window = Window(first, last, Precision.RANGE)
        begin = time.perf_counter()
        revised = schedule.revised({milestone.id: replace(milestone, window=window)})
        assert revised[milestone.id].earliest_start
        seconds = time.perf_counter() - begin
        if number:
            taken.append(seconds)
            walked.append(_walked(revised))
        else:
            first_move = seconds
    cuts, reached = quantiles(taken, n=20), quantiles(walked, n=20)
    print(
        f"one moved date {name}, {MOVES} of them: milestones walked over, median {median(walked):.0f}, "
        f"95th percentile {reached[-1]:.0f}, most {max(walked)}",
        flush=True,
    )
    what = f"one moved date at 100,000 {name}"
    return [
        Row(f"{what}, median", median(taken)),
        Row(f"{what}, 95th percentile", cuts[-1], at_most=at_most),
        Row(f"{what}, longest", max(taken)),
        Row(f"{what}, the very first", first_move),
    ]


def _walked(schedule: Schedule) -> int:
    """Return how many milestones a revised schedule placed or limited anew."""
    passes = (schedule._now.positions, schedule._firm.positions)
    return len(set().union(*(positions._changes for positions in passes)))


# --- in a row ---


def chains(has_mpxj: bool) -> list[Row]:
    """Schedule 100,000 in a row, in the file's order and against it, beside a hundred rows of 1,000."""
    short, long = 1000, plans.MILESTONES
    calendar, rows = plans.centuries(long), []
    for order, is_reversed in (("in order", False), ("reversed", True)):
        few = [plans.chain(short, is_reversed) for _ in range(long // short)]
        many = plans.chain(long, is_reversed)
        check_chain(from_objects(many, calendar))
        ways: dict[str, tuple[Callable[[object], object], list[object], object]] = {
            "from parsed objects": (partial(from_objects, calendar=calendar), few, many),
            "recomputed": (recomputed, [compiled(plan, calendar) for plan in few], compiled(many, calendar)),
        }
        for way, (call, several, one) in ways.items():
            calls = {"one row": partial(call, one), f"{short} in a row": partial(each_of, call, several)}
            taken = {name: seconds / long for name, seconds in in_turn(5, calls).items()}
            # As fast as in short rows, give or take what the processor's caches do to anything that large.
            rows += beside(f"{long} in a row, {order}, {way}, a milestone", taken, at_least={f"{short} in a row": 0.5})
    if has_mpxj:
        rows += chain_by_mpxj(plans.chain(long), calendar)
    return rows


def check_chain(schedule: Schedule) -> None:
    """Stop unless each of a row lies on the working day after the one before."""
    calendar = schedule.network.calendar
    first = calendar.from_ordinal(plans.START.toordinal())
    for place in range(0, len(schedule), 997):
        start = schedule[f"m{place}"].earliest_start
        if start is None or start.toordinal() != calendar.ordinal(first + place):
            raise SystemExit(f"the row is torn at {place}")


def chain_by_mpxj(plan: Plan, calendar: Closures) -> list[Row]:
    """Let MPXJ schedule the row, first on the stack that there is, then on one of 1 GiB."""
    projects = Projects([plan], calendar)
    try:
        projects.schedule()
        print("MPXJ schedules the row on the stack that there is")
    except Refused as exc:
        print(f"MPXJ on the row, on the stack that there is: {exc}")
    calls = {
        "Kijitsu": partial(recomputed, compiled(plan, calendar)),
        "MPXJ on a stack of 1 GiB": partial(projects.schedule, 1, True),
    }
    taken = in_turn(3, calls)
    projects.close()
    return beside(f"{len(plan.milestones)} in a row, recomputed", taken)
