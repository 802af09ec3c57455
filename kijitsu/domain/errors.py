"""What can be wrong, said with the place and the remedy, in the words of the city's staff."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


class KijitsuError(Exception):
    """Root of every error this product raises on purpose; `exit_code` is what a command ends with."""

    exit_code = 1


class InputError(KijitsuError):
    """The user's input is wrong: a date, an id, a file."""


class OutsideError(KijitsuError):
    """Something outside failed: a database, a mail relay, a server. The message says how to mend it."""

    exit_code = 3


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in a file. `line` and `column` count from 1; 0 where the file as a whole is meant."""

    file: str
    line: int
    column: int
    code: str
    message: str
    is_warning: bool = False

    def __str__(self) -> str:
        mark = "warning: " if self.is_warning else ""
        return f"{self.file}:{self.line}:{self.column}: {mark}{self.code}: {self.message}"


class InvalidFile(InputError):
    """Every problem of a file, or of a plan and what it names, at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: Sequence[Problem] = sorted(problems)
        super().__init__("\n".join(map(str, self.problems)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return 「もしかして: …」 for the nearest of `known`, or nothing when none is near."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"もしかして: {near[0]}" if near else ""
