"""Reminding now: the secretariat asks whoever is in charge, at once, and sees whether the word arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from kijitsu.domain.errors import InputError
from kijitsu.domain.gates import Status
from kijitsu.domain.line import addressee, recipients
from kijitsu.domain.reminders import Reminder
from kijitsu.domain.roles import Right
from kijitsu.explain import rule_words
from kijitsu.office import Actor, Office
from kijitsu.services.delivering import dispatch
from kijitsu.services.reading import Standing
from kijitsu.services.watching import adopted, organisation_of
from kijitsu.services.writing import tell
from kijitsu.store.rows import ReminderKey, ReminderRow, ReminderState
from kijitsu.store.work import UnitOfWork


class NobodyToAsk(InputError):
    """A milestone that nobody can do anything about: it is closed, or something else stops it."""


@dataclass(frozen=True, slots=True)
class Word:
    """One reminder of the ledger and how its letter fares.

    `about` says which rule wrote it. `sent_at` is when the other side took it; `not_before` when it is tried next, None
    where nothing waits; `answer` what the other side said when it did not take it, "" for nothing.
    """

    rule: str
    about: str
    recipient: str
    written_on: date
    state: ReminderState
    sent_at: datetime | None
    not_before: datetime | None
    answer: str


def why_not_ask(standing: Standing, id: str) -> str:
    """Return why nobody can be asked about a milestone, with whom to ask instead; "" where somebody can."""
    plan, verdict = standing.plan, standing.verdicts[id]
    title = plan.milestones[id].title
    if verdict.is_closed:
        return f"「{title}」は終わっているので、督促はできません。"
    if verdict.status is Status.BLOCKED:
        roots = dict.fromkeys(reason.root_cause for reason in verdict.reasons if reason.blocks)
        causes = "、".join(f"「{plan.milestones[root].title}」" for root in roots)
        return f"「{title}」は停止していて、担当は進められません。原因の{causes}を督促してください。"
    return ""


def remind(office: Office, plan: str, id: str, actor: Actor) -> Sequence[Word]:
    """Write to whoever is in charge of a milestone that the secretariat asks now, send it, and return how it fared.

    Of one deadline a day's inquiry is one reminder (`asked:` and the day), so that it goes out once however often
    it is asked for. Out of office hours it waits for the opening, like any letter. Raises NotAllowed, NobodyToAsk, and
    InputError for a milestone that the plan does not have.
    """
    actor.require(Right.SEND, "督促")
    organisation = organisation_of(office, plan)
    with office.open_work(organisation.municipality, False) as work:
        work.audit.take_turn()
        on = office.today(organisation)
        standing = adopted(office, work, plan, on)
        if why := why_not_ask(standing, standing.milestone(id)):
            raise NobodyToAsk(why)
        asked = _inquiries(standing, id, on)
        known = work.reminders.states(plan, [id], min(each.deadline for each in asked))
        unasked = (None, ReminderState.SUPERSEDED)
        if new := [each for each in asked if known.get(ReminderKey(plan, *each.key)) in unasked]:
            tell(office, work, standing, on, ["asked"], new)
            details = {"on": on.isoformat(), "notified": [each.recipient for each in new]}
            work.audit.append(
                office.now(organisation), actor.name, actor.authenticated_by, "remind", f"{plan}/{id}", details
            )
            work.commit()
    dispatch(office, organisation)
    return asked_today(office, standing).get(id, ())


def _inquiries(standing: Standing, id: str, on: date) -> list[Reminder]:
    verdict, owner = standing.verdicts[id], standing.plan.milestones[id].owner
    deadline = verdict.due or verdict.firm_finish or on
    to = recipients(standing.plan.organisation, owner, ("owner",))
    return [Reminder(id, f"asked:{on}", each, deadline, on) for each in to]


def asked_today(office: Office, standing: Standing) -> Mapping[str, Sequence[Word]]:
    """Return how the inquiries of the day fare, by milestone."""
    on = standing.as_of
    assert on
    with office.open_work(standing.plan.organisation.municipality, True) as work:
        rows = [each for each in work.reminders.all(standing.plan.id, on) if each.rule == f"asked:{on}"]
        return _words(work, standing, rows)


def words_on(office: Office, standing: Standing, id: str) -> Sequence[Word]:
    """Return every reminder that was written on a milestone, the newest first."""
    with office.open_work(standing.plan.organisation.municipality, True) as work:
        rows = [each for each in work.reminders.all(standing.plan.id) if each.milestone == id]
        return _words(work, standing, rows).get(id, ())[::-1]


def _words(work: UnitOfWork, standing: Standing, rows: Sequence[ReminderRow]) -> dict[str, list[Word]]:
    carried = work.outbox.deliveries({row.message_key for row in rows if row.message_key})
    found: dict[str, list[Word]] = {}
    for row in rows:
        letter = carried.get(row.message_key or "")
        is_told = letter is not None and row.state in (ReminderState.PENDING, ReminderState.SENT, ReminderState.DEAD)
        found.setdefault(row.milestone, []).append(
            Word(
                row.rule,
                rule_words(row.rule),
                addressee(standing.plan.organisation, row.recipient).title,
                row.written_on,
                row.state,
                letter.sent_at if letter and is_told else None,
                letter.not_before if letter and row.state is ReminderState.PENDING else None,
                (letter.last_error or "") if letter and is_told else "",
            )
        )
    return found
