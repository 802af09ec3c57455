"""停止・要対応: what is stopped and by what, what is late, what is soon due; and asking whoever is in charge."""

from __future__ import annotations

from fastapi import APIRouter, Response
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool

from kijitsu.domain.errors import InputError
from kijitsu.domain.roles import Right
from kijitsu.services.reminding import asked_today, remind
from kijitsu.services.stops import STATES, Chain, stops
from kijitsu.web.chain import chain_picture
from kijitsu.web.desk import AtAPlan, Desk, status_of
from kijitsu.web.forms import Form, read_form

MOST_IN_PICTURE = 120
"""A picture of more boxes is no picture any more; the words below it say the same."""

router = APIRouter(prefix="/plans/{plan}/stops")


@router.api_route("", methods=["GET", "HEAD"])
def show(desk: AtAPlan) -> Response:
    """Show what is stopped, late and soon due."""
    return _page(desk)


@router.post("")
async def ask(desk: AtAPlan) -> Response:
    """Ask whoever is in charge of a milestone, now."""
    form = await read_form(desk.request, desk.signed.csrf)
    return await run_in_threadpool(_asked, desk, form)


def _asked(desk: Desk, form: Form) -> Response:
    id = form.fields.get("milestone", "")
    try:
        remind(desk.office, desk.plan, id, desk.actor)
    except InputError as exc:
        return _page(desk, status_of(exc), refused={id: str(exc)})
    query = {name: value for name, value in desk.request.query_params.items() if name in ("state", "owner")}
    answer = desk.back(f"plans/{desk.plan}/stops", **query, asked=id)
    answer.headers["Location"] += f"#{id}"
    return answer


def _page(desk: Desk, status: int = 200, refused: dict[str, str] | None = None) -> Response:
    plan, query = desk.standing.plan, desk.request.query_params
    state = query.get("state", "") if query.get("state") in STATES else ""
    owner = query.get("owner", "") if query.get("owner") in plan.organisation.bodies else ""
    owners = dict.fromkeys(each.owner for each in plan.milestones.values())
    found = stops(desk.standing, state, owner)
    return desk.page(
        "stops.html",
        status,
        found=found,
        state=state,
        owner=owner,
        owners=[plan.organisation.bodies[each] for each in owners],
        picture=_picture(desk, found.chain),
        asked=asked_today(desk.office, desk.standing),
        now=desk.office.now(desk.organisation),
        may_ask=desk.actor.may(Right.SEND),
        refused=refused or {},
        just_asked=query.get("asked", "") if status == 200 else "",
    )


def _picture(desk: Desk, chain: Chain) -> Markup | None:
    if not chain.links or len(chain.titles) > MOST_IN_PICTURE:
        return None
    words = desk.say("原因: ", "Cause: "), desk.say("停止: ", "Stopped: ")
    return Markup(chain_picture(chain.titles, chain.links, chain.roots, words))  # noqa: S704 (it escapes what it is given)
