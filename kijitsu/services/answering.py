"""The page behind a letter's link: what it shows of one milestone to one recipient, and taking in what they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from types import MappingProxyType

from kijitsu.domain.errors import InputError
from kijitsu.domain.gates import Status
from kijitsu.domain.history import NOTHING_YET, Deed, Progress
from kijitsu.domain.line import addressee
from kijitsu.domain.plan import Organisation
from kijitsu.domain.roles import Role
from kijitsu.explain import reason_sentences
from kijitsu.links import Ticket
from kijitsu.located import Document
from kijitsu.office import Actor, NotAllowed, Office
from kijitsu.services import reading
from kijitsu.services.filling import report_of
from kijitsu.services.reading import Standing
from kijitsu.services.reporting import BadReport, against_today, is_done, report, snooze_limit
from kijitsu.store.work import UnitOfWork

_DEEDS = {
    Role.DEPARTMENT: (Deed.ACKNOWLEDGE, Deed.COMPLETE, Deed.ESTIMATE, Deed.SNOOZE, Deed.START),
    Role.SECRETARIAT: (Deed.EXCUSE,),
}
"""What a link lets its holder report, by what they are to the milestone."""

_FIELDS = ("on", "until", "reason", "evidence")
"""What a link may say: the days that only the file knows, and exceptions, are the board's."""

_NOT_THEIRS = "この回答は、担当または事務局あての通知のリンクからできます。"


class Gone(InputError):
    """What the link is for is in the plan no more."""


class ClosedMeanwhile(InputError):
    """Somebody reported the milestone done, waived or cancelled since the page was shown."""


class DatesMoved(InputError):
    """The dates are others than those that the page showed when it was filled in."""


@dataclass(frozen=True, slots=True)
class Dates:
    """A milestone's due date, and the latest day that is safe for what rests on it; None where there is none."""

    due: date | None
    safe: date | None


@dataclass(frozen=True)
class AnswerPage:
    """Everything the page shows.

    `holder` is in whose name an answer is recorded, with the roles that the link gives; `actions` are the deeds that
    they may report now. `progress` is what was reported so far, `dates` the
    milestone's as of `today`, `was` those of the plan's revision that the link was made with, None where they are the
    same; `due_in` and `safe_in` are the open days from today to them, negative when past. `snooze_last` is the last day
    to which reminders may be put off, None where they may not be. `reasons` are Japanese sentences, of what blocks;
    `against` those on what else stands against a completion, which cannot be reported before that is done; `rests_on`
    the titles of what waits for the milestone.
    """

    today: date
    city: str
    plan: str
    title: str
    owner: str
    holder: Actor
    language: str
    contact: str
    contact_mail: str
    status: Status
    window: str
    basis: str
    dates: Dates
    due_at: time | None
    was: Dates | None
    due_in: int | None
    safe_in: int | None
    reasons: Sequence[str]
    against: Sequence[str]
    rests_on: Sequence[str]
    evidence: Sequence[str]
    progress: Progress
    actions: Sequence[Deed]
    snooze_first: date | None
    snooze_last: date | None

    @property
    def is_closed(self) -> bool:
        """True once nothing more is expected."""
        return self.progress.is_closed

    @property
    def closed_on(self) -> date | None:
        """The day on which the milestone was completed, waived or cancelled."""
        return self.progress.finished_on or self.progress.cancelled_on

    @property
    def papers(self) -> Sequence[str]:
        """The evidence that came with the completion, 種類：文書番号 each."""
        given = self.progress.evidence if self.progress.completed_on else {}
        return [f"{kind}：{number}" for kind, number in given.items()]

    @property
    def is_overdue(self) -> bool:
        """True where the deadline has passed."""
        return self.dates.due is not None and self.dates.due < self.today

    @property
    def is_late(self) -> bool:
        """True where the latest safe day, or the deadline, has passed: an acknowledgement stops nothing any more."""
        last = self.dates.safe or self.dates.due
        return last is not None and last < self.today

    @property
    def answers(self) -> dict[Deed, date]:
        """What was answered so far and still counts, with the day that it speaks of."""
        done = self.progress
        found = {Deed.START: done.started_on, Deed.COMPLETE: done.completed_on}
        if self.is_closed:
            return {deed: day for deed, day in found.items() if day}
        seen, snoozed = done.acknowledged_for, done.snoozed_until
        found |= {
            Deed.ACKNOWLEDGE: seen if seen == (self.dates.safe or self.dates.due) else None,
            Deed.SNOOZE: snoozed if snoozed and snoozed >= self.today else None,
            Deed.ESTIMATE: done.estimate,
            Deed.EXCUSE: done.excused_until,
        }
        return {deed: day for deed, day in found.items() if day}


def look(office: Office, ticket: Ticket) -> AnswerPage:
    """Return what the page shows, and change nothing. Raises Gone where plan, milestone or recipient are no more."""
    organisation = _organisation(office, ticket)
    today = office.today(organisation)
    with office.open_work(ticket.municipality, True) as work:
        standing = reading.adopted(office, work, ticket.plan, today)
        if standing is None or ticket.milestone not in standing.plan.milestones:
            raise Gone("この項目は、今の計画にはありません。事務局へお問い合わせください。")
        then = _dates_then(office, work, standing, ticket, today)
    return _page(standing, ticket, then, today)


def answer(
    office: Office,
    ticket: Ticket,
    action: Deed,
    fields: Mapping[str, str],
    seen: Dates,
    files: Mapping[str, Path] = MappingProxyType({}),
) -> None:
    """Record what the ticket's holder answered on the page that showed the dates `seen`.

    `fields` and `files` are the form's: until, reason, on, and in the order of the milestone's evidence evidence.0,
    evidence.1, … and file.0, file.1, …. The same answer twice is recorded once. Raises ClosedMeanwhile where nothing is
    expected any more, DatesMoved where the dates are others by now, BadReport for what cannot be taken, with its field,
    and Gone.
    """
    page = look(office, ticket)
    if action not in _rights(page.holder):
        raise BadReport(_NOT_THEIRS)
    said = {name: fields[name] for name in fields if name.partition(".")[0] in _FIELDS}
    given = report_of(action, ticket.milestone, page.evidence, said, files, page.today)

    def require(standing: Standing) -> None:
        now = standing.verdicts[ticket.milestone]
        if now.is_closed:
            raise ClosedMeanwhile("開いている間に、この項目は終わったと報告されました。")
        if Dates(now.due, now.firm_finish) != seen:
            raise DatesMoved("開いている間に日程が変わりました。新しい日程を確かめて、もう一度お答えください。")

    try:
        report(office, ticket.plan, given, page.holder, require)
    except NotAllowed as exc:
        # The milestone has another owner by now.
        raise BadReport(_NOT_THEIRS) from exc
    except InputError:
        # The second of two clicks: what it asks for is there.
        if not is_done(look(office, ticket).progress, given):
            raise


def _organisation(office: Office, ticket: Ticket) -> Organisation:
    for organisation in office.library.organisations():
        if organisation.municipality == ticket.municipality and (
            ticket.recipient in organisation.bodies or ticket.recipient in organisation.posts
        ):
            return organisation
    raise Gone("このリンクの宛先は、今の組織にはありません。事務局へお問い合わせください。")


def _holder(standing: Standing, ticket: Ticket) -> Actor:
    """Return a recipient as an actor: the owner, or who stands in for one that has no address, answers for it; the
    secretariat may allow a delay; who got a copy may look."""
    organisation, owner = standing.plan.organisation, standing.plan.milestones[ticket.milestone].owner
    recipient = organisation.bodies.get(ticket.recipient) or organisation.posts[ticket.recipient]
    is_role = {
        Role.DEPARTMENT: addressee(organisation, owner).id == ticket.recipient,
        Role.SECRETARIAT: ticket.recipient == organisation.secretariat,
    }
    roles = frozenset(role for role, is_theirs in is_role.items() if is_theirs)
    return Actor(recipient.title, "signed-link", roles, frozenset([owner]))


def _rights(holder: Actor) -> list[Deed]:
    return [deed for role, deeds in _DEEDS.items() if role in holder.roles for deed in deeds]


def _page(standing: Standing, ticket: Ticket, then: Dates | None, today: date) -> AnswerPage:
    plan, id = standing.plan, ticket.milestone
    organisation, milestone = plan.organisation, plan.milestones[id]
    verdict, slot, progress = standing.verdicts[id], standing.slots[id], standing.progress.get(id, NOTHING_YET)
    calendar = standing.network.calendar
    blocking = [reason for reason in verdict.reasons if reason.blocks]
    dates = Dates(verdict.due, verdict.firm_finish)
    last = snooze_limit(standing, id, today)
    holder = _holder(standing, ticket)
    rights = [] if verdict.is_closed else _rights(holder)
    impossible = {
        Deed.SNOOZE: last is None,
        Deed.START: bool(progress.started_on or blocking),
        Deed.COMPLETE: bool(blocking),
        Deed.ACKNOWLEDGE: (dates.safe or dates.due) in (None, progress.acknowledged_for),
    }
    recipient = organisation.bodies.get(ticket.recipient) or organisation.posts[ticket.recipient]
    return AnswerPage(
        today=today,
        city=organisation.title,
        plan=plan.title,
        title=milestone.title,
        owner=organisation.bodies[milestone.owner].title,
        holder=holder,
        language=recipient.language,
        contact=organisation.secretariat_body.title,
        contact_mail=organisation.secretariat_body.mail or "",
        status=verdict.status,
        window=milestone.window.wording if milestone.window else "",
        basis=milestone.basis or (slot.deadline.rule.basis if slot.deadline else ""),
        dates=dates,
        due_at=slot.deadline.at if slot.deadline else None,
        was=then if then != dates else None,
        due_in=calendar.count(today, dates.due) if dates.due else None,
        safe_in=calendar.count(today, dates.safe) if dates.safe else None,
        reasons=reason_sentences(plan, blocking),
        against=[] if verdict.is_closed or blocking else against_today(standing, Deed.COMPLETE, id),
        rests_on=[
            plan.milestones[each].title
            for each in standing.network.dependents(id)
            if not standing.verdicts[each].is_closed
        ],
        evidence=milestone.evidence,
        progress=progress,
        actions=[deed for deed in rights if not impossible.get(deed)],
        snooze_first=calendar.add(today, 1) if last else None,
        snooze_last=last,
    )


def _dates_then(office: Office, work: UnitOfWork, standing: Standing, ticket: Ticket, today: date) -> Dates | None:
    """Return the dates by the revision that the link was made with, everything else as it is today."""
    is_older = ticket.revision != standing.revision
    if revision := work.plans.revision(ticket.plan, ticket.revision) if is_older else None:
        document = Document(f"{ticket.plan}（第{ticket.revision}版）", revision.document)
        network = office.library.plan_from(document, [today.year]).network
        if ticket.milestone in network.plan.milestones:
            slot = network.schedule(standing.progress, today)[ticket.milestone]
            return Dates(slot.due, slot.firm_finish)
    verdict = standing.verdicts[ticket.milestone]
    return Dates(verdict.due, verdict.firm_finish)
