"""What a manager can still do: how far a date could go, and the least further change with which nothing breaks.

Nothing here is a rule of thumb. Whatever is proposed was tried: the same reckoning as of the change itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from kijitsu.domain.changes import Breach, Cascade, Effects, Outlook, breaches, cascaded, later
from kijitsu.domain.errors import InputError
from kijitsu.domain.periods import Length
from kijitsu.domain.windows import Precision, Window

_MOST_MONTHS, _MOST_DAYS = 24, 490
"""How far ahead a limit is looked for: two years."""

_ROUNDS = 3
"""What gives way may break something else; so often it is followed."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How late one moved milestone could lie.

    `undisturbed` is the last day it could finish on with nothing else moving, `latest` the last window of its form with
    which no deadline or fixed date breaks and nothing stops; None where there is none. `is_free` where two years on
    still break nothing.
    """

    id: str
    undisturbed: date | None
    latest: Window | None
    is_free: bool = False


@dataclass(frozen=True, slots=True)
class Remedy:
    """A further change with which nothing would break: windows that give way, or a duration that is shortened.

    `days` are the open days that it takes from where things were, all together.
    """

    windows: Mapping[str, Window] = field(default_factory=dict)
    durations: Mapping[str, Length] = field(default_factory=dict)
    days: int = 0


@dataclass(frozen=True, slots=True)
class Advice:
    """How far the moved milestones could go, and the remedies that were found, the least first."""

    reaches: tuple[Reach, ...] = ()
    remedies: tuple[Remedy, ...] = ()


def advise(effects: Effects, edited: Outlook, moves: Sequence[str], cascade: Cascade) -> Advice:
    """Return what could be done about a change; `edited` is its outlook before anything moved along, `moves` what it
    moves itself."""
    search = _Search(effects, edited, frozenset(moves), cascade)
    reaches = tuple(filter(None, map(search.reach, moves)))
    if not (effects.breaches or effects.lapsing):
        return Advice(reaches)
    remedies = sorted(search.remedies(), key=lambda each: (each.days, len(each.windows)))
    return Advice(reaches, tuple(remedies))


@dataclass(frozen=True)
class _Search:
    effects: Effects
    edited: Outlook
    moves: frozenset[str]
    cascade: Cascade

    def reach(self, id: str) -> Reach | None:
        """Return how late a moved milestone could lie, all else as the change wants it."""
        new = self.edited.plan.milestones[id].window
        if new is None or new.undecided:
            return None
        # From where it was; or, where other moves of the request hold it up already, from where it is to be.
        for start in (later(self.edited.network.calendar, new, -self._distance(id, new)), new):
            latest, is_free = self._latest(id, start)
            if latest is not None:
                break
        return Reach(id, self._undisturbed(id), latest, is_free)

    def _latest(self, id: str, start: Window) -> tuple[Window | None, bool]:
        """Return the last window from one on that breaks and stops nothing, and whether none in two years does."""
        calendar, most = self.edited.network.calendar, _MOST_MONTHS if start.moves_by_months else _MOST_DAYS

        def window(units: int) -> Window:
            return later(calendar, start, units) if units else start

        def keeps(units: int) -> bool:
            return not self._breaks(self.edited.with_windows({id: window(units)}))

        def stops_nothing(units: int) -> bool:
            tried = self._after(self.edited.with_windows({id: window(units)}))
            return keeps(units) and not (self._may_stop(tried) and tried.lapsing)

        units = _last(keeps, most)
        if units is not None and not stops_nothing(units):
            units = _last(stops_nothing, units)
        return None if units is None else window(units), units == most

    def _may_stop(self, tried: Effects) -> bool:
        """Tell whether other dates could stop anything at all, before every verdict is weighed: by a due day that is
        past only now, or by a validity that somebody asks for."""
        on, plan = tried.after.on, tried.plan
        assert on is not None
        if any(link.valid for milestone in plan.milestones.values() for link in milestone.after):
            return True
        ruled = [tried.after.network.order[rank] for rank in tried.after.network.structure.ruled]
        dues = (tried.after.schedule[id].due for id in {*ruled, *self.moves, *(each.id for each in tried.moved)})
        return any(due is not None and due < on for due in dues)

    def _distance(self, id: str, new: Window) -> int:
        """Return how many units, months or open days, a new window lies after where its milestone was to be."""
        before, calendar = self.effects.before, self.edited.network.calendar
        span = before.schedule.span(id) if id in before.plan.milestones else None
        # What others fixed is measured at its end, everything else by when its work can begin.
        is_by_end = new.first is None or self.edited.plan.milestones[id].pinned
        to = new.last if is_by_end else new.first
        if span is None or to is None:
            return 0
        if new.moves_by_months:
            return (to.year - span[is_by_end].year) * 12 + to.month - span[is_by_end].month
        return calendar.count(span[is_by_end], to if is_by_end else calendar.next_open(to))

    def _undisturbed(self, id: str) -> date | None:
        """Return the latest finish that moves nothing else and breaks no deadline; None where none is in sight."""
        before = self.effects.before
        span = before.schedule.span(id) if id in before.plan.milestones else None
        if span is None:
            return None

        def beginning(days: int) -> Outlook:
            return before.with_windows({id: Window(before.network.calendar.add(span[0], days), None, Precision.DAY)})

        def disturbs_nothing(days: int) -> bool:
            tried = beginning(days)
            return not (any(breaches(before, tried)) or cascaded(before, tried, {id}, Cascade.PUSH))

        days = _last(disturbs_nothing, _MOST_DAYS)
        finish = None if days is None or days == _MOST_DAYS else beginning(days).schedule.span(id)
        return finish and finish[1]

    def remedies(self) -> Iterator[Remedy]:
        """Yield what would mend the change, each tried."""
        if given := self._given_way():
            yield given
        yield from self._shortened()

    def _given_way(self) -> Remedy | None:
        """Let the dates that others set give way, each by as little as it takes."""
        windows: dict[str, Window] = {}
        found = self.effects
        for _ in range(_ROUNDS):
            pinned = {
                breach: window
                for breach in found.breaches
                if breach.is_pinned and breach.id not in self.moves
                if (window := found.plan.milestones[breach.id].window) and window.last == breach.due
            }
            if not pinned:
                break
            for breach, window in pinned.items():
                assert window.last
                months = (breach.finish.year - window.last.year) * 12 + breach.finish.month - window.last.month
                units = months if window.moves_by_months else breach.late
                windows[breach.id] = later(self.edited.network.calendar, window, units)
            found = self._after(self.edited.with_windows(windows), windows)
        if not windows or found.breaches or found.lapsing:
            return None
        return Remedy(windows, days=self._days(windows))

    def _shortened(self) -> Iterator[Remedy]:
        """Shorten one of the works that the broken dates wait for."""
        worst = max((breach.late - breach.before for breach in self.effects.breaches), default=0)
        for id in self._on_the_way(self.effects.breaches):
            milestone = self.edited.plan.milestones[id]
            length = milestone.duration
            if length.unit != "wd" or length.number <= worst or worst == 0:
                continue
            shorter = replace(length, number=length.number - worst)
            network = self.edited.network.revised({id: replace(milestone, duration=shorter)})
            found = self._after(Outlook(network, self.edited.progress, self.edited.on))
            if not (found.breaches or found.lapsing):
                yield Remedy(durations={id: shorter}, days=worst)

    def _on_the_way(self, broken: Sequence[Breach]) -> list[str]:
        """Return the open milestones that hold broken dates where they are, the assumed durations first."""
        schedule, milestones = self.effects.after.schedule, self.effects.plan.milestones
        found: dict[str, None] = dict.fromkeys(breach.id for breach in broken)
        waiting = list(found)
        while waiting:
            for driver in schedule[waiting.pop()].drivers:
                if driver not in found:
                    found[driver] = None
                    waiting.append(driver)
        progress = self.edited.progress
        left = [id for id in found if id not in progress or not progress[id].is_closed]
        return sorted(left, key=lambda id: "duration" not in milestones[id].assumed)

    def _after(self, edited: Outlook, kept: Mapping[str, Window] | None = None) -> Effects:
        before = self.effects.before
        windows = cascaded(before, edited, {*self.moves, *(kept or ())}, self.cascade)
        return Effects(before, edited.with_windows(windows))

    def _breaks(self, edited: Outlook) -> bool:
        return any(breaches(self.effects.before, self._after(edited).after))

    def _days(self, windows: Mapping[str, Window]) -> int:
        calendar, milestones = self.edited.network.calendar, self.edited.plan.milestones
        ends = [(window.last, milestones[id].window) for id, window in windows.items()]
        return sum(calendar.count(old.last, new) for new, old in ends if new and old and old.last)


def _last(holds: Callable[[int], bool], most: int) -> int | None:
    """Return the greatest number up to `most` that holds, where each holds that is less than one which does.

    None where 0 does not. What lies beyond the calendar does not hold.
    """

    def tried(number: int) -> bool:
        try:
            return holds(number)
        except InputError:
            return False

    if not tried(0):
        return None
    low, high = 0, 1
    while high < most and tried(high):
        low, high = high, high * 2
    if high >= most:
        if tried(most):
            return most
        high = most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if tried(middle) else (low, middle)
    return low
