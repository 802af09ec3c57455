"""One transaction over everything the store holds."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from kijitsu.store.accounts import Accounts
from kijitsu.store.audit import Audit
from kijitsu.store.calendars import SeenCalendars
from kijitsu.store.changes import Baselines, Proposals
from kijitsu.store.engine import open_transaction, out_of_reach
from kijitsu.store.figures import Figures
from kijitsu.store.history import Events, Passes, Plans, Standings, Transitions
from kijitsu.store.outbox import Outbox
from kijitsu.store.reminders import Reminders
from kijitsu.store.rows import AuditRow


class UnitOfWork:
    """One transaction for one municipality: all of it is kept at `commit`, none where that is not reached.

    `municipality` is the 団体コード. A read-only unit sees one state of the database throughout, refuses to
    write and waits for nobody. On SQLite a writing unit keeps the others waiting, so send no mail inside.
    A database that fails meanwhile raises OutsideError. `flow_run` is Prefect's id of the run that this is part of, and
    stands in every entry of the audit log; `tell` is given each entry that was kept.
    """

    plans: Plans
    proposals: Proposals
    baselines: Baselines
    events: Events
    standings: Standings
    transitions: Transitions
    reminders: Reminders
    outbox: Outbox
    passes: Passes
    seen_calendars: SeenCalendars
    accounts: Accounts
    audit: Audit
    figures: Figures

    def __init__(
        self,
        engine: Engine,
        municipality: str,
        *,
        readonly: bool = False,
        flow_run: str = "",
        tell: Callable[[AuditRow], None] = lambda entry: None,
    ) -> None:
        self._engine = engine
        self._municipality = municipality
        self._readonly = readonly
        self._flow_run = flow_run
        self._tell = tell
        self._durable = True

    def of_the_moment(self) -> Self:
        """Return this unit as one whose commit a power cut may undo: for what is then only done once more."""
        self._durable = False
        return self

    def __enter__(self) -> Self:
        try:
            self._connection = open_transaction(self._engine, readonly=self._readonly, durable=self._durable)
        except OperationalError as exc:
            raise out_of_reach(self._engine, exc) from exc
        bound = (self._connection, self._municipality)
        self.plans = Plans(*bound)
        self.proposals = Proposals(*bound)
        self.baselines = Baselines(*bound)
        self.events = Events(*bound)
        self.standings = Standings(*bound)
        self.transitions = Transitions(*bound)
        self.reminders = Reminders(*bound)
        self.outbox = Outbox(*bound)
        self.passes = Passes(*bound)
        self.seen_calendars = SeenCalendars(*bound)
        self.accounts = Accounts(*bound)
        self.audit = Audit(*bound, self._flow_run)
        self.figures = Figures(*bound)
        return self

    def commit(self) -> None:
        """Keep what was done."""
        self._connection.commit()
        for entry in self.audit.take_appended():
            self._tell(entry)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        if isinstance(error, OperationalError):
            raise out_of_reach(self._engine, error) from error
