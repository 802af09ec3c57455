"""The office: everything a use case may reach, handed in by the wiring."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pendulum

from kijitsu import telemetry
from kijitsu.domain.closures import Closures
from kijitsu.domain.errors import InputError, did_you_mean
from kijitsu.domain.plan import Organisation
from kijitsu.domain.roles import RIGHTS, SHOWN, Right, Role, holders_of
from kijitsu.domain.windows import parse_day
from kijitsu.messages import Courier, Renderer
from kijitsu.people import Person, os_user, owns, read_people
from kijitsu.plans import Library, Loaded
from kijitsu.settings import Settings

if TYPE_CHECKING:
    from kijitsu.links import Links
    from kijitsu.store.work import UnitOfWork


class NotAllowed(InputError):
    """Somebody wants what none of their roles gives."""


@dataclass(frozen=True)
class Actor:
    """Who acts, how we know, and what they may do; without a role, nothing.

    `authenticated_by` is how we know: `operating-system`, `settings:` and the operating system's user who set it,
    `self-declared`, `signed-link`, `history-file`; on the board `password`, `sign-in-link`, `proxy`, `oidc`. `bodies`
    are those for whose milestones a department or a manager reports, `posts` the offices that they hold. `ask` tells
    somebody who is refused whom to ask. `account` is theirs in the people file, which stays when their title changes.
    """

    name: str
    authenticated_by: str
    roles: frozenset[Role] = frozenset()
    bodies: frozenset[str] = frozenset()
    posts: frozenset[str] = frozenset()
    ask: str = "役割は管理者に確かめてください。"
    account: str = ""

    @property
    def shown_roles(self) -> str:
        """Their roles in Japanese."""
        return "、".join(SHOWN[role] for role in Role if role in self.roles) or "役割なし"

    def may(self, right: Right, owner: str = "") -> bool:
        """Tell whether a right is given; on a milestone of `owner`, where one is named."""
        roles = {role for role in self.roles if right in RIGHTS[role]}
        is_bound = right is Right.REPORT and roles <= {Role.DEPARTMENT, Role.MANAGER}
        return bool(roles) and (not is_bound or owner in self.bodies)

    def require(self, right: Right, doing: str, owner: str = "") -> None:
        """Raise NotAllowed where a right is not given; `doing` says in Japanese what was wanted (督促の先送り)."""
        if self.may(right, owner):
            return
        whose = "この項目の担当ではないので、" if any(right in RIGHTS[role] for role in self.roles) else ""
        raise NotAllowed(
            f"{self.name}（{self.shown_roles}）は{whose}{doing}を行えません。"
            f"行えるのは {holders_of(right)} です。{self.ask}"
        )


ALL_ROLES = frozenset(Role)


@dataclass(frozen=True)
class Office:
    """Settings, files, database, words and channels of one installation.

    `open_work` opens a unit of work for a municipality; `open_courier` a courier that is closed after use; `upgrade`
    makes the database or brings it up to date; `reopen` opens an office with other settings; `open_links` what signs
    the links in letters, None where nobody could open them; `tell_operator` is what `alarm` does.
    `flow_run` is Prefect's id of the run on whose behalf all this is, "" outside any.
    """

    settings: Settings
    library: Library
    open_work: Callable[[str, bool], UnitOfWork]
    open_courier: Callable[[], Courier]
    make_renderer: Callable[[], Renderer]
    upgrade: Callable[[], None]
    reopen: Callable[[Settings], Office]
    open_links: Callable[[], Links | None] = field(default=lambda: None)
    tell_operator: Callable[[datetime, str, str], tuple[str, ...]] = field(default=lambda at, title, text: ())
    clock: Callable[[], datetime] = field(default=lambda: pendulum.now("UTC"))
    flow_run: str = ""
    # Revisions never change, so that one is read from its document once.
    revisions: dict[str, Loaded] = field(default_factory=dict)
    calendars: dict[tuple[tuple[str, ...], int], Closures] = field(default_factory=dict)

    @cached_property
    def renderer(self) -> Renderer:
        """The renderer, made when the first letter is written."""
        return self.make_renderer()

    @cached_property
    def links(self) -> Links | None:
        """What signs the links in letters, opened when the first is written."""
        return self.open_links()

    @property
    def plan(self) -> str:
        """The plan that is meant where none is named: the settings', else the city's. Raises InputError for none."""
        return self.settings.plan or self.library.plan_meant()

    def now(self, organisation: Organisation) -> datetime:
        """Return the instant, UTC: the clock's, or half past eight on the day that the settings stand in for it."""
        if self.settings.today:
            return morning(organisation, parse_day(self.settings.today))
        return self.clock()

    def today(self, organisation: Organisation) -> date:
        """Return the date in the city's zone."""
        return day_of(organisation, self.now(organisation))

    def hours(self, organisation: Organisation, year: int) -> Closures:
        """Return the calendar of the days on which the office writes to people."""
        key = (organisation.closures, year)
        if key not in self.calendars:
            self.calendars[key] = self.library.calendars(year, year + 1).together(organisation.closures)
        return self.calendars[key]

    def opening(self, organisation: Organisation, at: datetime) -> datetime:
        """Return the first instant, UTC, from `at` on that lies in the office hours of an open day."""
        local = at.astimezone(ZoneInfo(organisation.zone))
        today = local.date()
        calendar = self.hours(organisation, today.year)
        if calendar.is_open(today) and local.time() < organisation.closes_at:
            return max(at, morning(organisation, today))
        return morning(organisation, calendar.next_open(today + timedelta(1)))

    def people(self) -> Mapping[str, Person] | None:
        """Return everybody of the people file, by account, None where no file is set. Raises InvalidFile."""
        path = self.settings.people
        return None if path is None else read_people(path, self.library.organisations())

    def actor(self) -> Actor:
        """Return who acts at the command line: the operating system's user, or whom the settings name in their place.

        Who is not in the people file has no role. Raises NotAllowed where the settings name nobody of it.
        """
        user = os_user()
        if self.settings.actor:
            return self.acting_as(self.settings.actor, f"settings:{user}")
        return self.known_as(user, "operating-system")

    def known_as(self, account: str, authenticated_by: str) -> Actor:
        """Return who somebody is whose account is certain; who is not in the people file has no role.

        Without the file only the operating system's user whose process this is has any.
        """
        people = self.people()
        if people is not None:
            return self._listed(people, account, authenticated_by)
        unlisted = self._unlisted(account, authenticated_by)
        return unlisted if account == os_user() else replace(unlisted, roles=frozenset())

    def acting_as(self, name: str, authenticated_by: str) -> Actor:
        """Return somebody who says who they are: an account or a title of the people file, else NotAllowed.

        Without the file anybody has the rights of the operating system's user whose process this is.
        """
        people = self.people()
        if people is None:
            return self._unlisted(name, authenticated_by)
        accounts = {person.title: account for account, person in people.items()} | {each: each for each in people}
        if name not in accounts:
            near = did_you_mean(name, accounts)
            hint = f"{near}。" if near else ""
            raise NotAllowed(f"「{name}」という人は登録されていません。{hint}{_whom_to_ask(people)}")
        return self._listed(people, accounts[name], authenticated_by)

    def _listed(self, people: Mapping[str, Person], account: str, authenticated_by: str) -> Actor:
        ask, person = _whom_to_ask(people), people.get(account)
        if person is None:
            return Actor(account, authenticated_by, ask=ask)
        return Actor(person.shown, authenticated_by, person.roles, person.bodies, person.posts, ask, account)

    def _unlisted(self, name: str, authenticated_by: str) -> Actor:
        home = self.settings.home
        roles = ALL_ROLES if owns(home, os.getuid()) else frozenset[Role]()
        ask = f"利用者ファイルがないときは、{home.resolve()} の持ち主だけが操作できます（KIJITSU_PEOPLE）。"
        return Actor(name, authenticated_by, roles, ask=ask)

    def alarm(self, title: str, text: str) -> tuple[str, ...]:
        """Tell the operator at once, past relay and database; return the paths that took it (none where none is set).

        `alarms.log` gets a line in any case. Raises OutsideError where a path that is set did not take it.
        """
        self.log("alarm", title)
        return self.tell_operator(self.clock(), title, text)

    def log(self, event: str, sentence: str = "", **fields: str | int | float | None) -> None:
        """Add a line on an event to the log, see `kijitsu.telemetry.tell`."""
        telemetry.tell(self.settings.logs, event, sentence, **fields, flow_run=self.flow_run)

    def at(self, clock: Callable[[], datetime]) -> Office:
        """Return the same office under another clock."""
        return replace(self, clock=clock, settings=replace(self.settings, today=""))


def _whom_to_ask(people: Mapping[str, Person]) -> str:
    administrators = [person.shown for person in people.values() if Role.ADMINISTRATOR in person.roles]
    return f"役割は管理者（{'、'.join(administrators) or '利用者ファイルを書いた人'}）に確かめてください。"


def day_of(organisation: Organisation, at: datetime) -> date:
    """Return the date of an instant in the city's zone."""
    return at.astimezone(ZoneInfo(organisation.zone)).date()


def morning(organisation: Organisation, day: date) -> datetime:
    """Return the instant, UTC, at which the office opens on a day."""
    local = datetime.combine(day, organisation.opens_at, ZoneInfo(organisation.zone))
    return local.astimezone(UTC)


Json = dict[str, Any]
