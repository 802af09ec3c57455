"""Every route of the board with whatever comes: nothing breaks, looking changes nothing, a stranger sees nothing."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case

from kijitsu.bootstrap import open_office
from kijitsu.web.app import HEADERS, create_app
from tests.integration.browsers import Door, csrf, door

QUERY = (
    *("on", "zoom", "at", "owner", "kind", "state", "order", "baseline", "ties", "every", "lang", "said", "against"),
    *("milestone", "do", "move", "move_day", "length", "unit", "due", "cascade", "also", "before", "page", "entry"),
    *("verify", "head", "action", "actor", "from", "to", "next", "recipient", "asked"),
)
FORM = (
    *("action", "milestone", "do", "move", "cascade", "reason", "decision", "seen", "on", "until", "name", "revision"),
    *("evidence.0", "override", "account", "password", "new", "again", "old", "key", "text", "format", "plan", "next"),
)
WORDS = st.one_of(
    st.sampled_from(
        ["review", "filing", "small", "1", "2", "0", "-1", "2016-06-01", "平成28年6月", "move", "all", "dead"]
    ),
    st.sampled_from(["<script>alert(1)</script>", "'; DROP TABLE audit; --", "../../etc/passwd", "\0", "９" * 400]),
    st.text(max_size=20),
)
IDS = {"plan": ["small", "none"], "id": ["review", "filing", "none"], "token": ["x"], "number": ["1", "2", "99"]}
few = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with door(tmp_path_factory.mktemp("routes")) as found:
        yield found


def rows(city: Door) -> dict[str, list[Any]]:
    """Return every row that people's work left; of visits and tries to sign in, none."""
    with sqlite3.connect(city.office.settings.home / "kijitsu.db") as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: connection.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608
            for name in names
            if name not in ("visits", "sign_in_attempts")
        }


def document() -> dict[str, Any]:
    """Return the routes as the application describes them itself."""
    with warnings.catch_warnings():
        # GET and HEAD of a page are one function, and so have one id.
        warnings.filterwarnings("ignore", "Duplicate Operation ID")
        return create_app(open_office()).openapi()


ROUTES = {
    f"{found.ok().method.upper()} {found.ok().path}": found.ok()
    for found in schemathesis.openapi.from_dict(document()).get_all_operations()
}


def asked(case: Case, query: dict[str, str], city: Door, names: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return the address of a case, with names that there are in place of some that were made up."""
    path = case.path
    for name, value in (case.path_parameters or {}).items():
        path = path.replace(
            f"{{{name}}}", httpx.URL(f"/{names.get(name) or value}").raw_path.decode().lstrip("/") or "x"
        )
    return f"{city.url}{path.split('?')[0].split('#')[0]}", query


def require_sound(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    assert "Traceback" not in answer.text
    assert {name.lower() for name in HEADERS} <= set(answer.headers)


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_whatever_comes_is_answered_and_looking_changes_nothing(route: str, city: Door) -> None:
    operation = ROUTES[route]
    method = operation.method.upper()

    with city.entered("suzuki") as inside, city.browser() as outside:
        token = csrf(inside)
        before = rows(city)

        @few
        @given(
            operation.as_strategy(),
            st.dictionaries(st.sampled_from(QUERY), WORDS, max_size=4),
            st.dictionaries(st.sampled_from(FORM), WORDS, max_size=5),
            st.fixed_dictionaries({name: st.sampled_from(["", *ids]) for name, ids in IDS.items()}),
            st.sampled_from(["", "wrong"]),
        )
        def goes(case: Case, query: dict[str, str], form: dict[str, str], names: dict[str, str], wrong: str) -> None:
            url, params = asked(case, query, city, names)
            if method in ("GET", "HEAD"):
                require_sound(inside.request(method, url, params=params))
            else:
                # Without the right token nothing is done.
                answer = inside.request(method, url, params=params, data={**form, **({"csrf": wrong} if wrong else {})})
                require_sound(answer)
                assert answer.status_code >= 300
            stranger = outside.request(method, url, params=params, data=form if method == "POST" else None)
            require_sound(stranger)
            assert "小さな計画" not in stranger.text
            # A try to sign in is counted, and too many of them are written down.
            assert route == "POST /sign-in" or rows(city) == before

        goes()
        assert csrf(inside) == token


@pytest.mark.parametrize("route", sorted(route for route in ROUTES if route.startswith("POST /plans")))
def test_a_form_filled_in_with_anything_is_taken_or_refused(route: str, city: Door) -> None:
    operation = ROUTES[route]

    with city.entered("suzuki") as inside:
        token = csrf(inside)

        @few
        @given(
            operation.as_strategy(),
            st.dictionaries(st.sampled_from(FORM), WORDS, max_size=8),
            st.fixed_dictionaries({name: st.sampled_from(["", *ids]) for name, ids in IDS.items()}),
        )
        def goes(case: Case, form: dict[str, str], names: dict[str, str]) -> None:
            url, _ = asked(case, {}, city, names)
            require_sound(inside.post(url, data={**form, "csrf": token}))

        goes()
