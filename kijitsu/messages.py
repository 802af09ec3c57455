"""What a pass has to say to one recipient, before it is worded (Letter) and after (Envelope)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Protocol

from kijitsu.domain.errors import OutsideError


class Topic(StrEnum):
    """Why a milestone is in a letter; the order is the order of the letter's sections."""

    REJECTED = "rejected"
    ASKED = "asked"
    BLOCKED = "blocked"
    AFTER = "after"
    ESCALATED = "escalated"
    ESTIMATE = "estimate"
    ON_DAY = "on_day"
    BEFORE = "before"
    EXPIRING = "expiring"
    MOVED = "moved"
    UNBLOCKED = "unblocked"


@dataclass(frozen=True, slots=True)
class Item:
    """One milestone in a letter.

    `due` is the deadline people answer for (by the time `due_at`, where it has one), `latest_safe` the day that what
    rests on it needs (None where the same or unknown), `working_days_left` counts open days from the letter's day to
    the earlier of the two (negative when past),
    `count` the how-many-th letter on this deadline after it passed (0 before), `reasons` are Japanese sentences.
    `answers_for` is True where the recipient owns the milestone, False where the letter is a copy.

    `was` and `was_window` are the former due date and window of what was moved, `cause` the words of whoever moved it,
    rejected its evidence or gave an estimate; `estimate` is the day they reckon with, `valid_until` the last day of a
    validity that runs out. `is_earliest` marks a deadline counted from a day that is known only by its month, quarter
    or year: the earliest that it can be, `is_stopped` what cannot be done for now, whatever its deadline. `in_place_of`
    is for whom the recipient is written to, who is absent or cannot be reached. `link` is the signed address of the
    page that takes the answer, "" where there is none.
    """

    topic: Topic
    milestone: str
    title: str
    owner: str
    answers_for: bool
    due: date | None
    window: str
    latest_safe: date | None
    working_days_left: int | None
    count: int = 0
    basis: str = ""
    evidence: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    holds_up: tuple[str, ...] = ()
    due_at: time | None = None
    was: date | None = None
    was_window: str = ""
    cause: str = ""
    estimate: date | None = None
    valid_until: date | None = None
    is_earliest: bool = False
    is_stopped: bool = False
    in_place_of: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Coming:
    """A milestone whose deadline is near."""

    title: str
    owner: str
    due: date


@dataclass(frozen=True, slots=True)
class Revised:
    """A change of a plan: the revision that it became, or the proposal that waits, why, and by whom."""

    number: int
    reason: str
    actor: str


@dataclass(frozen=True, slots=True)
class Meeting:
    """A meeting before which its body is told where the plan stands.

    `day` is the day it is held on, or where it `is_estimate` the earliest one that the schedule allows it, as the plan
    gives no more than `window`.
    """

    title: str
    day: date
    window: str
    is_estimate: bool


@dataclass(frozen=True, slots=True)
class Matter:
    """What somebody has to act on: a milestone that is late or soon due, or lapsed and stops others.

    `state` is overdue, due_soon, expired or cancelled. `stops` are the titles of what it holds up, and `remedy` is the
    Japanese sentence that says how that ends, "" where it holds up nothing.
    """

    state: str
    title: str
    owner: str
    due: date | None
    stops: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Weekly:
    """Where a plan stands: what a secretariat is told each week, and a body before its `meetings`.

    The head of the audit log, so that somebody else's mailbox knows where it ended; how many milestones there are, and
    are in which state; what has to be acted on, what is `coming` in the next ten open days, what was changed since the
    last such letter to its reader, what waits for approval, and how many letters did not arrive.
    """

    head_number: int
    head_hash: str
    total: int
    done: int
    overdue: int
    blocked: int
    due_soon: int
    matters: tuple[Matter, ...] = ()
    coming: tuple[Coming, ...] = ()
    changes: tuple[Revised, ...] = ()
    proposals: tuple[Revised, ...] = ()
    undelivered: int = 0
    meetings: tuple[Meeting, ...] = ()


@dataclass(frozen=True, slots=True)
class Approval:
    """A change that waits for its reader's approval; `effects` are sentences.

    `link` is the page of the board where its reader decides, "" where letters have no links.
    """

    proposal: Revised
    effects: tuple[str, ...] = ()
    link: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """A lapse, why it is one (a Japanese sentence), and the titles of what it has just stopped."""

    title: str
    reason: str
    stopped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """News for the secretariat's channel: what a pass found newly stopped (`count` milestones), or a letter given up.

    `undelivered` are those whose letters were given up and are not sent again yet.
    """

    count: int = 0
    stops: tuple[Stop, ...] = ()
    undelivered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything one recipient is told on one day, to be worded by a renderer.

    `language` is "ja" or "en". `revision` and `changed_at` are of the plan's revision that the dates stand in.
    `message` is the set of templates: `digest`; `weekly`, `approval` and `alert`, which say what is in the field of
    that name; `test` for a trial letter. Only a digest has items. `channel` is the one it goes by, so that only what
    that one carries is worded; all of it where it is "".
    """

    municipality: str
    plan: str
    plan_title: str
    on: date
    recipient: str
    recipient_title: str
    is_request: bool
    items: Sequence[Item]
    contact_title: str
    contact_mail: str
    municipality_code: str = ""
    language: str = "ja"
    revision: int = 0
    changed_at: datetime | None = None
    message: str = "digest"
    channel: str = ""
    weekly: Weekly | None = None
    approval: Approval | None = None
    alert: Alert | None = None


@dataclass(frozen=True, slots=True)
class Wording:
    """A letter in words: the mail's subject and two bodies, an Adaptive Card as JSON text, and the dates that the
    recipient answers for as iCalendar text. What its channel does not carry is "", and so are no dates."""

    subject: str
    text: str
    html: str
    card: str
    calendar: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A worded message on its way.

    `address` is a mail address, or a channel's name in the settings' secrets; `reply_to` a mail address or nothing.
    `in_reply_to` are the Message-IDs of the threads it belongs to, one for each milestone, separated by spaces: nobody
    ever sent them, they only hold the mail of a milestone together.
    """

    key: str
    channel: str
    address: str
    recipient_title: str
    message_id: str
    written_at: datetime
    wording: Wording
    reply_to: str = ""
    in_reply_to: str = ""


class DeliveryFailure(OutsideError):
    """A channel did not take a message; the text is what the other side said."""


class TransientFailure(DeliveryFailure):
    """It may work later: 4xx in SMTP, 429 or 5xx in HTTP. `retry_after` is how long the other side asks us to wait."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unreachable(TransientFailure):
    """Nobody takes anything there for now: no connection, no answer, a relay that is going down.

    It is no fault of the message, and whatever else goes the same way need not be tried. `may_have_arrived` where the
    message had been handed over and only the answer is missing: then nothing else may be sent in its place.
    """

    def __init__(self, message: str, *, may_have_arrived: bool = False) -> None:
        super().__init__(message)
        self.may_have_arrived = may_have_arrived


class PermanentFailure(DeliveryFailure):
    """It will not work as it is: 5xx in SMTP, 4xx in HTTP, an address that is none."""


class Renderer(Protocol):
    """Puts a letter into words."""

    def __call__(self, letter: Letter) -> Wording: ...


class Courier(Protocol):
    """Hands one envelope to its channel and returns the other side's answer, or raises a DeliveryFailure.

    Kept open between envelopes; `close` ends it.
    """

    def send(self, envelope: Envelope) -> str: ...

    def close(self) -> None: ...
