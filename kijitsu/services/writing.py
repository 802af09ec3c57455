"""Letters: what is owed becomes one letter to each recipient, kept with the ledger in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import Any

from kijitsu.domain.gates import Status
from kijitsu.domain.line import addressee
from kijitsu.domain.plan import Addressee, Organisation, Place, Plan
from kijitsu.domain.reminders import News, Reminder, owed
from kijitsu.messages import Envelope, Letter, Weekly
from kijitsu.office import Office, day_of
from kijitsu.services.items import items_of
from kijitsu.services.reading import Standing
from kijitsu.services.shifts import shifts_of
from kijitsu.services.sorting import Draft, Mail, mail_of
from kijitsu.store import rows
from kijitsu.store.work import UnitOfWork


def owed_on(work: UnitOfWork, standing: Standing, on: date) -> list[Reminder]:
    """Return every reminder that should have gone out by a day, as the passes so far have seen the plan."""
    stopped, freed = work.standings.blocked_since(standing.plan.id), work.transitions.freed(standing.plan.id, on)
    # What the next pass will find free.
    freed |= {id: on for id in stopped if standing.verdicts[id].status is not Status.BLOCKED}
    began = day_of(standing.plan.organisation, work.plans.adopted_at(standing.plan.id))
    return owed(standing.network, standing.verdicts, standing.progress, News(stopped, freed, began), on)


def tell(
    office: Office,
    work: UnitOfWork,
    standing: Standing,
    on: date,
    topics: Collection[str],
    also: Sequence[Reminder] = (),
) -> None:
    """Write at once what is new on some topics, and take back what waits and is no longer so. The caller commits."""
    everything = [*owed_on(work, standing, on), *also]
    post(office, work, standing, mail_of(work, standing, everything, on, topics=topics), on, {})


def post(
    office: Office, work: UnitOfWork, standing: Standing, mail: Mail, on: date, reports: Mapping[Place, Weekly]
) -> dict[str, str]:
    """Write a day's reminders and letters; return the recipients, each with the key of the letter to them.

    A report goes into the letter to its place, where there is one. The caller commits.
    """
    plan = standing.plan
    for state in set(mail.overtaken.values()):
        work.reminders.supersede((key for key, becomes in mail.overtaken.items() if becomes is state), state)
    keys = {id(draft): _message_key(plan.id, on, draft) for draft in mail.drafts}
    carrier = {reminder.key: keys[id(draft)] for draft in mail.drafts for reminder in draft.reminders}
    work.reminders.add([_row(standing, reminder, carrier.get(reminder.key), on) for reminder in mail.new])
    now = office.now(plan.organisation)
    envelopes = [
        _envelope(office, work, standing, draft, keys[id(draft)], on, reports.get(draft.to.place))
        for draft in mail.drafts
    ]
    work.outbox.add(envelopes, office.opening(plan.organisation, now))
    for draft in mail.drafts:
        work.reminders.carry(draft.carried_on, keys[id(draft)])
    if replaced := {key for draft in mail.drafts for key in draft.replaces}:
        work.reminders.withdraw(replaced)
    return {draft.to.id: keys[id(draft)] for draft in mail.drafts}


def secretariat_of(plan: Plan) -> Addressee:
    """Return the plan's secretariat as somebody to write to."""
    return addressee(plan.organisation, plan.organisation.secretariat)


def _row(standing: Standing, reminder: Reminder, carrier: str | None, on: date) -> rows.ReminderRow:
    state = rows.ReminderState.COVERED if reminder.is_covered else rows.ReminderState.PENDING
    channel = addressee(standing.plan.organisation, reminder.recipient).channel
    return rows.ReminderRow(standing.plan.id, *reminder.key, reminder.due_on, channel, state, carrier, on)


def _message_key(plan: str, on: date, draft: Draft) -> str:
    """Return a letter's key: the same reminders in place of the same letters give the same one, at any attempt."""
    content = [*sorted(f"{r.milestone} {r.rule} {r.recipient} {r.deadline}" for r in draft.reminders), *draft.replaces]
    digest = sha256("\n".join(content).encode()).hexdigest()
    return f"{plan}/{on}/{draft.to.id}/{digest[:8]}"


def letter_of(office: Office, work: UnitOfWork, standing: Standing, draft: Draft, on: date) -> Letter:
    """Return what a letter has to say, as the plan stands on its day."""
    shifts = shifts_of(work, standing.plan.id, draft.reminders)
    return letter_to(draft.to, standing, on, items=items_of(office, standing, draft.reminders, on, shifts))


def letter_to(to: Addressee, standing: Standing, on: date, **said: Any) -> Letter:
    """Return a letter on a plan to somebody; `said` are the fields of what it says."""
    organisation = standing.plan.organisation
    contact, body = organisation.secretariat_body, organisation.bodies.get(to.id)
    usual = Letter(
        municipality=organisation.title,
        plan=standing.plan.id,
        plan_title=standing.plan.title,
        on=on,
        recipient=to.id,
        recipient_title=to.title,
        is_request=body is not None and body.kind == "agency",
        items=(),
        contact_title=contact.title,
        contact_mail=contact.mail or "",
        municipality_code=organisation.municipality,
        language=to.language,
        revision=standing.revision,
        changed_at=standing.changed_at,
        channel=to.channel,
    )
    return replace(usual, **said)


def _envelope(
    office: Office,
    work: UnitOfWork,
    standing: Standing,
    draft: Draft,
    key: str,
    on: date,
    weekly: Weekly | None = None,
) -> Envelope:
    organisation = standing.plan.organisation
    threads = dict.fromkeys(reminder.milestone for reminder in draft.reminders)
    in_reply_to = (
        _message_id(office, organisation.municipality, f"thread/{standing.plan.id}/{milestone}")
        for milestone in threads
    )
    letter = replace(letter_of(office, work, standing, draft, on), weekly=weekly)
    return addressed(office, organisation, draft.to, key, letter, " ".join(in_reply_to))


def addressed(
    office: Office, organisation: Organisation, to: Addressee, key: str, letter: Letter, in_reply_to: str = ""
) -> Envelope:
    """Return a letter in words, on its way to somebody under a key; answers go to the secretariat."""
    return Envelope(
        key,
        to.channel,
        to.address,
        to.title,
        _message_id(office, organisation.municipality, key),
        office.now(organisation),
        office.renderer(letter),
        organisation.secretariat_body.mail or "",
        in_reply_to,
    )


def _message_id(office: Office, municipality: str, key: str) -> str:
    """Return the Message-ID that belongs to a key, at any attempt and on any machine of the same sender."""
    domain = office.settings.mail_from.rpartition("@")[2]
    return f"<{sha256(key.encode()).hexdigest()[:32]}.{municipality}@{domain}>"
