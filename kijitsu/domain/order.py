"""The order in which things that rest on each other can be taken, and the ring where there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from heapq import heappop, heappush
from itertools import accumulate

from kijitsu.domain.errors import InputError


class Cycle(InputError):
    """Milestones wait for each other in a ring; `path` names it, first id again at the end."""

    def __init__(self, path: list[str]) -> None:
        self.path = path
        super().__init__("前提が循環しています: " + " → ".join(path))


def topological_order(after: Mapping[str, list[str]]) -> list[str]:
    """Return the keys so that each comes after what `after` lists for it, else in given order. Raises Cycle."""
    keys = list(after)
    rank = {key: number for number, key in enumerate(keys)}
    tails = [rank[prerequisite] for before in after.values() for prerequisite in before]
    heads = [head for head, before in enumerate(after.values()) for _ in before]
    # The links by their tail: where each tail's begin, and their heads.
    counted = Counter(tails)
    first = [0, *accumulate(counted[number] for number in range(len(keys)))]
    dependents = [heads[number] for number in sorted(range(len(tails)), key=tails.__getitem__)]
    waits_for = [len(before) for before in after.values()]
    ready = [number for number, count in enumerate(waits_for) if count == 0]
    order = []
    while ready:
        number = heappop(ready)
        order.append(keys[number])
        for dependent in dependents[first[number] : first[number + 1]]:
            waits_for[dependent] -= 1
            if waits_for[dependent] == 0:
                heappush(ready, dependent)
    if len(order) < len(keys):
        raise Cycle(_ring(after, set(keys).difference(order)))
    return order


def _ring(after: Mapping[str, list[str]], stuck: set[str]) -> list[str]:
    key = next(key for key in after if key in stuck)
    path: dict[str, int] = {}
    while key not in path:
        path[key] = len(path)
        key = next(before for before in after[key] if before in stuck)
    ring = list(path)[path[key] :]
    ring.reverse()
    return [*ring, ring[0]]
