"""The pages behind a letter's link: `GET` shows and changes nothing, `POST` records an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from kijitsu.domain.errors import OutsideError
from kijitsu.domain.history import Deed
from kijitsu.links import Links, Ticket
from kijitsu.office import Office
from kijitsu.services.answering import LONGEST, AnswerPage, ClosedMeanwhile, Dates, DatesMoved, answer, look
from kijitsu.services.reporting import BadReport
from kijitsu.web.render import html
from kijitsu.web.words import WORDS

MOST_BYTES, MOST_FIELDS = 64 * 1024, 50
"""What a form may come to. A field of a thousand characters takes nine bytes each."""

router = APIRouter()


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


@router.api_route("/answer/{token}", methods=["GET", "HEAD"])
def show(request: Request, token: str) -> Response:
    """Show what the link's milestone asks of its reader."""
    office = request.app.state.fresh()
    return _page(request, look(office, _ticket(office, token)))


@router.post("/answer/{token}")
async def take(request: Request, token: str) -> Response:
    """Record an answer."""
    form = await _form(request)
    return await run_in_threadpool(partial(_taken, request.app.state.fresh(), request, token, form))


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
    return html(
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
