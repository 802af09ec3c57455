"""Gates: what state a milestone is in on a day, and why it may not go on."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from kijitsu.domain.history import NOTHING_YET, Progress
from kijitsu.domain.periods import length_end
from kijitsu.domain.plan import Dependency, Lapse, LinkType, Milestone
from kijitsu.domain.schedule import Network, Slot


class Status(StrEnum):
    """The states of a milestone; where several hold, the first in this order is the status."""

    DONE = "done"
    WAIVED = "waived"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"
    OVERDUE = "overdue"
    DUE_SOON = "due_soon"
    ACTIVE = "active"
    READY = "ready"
    WAITING = "waiting"
    SCHEDULED = "scheduled"
    UNDECIDED = "undecided"


SHOWN = {
    Status.DONE: "完了",
    Status.WAIVED: "免除",
    Status.CANCELLED: "中止",
    Status.BLOCKED: "停止",
    Status.OVERDUE: "期限超過",
    Status.DUE_SOON: "期限間近",
    Status.ACTIVE: "進行中",
    Status.READY: "着手可",
    Status.WAITING: "前提待ち",
    Status.SCHEDULED: "予定",
    Status.UNDECIDED: "調整中",
}


class Code(StrEnum):
    """Why a gate is not simply open."""

    OVERDUE = "prerequisite_overdue"
    VALIDITY_ENDED = "prerequisite_validity_ended"
    CANCELLED = "prerequisite_cancelled"
    BLOCKED = "prerequisite_blocked"
    UNMET = "prerequisite_unmet"
    LAG = "lag_running"
    VALIDITY_WILL_END = "prerequisite_validity_will_end"


LAPSED = frozenset({Code.OVERDUE, Code.VALIDITY_ENDED, Code.CANCELLED, Code.BLOCKED})


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that a gate has against its milestone.

    `root_cause` is the milestone at the beginning of the chain, `since` the first day of its lapse (None where nothing
    has lapsed), `holds_up` everything unfinished that rests on the root cause, `lapse` whether it blocks or only warns.
    """

    code: Code
    prerequisite: str
    root_cause: str
    root_code: Code
    basis: str
    since: date | None
    lapse: Lapse
    holds_up: tuple[str, ...] = ()

    @property
    def blocks(self) -> bool:
        """True where this reason alone stops the milestone."""
        return self.code in LAPSED and self.lapse is Lapse.BLOCK


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of one milestone on a day; `facts` are all the states that hold, in the order of `Status`.

    `firm_finish` is the latest safe finish as far as it does not hang on an event that has not happened yet.
    """

    id: str
    status: Status
    facts: tuple[Status, ...]
    reasons: tuple[Reason, ...]
    due: date | None
    latest_safe_finish: date | None
    slack: int | None
    is_provisional: bool = False
    firm_finish: date | None = None

    @property
    def is_closed(self) -> bool:
        """True once nothing more is expected of the milestone."""
        return self.status in (Status.DONE, Status.WAIVED, Status.CANCELLED)


def valid_until(milestone: Milestone, progress: Progress, network: Network) -> date | None:
    """Return the last day on which a completion is still good; None where it does not run out."""
    if progress.expires_on:
        return progress.expires_on
    if milestone.validity is None or progress.completed_on is None:
        return None
    counted_from = progress.valid_from or progress.completed_on
    # 民法140条: the day itself is not counted.
    return length_end(counted_from + timedelta(1), milestone.validity.length, network.calendar)


def evaluate(
    network: Network,
    slots: Mapping[str, Slot],
    progress: Mapping[str, Progress],
    on: date,
    among: AbstractSet[str] | None = None,
) -> dict[str, Verdict]:
    """Return every milestone's verdict on a day, prerequisites before what rests on them.

    Or only of those `among` some, which have to hold all that they rest on.
    """
    verdicts: dict[str, Verdict] = {}
    open_downstream: dict[str, tuple[str, ...]] = {}

    def holds_up(id: str) -> tuple[str, ...]:
        id = network.plan.milestones[id].occurrence_of or id
        if id not in open_downstream:
            reached = _rests_on(network, id)
            open_downstream[id] = tuple(n for n in reached if not progress.get(n, NOTHING_YET).is_closed)
        return open_downstream[id]

    for id in network.order if among is None else network.in_order(among):
        milestone, done, slot = network.plan.milestones[id], progress.get(id, NOTHING_YET), slots[id]
        reasons: list[Reason] = []
        if not done.is_closed:
            for link in milestone.after:
                before = network.plan.milestones[link.on]
                found = _against(link, before, id, slots, progress, verdicts, network, on)
                reasons += [
                    Reason(*reason, holds_up=holds_up(reason[2]) if reason[0] in LAPSED else ()) for reason in found
                ]
        facts = _facts(milestone, done, slot, reasons, network, on)
        verdicts[id] = Verdict(
            id,
            facts[0],
            facts,
            tuple(reasons),
            slot.due,
            slot.latest_finish,
            slot.slack,
            slot.is_provisional,
            slot.firm_finish,
        )
    return verdicts


Against = tuple[Code, str, str, Code, str, date | None, Lapse]


def _rests_on(network: Network, id: str) -> list[str]:
    """Return what a lapse of a milestone stops: what rests on it by links that block, directly or not."""
    found: set[str] = set()
    waiting = [id]
    while waiting:
        before = waiting.pop()
        for each in network.dependents(before):
            links = network.plan.milestones[each].after
            if each not in found and any(link.on == before and link.lapse is not Lapse.WARN for link in links):
                found.add(each)
                waiting.append(each)
    return network.in_order(found)


def _against(
    link: Dependency,
    before: Milestone,
    id: str,
    slots: Mapping[str, Slot],
    progress: Mapping[str, Progress],
    verdicts: Mapping[str, Verdict],
    network: Network,
    on: date,
) -> list[Against]:
    """Return what one prerequisite has against its dependent, without what that holds up."""
    done, lapse, basis = progress.get(before.id, NOTHING_YET), link.lapse or Lapse.BLOCK, before.basis

    def one(code: Code, since: date | None) -> list[Against]:
        return [(code, before.id, before.id, code, basis, since, lapse)]

    if link.valid and (last := _last_completed(network, before.id, progress)):
        # A duty that recurs is as valid as it was last done.
        done = progress[last.id]
        if found := _fading(link, last, slots[id].earliest_start, slots, progress, network, on):
            return found
    if done.cancelled_on:
        return one(Code.CANCELLED, done.cancelled_on)
    if done.finished_on:
        return [] if _lag_is_over(link, done, network, on) else one(Code.LAG, None)
    if _starts_enough(link) and done.started_on:
        return [] if _lag_is_over(link, done, network, on) else one(Code.LAG, None)
    verdict = verdicts[before.id]
    if verdict.status is Status.BLOCKED:
        roots = {r.root_cause: r for r in reversed(verdict.reasons) if r.blocks}
        return [
            (Code.BLOCKED, before.id, root.root_cause, root.root_code, root.basis, root.since, lapse)
            for root in sorted(roots.values(), key=lambda r: network.rank(r.root_cause))
        ]
    if Status.OVERDUE in verdict.facts and verdict.due:
        return one(Code.OVERDUE, verdict.due + timedelta(1))
    if link.type in (LinkType.FINISH_TO_FINISH, LinkType.START_TO_FINISH):
        return []
    return one(Code.UNMET, None)


def _last_completed(network: Network, id: str, progress: Mapping[str, Progress]) -> Milestone | None:
    """Return the occurrence of a duty that was completed last."""
    done = [
        (day, each.number, each)
        for each in network.plan.occurrences(id)
        if (day := progress.get(each.id, NOTHING_YET).completed_on)
    ]
    return max(done, key=lambda each: each[:2])[2] if done else None


def _fading(
    link: Dependency,
    last: Milestone,
    planned: date | None,
    slots: Mapping[str, Slot],
    progress: Mapping[str, Progress],
    network: Network,
    on: date,
) -> list[Against]:
    """Return what is wrong with the validity of what was completed: over today, or by the dependent's planned day."""
    end = valid_until(last, progress[last.id], network)
    if end is None:
        return []
    if end >= on and (planned is None or end >= planned):
        return []
    lapse = link.lapse or (last.validity.lapse if last.validity else Lapse.BLOCK)
    basis = last.validity.basis if last.validity else last.basis
    # The next occurrence renews it; where that is planned in time and not overdue, it is what has to be waited for.
    again = network.plan.next_occurrence(last.id)
    if again and planned and lapse is Lapse.BLOCK:
        slot = slots[again.id]
        is_overdue = slot.due is not None and slot.due < on and not slot.is_provisional
        if slot.earliest_finish and slot.earliest_finish < planned and not is_overdue:
            return [(Code.UNMET, again.id, again.id, Code.UNMET, basis, None, lapse)]
    if end < on:
        return [(Code.VALIDITY_ENDED, last.id, last.id, Code.VALIDITY_ENDED, basis, end + timedelta(1), lapse)]
    return [(Code.VALIDITY_WILL_END, last.id, last.id, Code.VALIDITY_WILL_END, basis, None, lapse)]


def _starts_enough(link: Dependency) -> bool:
    return link.type in (LinkType.START_TO_START, LinkType.START_TO_FINISH)


def _lag_is_over(link: Dependency, done: Progress, network: Network, on: date) -> bool:
    if not link.lag.number or link.type in (LinkType.FINISH_TO_FINISH, LinkType.START_TO_FINISH):
        return True
    finish = done.finished_on or done.started_on
    start = done.started_on or finish
    assert finish and start
    return network.may_start(link, start, finish) <= on


def _facts(
    milestone: Milestone,
    done: Progress,
    slot: Slot,
    reasons: list[Reason],
    network: Network,
    on: date,
) -> tuple[Status, ...]:
    if done.completed_on:
        return (Status.DONE,)
    if done.waived_on:
        return (Status.WAIVED,)
    if done.cancelled_on:
        return (Status.CANCELLED,)
    window = milestone.window
    unmet = any(r.code in (Code.UNMET, Code.LAG, Code.VALIDITY_WILL_END) and _holds(r) for r in reasons)
    blocked = any(r.blocks for r in reasons)
    undecided = milestone.is_undecided
    not_open = window is not None and window.first is not None and window.first > on
    safe = slot.firm_finish
    soon = safe is not None and network.calendar.count(on, safe) <= network.plan.due_soon
    holds = {
        Status.BLOCKED: blocked,
        Status.OVERDUE: slot.due is not None and slot.due < on and not slot.is_provisional,
        Status.DUE_SOON: soon,
        Status.ACTIVE: done.started_on is not None,
        Status.READY: not (done.started_on or blocked or unmet or not_open or undecided),
        Status.WAITING: unmet,
        Status.SCHEDULED: not_open,
        Status.UNDECIDED: undecided,
    }
    return tuple(status for status, does_hold in holds.items() if does_hold)


def _holds(reason: Reason) -> bool:
    """A validity that will run out only warns where its lapse would only warn."""
    return reason.code is not Code.VALIDITY_WILL_END or reason.lapse is Lapse.BLOCK
