"""The pages behind a letter's link: `GET` shows and changes nothing, `POST` records an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from kijitsu.domain.errors import OutsideError
from kijitsu.domain.history import Deed
from kijitsu.evidence import FORMS
from kijitsu.links import Links, Ticket
from kijitsu.office import Office
from kijitsu.services.answering import AnswerPage, ClosedMeanwhile, Dates, DatesMoved, answer, look
from kijitsu.services.filling import LONGEST, field_of
from kijitsu.services.reporting import BadReport
from kijitsu.web.forms import Form, parse_form
from kijitsu.web.render import html
from kijitsu.web.words import WORDS

MOST_BYTES, MOST_FIELDS = 64 * 1024, 50
"""What a form may come to besides its files. A field of a thousand characters takes nine bytes each."""

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
    office = request.app.state.fresh()
    # Who has no link of ours is not to fill the disk.
    ticket = await run_in_threadpool(_ticket, office, token)
    try:
        form = await _form(office, request)
    except HTTPException as exc:
        if exc.status_code != 413 or not _is_multipart(request):
            raise
        return await run_in_threadpool(_too_large, office, request, ticket)
    return await run_in_threadpool(_taken, office, request, ticket, form)


def _links(office: Office) -> Links:
    if office.links is None:
        raise OutsideError("リンクのアドレスが決まっていません。KIJITSU_BASE_URL を指定してください。")
    return office.links


def _ticket(office: Office, token: str) -> Ticket:
    # A rehearsal's clock stands still for all organisations alike.
    organisation = office.library.organisations()[0]
    return _links(office).read(token, office.now(organisation))


def _is_multipart(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


async def _form(office: Office, request: Request) -> Form:
    """Return a form; what is none has no fields. Raises HTTPException 413 for one that is too long."""
    most = (office.settings.evidence_mib << 21) if _is_multipart(request) else 0
    try:
        return await parse_form(request, MOST_BYTES + most, MOST_FIELDS)
    except HTTPException as exc:
        if exc.status_code == 413:
            raise
        return Form({}, {}, {})


def _too_large(office: Office, request: Request, ticket: Ticket) -> Response:
    page = look(office, ticket)
    said = WORDS[_language(request, page)]["too_large"].format(office.settings.evidence_mib)
    return _page(request, page, 413, failed=_Failed(Deed.COMPLETE, "file.0", said), opened=Deed.COMPLETE)


def _taken(office: Office, request: Request, ticket: Ticket, given: Form) -> Response:
    form = given.fields
    action, seen = form.get("action", ""), _seen(form)
    if action not in list(Deed) or seen is None:
        page = look(office, ticket)
        choose = WORDS[_language(request, page)]["choose"]
        return _page(request, page, 422, given=form, failed=_Failed(action, "", choose))
    try:
        files = {name: upload.path for name, upload in given.files.items()}
        answer(office, ticket, Deed(action), form, seen, files)
    except ClosedMeanwhile:
        return _page(request, look(office, ticket), 409, is_closed_now=True)
    except DatesMoved:
        return _page(request, look(office, ticket), 409, given=form, stale=seen)
    except BadReport as exc:
        page = look(office, ticket)
        failed = _Failed(action, field_of(exc, page.evidence), exc.said)
        return _page(request, page, 422, given=form, failed=failed)
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
    opened: str = "",
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
        opened=opened or (given or {}).get("action"),
        longest=LONGEST,
        taken=",".join(suffix for each in FORMS for suffix in each.suffixes),
        most_mib=request.app.state.office.settings.evidence_mib,
    )
