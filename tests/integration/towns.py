"""Towns with letters to send: many in one database, each with a ledger and an outbox of its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from kijitsu.bootstrap import open_office
from kijitsu.domain.plan import Organisation
from kijitsu.messages import Envelope, Wording
from kijitsu.office import Office
from kijitsu.services import delivering
from kijitsu.settings import Settings
from kijitsu.store.rows import OutboxRow, OutboxState, ReminderRow, ReminderState
from kijitsu.store.work import UnitOfWork
from tests.integration.smtp_relays import Relay

MORNING = datetime(2016, 6, 2, 23, 30, tzinfo=UTC)
"""Half past eight on Friday, June 3."""

WORDING = Wording("期日のお知らせ", "本文です。\n.\n行頭の点。\n", "<p>本文です。</p>", "{}")


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: datetime = MORNING) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Town:
    """One municipality's outbox in a database, a relay, and a clock."""

    engine: Engine
    place: str
    code: str = "042021"
    clock: Clock = field(default_factory=Clock)
    work_of: Callable[..., UnitOfWork] = UnitOfWork

    @property
    def office(self) -> Office:
        """An office of this town, as a process that starts now would open it."""
        settings = Settings(home=Path("/nonexistent"), smtp_url=f"smtp://{self.place}")
        return replace(
            OFFICE,
            settings=settings,
            open_courier=open_office(settings).open_courier,
            open_work=lambda here, readonly: self.work_of(self.engine, here, readonly=readonly),
            clock=self.clock,
        )

    @property
    def organisation(self) -> Organisation:
        return replace(ORGANISATION, municipality=self.code)

    def write(self, count: int, first: int = 0, **changed: Any) -> list[Envelope]:
        """Put letters out, numbered from `first`, each with two reminders that it carries."""
        envelopes = [replace(letter(self.code, number), **changed) for number in range(first, first + count)]
        with UnitOfWork(self.engine, self.code) as work:
            work.reminders.add([reminder(each.key, part) for each in envelopes for part in "ab"])
            work.outbox.add(envelopes, self.clock.now)
            work.commit()
        return envelopes

    def dispatch(self, **options: Any) -> delivering.DispatchReport:
        return delivering.dispatch(self.office, self.organisation, **options)

    def outbox(self) -> list[OutboxRow]:
        with UnitOfWork(self.engine, self.code, readonly=True) as work:
            return work.outbox.all()

    def states(self) -> Counter[OutboxState]:
        return Counter(row.state for row in self.outbox())

    def reminders(self) -> Counter[ReminderState]:
        with UnitOfWork(self.engine, self.code, readonly=True) as work:
            return Counter(row.state for row in work.reminders.all("fy28"))

    def audit(self) -> list[str]:
        """Return the actions in the audit log, which has to be whole."""
        with UnitOfWork(self.engine, self.code, readonly=True) as work:
            assert work.audit.verify() == []
            return [entry.action for entry in work.audit.all()]


def letter(code: str, number: int) -> Envelope:
    key = f"fy28/2016-06-03/{number:03}"
    return Envelope(
        key, "mail", "joho@city.example", "情報システム課", f"<{number}.{code}@city.example>", MORNING, WORDING
    )


def reminder(carrier: str, part: str) -> ReminderRow:
    due = date(2016, 6, 3)
    return ReminderRow(
        "fy28", f"{carrier}{part}", "on_day", "residents", due, due, "mail", ReminderState.PENDING, carrier, due
    )


def ids(relays: Iterable[Relay], code: str = "") -> Counter[str]:
    """Count the messages that arrived, by their Message-ID; of one town where its code is given."""
    found = [_MESSAGE_ID.search(content) for each in relays for content in each.post.messages]
    return Counter(id[1].decode() for id in found if id and f".{code}".encode() in id[1])


_MESSAGE_ID = re.compile(rb"^Message-ID: (<[^>]+>)", re.MULTILINE)
OFFICE = open_office(Settings())
"""An office that has read its calendars once for all towns."""

(ORGANISATION,) = OFFICE.library.organisations()
OFFICE.opening(ORGANISATION, MORNING)
