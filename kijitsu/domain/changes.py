"""Changes: moving a date, and everything the move does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from kijitsu.domain.closures import Closures
from kijitsu.domain.errors import InputError, did_you_mean
from kijitsu.domain.gates import Status, Verdict, evaluate
from kijitsu.domain.history import NOTHING_YET, Deed, Event, Progress, progress_of
from kijitsu.domain.plan import Milestone, Plan
from kijitsu.domain.schedule import Network, Schedule, Slot
from kijitsu.domain.windows import Precision, Window, parse_window, reworded, shifted_days, shifted_months

# An elapsed duration (30d, 1m) may catch a weekend at the new place and have to be pushed once more.
_ATTEMPTS = 10


class Cascade(StrEnum):
    """What a move does to what comes after: push what cannot stay, shift everything as far, or none."""

    PUSH = "push"
    SHIFT = "shift"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Moved:
    """One milestone's old and new window."""

    id: str
    old: Window | None
    new: Window


@dataclass(frozen=True, slots=True)
class Preview:
    """All that a move would do, milestone by milestone; `plan` is the plan as it would be.

    `redated` are the due days of what does not move itself but whose deadline goes with what does, before and after.
    `breached` are deadlines and pinned dates that the new schedule cannot meet and the old one could; `lapsing` are
    milestones that would newly be blocked on the day of the preview, `freed` those that no longer would.
    """

    plan: Plan
    moved: tuple[Moved, ...]
    redated: Mapping[str, tuple[date | None, date | None]]
    before: Mapping[str, Slot]
    after: Mapping[str, Slot]
    breached: tuple[str, ...]
    lapsing: tuple[str, ...]
    freed: tuple[str, ...]


def apply_move(
    network: Network, id: str, to: Window, cascade: Cascade, progress: Mapping[str, Progress], on: date | None = None
) -> Network:
    """Return the network with one milestone's window moved on a day, and what follows moved as the cascade says.

    Raises InputError for a milestone that is not there, is finished, or has no window to shift from.
    """
    return network.revised(_replaced(network, id, to, cascade, progress, on))


def _replaced(
    network: Network, id: str, to: Window, cascade: Cascade, progress: Mapping[str, Progress], on: date | None
) -> dict[str, Milestone]:
    plan = network.plan
    if id not in plan.milestones:
        raise InputError(f"「{id}」という項目は計画 {plan.id} にありません。{did_you_mean(id, plan.milestones)}")
    if progress.get(id, NOTHING_YET).is_closed:
        raise InputError(f"「{plan.milestones[id].title}」は終わっているので動かせません。")
    moved = {id: replace(plan.milestones[id], window=to)}
    match cascade:
        case Cascade.PUSH:
            return _pushed(network.schedule(progress, on), moved, progress)
        case Cascade.SHIFT:
            windows = _shifted(network, id, plan.milestones[id].window, to, progress)
            return moved | {key: replace(plan.milestones[key], window=window) for key, window in windows.items()}
        case Cascade.NONE:
            return moved


def _may_move(milestone: Milestone, progress: Mapping[str, Progress]) -> bool:
    done = progress.get(milestone.id, NOTHING_YET)
    return not (milestone.pinned or done.is_closed or milestone.window is None or milestone.window.undecided)


def _shifted(
    network: Network, id: str, old: Window | None, to: Window, progress: Mapping[str, Progress]
) -> dict[str, Window]:
    old_day = (old.first or old.last) if old else None
    new_day = to.first or to.last
    if old_day is None or new_day is None:
        raise InputError(
            f"「{network.plan.milestones[id].title}」には元の日付がないので shift は使えません。"
            "push か none にしてください。"
        )
    months = (new_day.year - old_day.year) * 12 + new_day.month - old_day.month
    days = (new_day - old_day).days
    windows = {}
    for key in network.downstream(id):
        milestone = network.plan.milestones[key]
        if _may_move(milestone, progress):
            assert milestone.window
            by_months = milestone.window.moves_by_months
            windows[key] = (
                shifted_months(milestone.window, months)
                if by_months
                else _on_open_day(network, milestone.window, shifted_days(milestone.window, days))
            )
    return windows


def _on_open_day(network: Network, old: Window, new: Window) -> Window:
    """Return a single day's window on the next open day where the shift took it from an open to a closed one."""
    if new.precision is not Precision.DAY or new.first is None or new.first != new.last or old.first is None:
        return new
    if not network.calendar.is_open(old.first):
        return new
    return shifted_days(new, (network.calendar.next_open(new.first) - new.first).days)


def _pushed(before: Schedule, moved: dict[str, Milestone], progress: Mapping[str, Progress]) -> dict[str, Milestone]:
    """Push only what cannot keep its target any longer, prerequisites first, each as little as possible.

    What could not be met even before the move stays as far behind as it was.
    """
    network, calendar = before.network, before.network.calendar
    pushed: dict[str, Milestone] = {}
    pushes: Counter[str] = Counter()

    def settle(id: str, finish: date) -> Milestone | None:
        milestone = pushed.get(id, network.plan.milestones[id])
        if id in moved or not _may_move(milestone, progress) or milestone.window is None or pushes[id] == _ATTEMPTS:
            return None
        old = before.span(id)
        behind = _overshoot(calendar, network.plan.milestones[id].window, old and old[1])
        late = _overshoot(calendar, milestone.window, finish) - behind
        if late <= 0:
            return None
        pushes[id] += 1
        pushed[id] = replace(milestone, window=_pushed_on(calendar, milestone.window, late))
        return pushed[id]

    before.settle(moved, settle)
    return moved | pushed


def _overshoot(calendar: Closures, window: Window | None, finish: date | None) -> int:
    """Return how many months or open days a finish lies behind its window's last day, 0 where it does not."""
    if window is None or window.last is None or finish is None or finish <= window.last:
        return 0
    if window.moves_by_months:
        return (finish.year - window.last.year) * 12 + finish.month - window.last.month
    return calendar.count(window.last, calendar.next_open(finish))


def _pushed_on(calendar: Closures, window: Window, late: int) -> Window:
    """Return the window so many months or open days later; it keeps as many open days as it had."""
    if window.moves_by_months:
        return shifted_months(window, late)
    first, last = (end and calendar.add(end, late) for end in (window.first, window.last))
    return reworded(window, first, last)


def preview_move(
    network: Network, id: str, to: Window, cascade: Cascade, progress: Mapping[str, Progress], on: date
) -> Preview:
    """Return what a move would do, without doing it."""
    before = network.schedule(progress, on)
    after = before.revised(_replaced(network, id, to, cascade, progress, on))
    changed, plan = after.network, after.network.plan
    moved = tuple(
        Moved(key, network.plan.milestones[key].window, milestone.window)
        for key, milestone in plan.milestones.items()
        if milestone.window is not None and milestone.window != network.plan.milestones[key].window
    )
    shifted = {each.id for each in moved}
    redated = {
        key: (before[key].due, after[key].due)
        for key in plan.milestones
        if key not in shifted and before[key].due != after[key].due
    }
    breached = tuple(
        key
        for key in plan.milestones
        if _is_broken(after[key]) and (plan.milestones[key].pinned or after[key].due_kind == "deadline")
        if not _is_broken(before[key])
    )
    old, new = evaluate(network, before, progress, on), evaluate(changed, after, progress, on)
    lapsing = tuple(key for key in new if _is_stopped(new[key]) and not _is_stopped(old[key]))
    freed = tuple(key for key in new if _is_stopped(old[key]) and not _is_stopped(new[key]))
    return Preview(plan, moved, redated, before, after, breached, lapsing, freed)


def _is_broken(slot: Slot) -> bool:
    return bool(slot.due and slot.earliest_finish and slot.earliest_finish > slot.due)


def _is_stopped(verdict: Verdict) -> bool:
    return verdict.status is Status.BLOCKED


def replayed(network: Network, events: tuple[Event, ...], as_of: date | None) -> tuple[Network, dict[str, Progress]]:
    """Return the network after the moves, and the progress after the deeds, up to and including a day."""
    seen = [event for event in events if as_of is None or event.on <= as_of]
    for event in seen:
        if event.deed is Deed.MOVE:
            progress = progress_of(network.plan, seen, event.on)
            to = parse_window(event.details["to"], network.plan.fiscal_year)
            cascade = Cascade(event.details.get("cascade", Cascade.PUSH))
            network = apply_move(network, event.milestone, to, cascade, progress, event.on)
    return network, progress_of(network.plan, seen, as_of)
