"""日程変更: choose, preview, change or propose, approve, undo; and what was changed so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from kijitsu.domain.errors import InputError
from kijitsu.domain.gates import Status
from kijitsu.domain.periods import UNITS
from kijitsu.domain.plan import Milestone
from kijitsu.domain.roles import Right
from kijitsu.office import NotAllowed
from kijitsu.services import changing, chronicle, describing, slipping
from kijitsu.services.changing import StalePreview
from kijitsu.services.reckoning import Change, mended
from kijitsu.web.before_after import Picture, picture
from kijitsu.web.change_form import Asked, edit_of_also, query_of
from kijitsu.web.desk import AtAPlan, Desk, status_of
from kijitsu.web.forms import Form, number_of, read_form

SAID: Mapping[str, tuple[str, str]] = {
    "made": ("変更しました。関係する担当課に、新しい日程を知らせます。", "Changed. Whoever is concerned will be told."),
    "proposed": (
        "承認を求めました。承認されるまで、計画は変わりません。",
        "Approval was asked for. Until then the plan stays as it is.",
    ),
    "approved": ("承認し、変更しました。", "Approved and changed."),
    "turned-down": ("却下しました。計画は変わりません。", "Turned down. The plan stays as it is."),
    "withdrawn": ("取り下げました。計画は変わりません。", "Withdrawn. The plan stays as it is."),
    "named": ("基準に名前を付けました。", "The baseline has its name."),
}

PAGE = 20
"""So many revisions are shown at once."""

GROUPS = (
    Status.OVERDUE,
    Status.BLOCKED,
    Status.DUE_SOON,
    Status.ACTIVE,
    Status.READY,
    Status.WAITING,
    Status.SCHEDULED,
    Status.UNDECIDED,
    Status.WAIVED,
    Status.CANCELLED,
    Status.DONE,
)
"""The states in the order in which the milestones to choose from are grouped."""

router = APIRouter(prefix="/plans/{plan}/changes")


@dataclass(frozen=True)
class Shown:
    """A change as the pages show it. `remedies` are sentences, each with the query of its own preview, "" for none."""

    change: Change
    picture: Picture | None
    lines: Sequence[describing.Line]
    asked: Sequence[str]
    undated: Sequence[str]
    told: Sequence[str]
    reaches: Sequence[str]
    remedies: Sequence[tuple[str, str]]


def _shown(change: Change) -> Shown:
    return Shown(
        change,
        picture(change),
        describing.lines(change),
        describing.asked(change),
        list(describing.undated(change)),
        describing.told(change),
        list(describing.reaches(change)),
        [
            (describing.remedy_sentence(change, each), query_of(mended(change.request, each)))
            for each in change.advice.remedies
        ],
    )


# --- what was changed, and what waits ---


@router.api_route("", methods=["GET", "HEAD"])
def show(desk: AtAPlan) -> Response:
    """Show what waits for approval, the revisions and the baselines."""
    return _listed(desk)


@router.post("/baselines")
async def name_baseline(desk: AtAPlan) -> Response:
    """Give a revision a name."""
    return await with_form(desk, _named)


def _named(desk: Desk, form: Form) -> Response:
    name, number = form.fields.get("name", ""), form.fields.get("revision", "")
    try:
        slipping.baseline(desk.office, desk.plan, name, number_of(number), desk.actor)
    except InputError as exc:
        return _listed(desk, status_of(exc), error=str(exc), given=form.fields)
    return desk.back(f"plans/{desk.plan}/changes", said="named")


def _listed(desk: Desk, status: int = 200, error: str = "", given: Mapping[str, str] | None = None) -> Response:
    revisions = chronicle.revisions(desk.office, desk.standing)
    proposals = chronicle.proposals(desk.office, desk.standing, desk.actor)
    before = number_of(desk.request.query_params.get("before", "")) or len(revisions) + 1
    shown = [each for each in revisions if each.number < before]
    return desk.page(
        "changes.html",
        status,
        said=desk.said(SAID) if status == 200 else "",
        waiting=[each for each in reversed(proposals) if each.is_pending],
        refused=[each for each in proposals if not each.is_pending and not each.row.applied_as],
        revisions=shown[:PAGE],
        older=shown[PAGE - 1].number if len(shown) > PAGE else None,
        every=revisions,
        refusal=_refusal(desk),
        may_name=desk.actor.may(Right.BASELINE),
        error=error,
        given=given or {},
    )


# --- choosing and previewing ---


@router.api_route("/new", methods=["GET", "HEAD"])
def choose(desk: AtAPlan) -> Response:
    """Show the form and, where it says what to change, all that this would do."""
    query = desk.request.query_params
    asked = Asked(dict(query), query.getlist("also"))
    return _previewed(desk, asked) if asked.get("do") else _form(desk, asked)


@router.post("/new")
async def submit(desk: AtAPlan) -> Response:
    """Make a change that was previewed, or ask for its approval."""
    return await with_form(desk, _submitted)


def _submitted(desk: Desk, form: Form) -> Response:
    asked = Asked(form.fields, form.lists.get("also", ()))
    again = partial(_previewed, desk, asked)

    def act() -> Change:
        request = asked.request(form.fields.get("reason", ""))
        return changing.change(desk.office, desk.plan, request, desk.actor, seen(form))

    return acted(desk, form, act, "", again)


def _previewed(desk: Desk, asked: Asked, status: int = 200, **values: Any) -> Response:
    try:
        change = changing.preview(desk.office, desk.plan, asked.request())
    except InputError as exc:
        errors = {asked.field_of(exc): str(exc)}
        return _form(desk, asked, 422 if status == 200 else status, **{**values, "errors": errors})
    return _form(desk, asked, status, change=change, **values)


def _form(desk: Desk, asked: Asked, status: int = 200, change: Change | None = None, **values: Any) -> Response:
    plan = desk.standing.plan
    groups: dict[Status, list[Milestone]] = {status: [] for status in GROUPS}
    for id, verdict in desk.standing.verdicts.items():
        groups[verdict.status].append(plan.milestones[id])
    milestone = plan.milestones.get(asked.get("milestone"))
    return desk.page(
        "change_new.html",
        status,
        asked=asked,
        also=[(each, describing.wanted(edit_of_also(each), plan.milestones, plan.organisation)) for each in asked.also],
        milestone=milestone,
        slot=desk.standing.slots[milestone.id] if milestone else None,
        groups={status: each for status, each in groups.items() if each},
        units=UNITS,
        bodies=plan.organisation.bodies.values(),
        **of_change(desk, change, values),
    )


# --- approving ---


@router.api_route("/proposals/{number:int}", methods=["GET", "HEAD"])
def look(desk: AtAPlan, number: int) -> Response:
    """Show a proposed change with what it would do now, and what became of it."""
    return _proposal(desk, number)


@router.post("/proposals/{number:int}/approve")
async def approve(desk: AtAPlan, number: int) -> Response:
    """Approve a proposed change and make it."""
    return await with_form(desk, partial(_approved, number=number))


@router.post("/proposals/{number:int}/turn-down")
async def turn_down(desk: AtAPlan, number: int) -> Response:
    """Turn a proposed change down, or withdraw one's own."""
    return await with_form(desk, partial(_turned_down, number=number))


def _approved(desk: Desk, form: Form, number: int) -> Response:
    reason = form.fields.get("decision", "")
    act = partial(changing.approve, desk.office, desk.plan, number, desk.actor, reason, seen(form))
    return acted(desk, form, act, "approved", partial(_proposal, desk, number))


def _turned_down(desk: Desk, form: Form, number: int) -> Response:
    try:
        decided = changing.turn_down(desk.office, desk.plan, number, desk.actor, form.fields.get("reason", ""))
    except InputError as exc:
        return _proposal(desk, number, status_of(exc), errors={"reason": str(exc)}, given=form.fields)
    said = "withdrawn" if decided.state.value == "withdrawn" else "turned-down"
    return desk.back(f"plans/{desk.plan}/changes", said=said)


def _proposal(desk: Desk, number: int, status: int = 200, **values: Any) -> Response:
    found = chronicle.proposals(desk.office, desk.standing, desk.actor)
    proposal = next((each for each in found if each.row.number == number), None)
    change, refused = None, ""
    if proposal is None or proposal.is_pending:
        try:
            change = changing.look_at(desk.office, desk.plan, number)
        except InputError as exc:
            if proposal is None:
                raise
            refused = str(exc)
    return desk.page(
        "change_proposal.html",
        status,
        proposal=proposal,
        refused=refused,
        state=changing.SHOWN_STATES[proposal.row.state] if proposal else "",
        **of_change(desk, change, values),
    )


# --- taking back ---


@router.api_route("/{number:int}/undo", methods=["GET", "HEAD"])
def look_back(desk: AtAPlan, number: int) -> Response:
    """Show what it would do to take a revision back."""
    return _undo(desk, number)


@router.post("/{number:int}/undo")
async def undo(desk: AtAPlan, number: int) -> Response:
    """Take a revision back, or ask for approval to do so."""
    return await with_form(desk, partial(_undone, number=number))


def _undone(desk: Desk, form: Form, number: int) -> Response:
    request = changing.undo_request(desk.office, desk.plan, number, form.fields.get("reason", ""))
    act = partial(changing.change, desk.office, desk.plan, request, desk.actor, seen(form))
    return acted(desk, form, act, "", partial(_undo, desk, number))


def _undo(desk: Desk, number: int, status: int = 200, **values: Any) -> Response:
    request = changing.undo_request(desk.office, desk.plan, number, "")
    change, refused = None, ""
    try:
        change = changing.preview(desk.office, desk.plan, request)
    except InputError as exc:
        refused = str(exc)
    made = [each for each in chronicle.revisions(desk.office, desk.standing) if each.number == number]
    return desk.page(
        "change_undo.html",
        status if change else 422,
        number=number,
        made=made[0] if made else None,
        refused=refused,
        **of_change(desk, change, values),
    )


# --- what they share ---


async def with_form(desk: Desk, act: Callable[[Desk, Form], Response]) -> Response:
    form = await read_form(desk.request, desk.signed.csrf)
    return await run_in_threadpool(act, desk, form)


def acted(desk: Desk, form: Form, act: Callable[[], Change], said: str, again: Callable[..., Response]) -> Response:
    """Do what was asked for, and go back to the list; or show the page again with what is in the way."""
    try:
        done = act()
    except StalePreview as exc:
        return again(status=409, since=exc.since, given=form.fields)
    except InputError as exc:
        return again(status=status_of(exc), errors={"reason": str(exc)}, given=form.fields)
    return desk.back(f"plans/{desk.plan}/changes", said=said or ("proposed" if done.proposed_as else "made"))


def of_change(desk: Desk, change: Change | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what every page with a preview is given.

    That is the change, why this person may not make it, the errors and what was typed; `since` are the revisions that
    came between the preview and the form.
    """
    return {
        "shown": change and _shown(change),
        "refusal": _refusal(desk),
        "approvers": desk.standing.plan.approvers,
        "errors": {},
        "given": {},
        "since": (),
        **values,
    }


def _refusal(desk: Desk) -> str:
    """Return why somebody may not change the plan and whom to ask, "" where they may."""
    try:
        desk.actor.require(Right.CHANGE, "計画の変更")
    except NotAllowed as exc:
        return str(exc)
    return ""


def seen(form: Form) -> int:
    """Return the revision that was looked at. Raises InputError for a form that does not say which."""
    number = number_of(form.fields.get("seen", ""))
    if number is None:
        raise InputError("どの版で影響を確かめたかがわかりません。影響を確かめてから、もう一度送ってください。")
    return number
