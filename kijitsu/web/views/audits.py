"""監査: the log of the municipality in words, whether it was altered, and copies of it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from kijitsu.domain.errors import InputError
from kijitsu.services import auditing
from kijitsu.services.auditing import Asked, Format, Verification
from kijitsu.services.entries import ACTIONS
from kijitsu.web.audit import in_fours
from kijitsu.web.desk import AtAPlan, Desk
from kijitsu.web.forms import Form, number_of, read_form

PAGE = 50
"""So many entries are shown at once."""

FIELDS = ("scope", "milestone", "actor", "action", "first", "last")
"""What the entries are chosen by, as the address has it; `scope` is "plan" for those of this plan only."""

router = APIRouter(prefix="/plans/{plan}/audit")


@router.api_route("", methods=["GET", "HEAD"])
def show(desk: AtAPlan) -> Response:
    """Show entries, the newest first; and with `verify`, what looking at all of the log found."""
    return _page(desk)


def _page(desk: Desk, status: int = 200, errors: dict[str, str] | None = None) -> Response:
    query, errors = desk.request.query_params, dict(errors or {})
    chosen = {name: query.get(name, "").strip() for name in FIELDS}
    asked = Asked(
        desk.plan if chosen["scope"] or chosen["milestone"] else "",
        chosen["milestone"],
        chosen["actor"],
        chosen["action"],
    )
    try:
        asked = replace(asked, first=_day("first", chosen["first"]), last=_day("last", chosen["last"]))
    except Misread as exc:
        errors[exc.field] = str(exc)
    entry, before = number_of(query.get("entry", "")), number_of(query.get("before", ""))
    before = entry + 1 if entry else before
    try:
        found, head = auditing.page(desk.office, desk.organisation, asked, PAGE + 1, before)
    except InputError as exc:
        found, head, errors["log"] = [], None, str(exc)
    verified = _verified(desk, errors) if "verify" in query else None
    older = {name: value for name, value in chosen.items() if value}
    if len(found) > PAGE:
        older["before"] = str(found[PAGE - 1].told.row.number)
    return desk.page(
        "audit.html",
        422 if errors and status == 200 else status,
        chosen=chosen,
        is_filtered=any(chosen.values()) or before is not None,
        entry=entry,
        shown=found[:PAGE],
        older=urlencode(older) if "before" in older else "",
        head=head,
        verified=verified,
        noted=query.get("head", ""),
        errors=errors,
        actions=ACTIONS,
        formats=list(Format),
        fours=in_fours,
    )


class Misread(InputError):
    """A field cannot be read; `field` is its name."""

    def __init__(self, field: str, said: str) -> None:
        super().__init__(said)
        self.field = field


def _day(field: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as exc:
        raise Misread(field, f"「{text}」を日付として読めません。2016-07-12 のように書いてください。") from exc


def _verified(desk: Desk, errors: dict[str, str]) -> Verification | None:
    noted = desk.request.query_params.get("head", "").strip()
    try:
        witness = auditing.witness(noted) if noted else None
    except InputError as exc:
        errors["head"] = str(exc)
        return None
    return auditing.verify(desk.office, desk.organisation, witness)


@router.post("/export")
async def export(desk: AtAPlan) -> Response:
    """Give a copy of the log; that it was taken is an entry itself, which is why this is no link."""
    form = await read_form(desk.request, desk.signed.csrf)
    return await run_in_threadpool(_exported, desk, form)


def _exported(desk: Desk, form: Form) -> Response:
    try:
        days = [_day(name, form.fields.get(name, "")) for name in ("since", "until")]
        wanted = form.fields.get("format", "")
        if wanted not in list(Format):
            raise Misread("format", "書き出す形式を選んでください。")
    except Misread as exc:
        return _page(desk, 422, {exc.field: str(exc)})
    name = f"audit-{desk.organisation.municipality}-{desk.today}.{wanted}"
    with tempfile.TemporaryDirectory(prefix="kijitsu-") as folder:
        auditing.export(desk.office, desk.organisation, desk.actor, Format(wanted), Path(folder) / name, *days)
        # What is open stays readable when its folder is gone: nothing is left behind, however the reading ends.
        file = (Path(folder) / name).open("rb")
    return StreamingResponse(
        iter(partial(file.read, 2**16), b""),
        media_type=f"text/{wanted}",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
        background=BackgroundTask(file.close),
    )
