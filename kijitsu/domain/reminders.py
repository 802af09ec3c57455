"""Reminders: who is owed which word on a day, derived from the deadline, never from what was said before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from kijitsu.domain.closures import Closures
from kijitsu.domain.gates import Status, Verdict
from kijitsu.domain.history import NOTHING_YET, Progress
from kijitsu.domain.periods import Length, months_of
from kijitsu.domain.plan import Milestone, Organisation, Plan, Policy
from kijitsu.domain.schedule import Slot
from kijitsu.domain.windows import add_months

Key = tuple[str, str, str, date]


@dataclass(frozen=True, slots=True)
class Reminder:
    """One word owed to one recipient; (milestone, rule, recipient, deadline) is its natural key.

    `deadline` is the version of the deadline it speaks of, so that a moved date makes new reminders. `due_on` is the
    open day it should go out on; after an outage it goes out late, once. `is_covered` marks an older one that a newer
    one of the same kind stands for.
    """

    milestone: str
    rule: str
    recipient: str
    deadline: date
    due_on: date
    is_covered: bool = False

    @property
    def key(self) -> Key:
        """The natural key."""
        return (self.milestone, self.rule, self.recipient, self.deadline)

    @property
    def topic(self) -> str:
        """The rule without its number: before, on_day, after, blocked, unblocked."""
        return self.rule.partition(":")[0]

    @property
    def count(self) -> int:
        """The how-many-th after the deadline; 0 for any other."""
        return int(self.rule.partition(":")[2]) if self.topic == "after" else 0


def owed(
    plan: Plan,
    verdicts: Mapping[str, Verdict],
    before: Mapping[str, Status],
    on: date,
    calendar: Closures,
) -> list[Reminder]:
    """Return every reminder that should have gone out by the open day `on`, whether or not it did.

    `before` is each milestone's status at the last pass: a change into or out of 停止 is told once. What was already
    written is for the ledger to know.
    """
    reminders: list[Reminder] = []
    for id, verdict in verdicts.items():
        milestone = plan.milestones[id]
        policy = policy_for(plan, milestone)
        reminders += _on_change(plan, milestone, policy, verdict, before.get(id), on)
        if not verdict.is_closed:
            reminders += _before_due(plan, milestone, policy, verdict, on, calendar)
            reminders += _after_due(plan, milestone, policy, verdict, on, calendar)
    return reminders


def upcoming(
    plan: Plan, slots: Mapping[str, Slot], progress: Mapping[str, Progress], on: date, calendar: Closures
) -> Iterator[Reminder]:
    """Yield the reminders that lie ahead, before and on the due date, if nothing changes."""
    for id, milestone in plan.milestones.items():
        if progress.get(id, NOTHING_YET).is_closed:
            continue
        policy, slot = policy_for(plan, milestone), slots[id]
        if slot.firm_finish:
            for offset in policy.before:
                day = _ahead(slot.firm_finish, offset, calendar)
                for to in recipients(plan.organisation, milestone.owner, policy.to_before):
                    if day >= on:
                        yield Reminder(id, f"before:{offset}", to, slot.firm_finish, day)
        if slot.due and not slot.is_provisional and policy.on_day and slot.due >= on:
            for to in recipients(plan.organisation, milestone.owner, policy.to_on_day):
                yield Reminder(id, "on_day", to, slot.due, calendar.previous_open(slot.due))


def policy_for(plan: Plan, milestone: Milestone) -> Policy:
    """Return the reminder policy that a milestone names, else that of its kind, else the standard one."""
    return plan.policies[milestone.reminders or plan.policy_of_kind.get(milestone.kind, "standard")]


def recipients(organisation: Organisation, owner: str, roles: tuple[str, ...]) -> list[str]:
    """Return the bodies behind some roles, each once; whom we cannot write to, the secretariat stands in for."""
    found: list[str] = []
    for role in roles:
        body = organisation.bodies[owner]
        superior = organisation.bodies[body.reports_to] if body.reports_to else organisation.secretariat_body
        chosen = {"owner": body, "superior": superior, "secretariat": organisation.secretariat_body}[role]
        if chosen.mail is None:
            chosen = organisation.secretariat_body
        if chosen.id not in found:
            found.append(chosen.id)
    return found


def _on_change(
    plan: Plan, milestone: Milestone, policy: Policy, verdict: Verdict, before: Status | None, on: date
) -> Iterator[Reminder]:
    now_blocked, was_blocked = verdict.status is Status.BLOCKED, before is Status.BLOCKED
    if now_blocked and not was_blocked:
        since = min((r.since for r in verdict.reasons if r.blocks and r.since), default=on)
        for to in recipients(plan.organisation, milestone.owner, policy.to_blocked):
            yield Reminder(milestone.id, "blocked", to, since, on)
    elif was_blocked and not now_blocked and not verdict.is_closed:
        for to in recipients(plan.organisation, milestone.owner, policy.to_unblocked):
            yield Reminder(milestone.id, "unblocked", to, on, on)


def _before_due(
    plan: Plan, milestone: Milestone, policy: Policy, verdict: Verdict, on: date, calendar: Closures
) -> Iterator[Reminder]:
    """Count back from the latest safe finish: what rests on a milestone may need it before its own due date."""
    safe, due = verdict.firm_finish, verdict.due if not verdict.is_provisional else None
    if due is not None and due < on:
        return
    if safe is not None:
        days = sorted((_ahead(safe, offset, calendar), str(offset)) for offset in policy.before)
        reached = [(day, offset) for day, offset in days if day <= on]
        for number, (day, offset) in enumerate(reached, start=1):
            is_covered = number < len(reached)
            for to in recipients(plan.organisation, milestone.owner, policy.to_before):
                yield Reminder(milestone.id, f"before:{offset}", to, safe, day, is_covered)
    if due is not None and policy.on_day:
        day = calendar.previous_open(due)
        if day <= on:
            for to in recipients(plan.organisation, milestone.owner, policy.to_on_day):
                yield Reminder(milestone.id, "on_day", to, due, day)


def _ahead(deadline: date, offset: Length, calendar: Closures) -> date:
    if offset.unit == "wd":
        return calendar.add(calendar.previous_open(deadline), -offset.number)
    if offset.unit in ("d", "w"):
        return calendar.previous_open(deadline - timedelta(offset.number * (7 if offset.unit == "w" else 1)))
    return calendar.previous_open(add_months(deadline, -months_of(offset)))


def _after_due(
    plan: Plan, milestone: Milestone, policy: Policy, verdict: Verdict, on: date, calendar: Closures
) -> Iterator[Reminder]:
    """Repeat after the due date, the newest standing for those that were missed.

    Not to a blocked milestone: its people cannot act, the owner of the root cause is the one who is asked.
    """
    due = verdict.due
    if due is None or due >= on or verdict.is_provisional or policy.every is None or verdict.status is Status.BLOCKED:
        return
    first = calendar.add(due, 1)
    if on < first:
        return
    step = policy.every.number
    number = calendar.count(first, on) // step + 1
    for to in recipients(plan.organisation, milestone.owner, policy.to_after):
        day = calendar.add(first, (number - 1) * step)
        yield Reminder(milestone.id, f"after:{number}", to, due, day)
