"""日程変更 by a file: an edited plan is handed in, previewed, and becomes a change or a proposal like any other."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import partial
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from kijitsu.domain.errors import InputError, InvalidFile
from kijitsu.services import adopting, changing
from kijitsu.services.reckoning import Change
from kijitsu.web.desk import AtAPlan, Desk
from kijitsu.web.forms import Form, read_form
from kijitsu.web.views.changes import acted, of_change, seen

MOST = 1024 * 1024
"""The longest file that is taken, in bytes."""

# What is previewed goes along in the form that submits it, byte for byte: nobody has to choose the file again, and
# nothing but what was looked at becomes the plan. A field of a form is 64 KiB long at the most.
_PIECE = 60_000

router = APIRouter(prefix="/plans/{plan}/changes/file")


@router.api_route("", methods=["GET", "HEAD"])
def choose(desk: AtAPlan) -> Response:
    """Show where a file is handed in."""
    return _page(desk)


@router.post("")
async def preview(desk: AtAPlan) -> Response:
    """Show all that is wrong with a file, or all that it would change; nothing is changed."""
    form = await read_form(desk.request, desk.signed.csrf, MOST + 16 * 1024)
    return await run_in_threadpool(_previewed, desk, form)


@router.post("/submit")
async def submit(desk: AtAPlan) -> Response:
    """Make the change that was previewed, or ask for its approval."""
    form = await read_form(desk.request, desk.signed.csrf, 2 * MOST)
    return await run_in_threadpool(_submitted, desk, form)


def _previewed(desk: Desk, form: Form) -> Response:
    file = form.files.get("file")
    if file is None:
        return _page(desk, 422, errors={"file": "ファイルを選んでください。"})
    if file.size > MOST:
        return _page(desk, 422, errors={"file": f"ファイルが大きすぎます（{MOST // 1024} KiBまで）。"})
    return _shown(desk, file.name, file.path.read_bytes())


def _submitted(desk: Desk, form: Form) -> Response:
    name = form.fields.get("name", "")
    try:
        content = urlsafe_b64decode("".join(form.lists.get("content", ())))
    except ValueError:
        return _page(desk, 422, errors={"file": "ファイルが途中で欠けました。もう一度選んでください。"})
    again = partial(_shown, desk, name, content)

    def act() -> Change:
        document = adopting.read_edited(desk.office, name, content)
        request = changing.document_request(desk.plan, document, form.fields.get("reason", ""))
        return changing.change(desk.office, desk.plan, request, desk.actor, seen(form))

    return acted(desk, form, act, "", again)


def _shown(desk: Desk, name: str, content: bytes, status: int = 200, **values: Any) -> Response:
    """Show what a file would change, or what is wrong with it."""
    try:
        document = adopting.read_edited(desk.office, name, content)
        change = changing.preview(desk.office, desk.plan, changing.document_request(desk.plan, document, ""))
    except InvalidFile as exc:
        return _page(desk, 422, name=name, problems=exc.problems)
    except InputError as exc:
        return _page(desk, 422, name=name, errors={"file": str(exc)})
    text = urlsafe_b64encode(content).decode()
    pieces = [text[place : place + _PIECE] for place in range(0, len(text), _PIECE)]
    return _page(desk, status, name=name, change=change, pieces=pieces, **values)


def _page(desk: Desk, status: int = 200, change: Change | None = None, **values: Any) -> Response:
    given = {"name": "", "problems": (), "pieces": (), **values}
    return desk.page("plan_file.html", status, most=MOST // 1024, **of_change(desk, change, given))
