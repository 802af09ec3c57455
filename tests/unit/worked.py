"""Plans small enough to be worked by hand, on Ishinomaki's own calendar, rules and organisation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from kijitsu.domain.gates import Verdict, evaluate
from kijitsu.domain.history import Progress
from kijitsu.domain.periods import parse_length
from kijitsu.domain.plan import Dependency, DueRule, Kind, Lapse, LinkType, Milestone, Plan, Validity
from kijitsu.domain.schedule import Network, Slot
from kijitsu.domain.windows import parse_window
from kijitsu.plans import Library

LIBRARY = Library(Path(__file__).parents[2] / "calendar")
CALENDARS = LIBRARY.calendars(2016, 2017)
OFFICE = CALENDARS("municipality")
RULES, POLICIES, _ = LIBRARY.rules()
ISHINOMAKI = LIBRARY.organisation(LIBRARY.folder / "organisations" / "ishinomaki.yaml")

day = date.fromisoformat


def link(on: str, type: str = "FS", lag: str = "0", valid: bool = False, lapse: str | None = None) -> Dependency:
    return Dependency(on, LinkType(type), parse_length(lag), valid, Lapse(lapse) if lapse else None)


def milestone(id: str, *after: str | Dependency, **given: Any) -> Milestone:
    """A milestone from texts: when, duration, valid_for, done; due is a day, or (rule, "session.start", *suspended)."""
    due, valid_for = given.pop("due", None), given.pop("valid_for", None)
    if isinstance(due, tuple):
        rule, event, *suspended = due
        given["due"] = DueRule(RULES[rule], *event.split("."), suspended=tuple(suspended))
    elif due:
        given["due"] = day(due)
    if valid_for:
        given["validity"] = Validity(parse_length(valid_for), "規則第14条", Lapse(given.pop("fading", "block")))
    for key, name in (("when", "window"), ("done", "done")):
        if key in given:
            given[name] = parse_window(given.pop(key), 2016)
    return Milestone(
        id,
        title=given.pop("title", id),
        kind=Kind.MEETING,
        owner=given.pop("owner", "committee"),
        duration=parse_length(given.pop("duration", "1wd")),
        after=tuple(link(each) if isinstance(each, str) else each for each in after),
        **given,
    )


def plan(*milestones: Milestone, **given: Any) -> Plan:
    by_id = {each.id: each for each in milestones}
    usual = {"fiscal_year": 2016, "policies": POLICIES}
    return Plan("small", "小さな計画", ISHINOMAKI, by_id, **{**usual, **given})


def network(*milestones: Milestone, **given: Any) -> Network:
    return Network(plan(*milestones, **given), OFFICE, CALENDARS)


def scheduled(
    *milestones: Milestone, progress: Mapping[str, Progress] | None = None, as_of: str | None = None, **given: Any
) -> dict[str, Slot]:
    return network(*milestones, **given).schedule(progress, day(as_of) if as_of else None)


def judged(
    *milestones: Milestone, on: str, progress: Mapping[str, Progress] | None = None, **given: Any
) -> dict[str, Verdict]:
    net, today = network(*milestones, **given), day(on)
    return evaluate(net, net.schedule(progress, today), progress or {}, today)


def ends(slot: Slot) -> tuple[str, str]:
    """The earliest start and finish, as text."""
    return str(slot.earliest_start), str(slot.earliest_finish)


def latest(slot: Slot) -> tuple[str, str]:
    """The latest start and finish, as text."""
    return str(slot.latest_start), str(slot.latest_finish)


def started(on: str) -> Progress:
    return Progress(started_on=day(on))


def completed(on: str, **given: str) -> Progress:
    return Progress(completed_on=day(on), **{"valid_from": day(on), **{key: day(text) for key, text in given.items()}})


def waived(on: str) -> Progress:
    return Progress(waived_on=day(on))


def cancelled(on: str) -> Progress:
    return Progress(cancelled_on=day(on))
