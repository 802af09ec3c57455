"""Tables for a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def write_csv(path: Path, header: Sequence[str], lines: Iterable[Sequence[Any]]) -> None:
    """Write a table as CSV that Excel opens as it is; no cell of it is taken for a formula."""
    # utf-8-sig, for Excel takes a file without the mark for Shift_JIS.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([_safe(value) for value in line] for line in lines)


def _safe(value: object) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(_BEGINS_FORMULA) else text


# A Japanese Excel reads the full-width ones alike.
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
