"""What is owed by a day, derived a second time: the days walked one by one, people asked one by one, nothing shared.

Written from design 9 and from what reminders.py and line.py promise. What a milestone's state and its dates are is
taken from the verdict: test_schedule_by_loops.py and test_gates.py prove those. All calendars are the municipality's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple

from kijitsu.domain.gates import Status, Verdict
from kijitsu.domain.history import Progress
from kijitsu.domain.periods import Length
from kijitsu.domain.plan import Milestone, Organisation, Plan, Policy
from tests.unit.test_schedule_by_loops import ONE, end_of, is_open, on_or_before

FAR_BACK = date(2016, 1, 4)


class Word(NamedTuple):
    """One reminder: its natural key, its day, and whether a newer one stands for it."""

    milestone: str
    rule: str
    recipient: str
    deadline: date
    due_on: date
    is_covered: bool

    @property
    def kind(self) -> str:
        return self.rule.partition(":")[0]


class Seen(NamedTuple):
    """What the passes so far have noticed, and the day of the adoption."""

    stopped: Mapping[str, date]
    freed: Mapping[str, date]
    began: date


def owed_by_days(
    plan: Plan, verdicts: Mapping[str, Verdict], progress: Mapping[str, Progress], seen: Seen, on: date
) -> set[Word]:
    """Everything that should have been said by the open day `on`, and is still true then."""
    words: set[Word] = set()
    for id, milestone in plan.milestones.items():
        policy = plan.policies[milestone.reminders or plan.policy_of_kind.get(milestone.kind.value) or "standard"]
        done, verdict = progress.get(id, Progress()), verdicts[id]
        if verdict.status in (Status.DONE, Status.WAIVED, Status.CANCELLED):
            words |= set(_running_out(plan, verdicts, milestone, policy, done, on))
            continue
        words |= set(_news(plan, milestone, policy, verdict, done, seen, on))
        if done.excused_until and on <= done.excused_until:
            continue  # a delay that was allowed
        words |= set(_ahead_of_it(plan, milestone, policy, verdict, done, on))
        words |= set(_on_it(plan, milestone, policy, verdict, on))
        words |= set(_past_it(plan, milestone, policy, verdict, done, seen, on))
    return words


# --- days ---


def days(first: date, last: date) -> Iterator[date]:
    at = first
    while at <= last:
        yield at
        at += ONE


@cache
def day_ahead(deadline: date, offset: Length) -> date:
    """The open day so long before a deadline; one that falls on a closed day moves earlier."""
    at = deadline
    match offset.unit:
        case "wd":
            at = on_or_before(at)
            for _ in range(offset.number):
                at = on_or_before(at - ONE)
        case "d":
            at -= timedelta(offset.number)
        case "w":
            at -= timedelta(7 * offset.number)
        case "m":
            year, month = divmod(at.year * 12 + at.month - 1 - offset.number, 12)
            last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - ONE).day
            at = date(year, month + 1, min(at.day, last))
    return on_or_before(at)


def reached(deadline: date, offsets: Iterable[Length], on: date) -> list[tuple[date, str]]:
    """The offsets whose day has come, in the order in which it came; of two on one day the later by name is newer."""
    first = min((day_ahead(deadline, offset) for offset in offsets), default=on)
    return [
        (at, name)
        for at in days(first, on)
        for name in sorted(str(offset) for offset in offsets if day_ahead(deadline, offset) == at)
    ]


# --- people ---


def place_of(organisation: Organisation, id: str) -> tuple[str, str]:
    """Where the letters of a body or post go in the end."""
    for each in (organisation.bodies.get(id), organisation.posts.get(id)):
        address = each and (each.mail if each.channel == "mail" else each.address)
        if each and address:
            return each.channel, address
    secretariat = organisation.bodies[organisation.secretariat]
    return secretariat.channel, (secretariat.mail if secretariat.channel == "mail" else secretariat.address) or ""


def can_read(organisation: Organisation, id: str) -> bool:
    for each in (organisation.bodies.get(id), organisation.posts.get(id)):
        if each and (each.mail if each.channel == "mail" else each.address):
            return True
    return False


def people(organisation: Organisation, owner: str, roles: Iterable[str]) -> list[str]:
    """The bodies of some roles, with the secretariat for whom we cannot write to and nobody at one place twice."""
    found: list[str] = []
    for role in roles:
        body = {
            "owner": owner,
            "superior": organisation.bodies[owner].reports_to or organisation.secretariat,
            "secretariat": organisation.secretariat,
        }[role]
        body = body if can_read(organisation, body) else organisation.secretariat
        if place_of(organisation, body) not in [place_of(organisation, each) for each in found]:
            found.append(body)
    return found


def ladder(organisation: Organisation, owner: str, tiers: list[date]) -> list[str]:
    """Who is told on each tier's day; shorter than the tiers where the line ends."""
    levels: list[str] = []
    climbed: list[str] = []
    body: str | None = owner
    while body and body not in climbed:
        climbed.append(body)
        levels += organisation.bodies[body].line
        body = organisation.bodies[body].reports_to
    owners = owner if can_read(organisation, owner) else organisation.secretariat
    places, told = {place_of(organisation, owners)}, []
    for day in tiers:
        while levels:
            who = whoever_is_there(organisation, levels.pop(0), day)
            if place_of(organisation, who) not in places:
                places.add(place_of(organisation, who))
                told.append(who)
                break
    return told


def whoever_is_there(organisation: Organisation, title: str, on: date) -> str:
    """A post, or who stands in for it on a day; the post's own letters where nobody is there."""
    row: list[str] = []
    at: str | None = title
    while at and at not in row:
        row.append(at)
        at = organisation.posts[at].deputy if at in organisation.posts else None
    for each in row:
        away = any(
            first <= on <= last
            for first, last in (organisation.posts[each].absent if each in organisation.posts else ())
        )
        if can_read(organisation, each) and not away:
            return each
    return title if can_read(organisation, title) else organisation.secretariat


# --- the kinds ---


def _news(
    plan: Plan, of: Milestone, policy: Policy, verdict: Verdict, done: Progress, seen: Seen, on: date
) -> Iterator[Word]:
    told: list[tuple[str, tuple[str, ...], date]] = []
    was_freed = seen.freed.get(of.id)
    if verdict.status is Status.BLOCKED:
        told.append(("blocked", policy.to_blocked, seen.stopped.get(of.id, on)))
    elif was_freed and on - was_freed <= timedelta(31):
        told.append(("unblocked", policy.to_unblocked, was_freed))
    if done.rejected_on:
        told.append(("rejected", policy.to_rejected, done.rejected_on))
    if done.estimate:
        told.append(("estimate", ("secretariat",), done.estimate))
    for rule, roles, day in told:
        for who in people(plan.organisation, of.owner, roles):
            yield Word(of.id, rule, who, day, on, False)


def is_quiet(done: Progress, safe: date, on: date) -> bool:
    """Whether the people have answered, and that answer still holds; nobody may put off the latest safe day."""
    has_seen = done.acknowledged_for == safe
    is_late_anyhow = done.estimate is not None and done.estimate >= safe
    is_put_off = done.snoozed_until is not None and on < done.snoozed_until
    return on < safe and (has_seen or is_late_anyhow or is_put_off)


def _ahead_of_it(
    plan: Plan, of: Milestone, policy: Policy, verdict: Verdict, done: Progress, on: date
) -> Iterator[Word]:
    safe = verdict.firm_finish
    is_over = verdict.due is not None and not verdict.is_provisional and verdict.due < on
    if safe is None or is_over or is_quiet(done, safe, on):
        return
    said = reached(safe, policy.before, on)
    for day, offset in said:
        for who in people(plan.organisation, of.owner, policy.to_before):
            yield Word(of.id, f"before:{offset}", who, safe, day, (day, offset) != said[-1])
    again = done.snoozed_until
    if again and again <= on and again <= safe:
        for who in people(plan.organisation, of.owner, ["owner"]):
            yield Word(of.id, f"snoozed:{again}", who, safe, again, False)


def _on_it(plan: Plan, of: Milestone, policy: Policy, verdict: Verdict, on: date) -> Iterator[Word]:
    due = verdict.due
    if due and policy.on_day and not verdict.is_provisional and on_or_before(due) <= on <= due:
        for who in people(plan.organisation, of.owner, policy.to_on_day):
            yield Word(of.id, "on_day", who, due, on_or_before(due), False)


def _past_it(
    plan: Plan, of: Milestone, policy: Policy, verdict: Verdict, done: Progress, seen: Seen, on: date
) -> Iterator[Word]:
    due = verdict.due
    if due is None or due >= on or verdict.is_provisional or verdict.status is Status.BLOCKED:
        return
    if policy.every:
        said = [at for at in days(due + ONE, on) if is_open(at)][:: policy.every.number]
        waits = done.estimate is not None and on <= done.estimate
        for who in people(plan.organisation, of.owner, policy.to_after) if said else ():
            is_owner = who in people(plan.organisation, of.owner, ["owner"])
            if not waits or not is_owner or who == plan.organisation.secretariat:
                yield Word(of.id, f"after:{len(said)}", who, due, said[-1], False)
    since = max(day for day in (due, seen.began, seen.freed.get(of.id), done.excused_until) if day)
    late = [at for at in days(since + ONE, on) if is_open(at)]
    tiers = [late[tier.number - 1] for tier in policy.tiers if tier.number <= len(late)]
    for tier, who in enumerate(ladder(plan.organisation, of.owner, tiers)):
        yield Word(of.id, f"escalated:{tier + 1}", who, due, tiers[tier], False)


def _running_out(
    plan: Plan, verdicts: Mapping[str, Verdict], of: Milestone, policy: Policy, done: Progress, on: date
) -> Iterator[Word]:
    last = done.expires_on
    if last is None and of.validity and done.completed_on:
        last = end_of((done.valid_from or done.completed_on) + ONE, of.validity.length)
    waiting = [
        other.id
        for other in plan.milestones.values()
        if not verdicts[other.id].is_closed and any(link.on == of.id and link.valid for link in other.after)
    ]
    if last is None or last < on or not waiting:
        return
    said = reached(last, policy.expiring, on)
    for day, offset in said:
        for who in people(plan.organisation, of.owner, policy.to_expiring):
            yield Word(of.id, f"expiring:{offset}", who, last, day, (day, offset) != said[-1])
