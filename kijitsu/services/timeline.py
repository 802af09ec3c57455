"""工程表: where the milestones of an adopted plan lie in a span of days, as the plan stood on a day."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property

from kijitsu.domain.errors import InputError
from kijitsu.domain.gates import Status, Verdict, valid_until
from kijitsu.domain.history import NOTHING_YET, Progress, progress_of
from kijitsu.domain.plan import Dependency, Kind, Milestone
from kijitsu.domain.schedule import Network, Slot
from kijitsu.domain.slips import HAPPENED, Slip, Step, days_of, happened, slips
from kijitsu.domain.windows import add_months, month_end
from kijitsu.located import Document
from kijitsu.office import Office, day_of
from kijitsu.services import reading
from kijitsu.services.reading import Standing
from kijitsu.services.slipping import ADOPTED
from kijitsu.store.rows import Revision

Days = tuple[date, date]
"""The first and the last day."""

# 市議会, 町議会 …, and not 審議会 or 協議会.
_ASSEMBLY = re.compile(r"[都道府県市区町村]議会$")


class Zoom(StrEnum):
    """How many days are looked at: a month, three, a fiscal year, or as many as the plan has."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    ALL = "all"


class Order(StrEnum):
    """In which order the milestones stand."""

    PLAN = "plan"
    TITLE = "title"
    OWNER = "owner"
    STATE = "state"
    START = "start"
    SLACK = "slack"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to see: on which day, how many days of it (those around `at`), which milestones.

    Of the milestones, those that lie outside of these days are left out unless `every` is set. `owner`, `kind` and
    `state` are "" for all. `baseline` is a name, "" for none.
    """

    on: date
    zoom: Zoom = Zoom.YEAR
    at: date | None = None
    owner: str = ""
    kind: str = ""
    state: str = ""
    every: bool = False
    order: Order = Order.PLAN
    baseline: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One milestone. `planned` are its earliest days, actual ones where it is done; `latest` the latest safe ones.

    `valid` are the days on which its completion holds, `baseline` the earliest days in the baseline and `slip` how far
    it is from there; `roots` the titles of what stops it, `after` those of what it rests on.
    """

    milestone: Milestone
    owner: str
    verdict: Verdict
    slot: Slot
    progress: Progress
    planned: Days | None
    latest: Days | None
    valid: tuple[date, date | None] | None
    baseline: Days | None
    slip: Slip | None
    roots: tuple[str, ...]
    after: tuple[tuple[Dependency, str], ...]

    @property
    def id(self) -> str:
        """The milestone's id."""
        return self.milestone.id

    @property
    def slack(self) -> int | None:
        """Open days from the earliest to the latest finish, None for what is closed or has no deadline after it."""
        return self.verdict.slack

    @property
    def is_critical(self) -> bool:
        """True where no other milestone has less slack."""
        return self.slot.critical

    def touches(self, first: date, last: date) -> bool:
        """Tell whether anything of it lies between two days; what has no day at all may lie anywhere."""
        window = self.milestone.window
        spans = [span for span in (self.planned, self.valid, self.baseline) if span]
        if window and not window.undecided:
            spans.append((window.first or date.min, window.last or date.max))
        if self.slot.due:
            spans.append((self.slot.due, self.slot.due))
        return not spans or any(begin <= last and (end or date.max) >= first for begin, end in spans)


@dataclass(frozen=True, slots=True)
class Tie:
    """A prerequisite of a milestone, both shown; critical where it holds a critical milestone where it is."""

    link: Dependency
    head: str
    is_critical: bool


@dataclass(frozen=True, slots=True)
class Sitting:
    """A sitting of the assembly: the title of its first day, and its days."""

    title: str
    days: Days


@dataclass(frozen=True)
class Timeline:
    """The page. `standing` is the plan on the day that was asked for, in the revision of that day.

    `first` and `last` are the days to look at, `extent` all that the plan has. `rows` of `found` milestones are shown:
    the others have nothing in these days. `closed` are the days on which the office is shut, put together, where there
    is room to show them. `baselines` are the names to choose from with their revisions, `baseline_refusal` says why
    the chosen one cannot be shown.
    """

    standing: Standing
    asked: Asked
    first: date
    last: date
    extent: Days
    rows: tuple[Row, ...]
    found: int
    ties: tuple[Tie, ...]
    sittings: tuple[Sitting, ...]
    closed: tuple[Days, ...]
    baselines: Mapping[str, int]
    baseline_refusal: str
    today: date

    @property
    def on(self) -> date:
        """The day that was asked for."""
        return self.asked.on

    @property
    def is_forecast(self) -> bool:
        """True for a day to come: nothing is known of it but what was reported so far."""
        return self.on > self.today

    @property
    def days(self) -> Days:
        """The days that may be asked for."""
        return min(self.extent[0], self.today), max(self.extent[1], self.today)

    @property
    def before(self) -> date | None:
        """A day of the span to the left; None where the plan has none there."""
        return self.first - timedelta(1) if self.first > self.extent[0] else None

    @property
    def after(self) -> date | None:
        """A day of the span to the right; None where the plan has none there."""
        return self.last + timedelta(1) if self.last < self.extent[1] else None

    @property
    def steps(self) -> tuple[date, ...]:
        """A week and a day before the day that was asked for, and after it; that day itself where there is none."""
        first, last = self.days
        days = (self.on + timedelta(step) for step in (-7, -1, 1, 7))
        return tuple(day if first <= day <= last else self.on for day in days)

    @property
    def slide(self) -> tuple[int, int]:
        """How many days there are beside the first, and how many of them lie before the day that was asked for."""
        first, last = self.days
        return (last - first).days, (self.on - first).days

    @cached_property
    def places(self) -> dict[str, int]:
        """In which place each milestone that is shown stands."""
        return {row.id: place for place, row in enumerate(self.rows)}


def timeline(office: Office, now: Standing, asked: Asked) -> Timeline:
    """Return the page for a plan that stands `now` as it does today. Raises InputError for a day it cannot show."""
    today = now.as_of
    assert today
    extent = _extent(now.slots, today)
    possible = min(extent[0], today), max(extent[1], today)
    if not possible[0] <= asked.on <= possible[1]:
        raise InputError(f"{asked.on} はこの計画の外です。{possible[0]} から {possible[1]} までの日を選んでください。")
    standing = _standing_on(office, now, asked.on)
    names, revision = _baselines(office, now, asked.baseline)
    refusal, before = "", None
    if asked.baseline and revision is None:
        refusal = f"「{asked.baseline}」という基準はありません。"
    elif revision:
        try:
            before = _Baseline(office, revision, standing)
        except InputError as exc:
            refusal = f"基準「{asked.baseline}」（第{revision.number}版）は、今の休日表や組織では読めません: {exc}"
    first, last = _span(asked, extent)
    found = [row for row in _rows(standing, before) if _is_wanted(row, asked)]
    shown = found if asked.every else [row for row in found if row.touches(first, last)]
    shown = sorted(shown, key=_KEYS[asked.order]) if asked.order is not Order.PLAN else shown
    return Timeline(
        standing,
        asked,
        first,
        last,
        extent,
        tuple(shown),
        len(found),
        tuple(_ties(standing, {row.id for row in shown})),
        tuple(_sittings(standing)),
        tuple(_closed(standing, first, last)) if asked.zoom in (Zoom.MONTH, Zoom.QUARTER) else (),
        names,
        refusal,
        today,
    )


# --- which days ---


def _extent(slots: Mapping[str, Slot], today: date) -> Days:
    """Return the whole months that the plan's days lie in; this one, where it has no day."""
    days = [day for slot in slots.values() for day in (slot.earliest_start, slot.earliest_finish, slot.due) if day]
    return min(days, default=today).replace(day=1), month_end(max(days, default=today))


def _span(asked: Asked, extent: Days) -> Days:
    at = asked.at or asked.on
    months = {Zoom.MONTH: 1, Zoom.QUARTER: 3, Zoom.YEAR: 12}.get(asked.zoom)
    if months is None:
        return extent
    # Quarters and years begin in April.
    first = add_months(at.replace(day=1), -((at.month - 4) % months))
    return first, month_end(add_months(first, months - 1))


def _closed(standing: Standing, first: date, last: date) -> Iterator[Days]:
    """Yield the closed days, those that follow one another put together."""
    calendar = standing.network.calendar
    day, last, begin = max(first, calendar.first), min(last, calendar.last), None
    while day <= last:
        if calendar.is_open(day):
            if begin:
                yield begin, day - timedelta(1)
            begin = None
        else:
            begin = begin or day
        day += timedelta(1)
    if begin:
        yield begin, last


# --- the plan on a day ---


def _standing_on(office: Office, now: Standing, on: date) -> Standing:
    """Return the plan as it stood on a day: the revision of that day (the first, before it), and what was reported."""
    organisation = now.plan.organisation
    assert now.changed_at
    if on == now.as_of:
        return now
    if now.revision == 1 or day_of(organisation, now.changed_at) <= on:
        return reading.standing(office, now.plan.id, on)
    with office.open_work(organisation.municipality, True) as work:
        first, *later = work.plans.revisions(now.plan.id)
        revision = [first, *(each for each in later if day_of(organisation, each.made_at) <= on)][-1]
        events = [reading.event_from(row) for row in work.events.upto(now.plan.id, on)]
    loaded = office.library.plan_from(_document(revision), [on.year])
    # What was written down later of a milestone that came later is nothing to that day's plan.
    known = [event for event in events if event.milestone in loaded.plan.milestones]
    progress = progress_of(loaded.plan, known, on)
    return Standing(loaded, loaded.network, progress, on, revision.number, revision.made_at)


def _document(revision: Revision) -> Document:
    return Document(f"{revision.plan}（第{revision.number}版）", revision.document)


# --- the baseline ---


def _baselines(office: Office, now: Standing, name: str) -> tuple[dict[str, int], Revision | None]:
    """Return the names there are with their revisions, and the revision of one of them; None where there is none."""
    with office.open_work(now.plan.organisation.municipality, True) as work:
        names = {ADOPTED: 1, **{each.name: each.revision for each in work.baselines.all(now.plan.id)}}
        return names, work.plans.revision(now.plan.id, names[name]) if name in names else None


class _Baseline:
    """A revision as it was meant, and how far the plan on a day is from it."""

    def __init__(self, office: Office, revision: Revision, standing: Standing) -> None:
        calendar = standing.network.calendar
        loaded = office.library.plan_from(_document(revision), [calendar.first.year, calendar.last.year])
        self.slots = loaded.network.schedule(progress_of(loaded.plan, ()))
        before, days, on = days_of(loaded.network), days_of(standing.network), standing.as_of
        assert on
        reached = happened(days, standing.progress, standing.verdicts, on)
        if any(day and not calendar.first <= day <= calendar.last for day in before.values()):
            calendar = loaded.network.calendar
        self.slips = {slip.id: slip for slip in slips(before, [Step(HAPPENED, days)], reached, calendar)}


# --- the milestones ---


def _rows(standing: Standing, before: _Baseline | None) -> Iterator[Row]:
    plan = standing.plan
    titles = {id: each.title for id, each in plan.milestones.items()}
    for id, milestone in plan.milestones.items():
        slot, verdict = standing.slots[id], standing.verdicts[id]
        progress = standing.progress.get(id, NOTHING_YET)
        then = before.slots[id] if before and id in before.slots else None
        yield Row(
            milestone,
            plan.organisation.bodies[milestone.owner].title,
            verdict,
            slot,
            progress,
            _days(slot.earliest_start, slot.earliest_finish),
            None if progress.is_closed else _days(slot.latest_start, slot.latest_finish),
            _validity(milestone, progress, standing.network),
            _days(then.earliest_start, then.earliest_finish) if then else None,
            before.slips.get(id) if before else None,
            tuple(titles[root] for root in dict.fromkeys(each.root_cause for each in verdict.reasons if each.blocks)),
            tuple((link, titles[link.on]) for link in milestone.after),
        )


def _days(first: date | None, last: date | None) -> Days | None:
    return (first, last) if first and last else None


def _validity(milestone: Milestone, progress: Progress, network: Network) -> tuple[date, date | None] | None:
    """Return from when until when a completion holds; None where that is not limited, or nothing was completed."""
    begin, end = progress.valid_from or progress.completed_on, valid_until(milestone, progress, network)
    return (begin, end) if begin and end else None


def _is_wanted(row: Row, asked: Asked) -> bool:
    return (
        asked.owner in ("", row.milestone.owner)
        and asked.kind in ("", row.milestone.kind)
        and asked.state in ("", row.verdict.status)
    )


_STATES = list(Status)
_KEYS = {
    Order.TITLE: lambda row: row.milestone.title,
    Order.OWNER: lambda row: row.owner,
    Order.STATE: lambda row: _STATES.index(row.verdict.status),
    Order.START: lambda row: row.planned[0] if row.planned else date.max,
    Order.SLACK: lambda row: (row.slack is None, row.slack),
    Order.DUE: lambda row: row.slot.due or date.max,
}


def _ties(standing: Standing, shown: set[str]) -> Iterator[Tie]:
    for id, milestone in standing.plan.milestones.items():
        slot = standing.slots[id]
        for link in milestone.after:
            if id in shown and link.on in shown:
                is_critical = slot.critical and standing.slots[link.on].critical and link.on in slot.drivers
                yield Tie(link, id, is_critical)


def _sittings(standing: Standing) -> Iterator[Sitting]:
    """Yield the assembly's sittings: its meetings that rest on one another, or one that takes more than a day."""
    plan = standing.plan
    meetings = {
        id: each
        for id, each in plan.milestones.items()
        if each.kind is Kind.MEETING and _ASSEMBLY.search(plan.organisation.bodies[each.owner].title)
    }
    opening: dict[str, str] = {}
    found: dict[str, Sitting] = {}
    for id in standing.network.in_order(meetings):
        slot = standing.slots[id]
        if days := _days(slot.earliest_start, slot.earliest_finish):
            first = opening[id] = next((opening[link.on] for link in meetings[id].after if link.on in opening), id)
            begin, end = found[first].days if first in found else days
            found[first] = Sitting(meetings[first].title, (begin, max(end, days[1])))
    yield from (each for each in found.values() if each.days[0] < each.days[1])


def shown_ties(page: Timeline, wanted: str) -> Sequence[Tie]:
    """Return the ties to draw: `critical` ones, `all`, `none`, or those of a milestone, `of:` and its id."""
    if wanted.startswith("of:"):
        return [tie for tie in page.ties if wanted[3:] in (tie.head, tie.link.on)]
    return [tie for tie in page.ties if wanted == "all" or (wanted == "critical" and tie.is_critical)]
