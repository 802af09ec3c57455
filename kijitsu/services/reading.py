"""Where a plan stands: from the adopted plan, or from a plan file and a history without any database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from kijitsu.domain.changes import replayed
from kijitsu.domain.errors import InputError, did_you_mean
from kijitsu.domain.gates import Verdict, evaluate
from kijitsu.domain.history import Deed, Event, Progress, progress_of
from kijitsu.domain.plan import Organisation, Plan
from kijitsu.domain.schedule import Network, Slot
from kijitsu.located import Document
from kijitsu.office import Office
from kijitsu.plans import Loaded, is_path

if TYPE_CHECKING:
    from kijitsu.store.rows import EventRow
    from kijitsu.store.work import UnitOfWork


@dataclass(frozen=True)
class Standing:
    """A plan with what has happened to it by a day.

    `revision` is 0 for a file that was never adopted; `changed_at` is when the revision was made.
    """

    loaded: Loaded
    network: Network
    progress: dict[str, Progress]
    as_of: date | None
    revision: int = 0
    changed_at: datetime | None = None

    @property
    def plan(self) -> Plan:
        """The plan after every move up to the day."""
        return self.network.plan

    @cached_property
    def slots(self) -> Mapping[str, Slot]:
        """Every milestone's slot."""
        return self.network.schedule(self.progress, self.as_of)

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """Every milestone's verdict on the day."""
        assert self.as_of is not None
        return evaluate(self.network, self.slots, self.progress, self.as_of)

    def milestone(self, id: str) -> str:
        """Return the id when the plan has it. Raises InputError with the nearest one."""
        if id not in self.plan.milestones:
            hint = did_you_mean(id, self.plan.milestones)
            raise InputError(f"「{id}」という項目は計画 {self.plan.id} にありません。{hint}")
        return id


def standing(office: Office, name: str, as_of: date | None = None, history: str | None = None) -> Standing:
    """Return where a plan stands on a day (on none, where `as_of` is None: the plan as it was meant).

    With a history, or a plan named by path, only files are read. A plan named by id is the adopted one, or the file
    where none is adopted.
    """
    years = [as_of.year] if as_of else []
    if history is not None or is_path(name):
        loaded = office.library.plan(name, years)
        events = office.library.history(history, loaded.plan).events if history else ()
        network, progress = replayed(loaded.network, events, as_of)
        return Standing(loaded, network, progress, as_of)
    if adopter := adopter_of(office, name):
        with office.open_work(adopter.municipality, True) as work:
            found = adopted(office, work, name, as_of)
        assert found  # nobody takes an adopted plan away
        return found
    loaded = office.library.plan(name, years)
    return Standing(loaded, loaded.network, progress_of(loaded.plan, (), as_of), as_of)


def today_of(office: Office, name: str, history: str | None = None) -> date:
    """Return today in the zone of the organisation that adopted a plan, else of the one that its file names.

    With a history, or a plan named by path, only files are read.
    """
    adopter = None if history is not None or is_path(name) else adopter_of(office, name)
    return office.today(adopter or office.library.plan(name).plan.organisation)


def adopter_of(office: Office, plan: str) -> Organisation | None:
    """Return the organisation that adopted a plan, None where none did or nothing was adopted yet."""
    for organisation in office.library.organisations() if office.settings.may_have_database else ():
        with office.open_work(organisation.municipality, True) as work:
            if work.plans.head(plan):
                return organisation
    return None


def adopted(office: Office, work: UnitOfWork, plan: str, as_of: date | None) -> Standing | None:
    """Return where the adopted plan stands, None where it was never adopted. Reads in the given unit of work."""
    head = work.plans.head(plan)
    if head is None:
        return None
    number, sha256, made_at = head
    loaded = office.revisions.get(sha256)
    if loaded is None or (as_of and not loaded.calendars.covers(as_of.year)):
        revision = work.plans.latest(plan)
        assert revision
        document = Document(f"{plan}（第{number}版）", revision.document)
        loaded = office.library.plan_from(document, [as_of.year] if as_of else [])
        office.revisions[sha256] = loaded
    events = [event_from(row) for row in work.events.upto(plan, as_of)]
    return Standing(loaded, loaded.network, progress_of(loaded.plan, events, as_of), as_of, number, made_at)


def event_from(row: EventRow) -> Event:
    """Return a stored event as the domain knows it."""
    details = dict(row.details)
    return Event(
        row.occurred_on,
        Deed(row.kind),
        row.milestone,
        details.pop("evidence", {}),
        _day(details.pop("effective", None)),
        _day(details.pop("expires", None)),
        details,
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
