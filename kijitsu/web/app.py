"""The board's web application: its routers, its headers, and what is said when something goes wrong."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from kijitsu.domain.errors import InputError, InvalidFile, KijitsuError, OutsideError
from kijitsu.links import BadLink, ExpiredLink
from kijitsu.office import NotAllowed, Office
from kijitsu.services.answering import Gone
from kijitsu.web import access, answer, views
from kijitsu.web.desk import NoPlan
from kijitsu.web.metrics import exposition
from kijitsu.web.render import message

# What a response says of itself stands: the board's pages have a script of ours.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_log = logging.getLogger(__name__)


class _Static(StaticFiles):
    """What is the same for everybody: a browser may keep it for an hour."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "max-age=3600"
        return response


def create_app(office: Office) -> FastAPI:
    """Return the board's web application. Nothing is opened before the first request."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.office, app.state.fresh = office, partial(_fresh, office)
    app.mount("/static", _Static(directory=Path(__file__).parent / "static"))

    @app.middleware("http")
    async def guarded(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        try:
            response = await call_next(request)
        except Exception as exc:  # noqa: BLE001 (whatever it is, nobody is shown a traceback)
            reference = secrets.token_hex(4)
            _log.exception("a page failed, reference %s", reference)
            text = "申し訳ありません。処理できませんでした。しばらくして、もう一度お試しください。"
            response = message(
                request, 503 if isinstance(exc, OutsideError) else 500, "処理できませんでした", text, reference
            )
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.exception_handler(HTTPException)
    async def refused(request: Request, exc: HTTPException) -> Response:
        match exc.status_code:
            case 413:
                return message(request, 413, "長すぎます", "入力を短くして、もう一度お試しください。")
            case 403:
                return message(request, 403, "受け付けられません", str(exc.detail))
            case 400:
                return message(request, 400, "受け付けられません", "送られた形を読めません。ページから送ってください。")
            case 405:
                return message(request, 405, "受け付けられません", "このアドレスは、そのようには開けません。")
            case _:
                return message(request, exc.status_code, "ページがありません", "アドレスを省かずに開いてください。")

    @app.exception_handler(KijitsuError)
    async def failed(request: Request, exc: KijitsuError) -> Response:
        match exc:
            case BadLink():
                return message(request, 404, "リンクが正しくありません", str(exc))
            case ExpiredLink():
                return message(request, 410, "リンクの期限が切れました", str(exc))
            case Gone():
                return message(request, 404, "項目がありません", str(exc))
            case NoPlan():
                return message(request, 404, "計画がありません", str(exc))
            case NotAllowed():
                return message(request, 403, "権限がありません", str(exc))
            case InvalidFile():
                raise exc  # nobody who looks at a page can mend the city's files
            case InputError():
                return message(request, 422, "受け付けられません", str(exc))
        raise exc

    @app.exception_handler(access.NotSignedIn)
    async def unknown(request: Request, exc: access.NotSignedIn) -> Response:
        return access.ask_to_sign_in(request)

    @app.get("/healthz")
    def is_alive() -> Response:
        return PlainTextResponse("ok\n")

    @app.get("/metrics")
    def measure(request: Request) -> Response:
        # For this machine's Prometheus: whoever comes by the city's proxy, or from elsewhere, finds nothing.
        is_here = request.client is not None and ip_address(request.client.host).is_loopback
        if not is_here or {"forwarded", "x-forwarded-for"} & set(request.headers):
            raise HTTPException(404)
        content, content_type = exposition(_fresh(office), request.headers.get("accept", ""))
        return Response(content, media_type=content_type)

    app.include_router(answer.router)
    app.include_router(access.router)
    for router in views.ROUTERS:
        app.include_router(router)
    return app


def _fresh(office: Office) -> Office:
    """Return the office for one request: calendars are read as they are today, and threads share no schedule."""
    return replace(
        office,
        revisions={},
        calendars={},
        make_renderer=lambda: office.renderer,
        open_links=lambda: office.links,
    )
