"""Changes: the preview of a move in a city's plan and in one of 10,000, everything it shows included.

Beside it the same reckoned by a tool without incremental work: a deep copy of the plan, two complete schedules, every
verdict before and after; only what moves along is known to it already.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import Cascade
from kijitsu.domain.gates import Status, evaluate
from kijitsu.domain.schedule import Network
from kijitsu.editing import Text
from kijitsu.located import Document
from kijitsu.office import Office
from kijitsu.plans import Loaded
from kijitsu.services.reading import Standing
from kijitsu.services.reckoning import Change, move_request, reckon
from kijitsu.settings import Settings

from . import plans
from .measure import Row, beside, in_turn

OFFICE, TODAY = open_office(Settings()), date(2016, 6, 3)
ANEW = "a deep copy, both schedules and all verdicts"


def measure() -> list[Row]:
    """Measure both previews and return the rows."""
    rows = []
    for what, standing, id, to, most in (
        ("fy28", _standing(OFFICE.library.plan("fy28", [TODAY.year])), "pia", "平成28年8月", 0.05),
        ("10,000 milestones", _standing(_read(OFFICE, large())), "m5000", "2016-12-20", 1.0),
    ):
        change = _previewed(standing, id, to)
        _check(change)
        reached, along = len(change.effects.reached), len(change.effects.moved) - 1
        print(f"{what}: {len(standing.plan.milestones)} milestones, {reached} reached, {along} moved along")
        calls: dict[str, Callable[[], object]] = {
            "ours": partial(_all, standing, id, to),
            ANEW: partial(_anew, change),
            "its text read alone": partial(_read, OFFICE, change.document),
        }
        rows += beside(f"preview of a move, {what}", in_turn(7, calls), at_most=most)
    return rows


def large(count: int = 10_000, size: int = 60) -> Text:
    """Return the text of a plan of programmes of 60, each date resting on the two before it."""
    milestones: Text = {}
    for place in range(count):
        at = place % size
        first = plans.START + timedelta(at * 5)
        given: Text = {"title": f"項目{place}", "kind": "meeting", "owner": "committee", "duration": "2wd"}
        given["when"] = f"{first}～{first + timedelta(20)}"
        if at:
            given["after"] = [f"m{before}" for before in range(max(place - 2, place - at), place)]
        if at == size - 1:
            given["due"] = "2017-03-31"
        milestones[f"m{place}"] = given
    head = {"plan": "bench", "title": "大きな計画", "fiscal_year": "H28", "organisation": "ishinomaki"}
    return {**head, "milestones": milestones}


def _read(office: Office, text: Text) -> Loaded:
    return office.library.plan_from(Document("bench.yaml", text), [TODAY.year])


def _standing(loaded: Loaded) -> Standing:
    return Standing(loaded, loaded.network, {}, TODAY, 1)


def _previewed(standing: Standing, id: str, to: str) -> Change:
    # As an office holds it: nothing of the schedule is known yet.
    fresh = replace(standing, network=standing.loaded.network_of(standing.plan))
    return reckon(OFFICE, fresh, move_request(id, to, "延期", Cascade.PUSH))


def _all(standing: Standing, id: str, to: str) -> None:
    """Preview a move as the command shows it."""
    change = _previewed(standing, id, to)
    assert change.as_json()
    assert change.advice


def _anew(change: Change) -> Network:
    plan, calendar = change.effects.before.plan, change.effects.before.network.calendar
    copied = deepcopy(plan)
    windows = {each.id: each.new for each in change.effects.moved}
    moved = {id: replace(copied.milestones[id], window=window) for id, window in windows.items()}
    after = replace(copied, milestones={**copied.milestones, **moved})
    networks = [Network(each, calendar, change.loaded.calendars) for each in (plan, after)]
    for network in networks:
        slots = {**network.schedule({}, TODAY)}
        assert evaluate(network, slots, {}, TODAY)
    return networks[1]


def _check(change: Change) -> None:
    """Stop unless both come to the same."""
    network = _anew(change)
    schedule = network.schedule({}, TODAY)
    verdicts = evaluate(network, schedule, {}, TODAY)
    stopped = {id for id, verdict in verdicts.items() if verdict.status is Status.BLOCKED}
    if {**schedule} != {**change.effects.after.schedule} or not stopped.issuperset(change.effects.lapsing):
        raise SystemExit("the preview is not what a full recompute comes to")
