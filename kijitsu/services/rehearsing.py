"""予行: the coming weeks lived through in a copy of the database as it is now: which letter would go out when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from kijitsu.domain.errors import InputError, did_you_mean
from kijitsu.domain.history import Deed, Event, History
from kijitsu.domain.line import addressee
from kijitsu.domain.plan import Organisation
from kijitsu.folders import own_folder
from kijitsu.office import Json, Office, day_of
from kijitsu.services.reading import Standing
from kijitsu.services.replaying import OnDay, rehearsal
from kijitsu.services.watching import adopted, organisation_of
from kijitsu.store import rows
from kijitsu.store.copying import copy_database

MOST_WEEKS = 26


class Assumption(StrEnum):
    """What people are supposed to do meanwhile."""

    NOTHING = "nothing"
    ON_TIME = "on-time"


SHOWN = {Assumption.NOTHING: "だれも報告しない", Assumption.ON_TIME: "予定どおり完了する"}


@dataclass(frozen=True)
class Foreseen:
    """A letter that would go out: when, to whom, called what, about which milestones (id and title; none for
    the weekly report alone)."""

    on: date
    recipient_title: str
    channel: str
    address: str
    subject: str
    milestones: tuple[tuple[str, str], ...]

    @property
    def about(self) -> str:
        """The titles of the milestones."""
        return "、".join(title for _, title in self.milestones) or "－"

    def as_json(self) -> Json:
        """Return it as it stands in that of the rehearsal."""
        about = [{"id": id, "title": title} for id, title in self.milestones]
        return {**vars(self), "milestones": about}


@dataclass(frozen=True)
class Rehearsal:
    """What would happen from one day to another, both included; `passes` are the open days."""

    first: date
    last: date
    assumption: Assumption
    passes: int
    letters: tuple[Foreseen, ...]

    def as_json(self) -> Json:
        """Return it as `kijitsu reminders --weeks --json` shows it."""
        letters = [each.as_json() for each in self.letters]
        return {
            "from": self.first,
            "to": self.last,
            "assuming": self.assumption,
            "passes": self.passes,
            "letters": letters,
        }


def rehearse(
    office: Office,
    plan: str,
    weeks: int,
    assumption: Assumption = Assumption.NOTHING,
    body: str | None = None,
    on_day: OnDay = lambda day, days: None,
) -> Rehearsal:
    """Live through the coming weeks (1 to 26) of an adopted plan; return the letters that go out, by day.

    It begins with the next morning whose pass is still to come, in a copy that is taken away at the end; nothing else
    is written, and the mail goes to a mailbox in it. With `body`, only what goes to that body is told of. What waits
    to be sent goes out as well. Raises InputError for a plan that is not adopted, or a body that is not there.
    """
    if not 0 < weeks <= MOST_WEEKS:
        raise InputError(f"{weeks}週間先までは予行できません。1から{MOST_WEEKS}にしてください。")
    organisation = organisation_of(office, plan)
    if body is not None and body not in organisation.bodies:
        raise InputError(f"「{body}」という組織はありません。{did_you_mean(body, organisation.bodies)}")
    today = office.today(organisation)
    with office.open_work(organisation.municipality, True) as work:
        standing = adopted(office, work, plan, today)
        seen = work.passes.latest(plan)
    first = max(today, seen.occurred_on + timedelta(1)) if seen else today
    last = today + timedelta(weeks=weeks)
    history = _on_time(standing) if assumption is Assumption.ON_TIME else None
    with own_folder(office.settings.home / "rehearsal") as folder:
        copy_database(office.settings.database, f"sqlite:///{folder / 'kijitsu.db'}")
        with rehearsal(office, folder, answers=False) as stage:
            stage.resume(plan, organisation)
            before = {row.key for row in _sent(stage.office, organisation)}
            reports = list(stage.run(history, first, last, on_day))
            letters = tuple(
                each
                for each in _letters(stage.office, reports[-1].standing, before)
                if body is None or (each.channel, each.address) == addressee(organisation, body).place
            )
    return Rehearsal(first, last, assumption, sum(report.is_open for report in reports), letters)


def _on_time(standing: Standing) -> History:
    """Return what people do where everything is done when it should be: on the latest day that is safe, and where that
    is past, or nothing asks for a day, as soon as it can be."""
    slots = [standing.slots[id] for id in standing.network.order if not standing.verdicts[id].is_closed]
    events = [
        Event(max(slot.earliest_finish, slot.latest_finish or date.min), Deed.COMPLETE, slot.id)
        for slot in slots
        if slot.earliest_finish
    ]
    # Sorted by day only: on one day prerequisites stay before what rests on them.
    events.sort(key=lambda event: event.on)
    plan = standing.plan
    return History("on-time", plan.id, SHOWN[Assumption.ON_TIME], "scenario", tuple(events))


def _sent(office: Office, organisation: Organisation) -> list[rows.OutboxRow]:
    with office.open_work(organisation.municipality, True) as work:
        return work.outbox.all(rows.OutboxState.SENT)


def _letters(office: Office, standing: Standing, before: set[str]) -> Iterator[Foreseen]:
    """Yield what a rehearsal sent of its plan, in the order in which it went out."""
    plan, organisation = standing.plan, standing.plan.organisation
    with office.open_work(organisation.municipality, True) as work:
        ledger = work.reminders.all(plan.id)
    about: dict[str | None, set[str]] = {}
    for reminder in ledger:
        about.setdefault(reminder.message_key, set()).add(reminder.milestone)
    sent = [(row.sent_at, row) for row in _sent(office, organisation) if row.sent_at and row.key not in before]
    for at, row in sorted(sent, key=lambda each: (each[0], each[1].key)):
        if row.key.startswith(f"{plan.id}/"):
            envelope, named = row.envelope, about.get(row.key, set())
            yield Foreseen(
                day_of(organisation, at),
                envelope.recipient_title,
                envelope.channel,
                envelope.address,
                envelope.wording.subject,
                tuple((id, plan.milestones[id].title) for id in standing.network.in_order(named)),
            )
