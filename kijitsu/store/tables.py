"""The tables, and the three types that make a row read the same on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
)
from sqlalchemy.engine import Dialect

from kijitsu.domain.history import Deed
from kijitsu.store.rows import OutboxState, ProposalState, ReminderState


def canonical(value: Any) -> str:
    """Return the one JSON text of a value (sorted keys, no spaces, Japanese as it is), so that hashes repeat.

    Raises ValueError for NaN and infinities, TypeError for what JSON cannot carry.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class Json(TypeDecorator[Any]):
    """A value as canonical JSON text; None is NULL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else canonical(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Document(Json):
    """A value as JSON text in the order it was written in, for people read it again."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, allow_nan=False)


class Instant(TypeDecorator[datetime]):
    """An aware instant, stored and returned as UTC; a naive one raises SQLAlchemy's StatementError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"an instant needs a time zone: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        # SQLite has no zones; what was bound is UTC.
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _one_of(values: type[StrEnum]) -> Enum:
    return Enum(values, native_enum=False, length=16, values_callable=lambda members: [m.value for m in members])


def _key(name: str, kind: Any = String) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _municipality() -> Column[str]:
    """The 団体コード, which begins every key so that one database can serve several municipalities."""
    return _key("municipality", String(6))


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

plan_revisions = Table(
    "plan_revisions",
    metadata,
    _municipality(),
    _key("plan"),
    _key("number", Integer),
    Column("document", Document, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", String, nullable=False),
    Column("change", Json),
    Column("made_at", Instant, nullable=False),
)

# A change that waits for somebody else's approval, and what became of it.
proposals = Table(
    "proposals",
    metadata,
    _municipality(),
    _key("plan"),
    _key("number", Integer),
    Column("revision", Integer, nullable=False),
    Column("request", Json, nullable=False),
    Column("effects", Json, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", String, nullable=False),
    Column("authenticated_by", String, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("state", _one_of(ProposalState), nullable=False),
    Column("decided_by", String),
    Column("decided_at", Instant),
    Column("decision", Text),
    Column("applied_as", Integer),
)

baselines = Table(
    "baselines",
    metadata,
    _municipality(),
    _key("plan"),
    _key("name"),
    Column("revision", Integer, nullable=False),
    Column("actor", String, nullable=False),
    Column("made_at", Instant, nullable=False),
)

# SQLite numbers rows only where the id is the whole primary key; the municipality is in the indexes.
events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("municipality", String(6), nullable=False),
    Column("plan", String, nullable=False),
    Column("occurred_on", Date, nullable=False),
    Column("kind", _one_of(Deed), nullable=False),
    Column("milestone", String, nullable=False),
    Column("details", Json, nullable=False),
    Column("actor", String, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index("ix_events_plan_occurred_on", "municipality", "plan", "occurred_on", "id"),
)

transitions = Table(
    "transitions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("municipality", String(6), nullable=False),
    Column("plan", String, nullable=False),
    Column("occurred_on", Date, nullable=False),
    Column("milestone", String, nullable=False),
    Column("before", String),
    Column("after", String, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_transitions_plan_occurred_on", "municipality", "plan", "occurred_on", "id"),
)

standings = Table(
    "standings",
    metadata,
    _municipality(),
    _key("plan"),
    _key("milestone"),
    Column("status", String, nullable=False),
    Column("since", Date, nullable=False),
    Column("reasons", Json, nullable=False),
)

passes = Table(
    "passes",
    metadata,
    _municipality(),
    _key("plan"),
    _key("occurred_on", Date),
    Column("ran_at", Instant, nullable=False),
    Column("flow_run", String),
    Column("summary", Json, nullable=False),
)

seen_calendars = Table(
    "seen_calendars",
    metadata,
    _municipality(),
    _key("plan"),
    _key("calendar"),
    Column("first", Date, nullable=False),
    Column("last", Date, nullable=False),
    Column("closed", Json, nullable=False),
    Column("sha256", String(64), nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    _municipality(),
    _key("key"),
    Column("channel", String, nullable=False),
    Column("address", String, nullable=False),
    Column("recipient_title", String, nullable=False),
    Column("message_id", String, nullable=False),
    Column("reply_to", String, nullable=False),
    Column("in_reply_to", Text, nullable=False, server_default=""),
    Column("written_at", Instant, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("card", Text, nullable=False),
    Column("calendar", Text, nullable=False, server_default=""),
    Column("state", _one_of(OutboxState), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("not_before", Instant, nullable=False),
    Column("lease_until", Instant),
    Column("lease_token", String),
    Column("last_error", Text),
    Column("sent_at", Instant),
    # Sent, and not yet announced.
    Column("is_news", Boolean, nullable=False, server_default=false()),
)
# What is sent stays for years; the watch only ever asks for what is not.
Index(
    "ix_outbox_pending",
    outbox.c.municipality,
    outbox.c.not_before,
    sqlite_where=outbox.c.state == OutboxState.PENDING,
    postgresql_where=outbox.c.state == OutboxState.PENDING,
)

# What is there is counted every minute.
Index("ix_outbox_state", outbox.c.municipality, outbox.c.state, outbox.c.channel)
Index(
    "ix_outbox_news",
    outbox.c.municipality,
    outbox.c.sent_at,
    sqlite_where=outbox.c.is_news.is_(True),
    postgresql_where=outbox.c.is_news.is_(True),
)

reminders = Table(
    "reminders",
    metadata,
    _municipality(),
    _key("plan"),
    _key("milestone"),
    _key("rule"),
    _key("recipient"),
    _key("deadline", Date),
    Column("due_on", Date, nullable=False),
    Column("channel", String, nullable=False),
    Column("state", _one_of(ReminderState), nullable=False),
    Column("message_key", String),
    Column("written_on", Date, nullable=False),
    # Checked at commit: a pass writes its reminders first, to learn which are new, and then their message.
    ForeignKeyConstraint(
        ["municipality", "message_key"],
        ["outbox.municipality", "outbox.key"],
        name="fk_reminders_message_key_outbox",
        deferrable=True,
        initially="DEFERRED",
    ),
    Index("ix_reminders_message_key", "municipality", "message_key"),
    Index("ix_reminders_state", "municipality", "plan", "state"),
    Index("ix_reminders_deadline", "municipality", "plan", "milestone", "deadline"),
)

# What was sent stays for years; a pass only ever asks for what still waits.
Index(
    "ix_reminders_pending",
    reminders.c.municipality,
    reminders.c.plan,
    sqlite_where=reminders.c.state == ReminderState.PENDING,
    postgresql_where=reminders.c.state == ReminderState.PENDING,
)

# Append-only: the migration adds the triggers that refuse everything else.
audit = Table(
    "audit",
    metadata,
    _municipality(),
    _key("number", Integer),
    Column("at", Instant, nullable=False),
    Column("actor", String, nullable=False),
    Column("authenticated_by", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("details", Json, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

# Where each chain ends; without it nobody would miss the newest entries.
audit_heads = Table(
    "audit_heads",
    metadata,
    _municipality(),
    Column("number", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)

# Up to which entry of the audit log everything was announced.
announcements = Table(
    "announcements",
    metadata,
    _municipality(),
    Column("number", Integer, nullable=False),
)

# Who may sign in to the board with what we keep; what they may do stands in the people file. Of every token only the
# SHA-256 is kept.
accounts = Table(
    "accounts",
    metadata,
    _municipality(),
    _key("account"),
    Column("password_hash", Text),
    Column("made_at", Instant, nullable=False),
    Column("locked_at", Instant),
)

visits = Table(
    "visits",
    metadata,
    _municipality(),
    _key("token_sha256", String(64)),
    Column("account", String, nullable=False),
    Column("began_by", String, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Index("ix_visits_account", "municipality", "account"),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    _municipality(),
    _key("token_sha256", String(64)),
    Column("account", String, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)

# Failed tries of an account, or from an address; the subject is a SHA-256, for people type passwords as names.
sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    _municipality(),
    _key("subject_sha256", String(64)),
    Column("failures", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("locked_until", Instant),
)
