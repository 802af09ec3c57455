"""Statutory periods: from an event and a rule to a date, with every step of the count as a clerk would check it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from kijitsu.domain.closures import Closures
from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import InputError
from kijitsu.domain.windows import add_months

UNITS = {"wd": "開庁日", "d": "日", "w": "週間", "m": "か月", "y": "年"}


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
    """A statutory period: how long, which way, whether the first day counts, and where it rolls, by which article."""

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


@dataclass(frozen=True, slots=True)
class Deadline:
    """The day a period ends on, and the count that leads there, one Japanese sentence a step."""

    due: date
    rule: Rule
    event: date
    explanation: tuple[str, ...]


def count_period(rule: Rule, event: date, closures: Closures) -> Deadline:
    """Count a period from its event. Raises InputError where the rule was not yet in force on the event's day."""
    if rule.in_force_from and event < rule.in_force_from:
        raise InputError(
            f"「{rule.title}」（{rule.basis}）は{show_date(rule.in_force_from)}から施行されました。"
            f"{show_date(event)}の出来事には使えません。"
        )
    forward = rule.direction is Direction.FORWARD
    steps = [
        f"根拠: {rule.basis}（確度: {CONFIDENCE[rule.confidence]}）" if rule.basis else "根拠: 指定なし",
        f"起点: {show_date(event)}",
    ]
    excluded = rule.first_day is FirstDay.EXCLUDED
    start = event + timedelta((1 if forward else -1) if excluded else 0)
    steps.append(
        f"初日不算入: {show_date(start)}から{'数えます' if forward else '前へ数えます'}（民法140条）"
        if excluded
        else f"初日算入: {show_date(start)}から数えます（「起算して」）"
    )
    last = _last_day(rule.length, start, forward, closures, steps)
    return Deadline(_rolled(rule.roll, last, closures, steps), rule, event, tuple(steps))


def _last_day(length: Length, start: date, forward: bool, closures: Closures, steps: list[str]) -> date:
    number, sign = length.number, 1 if forward else -1
    if number < 1:
        raise InputError(f"期間の長さ {length} は1以上にしてください。")
    match length.unit:
        case "wd":
            edge = closures.next_open(start) if forward else closures.previous_open(start)
            last = closures.add(edge, sign * (number - 1)) if number > 1 else edge
            low, high = sorted((start, last))
            between = (low + timedelta(n) for n in range((high - low).days + 1))
            skipped = ((day, closures.why_closed(day)) for day in between)
            steps += [f"数えない日: {show_date(day)} {reason}" for day, reason in skipped if reason]
        case "d" | "w":
            last = _add_days(start, sign * (number * (7 if length.unit == "w" else 1) - 1))
        case _:
            last = _calendar_end(start, sign * months_of(length), steps)
    steps.append(f"{length.shown}{'目' if length.unit in ('wd', 'd') else ''}: {show_date(last)}")
    return last


def _calendar_end(start: date, months: int, steps: list[str]) -> date:
    if months < 0:
        # The last day from which the same months, counted on, are over by the day before the event.
        last = add_months(start + timedelta(1), months)
        steps.append(f"{show_date(last)}から{show_date(start)}までが暦に従った満期間です（民法143条の準用）")
        return last
    same = add_months(start, months)
    if same.day != start.day:
        steps.append("応当日がないため、その月の末日で満了します（民法143条2項ただし書）")
        return same
    steps.append(f"応当日 {show_date(same)} の前日で満了します（民法143条2項）")
    return same - timedelta(1)


def _rolled(roll: Roll, last: date, closures: Closures, steps: list[str]) -> date:
    if roll is Roll.NONE:
        if reason := closures.why_closed(last):
            before = closures.previous_open(last)
            steps.append(
                f"{show_date(last)}は閉庁日（{reason}）ですが、この期限は繰り延べません。"
                f"実務上は{show_date(before)}までに済ませてください。"
            )
        return last
    step = timedelta(1 if roll is Roll.NEXT_OPEN_DAY else -1)
    while reason := closures.why_closed(last):
        steps.append(f"閉庁日のため{'翌日へ' if step.days > 0 else '前日へ'}: {show_date(last)} {reason}")
        last += step
    return last


def length_end(start: date, length: Length, closures: Closures) -> date:
    """Return the last day of something that takes `length` and starts on `start`, that day being its first."""
    match length.unit:
        case "wd":
            return (
                closures.add(start, 0)
                if length.number == 1
                else closures.add(closures.next_open(start), length.number - 1)
            )
        case "d" | "w":
            return _add_days(start, length.number * (7 if length.unit == "w" else 1) - 1)
        case _:
            same = add_months(start, months_of(length))
            return same - timedelta(1) if same.day == start.day else same


def _add_days(day: date, days: int) -> date:
    try:
        return day + timedelta(days)
    except OverflowError:
        raise InputError(f"{day} から {days} 日は数えられません。長さに誤りがないか確かめてください。") from None


def months_of(length: Length) -> int:
    """Return a length of months or years in months."""
    return length.number * (12 if length.unit == "y" else 1)
