"""Closures from `calendar/closures/*.yaml` and the national holidays, for the years that are asked for."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any

from kijitsu.domain.closures import Closures, combined, days_between
from kijitsu.domain.eras import WEEKDAYS
from kijitsu.domain.errors import InputError, did_you_mean
from kijitsu.schemas import ClosuresDocument, ExtraShape, PlanDocument, RegimeShape, YearEndShape

# The tables reach this many years beyond the years in play, so that a long lag or a far move still falls inside.
MARGIN_BEFORE, MARGIN_AFTER = 2, 12

# The years whose national holidays are answered for; the later ones stand on today's law and on reckoned equinoxes.
FIRST_YEAR, LAST_YEAR = 1955, 2050


@lru_cache(maxsize=8)
def national_holidays(first_year: int, last_year: int) -> Mapping[date, str]:
    """Return Japan's public holidays with their Japanese names (国民の祝日に関する法律), from `holidays`.

    Raises InputError for a year before 1955 or after 2050.
    """
    from holidays.countries.japan import Japan

    _check_years(first_year, last_year)
    # With the neighbours: `holidays` adds no year by itself.
    known = Japan(years=range(first_year - 1, last_year + 2), expand=False, language="ja")
    return {day: name for day, name in known.items() if first_year <= day.year <= last_year}


def _check_years(*years: int) -> None:
    for year in years:
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise InputError(
                f"西暦{year}年の休日は分かりません。国民の祝日が分かるのは{FIRST_YEAR}年から{LAST_YEAR}年までです。"
                "日付の年に誤りがないか確かめてください。"
            )


class Calendars:
    """Every closures file of a calendar folder, made into tables on demand for one span of years.

    Raises InputError for years whose national holidays are not known; the margins end where those do.
    """

    def __init__(self, documents: Mapping[str, ClosuresDocument], first_year: int, last_year: int) -> None:
        _check_years(first_year, last_year)
        self._documents = documents
        self._in_play = range(max(first_year - 1, FIRST_YEAR), last_year + 1)
        self._years = (max(first_year - MARGIN_BEFORE, FIRST_YEAR), min(last_year + MARGIN_AFTER, LAST_YEAR))
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
        return year in self._in_play

    @property
    def ids(self) -> list[str]:
        """The ids of the calendars there are."""
        return list(self._documents)

    def together(self, ids: tuple[str, ...]) -> Closures:
        """Return the calendar on which a day is open only where all of `ids` are open."""
        return combined(tuple(self(id) for id in ids))

    def _build(self, document: ClosuresDocument) -> Closures:
        first, last = date(self._years[0], 1, 1), date(self._years[1], 12, 31)
        layers = self._layers(document)
        closed: dict[date, str] = {}
        for begin, end, regimes in _stretches(layers, first, last):
            for weekday in _last_said(regimes, "weekdays") or ():
                number = (begin - first).days + (weekday - begin.weekday()) % 7
                each_week = days_between(first, last)[number : (end - first).days + 1 : 7]
                closed |= dict.fromkeys(each_week, f"{WEEKDAYS[weekday]}曜日")
            if _last_said(regimes, "national_holidays"):
                holidays = national_holidays(*self._years)
                closed |= {day: name for day, name in holidays.items() if begin <= day <= end}
            if year_end := _last_said(regimes, "year_end"):
                closed |= _year_ends(year_end, begin, end)
        for layer in layers:
            extras = [(extra, False) for extra in layer.open] + [(extra, True) for extra in layer.closed]
            for extra, is_closed in sorted(extras, key=lambda each: each[0].rank):
                for day in extra.days(first, last):
                    if is_closed:
                        closed[day] = extra.reason
                    else:
                        closed.pop(day, None)
        return Closures(document.closures, document.title, first, last, closed, frozenset())

    def _layers(self, document: ClosuresDocument) -> list[ClosuresDocument]:
        base = self._layers(self._documents[document.extends]) if document.extends else []
        return [*base, document]


def faults(document: ClosuresDocument | PlanDocument) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Yield what contradicts itself in the days of a file: the place, the code of the error, the message."""
    for number, (before, after) in enumerate(pairwise(getattr(document, "regimes", ())), 1):
        place = ("regimes", number, "from")
        if after.from_ == before.from_:
            yield place, "duplicate-id", f"{after.from_} からの定めが二つあります。一つにまとめてください。"
        elif after.from_ < before.from_:
            message = (
                f"古い順に書いてください。{after.from_} からの定めを {before.from_} からのものより前に移してください。"
            )
            yield place, "bad-shape", message
    for key, extras in (("open", document.open), ("closed", document.closed)):
        said: set[date] = set()
        for number, extra in enumerate(extras):
            if extra.on in said:
                yield (key, number), "duplicate-id", f"{extra.on} が二度あります。一つにまとめてください。"
            said |= {extra.on} if extra.on else set()
    for number, opened in enumerate(document.open):
        for closed in document.closed:
            if day := _in_both(opened, closed):
                message = f"{day} を open で開け、closed で閉めています（{closed.why}）。どちらかを消してください。"
                yield ("open", number), "bad-open-day", message


def _in_both(one: ExtraShape, other: ExtraShape) -> date | None:
    """Return the first day that two entries both mean, neither being surer than the other."""
    if one.rank != other.rank:
        return None
    first = max(one.on or one.from_ or date.min, other.on or other.from_ or date.min)
    last = min(one.on or one.to or date.max, other.on or other.to or date.max)
    # Days that come every month meet within a year, or never.
    if last - first > timedelta(366):
        last = first + timedelta(366)
    return min({*one.days(first, last)} & {*other.days(first, last)}, default=None)


def _stretches(
    layers: list[ClosuresDocument], first: date, last: date
) -> Iterator[tuple[date, date, list[RegimeShape]]]:
    """Yield from when until when the same regimes stand, and those, the last word last."""
    changes = (change.from_ for layer in layers for change in layer.regimes)
    begins = sorted({first, *(day for day in changes if first < day <= last)})
    for begin, following in pairwise([*begins, last + timedelta(1)]):
        said: list[RegimeShape] = []
        for layer in layers:
            said += [layer, *(change for change in layer.regimes if change.from_ <= begin)]
        yield begin, following - timedelta(1), said


def _last_said(regimes: list[RegimeShape], key: str) -> Any:
    return next((said for regime in reversed(regimes) if (said := getattr(regime, key)) is not None), None)


def _year_ends(year_end: YearEndShape, first: date, last: date) -> dict[date, str]:
    days: dict[date, str] = {}
    for year in range(first.year - 1, last.year + 1):
        begin = max(_on(year, *year_end.from_), first)
        end = min(_on(year + (year_end.to < year_end.from_), *year_end.to), last)
        days |= dict.fromkeys(map(date.fromordinal, range(begin.toordinal(), end.toordinal() + 1)), "年末年始")
    return days


def _on(year: int, month: int, day: int) -> date:
    """Return a day of a year, 2月29日 being the 28th where there is none."""
    return date(year, month, min(day, monthrange(year, month)[1]))
