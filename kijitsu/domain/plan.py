"""A plan as frozen values: what must happen, by when, after what, by whom, with what evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from kijitsu.domain.periods import Length, Rule
from kijitsu.domain.windows import Window

if TYPE_CHECKING:
    from kijitsu.domain.recurrence import Recurrence

Place = tuple[str, str]

NO_LAG, ONE_DAY = Length(0, "wd"), Length(1, "wd")


class Kind(StrEnum):
    """What sort of thing a milestone is; it chooses the mark on a picture, never the arithmetic."""

    MEETING = "meeting"
    ORDINANCE = "ordinance"
    BUDGET = "budget"
    ASSESSMENT = "assessment"
    ROSTER = "roster"
    REGISTRATION = "registration"
    FILING = "filing"
    TEST = "test"
    SERVICE = "service"
    PUBLICITY = "publicity"
    TRAINING = "training"
    COUNT = "count"
    MILESTONE = "milestone"


class LinkType(StrEnum):
    """Which end of the prerequisite holds which end of the dependent."""

    FINISH_TO_START = "FS"
    START_TO_START = "SS"
    FINISH_TO_FINISH = "FF"
    START_TO_FINISH = "SF"

    @property
    def holds_start(self) -> bool:
        """True where the dependent's start is held, False where its finish is."""
        return self._value_[1] == "S"

    @property
    def holds_from_finish(self) -> bool:
        """True where the prerequisite's finish holds, False where its start does."""
        return self._value_[0] == "F"


class Lapse(StrEnum):
    """What a lapsed prerequisite does to what rests on it."""

    BLOCK = "block"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Dependency:
    """One prerequisite of a milestone. `valid` asks that it is still valid on the dependent's planned date."""

    on: str
    type: LinkType = LinkType.FINISH_TO_START
    lag: Length = NO_LAG
    valid: bool = False
    lapse: Lapse | None = None


@dataclass(frozen=True, slots=True)
class DueRule:
    """A hard deadline that a statutory rule counts from an end of another milestone: `start` or `finish`.

    The period stands still from the start to the finish of each of the `suspended` milestones.
    """

    rule: Rule
    milestone: str
    end: str
    suspended: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Validity:
    """How long a completion stays good, counted from the evidence's effective date, else from completion."""

    length: Length
    basis: str
    lapse: Lapse = Lapse.BLOCK


@dataclass(frozen=True, slots=True)
class Point:
    """One counted figure on a day; `parts` are what it is made of."""

    on: date
    title: str
    value: int
    unit: str
    parts: tuple[tuple[str, int], ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many are handled on one open day of `closures`; `of` and `done` are the figures that count what is to be
    handled and what was, by their titles."""

    per_day: int
    closures: str
    of: str | None = None
    done: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Milestone:
    """One thing that must happen. `window` is None where it is placed only by what comes before it.

    Of a duty that recurs, each occurrence is one; `occurrence_of` names the first in those after it.
    """

    id: str
    title: str
    kind: Kind
    owner: str
    window: Window | None = None
    duration: Length = ONE_DAY
    after: tuple[Dependency, ...] = ()
    due: date | DueRule | None = None
    pinned: bool = False
    assumed: frozenset[str] = frozenset()
    evidence: tuple[str, ...] = ()
    validity: Validity | None = None
    reminders: str | None = None
    done: Window | None = None
    recurs: Recurrence | None = None
    occurrence_of: str | None = None
    number: int = 1
    series: tuple[Point, ...] = ()
    capacity: Capacity | None = None
    source: str = ""
    basis: str = ""
    note: str = ""

    @property
    def is_undecided(self) -> bool:
        """True where the source says that the date is still being settled (調整中)."""
        return self.window is not None and self.window.undecided


@dataclass(frozen=True, slots=True)
class Note:
    """A dated or counted fact of the source that is no task: kept, shown, never scheduled."""

    title: str
    text: str
    window: Window | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A programme of milestones; the order of `milestones` is the order of the file.

    `approvers` are the posts one of which has to approve a change that somebody else made; none where it needs none.
    """

    id: str
    title: str
    organisation: Organisation
    milestones: Mapping[str, Milestone]
    fiscal_year: int | None = None
    closures: tuple[str, ...] = ("municipality",)
    source: str = ""
    due_soon: int = 5
    policies: Mapping[str, Policy] = field(default_factory=dict)
    policy_of_kind: Mapping[str, str] = field(default_factory=dict)
    approvers: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()

    def next_occurrence(self, id: str) -> Milestone | None:
        """Return the occurrence that follows one of a duty that recurs, None after the last and for anything else."""
        milestone = self.milestones[id]
        if milestone.recurs is None:
            return None
        return self.milestones.get(occurrence_id(milestone.occurrence_of or id, milestone.number + 1))

    def occurrences(self, id: str) -> Iterator[Milestone]:
        """Yield a milestone and, of a duty that recurs, the occurrences that follow it."""
        milestone: Milestone | None = self.milestones[id]
        while milestone is not None:
            yield milestone
            milestone = self.next_occurrence(milestone.id)


def occurrence_id(id: str, number: int) -> str:
    """Return the id of a duty's occurrence, counted from 1."""
    return id if number == 1 else f"{id}-{number}"


@dataclass(frozen=True, slots=True)
class Policy:
    """When a milestone's people are written to.

    `before` are lengths ahead of the latest safe finish, `every` the rhythm after the due date, `tiers` the working
    days after it at which the next person up the owner's line is told, `expiring` lengths ahead of the last day of a
    validity. The `to_…` tuples name roles: `owner`, `superior` (the body the owner reports to), `secretariat`. `urgent`
    are the topics that do not wait for the next day's letter.
    """

    before: tuple[Length, ...] = ()
    to_before: tuple[str, ...] = ("owner",)
    on_day: bool = True
    to_on_day: tuple[str, ...] = ("owner",)
    every: Length | None = None
    to_after: tuple[str, ...] = ("owner", "secretariat")
    tiers: tuple[Length, ...] = ()
    to_blocked: tuple[str, ...] = ("owner", "secretariat")
    to_unblocked: tuple[str, ...] = ("owner", "secretariat")
    to_moved: tuple[str, ...] = ("owner", "secretariat")
    expiring: tuple[Length, ...] = ()
    to_expiring: tuple[str, ...] = ("owner", "secretariat")
    to_rejected: tuple[str, ...] = ("owner",)
    urgent: tuple[str, ...] = ("blocked", "on_day", "rejected", "moved", "estimate")


@dataclass(frozen=True, slots=True)
class Member:
    """A seat on a body: the post that holds it and its part there (委員長, 幹事, …)."""

    post: str
    role: str


@dataclass(frozen=True, slots=True)
class Addressee:
    """Somebody we can write to: a body or a post. `id` is what the ledger calls them.

    `channel` is mail, teams, slack, json or file; `address` the mail address, or the name of the channel's secret.
    """

    id: str
    title: str
    channel: str
    address: str
    language: str = "ja"

    @property
    def place(self) -> Place:
        """Where a letter to them goes: two names with one place are one recipient."""
        return self.channel, self.address


@dataclass(frozen=True, slots=True)
class Post:
    """An office that somebody holds, whatever bodies it sits on. No person's name is kept.

    In the spans of `absent` (first and last day) the post `deputy` is written to instead.
    """

    title: str
    mail: str | None = None
    channel: str = "mail"
    address: str = ""
    language: str = "ja"
    deputy: str | None = None
    absent: tuple[tuple[date, date], ...] = ()

    @property
    def addressee(self) -> Addressee | None:
        """The post as somebody to write to, None where no address is known."""
        return _reached(self, self.title)

    def is_absent(self, on: date) -> bool:
        """Tell whether nobody holds the fort on a day."""
        return any(first <= on <= last for first, last in self.absent)


@dataclass(frozen=True, slots=True)
class Body:
    """A committee, a department, or somebody outside. `mail` is None where we cannot write to them.

    `line` are the posts that are told, one after the other, of what stays undone: the nearest first. `briefing` is how
    long before each of its meetings it is told where the plan stands, in open days; None where it is not. `alerts` is
    the place where short news reach all of it at once, a room in a chat say; None where there is none.
    """

    id: str
    title: str
    kind: str
    reports_to: str | None = None
    mail: str | None = None
    channel: str = "mail"
    address: str = ""
    language: str = "ja"
    line: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    duties: tuple[str, ...] = ()
    source: str = ""
    note: str = ""
    briefing: Length | None = None
    alerts: Addressee | None = None

    @property
    def addressee(self) -> Addressee | None:
        """The body as somebody to write to, None where no address is known."""
        return _reached(self, self.id)


def _reached(somebody: Body | Post, id: str) -> Addressee | None:
    address = somebody.mail if somebody.channel == "mail" else somebody.address
    return Addressee(id, somebody.title, somebody.channel, address, somebody.language) if address else None


@dataclass(frozen=True)
class Organisation:
    """A municipality, its bodies, and when its office is open. `municipality` is the six-digit 団体コード."""

    id: str
    municipality: str
    title: str
    secretariat: str
    bodies: Mapping[str, Body]
    zone: str = "Asia/Tokyo"
    opens_at: time = time(8, 30)
    closes_at: time = time(17, 15)
    closures: tuple[str, ...] = ("municipality",)
    posts: Mapping[str, Post] = field(default_factory=dict)

    @cached_property
    def secretariat_body(self) -> Body:
        """The body that is copied on what goes wrong."""
        return self.bodies[self.secretariat]
