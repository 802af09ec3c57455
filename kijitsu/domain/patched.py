"""A long list with a few places changed, without a copy of the list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Patched(Generic[T]):
    """Reads and writes as the list would; the list itself is shared and never written to.

    Copying costs what was changed. Where that is a good part of the list, a copy begins with a list of its own.
    """

    __slots__ = ("_base", "_changes")

    def __init__(self, base: Sequence[T], changes: dict[int, T]) -> None:
        self._base, self._changes = base, changes

    def __getitem__(self, place: int) -> T:
        return self._changes[place] if place in self._changes else self._base[place]

    def __setitem__(self, place: int, value: T) -> None:
        self._changes[place] = value

    def __len__(self) -> int:
        return len(self._base)

    def __iter__(self) -> Iterator[T]:
        values = list(self._base)
        for place, value in self._changes.items():
            values[place] = value
        return iter(values)


# A list is read faster; up to here it is copied as fast as a patch is made.
_SHORT = 1000


def patched(values: list[T] | Patched[T]) -> list[T] | Patched[T]:
    """Return a list to be changed in places; the given one stays as it is."""
    if len(values) <= _SHORT:
        return list(values)
    if not isinstance(values, Patched):
        return Patched(values, {})
    if len(values._changes) * 8 > len(values._base):
        return Patched(list(values), {})
    return Patched(values._base, values._changes.copy())
