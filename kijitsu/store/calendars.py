"""The calendars as an adopted plan was last computed with them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from kijitsu.store.repository import Repository, rows_of, upsert, values
from kijitsu.store.rows import SeenCalendar
from kijitsu.store.tables import seen_calendars

_ALL = rows_of(seen_calendars, SeenCalendar).where(seen_calendars.c.plan == bindparam("plan"))
_HASHES = select(seen_calendars.c.calendar, seen_calendars.c.sha256).where(
    seen_calendars.c.municipality == bindparam("here"), seen_calendars.c.plan == bindparam("plan")
)


class SeenCalendars(Repository):
    """Which closed days a plan counted on at its last pass."""

    def hashes(self, plan: str) -> dict[str, str]:
        """Return the hash of each calendar that the plan was seen with, without the days."""
        return {row[0]: row[1] for row in self._rows(_HASHES, plan=plan)}

    def all(self, plan: str) -> dict[str, SeenCalendar]:
        """Return the calendars that the plan was seen with, by id."""
        return {row.calendar: SeenCalendar(*row) for row in self._rows(_ALL, plan=plan)}

    def put(self, plan: str, seen: Sequence[SeenCalendar]) -> None:
        """Write these calendars over the former ones of the same ids."""
        self._write(upsert(self._dialect, seen_calendars), [{"plan": plan, **values(each)} for each in seen])
