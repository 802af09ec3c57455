"""Random requests on random plans, reckoned against what is slow and obvious: everything anew, one step at a time."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings

from kijitsu.domain.changes import Cascade, Effects, Outlook, later
from kijitsu.domain.closures import Closures
from kijitsu.domain.errors import InputError
from kijitsu.domain.gates import Status, evaluate
from kijitsu.domain.history import NOTHING_YET
from kijitsu.domain.periods import Length
from kijitsu.domain.plan import Milestone, Plan
from kijitsu.domain.schedule import Network
from kijitsu.domain.windows import Precision, Window, reworded
from kijitsu.editing import Edit, EditKind
from kijitsu.services.reckoning import Change, Request, read_again, reckon
from tests.unit.requests import OFFICE, TODAY, Scene, loaded, scenes

# CHANGES=20000 tries more than the suite does.
EXAMPLES = int(os.environ.get("CHANGES", "40"))
many = settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))


def anew(plan: Plan, like: Outlook) -> Outlook:
    """The same plan with nothing reckoned yet."""
    network = like.network
    return Outlook(Network(plan, network.calendar, network.closures), like.progress, like.on)


def dates(outlook: Outlook) -> dict[str, tuple[object, ...]]:
    keys = ("earliest_start", "earliest_finish", "latest_finish", "slack", "due")
    return {id: tuple(getattr(slot, key) for key in keys) for id, slot in outlook.schedule.items()}


def stopped(outlook: Outlook) -> set[str]:
    """What is blocked, every verdict weighed."""
    verdicts = evaluate(outlook.network, outlook.schedule, outlook.progress, TODAY)
    return {id for id, verdict in verdicts.items() if verdict.status is Status.BLOCKED}


# --- everything reckoned anew ---


@given(scenes())
@many
def test_a_change_comes_to_what_its_text_says_read_and_reckoned_anew(scene: Scene) -> None:
    change = scene.change

    plan = read_again(OFFICE, change).plan

    after = anew(plan, change.effects.after)
    assert {**change.effects.after.schedule} == {**after.schedule}
    before = anew(change.standing.plan, change.effects.before)
    assert {**change.effects.before.schedule} == {**before.schedule}
    was, would_be = stopped(before), stopped(after)
    assert set(change.effects.lapsing) == would_be - was
    assert set(change.effects.freed) == (was - would_be) & plan.milestones.keys()
    old, new = dates(before), dates(after)
    assert set(change.effects.touched) == {id for id in plan.milestones if id in old and old[id] != new[id]}
    assert loaded(change.document).plan == plan


# --- what moves along ---


def may_move(id: str, outlook: Outlook, kept: set[str]) -> bool:
    milestone, done = outlook.plan.milestones[id], outlook.progress.get(id, NOTHING_YET)
    return not (id in kept or milestone.pinned or done.is_closed or not milestone.window or milestone.window.undecided)


def overshoot(outlook: Outlook, milestone: Milestone, counting: Closures | None = None) -> int:
    """By how many months or open days the target is missed, counted on one's fingers."""
    slot, window = outlook.schedule[milestone.id], milestone.window
    at = slot.earliest_finish
    if not window or not window.last or not at or at <= window.last:
        return 0
    if window.moves_by_months:
        return (at.year - window.last.year) * 12 + at.month - window.last.month
    calendar = counting or outlook.network.calendar
    while not calendar.is_open(at):
        at += timedelta(1)
    days = (window.last + timedelta(n + 1) for n in range((at - window.last).days))
    return sum(map(calendar.is_open, days))


def too_long(outlook: Outlook, id: str) -> int:
    """By how much a milestone overshoots its window when it begins with it and waits for nobody."""
    milestone = outlook.plan.milestones[id]
    if not milestone.window or not milestone.window.first:
        return 0
    alone = replace(milestone, after=(), due=None)
    plan = replace(outlook.plan, milestones={id: alone})
    return overshoot(replace(anew(plan, outlook), progress={}, on=None), alone)


def pushed_by_hand(before: Outlook, after: Outlook, kept: set[str]) -> dict[str, Window]:
    """Look for the first that is later than it was, move it, reckon everything anew, and look again.

    What takes longer than it did is not moved, but given more room.
    """
    plan, pushes, known = after.plan, Counter[str](), before.plan.milestones
    while True:
        now = anew(plan, after)
        calendar = now.network.calendar
        for id in now.network.order:
            window = plan.milestones[id].window
            if not window or not may_move(id, now, kept):
                continue
            least = too_long(before, id) if id in known else too_long(anew(after.plan, after), id)
            if id in known and (grown := too_long(now, id) - least) > 0:
                longer = replace(window, precision=Precision.RANGE)
                new = reworded(longer, window.first, later(calendar, window, grown).last)
            else:
                was = max(least, overshoot(before, known[id], calendar) if id in known else 0)
                missed = overshoot(now, plan.milestones[id])
                if missed <= was or pushes[id] == 10:
                    continue
                pushes[id] += 1
                new = later(calendar, window, missed - least)
            plan = replace(plan, milestones={**plan.milestones, id: replace(plan.milestones[id], window=new)})
            break
        else:
            return {id: window for id in plan.milestones if (window := new_window(after.plan, plan, id))}


def new_window(before: Plan, after: Plan, id: str) -> Window | None:
    """A milestone's window where it is another, or said otherwise."""
    old, new = before.milestones[id].window, after.milestones[id].window
    return new if new and (old, old and old.wording) != (new, new.wording) else None


def along(change: Change) -> dict[str, Window]:
    """What moved with the change."""
    edited, after = change.edited.plan, change.effects.plan
    return {id: window for id in after.milestones if (window := new_window(edited, after, id))}


@given(scenes([Cascade.PUSH]))
@many
def test_a_push_is_what_looking_again_and_again_comes_to(scene: Scene) -> None:
    change = scene.change

    assert along(change) == pushed_by_hand(change.effects.before, change.edited, set(change.moves))


@given(scenes([Cascade.PUSH], is_simple=True))
@many
def test_a_push_moves_nothing_back_nothing_that_could_stay_and_leaves_nothing_worse(scene: Scene) -> None:
    change = scene.change
    before, edited, after, moved = change.effects.before, change.edited, change.effects.after, along(change)

    for id, milestone in after.plan.milestones.items():
        known = id in before.plan.milestones
        was = (
            max(overshoot(before, before.plan.milestones[id], after.network.calendar), too_long(before, id))
            if known
            else too_long(edited, id)
        )
        if may_move(id, edited, set(change.moves)):
            assert overshoot(after, milestone) <= was
        else:
            assert id not in moved
        old, new = edited.plan.milestones[id].window, moved.get(id)
        if not new:
            continue
        assert old
        assert old.first
        assert old.last
        assert new.first
        assert new.last
        assert old.first <= new.first
        assert old.last < new.last
        milestones = {**after.plan.milestones, id: edited.plan.milestones[id]}
        tried = anew(replace(after.plan, milestones=milestones), after)
        assert overshoot(tried, milestones[id]) > was or too_long(tried, id) > too_long(after, id)


@given(scenes([Cascade.SHIFT], has_one_move=True))
@many
def test_a_shift_moves_all_that_follows_as_far_and_nothing_else(scene: Scene) -> None:
    standing, change = scene.standing, scene.change
    (id,) = change.moves
    effects, moved = change.effects, along(change)
    old, new = effects.before.plan.milestones[id].window, effects.plan.milestones[id].window
    assert old
    assert new
    one, other = old.first or old.last, new.first or new.last
    assert one
    assert other
    months = (other.year - one.year) * 12 + other.month - one.month

    following = {each for each in standing.network.downstream(id) if may_move(each, effects.after, {id})}
    assert moved.keys() <= following
    for each in following:
        window = standing.plan.milestones[each].window
        assert window
        shifted = moved.get(each, window)
        for was, now in ((window.first, shifted.first), (window.last, shifted.last)):
            assert (was is None) == (now is None)
            if was and now and window.moves_by_months:
                assert (now.year - was.year) * 12 + now.month - was.month == months
            elif was and now:
                step = now - was - (other - one)
                # A single open day goes on to the next open one.
                is_one_day = window.first == window.last and effects.after.network.calendar.is_open(was)
                gone_on = (was + (other - one) + timedelta(n) for n in range(step.days))
                assert step == timedelta(0) or is_one_day
                assert not any(map(effects.after.network.calendar.is_open, gone_on))


@given(scenes([Cascade.NONE]))
@many
def test_without_a_cascade_only_what_is_asked_for_is_otherwise(scene: Scene) -> None:
    change = scene.change

    assert along(change) == {}
    assert change.effects.plan == change.edited.plan
    kinds = {edit.kind for edit in change.request.edits}
    if not kinds & {EditKind.FILE}:
        asked = {edit.subject for edit in change.request.edits}
        old, new = change.standing.plan.milestones, change.effects.plan.milestones
        duties = {new[id].occurrence_of or id for id in asked if id in new}
        rest = [id for id in new if (new[id].occurrence_of or id) not in duties]
        assert all(new[id] == old[id] for id in rest)


# --- advice ---


def tried(change: Change, edits: Mapping[str, str], cascade: Cascade | None = None, kind: str = "move") -> Effects:
    """The change with some of its moves replaced, and others added."""
    own = tuple(edit for edit in change.request.edits if edit.subject not in edits)
    added = tuple(Edit(EditKind(kind), id, to) for id, to in edits.items())
    request = Request((*own, *added), "試し", cascade or change.request.cascade)
    return reckon(OFFICE, change.standing, request).effects


def breaks(effects: Effects) -> bool:
    return bool(effects.breaches or effects.lapsing)


MOVES = scenes([Cascade.PUSH, Cascade.PUSH, Cascade.NONE], is_simple=True, has_one_move=True)
"""A move in a plan of working days, whose dates only ever go the way that is asked for."""


@given(MOVES)
@many
def test_the_latest_place_breaks_nothing_and_the_next_one_does(scene: Scene) -> None:
    change = scene.change
    (id,) = change.moves
    for reach in change.advice.reaches:
        calendar = change.edited.network.calendar
        if reach.latest is None:
            continue
        old = change.standing.plan.milestones[id].window
        assert old
        if reach.latest != old:
            assert not breaks(tried(change, {id: reach.latest.wording}))
        if not reach.is_free:
            assert breaks(tried(change, {id: later(calendar, reach.latest, 1).wording}))


@given(MOVES)
@many
def test_every_remedy_mends_all_that_is_broken(scene: Scene) -> None:
    change = scene.change
    for remedy in change.advice.remedies:
        assert breaks(change.effects)
        windows = {id: window.wording for id, window in remedy.windows.items()}
        lengths = {id: str(length) for id, length in remedy.durations.items()}

        mended = tried(change, windows) if windows else tried(change, lengths, kind="duration")

        assert not breaks(mended)
        assert remedy.days > 0


@given(MOVES)
@many
def test_up_to_the_undisturbed_day_nothing_else_moves_and_on_the_next_something_does(scene: Scene) -> None:
    change = scene.change
    (id,) = change.moves
    calendar = change.standing.network.calendar

    def disturbed(on: date) -> bool:
        moved = Request((Edit(EditKind.MOVE, id, f"{on}～"),), "試し")
        try:
            effects = scene.trying(moved).effects
        except InputError as exc:
            assert "変わるところがありません" in str(exc)
            return False
        return bool([each for each in effects.moved if each.id != id] or effects.breaches)

    for reach in change.advice.reaches:
        if reach.undisturbed and change.standing.plan.milestones[id].duration == Length(1, "wd"):
            assert not disturbed(reach.undisturbed)
            assert disturbed(calendar.add(reach.undisturbed, 1))
        elif reach.undisturbed is None:
            assert not disturbed(calendar.add(TODAY, 200))
