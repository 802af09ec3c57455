"""What a pass has to say to one recipient, before it is worded (Letter) and after (Envelope)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Protocol

from kijitsu.domain.errors import OutsideError


class Topic(StrEnum):
    """Why a milestone is in a letter; the order is the order of the letter's sections."""

    BLOCKED = "blocked"
    AFTER = "after"
    ON_DAY = "on_day"
    BEFORE = "before"
    UNBLOCKED = "unblocked"


@dataclass(frozen=True, slots=True)
class Item:
    """One milestone in a letter.

    `due` is the deadline people answer for (by the time `due_at`, where it has one), `latest_safe` the day that what
    rests on it needs (None where the same or unknown), `working_days_left` counts open days from the letter's day to
    the earlier of the two (negative when past),
    `count` the how-many-th letter on this deadline after it passed (0 before), `reasons` are Japanese sentences.
    `answers_for` is True where the recipient owns the milestone, False where the letter is a copy.
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


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything one recipient is told on one day, to be worded by a renderer."""

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


@dataclass(frozen=True, slots=True)
class Wording:
    """A letter in words: the mail's subject and two bodies, and an Adaptive Card as JSON text."""

    subject: str
    text: str
    html: str
    card: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """A worded message on its way.

    `address` is a mail address, or a channel's name in the settings' secrets; `reply_to` a mail address or nothing.
    """

    key: str
    channel: str
    address: str
    recipient_title: str
    message_id: str
    written_at: datetime
    wording: Wording
    reply_to: str = ""


class DeliveryFailure(OutsideError):
    """A channel did not take a message; the text is what the other side said."""


class TransientFailure(DeliveryFailure):
    """It may work later: no answer, 4xx in SMTP, 429 or 5xx in HTTP."""


class PermanentFailure(DeliveryFailure):
    """It will not work as it is: 5xx in SMTP, 4xx in HTTP, an address that is none."""


class Renderer(Protocol):
    """Puts a letter into words."""

    def __call__(self, letter: Letter) -> Wording: ...


class Courier(Protocol):
    """Hands one envelope to its channel, or raises a DeliveryFailure. Kept open between envelopes; `close` ends it."""

    def send(self, envelope: Envelope) -> None: ...

    def close(self) -> None: ...
