"""What happened, for others to react to: named facts from the audit log and the outbox, each told once.

The database is the source, whoever acted where: on the command line, on the board, in a flow. What was not announced
yet is read here, announced by somebody who can, and then marked. Killed in between, it is announced again under the
same ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from kijitsu.domain.gates import Status
from kijitsu.domain.plan import Organisation
from kijitsu.office import Json, Office
from kijitsu.services.auditing import titles
from kijitsu.services.entries import PlanTitles
from kijitsu.store.rows import AuditRow, SentMessage
from kijitsu.store.work import UnitOfWork

AT_ONCE = 200
"""So many entries, and so many messages, are announced before they are marked."""

LONGEST = 100
"""So much of a list is told: an event has to stay small, whatever the size of a plan."""

BLOCKED, LAPSED, DEAD = "kijitsu.plan.blocked", "kijitsu.prerequisite.lapsed", "kijitsu.message.dead"
SENT, MILESTONE = "kijitsu.message.sent", "kijitsu.milestone"

NAMES = {
    "adopt": "kijitsu.plan.adopted",
    "change": "kijitsu.plan.changed",
    "move": "kijitsu.plan.changed",
    "propose": "kijitsu.plan.proposed",
    "approve": "kijitsu.plan.approved",
    "turn-down": "kijitsu.plan.rejected",
    "withdraw": "kijitsu.plan.withdrawn",
    "undo": "kijitsu.plan.undone",
    "baseline": "kijitsu.plan.named",
    "watch": "kijitsu.plan.watched",
    "complete": "kijitsu.report.completed",
    "start": "kijitsu.report.started",
    "waive": "kijitsu.report.waived",
    "cancel": "kijitsu.report.cancelled",
    "reinstate": "kijitsu.report.reinstated",
    "evidence": "kijitsu.report.evidenced",
    "reject": "kijitsu.report.rejected",
    "acknowledge": "kijitsu.report.acknowledged",
    "snooze": "kijitsu.report.snoozed",
    "estimate": "kijitsu.report.estimated",
    "excuse": "kijitsu.report.excused",
    "calendar": "kijitsu.calendar.changed",
    "alert": "kijitsu.message.alerted",
    "give-up": DEAD,
    "resend": "kijitsu.message.resent",
    "remind": "kijitsu.message.asked",
    "trial": "kijitsu.installation.tried",
    "export": "kijitsu.installation.exported",
    "restore": "kijitsu.installation.restored",
    "sign-in": "kijitsu.installation.signed_in",
    "sign-out": "kijitsu.installation.signed_out",
    "lock-out": "kijitsu.installation.locked_out",
    "password": "kijitsu.installation.password_changed",
    "account-link": "kijitsu.installation.link_issued",
    "account-lock": "kijitsu.installation.account_locked",
    "account-unlock": "kijitsu.installation.account_unlocked",
}
"""What an entry of the audit log is announced as, by its action."""

CATALOGUE = frozenset({*NAMES.values(), *(f"{MILESTONE}.{status}" for status in Status), BLOCKED, LAPSED, SENT})
"""Every name there is: the contract with whoever listens (docs/reference.md, Events)."""

# What is told of an entry's details. Not who: the entry itself says it to those who may read it. No address.
_DETAILS = frozenset(
    {
        *("on", "to", "until", "deadline", "effective", "expires", "reason", "override", "name"),
        *("revision", "proposal", "moved", "breached", "lapsing", "freed", "transitions", "letters", "entry"),
        *("calendar", "cause", "closed", "opened", "milestones"),
    }
)


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened: its name, what it happened to (`resource` and its Japanese `title`), and what is known.

    The `id` is the same whenever and wherever this is read. `payload` is what JSON carries; it names the audit entry
    (`audit`), the plan and the milestone where there are any.
    """

    id: UUID
    name: str
    occurred_at: datetime
    resource: str
    title: str
    payload: Json


@dataclass(frozen=True, slots=True)
class News:
    """What is to be announced, oldest first; `upto` and `sent` are what is then marked."""

    happenings: tuple[Happening, ...]
    upto: int
    sent: tuple[str, ...]


def news(office: Office, organisation: Organisation) -> News | None:
    """Return what was not announced yet, of so many entries and messages as go at once; None where nothing is new."""
    with office.open_work(organisation.municipality, True) as work:
        number = work.audit.announced()
        entries, messages = work.audit.after(number, AT_ONCE), work.outbox.news(AT_ONCE)
        if not entries and not messages:
            return None
        named = _Named(organisation, titles(office, work))
        found = [each for entry in entries for each in named.of_entry(work, entry)]
        found += [named.of_message(message) for message in messages]
    upto = entries[-1].number if entries else number
    return News(tuple(found), upto, tuple(message.key for message in messages))


def announced(office: Office, organisation: Organisation, told: News) -> None:
    """Mark what was announced."""
    with office.open_work(organisation.municipality, False) as work:
        if told.upto > work.audit.announced():
            work.audit.announce(told.upto)
        work.outbox.announced(told.sent)
        work.commit()


def nothing_new(office: Office, organisation: Organisation) -> None:
    """Mark all that happened so far: what a rehearsal lived through is no news."""
    with office.open_work(organisation.municipality, False) as work:
        work.audit.announce(work.audit.head().number)
        work.outbox.nothing_new()
        work.commit()


def of_entry(office: Office, organisation: Organisation, number: int) -> tuple[Happening, ...]:
    """Return what an entry of the audit log is announced as; nothing where there is no such entry."""
    with office.open_work(organisation.municipality, True) as work:
        named = _Named(organisation, titles(office, work))
        entries = [entry for entry in work.audit.after(number - 1, 1) if entry.number == number]
        return tuple(each for entry in entries for each in named.of_entry(work, entry))


@dataclass(frozen=True)
class _Named:
    """Gives what happened its name, in one municipality."""

    organisation: Organisation
    titles: Mapping[str, PlanTitles]

    def of_entry(self, work: UnitOfWork, entry: AuditRow) -> Iterator[Happening]:
        plan, _, rest = entry.subject.partition("/")
        name = NAMES[entry.action]
        told = {key: _first(value) for key, value in entry.details.items() if key in _DETAILS}
        match name.split(".")[1]:
            case "installation":
                yield self._happening(entry, name, (), told)
            case "message":
                about = {"plan": plan, "message": entry.subject}
                yield self._happening(entry, name, (plan, "messages", rest), about | told)
            case "calendar":
                about = {"plan": plan}
                yield self._happening(entry, name, (plan, "calendars", told["calendar"]), about | told)
            case "report":
                yield self._of_milestone(entry, name, plan, rest, told)
            case _:
                about = {"plan": plan} | ({"milestone": rest} if rest else {})
                yield self._happening(entry, name, (plan,), about | told)
        if entry.action == "watch":
            yield from self._of_pass(work, entry, plan)

    def of_message(self, message: SentMessage) -> Happening:
        plan, _, rest = message.key.partition("/")
        return Happening(
            uuid5(NAMESPACE_URL, f"{self.organisation.municipality}/{message.key}/{message.sent_at}"),
            SENT,
            message.sent_at,
            self._resource(plan, "messages", rest),
            message.recipient_title,
            {"plan": plan, "message": message.key, "channel": message.channel, "subject": message.subject},
        )

    def _of_pass(self, work: UnitOfWork, entry: AuditRow, plan: str) -> Iterator[Happening]:
        on, changed = entry.details["on"], entry.details["changed"]
        reasons = {
            (row.milestone, row.before, row.after): row.reason
            for row in work.transitions.on(plan, date.fromisoformat(on))
        }
        for id, before, after in changed:
            told = {"on": on, "before": before, "reason": reasons.get((id, before, after), "")}
            yield self._of_milestone(entry, f"{MILESTONE}.{after}", plan, id, told)
        causes: Mapping[str, list[str]] = entry.details.get("causes", {})
        for root, held in causes.items():
            told = {"on": on, "count": len(held), "holds_up": self._listed(plan, held)}
            yield self._of_milestone(entry, LAPSED, plan, root, told)
        if causes:
            stopped = {
                id: reasons.get((id, before, after), "") for id, before, after in changed if after == Status.BLOCKED
            }
            told = {
                "plan": plan,
                "on": on,
                "count": len(stopped),
                "stopped": [each | {"reason": stopped[each["id"]]} for each in self._listed(plan, [*stopped])],
                "causes": [each | {"holds_up": _first(causes[each["id"]])} for each in self._listed(plan, [*causes])],
            }
            yield self._happening(entry, BLOCKED, (plan,), told)

    def _of_milestone(self, entry: AuditRow, name: str, plan: str, id: str, told: Json) -> Happening:
        return self._happening(entry, name, (plan, id), {"plan": plan, "milestone": id, **told})

    def _happening(self, entry: AuditRow, name: str, about: tuple[str, ...], told: Json) -> Happening:
        resource = self._resource(*about)
        # Of the entry's hash, not its number: a restored database counts on from where its copy was made.
        id = uuid5(NAMESPACE_URL, f"{entry.hash}/{name}/{resource}")
        return Happening(id, name, entry.at, resource, self._title(*about), {"audit": entry.number, **told})

    def _resource(self, *about: str) -> str:
        return ".".join(["kijitsu", self.organisation.municipality, *about])

    def _title(self, plan: str = "", *rest: str) -> str:
        known = self.titles.get(plan)
        if known is None:
            return plan or self.organisation.title
        return known.milestones.get(rest[0], known.title) if rest else known.title

    def _listed(self, plan: str, ids: list[str]) -> list[Json]:
        return [{"id": id, "title": self._title(plan, id)} for id in ids[:LONGEST]]


def _first(value: Any) -> Any:
    if isinstance(value, dict):
        return dict(islice(value.items(), LONGEST))
    return value[:LONGEST] if isinstance(value, list) else value
