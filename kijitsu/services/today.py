"""What the board's first page says: how much is wrong, what is worst, what comes next, and whether anybody watches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from kijitsu.domain.gates import Status, Verdict
from kijitsu.explain import reason_sentences, remedy_sentence
from kijitsu.office import Office, morning
from kijitsu.services import heartbeat
from kijitsu.services.heartbeat import Beat
from kijitsu.services.reading import Standing
from kijitsu.store.rows import OutboxState, ProposalState

SOON = 7
"""What is due within so many working days is counted."""

COMING = 5
"""So many of the milestones that come after those are named."""


@dataclass(frozen=True)
class Concern:
    """One milestone that is open. `days_left` counts working days to the nearest date, negative once it is past.

    `roots` are the causes that stop it, each an id and a title; `reasons` say how, and `remedy` what would help. All
    are empty where nothing stops it. `holds_up` are the titles of what is stopped because of it.
    """

    verdict: Verdict
    title: str
    owner: str
    due: date | None
    days_left: int | None
    roots: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...]
    remedy: str
    holds_up: tuple[str, ...]


@dataclass(frozen=True)
class Today:
    """The counts and lists of the page. `soon` is due within `SOON` working days, whatever else it is.

    `undelivered` messages were given up, `waiting` ones are still to be sent; `proposals` wait for approval.
    `concerns` want something, the worst first; `coming` is what has a date after that. `passed_at` is when the latest
    pass ran, `next_pass` the morning of the next.
    """

    overdue: int
    blocked: int
    soon: int
    undelivered: int
    waiting: int
    proposals: int
    concerns: tuple[Concern, ...]
    coming: tuple[Concern, ...]
    beat: Beat
    passed_at: datetime | None
    next_pass: datetime


def today(office: Office, standing: Standing) -> Today:
    """Return what the page says of an adopted plan, as it stands today."""
    assert standing.as_of
    organisation, plan = standing.plan.organisation, standing.plan.id
    with office.open_work(organisation.municipality, True) as work:
        letters = work.outbox.counts()
        last = work.passes.latest(plan)
        pending = [each for each in work.proposals.all(plan) if each.state is ProposalState.PENDING]
    found = concerns(standing)
    statuses = [each.verdict.status for each in found]
    soon = [each for each in found if is_soon(each)]
    wanting = [each for each in found if each.verdict.status in _WANTING or each in soon]
    rest = [each for each in found if each not in wanting and each.due and each.due >= standing.as_of]
    return Today(
        statuses.count(Status.OVERDUE),
        statuses.count(Status.BLOCKED),
        len(soon),
        letters[OutboxState.DEAD],
        letters[OutboxState.PENDING],
        len(pending),
        tuple(wanting),
        tuple(sorted(rest, key=lambda each: each.due or date.max)[:COMING]),
        heartbeat.examine(office),
        last.ran_at if last else None,
        next_pass(standing, last.occurred_on if last else None),
    )


_WANTING = (Status.OVERDUE, Status.BLOCKED, Status.DUE_SOON)


def is_soon(found: Concern) -> bool:
    """Tell whether a milestone is due within `SOON` working days, or needed by others before it is due."""
    is_near = found.days_left is not None and 0 <= found.days_left <= SOON
    return is_near or found.verdict.status is Status.DUE_SOON


def concerns(standing: Standing) -> list[Concern]:
    """Return every open milestone that is late, stopped or has a date, the worst first.

    First what is overdue, by how much it holds up; then what is stopped; then what is due, the nearest first.
    """
    held = _held_up(standing)
    found = [
        concern(standing, each, held.get(each.id, ())) for each in standing.verdicts.values() if not each.is_closed
    ]
    return sorted(found, key=_badness)


def _badness(concern: Concern) -> tuple[int, int, date]:
    order = _WANTING.index(concern.verdict.status) if concern.verdict.status in _WANTING else len(_WANTING)
    return order, -len(concern.holds_up), concern.due or date.max


def _held_up(standing: Standing) -> dict[str, list[str]]:
    """Return, for each root cause, the titles of what is stopped by it."""
    held: dict[str, list[str]] = {}
    for verdict in standing.verdicts.values():
        for root in dict.fromkeys(reason.root_cause for reason in verdict.reasons if reason.blocks):
            held.setdefault(root, []).append(standing.plan.milestones[verdict.id].title)
    return held


def concern(standing: Standing, verdict: Verdict, holds_up: Sequence[str] = ()) -> Concern:
    """Return one milestone as the pages tell of it; `holds_up` are titles."""
    plan, milestone = standing.plan, standing.plan.milestones[verdict.id]
    blocking = [reason for reason in verdict.reasons if reason.blocks]
    # Once the deadline has passed, nobody asks by how much what follows is late.
    days = (verdict.due,) if Status.OVERDUE in verdict.facts else (verdict.due, verdict.firm_finish)
    nearest = min((day for day in days if day), default=None)
    return Concern(
        verdict,
        milestone.title,
        plan.organisation.bodies[milestone.owner].title,
        nearest,
        standing.network.calendar.count(standing.as_of, nearest) if nearest and standing.as_of else None,
        tuple((id, plan.milestones[id].title) for id in dict.fromkeys(reason.root_cause for reason in blocking)),
        tuple(reason_sentences(plan, blocking)),
        next((remedy_sentence(plan, reason) for reason in blocking), ""),
        tuple(holds_up),
    )


def next_pass(standing: Standing, last: date | None) -> datetime:
    """Return when the pass of the next open day that has none begins."""
    today = standing.as_of
    assert today
    begin = today if last is None or last < today else today + timedelta(1)
    return morning(standing.plan.organisation, standing.network.calendar.next_open(begin))
