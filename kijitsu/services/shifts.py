"""What a move did to a milestone's dates, as the revision or the changed calendar tells it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import product

from kijitsu.domain.reminders import Reminder
from kijitsu.store.work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Shift:
    """A milestone's due date, window and owner before a change, and the words of whoever made it.

    `was_window` is "" where the window stayed, `owner` where that is not known.
    """

    was: date | None
    was_window: str
    cause: str
    owner: str = ""


UNKNOWN = Shift(None, "", "")


def shifts_of(work: UnitOfWork, plan: str, reminders: Iterable[Reminder]) -> dict[tuple[str, str], Shift]:
    """Return what the revisions and changed calendars that some reminders tell of did to their milestones."""
    found: dict[tuple[str, str], Shift] = {}
    moves = {(r.milestone, r.rule): r.revision for r in reminders if r.topic == "moved"}
    for (id, rule), revision in moves.items():
        change = (work.plans.change(plan, revision) or {}) if revision is not None else {}
        if was := change.get("was", {}).get(id):
            day = date.fromisoformat(was["due"]) if was["due"] else None
            cause = was.get("cause") or change["change"]["reason"]
            found[id, rule] = Shift(day, was["window"] or "", cause, was.get("owner") or "")
    # Moved by a calendar, on the day that the rule names.
    if by_calendar := [move for move, revision in moves.items() if revision is None]:
        entries = [entry.details for entry in work.audit.all() if (entry.action, entry.subject) == ("calendar", plan)]
        for details, (id, rule) in product(entries, by_calendar):
            due, _ = details["milestones"].get(id, {}).get("due", (None, None))
            if due and rule == f"moved:{details['on']}":
                found.setdefault((id, rule), Shift(date.fromisoformat(due), "", details["cause"]))
    return found
