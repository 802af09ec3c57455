"""The board for the tests: our web application under a real server on loopback."""

from __future__ import annotations

import re
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx
import uvicorn

from kijitsu.bootstrap import open_office
from kijitsu.domain.history import Deed
from kijitsu.editing import Edit, EditKind
from kijitsu.links import Ticket
from kijitsu.office import ALL_ROLES, Actor, Office
from kijitsu.services import adopting, changing
from kijitsu.services.reckoning import Request
from kijitsu.settings import Settings
from kijitsu.web.app import create_app
from tests.acceptance.support import HEAD, SMALL, calendar_with

ISHINOMAKI = "042021"
TODAY = date(2016, 5, 20)
CLERK = Actor("事務局 係員", "test", ALL_ROLES)
EVERY_ROLE = """\
people:
  viewer: {title: 市民課 係員, roles: [viewer]}
  department: {title: 総務課 係員, roles: [department], bodies: [general_affairs]}
  manager: {title: 情報政策課長, roles: [manager], bodies: [information_systems]}
  head: {title: 総務部長, roles: [manager], bodies: [general_affairs], posts: [総務部長]}
  secretariat: {title: 事務局 係員, roles: [secretariat]}
  administrator: {title: 情報システム課 係員, roles: [administrator]}
"""


def installation(folder: Path, plan: str = SMALL, **settings: object) -> Office:
    """Return an office that adopted a plan called small, on Friday 20 May 2016: the review is due on the 31st."""
    given = {"home": folder / "home", "calendar": calendar_with(folder / "calendar", small=plan), "today": str(TODAY)}
    office = open_office(Settings(**{**given, **settings}))  # type: ignore[arg-type]
    office.upgrade()
    adopting.adopt(office, "small", CLERK)
    return office


def proxied(folder: Path, people: str, plan: str = SMALL, **settings: object) -> Office:
    """Return such an office, whose people are these and say in the header `X-User` who they are."""
    (folder / "people.yaml").write_text(people, encoding="utf-8")
    proxy = {"people": folder / "people.yaml", "proxy_user_header": "X-User", "proxy_from": "127.0.0.1"}
    return installation(folder, plan, **proxy, **settings)


def rows(office: Office) -> list[str]:
    """Return everything that the database holds."""
    with sqlite3.connect(office.settings.home / "kijitsu.db") as connection:
        return list(connection.iterdump())


def crowded(count: int) -> str:
    """Return a plan called small of many milestones, the year long, each after one before it: what fills a page."""
    owners = ("general_affairs", "residents", "information_systems", "committee")
    kinds = ("assessment", "filing", "test", "meeting", "registration")
    return (
        HEAD
        + "milestones:\n"
        + "".join(
            f"  step_{number}:\n"
            f"    title: 特定個人情報保護評価に係る第{number}号の事務手続の見直しと報告\n"
            f"    kind: {kinds[number % 5]}\n"
            f"    owner: {owners[number % 4]}\n"
            f"    when: 平成{28 + (number * 12 // count + 3) // 12}年{(number * 12 // count + 3) % 12 + 1}月\n"
            f"    reminders: filing\n" + (f"    after: [step_{number - 5}]\n" if number >= 5 else "")
            for number in range(count)
        )
    )


def end(office: Office, deed: Deed, id: str, reason: str) -> None:
    """Waive or cancel a milestone of the plan called small."""
    changing.change(office, "small", Request((Edit(EditKind(deed), id),), reason), CLERK)


def ticket(milestone: str = "review", recipient: str = "general_affairs", revision: int = 1) -> Ticket:
    return Ticket(ISHINOMAKI, "small", milestone, recipient, revision)


def link(office: Office, given: Ticket | None = None) -> str:
    """Return the link of a letter that is written now."""
    assert office.links
    (organisation,) = office.library.organisations()
    return office.links.url(given or ticket(), office.now(organisation))


@contextmanager
def served(office: Office, clock: Callable[[], datetime] | None = None) -> Iterator[Office]:
    """Serve an office's board, and give the office whose links lead there; under another clock where one is given."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        here = open_office(replace(office.settings, board_port=listening.getsockname()[1]))
        here = here.at(clock) if clock else here
        config = uvicorn.Config(create_app(here), access_log=False, log_level="warning", proxy_headers=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield here
        finally:
            server.should_exit = True
            thread.join()


def text(page: httpx.Response | str) -> str:
    """Return what a page says, without its tags."""
    markup = page if isinstance(page, str) else page.text
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def forms(page: httpx.Response) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield each form that is posted, as its address and the fields that are not typed into."""
    for found in re.findall(r"<form[^>]*method=\"post\".*?</form>", page.text, re.DOTALL):
        attributes = [
            dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall(r"<(?:form|input)[^>]*>", found)
        ]
        hidden = [each for each in attributes[1:] if each.get("type") == "hidden"]
        fields = [(each["name"], unescape(each["value"])) for each in hidden]
        yield urljoin(str(page.url), attributes[0]["action"]), fields


def form(page: str, action: str) -> dict[str, str]:
    """Return the fields of a page's form for an action, as a browser would send them untouched."""
    for found in re.findall(r"<form.*?</form>", page, re.DOTALL):
        inputs = [
            dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall(r"<(?:input|textarea)[^>]*>", found)
        ]
        fields = {each["name"]: each.get("value", "") for each in inputs}
        if fields["action"] == action:
            return fields
    raise AssertionError(f"the page has no form for {action}")
