"""案件: one milestone, all that is known of it, and what somebody may report of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from kijitsu.domain.errors import InputError
from kijitsu.domain.history import NOTHING_YET, Deed
from kijitsu.domain.roles import Right
from kijitsu.evidence import FORMS
from kijitsu.services.filling import LONGEST, field_of, report_of
from kijitsu.services.milestones import NoPaper, look, nearest, paper
from kijitsu.services.reminding import remind
from kijitsu.services.reporting import BadReport, is_done, report
from kijitsu.web.desk import AtAPlan, Desk, status_of
from kijitsu.web.forms import Form, read_form

ASK = "ask"
"""The action that reminds now; any other is a deed."""

SAID: Mapping[str, tuple[str, str]] = {
    Deed.START: ("着手を記録しました。", "The start is recorded."),
    Deed.COMPLETE: ("完了を記録しました。", "The completion is recorded."),
    Deed.ACKNOWLEDGE: ("確認したことを記録しました。", "It is recorded that this was seen."),
    Deed.SNOOZE: ("その日まで督促を止めます。", "No reminders until that day."),
    Deed.ESTIMATE: ("完了の見込みを記録し、事務局に知らせます。", "The estimate is recorded; the secretariat is told."),
    Deed.EXCUSE: ("遅れを承認しました。", "The delay is allowed."),
    Deed.REJECT: ("証拠を差し戻し、担当に知らせます。", "The evidence is sent back; whoever is in charge is told."),
    ASK: ("督促しました。結果は下のとおりです。", "Asked. See below how it fares."),
}
router = APIRouter(prefix="/plans/{plan}/milestones/{id}")


@router.api_route("", methods=["GET", "HEAD"])
def show(desk: AtAPlan, id: str) -> Response:
    """Show a milestone."""
    return _page(desk, id)


@router.api_route("/evidence/{digest}", methods=["GET", "HEAD"])
def download(desk: AtAPlan, id: str, digest: str) -> Response:
    """Give a document to keep: never shown by the browser, whatever it is."""
    if id not in desk.standing.plan.milestones:
        return _missing(desk, id)
    try:
        kept, file = paper(desk.office, desk.standing, id, digest)
    except NoPaper as exc:
        return _page(desk, id, 404, refused=str(exc))
    name = file["name"] or digest
    return FileResponse(
        kept,
        media_type=file["type"] or "application/octet-stream",
        filename=name,
        content_disposition_type="attachment",
        headers={"Content-Security-Policy": "default-src 'none'; sandbox"},
    )


@router.post("")
async def take(desk: AtAPlan, id: str) -> Response:
    """Record what somebody reports, or ask whoever is in charge: the form's field `action` says which."""
    mib = desk.office.settings.evidence_mib
    try:
        # Twice what one file may have, so that one which is too large is told so beside its field.
        form = await read_form(desk.request, desk.signed.csrf, (mib << 21) + 64 * 1024)
    except HTTPException as exc:
        if exc.status_code != 413:
            raise
        said = desk.say(
            f"ファイルが大きすぎます。一つのファイルは{mib} MiBまでです。",
            f"Too large: a file may have {mib} MiB at the most.",
        )
        page = partial(_page, desk, id, 413, deed=Deed.COMPLETE, errors={"file.0": said})
        return await run_in_threadpool(page)
    return await run_in_threadpool(_taken, desk, id, form)


def _taken(desk: Desk, id: str, form: Form) -> Response:
    action = form.fields.get("action", "")
    if id not in desk.standing.plan.milestones:
        return _missing(desk, id)
    if action == ASK:
        return _asked(desk, id)
    if action not in SAID:
        return _page(desk, id, 422, refused=desk.say("行うことを選んでください。", "Please choose what to do."))
    return _reported(desk, id, Deed(action), form)


def _asked(desk: Desk, id: str) -> Response:
    try:
        remind(desk.office, desk.plan, id, desk.actor)
    except InputError as exc:
        return _page(desk, id, status_of(exc), refused=str(exc))
    return desk.back(f"plans/{desk.plan}/milestones/{id}", said=ASK)


def _reported(desk: Desk, id: str, deed: Deed, form: Form) -> Response:
    again = partial(_page, desk, id, deed=deed, given=form.fields)
    kinds = desk.standing.plan.milestones[id].evidence
    try:
        _record(desk, id, deed, form, kinds)
    except BadReport as exc:
        return again(422, errors={field_of(exc, kinds): exc.said})
    except InputError as exc:
        return again(status_of(exc), errors={"": str(exc)})
    return desk.back(f"plans/{desk.plan}/milestones/{id}", said=deed)


def _record(desk: Desk, id: str, deed: Deed, form: Form, kinds: Sequence[str]) -> None:
    files = {name: upload.path for name, upload in form.files.items()}
    given = report_of(deed, id, kinds, form.fields, files, desk.today)
    try:
        report(desk.office, desk.plan, given, desk.actor)
    except BadReport:
        # The second of two clicks: what it asks for is there.
        if not is_done(desk.standing_on(desk.today).progress.get(id, NOTHING_YET), given):
            raise


def _page(
    desk: Desk,
    id: str,
    status: int = 200,
    deed: Deed | None = None,
    given: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    refused: str = "",
) -> Response:
    """Return the page, with what was typed into the form for a deed and what is wrong with it by the field."""
    if id not in desk.standing.plan.milestones:
        return _missing(desk, id)
    return desk.page(
        "milestone.html",
        status,
        id=id,
        found=look(desk.office, desk.standing, id, desk.actor),
        said=desk.said(SAID) if status == 200 else "",
        opened=deed,
        given=given or {},
        errors=errors or {},
        refused=refused,
        may_ask=desk.actor.may(Right.SEND),
        may_override=desk.actor.may(Right.OVERRIDE),
        may_change=desk.actor.may(Right.CHANGE),
        now=desk.office.now(desk.organisation),
        longest=LONGEST,
        taken=",".join(suffix for form in FORMS for suffix in form.suffixes),
        most_mib=desk.office.settings.evidence_mib,
    )


def _missing(desk: Desk, id: str) -> Response:
    return desk.page("milestone_missing.html", 404, id=id, near=nearest(desk.standing, id))
