"""The daily pass: look at every gate, write down what changed and who is owed a word, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from kijitsu import explain
from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import InputError
from kijitsu.domain.gates import SHOWN, Status, Verdict
from kijitsu.domain.plan import Organisation
from kijitsu.domain.reminders import Reminder, owed
from kijitsu.messages import Envelope, Item, Letter, Topic
from kijitsu.office import Actor, Office
from kijitsu.services import reading
from kijitsu.services.reading import Standing
from kijitsu.services.recomputing import CalendarChange, recompute, take_back_overtaken
from kijitsu.store import rows
from kijitsu.store.work import UnitOfWork

PASS = Actor("kijitsu", "pass")


@dataclass(frozen=True)
class PassReport:
    """What one pass found and did. On a closed day it only looks: `is_open` is False and nothing was written."""

    standing: Standing
    on: date
    is_open: bool
    transitions: Sequence[rows.TransitionRow] = ()
    letters: Sequence[str] = ()
    calendar_changes: Sequence[CalendarChange] = ()

    @property
    def needs_action(self) -> list[Verdict]:
        """The milestones that are overdue, blocked or due soon: first those whose people can act."""
        order = (Status.OVERDUE, Status.BLOCKED, Status.DUE_SOON)
        found = [verdict for verdict in self.standing.verdicts.values() if verdict.status in order]
        return sorted(found, key=lambda v: (order.index(v.status), v.due or date.max))

    def held_up_by(self, id: str) -> list[str]:
        """Return the milestones that are blocked because of this one."""
        return [
            verdict.id
            for verdict in self.standing.verdicts.values()
            if any(reason.blocks and reason.root_cause == id for reason in verdict.reasons)
        ]


def watch(office: Office, plan: str, on: date | None = None, flow_run: str | None = None) -> PassReport:
    """Run the pass of an adopted plan for a day, today where none is given; a second pass of a day adds nothing.

    What changed in the plan's calendars, transitions, reminders, the letters that carry them and the audit entries are
    kept together or not at all. Raises InputError where the plan was never adopted, for a day to come, and for one
    before the latest pass.
    """
    organisation = organisation_of(office, plan)
    today = office.today(organisation)
    on = on or today
    if on > today:
        raise InputError(
            f"{show_date(on)}はまだ先の日です。その日の見通しは kijitsu status {plan} --as-of {on} で見られます。"
        )
    with office.open_work(organisation.municipality, False) as work:
        work.audit.take_turn()
        standing = adopted(office, work, plan, on)
        last = work.passes.latest(plan)
        if last and on < last.occurred_on:
            raise InputError(
                f"{show_date(last.occurred_on)}の監視が済んでいるので、それより前の{show_date(on)}には戻れません。"
                f"その日の状態は kijitsu status {plan} --as-of {on} で見られます。"
            )
        if not standing.network.calendar.is_open(on):
            return PassReport(standing, on, False)
        now = office.now(standing.plan.organisation)
        changes = recompute(work, standing)
        for change in changes:
            details = {**change.as_json(), "on": on.isoformat()}
            work.audit.append(now, PASS.name, PASS.authenticated_by, "calendar", plan, details)
        if changes:
            take_back_overtaken(work, plan, standing.slots)
        before = work.standings.statuses(plan)
        transitions = _transitions(plan, standing, before, on)
        work.transitions.add(transitions)
        work.standings.put(plan, _standings(standing, {t.milestone for t in transitions}, before, on))
        letters = _write_letters(office, work, standing, before, on)
        summary = {"transitions": len(transitions), "letters": len(letters)}
        if transitions or letters:
            details = {**summary, "on": on.isoformat(), "changed": [_changed(t) for t in transitions]}
            work.audit.append(now, PASS.name, PASS.authenticated_by, "watch", plan, details)
        work.passes.record(rows.PassRow(plan, on, now, flow_run, summary))
        work.commit()
    return PassReport(standing, on, True, transitions, letters, changes)


def organisation_of(office: Office, plan: str) -> Organisation:
    """Return the organisation that adopted a plan. Raises InputError where none did."""
    organisations = office.library.organisations()
    if len(organisations) == 1:
        # Nobody else can have adopted it; where even this one did not, whoever reads the plan finds out.
        return organisations[0]
    if adopter := reading.adopter_of(office, plan):
        return adopter
    raise not_adopted(plan)


def adopted(office: Office, work: UnitOfWork, plan: str, on: date | None) -> Standing:
    """Return where an adopted plan stands. Raises InputError with the command that adopts it."""
    standing = reading.adopted(office, work, plan, on)
    if standing is None:
        raise not_adopted(plan)
    return standing


def not_adopted(plan: str) -> InputError:
    """Return the error for a plan that is not in the database."""
    return InputError(
        f"計画 {plan} はまだデータベースに採り入れられていません。kijitsu plan adopt {plan} を実行してください。"
    )


def _changed(transition: rows.TransitionRow) -> list[str | None]:
    return [transition.milestone, transition.before, transition.after]


def _transitions(plan: str, standing: Standing, before: Mapping[str, str], on: date) -> list[rows.TransitionRow]:
    found = []
    for id, verdict in standing.verdicts.items():
        known = before.get(id)
        if known != verdict.status:
            found.append(rows.TransitionRow(plan, on, id, known, verdict.status, _why_now(standing, verdict)))
    return found


def _why_now(standing: Standing, verdict: Verdict) -> str:
    if verdict.status is Status.BLOCKED:
        return " ".join(explain.reason_sentences(standing.plan, [r for r in verdict.reasons if r.blocks]))
    return SHOWN[verdict.status]


def _standings(standing: Standing, changed: set[str], before: Mapping[str, str], on: date) -> list[rows.Standing]:
    return [
        rows.Standing(id, verdict.status, on, [[r.code, r.prerequisite, r.root_cause] for r in verdict.reasons])
        for id, verdict in standing.verdicts.items()
        if id in changed or id not in before
    ]


# --- letters ---


def _write_letters(
    office: Office, work: UnitOfWork, standing: Standing, before: Mapping[str, str], on: date
) -> list[str]:
    """Write every reminder that is owed and not yet in the ledger, one letter to each recipient."""
    plan, known = standing.plan, work.reminders.keys(standing.plan.id)
    was = {id: Status(status) for id, status in before.items()}
    due = owed(plan, standing.verdicts, was, on, standing.network.calendar)
    new = [reminder for reminder in due if (plan.id, *reminder.key) not in known]
    by_recipient: dict[str, list[Reminder]] = {}
    for reminder in new:
        if not reminder.is_covered:
            by_recipient.setdefault(reminder.recipient, []).append(reminder)
    keys = {to: message_key(plan.id, on, to, each) for to, each in by_recipient.items()}
    written = work.reminders.add([_row(plan.id, reminder, keys, on) for reminder in new])
    kept = {row.key for row in written}
    envelopes = []
    for to, reminders in by_recipient.items():
        mine = [r for r in reminders if (plan.id, *r.key) in kept]
        if mine:
            envelopes.append(_envelope(office, standing, to, keys[to], mine, on))
    work.outbox.add(envelopes, office.now(plan.organisation))
    return [envelope.key for envelope in envelopes]


def message_key(plan: str, on: date, recipient: str, reminders: Iterable[Reminder]) -> str:
    """Return the key of the message that carries these reminders: the same ones give the same key."""
    content = "\n".join(sorted(f"{r.milestone} {r.rule} {r.deadline}" for r in reminders))
    return f"{plan}/{on}/{recipient}/{sha256(content.encode()).hexdigest()[:8]}"


def _row(plan: str, reminder: Reminder, keys: Mapping[str, str], on: date) -> rows.ReminderRow:
    state = rows.ReminderState.COVERED if reminder.is_covered else rows.ReminderState.PENDING
    carrier = None if reminder.is_covered else keys[reminder.recipient]
    return rows.ReminderRow(plan, *reminder.key, reminder.due_on, "mail", state, carrier, on)


def _envelope(
    office: Office, standing: Standing, recipient: str, key: str, reminders: Sequence[Reminder], on: date
) -> Envelope:
    organisation = standing.plan.organisation
    body = organisation.bodies[recipient]
    letter = _letter(standing, recipient, reminders, on)
    message_id = f"<{sha256(key.encode()).hexdigest()[:32]}.{organisation.municipality}@{_domain(office)}>"
    return Envelope(
        key,
        "mail",
        body.mail or "",
        body.title,
        message_id,
        office.now(organisation),
        office.renderer(letter),
        organisation.secretariat_body.mail or "",
    )


def _domain(office: Office) -> str:
    return office.settings.mail_from.rpartition("@")[2]


def _letter(standing: Standing, recipient: str, reminders: Sequence[Reminder], on: date) -> Letter:
    organisation = standing.plan.organisation
    topics = list(Topic)
    items = [_item(standing, recipient, reminder, on) for reminder in _worst_of_each(reminders)]
    items.sort(key=lambda item: (topics.index(item.topic), item.due or date.max))
    return Letter(
        municipality=organisation.title,
        plan=standing.plan.id,
        plan_title=standing.plan.title,
        on=on,
        recipient=recipient,
        recipient_title=organisation.bodies[recipient].title,
        is_request=organisation.bodies[recipient].kind == "agency",
        items=items,
        contact_title=organisation.secretariat_body.title,
        contact_mail=organisation.secretariat_body.mail or "",
    )


def _worst_of_each(reminders: Sequence[Reminder]) -> list[Reminder]:
    """Say one thing of each milestone: the first of the topics in the letter's order."""
    topics = list(Topic)
    chosen: dict[str, Reminder] = {}
    for reminder in sorted(reminders, key=lambda r: topics.index(Topic(r.topic))):
        chosen.setdefault(reminder.milestone, reminder)
    return list(chosen.values())


def _item(standing: Standing, recipient: str, reminder: Reminder, on: date) -> Item:
    plan, verdict = standing.plan, standing.verdicts[reminder.milestone]
    milestone, slot = plan.milestones[reminder.milestone], standing.slots[reminder.milestone]
    nearest = min((day for day in (verdict.due, verdict.latest_safe_finish) if day), default=None)
    blocking = [reason for reason in verdict.reasons if reason.blocks]
    held = dict.fromkeys(id for reason in blocking for id in reason.holds_up if id != reminder.milestone)
    safe, own = verdict.latest_safe_finish, verdict.due and standing.network.calendar.previous_open(verdict.due)
    return Item(
        topic=Topic(reminder.topic),
        milestone=reminder.milestone,
        title=milestone.title,
        owner=plan.organisation.bodies[milestone.owner].title,
        answers_for=_answers_for(standing, recipient, milestone.owner),
        due=verdict.due,
        window=milestone.window.wording if milestone.window else "",
        latest_safe=safe if own is None or (safe is not None and safe < own) else None,
        working_days_left=standing.network.calendar.count(on, nearest) if nearest else None,
        count=reminder.count,
        basis=milestone.basis or (slot.deadline.rule.basis if slot.deadline else ""),
        evidence=milestone.evidence,
        reasons=tuple(explain.reason_sentences(plan, blocking)),
        holds_up=tuple(plan.milestones[id].title for id in held),
        due_at=slot.deadline.at if slot.deadline else None,
    )


def _answers_for(standing: Standing, recipient: str, owner: str) -> bool:
    """Whom we cannot write to, the secretariat answers for."""
    organisation = standing.plan.organisation
    return recipient == owner or (organisation.bodies[owner].mail is None and recipient == organisation.secretariat)
