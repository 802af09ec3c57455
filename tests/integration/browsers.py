"""Browsers for the tests of signing in: each with its own cookies and address, before a board with a clock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from kijitsu.office import Office
from kijitsu.services import accounts, passwords
from tests.board import CLERK, installation, served

PEOPLE = """
people:
  tanaka: {title: 総務課長, roles: [manager], bodies: [general_affairs], posts: [総務課長]}
  kondo: {title: 情報政策課長, roles: [manager], bodies: [information_systems]}
  suzuki: {title: 事務局 係員, roles: [secretariat]}
  sato: {title: 情報システム課 係員, roles: [administrator]}
"""
PASSWORD = "春はあけぼのやうやう白く"


class Clock:
    """A clock that is set by hand; it begins at ten in the morning of Friday 20 May 2016."""

    def __init__(self) -> None:
        self.now = datetime(2016, 5, 20, 1, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(frozen=True)
class Door:
    """A board that is served, and the clock that it goes by."""

    office: Office
    clock: Clock

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.office.settings.board_port}"

    def browser(self, address: str = "127.0.0.1") -> httpx.Client:
        """Return a browser on one of this machine's many addresses."""
        return httpx.Client(base_url=self.url, transport=httpx.HTTPTransport(local_address=address))

    @contextmanager
    def entered(self, account: str = "tanaka") -> Iterator[httpx.Client]:
        """Give a browser that signed in by a one-time link."""
        with self.browser() as browser:
            answer = browser.post(f"/sign-in/{accounts.make_link(self.office, CLERK, account)}")
            assert answer.status_code == 303, answer.text
            yield browser

    def with_password(self, account: str = "tanaka", password: str = PASSWORD) -> None:
        """Give an account a password, as people do it."""
        with self.entered(account) as browser:
            answer = browser.post("/account", data={"csrf": csrf(browser), "new": password, "again": password})
            assert answer.status_code == 303, answer.text
            browser.post("/sign-out", data={"csrf": csrf(browser)})

    def actions(self, *wanted: str) -> list[tuple[str, str]]:
        """Return the entries of the audit log on what was done: action and subject."""
        with self.office.open_work(passwords.home_of(self.office).municipality, True) as work:
            entries = work.audit.all()
        return [(each.action, each.subject) for each in entries if each.action in wanted]


@contextmanager
def door(folder: Path, *, with_people: bool = True, **settings: object) -> Iterator[Door]:
    """Serve a board whose people are those of `PEOPLE`, or nobody but the owner."""
    if with_people:
        (folder / "people.yaml").write_text(PEOPLE, encoding="utf-8")
        settings["people"] = folder / "people.yaml"
    clock = Clock()
    with served(installation(folder, **settings), clock) as office:
        yield Door(office, clock)


def csrf(browser: httpx.Client) -> str:
    """Return what this browser's forms hold."""
    found = re.search(r'name="csrf" value="([^"]+)"', browser.get("/account").text)
    assert found
    return found[1]


def sign_in(
    browser: httpx.Client, account: str = "tanaka", password: str = PASSWORD, wanted: str = ""
) -> httpx.Response:
    """Fill in the sign-in form and send it."""
    return browser.post("/sign-in", data={"account": account, "password": password, "next": wanted})


def is_in(browser: httpx.Client) -> bool:
    """Tell whether the board knows this browser."""
    return browser.get("/account").status_code == 200
