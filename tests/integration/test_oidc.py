"""Signing in through an OpenID provider: a small one on loopback that signs with a real key."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.board import text
from tests.integration.browsers import Door, csrf, door, is_in

CLIENT, SECRET = "kijitsu-board", "a-secret-of-the-client"
KEYS = [RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}) for _ in range(2)]


class Provider(BaseHTTPRequestHandler):
    """An OpenID provider to whom everybody is tanaka; `claims` and `key` are what it signs next."""

    protocol_version = "HTTP/1.1"
    claims: ClassVar[dict[str, Any]] = {}
    key: ClassVar[RSAKey] = KEYS[0]
    asked: ClassVar[dict[str, dict[str, str]]] = {}

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"  # type: ignore[str-bytes-safe]

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        match place.path:
            case "/.well-known/openid-configuration":
                self.say(
                    {
                        "issuer": self.issuer,
                        "authorization_endpoint": f"{self.issuer}/authorize",
                        "token_endpoint": f"{self.issuer}/token",
                        "jwks_uri": f"{self.issuer}/keys",
                    }
                )
            case "/keys":
                self.say({"keys": [KEYS[0].as_dict(private=False)]})
            case "/authorize":
                query, code = dict(parse_qsl(place.query)), secrets.token_urlsafe()
                self.asked[code] = query
                self.send_response(303)
                self.send_header(
                    "Location", f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"
                )
                self.send_header("Content-Length", "0")
                self.end_headers()

    def do_POST(self) -> None:
        given = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        asked = self.asked.pop(given.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(given.get("code_verifier", "").encode()).digest())
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if (
            asked is None
            or asked["code_challenge"] != challenge.decode().rstrip("=")
            or asked["code_challenge_method"] != "S256"
            or given["redirect_uri"] != asked["redirect_uri"]
            or self.headers["Authorization"] != f"Basic {basic}"
        ):
            self.say({"error": "invalid_grant"}, 400)
            return
        claims = {
            "iss": self.issuer,
            "sub": "4711",
            "aud": CLIENT,
            "nonce": asked["nonce"],
            "iat": 1463706000,
            "exp": 1463706600,
            "preferred_username": "tanaka",
            **self.claims,
        }
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        self.say({"access_token": "an-access-token", "token_type": "Bearer", "id_token": signed})

    def say(self, value: Mapping[str, Any], status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing on stderr."""


@contextmanager
def provided() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A board whose people sign in through the provider. On its clock it is ten in the morning of 20 May 2016."""
    with (
        provided() as issuer,
        door(
            tmp_path_factory.mktemp("oidc"),
            oidc_issuer=issuer,
            oidc_client_id=CLIENT,
            secrets=json.dumps({"oidc-client-secret": SECRET}),
        ) as found,
    ):
        yield found


@pytest.fixture(autouse=True)
def honest(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(Provider, "claims", {})
    monkeypatch.setattr(Provider, "key", KEYS[0])
    return monkeypatch


def come_back(browser: httpx.Client, wanted: str = "") -> str:
    """Go to the provider as the sign-in page says, and return where it sends the browser."""
    sent = browser.get("/oidc/start", params={"next": wanted})
    assert sent.status_code == 303, text(sent)
    return str(httpx.get(sent.headers["location"]).headers["location"])


def test_the_provider_says_who_somebody_is_and_the_people_file_what_they_may(here: Door) -> None:
    with here.browser() as browser:
        page = browser.get("/sign-in", params={"next": "plans/small/today"})
        back = come_back(browser, "plans/small/today")
        answer = browser.get(back)
        account = browser.get("/account")
        signed_out = browser.post("/sign-out", data={"csrf": csrf(browser)})
        after = is_in(browser)

    assert 'href="./oidc/start?next=plans/small/today"' in page.text
    assert (answer.status_code, answer.headers["location"]) == (303, "../plans/small/today")
    assert "総務課長 tanaka" in text(account)
    assert 'id="new"' not in account.text
    assert (signed_out.status_code, after) == (303, False)
    assert here.actions("sign-in")[-1] == ("sign-in", "accounts/tanaka")


def test_what_is_asked_has_a_state_a_nonce_and_a_challenge_of_its_own(here: Door) -> None:
    with here.browser() as browser:
        first, second = (parse_qs(urlsplit(browser.get("/oidc/start").headers["location"]).query) for _ in range(2))

    assert first["response_type"] == ["code"]
    assert first["code_challenge_method"] == ["S256"]
    assert first["redirect_uri"] == [f"{here.url}/oidc/callback"]
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
    assert SECRET not in str(first)


def test_an_answer_is_taken_in_the_browser_that_asked_once_and_in_time(here: Door) -> None:
    with here.browser() as browser, here.browser() as other, here.browser() as slow:
        back = come_back(browser)
        foreign = other.get(back)
        other.get("/oidc/start")
        mixed = other.get(back)
        taken = browser.get(back)
        again = browser.get(back)
        late = come_back(slow)
        here.clock.advance(minutes=11)
        too_late = slow.get(late)
        here.clock.advance(minutes=-11)
        inside = is_in(other), is_in(slow)

    assert [each.status_code for each in (foreign, mixed, taken, again, too_late)] == [403, 403, 303, 403, 403]
    assert "もう一度やり直してください" in text(foreign)
    assert inside == (False, False)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"aud": "somebody-else"},
        {"iss": "https://evil.example"},
        {"exp": 1463700000},
        {"preferred_username": ""},
        {"preferred_username": ["tanaka"]},
        {"preferred_username": "nobody"},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_a_token_that_is_not_about_this_sign_in_lets_nobody_in(
    claims: dict[str, Any], here: Door, honest: pytest.MonkeyPatch
) -> None:
    honest.setattr(Provider, "claims", claims)
    with here.browser() as browser:
        answer = browser.get(come_back(browser))
        inside = is_in(browser)

    assert (answer.status_code, inside) == (403, False)


def test_a_token_that_another_key_signed_lets_nobody_in(here: Door, honest: pytest.MonkeyPatch) -> None:
    honest.setattr(Provider, "key", KEYS[1])
    with here.browser() as browser:
        answer = browser.get(come_back(browser))

    assert (answer.status_code, "答えを確かめられません" in text(answer)) == (403, True)
    assert "an-access-token" not in answer.text


def test_a_no_of_the_provider_is_told_without_its_words(here: Door) -> None:
    with here.browser() as browser:
        state = parse_qs(urlsplit(come_back(browser)).query)["state"][0]
        answer = browser.get("/oidc/callback", params={"error": "<script>", "state": state})

    assert (answer.status_code, "サインインできませんでした" in text(answer)) == (403, True)
    assert "script" not in answer.text.partition("<body>")[2]


def test_a_provider_that_is_away_or_speaks_in_the_clear_is_named(tmp_path: Path) -> None:
    for number, (issuer, status) in enumerate([("http://127.0.0.1:1", 503), ("http://login.city.example", 422)]):
        with (
            door(tmp_path / str(number), with_people=False, oidc_issuer=issuer, oidc_client_id=CLIENT) as away,
            away.browser() as browser,
        ):
            assert browser.get("/oidc/start").status_code == status


def test_without_a_provider_there_is_no_such_page(tmp_path: Path) -> None:
    with door(tmp_path) as plain, plain.browser() as browser:
        answers = [browser.get("/oidc/start"), browser.get("/oidc/callback?code=a&state=b")]
        page = browser.get("/sign-in")

    assert [each.status_code for each in answers] == [404, 404]
    assert "oidc" not in page.text
