"""計画: those in force and the files that wait; what a plan is like, how far it slipped, and its text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from kijitsu.domain.eras import show_fiscal_year
from kijitsu.domain.errors import InputError, InvalidFile, Problem
from kijitsu.domain.plan import Plan
from kijitsu.domain.reminders import policy_name
from kijitsu.domain.roles import Right
from kijitsu.explain import policy_words
from kijitsu.located import write_yaml
from kijitsu.services import adopting, chronicle, ledger, slipping
from kijitsu.services.slipping import ADOPTED, SlipReport
from kijitsu.services.today import next_pass
from kijitsu.web.desk import AtAPlan, AtTheDoor, Desk
from kijitsu.web.forms import Form, read_form

SAID = {
    "adopted": (
        "計画を採り入れました。次の監視から督促が始まります。",
        "The plan was adopted. Its reminders begin with the next watch.",
    ),
}

router = APIRouter(prefix="/plans")


@router.api_route("", methods=["GET", "HEAD"])
def show_all(desk: AtTheDoor) -> Response:
    """Show the plans in force and the files that nobody adopted."""
    return _listed(desk)


def _listed(desk: Desk, status: int = 200, error: str = "", problems: tuple[Problem, ...] = ()) -> Response:
    return desk.page(
        "plans.html",
        status,
        said=desk.said(SAID),
        plans=ledger.plans_in_force(desk.office),
        files=ledger.files_not_adopted(desk.office),
        folder=desk.office.library.folder.name,
        fiscal_year=show_fiscal_year,
        may_adopt=desk.actor.may(Right.ADOPT),
        error=error,
        problems=problems,
    )


@router.post("")
async def adopt(desk: AtTheDoor) -> Response:
    """Take a plan file into the database."""
    form = await read_form(desk.request, desk.signed.csrf)
    return await run_in_threadpool(_adopted, desk, form)


def _adopted(desk: Desk, form: Form) -> Response:
    # What is adopted here is a file of the folder, whatever else a name may mean elsewhere.
    wanted = form.fields.get("plan", "")
    desk.actor.require(Right.ADOPT, "計画の採用")
    if wanted not in desk.office.library.ids("plans"):
        return _listed(desk, 422, f"計画のファイル「{wanted}」がありません。一覧から選んでください。")
    try:
        adopting.adopt(desk.office, wanted, desk.actor)
    except InvalidFile as exc:
        return _listed(desk, 422, "このファイルは、まだ採り入れられません。", tuple(exc.problems))
    except InputError as exc:
        return _listed(desk, 409, str(exc))
    return desk.back("plans", said="adopted")


# --- one plan ---


@dataclass
class Followed:
    """A reminder policy in words, and the milestones that follow it, by id with their titles."""

    name: str
    words: list[tuple[str, str]]
    milestones: dict[str, str] = field(default_factory=dict)


@router.api_route("/{plan}", methods=["GET", "HEAD"])
def show(desk: AtAPlan) -> Response:
    """Show a plan: what it is, who is reminded when, its baselines, and how far it is from one of them."""
    against, status, error = desk.request.query_params.get("against"), 200, ""
    report: SlipReport | None = None
    if against is not None:
        try:
            report = slipping.slip(desk.office, desk.plan, against or ADOPTED, desk.today)
        except InputError as exc:
            status, error = 422, str(exc)
    standing = desk.standing
    return desk.page(
        "plan.html",
        status,
        policies=list(_followed(standing.plan)),
        revisions=chronicle.revisions(desk.office, standing),
        next_pass=next_pass(standing, ledger.last_pass(desk.office, desk.plan)),
        against=against or ADOPTED,
        report=report,
        fiscal_year=show_fiscal_year,
        error=error,
    )


def _followed(plan: Plan) -> Iterator[Followed]:
    """Yield the policies that the plan's milestones follow, the most followed first."""
    found: dict[str, Followed] = {}
    for milestone in plan.milestones.values():
        name = policy_name(plan, milestone)
        each = found.setdefault(name, Followed(name, list(policy_words(plan.policies[name]))))
        each.milestones[milestone.id] = milestone.title
    yield from sorted(found.values(), key=lambda each: -len(each.milestones))


@router.api_route("/{plan}/export", methods=["GET", "HEAD"])
def export(desk: AtAPlan) -> Response:
    """Give the revision in force as a file to edit and to hand in again."""
    standing = desk.standing
    name = f"{desk.plan}-{standing.revision}.yaml"
    return Response(
        write_yaml(dict(standing.loaded.document)),
        media_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
