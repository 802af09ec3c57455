"""What became of an adopted plan, and what is to become of it: its revisions and its proposed changes, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kijitsu.editing import edit_of
from kijitsu.office import Actor, Office
from kijitsu.services.changing import is_author, why_not_decide
from kijitsu.services.describing import wanted
from kijitsu.services.entries import Changed, changes_of
from kijitsu.services.reading import Standing
from kijitsu.store.rows import Proposal

_ACTIONS = ("adopt", "change", "approve", "undo")
"""The entries of the audit log that tell of a revision."""


@dataclass(frozen=True, slots=True)
class Made:
    """One revision: what was asked for (nothing of the adopted one), what it changed, and `entry` in the audit log.

    `proposal` is what it was proposed as and `decided_by` who approved it, None where nobody had to.
    """

    number: int
    at: datetime
    actor: str
    reason: str
    asked: Sequence[str]
    changes: Sequence[Changed]
    proposal: int | None
    decided_by: str | None
    baselines: Sequence[str]
    entry: int | None


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposed change for somebody: whether it is their own, and why they may not decide on it ("" where they may).

    Once it is decided, nobody may: `refusal` says nothing then.
    """

    row: Proposal
    asked: Sequence[str]
    is_own: bool
    refusal: str

    @property
    def is_pending(self) -> bool:
        """True until somebody decided."""
        return self.row.decided_by is None

    def count(self, effect: str) -> int:
        """Return how many milestones it had an effect on when it was proposed: moved, redated, breaches, lapsing, …"""
        return len(self.row.effects.get(effect, ()))


def revisions(office: Office, standing: Standing) -> list[Made]:
    """Return every revision of an adopted plan, the newest first."""
    plan = standing.plan
    with office.open_work(plan.organisation.municipality, True) as work:
        found, named = work.plans.revisions(plan.id), work.baselines.all(plan.id)
        decided = {each.applied_as: each for each in work.proposals.all(plan.id) if each.applied_as}
        rows = [each for each in work.audit.of(_ACTIONS) if each.subject.partition("/")[0] == plan.id]
    entries = {each.details.get("revision", 1): each.number for each in rows}
    titles = {id: each.title for id, each in plan.milestones.items()}
    return [
        Made(
            each.number,
            each.made_at,
            each.actor,
            each.reason,
            _asked(standing, (each.change or {}).get("request", {})),
            list(changes_of(each.change or {}, titles)),
            decided[each.number].number if each.number in decided else None,
            decided[each.number].decided_by if each.number in decided else None,
            [name.name for name in named if name.revision == each.number],
            entries.get(each.number),
        )
        for each in reversed(found)
    ]


def proposals(office: Office, standing: Standing, actor: Actor) -> list[Proposed]:
    """Return every change of an adopted plan that was proposed, the newest first."""
    with office.open_work(standing.plan.organisation.municipality, True) as work:
        found = work.proposals.all(standing.plan.id)
    return [
        Proposed(
            each,
            _asked(standing, each.request),
            is_author(each, actor),
            "" if each.decided_by else why_not_decide(standing, each, actor),
        )
        for each in reversed(found)
    ]


def _asked(standing: Standing, request: Mapping[str, Any]) -> list[str]:
    plan = standing.plan
    return [wanted(edit_of(each), plan.milestones, plan.organisation) for each in request.get("edits", ())]
