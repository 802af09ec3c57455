"""Who is signed in to the board, and the pages on which they sign in. Without a visit nothing is shown."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from ipaddress import ip_address
from types import ModuleType
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from kijitsu.domain.errors import OutsideError
from kijitsu.links import KeyFile
from kijitsu.office import Actor, Office
from kijitsu.services import accounts
from kijitsu.services.accounts import BadSignInLink
from kijitsu.services.passwords import SHORTEST_PASSWORD, BadPassword, LockedOut, WrongPassword
from kijitsu.settings import Settings
from kijitsu.web.forms import read_form
from kijitsu.web.render import html, message, root_of
from kijitsu.web.words import LANGUAGES

COOKIE, ASKED = "kijitsu-session", "kijitsu-oidc"
"""The visit's token; and what was asked of the OpenID provider, until it answers."""

# Where a sign-in may lead: to a page of ours and nowhere else.
_OURS = re.compile(r"(?:plans(?:/[\w.~-]+)*|account)(?:\?[\w.~%&=+,:/-]*)?", re.ASCII)

_SAID = {
    "password": (
        "パスワードを変えました。ほかの画面のサインインは終わりました。",
        "Your password was changed; you were signed out elsewhere.",
    )
}

router = APIRouter()


class NotSignedIn(Exception):
    """Nobody is signed in, or not any more."""


@dataclass(frozen=True)
class SignedIn:
    """Somebody who is signed in: what their forms must hold as `csrf`, and `by` what (local, proxy or oidc)."""

    actor: Actor
    csrf: str
    by: str


def signed_in(request: Request) -> SignedIn:
    """Return who asks. Raises NotSignedIn, and NotAllowed for somebody whom the proxy knows and we do not."""
    office: Office = request.app.state.fresh()
    if account := _named_by_proxy(request, office.settings):
        key = KeyFile(office.settings.home).keys()[-1].secret
        return SignedIn(accounts.vouched_for(office, account, "proxy"), _csrf(key, account), "proxy")
    token = request.cookies.get(COOKIE, "")
    # What a page asks by itself every minute does not make its reader present.
    found = accounts.visit(office, token, is_active="hx-request" not in request.headers) if token else None
    if found is None:
        raise NotSignedIn
    by = "oidc" if found.began_by == "oidc" else "local"
    return SignedIn(office.known_as(found.account, found.began_by), _csrf(token, ""), by)


def ask_to_sign_in(request: Request) -> Response:
    """Return the way to the sign-in page; for a form that was sent too late, a page that says so."""
    if "hx-request" in request.headers:
        # A part of a page is no place to sign in: the browser is to load the whole of it again.
        return Response(status_code=401, headers={"HX-Refresh": "true"})
    if request.method not in ("GET", "HEAD"):
        text = "サインインしていないか、時間がたって終わりました。サインインして、もう一度送ってください。"
        return message(request, 401, "サインインしてください", text)
    asked = request.url.path.lstrip("/") + (f"?{request.url.query}" if request.url.query else "")
    wanted = f"?next={quote(asked, safe='')}" if _next(asked) else ""
    return RedirectResponse(f"{root_of(request)}sign-in{wanted}", 303)


def _named_by_proxy(request: Request, settings: Settings) -> str:
    if not settings.proxy_user_header or not _is_proxy(request, settings):
        return ""
    # Several values are no name: one of them did not come from the proxy.
    named = request.headers.getlist(settings.proxy_user_header)
    return named[0].strip() if len(named) == 1 else ""


def _is_proxy(request: Request, settings: Settings) -> bool:
    try:
        peer = ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    return any(peer in network for network in settings.proxies)


def _address(request: Request, settings: Settings) -> str:
    """Return the client's address: of a proxy that is believed, whom it names as its own client."""
    forwarded = ",".join(request.headers.getlist("x-forwarded-for")).rpartition(",")[2].strip()
    if forwarded and _is_proxy(request, settings):
        return forwarded
    return request.client.host if request.client else ""


def _csrf(secret: str, about: str) -> str:
    return hmac.new(secret.encode(), f"kijitsu-csrf {about}".encode(), sha256).hexdigest()


def _next(asked: str) -> str:
    """Return where to go after a sign-in, from our root; "" for what is no page of ours."""
    is_ours = bool(_OURS.fullmatch(asked)) and ".." not in asked.partition("?")[0].split("/")
    return asked if is_ours else ""


# --- the pages ---


@router.api_route("/sign-in", methods=["GET", "HEAD"])
def show_sign_in(request: Request) -> Response:
    """Show where to sign in."""
    return _sign_in_page(request, _next(request.query_params.get("next", "")))


@router.post("/sign-in")
async def take_sign_in(request: Request) -> Response:
    """Sign somebody in with a password."""
    form = await read_form(request, None)
    account, wanted = form.fields.get("account", ""), _next(form.fields.get("next", ""))
    office: Office = request.app.state.fresh()
    address = _address(request, office.settings)
    try:
        token = await run_in_threadpool(accounts.sign_in, office, account, form.fields.get("password", ""), address)
    except (WrongPassword, LockedOut) as exc:
        status = 429 if isinstance(exc, LockedOut) else 403
        return await run_in_threadpool(_sign_in_page, request, wanted, status, account, str(exc))
    return await run_in_threadpool(_begun, request, token, f"{root_of(request)}{wanted}")


@router.api_route("/sign-in/{token}", methods=["GET", "HEAD"])
def show_link(request: Request, token: str) -> Response:
    """Show whom a one-time link is for; only its button signs in, for programs that read mail follow links."""
    try:
        account = accounts.whose_link(request.app.state.fresh(), token)
    except BadSignInLink as exc:
        return message(request, 410, "サインインのリンクを使えません", str(exc))
    return _page(request, "sign_in_link.html", account=account)


@router.post("/sign-in/{token}")
async def take_link(request: Request, token: str) -> Response:
    """Sign in whom a one-time link is for."""
    await read_form(request, None)
    try:
        began = await run_in_threadpool(accounts.sign_in_by_link, request.app.state.fresh(), token)
    except BadSignInLink as exc:
        return message(request, 410, "サインインのリンクを使えません", str(exc))
    return await run_in_threadpool(_begun, request, began, f"{root_of(request)}account")


@router.post("/sign-out")
async def sign_out(request: Request, signed: Annotated[SignedIn, Depends(signed_in)]) -> Response:
    """End the visit."""
    await read_form(request, signed.csrf)
    if signed.by == "proxy":
        text = (
            "サインインは庁内の中継（リバースプロキシ）が行っています。終えるには、そちらでサインアウトしてください。"
        )
        return message(request, 409, "サインアウトできません", text)
    await run_in_threadpool(accounts.sign_out, request.app.state.fresh(), request.cookies[COOKIE])
    response = RedirectResponse(f"{root_of(request)}sign-in", 303)
    response.delete_cookie(COOKIE)
    return response


@router.api_route("/account", methods=["GET", "HEAD"])
def show_account(request: Request, signed: Annotated[SignedIn, Depends(signed_in)]) -> Response:
    """Show who is signed in, and where a password is chosen."""
    return _account_page(request, signed)


@router.post("/account")
async def take_password(request: Request, signed: Annotated[SignedIn, Depends(signed_in)]) -> Response:
    """Set the password of whoever is signed in; every other visit of theirs ends."""
    form = await read_form(request, signed.csrf)
    return await run_in_threadpool(partial(_password_taken, request, signed, dict(form.fields)))


@router.get("/oidc/start")
def ask_provider(request: Request) -> Response:
    """Send the browser to the city's OpenID provider; a link, for our policy lets no form lead elsewhere."""
    office: Office = request.app.state.fresh()
    oidc = _oidc(office.settings)
    url, asked = oidc.Provider(office.settings).ask(_next(request.query_params.get("next", "")))
    response = RedirectResponse(url, 303)
    kept = oidc.sealed(asked, KeyFile(office.settings.home), office.clock())
    _set_cookie(response, office.settings, ASKED, kept, oidc.SECONDS_TO_SIGN_IN)
    return response


@router.get("/oidc/callback")
def hear_provider(request: Request) -> Response:
    """Sign in whom the provider names."""
    office: Office = request.app.state.fresh()
    oidc = _oidc(office.settings)
    try:
        asked = oidc.opened(request.cookies.get(ASKED, ""), KeyFile(office.settings.home), office.clock())
        account = oidc.Provider(office.settings).account(asked, request.query_params, office.clock())
    except oidc.Refused as exc:
        return message(request, 403, "サインインできません", str(exc))
    token = accounts.begin(office, accounts.vouched_for(office, account, "oidc"))
    response = _begun(request, token, f"{root_of(request)}{asked.wanted}")
    response.delete_cookie(ASKED)
    return response


def _oidc(settings: Settings) -> ModuleType:
    """Return the module that speaks to a provider, where one is set: it takes an extra."""
    if not settings.oidc_issuer:
        raise HTTPException(404)
    try:
        from kijitsu import oidc
    except ImportError as exc:
        raise OutsideError("OpenID Connect には追加の導入が要ります: pip install 'kijitsu[oidc]'") from exc
    return oidc


def _password_taken(request: Request, signed: SignedIn, given: dict[str, str]) -> Response:
    office: Office = request.app.state.fresh()
    if given.get("new", "") != given.get("again", ""):
        return _account_page(request, signed, 422, "again", "上と同じパスワードを入力してください。")
    token = request.cookies.get(COOKIE, "")
    try:
        began = accounts.set_password(
            office, token, given.get("old", ""), given.get("new", ""), _address(request, office.settings)
        )
    except BadPassword as exc:
        return _account_page(request, signed, 422, "new", str(exc))
    except WrongPassword:
        return _account_page(request, signed, 403, "old", "今のパスワードが違います。")
    except LockedOut as exc:
        return _account_page(request, signed, 429, "old", str(exc))
    return _begun(request, began, "?said=password")


def _begun(request: Request, token: str, where: str) -> Response:
    """Give the browser its visit; one that it had before is over."""
    office: Office = request.app.state.fresh()
    if former := request.cookies.get(COOKIE):
        accounts.sign_out(office, former)
    response = RedirectResponse(where, 303)
    _set_cookie(response, office.settings, COOKIE, token)
    return response


def _set_cookie(response: Response, settings: Settings, name: str, value: str, seconds: int | None = None) -> None:
    is_secure = settings.base_url.startswith("https:")
    response.set_cookie(name, value, seconds, httponly=True, samesite="lax", secure=is_secure)


def _sign_in_page(request: Request, wanted: str, status: int = 200, account: str = "", error: str = "") -> Response:
    settings = request.app.state.office.settings
    with_provider = bool(settings.oidc_issuer)
    return _page(
        request, "sign_in.html", status, wanted=wanted, account=account, error=error, with_provider=with_provider
    )


def _account_page(request: Request, signed: SignedIn, status: int = 200, wrong: str = "", error: str = "") -> Response:
    # It needs us first.
    from kijitsu.web.desk import Desk

    desk = Desk(request, request.app.state.fresh(), signed)
    said = desk.said(_SAID)
    errors = {wrong: error} if wrong else {}
    return desk.page("account.html", status, errors=errors, said=said, shortest=SHORTEST_PASSWORD)


def _page(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    asked = (request.query_params.get("lang"), request.cookies.get("kijitsu-language"))
    language = next((each for each in asked if each in LANGUAGES), "ja")
    return html(request, f"board/{template}", status, language, desk=None, **values)
