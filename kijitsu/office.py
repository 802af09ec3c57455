"""The office: everything a use case may reach, handed in by the wiring."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pendulum

from kijitsu.domain.plan import Organisation
from kijitsu.domain.windows import parse_day
from kijitsu.messages import Courier, Renderer
from kijitsu.plans import Library, Loaded
from kijitsu.settings import Settings

if TYPE_CHECKING:
    from kijitsu.store.work import UnitOfWork


@dataclass(frozen=True)
class Actor:
    """Who acts, and how we know: the operating system's user, or a name a form was filled in with."""

    name: str
    authenticated_by: str


@dataclass(frozen=True)
class Office:
    """Settings, files, database, words and channels of one installation.

    `open_work` opens a unit of work for a municipality; `open_courier` a courier that is closed after use; `upgrade`
    makes the database or brings it up to date; `reopen` an
    office with other settings.
    """

    settings: Settings
    library: Library
    open_work: Callable[[str, bool], UnitOfWork]
    open_courier: Callable[[], Courier]
    make_renderer: Callable[[], Renderer]
    upgrade: Callable[[], None]
    reopen: Callable[[Settings], Office]
    clock: Callable[[], datetime] = field(default=lambda: pendulum.now("UTC"))
    # Revisions never change, so that one is read from its document once.
    revisions: dict[str, Loaded] = field(default_factory=dict)

    @cached_property
    def renderer(self) -> Renderer:
        """The renderer, made when the first letter is written."""
        return self.make_renderer()

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
        local = pendulum.instance(self.now(organisation)).in_timezone(organisation.zone)
        return date(local.year, local.month, local.day)

    def actor(self) -> Actor:
        """Return who acts at the command line."""
        if self.settings.actor:
            return Actor(self.settings.actor, "settings")
        return Actor(getpass.getuser(), "operating-system")

    def at(self, clock: Callable[[], datetime]) -> Office:
        """Return the same office under another clock."""
        return replace(self, clock=clock, settings=replace(self.settings, today=""))


def morning(organisation: Organisation, day: date) -> datetime:
    """Return the instant, UTC, at which the office opens on a day."""
    opens = organisation.opens_at
    local = pendulum.datetime(day.year, day.month, day.day, opens.hour, opens.minute, tz=organisation.zone)
    return local.in_timezone("UTC")


Json = dict[str, Any]
