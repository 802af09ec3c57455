"""The figures of an installation: passes, milestones, the ledger, the way out, the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kijitsu.office import Office
from kijitsu.store.figures import LastPass


@dataclass(frozen=True)
class Figures:
    """What one municipality's database holds just now.

    `milestones` counts by plan and status, `reminders` by plan and state, `messages` by state and channel; `audit` is
    the number of the newest entry, `waiting_seconds` the age of the oldest message that is not sent yet (0 for none).
    """

    municipality: str
    passes: Sequence[LastPass]
    milestones: Mapping[tuple[str, str], int]
    reminders: Mapping[tuple[str, str], int]
    messages: Mapping[tuple[str, str], int]
    waiting_seconds: float
    audit: int


def figures(office: Office) -> list[Figures]:
    """Return the figures of every municipality of the installation. Raises OutsideError where the database fails."""
    found = []
    for organisation in office.library.organisations():
        now = office.now(organisation)
        with office.open_work(organisation.municipality, True) as work:
            counts = work.figures
            found.append(
                Figures(
                    organisation.municipality,
                    counts.passes(),
                    counts.milestones(),
                    counts.reminders(),
                    counts.messages(),
                    _age(counts.oldest_waiting(), now),
                    work.audit.head().number,
                )
            )
    return found


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
