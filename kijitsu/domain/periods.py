"""Statutory periods: from an event and a rule to a date, with every step of the count as a clerk would check it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from enum import StrEnum
from itertools import pairwise

from kijitsu.domain.closures import Closures
from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import InputError
from kijitsu.domain.windows import add_months

UNITS = {"wd": "開庁日", "d": "日", "w": "週間", "m": "か月", "y": "年"}

Span = tuple[date, date]  # first and last day, both inclusive


@dataclass(frozen=True, slots=True)
class Length:
    """A number of working days (wd), calendar days (d), weeks (w), months (m) or years (y)."""

    number: int
    unit: str

    def __str__(self) -> str:
        return f"{self.number}{self.unit}"

    @property
    def shown(self) -> str:
        """The length in Japanese: 10開庁日, 1か月."""
        return f"{self.number}{UNITS[self.unit]}"


def parse_length(text: str) -> Length:
    """Read a length: 10wd, -3wd, 7d, 2w, 1m, 1y, or 0. Raises InputError with the forms that are understood."""
    plain = text.strip()
    if plain == "0":
        return Length(0, "wd")
    found = re.fullmatch(r"([+-]?\d{1,5})(wd|d|w|m|y)", plain)
    if not found:
        raise InputError(
            f"「{text}」を期間として読めません。10wd（開庁日）、7d（暦日）、2w（週）、1m（月）、1y（年）のように書いてください。"
        )
    return Length(int(found[1]), found[2])


class Direction(StrEnum):
    """Whether a period runs on from its event or back from it."""

    FORWARD = "forward"
    BACKWARD = "backward"


class FirstDay(StrEnum):
    """Whether the event's own day counts: excluded (民法140条), or included (「起算して」)."""

    EXCLUDED = "excluded"
    INCLUDED = "included"


class Roll(StrEnum):
    """Where a period goes whose last day is closed."""

    NONE = "none"
    NEXT_OPEN_DAY = "next_open_day"
    PREVIOUS_OPEN_DAY = "previous_open_day"


class Effect(StrEnum):
    """Whether missing the day breaks the law (hard) or a guideline (soft)."""

    HARD = "hard"
    SOFT = "soft"


CONFIDENCE = {"high": "出典あり", "medium": "通説", "low": "実務・伝聞"}


@dataclass(frozen=True, slots=True)
class Rule:
    """A statutory period: how long, which way, whether the first day counts, and where it rolls, by which article.

    `clear` asks for that many full days between the event and the due day (中N日); `passed` makes the day after the
    period's last day due (「経過した日」); `at` is the time of the due day by which it must be done. `amended` are the
    later versions of the rule, each whole, the earliest first. Raises InputError where these contradict each other.
    """

    id: str
    title: str
    basis: str
    length: Length
    direction: Direction = Direction.FORWARD
    first_day: FirstDay = FirstDay.EXCLUDED
    roll: Roll = Roll.NONE
    calendar: str = "municipality"
    effect: Effect = Effect.HARD
    in_force_from: date | None = None
    confidence: str = "high"
    note: str = ""
    clear: bool = False
    passed: bool = False
    at: time | None = None
    amended: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        if self.length.number < 1:
            raise InputError(f"期間の長さ {self.length} は1以上にしてください。")
        if self.clear and self.first_day is FirstDay.INCLUDED:
            raise InputError(
                "「中N日」（clear）は初日を数えません。first_day を excluded にするか、clear をやめてください。"
            )
        if self.passed and self.clear:
            raise InputError(
                "「中N日」（clear）と「経過した日」（passed）は、どちらも期間の翌日を指します。一方だけにしてください。"
            )
        if self.passed and self.direction is Direction.BACKWARD:
            raise InputError(
                "「経過した日」（passed）は後へ数える期間のものです。"
                "前へ数えて間を丸々空けるなら clear（中N日）を使ってください。"
            )
        days = [version.in_force_from for version in (self, *self.amended)]
        if any(late is None or (early and late <= early) for early, late in pairwise(days)):
            raise InputError("amended には in_force_from を書き、規則の施行日より後のものを古い順に並べてください。")

    def on(self, event: date) -> Rule:
        """Return the version in force on the event's day. Raises InputError where the rule was not yet in force."""
        if self.in_force_from and event < self.in_force_from:
            raise InputError(
                f"「{self.title}」（{self.basis}）は{show_date(self.in_force_from)}から施行されました。"
                f"{show_date(event)}の出来事には使えません。"
            )
        in_force = (each for each in reversed(self.amended) if each.in_force_from and each.in_force_from <= event)
        return next(in_force, self)

    @property
    def shown_length(self) -> str:
        """The length as the law says it: 20日, 前へ7日, 前へ中7日, 10日を経過した日."""
        before = ("前へ" if self.direction is Direction.BACKWARD else "") + ("中" if self.clear else "")
        return f"{before}{self.length.shown}{'を経過した日' if self.passed else ''}"


@dataclass(frozen=True, slots=True)
class Deadline:
    """The day a period ends on, and what the count came through.

    `rule` is the version in force on the day of the event, `first` the first day that counts. `full` is where the count
    would have ended had nothing stood still, `last` where it did, before it rolls; `suspended` are the spans that stand
    still, in order and apart.
    """

    due: date
    rule: Rule
    event: date
    first: date
    full: date
    last: date
    suspended: tuple[Span, ...]
    closures: Closures = field(compare=False, repr=False)

    @property
    def at(self) -> time | None:
        """The time of the due day by which it must be done, or None for the whole day."""
        return self.rule.at

    @property
    def shown(self) -> str:
        """The deadline as people read it: 平成28年6月3日（金）, 平成28年6月3日（金）17時15分まで."""
        return show_date(self.due) + (f"{show_time(self.at)}まで" if self.at else "")

    @property
    def explanation(self) -> tuple[str, ...]:
        """The count, one Japanese sentence a step, so that it can be followed on a wall calendar."""
        from kijitsu.domain.reasoning import steps  # it tells of deadlines, so these must be there first

        return tuple(steps(self))


def show_time(at: time) -> str:
    """Return a time of day as people write it: 17時15分, 12時."""
    return f"{at.hour}時" + (f"{at.minute}分" if at.minute else "")


# --- the count ---


def count_period(rule: Rule, event: date, closures: Closures, suspended: Iterable[Span] = ()) -> Deadline:
    """Count a period from its event. Raises InputError where the rule was not yet in force on the event's day.

    On the days of `suspended` (first and last day, inclusive) the period stands still: they are not counted. A period
    of months or years first ends by the calendar (民法143条) as if nothing stood still, and is then as many days longer
    as it stood still: what is left of a month has no length but its days, and so no day is lost or won.

    A closed last day rolls as the rule says; where the rule speaks of a period that has passed, the day after is due.
    """
    rule = rule.on(event)
    sign = _sign(rule)
    first = event if rule.first_day is FirstDay.INCLUDED else _plus(event, sign)
    spans = _merged(suspended)
    full = _nth(rule, first, _units(rule, first), closures)
    due = last = _extended(rule, first, full, spans, closures)
    if not closures.is_open(last):
        if rule.roll is Roll.NEXT_OPEN_DAY:
            due = closures.next_open(last)
        elif rule.roll is Roll.PREVIOUS_OPEN_DAY:
            due = closures.previous_open(last)
    return Deadline(_plus(due, 1) if rule.passed else due, rule, event, first, full, last, spans, closures)


def _sign(rule: Rule) -> int:
    return 1 if rule.direction is Direction.FORWARD else -1


def _units(rule: Rule, first: date) -> int:
    """Return how many days, or working days for wd, a period has that stands still on none."""
    number = rule.length.number
    match rule.length.unit:
        case "w":
            number *= 7
        case "m" | "y":
            number = abs((_calendar_end(rule.length, first, _sign(rule)) - first).days) + 1
    return number + rule.clear  # 中N日: the day after N full ones


def _nth(rule: Rule, first: date, count: int, closures: Closures) -> date:
    """Return the `count`-th day from `first` on, which is the first; of the open days only for wd."""
    sign = _sign(rule)
    if rule.length.unit == "wd":
        return closures.add(_plus(first, -sign), sign * count)
    return _plus(first, sign * (count - 1))


def _calendar_end(length: Length, first: date, sign: int) -> date:
    """Return where months end that begin on `first`, the day before the corresponding day (民法143条2項).

    Backward it is the last day from which the same months, counted on, are over on `first`.
    """
    if sign < 0:
        return add_months(_plus(first, 1), -months_of(length))
    same = add_months(first, months_of(length))
    return same - timedelta(1) if same.day == first.day else same


def _extended(rule: Rule, first: date, full: date, spans: tuple[Span, ...], closures: Closures) -> date:
    """Return where a count ends that leaves out what it would count of the spans."""
    sign, last, still = _sign(rule), full, 0
    for low, high in spans[::sign]:
        near, far = (low, high)[::sign]
        if (near - last).days * sign > 0:
            break
        if (far - first).days * sign < 0:
            continue
        # All of the span: what is made up for runs on beyond it.
        begin, end = (max(low, first), high) if sign > 0 else (low, min(high, first))
        still += closures.count(begin - timedelta(1), end) if rule.length.unit == "wd" else (end - begin).days + 1
        last = _nth(rule, first, _units(rule, first) + still, closures)
    return last


def _merged(suspended: Iterable[Span]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for begin, end in sorted(suspended):
        if end < begin:
            raise InputError(f"停止の期間は、終わり（{end}）が始まり（{begin}）より前です。順を直してください。")
        if spans and begin <= spans[-1][1] + timedelta(1):
            spans[-1] = spans[-1][0], max(end, spans[-1][1])
        else:
            spans.append((begin, end))
    return tuple(spans)


def _plus(day: date, days: int) -> date:
    try:
        return day + timedelta(days)
    except OverflowError:
        raise InputError(f"{day} から {days} 日は数えられません。長さに誤りがないか確かめてください。") from None


# --- lengths of other things ---


def length_end(start: date, length: Length, closures: Closures) -> date:
    """Return the last day of something that takes `length` and starts on `start`, that day being its first."""
    match length.unit:
        case "wd":
            return closures.add(start - timedelta(1), length.number)
        case "d" | "w":
            return _plus(start, length.number * (7 if length.unit == "w" else 1) - 1)
        case _:
            return _calendar_end(length, start, 1)


def months_of(length: Length) -> int:
    """Return a length of months or years in months."""
    return length.number * (12 if length.unit == "y" else 1)
