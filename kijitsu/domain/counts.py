"""Counts: how long what is still open will take at a capacity, and whether that is in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from kijitsu.domain.closures import Closures
from kijitsu.domain.plan import Milestone, Point


@dataclass(frozen=True, slots=True)
class Forecast:
    """When a count is through, if nothing more comes in.

    `counted_on` is the day of the later figure, `left` what is open then; at `per_day` on the open days of `calendar`
    (its title) that takes `days` of them, the last being `on`. `slack` is in open days of the same calendar up to the
    due day, negative where that comes too early, None without one.
    """

    counted_on: date
    demand: Point
    handled: Point | None
    left: int
    per_day: int
    calendar: str
    days: int
    on: date
    slack: int | None


def forecast(milestone: Milestone, due: date | None, closures: Callable[[str], Closures]) -> Forecast | None:
    """Return the forecast of a milestone with a capacity; None without one, or without the figures that it names."""
    capacity = milestone.capacity
    if capacity is None or capacity.of is None:
        return None
    demand, handled = _latest(milestone, capacity.of), _latest(milestone, capacity.done)
    if demand is None:
        return None
    counted_on = max(demand.on, handled.on) if handled else demand.on
    left = max(0, demand.value - (handled.value if handled else 0))
    days = -(-left // capacity.per_day)
    calendar = closures(capacity.closures)
    on = calendar.add(counted_on, days) if days else counted_on
    slack = calendar.count(on, due) if due else None
    return Forecast(counted_on, demand, handled, left, capacity.per_day, calendar.title, days, on, slack)


def _latest(milestone: Milestone, title: str | None) -> Point | None:
    return max((point for point in milestone.series if point.title == title), key=lambda p: p.on, default=None)
