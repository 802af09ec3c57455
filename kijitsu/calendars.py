"""Closures from `calendar/closures/*.yaml` and the national holidays, for the years that are asked for."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache

from kijitsu.domain.closures import Closures, combined
from kijitsu.domain.errors import InputError, did_you_mean
from kijitsu.schemas import ClosuresDocument

# The tables reach this many years beyond the years in play, so that a long lag or a far move still falls inside.
MARGIN_BEFORE, MARGIN_AFTER = 2, 12


@lru_cache(maxsize=8)
def national_holidays(first_year: int, last_year: int) -> Mapping[date, str]:
    """Return Japan's public holidays with their Japanese names (国民の祝日に関する法律), from `holidays`."""
    from holidays.countries.japan import Japan

    return dict(Japan(years=range(first_year, last_year + 1), expand=False, language="ja").items())


class Calendars:
    """Every closures file of a calendar folder, made into tables on demand for one span of years."""

    def __init__(self, documents: Mapping[str, ClosuresDocument], first_year: int, last_year: int) -> None:
        self._documents = documents
        self._years = (first_year - MARGIN_BEFORE, last_year + MARGIN_AFTER)
        self._tables: dict[str, Closures] = {}

    def __call__(self, id: str) -> Closures:
        """Return one calendar by its id. Raises InputError where there is none."""
        if id not in self._documents:
            hint = did_you_mean(id, self._documents) or f"あるもの: {'、'.join(self._documents) or 'なし'}"
            raise InputError(f"「{id}」という休日表はありません。{hint}")
        if id not in self._tables:
            self._tables[id] = self._build(self._documents[id])
        return self._tables[id]

    def covers(self, year: int) -> bool:
        """Tell whether a year lies within the span, its margin left free."""
        return self._years[0] < year <= self._years[1] - MARGIN_AFTER

    @property
    def ids(self) -> list[str]:
        """The ids of the calendars there are."""
        return list(self._documents)

    def together(self, ids: tuple[str, ...]) -> Closures:
        """Return the calendar on which a day is open only where all of `ids` are open."""
        return combined(tuple(self(id) for id in ids))

    def _build(self, document: ClosuresDocument) -> Closures:
        first, last = date(self._years[0], 1, 1), date(self._years[1], 12, 31)
        closed: dict[date, str] = {}
        opened: dict[date, str] = {}
        weekdays: set[int] = set()
        for layer in self._layers(document):
            weekdays |= set(layer.weekdays)
            if layer.national_holidays:
                closed |= national_holidays(*self._years)
            if layer.year_end:
                closed |= self._year_end(layer.year_end.from_, layer.year_end.to)
            # A single day written out is surer than 毎月第n曜日, whichever way it goes.
            opened |= {day: extra.why for extra in layer.open if not extra.on for day in extra.days(first, last)}
            for extra in layer.closed:
                closed[extra.on] = extra.why
                opened.pop(extra.on, None)
            opened |= {extra.on: extra.why for extra in layer.open if extra.on}
        return Closures(document.closures, document.title, first, last, closed, frozenset(weekdays), opened)

    def _layers(self, document: ClosuresDocument) -> list[ClosuresDocument]:
        base = self._layers(self._documents[document.extends]) if document.extends else []
        return [*base, document]

    def _year_end(self, begin: tuple[int, int], end: tuple[int, int]) -> dict[date, str]:
        days: dict[date, str] = {}
        for year in range(self._years[0] - 1, self._years[1] + 1):
            day, last = _on(year, *begin), _on(year + (end < begin), *end)
            while day <= last:
                days[day] = "年末年始"
                day += timedelta(1)
        return days


def _on(year: int, month: int, day: int) -> date:
    """Return a day of a year, 2月29日 being the 28th where there is none."""
    return date(year, month, min(day, monthrange(year, month)[1]))
