"""Print every measurement, or those that are named: `python -m tests.bench days schedules`."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

from .measure import conditions, print_table

SUBJECTS = ("processes", "days", "schedules", "letters", "ledger", "changes", "board")


def main(named: list[str]) -> None:
    """Measure one subject here, several each in a process of its own, so that none runs among another's remains."""
    if unknown := set(named) - set(SUBJECTS):
        raise SystemExit(f"no such subject: {', '.join(sorted(unknown))}; there are {', '.join(SUBJECTS)}")
    if len(named) == 1:
        print(f"{named[0]}: {conditions()}", flush=True)
        print_table(import_module(f"{__package__}.{named[0]}").measure())
        return
    for subject in named or SUBJECTS:
        subprocess.run([sys.executable, "-m", __package__, subject], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
