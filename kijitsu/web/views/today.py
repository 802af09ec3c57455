"""今日: what is wrong, what is worst, and whether anybody watches."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from kijitsu.services.today import SOON, today
from kijitsu.web.desk import AtAPlan, AtTheDoor

WORST = 10
"""So many of the milestones that want something are shown; the others are behind a link."""

router = APIRouter()


@router.api_route("/", methods=["GET", "HEAD"])
def begin(desk: AtTheDoor) -> Response:
    """Go to the first page of the plan that is meant; where there is none yet, to the plans."""
    return RedirectResponse(f"plans/{desk.meant}/today" if desk.meant else "plans", 303)


@router.api_route("/plans/{plan}/today", methods=["GET", "HEAD"])
def show(desk: AtAPlan) -> Response:
    """Show the day."""
    return desk.page("today.html", found=today(desk.office, desk.standing), soon=SOON, worst=WORST)


@router.api_route("/plans/{plan}/today/beat", methods=["GET", "HEAD"])
def beat(desk: AtAPlan) -> Response:
    """Show whether the pass is on time, and nothing else: the page asks every minute."""
    return desk.page("beat.html", found=today(desk.office, desk.standing))
