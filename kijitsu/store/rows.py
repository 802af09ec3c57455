"""What the repositories take and return: frozen rows. The municipality is the unit of work's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from kijitsu.domain.history import Deed
from kijitsu.messages import Envelope


class ReminderState(StrEnum):
    """What became of a reminder: superseded by a moved date, or covered by a newer one that stands for it."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"
    SUPERSEDED = "superseded"
    COVERED = "covered"


class OutboxState(StrEnum):
    """What became of a message: a dead one waits for a person, a withdrawn one had only superseded reminders."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of a plan; numbers count from 1. `sha256` is over the document's canonical JSON."""

    plan: str
    number: int
    document: dict[str, Any]
    sha256: str
    reason: str
    actor: str
    change: dict[str, Any] | None
    made_at: datetime


@dataclass(frozen=True, slots=True)
class AccountRow:
    """Somebody who may sign in with what we keep; without a `password_hash` only by a link, never while locked."""

    account: str
    password_hash: str | None
    made_at: datetime
    locked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class VisitRow:
    """Somebody who is signed in. `began_by` is how: an `Actor.authenticated_by`."""

    token_sha256: str
    account: str
    began_by: str
    began_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class SignInLink:
    """A link that signs somebody in once."""

    token_sha256: str
    account: str
    expires_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often signing in failed of late, for an account or from an address, and until when nothing more is tried."""

    subject_sha256: str
    failures: int
    last_at: datetime
    locked_until: datetime | None = None


class ProposalState(StrEnum):
    """What became of a proposed change."""

    PENDING = "pending"
    APPLIED = "applied"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that waits for approval, and what became of it; numbers count from 1 in each plan.

    `request` is the change as JSON, `effects` its preview on `revision`, shown to whoever decides. `decision` is the
    reason that came with the decision, `applied_as` the revision that an approved one became.
    """

    plan: str
    number: int
    revision: int
    request: dict[str, Any]
    effects: dict[str, Any]
    reason: str
    actor: str
    authenticated_by: str
    made_at: datetime
    state: ProposalState = ProposalState.PENDING
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision: str | None = None
    applied_as: int | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """A revision that was given a name, to compare later ones with."""

    plan: str
    name: str
    revision: int
    actor: str
    made_at: datetime


class Head(NamedTuple):
    """The revision in force, without its document."""

    number: int
    sha256: str
    made_at: datetime


class KeptRevision(NamedTuple):
    """A revision as far as the audit log tells of it; `sha256` is None where the document is not what was kept."""

    sha256: str | None
    reason: str
    actor: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """One thing people did; the database gives the `id`, 0 until then."""

    plan: str
    occurred_on: date
    kind: Deed
    milestone: str
    details: Mapping[str, Any]
    actor: str
    recorded_at: datetime
    id: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """The last verdict on a milestone, and since when it holds. `reasons` is anything that JSON can carry."""

    milestone: str
    status: str
    since: date
    reasons: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class TransitionRow:
    """A change of verdict on a day; `before` is None for the first verdict."""

    plan: str
    occurred_on: date
    milestone: str
    before: str | None
    after: str
    reason: str
    id: int = 0


class ReminderKey(NamedTuple):
    """What makes a reminder the same reminder; a moved deadline makes another one."""

    plan: str
    milestone: str
    rule: str
    recipient: str
    deadline: date


@dataclass(frozen=True, slots=True)
class ReminderRow:
    """A reminder in the ledger. `message_key` is the outbox message that carries it, None where none does."""

    plan: str
    milestone: str
    rule: str
    recipient: str
    deadline: date
    due_on: date
    channel: str
    state: ReminderState
    message_key: str | None
    written_on: date

    @property
    def key(self) -> ReminderKey:
        return ReminderKey(self.plan, self.milestone, self.rule, self.recipient, self.deadline)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A message and its delivery. `attempts` counts claims, the present one included."""

    envelope: Envelope
    state: OutboxState
    attempts: int
    not_before: datetime
    lease_until: datetime | None
    lease_token: str | None
    last_error: str | None
    sent_at: datetime | None

    @property
    def key(self) -> str:
        return self.envelope.key


class Delivery(NamedTuple):
    """What became of a message so far: `last_error` is what the other side answered when it did not take it."""

    key: str
    state: OutboxState
    not_before: datetime
    sent_at: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class LettersWanted:
    """Which messages are looked for: any where a field is empty. `milestone` is one that the message speaks of."""

    states: tuple[OutboxState, ...] = ()
    plan: str = ""
    recipient_title: str = ""
    milestone: str = ""


class SentMessage(NamedTuple):
    """That a message was sent: what is told outside, without its words and its address."""

    key: str
    channel: str
    recipient_title: str
    subject: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class PassRow:
    """That the plan was watched for a day, when, and what came of it."""

    plan: str
    occurred_on: date
    ran_at: datetime
    flow_run: str | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)

    @property
    def told(self) -> Sequence[str]:
        """The recipients whose letter of the day was written."""
        return list(self.summary.get("told", ()))


@dataclass(frozen=True, slots=True)
class SeenCalendar:
    """A calendar's closed days (ISO) with their reasons, from `first` to `last`; `sha256` is over all of it."""

    calendar: str
    first: date
    last: date
    closed: Mapping[str, str]
    sha256: str


class AuditHead(NamedTuple):
    """The number of the newest audit entry, and its hash."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry of the audit log, chained to the one before by its hash; numbers count from 1."""

    number: int
    at: datetime
    actor: str
    authenticated_by: str
    action: str
    subject: str
    details: Mapping[str, Any]
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class EntriesWanted:
    """Which entries of the audit log are looked for: any where a field is empty.

    Of a `plan` they are about it or a part of it; of one of its milestones, they are about it or tell of it. `actor` is
    a part of the name; `first` is the first instant, `last` the first one after.
    """

    plan: str = ""
    milestone: str = ""
    actor: str = ""
    action: str = ""
    first: datetime | None = None
    last: datetime | None = None
