"""The pages that departments reach from a letter: `GET` shows and changes nothing, `POST` records an answer."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from kijitsu.domain.errors import KijitsuError, OutsideError
from kijitsu.domain.history import Deed
from kijitsu.links import BadLink, ExpiredLink, Links, Ticket
from kijitsu.office import Office
from kijitsu.services.answering import LONGEST, AnswerPage, ClosedMeanwhile, Dates, DatesMoved, Gone, answer, look
from kijitsu.services.reporting import BadReport
from kijitsu.web.metrics import exposition
from kijitsu.web.words import WORDS, shown_day, shown_status

MOST_BYTES, MOST_FIELDS = 64 * 1024, 50
"""What a form may come to. A field of a thousand characters takes nine bytes each."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}

_log = logging.getLogger(__name__)


def _environment(language: str) -> Environment:
    made = Environment(
        loader=PackageLoader("kijitsu.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["day"] = partial(shown_day, language=language)
    made.filters["status"] = partial(shown_status, language=language)
    return made


_environments = {language: _environment(language) for language in WORDS}


@dataclass(frozen=True, slots=True)
class _Failed:
    """What was wrong with a form: the answer it was for, the field ("" for all of it), and the words."""

    action: str
    field: str
    said: str


@dataclass(frozen=True, slots=True)
class _Thanked:
    action: Deed
    on: date


def create_app(office: Office) -> FastAPI:
    """Return the board's web application. Nothing is opened before the first request."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))

    @app.middleware("http")
    async def guarded(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        try:
            response = await call_next(request)
        except Exception as exc:  # noqa: BLE001 (whatever it is, nobody is shown a traceback)
            reference = secrets.token_hex(4)
            _log.exception("a page failed, reference %s", reference)
            text = "申し訳ありません。処理できませんでした。しばらくして、もう一度お試しください。"
            response = _message(
                request, 503 if isinstance(exc, OutsideError) else 500, "処理できませんでした", text, reference
            )
        response.headers.update(HEADERS)
        return response

    @app.exception_handler(HTTPException)
    async def refused(request: Request, exc: HTTPException) -> Response:
        if exc.status_code == 413:
            return _message(request, 413, "長すぎます", "入力を短くして、もう一度お試しください。")
        return _message(request, exc.status_code, "ページがありません", "通知のリンクを、省かずに開いてください。")

    @app.exception_handler(KijitsuError)
    async def failed(request: Request, exc: KijitsuError) -> Response:
        match exc:
            case BadLink():
                return _message(request, 404, "リンクが正しくありません", str(exc))
            case ExpiredLink():
                return _message(request, 410, "リンクの期限が切れました", str(exc))
            case Gone():
                return _message(request, 404, "項目がありません", str(exc))
        raise exc

    @app.get("/healthz")
    def is_alive() -> Response:
        return PlainTextResponse("ok\n")

    @app.get("/metrics")
    def measure(request: Request) -> Response:
        # For this machine's Prometheus: whoever comes by the city's proxy finds nothing.
        if {"forwarded", "x-forwarded-for"} & set(request.headers):
            raise HTTPException(404)
        content, content_type = exposition(_fresh(office), request.headers.get("accept", ""))
        return Response(content, media_type=content_type)

    @app.api_route("/answer/{token}", methods=["GET", "HEAD"])
    def show(request: Request, token: str) -> Response:
        here = _fresh(office)
        return _page(request, look(here, _ticket(here, token)))

    @app.post("/answer/{token}")
    async def take(request: Request, token: str) -> Response:
        form = await _form(request)
        return await run_in_threadpool(partial(_taken, _fresh(office), request, token, form))

    return app


def _fresh(office: Office) -> Office:
    """Return the office for one request: calendars are read as they are today, and threads share no schedule."""
    return replace(
        office,
        revisions={},
        calendars={},
        make_renderer=lambda: office.renderer,
        open_links=lambda: office.links,
    )


def _links(office: Office) -> Links:
    if office.links is None:
        raise OutsideError("リンクのアドレスが決まっていません。KIJITSU_BASE_URL を指定してください。")
    return office.links


def _ticket(office: Office, token: str) -> Ticket:
    # A rehearsal's clock stands still for all organisations alike.
    organisation = office.library.organisations()[0]
    return _links(office).read(token, office.now(organisation))


async def _form(request: Request) -> dict[str, str]:
    """Return a form's fields. Raises HTTPException 413 for one that is too long."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise HTTPException(413)
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise HTTPException(413) from None


def _taken(office: Office, request: Request, token: str, form: Mapping[str, str]) -> Response:
    ticket = _ticket(office, token)
    action, seen = form.get("action", ""), _seen(form)
    if action not in list(Deed) or seen is None:
        page = look(office, ticket)
        choose = WORDS[_language(request, page)]["choose"]
        return _page(request, page, 422, given=form, failed=_Failed(action, "", choose))
    try:
        answer(office, ticket, Deed(action), form, seen)
    except ClosedMeanwhile:
        return _page(request, look(office, ticket), 409, is_closed_now=True)
    except DatesMoved:
        return _page(request, look(office, ticket), 409, given=form, stale=seen)
    except BadReport as exc:
        return _page(request, look(office, ticket), 422, given=form, failed=_Failed(action, exc.field, exc.said))
    # Relative, for a proxy may serve us under a path of its own.
    language = request.query_params.get("lang", "")
    return RedirectResponse(f"?done={action}" + (f"&lang={language}" if language in WORDS else ""), 303)


def _seen(form: Mapping[str, str]) -> Dates | None:
    """Return the dates that the page showed, None where the form does not say them."""
    try:
        due, safe = (date.fromisoformat(text) if (text := form[name]) else None for name in ("due", "safe"))
    except (KeyError, ValueError):
        return None
    return Dates(due, safe)


def _language(request: Request, page: AnswerPage) -> str:
    asked = request.query_params.get("lang", page.language)
    return asked if asked in WORDS else "ja"


def _page(
    request: Request,
    page: AnswerPage,
    status: int = 200,
    given: Mapping[str, str] | None = None,
    failed: _Failed | None = None,
    stale: Dates | None = None,
    is_closed_now: bool = False,
) -> Response:
    language = _language(request, page)
    done = request.query_params.get("done") if status == 200 else None
    thanked = next((_Thanked(deed, on) for deed, on in page.answers.items() if deed == done), None)
    return _html(
        request,
        "answer.html",
        status,
        language,
        page=page,
        w=WORDS[language],
        given=given or {},
        failed=failed,
        stale=stale,
        is_closed_now=is_closed_now,
        thanked=thanked,
        opened=(given or {}).get("action"),
        longest=LONGEST,
    )


def _message(request: Request, status: int, title: str, text: str, reference: str = "") -> Response:
    return _html(request, "answer_message.html", status, "ja", title=title, text=text, reference=reference)


def _html(request: Request, template: str, status: int, language: str, **values: Any) -> Response:
    # How far up our root is, as the browser sees it.
    root = "../" * (request.url.path.count("/") - 1)
    content = _environments[language].get_template(template).render(language=language, root=root, **values)
    return HTMLResponse(content, status)
