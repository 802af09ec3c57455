"""Letters in words: the mail's subject and two bodies, and a card for Teams."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, time
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from kijitsu.domain.eras import show_date
from kijitsu.domain.periods import show_time
from kijitsu.messages import Item, Letter, Topic, Wording

_TEMPLATES = Path(__file__).parent / "templates"
# Teams takes 28 KB and is reported to count in UTF-16; the rest is left for what is put around the card.
_CARD_BYTES = 27_000
_SPACES = re.compile(r"[^\S\u3000]+")  # all white space but the full-width one, which people write on purpose
# Controls, and the marks that hide or turn round what follows them.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


class LetterRenderer:
    """Puts a letter into words with the templates of one message; they are compiled once.

    Whatever a title or a reason holds stays text: one line in the subject and the text, escaped in HTML, a plain run in
    the card. The card stays within what Teams takes, at the price of 「ほか○件」.
    """

    def __init__(self, message: str = "digest") -> None:
        plain = _environment(autoescape=False)
        self._subject = plain.get_template(f"{message}/subject.j2")
        self._text = plain.get_template(f"{message}/text.j2")
        self._card = plain.get_template(f"{message}/card.j2")
        self._html = _environment(autoescape=True).get_template(f"{message}/html.j2")

    def __call__(self, letter: Letter) -> Wording:
        """Return the letter's wording. Raises ValueError for a letter about nothing."""
        if not letter.items:
            raise ValueError("a letter needs at least one item")
        view = _View.of(letter)
        subject = _one_line(self._subject.render(v=view))
        return Wording(
            subject=subject,
            text=self._text.render(v=view),
            html=self._html.render(v=view, subject=subject),
            card=_fitting_card(lambda shown: self._card.render(v=view.first(shown), subject=subject), view.total),
        )


@dataclass(frozen=True, slots=True)
class _Entry:
    """An item as the templates see it. `by` is the day that speaks: the deadline, or an earlier one of successors."""

    number: int
    item: Item
    by: date | None
    is_for_successors: bool

    @classmethod
    def of(cls, number: int, item: Item) -> _Entry:
        by = _speaks(item)
        return cls(number, item, by, is_for_successors=by != item.due)

    @property
    def window(self) -> str:
        """When the plan says it happens, where that says more than the deadline does."""
        day = self.item.due
        is_said = self.by is None or (day is not None and self.item.window in {day.isoformat(), show_date(day)})
        return "" if is_said else self.item.window


@dataclass(frozen=True, slots=True)
class _Section:
    """The entries of one kind; `topic` is None for copies, which somebody else answers."""

    topic: Topic | None
    entries: Sequence[_Entry]


@dataclass(frozen=True, slots=True)
class _View:
    """A letter as the templates see it: clean, sorted, numbered through all its sections."""

    letter: Letter
    sections: Sequence[_Section]
    total: int
    left_out: int = 0

    @classmethod
    def of(cls, letter: Letter) -> _View:
        items = [_tidied(item) for item in letter.items]
        groups = [(topic, [i for i in items if i.answers_for and i.topic is topic]) for topic in Topic]
        copies = [i for topic in Topic for i in items if i.topic is topic and not i.answers_for]
        sections: list[_Section] = []
        number = 0
        for topic, group in [*((t, sorted(g, key=_by_day)) for t, g in groups), (None, copies)]:
            entries = [_Entry.of(number + place, item) for place, item in enumerate(group, start=1)]
            number += len(entries)
            if entries:
                sections.append(_Section(topic, entries))
        return cls(_tidied(letter), sections, number)

    def first(self, shown: int) -> _View:
        """Return the view with no more than so many entries."""
        sections = [_Section(s.topic, [e for e in s.entries if e.number <= shown]) for s in self.sections]
        return _View(self.letter, [s for s in sections if s.entries], self.total, max(0, self.total - shown))

    def of_topic(self, *topics: Topic) -> list[_Entry]:
        """Return the entries that the recipient answers for, of these topics."""
        return [e for s in self.sections if s.topic in topics for e in s.entries]

    def count(self, topic: Topic) -> int:
        """Return how many entries of the topic the recipient answers for; of copies, where there is nothing else."""
        entries = self.copies if len(self.copies) == self.total else self.of_topic(topic)
        return sum(entry.item.topic is topic for entry in entries)

    @property
    def only(self) -> _Entry | None:
        """The entry of a letter about a single thing."""
        return self.sections[0].entries[0] if self.total == 1 else None

    @property
    def copies(self) -> list[_Entry]:
        return [e for s in self.sections if s.topic is None for e in s.entries]

    @property
    def is_repeated(self) -> bool:
        """True where an answer may have crossed this letter on its way."""
        return any(e.item.count > 1 for e in self.of_topic(Topic.AFTER))

    @property
    def asked(self) -> list[_Entry]:
        """The entries that need an answer."""
        return self.of_topic(Topic.AFTER, Topic.ON_DAY, Topic.BEFORE)

    @property
    def coming(self) -> list[date]:
        """The days of the deadlines ahead, the nearest first, each once."""
        return sorted({e.by for e in self.of_topic(Topic.ON_DAY, Topic.BEFORE) if e.by is not None})


def _environment(autoescape: bool) -> Environment:
    # Two environments and not one that looks at file names: a shared macro escapes as its own file does, and its
    # result is then trusted by the page that calls it.
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=autoescape,  # noqa: S701 (False for text, subject and JSON only)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "date": _unbroken_date if autoescape else show_date,
        "clip": _clip,
        "listed": _listed,
        "time": _time,
    }
    environment.globals |= {"Topic": Topic}
    return environment


def _fitting_card(render: Callable[[int], str], total: int) -> str:
    """Return the card with as many of the `total` entries as Teams takes, as compact JSON."""

    def size(shown: int) -> int:
        card = json.loads(render(shown))
        return max(len(json.dumps(card)), len(json.dumps(card, ensure_ascii=False).encode("utf-16-le")))

    fits = size(total) <= _CARD_BYTES
    shown = total if fits else bisect_right(range(1, total + 1), _CARD_BYTES, key=size)
    return json.dumps(json.loads(render(shown)), ensure_ascii=False, separators=(",", ":"))


def _speaks(item: Item) -> date | None:
    return min((day for day in (item.due, item.latest_safe) if day is not None), default=None)


def _by_day(item: Item) -> date:
    return _speaks(item) or date.max


def _one_line(text: str) -> str:
    return _SPACES.sub(" ", _UNSEEN.sub("", text)).strip()


def _tidied(value: Any) -> Any:
    """Return a letter or an item with every text in it on one line."""
    return type(value)(**{f.name: _tidy(getattr(value, f.name)) for f in fields(value)})


def _tidy(value: Any) -> Any:
    match value:
        case Topic():
            return value
        case str():
            return _one_line(value)
        case tuple():
            return tuple(map(_tidy, value))
    return value


def _clip(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _time(at: time | None) -> str:
    return show_time(at) if at else ""


def _unbroken_date(day: date) -> Markup:
    return Markup('<span style="white-space:nowrap">{}</span>').format(show_date(day))


def _listed(titles: Iterable[str]) -> str:
    return "".join(f"「{title}」" for title in titles)
