"""Pages from templates: the same environment for every page, one a language."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment

from kijitsu.web.templating import environment
from kijitsu.web.words import LANGUAGES, shown_day, shown_status


def _say(ja: str, en: str, language: str) -> str:
    return ja if language == "ja" else en


def _moment(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone))


def _in(language: str) -> Environment:
    """Return the environment of a language's pages.

    `say(ja, en)` chooses a wording; the filters `day` and `status` show a date and a state, `local(zone)` turns an
    instant into the city's time.
    """
    made = environment(
        day=partial(shown_day, language=language), status=partial(shown_status, language=language), local=_moment
    )
    made.globals |= {"language": language, "say": partial(_say, language=language)}
    return made


_environments = {language: _in(language) for language in LANGUAGES}


def html(request: Request, template: str, status: int, language: str, **values: Any) -> Response:
    """Return a page. In the template `root` is the way up to our root, for a proxy may serve us under a path."""
    content = _environments[language].get_template(template).render(root=root_of(request), **values)
    return HTMLResponse(content, status)


def root_of(request: Request) -> str:
    """Return how far up our root is, as the browser sees it."""
    return "../" * (request.url.path.count("/") - 1) or "./"


def message(request: Request, status: int, title: str, text: str, reference: str = "") -> Response:
    """Return a page of a title and a text."""
    return html(request, "answer_message.html", status, "ja", title=title, text=text, reference=reference)


def iso(day: date | datetime) -> str:
    """Return a day, or an instant, as machines write it."""
    return day.isoformat()
