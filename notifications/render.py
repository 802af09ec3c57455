"""Letters in words: the mail's subject and two bodies, a card for Teams, and dates for a calendar."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable
from datetime import date, time
from functools import cache, partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from kijitsu.domain.eras import show_date
from kijitsu.domain.periods import show_time
from kijitsu.messages import Letter, Topic, Wording
from notifications.dates import calendar_of
from notifications.folding import folded
from notifications.view import View, one_line

LANGUAGES = ("ja", "en")

_TEMPLATES = Path(__file__).parent / "templates"
# Teams takes 28 KB and is reported to count in UTF-16; the rest is left for what is put around the card.
_CARD_BYTES = 27_000
# Not by strftime: these are English whatever the machine's locale is.
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


class LetterRenderer:
    """Puts a letter into words with the templates of its message, in its language; they are compiled once.

    Whatever a title or a reason holds stays text: one line in the subject and the text, escaped in HTML, a plain run in
    the card. The card stays within what Teams takes, at the price of 「ほか○件」.
    """

    def __init__(self) -> None:
        self._plain = _environment(autoescape=False)
        self._page = _environment(autoescape=True)

    def __call__(self, letter: Letter) -> Wording:
        """Return the letter's wording. Raises ValueError for a digest about nothing, and for an unknown language."""
        if letter.message == "digest" and not letter.items:
            raise ValueError("a letter needs at least one item")
        if letter.language not in LANGUAGES:
            raise ValueError(f"no templates in the language {letter.language!r}")
        view = View.of(letter)
        words = self._plain.get_template(f"{letter.message}/_words.{letter.language}.j2").module
        subject = one_line(self._form(self._plain, letter, "subject")(v=view))
        card = self._form(self._plain, letter, "card")
        is_page, is_card = letter.channel in ("", "mail", "file"), letter.channel in ("", "teams")
        return Wording(
            subject=subject,
            text=folded(self._form(self._plain, letter, "text")(v=view)),
            html=self._form(self._page, letter, "html")(v=view, subject=subject) if is_page else "",
            card=_fitting_card(lambda shown: card(v=view.first(shown), subject=subject), view.total) if is_card else "",
            calendar=calendar_of(view, words) if is_page else "",
        )

    @staticmethod
    def _form(environment: Environment, letter: Letter, form: str) -> Callable[..., str]:
        """Return what renders one form of a letter, with the words of its language and of every letter (`frame`)."""
        words, frame, weekly = (
            environment.get_template(f"{folder}/_words.{letter.language}.j2").module
            for folder in (letter.message, "frame", "weekly")
        )
        template = environment.get_template(f"{letter.message}/{form}.j2")
        return partial(template.render, words=words, frame=frame, weekly_words=weekly)


@cache
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
        "date": _unbroken(show_date) if autoescape else show_date,
        "english_date": _unbroken(_english_date) if autoescape else _english_date,
        "ja": _japanese if autoescape else str,
        "clip": _clip,
        "time": _time,
        "clock": _clock,
        "json": lambda text: json.dumps(str(text)),  # cheaper than `tojson`, which also escapes for HTML
    }
    environment.globals |= {"Topic": Topic, "line": _line}
    return environment


def _fitting_card(render: Callable[[int], str], total: int) -> str:
    """Return the card with as many of the `total` entries as Teams takes, as compact JSON."""

    def size(shown: int) -> int:
        card = json.loads(render(shown))
        return max(len(json.dumps(card)), len(json.dumps(card, ensure_ascii=False).encode("utf-16-le")))

    whole = render(total)
    if 2 * len(whole) > _CARD_BYTES and size(total) > _CARD_BYTES:
        whole = render(bisect_right(range(1, total + 1), _CARD_BYTES, key=size))
    return json.dumps(json.loads(whole), ensure_ascii=False, separators=(",", ":"))


def _line(text: str, more: str = "", spacing: str = "Small") -> str:
    """Return a line of a card. No TextBlock: a run is plain text, so that a title cannot become a link."""
    run = f'{{"type":"TextRun","text":{json.dumps(str(text))}{more}}}'
    return f'{{"type":"RichTextBlock","spacing":"{spacing}","inlines":[{run}]}}'


def _clip(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _time(at: time | None) -> str:
    return show_time(at) if at else ""


def _clock(at: time | None) -> str:
    return f"{at:%H:%M}" if at else ""


def _english_date(day: date) -> str:
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def _unbroken(show: Callable[[date], str]) -> Callable[[date], Markup]:
    @cache
    def shown(day: date) -> Markup:
        return Markup('<span style="white-space:nowrap">{}</span>').format(show(day))

    return shown


def _japanese(text: str) -> Markup | str:
    return Markup('<span lang="ja">{}</span>').format(text) if text else ""
