"""The dates of a letter for the recipient's own calendar, as iCalendar (RFC 5545, RFC 5546)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from icalendar import Event, vText

from kijitsu.messages import Topic
from notifications.view import Entry, View

_EMPTY = Event()
_DATED = (Topic.REJECTED, Topic.ON_DAY, Topic.BEFORE, Topic.MOVED)
# Nine in the morning of the day before: an all-day event begins at midnight, when nobody looks.
_BEFOREHAND = timedelta(hours=-15)


def calendar_of(view: View, words: Any) -> str:
    """Return the days that the recipient has yet to keep, one event each; "" where there is none.

    An event is the same in every letter (its UID is made of municipality, plan and milestone), so that a later letter
    replaces it; a deadline that was withdrawn cancels it. The same letter gives the same text.
    """
    changed_at = view.letter.changed_at
    if changed_at is None:
        return ""
    dated = (e for e in view.of_topic(*_DATED) if e.item.answers_for and _day(e, view.letter.on))
    entries = {entry.item.milestone: entry for entry in dated}.values()
    if not entries:
        return ""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//Kijitsu//Kijitsu//{view.letter.language.upper()}",
        "METHOD:PUBLISH",
        *(line for entry in entries for line in _event(view, entry, words, changed_at)),
        "END:VCALENDAR",
    ]
    return "".join(f"{line}\r\n" for line in lines)


def _day(entry: Entry, on: date) -> date | None:
    """Return the day of an entry's event: the one that speaks, or the former one of a deadline that was withdrawn."""
    day = entry.by or (entry.item.was if entry.item.topic is Topic.MOVED else None)
    return day if day and day >= on else None


def _event(view: View, entry: Entry, words: Any, changed_at: datetime) -> Iterator[str]:
    letter = view.letter
    day = _day(entry, letter.on)
    assert day is not None
    title = str(words.event(entry))
    yield "BEGIN:VEVENT"
    yield _text("UID", f"{letter.municipality_code}.{letter.plan}.{entry.item.milestone}")
    yield _property("SEQUENCE", letter.revision)
    yield _property("DTSTAMP", changed_at.astimezone(UTC))
    yield _property("DTSTART", day)
    yield _property("DTEND", day + timedelta(days=1))  # the first day after it
    yield "TRANSP:TRANSPARENT"
    yield _text("SUMMARY", title)
    yield _text("DESCRIPTION", str(words.event_text(view, entry)).strip())
    if letter.contact_mail:  # RFC 5546, 3.2.1 wants an organizer
        yield _property("ORGANIZER", f"mailto:{letter.contact_mail}", f"{letter.municipality} {letter.contact_title}")
    if entry.by is None:
        yield "STATUS:CANCELLED"
    else:
        yield from ("BEGIN:VALARM", "ACTION:DISPLAY", _text("DESCRIPTION", title))
        yield from (_property("TRIGGER", _BEFOREHAND), "END:VALARM")
    yield "END:VEVENT"


# The letters of a morning share most of their properties, and a whole tree of components takes three times as long.
@lru_cache(maxsize=1024)
def _property(name: str, value: int | str | date | timedelta, sender: str = "") -> str:
    event = Event()
    event.add(name, value, parameters={"CN": sender} if sender else {})
    return _folded(event.content_line(name, event[name]))


def _text(name: str, value: str) -> str:
    return _folded(_EMPTY.content_line(name, vText(value)))


def _folded(line: Any) -> str:
    # Folding goes character by character, and few lines need it.
    return str(line) if len(line.encode()) < 75 else line.to_ical().decode()
