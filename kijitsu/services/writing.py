"""Letters: what is owed becomes one letter to each recipient, kept with the ledger in one transaction.

A letter that nobody has tried to send yet gives its reminders to a newer one to the same place, so that a recipient
finds one letter that is true today and not several that were true once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from itertools import product

from kijitsu.domain.gates import Status
from kijitsu.domain.line import addressee
from kijitsu.domain.plan import Addressee
from kijitsu.domain.reminders import News, Reminder, owed, policy_for
from kijitsu.messages import Envelope, Letter
from kijitsu.office import Office, day_of
from kijitsu.services.items import Shift, items_of
from kijitsu.services.reading import Standing
from kijitsu.store import rows
from kijitsu.store.work import UnitOfWork

Place = tuple[str, str]


@dataclass(frozen=True)
class Draft:
    """A letter before it is worded. `carried_on` are those of its reminders that an older letter brought along."""

    to: Addressee
    letter: Letter
    reminders: Sequence[Reminder]
    carried_on: Collection[rows.ReminderKey]
    replaces: Sequence[str]


@dataclass(frozen=True)
class Mail:
    """What a day asks for: reminders new to the ledger, those overtaken with what becomes of them, and letters."""

    new: Sequence[Reminder] = ()
    overtaken: Mapping[rows.ReminderKey, rows.ReminderState] = field(default_factory=dict)
    drafts: Sequence[Draft] = ()


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
    post(office, work, standing, mail_of(office, work, standing, everything, on, topics=topics), on)


def mail_of(
    office: Office,
    work: UnitOfWork,
    standing: Standing,
    all_owed: Sequence[Reminder],
    on: date,
    *,
    told: Collection[str] = (),
    topics: Collection[str] | None = None,
    shifts: Mapping[tuple[str, str], Shift] | None = None,
    hold: bool = True,
) -> Mail:
    """Return what a day asks for, and write nothing.

    `told` are the recipients whose letter of the day is out: only what is urgent goes to them still. With `topics`,
    only new reminders on these are written. `hold` keeps others from sending the letters that are to be replaced.
    """
    plan = standing.plan
    states = work.reminders.states(plan.id, {reminder.milestone for reminder in all_owed})
    waiting = work.reminders.waiting(plan.id, hold)
    truth = {(plan.id, *reminder.key): reminder for reminder in all_owed}
    overtaken: dict[rows.ReminderKey, rows.ReminderState] = {}
    for row, _ in waiting:
        now = truth.get(row.key)
        if now is None and not row.rule.startswith("moved:"):
            overtaken[row.key] = rows.ReminderState.SUPERSEDED
        elif now is not None and now.is_covered:
            overtaken[row.key] = rows.ReminderState.COVERED

    def place(recipient: str) -> Place:
        to = addressee(plan.organisation, recipient)
        return to.channel, to.address

    untried = [row for row, is_untried in waiting if is_untried]
    out, open_places = {place(to) for to in told}, {place(row.recipient) for row in untried}

    def is_timely(reminder: Reminder) -> bool:
        if topics is not None:
            return reminder.topic in topics
        where = place(reminder.recipient)
        urgent = policy_for(plan, plan.milestones[reminder.milestone]).urgent
        return where not in out or where in open_places or reminder.topic in urgent

    unwritten = (None, rows.ReminderState.SUPERSEDED)
    new = [r for key, r in truth.items() if states.get(rows.ReminderKey(*key)) in unwritten and is_timely(r)]
    waits = {row.key for row in untried}
    taken_back = _taken_back(work, standing, [*new, *map(_reminder, untried)])
    overtaken |= dict.fromkeys((key for key in taken_back if key in waits), rows.ReminderState.SUPERSEDED)
    unheard = {
        key for key, state in states.items() if state is rows.ReminderState.SUPERSEDED
    } | overtaken.keys() & waits
    new = [r for r in new if (plan.id, *r.key) not in taken_back and not _ends_unheard(r, states, unheard)]
    fresh: dict[Place, list[Reminder]] = {}
    for reminder in new:
        if not reminder.is_covered:
            fresh.setdefault(place(reminder.recipient), []).append(reminder)
    # Besides those who are told something new: whose letter says what is no longer so, or has grown old.
    rewritten = set(fresh)
    rewritten |= {place(row.recipient) for row in untried if row.key in overtaken or not _is_of(row, on)}
    drafts = []
    for where in sorted(rewritten):
        mine = [row for row in untried if place(row.recipient) == where]
        kept = [_reminder(row) for row in mine if row.key not in overtaken]
        if reminders := [*fresh.get(where, ()), *kept]:
            again = (rows.ReminderKey(plan.id, *each.key) for each in fresh.get(where, ()))
            # Whoever took a reminder back withdrew its letter: written again, it must not be that letter once more.
            taken = work.reminders.carriers(key for key in again if key in states)
            replaced = sorted({row.message_key for row in mine if row.message_key} | taken)
            letter = _letter(office, work, standing, reminders, on, shifts or {})
            carried = {rows.ReminderKey(plan.id, *reminder.key) for reminder in kept}
            to = addressee(plan.organisation, reminders[0].recipient)
            drafts.append(Draft(to, letter, reminders, carried, replaced))
    return Mail(new, overtaken, drafts)


def post(office: Office, work: UnitOfWork, standing: Standing, mail: Mail, on: date) -> list[str]:
    """Write a day's reminders and letters; return the recipients. The caller commits."""
    plan = standing.plan
    for state in set(mail.overtaken.values()):
        work.reminders.supersede((key for key, becomes in mail.overtaken.items() if becomes is state), state)
    keys = {id(draft): _message_key(plan.id, on, draft) for draft in mail.drafts}
    carrier = {reminder.key: keys[id(draft)] for draft in mail.drafts for reminder in draft.reminders}
    work.reminders.add([_row(standing, reminder, carrier.get(reminder.key), on) for reminder in mail.new])
    now = office.now(plan.organisation)
    envelopes = [_envelope(office, standing, draft, keys[id(draft)]) for draft in mail.drafts]
    work.outbox.add(envelopes, office.opening(plan.organisation, now))
    for draft in mail.drafts:
        work.reminders.carry(draft.carried_on, keys[id(draft)])
    if replaced := {key for draft in mail.drafts for key in draft.replaces}:
        work.reminders.withdraw(replaced)
    return [draft.to.id for draft in mail.drafts]


def _taken_back(work: UnitOfWork, standing: Standing, reminders: Iterable[Reminder]) -> set[rows.ReminderKey]:
    """Return the keys of those untold words on moves that leave a date as its reader knows it."""
    moves: dict[tuple[str, str], list[Reminder]] = {}
    for reminder in reminders:
        if reminder.topic == "moved" and reminder.rule.removeprefix("moved:").isdecimal():
            moves.setdefault((reminder.milestone, reminder.recipient), []).append(reminder)
    found = set()
    for (id, _), untold in moves.items():
        oldest = min(untold, key=lambda r: int(r.rule.removeprefix("moved:")))
        window = standing.plan.milestones[id].window
        for was in _shifts_of(work, standing.plan.id, [oldest]).values():
            if (was.was, was.was_window) == (standing.slots[id].due, window.wording if window else ""):
                found |= {rows.ReminderKey(standing.plan.id, *each.key) for each in untold}
    return found


def _ends_unheard(
    reminder: Reminder, states: Collection[rows.ReminderKey], unheard: Collection[rows.ReminderKey]
) -> bool:
    """Tell whether a word speaks of the end of a stop that its recipient never heard of."""
    stop = (reminder.milestone, "blocked", reminder.recipient)
    stops = [key for key in states if (key.milestone, key.rule, key.recipient) == stop]
    return reminder.topic == "unblocked" and bool(stops) and max(stops, key=lambda key: key.deadline) in unheard


def _reminder(row: rows.ReminderRow) -> Reminder:
    return Reminder(row.milestone, row.rule, row.recipient, row.deadline, row.due_on)


def _row(standing: Standing, reminder: Reminder, carrier: str | None, on: date) -> rows.ReminderRow:
    state = rows.ReminderState.COVERED if reminder.is_covered else rows.ReminderState.PENDING
    channel = addressee(standing.plan.organisation, reminder.recipient).channel
    return rows.ReminderRow(standing.plan.id, *reminder.key, reminder.due_on, channel, state, carrier, on)


def _message_key(plan: str, on: date, draft: Draft) -> str:
    """Return a letter's key: the same reminders in place of the same letters give the same one, at any attempt."""
    content = [*sorted(f"{r.milestone} {r.rule} {r.recipient} {r.deadline}" for r in draft.reminders), *draft.replaces]
    digest = sha256("\n".join(content).encode()).hexdigest()
    return f"{plan}/{on}/{draft.to.id}/{digest[:8]}"


def _is_of(row: rows.ReminderRow, on: date) -> bool:
    """Tell whether the letter that carries a reminder was written on a day."""
    return (row.message_key or "").startswith(f"{row.plan}/{on}/")


def _letter(
    office: Office,
    work: UnitOfWork,
    standing: Standing,
    reminders: Sequence[Reminder],
    on: date,
    shifts: Mapping[tuple[str, str], Shift],
) -> Letter:
    organisation = standing.plan.organisation
    to = addressee(organisation, reminders[0].recipient)
    body = organisation.bodies.get(to.id)
    contact = organisation.secretariat_body
    told = {**_shifts_of(work, standing.plan.id, reminders), **shifts}
    return Letter(
        municipality=organisation.title,
        plan=standing.plan.id,
        plan_title=standing.plan.title,
        on=on,
        recipient=to.id,
        recipient_title=to.title,
        is_request=body is not None and body.kind == "agency",
        items=items_of(office, standing, reminders, on, told),
        contact_title=contact.title,
        contact_mail=contact.mail or "",
        municipality_code=organisation.municipality,
        language=to.language,
        revision=standing.revision,
        changed_at=standing.changed_at,
        channel=to.channel,
    )


def _shifts_of(work: UnitOfWork, plan: str, reminders: Iterable[Reminder]) -> dict[tuple[str, str], Shift]:
    """Return what the revisions and changed calendars that some reminders tell of did to their milestones."""
    found: dict[tuple[str, str], Shift] = {}
    moves = {(reminder.milestone, reminder.rule) for reminder in reminders if reminder.topic == "moved"}
    for id, rule in moves:
        number = rule.removeprefix("moved:")
        if number.isdecimal():
            change = work.plans.change(plan, int(number)) or {}
            if was := change.get("was", {}).get(id):
                day = date.fromisoformat(was["due"]) if was["due"] else None
                found[id, rule] = Shift(day, was["window"] or "", change["change"]["reason"])
    if moves - found.keys():
        # Moved by a calendar, on the day that the rule names.
        entries = [entry.details for entry in work.audit.all() if (entry.action, entry.subject) == ("calendar", plan)]
        for details, (id, rule) in product(entries, moves - found.keys()):
            due, _ = details["milestones"].get(id, {}).get("due", (None, None))
            if due and rule == f"moved:{details['on']}":
                found.setdefault((id, rule), Shift(date.fromisoformat(due), "", details["cause"]))
    return found


def _envelope(office: Office, standing: Standing, draft: Draft, key: str) -> Envelope:
    organisation = standing.plan.organisation
    threads = dict.fromkeys(reminder.milestone for reminder in draft.reminders)
    return Envelope(
        key,
        draft.to.channel,
        draft.to.address,
        draft.to.title,
        message_id(office, organisation.municipality, key),
        office.now(organisation),
        office.renderer(draft.letter),
        organisation.secretariat_body.mail or "",
        " ".join(
            message_id(office, organisation.municipality, f"thread/{standing.plan.id}/{milestone}")
            for milestone in threads
        ),
    )


def message_id(office: Office, municipality: str, key: str) -> str:
    """Return the Message-ID that belongs to a key, at any attempt and on any machine of the same sender."""
    domain = office.settings.mail_from.rpartition("@")[2]
    return f"<{sha256(key.encode()).hexdigest()[:32]}.{municipality}@{domain}>"
