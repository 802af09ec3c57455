"""What every page of the board needs: who asks, which plan, in which language, and how an answer is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse

from kijitsu.domain.errors import InputError, did_you_mean
from kijitsu.domain.plan import Organisation
from kijitsu.domain.roles import Right
from kijitsu.office import Actor, NotAllowed, Office
from kijitsu.services import ledger, reading
from kijitsu.services.reading import Standing
from kijitsu.services.watching import organisation_of
from kijitsu.web import access
from kijitsu.web.access import SignedIn
from kijitsu.web.render import html, root_of
from kijitsu.web.words import LANGUAGES

PAGES = (
    ("today", "今日", "Today"),
    ("timeline", "工程表", "Timeline"),
    ("stops", "停止・要対応", "Stopped and due"),
    ("changes", "日程変更", "Changes"),
    ("deliveries", "配信", "Messages"),
    ("audit", "監査", "Audit"),
)
"""The pages of a plan, in the order of the navigation: address, Japanese, English."""

POLICY = "default-src 'self'; object-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
"""The board's pages may run our own scripts, and load nothing from anywhere else."""

COOKIE = "kijitsu-language"
"""Remembers the language; nothing else is kept in it."""


class NoPlan(InputError):
    """A page was asked for of a plan that was not adopted."""


@dataclass(frozen=True)
class Desk:
    """One request of somebody who is signed in. `plan` is "" on the pages that are not about one."""

    request: Request
    office: Office
    signed: SignedIn
    plan: str = ""

    @property
    def actor(self) -> Actor:
        """Who asks, with their roles."""
        return self.signed.actor

    @cached_property
    def meant(self) -> str:
        """The plan of the page, else the one that is meant where none is named; "" where nobody adopted that."""
        if self.plan:
            return self.plan
        try:
            return self.office.plan if reading.adopter_of(self.office, self.office.plan) else ""
        except InputError:
            return ""

    @cached_property
    def language(self) -> str:
        """The language that is asked for, the remembered one, else Japanese."""
        asked = (self.request.query_params.get("lang"), self.request.cookies.get(COOKIE))
        return next((each for each in asked if each in LANGUAGES), "ja")

    @cached_property
    def organisation(self) -> Organisation:
        """The organisation that adopted the plan; where the page is about none, the first there is."""
        return organisation_of(self.office, self.plan) if self.plan else self.office.library.organisations()[0]

    @cached_property
    def today(self) -> date:
        """Today in the city."""
        return self.office.today(self.organisation)

    @cached_property
    def standing(self) -> Standing:
        """Where the adopted plan stands today. Raises NoPlan."""
        return self.standing_on(self.today)

    def standing_on(self, day: date) -> Standing:
        """Return where the adopted plan stands on a day. Raises NoPlan."""
        if not reading.adopter_of(self.office, self.plan):
            adopted = [str(each["plan"]) for each in ledger.adopted_plans(self.office)]
            hint = did_you_mean(self.plan, adopted) or f"あるもの: {'、'.join(adopted) or 'なし'}"
            raise NoPlan(f"計画 {self.plan} は採り入れられていません。{hint}")
        return reading.standing(self.office, self.plan, day)

    def say(self, ja: str, en: str) -> str:
        """Return a wording in the language of the page."""
        return ja if self.language == "ja" else en

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page of `templates/board/`, with the frame around it."""
        names = [(path, self.say(ja, en)) for path, ja, en in PAGES]
        response = html(
            self.request, f"board/{template}", status, self.language, desk=self, pages=names, here=self._here, **values
        )
        response.headers["Content-Security-Policy"] = POLICY
        if self.request.query_params.get("lang") == self.language:
            response.set_cookie(COOKIE, self.language, samesite="lax")
        return response

    def back(self, path: str, **query: str) -> Response:
        """Return the answer to a form that was taken: look at a page, its address given from our root."""
        asked = f"?{urlencode(query)}" if query else ""
        return RedirectResponse(f"{root_of(self.request)}{path}{asked}", 303)

    def said(self, words: Mapping[str, tuple[str, str]]) -> str:
        """Return what is said of the form that was taken just now, by the key that `back` put into the address."""
        ja, en = words.get(self.request.query_params.get("said", ""), ("", ""))
        return self.say(ja, en)

    def switched(self) -> str:
        """Return the address of this page in the other language."""
        other = LANGUAGES[LANGUAGES.index(self.language) - 1]
        return "?" + urlencode(
            [*((k, v) for k, v in self.request.query_params.multi_items() if k != "lang"), ("lang", other)]
        )

    @property
    def _here(self) -> str:
        """The page of the navigation that this address lies under."""
        parts = self.request.url.path.rstrip("/").split("/")
        return parts[3] if len(parts) > 3 else parts[min(1, len(parts) - 1)]


def at_the_door(request: Request, signed: Annotated[SignedIn, Depends(access.signed_in)]) -> Desk:
    """Return the desk of a page that is about no plan. Raises NotAllowed for somebody who may not read."""
    signed.actor.require(Right.READ, "閲覧")
    return Desk(request, request.app.state.fresh(), signed)


def at_a_plan(request: Request, plan: str, signed: Annotated[SignedIn, Depends(access.signed_in)]) -> Desk:
    """Return the desk of a page of a plan. Raises NotAllowed for somebody who may not read."""
    signed.actor.require(Right.READ, "閲覧")
    return Desk(request, request.app.state.fresh(), signed, plan)


AtTheDoor = Annotated[Desk, Depends(at_the_door)]
AtAPlan = Annotated[Desk, Depends(at_a_plan)]


def status_of(exc: InputError) -> int:
    """Return the status of a form that was refused."""
    return 403 if isinstance(exc, NotAllowed) else 422
