"""What people did: events, and what they make of each milestone by a given day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from kijitsu.domain.errors import InputError, did_you_mean
from kijitsu.domain.plan import Milestone, Plan


class Deed(StrEnum):
    """What an event does to its milestone."""

    START = "start"
    COMPLETE = "complete"
    WAIVE = "waive"
    CANCEL = "cancel"
    REINSTATE = "reinstate"
    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    ESTIMATE = "estimate"
    EXCUSE = "excuse"
    REJECT = "reject"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that somebody did on a day. `details` hold what the deed needs: reason, to, cascade, by, source."""

    on: date
    deed: Deed
    milestone: str
    evidence: Mapping[str, str] = field(default_factory=dict)
    effective: date | None = None
    expires: date | None = None
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class History:
    """A record (with its sources) or a made-up scenario of a plan's year, in order of days."""

    id: str
    plan: str
    title: str
    kind: str
    events: tuple[Event, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one milestone has come. `valid_from` is the evidence's effective date, else the completion's.

    `acknowledged_for` is the latest safe day that the owner has said to have seen, `snoozed_until` the day on which the
    owner wants to be reminded again, `estimate` the day the owner reckons to be done where the deadline cannot be kept,
    `excused_until` the last day of a delay that the secretariat has allowed, `rejected_on` the day on which the
    evidence was sent back, `said` the words that came with the last of these.
    """

    started_on: date | None = None
    completed_on: date | None = None
    valid_from: date | None = None
    expires_on: date | None = None
    waived_on: date | None = None
    cancelled_on: date | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)
    acknowledged_for: date | None = None
    snoozed_until: date | None = None
    estimate: date | None = None
    excused_until: date | None = None
    rejected_on: date | None = None
    said: str = ""

    @property
    def finished_on(self) -> date | None:
        """The day from which the milestone counts as met: completed or waived."""
        return self.completed_on or self.waived_on

    @property
    def is_closed(self) -> bool:
        """True once nothing more is expected: completed, waived or cancelled."""
        return bool(self.finished_on or self.cancelled_on)


NOTHING_YET = Progress()


def progress_of(plan: Plan, events: Iterable[Event], as_of: date | None = None) -> dict[str, Progress]:
    """Return what events up to and including `as_of` (all, where None) make of each milestone that they touch.

    A milestone that the plan itself calls done counts from the last day of that window. Raises InputError for an event
    on a milestone that the plan does not have.
    """
    progress: dict[str, Progress] = {}
    for milestone in plan.milestones.values():
        if milestone.done and (as_of is None or _done_on(milestone) <= as_of):
            day = _done_on(milestone)
            progress[milestone.id] = Progress(completed_on=day, valid_from=day)
    for event in sorted(events, key=lambda event: event.on):
        if event.deed is Deed.MOVE or (as_of and event.on > as_of):
            continue
        if event.milestone not in plan.milestones:
            hint = did_you_mean(event.milestone, plan.milestones)
            raise InputError(f"「{event.milestone}」という項目は計画 {plan.id} にありません。{hint}")
        progress[event.milestone] = after_event(progress.get(event.milestone, NOTHING_YET), event)
    return progress


def _done_on(milestone: Milestone) -> date:
    window = milestone.done
    assert window is not None
    day = window.last or window.first
    assert day is not None
    return day


def after_event(before: Progress, event: Event) -> Progress:
    """Return what one more event makes of a milestone."""
    match event.deed:
        case Deed.START | Deed.CANCEL if before.finished_on:
            return before  # what is done is done
        case Deed.START:
            return replace(before, started_on=before.started_on or event.on)
        case Deed.COMPLETE:
            return replace(
                before,
                completed_on=event.on,
                valid_from=event.effective or event.on,
                expires_on=event.expires,
                cancelled_on=None,
                rejected_on=None,
                evidence={**before.evidence, **event.evidence},
            )
        case Deed.WAIVE:
            return replace(before, waived_on=event.on, cancelled_on=None)
        case Deed.CANCEL:
            return replace(before, cancelled_on=event.on)
        case Deed.REINSTATE:
            return replace(before, waived_on=None, cancelled_on=None)
        case Deed.ACKNOWLEDGE:
            return replace(before, acknowledged_for=_day(event, "deadline"))
        case Deed.SNOOZE:
            return replace(before, snoozed_until=_day(event, "until"))
        case Deed.ESTIMATE:
            return replace(before, estimate=_day(event, "until"), said=event.details.get("reason", ""))
        case Deed.EXCUSE:
            return replace(before, excused_until=_day(event, "until"))
        case Deed.REJECT:
            said = event.details.get("reason", "")
            return replace(before, completed_on=None, valid_from=None, expires_on=None, rejected_on=event.on, said=said)
        case _:
            return before


def _day(event: Event, key: str) -> date | None:
    text = event.details.get(key)
    return date.fromisoformat(text) if text else None
