"""Signing in through the city's OpenID provider: authorization code flow with PKCE, state and nonce.

Loaded only where a provider is set: Authlib is an extra (`pip install kijitsu[oidc]`).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from itsdangerous import BadData, URLSafeSerializer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from kijitsu.domain.errors import InputError, OutsideError
from kijitsu.links import KeyFile
from kijitsu.settings import Settings, read_secrets

SECRET = "oidc-client-secret"  # noqa: S105 (its name among the secrets)
"""The name of our secret with the provider in `KIJITSU_SECRETS`; without one we are a public client."""

SECONDS_TO_SIGN_IN = 600

# A signature that the provider alone can make; never one with our own secret, or none.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
_TIMEOUT, _LEEWAY = 10, 120
_AGAIN = "サインインの画面から、もう一度やり直してください。"


class Refused(InputError):
    """The provider's answer is none to what we asked, or says no."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What we asked the provider; `wanted` is the page to go to afterwards. Kept in the browser's cookie, signed."""

    state: str
    nonce: str
    verifier: str
    wanted: str


class Provider:
    """The provider of the settings, with what it says of itself. Raises OutsideError where it does not answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._redirect = f"{settings.board}/oidc/callback"
        secret = read_secrets(settings).get(SECRET)
        self._session = OAuth2Session(
            settings.oidc_client_id,
            secret,
            scope="openid profile",
            redirect_uri=self._redirect,
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
            code_challenge_method="S256",
            default_timeout=_TIMEOUT,
        )
        issuer = settings.oidc_issuer.rstrip("/")
        self._said = self._get(f"{issuer}/.well-known/openid-configuration")
        if str(self._said.get("issuer", "")).rstrip("/") != issuer:
            raise OutsideError(
                f"OpenIDの提供者が KIJITSU_OIDC_ISSUER={issuer} と違う名を名乗っています。設定を確かめてください。"
            )

    def ask(self, wanted: str) -> tuple[str, Asked]:
        """Return the address at which the provider asks who somebody is, and what to keep until they come back."""
        asked = Asked(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), wanted)
        url, _ = self._session.create_authorization_url(
            self._endpoint("authorization_endpoint"),
            state=asked.state,
            nonce=asked.nonce,
            code_verifier=asked.verifier,
        )
        return str(url), asked

    def account(self, asked: Asked, answer: Mapping[str, str], at: datetime) -> str:
        """Return who somebody is, by the query with which they came back. Raises Refused, OutsideError."""
        if not hmac.compare_digest(answer.get("state", "").encode(), asked.state.encode()):
            raise Refused(f"ほかの画面で始めたサインインです。{_AGAIN}")
        if "code" not in answer:
            raise Refused(f"庁内の認証でサインインできませんでした。{_AGAIN}")
        try:
            token = self._session.fetch_token(
                self._endpoint("token_endpoint"), code=answer["code"], code_verifier=asked.verifier
            )
            keys = KeySet.import_key_set(self._get(self._endpoint("jwks_uri")))  # type: ignore[arg-type]
            signed = jwt.decode(token["id_token"], keys, _ALGORITHMS)
            options = {
                "iss": {"essential": True, "value": self._said["issuer"]},
                "aud": {"essential": True, "value": self._settings.oidc_client_id},
            }
            expected = {
                "nonce": asked.nonce,
                "client_id": self._settings.oidc_client_id,
                "access_token": token.get("access_token"),
            }
            claims = CodeIDToken(signed.claims, signed.header, options, expected)
            claims.validate(int(at.timestamp()), _LEEWAY)
        except (AuthlibBaseError, JoseError, KeyError, ValueError) as exc:
            # What it said may hold a token.
            raise Refused(f"庁内の認証の答えを確かめられません（{type(exc).__name__}）。{_AGAIN}") from None
        except requests.RequestException as exc:
            raise _no_answer(self._settings, exc) from None
        account = claims.get(self._settings.oidc_claim)
        if not isinstance(account, str) or not account:
            raise Refused(
                f"庁内の認証の答えに {self._settings.oidc_claim} がありません。KIJITSU_OIDC_CLAIM を確かめてください。"
            )
        return account

    def _endpoint(self, name: str) -> str:
        url = str(self._said.get(name, ""))
        require_safe(url, f"OpenIDの提供者の {name}")
        return url

    def _get(self, url: str) -> dict[str, Any]:
        require_safe(url, "KIJITSU_OIDC_ISSUER")
        try:
            answer = self._session.get(url, withhold_token=True)
            answer.raise_for_status()
            found = answer.json()
        except (requests.RequestException, ValueError) as exc:
            raise _no_answer(self._settings, exc) from None
        if not isinstance(found, dict):
            raise OutsideError(f"OpenIDの提供者 {url} の答えを読めません。KIJITSU_OIDC_ISSUER を確かめてください。")
        return found


def sealed(asked: Asked, home_keys: KeyFile, at: datetime) -> str:
    """Return what was asked as a cookie's value."""
    return str(_serializer(home_keys).dumps([int(at.timestamp()), *astuple(asked)]))


def opened(cookie: str, home_keys: KeyFile, at: datetime) -> Asked:
    """Return what was asked. Raises Refused for a cookie that is not there, not ours or too old."""
    try:
        asked_at, *values = _serializer(home_keys).loads(cookie)
        asked = Asked(*values)
    except (BadData, TypeError, ValueError):
        raise Refused(f"この画面からのサインインではありません。{_AGAIN}") from None
    if not 0 <= at.timestamp() - asked_at <= SECONDS_TO_SIGN_IN:
        raise Refused(f"サインインに時間がかかりすぎました。{_AGAIN}")
    return asked


def require_safe(url: str, what: str) -> None:
    """Raise InputError for an address at which a password or a token would travel in the clear."""
    place = urlsplit(url)
    if place.scheme == "https" or (place.scheme == "http" and place.hostname in ("localhost", "127.0.0.1", "::1")):
        return
    raise InputError(f"{what}={url} は https:// で始まるアドレスにしてください。")


def _serializer(home_keys: KeyFile) -> URLSafeSerializer:
    known: Sequence[str] = [key.secret for key in home_keys.keys()]  # noqa: SIM118 (not a mapping)
    return URLSafeSerializer(known, salt="kijitsu-oidc")


def _no_answer(settings: Settings, exc: Exception) -> OutsideError:
    return OutsideError(
        f"OpenIDの提供者 {settings.oidc_issuer} が答えません（{type(exc).__name__}）。"
        "KIJITSU_OIDC_ISSUER とサーバーの状態を確かめてください。"
    )
