"""Timing in turn, and the table that every measurement ends in."""

from __future__ import annotations

import gc
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from statistics import median


@dataclass(frozen=True)
class Row:
    """One line of the table: what ours took, what a peer took for the same, and what is wanted of them."""

    what: str
    ours: float
    peer: str = ""
    theirs: float | None = None
    at_most: float | None = None  # of ours
    at_least: float | None = None  # times faster than the peer
    unit: str = "s"

    @property
    def ratio(self) -> float | None:
        """How many times longer the peer takes."""
        return None if self.theirs is None else self.theirs / self.ours

    @property
    def is_kept(self) -> bool | None:
        """Tell whether everything that is wanted holds; None where nothing is."""
        if self.at_most is None and self.at_least is None:
            return None
        is_quick = self.at_most is None or self.ours <= self.at_most
        return is_quick and (self.at_least is None or (self.ratio or 0) >= self.at_least)

    def cells(self) -> list[str]:
        """Return the columns as they are printed."""
        wanted = [f"≤ {shown(self.at_most, self.unit)}"] if self.at_most is not None else []
        wanted += [f"≥ {self.at_least:g} times"] if self.at_least is not None else []
        return [
            self.what,
            shown(self.ours, self.unit),
            self.peer,
            "" if self.theirs is None else shown(self.theirs, self.unit),
            "" if self.ratio is None else f"{self.ratio:.1f}" if self.ratio < 10 else f"{self.ratio:.0f}",
            ", ".join(wanted),
            {None: "", True: "yes", False: "NO"}[self.is_kept],
        ]


def beside(
    what: str, taken: dict[str, float], at_most: float | None = None, at_least: dict[str, float] | None = None
) -> list[Row]:
    """Return a row for each peer that was timed in turn with ours (the first), or one row where there was none."""
    (_, ours), *peers = taken.items()
    if not peers:
        return [Row(what, ours, at_most=at_most)]
    wanted = [at_most, *[None] * len(peers)]
    return [
        Row(what, ours, peer, theirs, most, (at_least or {}).get(peer))
        for (peer, theirs), most in zip(peers, wanted, strict=False)
    ]


def in_turn(runs: int, calls: dict[str, Callable[[], object]], each: int = 1) -> dict[str, float]:
    """Call everything in turn, `each` times in a row, so that the machine's drift hits all; return the medians.

    The first round warms up and does not count. Before each, what the one before left behind is collected.
    """
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(runs + 1):
        for name, call in calls.items():
            gc.collect()
            begin = time.perf_counter()
            for _ in range(each):
                call()
            if number:
                taken[name].append((time.perf_counter() - begin) / each)
    return {name: median(seconds) for name, seconds in taken.items()}


def shown(amount: float, unit: str = "s") -> str:
    """Return an amount, a time in the unit that suits it."""
    if unit != "s":
        return f"{amount:.0f} {unit}"
    name, size = next(((name, size) for name, size in (("s", 1.0), ("ms", 1e-3)) if amount >= 0.1 * size), ("µs", 1e-6))
    return f"{amount / size:.0f} {name}" if amount >= 100 * size else f"{amount / size:.3g} {name}"


def conditions() -> str:
    """Return what the numbers were measured on."""
    load = "/".join(f"{each:.2f}" for each in os.getloadavg())
    collector = "on" if gc.isenabled() else "off"
    return (
        f"Python {platform.python_version()}, {os.cpu_count()} processors, load {load}, {date.today()}, "  # noqa: DTZ011
        f"the cycle collector {collector} for all"
    )


def print_table(lines: list[Row]) -> None:
    """Print rows as a table that can be pasted into the docs."""
    print("\n| what | ours | peer | peer's | ratio | wanted | kept |")
    print("|---|---|---|---|---|---|---|")
    for line in lines:
        print("| " + " | ".join(line.cells()) + " |")
    print()
