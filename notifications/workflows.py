"""Adaptive Cards to Teams over kept HTTPS connections, with every refusal sorted into 'later' and 'never'."""

from __future__ import annotations

import json
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlencode
from urllib.request import getproxies, proxy_bypass

from apprise import Apprise
from apprise.plugins.workflows import NotifyWorkflows
from urllib3 import HTTPConnectionPool, PoolManager, ProxyManager, Timeout, make_headers
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as WaitedTooLong
from urllib3.util import parse_url

from kijitsu.messages import DeliveryFailure, PermanentFailure, TransientFailure, Unreachable
from notifications.hush import hushed
from notifications.patience import Patience, patient_file

_LARGEST = 28 * 1024
_PAYLOAD = (
    '{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","contentUrl":null,'
    '"content":%s}]}'
)
_JSON = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Kijitsu"}
_LONGEST_WAIT = timedelta(days=1)


class Workflow:
    """The Workflows webhook of one Teams recipient, on a connection that is opened when needed and then kept.

    `url` is as Microsoft shows it, or Apprise's `workflows://`; no error and no log holds it, only `name`. `timeout` is
    in seconds, for each sign of life; an answer as a whole may take twice that. Raises PermanentFailure for any other
    URL. Apprise's own plugin connects anew for each card and does not tell how long Teams asks us to wait.
    """

    def __init__(self, name: str, url: str, timeout: float) -> None:
        self._place = f"Teamsの送り先「{name}」"
        with hushed():
            service = Apprise.instantiate(url)
        if not isinstance(service, NotifyWorkflows):
            raise PermanentFailure(f"{self._place}のURLが正しくありません。KIJITSU_SECRETSを確認してください")
        self._host: str = service.host
        self._port: int = service.port or 443
        self._target = _target(service)
        self._timeout = timeout
        self._kept: HTTPConnectionPool | None = None

    def post(self, card: str) -> str:
        """Post the card and return the status, such as `HTTP 202`: accepted; shown is another matter."""
        payload = _payload(card)
        if self._kept is None:
            self._kept = _pool(self._host, self._port, self._timeout)
        with hushed():
            try:
                # Not tried again and not redirected: that may post twice, or to somebody else.
                answer = self._kept.urlopen(
                    "POST", self._target, payload, _JSON, retries=False, redirect=False, preload_content=False
                )
            except HTTPError as error:
                was_connected = not isinstance(error, (ConnectTimeoutError, NewConnectionError, SSLError))
                said = f"{self._place}に接続できません{_why(error)}"
                raise Unreachable(said, may_have_arrived=was_connected) from None
            # Once it is read the connection can be used again; a long answer is not worth it.
            with suppress(HTTPError):
                answer.read(_LARGEST)
            if not answer.closed:
                answer.close()
        if 200 <= answer.status < 300:
            return f"HTTP {answer.status}"
        raise refusal(self._place, answer.status, answer.headers.get("Retry-After", ""))

    def close(self) -> None:
        """End the kept connection; a later `post` opens a new one."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None


def refusal(place: str, status: int, retry_after: str = "") -> DeliveryFailure:
    """Return what an HTTP status that is no success means for a message to `place`."""
    said = f"{place}が受け付けませんでした: HTTP {status}"
    if status in {408, 425, 429} or status >= 500:
        return TransientFailure(said, _wait(retry_after))
    return PermanentFailure(said)


def _wait(retry_after: str) -> timedelta | None:
    """Read a Retry-After header: seconds or a moment, a day at the most; None where it is neither."""
    try:
        if retry_after.isascii() and retry_after.isdecimal():
            return timedelta(seconds=min(int(retry_after), _LONGEST_WAIT.total_seconds()))
        wait = parsedate_to_datetime(retry_after).astimezone(UTC) - datetime.now(UTC)
    except (ValueError, OverflowError):
        return None
    return min(max(wait, timedelta(0)), _LONGEST_WAIT)


def _why(error: HTTPError) -> str:
    """Say it in our words: the library's hold the address."""
    match error:
        case SSLError() if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return ": サーバーの証明書を確かめられません"
        case WaitedTooLong():
            return ": 待っても応答がありません"
    return ""


def _payload(card: str) -> bytes:
    """Return the card as the message that Workflows expects."""
    try:
        json.loads(card)
    except ValueError:
        raise PermanentFailure("カードがJSONではありません") from None
    payload = _PAYLOAD % card
    if max(len(payload.encode()), len(payload.encode("utf-16-le"))) > _LARGEST:
        raise PermanentFailure(f"Teamsに送れる大きさ（{_LARGEST // 1024}KB）を超えています")
    return payload.encode()


def _target(service: NotifyWorkflows) -> str:
    """Return the path and query that a workflow is called by, put together as Apprise's plugin does."""
    before = "/powerautomate/automations/direct" if service.power_automate else ""
    if before and service.routing_id:
        before += f"/cu/{service.routing_id}"
    query = urlencode(
        {"api-version": service.api_version, "sp": "/triggers/manual/run", "sv": "1.0", "sig": service.signature}
    )
    return f"{before}/workflows/{service.workflow}/triggers/manual/paths/invoke?{query}"


def _pool(host: str, port: int, timeout: float) -> HTTPConnectionPool:
    """Return the keeper of a connection, through the proxy that the environment or the system names for the host."""
    options: dict[str, Any] = {
        "maxsize": 1,
        "timeout": Timeout(connect=timeout, read=timeout),
        "ssl_context": ssl.create_default_context(),
    }
    proxy = None if proxy_bypass(host) else getproxies().get("https")
    if proxy:
        sign_in = make_headers(proxy_basic_auth=parse_url(proxy).auth)
        manager: PoolManager = ProxyManager(proxy, proxy_headers=sign_in, **options)
    else:
        manager = PoolManager(**options)
    pool = manager.connection_from_host(host, port, "https")
    pool.ConnectionCls = _Connection
    return pool


class _Answer(HTTPResponse):
    """The standard library's, which alone would wait for each byte as long as for the first."""

    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        silence = sock.gettimeout()
        self.fp = patient_file(sock, Patience.of(silence, 2 * silence).left)


class _Connection(HTTPSConnection):
    response_class = _Answer
