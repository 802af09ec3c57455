"""A letter as its templates see it: clean, in sections, numbered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import Enum
from functools import cached_property
from typing import Any

from kijitsu.domain.eras import show_date
from kijitsu.messages import Alert, Approval, Coming, Item, Letter, Matter, Meeting, Revised, Stop, Topic, Weekly

# What asks the recipient for an answer, and what tells others of somebody's milestone without being a mere copy.
_ASKED = (Topic.REJECTED, Topic.ASKED, Topic.AFTER, Topic.ON_DAY, Topic.BEFORE, Topic.EXPIRING)
_TOLD = (Topic.ESCALATED, Topic.ESTIMATE, Topic.MOVED)
_ORDER = {topic: place for place, topic in enumerate(Topic)}
_BUTTONS = 6  # Teams shows no more in one card
_SPACES = re.compile(r"[^\S\u3000]+")  # all white space but the full-width one, which people write on purpose
# Controls, and the marks that hide or turn round what follows them.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An item with its number. `by` is the day that speaks: the deadline, an earlier one of successors, or the last day
    of a validity that runs out."""

    number: int
    item: Item
    by: date | None

    @property
    def is_for_successors(self) -> bool:
        """True where the day that speaks is what successors need, not the item's own."""
        return self.item.topic is not Topic.EXPIRING and self.by != self.item.due

    @property
    def is_copy(self) -> bool:
        """True where somebody else answers and the recipient has nothing to do."""
        return _is_copy(self.item)

    @property
    def is_asked(self) -> bool:
        """True where the recipient is asked for an answer or a decision."""
        return self.item.topic is Topic.ESTIMATE or (self.item.topic in _ASKED and self.item.answers_for)

    def is_past(self, on: date) -> bool:
        """Tell whether the day that speaks is over."""
        return self.by is not None and self.by < on

    @property
    def window(self) -> str:
        """When the plan says it happens, where that says more than the deadline does."""
        if self.by is None or self.item.topic is Topic.EXPIRING:
            return ""
        return _beyond(self.item.due, self.item.window)

    @property
    def new_window(self) -> str:
        """The window of what was moved, where it says more than the due date does."""
        return _beyond(self.item.due, self.item.window)

    @property
    def was_window(self) -> str:
        """The former window of what was moved, where it says more than the former due date does."""
        return _beyond(self.item.was, self.item.was_window)


@dataclass(frozen=True)
class Section:
    """The entries of one kind; `topic` is None for copies, which somebody else answers."""

    topic: Topic | None
    entries: Sequence[Entry]


@dataclass(frozen=True)
class View:
    """A letter in sections, in the order of topics and copies last; numbers run through all of them.

    `total` counts all entries of the letter, `left_out` those that this view does not show.
    """

    letter: Letter
    sections: Sequence[Section]
    total: int
    left_out: int = 0

    @classmethod
    def of(cls, letter: Letter) -> View:
        """Return the whole letter, with everything that could end a line or hide it taken out."""
        found: dict[Topic | None, list[Item]] = {topic: [] for topic in (*Topic, None)}
        for item in map(_tidied, letter.items):
            found[None if _is_copy(item) else item.topic].append(item)
        sections: list[Section] = []
        number = 0
        for topic, items in found.items():
            items.sort(key=lambda item: (_ORDER[item.topic], _speaks(item) or date.max))
            entries = [Entry(number + place, item, _speaks(item)) for place, item in enumerate(items, 1)]
            number += len(entries)
            if entries:
                sections.append(Section(topic, entries))
        return cls(_tidied(letter), sections, number)

    def first(self, shown: int) -> View:
        """Return the view with no more than so many entries."""
        sections = [Section(s.topic, [e for e in s.entries if e.number <= shown]) for s in self.sections]
        return View(self.letter, [s for s in sections if s.entries], self.total, max(0, self.total - shown))

    def of_topic(self, *topics: Topic | None) -> list[Entry]:
        """Return the entries of these topics; of copies for None."""
        return [entry for topic in topics for entry in self._by_topic.get(topic, ())]

    @cached_property
    def numbers(self) -> dict[Topic, int]:
        """How many entries of each topic concern the recipient as more than copies."""
        return {topic: len(self._by_topic.get(topic, ())) for topic in Topic}

    @cached_property
    def _by_topic(self) -> dict[Topic | None, Sequence[Entry]]:
        return {section.topic: section.entries for section in self.sections}

    def told(self, topic: Topic) -> int:
        """Return how many entries of a topic the subject tells of: copies where there is nothing else."""
        return sum(
            e.item.topic is topic for e in (self.copies if len(self.copies) == self.total else self.of_topic(topic))
        )

    @cached_property
    def entries(self) -> list[Entry]:
        """All entries, in order of their numbers."""
        return [entry for section in self.sections for entry in section.entries]

    @property
    def only(self) -> Entry | None:
        """The entry of a letter about a single thing."""
        return self.entries[0] if self.total == 1 else None

    @cached_property
    def copies(self) -> list[Entry]:
        return self.of_topic(None)

    @property
    def is_repeated(self) -> bool:
        """True where an answer may have crossed this letter on its way."""
        return any(e.item.count > 1 for e in self.of_topic(Topic.AFTER))

    @cached_property
    def asked(self) -> list[Entry]:
        """The entries that need an answer."""
        return self.of_topic(*_ASKED)

    @cached_property
    def coming(self) -> list[date]:
        """The days of the deadlines ahead, the nearest first, each once."""
        return sorted({e.by for e in self.of_topic(Topic.ON_DAY, Topic.BEFORE) if e.by is not None})

    @property
    def has_links(self) -> bool:
        """True where what needs an answer can be answered by opening a link."""
        return any(entry.item.link for entry in self.asked)

    @cached_property
    def buttons(self) -> list[int]:
        """The numbers of the entries that have a button on the card."""
        return [entry.number for entry in self.entries if entry.item.link][:_BUTTONS]

    @property
    def has_more_links(self) -> bool:
        """True where an entry has a link for which the card has no button."""
        return sum(bool(entry.item.link) for entry in self.entries) > _BUTTONS


def _is_copy(item: Item) -> bool:
    return not (item.answers_for or item.topic in _TOLD)


def _speaks(item: Item) -> date | None:
    if item.topic is Topic.EXPIRING:
        return item.valid_until
    return min((day for day in (item.due, item.latest_safe) if day is not None), default=None)


def one_line(text: str) -> str:
    """Return the text on one line, without what hides or turns round what follows it."""
    return _SPACES.sub(" ", _UNSEEN.sub("", text)).strip()


def _beyond(day: date | None, window: str) -> str:
    """Return the window, or nothing where it says the day once more."""
    return "" if day is not None and window in {day.isoformat(), show_date(day), show_date(day, False)} else window


def _tidied(value: Any) -> Any:
    """Return a letter, or a part of one, with every text in it on one line."""
    return type(value)(**{f.name: _tidy(getattr(value, f.name)) for f in fields(value)})


def _tidy(value: Any) -> Any:
    match value:
        case Enum():
            return value
        case Weekly() | Matter() | Meeting() | Coming() | Revised() | Approval() | Alert() | Stop():
            return _tidied(value)
        case str():
            return one_line(value)
        case tuple():
            return tuple(map(_tidy, value))
    return value
