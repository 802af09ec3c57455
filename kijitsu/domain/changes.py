"""Changes: where a change of a plan leads, and what has to move along with it.

A change is two states of a plan on one day, an `Outlook` each. What moves along (`cascaded`) is reckoned between the
two; what became of everything (`Effects`) is read off them, whatever the change was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cached_property

from kijitsu.domain.closures import Closures
from kijitsu.domain.errors import InputError, did_you_mean
from kijitsu.domain.gates import Status, evaluate
from kijitsu.domain.history import NOTHING_YET, Deed, Event, Progress, progress_of
from kijitsu.domain.plan import Milestone, Plan
from kijitsu.domain.schedule import Network, Schedule, Slot
from kijitsu.domain.windows import Precision, Window, parse_window, reworded, shifted_days, shifted_months

# An elapsed duration (30d, 1m) may catch a weekend at the new place and have to be pushed once more.
_ATTEMPTS = 10


class Cascade(StrEnum):
    """What a change does to what comes after: push what cannot stay, shift everything as far, or none."""

    PUSH = "push"
    SHIFT = "shift"
    NONE = "none"


@dataclass(frozen=True)
class Outlook:
    """A plan as it stands, or would stand, on a day (None: as it was meant)."""

    network: Network
    progress: Mapping[str, Progress]
    on: date | None

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self.network.plan

    @cached_property
    def schedule(self) -> Schedule:
        """Every milestone's slot."""
        return self.network.schedule(self.progress, self.on)

    def stopped(self, ids: AbstractSet[str]) -> set[str]:
        """Return which of some milestones are blocked; nothing is weighed but these and what they rest on."""
        assert self.on is not None
        asked = ids & self.plan.milestones.keys()
        verdicts = evaluate(self.network, self.schedule, self.progress, self.on, self.network.upstream(asked))
        return {id for id in asked if verdicts[id].status is Status.BLOCKED}

    def with_windows(self, windows: Mapping[str, Window]) -> Outlook:
        """Return the same with other windows; only what they touch is reckoned anew."""
        if not windows:
            return self
        milestones = self.plan.milestones
        schedule = self.schedule.revised({id: replace(milestones[id], window=to) for id, to in windows.items()})
        revised = Outlook(schedule.network, self.progress, self.on)
        revised.__dict__["schedule"] = schedule
        return revised

    def may_move(self, id: str) -> bool:
        """Tell whether a cascade may move a milestone: it has a window, is not closed and not set by others."""
        milestone = self.plan.milestones[id]
        is_closed = self.progress.get(id, NOTHING_YET).is_closed
        return not (milestone.pinned or is_closed or milestone.window is None or milestone.window.undecided)


# --- what moves along ---


def cascaded(before: Outlook, after: Outlook, moved: Iterable[str], cascade: Cascade) -> dict[str, Window]:
    """Return the windows that have to move along with a change, in the order of dependency.

    `moved` are the milestones whose window the change itself sets: they stay where it puts them. Raises InputError for
    a shift of what had no date before, or has none now.
    """
    kept = set(moved)
    match cascade:
        case Cascade.PUSH:
            return _pushed(before, after, kept)
        case Cascade.SHIFT:
            shifted: dict[str, Window] = {}
            for id in after.network.in_order(kept):
                shifted |= _shifted(before, after.with_windows(shifted), id, kept)
            return shifted
        case Cascade.NONE:
            return {}


def _pushed(before: Outlook, after: Outlook, kept: set[str]) -> dict[str, Window]:
    """Push only what cannot keep its target any longer, prerequisites first, each as little as possible.

    What could not be met even before the change stays where it is as long as it is no further behind; what has to move,
    moves to where it can be kept.
    """
    calendar, former = after.network.calendar, before.plan.milestones
    pushed: dict[str, Window] = {}
    pushes: Counter[str] = Counter()

    def settle(id: str, finish: date) -> Milestone | None:
        milestone = after.plan.milestones[id]
        window = pushed.get(id, milestone.window)
        if id in kept or not after.may_move(id) or window is None or pushes[id] == _ATTEMPTS:
            return None
        if id in former and (grown := _too_long(after, milestone, window) - _too_long(before, former[id])) > 0:
            # It takes longer than it did: no other place would be long enough, so that it gets more room where it is.
            pushed[id] = _extended(calendar, window, grown)
            return replace(milestone, window=pushed[id])
        # What takes longer than its window never fits, wherever that lies.
        behind = never = _too_long(before, former[id]) if id in former else _too_long(after, milestone)
        if id in former and (old := before.schedule.span(id)):
            behind = max(behind, _overshoot(calendar, former[id].window, old[1]))
        missed = _overshoot(calendar, window, finish)
        if missed <= behind:
            return None
        pushes[id] += 1
        pushed[id] = later(calendar, window, missed - never)
        return replace(milestone, window=pushed[id])

    after.schedule.settle(_reached(before, after), settle)
    return {id: pushed[id] for id in after.network.in_order(pushed)}


def _too_long(outlook: Outlook, milestone: Milestone, window: Window | None = None) -> int:
    """Return by how many months or open days a milestone would overshoot its window if it began with it."""
    window, calendar = window or milestone.window, outlook.network.calendar
    if window is None or window.first is None or window.last is None:
        return 0
    start = calendar.next_open(window.first)
    finish = outlook.network.structure.axis.finish(milestone.duration, start.toordinal())
    return _overshoot(calendar, window, date.fromordinal(finish))


def _extended(calendar: Closures, window: Window, units: int) -> Window:
    """Return the window with its end so many months or open days later."""
    return reworded(replace(window, precision=Precision.RANGE), window.first, later(calendar, window, units).last)


def _reached(before: Outlook, after: Outlook) -> list[str]:
    """Return the milestones that a change may reach, prerequisites first: all where it is the calendar's."""
    if before.network.calendar.differing(after.network.calendar):
        return after.network.order
    old, new = before.plan.milestones, after.plan.milestones
    edited = [id for id in new if new[id] is not old.get(id) and new[id] != old.get(id)]
    edited += [id for id in new if before.progress.get(id) != after.progress.get(id)]
    edited += [dependent for id in old.keys() - new.keys() for dependent in before.network.dependents(id)]
    found = [id for id in edited if id in new]
    return after.network.in_order({*found, *after.network.downstream(*found)})


def _overshoot(calendar: Closures, window: Window | None, finish: date | None) -> int:
    """Return how many months or open days a finish lies behind its window's last day, 0 where it does not."""
    if window is None or window.last is None or finish is None or finish <= window.last:
        return 0
    if window.moves_by_months:
        return (finish.year - window.last.year) * 12 + finish.month - window.last.month
    return calendar.count(window.last, calendar.next_open(finish))


def later(calendar: Closures, window: Window, units: int) -> Window:
    """Return the window so many months, where it speaks of months, or open days later, as many open days long."""
    if window.moves_by_months:
        return shifted_months(window, units)
    first, last = (end and calendar.add(end, units) for end in (window.first, window.last))
    return reworded(window, first, last)


def _shifted(before: Outlook, after: Outlook, id: str, kept: set[str]) -> dict[str, Window]:
    old, new = before.plan.milestones[id].window, after.plan.milestones[id].window
    old_day = old.first or old.last if old else None
    new_day = new.first or new.last if new else None
    if old_day is None or new_day is None:
        raise InputError(
            f"「{after.plan.milestones[id].title}」には元の日付か新しい日付がないので shift は使えません。"
            "push か none にしてください。"
        )
    months = (new_day.year - old_day.year) * 12 + new_day.month - old_day.month
    days = (new_day - old_day).days
    windows = {}
    for key in after.network.downstream(id):
        window = after.plan.milestones[key].window
        if key not in kept and after.may_move(key) and window:
            moved = shifted_months(window, months) if window.moves_by_months else shifted_days(window, days)
            windows[key] = _on_open_day(after.network.calendar, window, moved)
    return windows


def _on_open_day(calendar: Closures, old: Window, new: Window) -> Window:
    """Return a single day's window on the next open day where the shift took it from an open to a closed one."""
    if new.precision is not Precision.DAY or new.first is None or new.first != new.last or old.first is None:
        return new
    if not calendar.is_open(old.first):
        return new
    return shifted_days(new, (calendar.next_open(new.first) - new.first).days)


# --- what became of it ---


@dataclass(frozen=True, slots=True)
class Moved:
    """One milestone's old and new window."""

    id: str
    old: Window | None
    new: Window | None


@dataclass(frozen=True, slots=True)
class Breach:
    """A day that cannot be kept any more: a hard deadline, or a date that others set (`is_pinned`).

    `late` are the open days from `due` to `finish`, `before` as many before the change (0 where it was kept); `basis`
    is the law and article behind the day, "" where there is none.
    """

    id: str
    due: date
    finish: date
    late: int
    before: int
    is_pinned: bool
    basis: str


@dataclass(frozen=True)
class Effects:
    """All that a change does, milestone by milestone.

    `moved` are windows; `redated` the due days, before and after, of what does not move itself but whose deadline goes
    with what does. `added` and `dropped` are milestones that only one of the two states has. `breaches` are new, or
    worse than they were; `lapsing` newly blocked on the day, `freed` no longer. `touched` is everything whose dates or
    slack differ.
    """

    before: Outlook
    after: Outlook

    @property
    def plan(self) -> Plan:
        """The plan as it would be."""
        return self.after.plan

    @cached_property
    def common(self) -> list[str]:
        """The milestones that both states have, in the order of the plan."""
        former = self.before.plan.milestones
        return [id for id in self.plan.milestones if id in former]

    @cached_property
    def moved(self) -> tuple[Moved, ...]:
        pairs = ((id, self.before.plan.milestones[id].window, self.plan.milestones[id].window) for id in self.common)
        return tuple(Moved(id, old, new) for id, old, new in pairs if old != new)

    @cached_property
    def redated(self) -> Mapping[str, tuple[date | None, date | None]]:
        moved = {each.id for each in self.moved}
        return {
            id: (self.before.schedule[id].due, self.after.schedule[id].due)
            for id in self.touched
            if id not in moved and self.before.schedule[id].due != self.after.schedule[id].due
        }

    @cached_property
    def added(self) -> tuple[str, ...]:
        return tuple(id for id in self.plan.milestones if id not in self.before.plan.milestones)

    @cached_property
    def dropped(self) -> tuple[str, ...]:
        return tuple(id for id in self.before.plan.milestones if id not in self.plan.milestones)

    @cached_property
    def touched(self) -> tuple[str, ...]:
        before, after = self.before.schedule, self.after.schedule
        old, new = self.before.network.calendar, self.after.network.calendar
        is_same_axis = old.first == new.first and not old.differing(new)
        return tuple(
            id
            for id in self.common
            if not (is_same_axis and after.is_plainly_as(before, id)) and _dates(before[id]) != _dates(after[id])
        )

    @cached_property
    def breaches(self) -> tuple[Breach, ...]:
        return tuple(breaches(self.before, self.after))

    @property
    def breached(self) -> tuple[str, ...]:
        """The milestones of the breaches."""
        return tuple(breach.id for breach in self.breaches)

    @cached_property
    def reached(self) -> frozenset[str]:
        """Every milestone of which something may be different: itself, its dates, or what it rests on."""
        return frozenset({*_reached(self.before, self.after), *self.touched, *self.added, *self.dropped})

    @cached_property
    def _stops(self) -> tuple[set[str], set[str]]:
        """What is blocked before and after, of all that the change reaches."""
        reached = self.reached.union(self.after.network.downstream(*(self.reached & self.plan.milestones.keys())))
        return self.before.stopped(reached), self.after.stopped(reached)

    @cached_property
    def lapsing(self) -> tuple[str, ...]:
        before, after = self._stops
        return tuple(id for id in self.plan.milestones if id in after and id not in before)

    @cached_property
    def freed(self) -> tuple[str, ...]:
        before, after = self._stops
        return tuple(id for id in self.common if id in before and id not in after)


def _dates(slot: Slot) -> tuple[object, ...]:
    return slot.earliest_start, slot.earliest_finish, slot.latest_finish, slot.slack, slot.due


def breaches(before: Outlook, after: Outlook) -> Iterable[Breach]:
    """Yield the days that a change breaks or makes worse, in the order of the plan."""
    for id, milestone in after.plan.milestones.items():
        if not (milestone.pinned or milestone.due is not None):
            continue
        slot = after.schedule[id]
        late = _late(after, slot)
        if not late or not (milestone.pinned or slot.due_kind == "deadline"):
            continue
        known = id in before.plan.milestones
        was_late = _late(before, before.schedule[id]) if known else 0
        if late > was_late:
            assert slot.due and slot.earliest_finish
            basis = slot.deadline.rule.basis if slot.deadline else milestone.basis
            yield Breach(id, slot.due, slot.earliest_finish, late, was_late, milestone.pinned, basis)


def _late(outlook: Outlook, slot: Slot) -> int:
    """Return by how many open days a due day is missed, 0 where it is kept."""
    if slot.due is None or slot.earliest_finish is None or slot.earliest_finish <= slot.due:
        return 0
    calendar = outlook.network.calendar
    return max(1, calendar.count(slot.due, calendar.next_open(slot.earliest_finish)))


# --- moving one date ---


def moving(
    network: Network, id: str, to: Window, cascade: Cascade, progress: Mapping[str, Progress], on: date | None = None
) -> Effects:
    """Return what it does to move one milestone's window on a day, what follows moving as the cascade says.

    Raises InputError for a milestone that is not there, is finished, or has no window to shift from.
    """
    if id not in network.plan.milestones:
        hint = did_you_mean(id, network.plan.milestones)
        raise InputError(f"「{id}」という項目は計画 {network.plan.id} にありません。{hint}")
    if progress.get(id, NOTHING_YET).is_closed:
        raise InputError(f"「{network.plan.milestones[id].title}」は終わっているので動かせません。")
    before = Outlook(network, progress, on)
    after = before.with_windows({id: to})
    return Effects(before, after.with_windows(cascaded(before, after, [id], cascade)))


def replayed(network: Network, events: tuple[Event, ...], as_of: date | None) -> tuple[Network, dict[str, Progress]]:
    """Return the network after the moves, and the progress after the deeds, up to and including a day."""
    seen = [event for event in events if as_of is None or event.on <= as_of]
    for event in seen:
        if event.deed is Deed.MOVE:
            progress = progress_of(network.plan, seen, event.on)
            to = parse_window(event.details["to"], network.plan.fiscal_year)
            cascade = Cascade(event.details.get("cascade", Cascade.PUSH))
            network = moving(network, event.milestone, to, cascade, progress, event.on).after.network
    return network, progress_of(network.plan, seen, as_of)
