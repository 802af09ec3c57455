"""The peer made of networkx and numpy: networkx keeps the graph and its order, numpy counts the days.

Neither has the two passes, so they are written here, twice: `days` in the usual idiom, one `busday_offset` for each
link; `positions` as well as one could wish, days made numbers in bulk at both ends and whole numbers between.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import networkx as nx
import numpy as np

from kijitsu.domain.closures import Closures
from kijitsu.domain.plan import LinkType, Milestone, Plan

EPOCH = np.datetime64("2015-01-01")
NEVER = 1 << 40


def business_days(calendar: Closures) -> np.busdaycalendar:
    """Return the same open days as numpy's own calendar."""
    span = range((calendar.last - calendar.first).days + 1)
    days = (calendar.first + timedelta(number) for number in span)
    closed = [day for day in days if day.weekday() < 5 and not calendar.is_open(day)]
    return np.busdaycalendar(weekmask="1111100", holidays=closed)


def due_of(milestone: Milestone) -> date | None:
    """Return a milestone's deadline, else its target."""
    if isinstance(milestone.due, date):
        return milestone.due
    return milestone.window.last if milestone.window else None


class Graph:
    """A plan of working days as a graph of networkx; `early` and `late` are what the last pass came to."""

    def __init__(self, plan: Plan, calendar: np.busdaycalendar) -> None:
        self.calendar = calendar
        self.graph = graph = nx.DiGraph()
        for milestone in plan.milestones.values():
            first = milestone.window.first if milestone.window else None
            graph.add_node(milestone.id, days=milestone.duration.number, first=first, due=due_of(milestone))
        for milestone in plan.milestones.values():
            head = milestone.duration.number
            for link in milestone.after:
                # From the tail's start to the head's start.
                tail, lag = plan.milestones[link.on].duration.number, link.lag.number
                gap = {
                    LinkType.FINISH_TO_START: tail + lag,
                    LinkType.START_TO_START: lag,
                    LinkType.FINISH_TO_FINISH: tail - head + lag,
                    LinkType.START_TO_FINISH: lag - head,
                }[link.type]
                graph.add_edge(link.on, milestone.id, gap=gap)
        self.order = list(nx.topological_sort(graph))
        self.early: dict[str, np.datetime64] = {}
        self.late: dict[str, np.datetime64] = {}

    def days(self) -> Counter[int]:
        """Do both passes in days; return how many milestones have which slack."""
        graph, calendar, offset = self.graph, self.calendar, np.busday_offset
        early: dict[str, np.datetime64] = {}
        for node in self.order:
            first = graph.nodes[node]["first"]
            starts = [offset(early[tail], edge["gap"], busdaycal=calendar) for tail, edge in graph.pred[node].items()]
            if first is not None:
                starts.append(offset(first, 0, roll="forward", busdaycal=calendar))
            early[node] = max(starts)
        late: dict[str, np.datetime64] = {}
        for node in reversed(self.order):
            own = graph.nodes[node]
            starts = [
                offset(late[head], -edge["gap"], busdaycal=calendar)
                for head, edge in graph.succ[node].items()
                if head in late
            ]
            if own["due"] is not None:
                starts.append(offset(own["due"], 1 - own["days"], roll="backward", busdaycal=calendar))
            if starts:
                late[node] = min(starts)
        self.early, self.late = early, late
        return Counter(
            np.busday_count([early[node] for node in late], list(late.values()), busdaycal=calendar).tolist()
        )

    def positions(self) -> Counter[int]:
        """Do both passes in whole numbers; return how many milestones have which slack."""
        graph, calendar, order = self.graph, self.calendar, self.order
        firsts = {node: day for node, day in graph.nodes(data="first") if day is not None}
        dues = {node: day for node, day in graph.nodes(data="due") if day is not None}
        opens = np.busday_offset(list(firsts.values()), 0, roll="forward", busdaycal=calendar)
        early = dict.fromkeys(order, -NEVER)
        early |= zip(firsts, np.busday_count(EPOCH, opens, busdaycal=calendar).tolist(), strict=True)
        for node in order:
            start = early[node]
            for tail, edge in graph.pred[node].items():
                least = early[tail] + edge["gap"]
                start = max(start, least)
            early[node] = start
        closes = np.busday_offset(list(dues.values()), 0, roll="backward", busdaycal=calendar)
        late = dict.fromkeys(order, NEVER)
        for node, finish in zip(dues, np.busday_count(EPOCH, closes, busdaycal=calendar).tolist(), strict=True):
            late[node] = finish - graph.nodes[node]["days"] + 1
        for node in reversed(order):
            start = late[node]
            for head, edge in graph.succ[node].items():
                most = late[head] - edge["gap"]
                start = min(start, most)
            late[node] = start
        epoch = np.busday_offset(EPOCH, 0, roll="forward", busdaycal=calendar)
        days = np.busday_offset(epoch, [early[node] for node in order], busdaycal=calendar)
        self.early = dict(zip(order, days, strict=True))
        limited = [node for node in order if late[node] < NEVER >> 1]
        days = np.busday_offset(epoch, [late[node] for node in limited], busdaycal=calendar)
        self.late = dict(zip(limited, days, strict=True))
        return Counter(late[node] - early[node] for node in limited)
