"""Reminders: who is owed which word on a day, derived from the deadline, never from what was said before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from kijitsu.domain.closures import Closures
from kijitsu.domain.gates import Status, Verdict, valid_until
from kijitsu.domain.history import NOTHING_YET, Progress
from kijitsu.domain.line import recipients, up_the_line
from kijitsu.domain.periods import Length, months_of
from kijitsu.domain.plan import Milestone, Plan, Policy
from kijitsu.domain.schedule import Network, Slot
from kijitsu.domain.windows import add_months

Key = tuple[str, str, str, date]

# What nobody could be told for so many days is no news any more.
_NEWS_DAYS = 31


@dataclass(frozen=True, slots=True)
class Reminder:
    """One word owed to one recipient; (milestone, rule, recipient, deadline) is its natural key.

    `recipient` is a body's id or a post's title. `deadline` is the version of the deadline it speaks of, so that a
    moved date makes new reminders; of news it is the day they are of. `due_on` is the open day it should go out on;
    after an outage it goes out late, once. `is_covered` marks an older one that a newer one of its kind stands for.
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
        """What it is about; asked for again on a day, a reminder is one before the deadline."""
        topic = self.rule.partition(":")[0]
        return "before" if topic == "snoozed" else topic

    @property
    def revision(self) -> int | None:
        """Of a word on a move, the plan's revision that it tells of; None for a changed calendar, and any other."""
        topic, _, number = self.rule.partition(":")
        return int(number) if topic == "moved" and number.isdecimal() else None

    @property
    def count(self) -> int:
        """The how-many-th after the deadline; 0 for any other."""
        return int(self.rule.partition(":")[2]) if self.topic == "after" else 0


@dataclass(frozen=True, slots=True)
class News:
    """What the passes have seen: since when a milestone is 停止, and when one was last freed of it.

    `began` is the day the plan was adopted. What was late while there was no plan, no way on or leave to be late is
    told up the line from the day that this ended, a level at a time, as if it had been due then.
    """

    stopped: Mapping[str, date] = field(default_factory=dict)
    freed: Mapping[str, date] = field(default_factory=dict)
    began: date = date.min


def owed(
    network: Network, verdicts: Mapping[str, Verdict], progress: Mapping[str, Progress], news: News, on: date
) -> list[Reminder]:
    """Return every reminder that should have gone out by the open day `on`, whether or not it did.

    What was already written is for the ledger to know; what is written and no longer owed, is overtaken.
    """
    found: list[Reminder] = []
    for id, verdict in verdicts.items():
        milestone = network.plan.milestones[id]
        policy, done = policy_for(network.plan, milestone), progress.get(id, NOTHING_YET)
        each = _Owed(network, verdicts, milestone, policy, verdict, done, on)
        found += each.expiring() if verdict.is_closed else each.open(news)
    return found


def upcoming(
    network: Network,
    slots: Mapping[str, Slot],
    progress: Mapping[str, Progress],
    on: date,
    among: Iterable[str] | None = None,
) -> Iterator[Reminder]:
    """Yield the reminders that lie ahead, before and on the due date, if nothing changes; of some milestones or all."""
    plan, calendar = network.plan, network.calendar
    for id in plan.milestones if among is None else among:
        milestone = plan.milestones[id]
        done = progress.get(id, NOTHING_YET)
        if done.is_closed:
            continue
        policy, slot = policy_for(plan, milestone), slots[id]
        if slot.firm_finish:
            quiet = _quiet_until(done, slot.firm_finish) or date.min
            for offset in policy.before:
                day = max(_ahead(slot.firm_finish, offset, calendar), quiet)
                for to in recipients(plan.organisation, milestone.owner, policy.to_before):
                    if day >= on:
                        yield Reminder(id, f"before:{offset}", to, slot.firm_finish, day)
        if slot.due and not slot.is_provisional and policy.on_day and slot.due >= on:
            for to in recipients(plan.organisation, milestone.owner, policy.to_on_day):
                yield Reminder(id, "on_day", to, slot.due, calendar.previous_open(slot.due))


def policy_for(plan: Plan, milestone: Milestone) -> Policy:
    """Return the reminder policy of a milestone."""
    return plan.policies[policy_name(plan, milestone)]


def policy_name(plan: Plan, milestone: Milestone) -> str:
    """Return the name of the policy that a milestone names, else that of its kind, else the standard one."""
    return milestone.reminders or plan.policy_of_kind.get(milestone.kind, "standard")


def told_of_move(plan: Plan, id: str, rule: str, deadline: date, on: date) -> list[Reminder]:
    """Return the words owed on a milestone whose date was moved; `rule` tells one move from another."""
    milestone = plan.milestones[id]
    to = recipients(plan.organisation, milestone.owner, policy_for(plan, milestone).to_moved)
    return [Reminder(id, f"moved:{rule}", each, deadline, on) for each in to]


@dataclass(frozen=True, slots=True)
class _Owed:
    """What is owed on one milestone."""

    network: Network
    verdicts: Mapping[str, Verdict]
    milestone: Milestone
    policy: Policy
    verdict: Verdict
    done: Progress
    on: date

    def open(self, news: News) -> Iterator[Reminder]:
        """Yield what is owed while the milestone is not closed."""
        freed = news.freed.get(self.milestone.id)
        yield from self._news(news)
        if self.done.excused_until is None or self.done.excused_until < self.on:
            yield from self._before_due()
            yield from self._after_due()
            yield from self._up_the_line(max(news.began, freed or date.min, self.done.excused_until or date.min))

    def _to(self, roles: tuple[str, ...]) -> list[str]:
        return recipients(self.network.plan.organisation, self.milestone.owner, roles)

    def _told(self, rule: str, roles: tuple[str, ...], of: date) -> Iterator[Reminder]:
        for to in self._to(roles):
            yield Reminder(self.milestone.id, rule, to, of, self.on)

    def _news(self, news: News) -> Iterator[Reminder]:
        id, done, freed = self.milestone.id, self.done, news.freed.get(self.milestone.id)
        if self.verdict.status is Status.BLOCKED:
            # Of the pass that found it, not of the lapse: causes come and go while it stays stopped.
            yield from self._told("blocked", self.policy.to_blocked, news.stopped.get(id, self.on))
        elif freed and (self.on - freed).days <= _NEWS_DAYS:
            yield from self._told("unblocked", self.policy.to_unblocked, freed)
        if done.rejected_on:
            yield from self._told("rejected", self.policy.to_rejected, done.rejected_on)
        if done.estimate:
            yield from self._told("estimate", ("secretariat",), done.estimate)

    def _before_due(self) -> Iterator[Reminder]:
        """Count back from the latest safe finish: what rests on a milestone may need it before its own due date."""
        verdict, calendar, on = self.verdict, self.network.calendar, self.on
        safe, due = verdict.firm_finish, verdict.due if not verdict.is_provisional else None
        if due is not None and due < on:
            return
        quiet = _quiet_until(self.done, safe)
        if safe is not None and (quiet is None or quiet <= on):
            yield from self._ahead_of("before", safe, self.policy.before, self.policy.to_before)
            if (asked := self.done.snoozed_until) and asked <= min(on, safe):
                for to in self._to(("owner",)):
                    yield Reminder(self.milestone.id, f"snoozed:{asked}", to, safe, asked)
        if due is not None and self.policy.on_day:
            day = calendar.previous_open(due)
            if day <= on:
                for to in self._to(self.policy.to_on_day):
                    yield Reminder(self.milestone.id, "on_day", to, due, day)

    def _after_due(self) -> Iterator[Reminder]:
        """Repeat after the due date, the newest standing for those that were missed."""
        calendar, due, every = self.network.calendar, self._missed(), self.policy.every
        if due is None or every is None or (first := calendar.add(due, 1)) > self.on:
            return
        number = calendar.count(first, self.on) // every.number + 1
        day = calendar.add(first, (number - 1) * every.number)
        waits = self.done.estimate is not None and self.on <= self.done.estimate
        owner, secretariat = self._to(("owner",)), self.network.plan.organisation.secretariat
        for to in self._to(self.policy.to_after):
            # The owner has said until when it will take; whoever decides about that is still asked.
            if not (waits and to in owner and to != secretariat):
                yield Reminder(self.milestone.id, f"after:{number}", to, due, day)

    def _up_the_line(self, since: date) -> Iterator[Reminder]:
        """Tell the owner's superiors of what stays undone, one more of them on each tier's day."""
        calendar, due = self.network.calendar, self._missed()
        if due is None:
            return
        days = [calendar.add(max(due, since), tier.number) for tier in self.policy.tiers]
        reached = [day for day in days if day <= self.on]
        line = up_the_line(self.network.plan.organisation, self.milestone.owner, reached)
        for tier, (day, to) in enumerate(zip(reached, line, strict=False), start=1):
            yield Reminder(self.milestone.id, f"escalated:{tier}", to, due, day)

    def _missed(self) -> date | None:
        """Return the due date where it has passed and somebody can be asked.

        A blocked milestone's people cannot act; the owner of the root cause is the one who is asked.
        """
        due, is_blocked = self.verdict.due, self.verdict.status is Status.BLOCKED
        return None if due is None or due >= self.on or self.verdict.is_provisional or is_blocked else due

    def expiring(self) -> Iterator[Reminder]:
        """Yield what is owed on a completion that is about to run out while something unfinished rests on it."""
        last = valid_until(self.milestone, self.done, self.network)
        if last is None or last < self.on or not self.policy.expiring or not self._is_rested_on():
            return
        yield from self._ahead_of("expiring", last, self.policy.expiring, self.policy.to_expiring)

    def _ahead_of(
        self, topic: str, last: date, offsets: tuple[Length, ...], roles: tuple[str, ...]
    ) -> Iterator[Reminder]:
        """Yield what is reached of some lengths ahead of a day, the newest standing for the older ones."""
        days = sorted((_ahead(last, offset, self.network.calendar), str(offset)) for offset in offsets)
        reached = [(day, offset) for day, offset in days if day <= self.on]
        for number, (day, offset) in enumerate(reached, start=1):
            for to in self._to(roles):
                yield Reminder(self.milestone.id, f"{topic}:{offset}", to, last, day, number < len(reached))

    def _is_rested_on(self) -> bool:
        """Tell whether something unfinished asks that this completion be still good, and no later one is."""
        plan, id = self.network.plan, self.milestone.id
        later = list(plan.occurrences(id))[1:]
        if any(self.verdicts[each.id].status is Status.DONE for each in later):
            return False
        return bool(resting_on_validity(plan, self.milestone, self.verdicts))


def resting_on_validity(plan: Plan, milestone: Milestone, verdicts: Mapping[str, Verdict]) -> list[str]:
    """Return what is unfinished and asks that a milestone's completion be still good, in the order of the plan."""
    names = {milestone.id, milestone.occurrence_of or milestone.id}
    return [
        id
        for id, each in plan.milestones.items()
        if not verdicts[id].is_closed and any(link.on in names and link.valid for link in each.after)
    ]


def _quiet_until(done: Progress, safe: date | None) -> date | None:
    """Return the day before which no more is said ahead of a deadline, for its people have answered; None for none.

    Never later than the latest safe day itself. An answer was to the deadline of then: a moved one asks again.
    """
    if safe is None:
        return None
    if done.acknowledged_for == safe or (done.estimate is not None and done.estimate >= safe):
        return safe
    return min(done.snoozed_until, safe) if done.snoozed_until else None


def _ahead(deadline: date, offset: Length, calendar: Closures) -> date:
    if offset.unit == "wd":
        return calendar.add(calendar.previous_open(deadline), -offset.number)
    if offset.unit in ("d", "w"):
        return calendar.previous_open(deadline - timedelta(offset.number * (7 if offset.unit == "w" else 1)))
    return calendar.previous_open(add_months(deadline, -months_of(offset)))
