"""配信: what did not arrive, what waits, what was sent and what will be; each letter in full."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from kijitsu.domain.errors import InputError
from kijitsu.domain.roles import Right
from kijitsu.explain import rule_words
from kijitsu.services import delivering, ledger
from kijitsu.services.ledger import Posted
from kijitsu.web.desk import AtAPlan, Desk
from kijitsu.web.forms import Form, number_of, read_form

STATES: Mapping[str, tuple[str, str]] = {
    "dead": ("不達", "Not delivered"),
    "pending": ("送信待ち", "Waiting"),
    "sent": ("送信済み", "Sent"),
    "withdrawn": ("取りやめ", "Withdrawn"),
    "upcoming": ("これから", "To come"),
}
"""What the page is asked for by `state`: letters by what became of them, and the reminders that nobody wrote yet."""

SAID: Mapping[str, tuple[str, str]] = {
    "again": (
        "送信待ちに戻しました。次の配信（開庁日の執務時間に5分ごと）で出ます。",
        "Put back in the queue. It goes out with the next delivery, every five minutes in office hours.",
    ),
}

PAGE = 50
"""So many letters, or reminders, are shown at once."""

AT_FIRST = 10
"""So many of each kind are shown on the first page, which has all kinds."""

LETTER_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
"""A letter's HTML is styled in place, as mail is; it may do nothing else, whoever opens it."""

router = APIRouter(prefix="/plans/{plan}/deliveries")


@router.api_route("", methods=["GET", "HEAD"])
def show(desk: AtAPlan) -> Response:
    """Show letters in one state, or a few of each."""
    query = desk.request.query_params
    state, recipient, milestone = (query.get(name, "") for name in ("state", "recipient", "milestone"))
    state, before = state if state in STATES else "", query.get("before", "")
    chosen = {"recipient": recipient, "milestone": milestone}
    most = PAGE if state else AT_FIRST
    lists = {
        each: _letters(desk, each, before, most + 1, chosen)
        for each in ("dead", "pending", "sent", "withdrawn")
        if state == each or (not state and each != "withdrawn")
    }
    return desk.page(
        "deliveries.html",
        said=desk.said(SAID),
        before=before,
        state=state,
        states=STATES,
        chosen=chosen,
        filter={name: value for name, value in chosen.items() if value},
        counts={each.value: count for each, count in ledger.letters(desk.office, desk.organisation).items()},
        lists={each: found[:most] for each, found in lists.items()},
        more={each: len(found) > most for each, found in lists.items()},
        ahead=_ahead(desk, chosen) if state == "upcoming" else {},
        rule_words=rule_words,
        recipients=_recipients(desk),
        may_send=desk.actor.may(Right.SEND),
    )


def _letters(desk: Desk, state: str, before: str, most: int, chosen: Mapping[str, str]) -> list[Posted]:
    # What did not arrive, and what waits, is told of every plan, like the counts on 今日.
    everywhere = state in ("dead", "pending")
    return ledger.posted(
        desk.office, desk.standing, [state], of_any_plan=everywhere, most=most, before=before, **chosen
    )


def _ahead(desk: Desk, chosen: Mapping[str, str]) -> dict[str, Any]:
    found = [
        each
        for each in ledger.reminders_ahead(desk.office, desk.standing)
        if chosen["recipient"] in ("", each["recipient_title"]) and chosen["milestone"] in ("", each["milestone"])
    ]
    first = number_of(desk.request.query_params.get("from", "")) or 0
    return {"shown": found[first : first + PAGE], "first": first, "all": len(found), "next": first + PAGE}


def _recipients(desk: Desk) -> list[str]:
    organisation = desk.standing.plan.organisation
    known = [each.addressee for each in organisation.bodies.values()]
    known += [each.addressee for each in organisation.posts.values()]
    return list(dict.fromkeys(each.title for each in known if each))


@router.post("/resend")
async def resend(desk: AtAPlan) -> Response:
    """Put a letter that did not arrive back in the queue, or all of the plan's."""
    form = await read_form(desk.request, desk.signed.csrf)
    return await run_in_threadpool(_resent, desk, form)


def _resent(desk: Desk, form: Form) -> Response:
    key = None if "all" in form.fields else form.fields.get("key", "")
    if not delivering.resend(desk.office, desk.organisation, desk.actor, desk.plan, key):
        raise InputError("不達の通知がもうありません。ほかの人が送り直したようです。配信の画面を開き直してください。")
    return desk.back(f"plans/{desk.plan}/deliveries", said="again")


# --- one letter ---


@router.api_route("/letter", methods=["GET", "HEAD"])
def show_letter(desk: AtAPlan) -> Response:
    """Show a letter as it went, or as it will."""
    return desk.page("letter.html", letter=_letter(desk), states=STATES, may_send=desk.actor.may(Right.SEND))


@router.api_route("/letter/html", methods=["GET", "HEAD"])
def show_letter_html(desk: AtAPlan) -> Response:
    """Show nothing but the letter's HTML."""
    return _html(_letter(desk).wording.html)


def _letter(desk: Desk) -> Posted:
    return ledger.letter(desk.office, desk.standing, desk.request.query_params.get("key", ""))


# --- the letters of the next pass ---


@router.api_route("/next", methods=["GET", "HEAD"])
def show_next(desk: AtAPlan) -> Response:
    """Show the letters that the next pass will write if nothing changes."""
    on, found = ledger.next_mail(desk.office, desk.plan)
    return desk.page("letters_next.html", on=on, found=found)


@router.api_route("/next/html", methods=["GET", "HEAD"])
def show_next_html(desk: AtAPlan) -> Response:
    """Show nothing but the HTML of one of them."""
    to = desk.request.query_params.get("to", "")
    _, found = ledger.next_mail(desk.office, desk.plan, to)
    if not to or not found:
        raise InputError("この宛先への通知はありません。配信の「次の監視で出る通知」から開いてください。")
    return _html(found[0].shown.html)


def _html(content: str) -> Response:
    response = HTMLResponse(content)
    response.headers["Content-Security-Policy"] = LETTER_POLICY
    return response
