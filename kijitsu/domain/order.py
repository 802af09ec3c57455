"""The order in which things that rest on each other can be taken, and the ring where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush

from kijitsu.domain.errors import InputError


class Cycle(InputError):
    """Milestones wait for each other in a ring; `path` names it, first id again at the end."""

    def __init__(self, path: list[str]) -> None:
        self.path = path
        super().__init__("前提が循環しています: " + " → ".join(path))


def topological_order(after: Mapping[str, list[str]]) -> list[str]:
    """Return the keys so that each comes after what `after` lists for it, else in given order. Raises Cycle."""
    rank = {key: number for number, key in enumerate(after)}
    open_links = {key: len(before) for key, before in after.items()}
    dependents: dict[str, list[str]] = {key: [] for key in after}
    for key, before in after.items():
        for prerequisite in before:
            dependents[prerequisite].append(key)
    ready = [rank[key] for key, count in open_links.items() if count == 0]
    keys, order = list(after), []
    while ready:
        key = keys[heappop(ready)]
        order.append(key)
        for dependent in dependents[key]:
            open_links[dependent] -= 1
            if open_links[dependent] == 0:
                heappush(ready, rank[dependent])
    if len(order) < len(keys):
        raise Cycle(_ring(after, set(keys) - set(order)))
    return order


def _ring(after: Mapping[str, list[str]], stuck: set[str]) -> list[str]:
    key = min(stuck, key=list(after).index)
    path: list[str] = []
    while key not in path:
        path.append(key)
        key = next(before for before in after[key] if before in stuck)
    ring = path[path.index(key) :]
    ring.reverse()
    return [*ring, ring[0]]
