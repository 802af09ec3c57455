"""A count of days told step by step, as a clerk checks it against the law and a wall calendar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from kijitsu.domain.closures import Closures
from kijitsu.domain.eras import WEEKDAYS, show_date
from kijitsu.domain.periods import CONFIDENCE, UNITS, Deadline, Direction, Effect, FirstDay, Roll, Rule, months_of
from kijitsu.domain.windows import add_months, month_end

FRIDAY = 4


def steps(found: Deadline) -> Iterator[str]:
    """Yield the steps of a count, one Japanese sentence each: the rule, the days, what is left out, the deadline."""
    rule, closures = found.rule, found.closures
    since = f"{show_date(rule.in_force_from, weekday=False)}から。" if rule.in_force_from else ""
    ask = "" if rule.confidence == "high" else "。所管に確かめてください"
    sure = f"（{since}確度: {CONFIDENCE[rule.confidence]}{ask}）"
    # What has no id is no rule of the library, and nobody vouched for its source.
    yield f"根拠: {rule.basis}{sure if rule.id else ''}" if rule.basis else "根拠: 指定なし"
    if rule.length.unit == "wd" or rule.roll is not Roll.NONE:
        yield f"休日表: {closures.title}"
    yield f"起点: {show_date(found.event)}"
    to = "数えます" if rule.direction is Direction.FORWARD else "前へ数えます"
    if rule.first_day is FirstDay.EXCLUDED:
        yield f"初日不算入: {show_date(found.first)}から{to}（民法140条）"
    else:
        yield f"初日算入: {show_date(found.first)}から{to}（「起算して」）"
    yield f"期間: {rule.shown_length}" + (f"（間に丸{rule.length.shown}を置きます）" if rule.clear else "")
    yield from _counting(found)
    yield from _closing(found)
    low, high = min(found.first, found.last), max(found.first, found.last)
    for begin, end in found.suspended:
        if end < low or begin > high:
            yield f"{_span(begin, end)}は期間の外なので、数に影響しません"
    yield f"よって、{'期限' if rule.effect is Effect.HARD else '期限（目安）'}は{found.shown}です。"


def _counting(found: Deadline) -> Iterator[str]:
    rule, length = found.rule, found.rule.length
    step = timedelta(1 if rule.direction is Direction.FORWARD else -1)
    if length.unit in ("m", "y"):
        yield _corresponding(rule, found.first, found.full - step if rule.clear else found.full)
        if found.last != found.full:
            stops = [piece for piece in _pieces(found, found.first, found.full) if piece[2]]
            yield from (_stop(first, last) for first, last, _ in stops)
            stood = sum(_number(first, last) for first, last, _ in stops)
            yield f"止まらなければ{show_date(found.full)}です。そこからさらに、止まった{stood}日を数えます"
            yield from _tally(found, found.full + step)
    else:
        yield from _tally(found, found.first)
    if rule.clear:
        name = f"中{length.shown}を置いた日"
    elif length.unit == "w":
        name = f"{length.number * 7}日目"
    elif length.unit in ("d", "wd"):
        name = f"{length.shown}目"
    else:
        name = "満了" if rule.direction is Direction.FORWARD else f"{length.shown}前"
    yield f"{name}: {show_date(found.last)}"


def _corresponding(rule: Rule, first: date, end: date) -> str:
    """Return why months or years that are counted from `first` end on `end` (民法143条)."""
    shown = rule.length.shown
    if rule.direction is Direction.BACKWARD:
        back = f"{show_date(end)}から{show_date(first)}までで{shown}が満ちます"
        return f"{back}（翌日からでは足りません。民法143条の準用）"
    same = add_months(first, months_of(rule.length))
    if same == end:
        return f"{shown}後の応当日（{first.day}日）がないため、その月の末日で満了します（民法143条2項ただし書）"
    return f"{shown}後の応当日 {show_date(same)} の前日で満了します（民法143条2項）"


def _tally(found: Deadline, begin: date) -> Iterator[str]:
    """Yield what is counted from `begin` to the last day, month by month as on a wall calendar, with the sum so far."""
    is_working, total = found.rule.length.unit == "wd", 0
    unit = UNITS["wd" if is_working else "d"]
    for first, last, is_still in _pieces(found, begin, found.last):
        if is_still:
            yield _stop(first, last)
            continue
        days, apart = list(_days(first, last)), ""
        if is_working:
            days, apart = _open_days(found.closures, days)
        total += len(days)
        until = f"から{last.day}日（{WEEKDAYS[last.weekday()]}）まで" if first != last else ""
        sums = f"（計{total}{unit}）" if total != len(days) else ""
        yield f"{show_date(first)}{until}の{len(days)}{unit}{sums}{apart}"


def _open_days(closures: Closures, days: Sequence[date]) -> tuple[list[date], str]:
    """Return those of some days that are open; and which are not and why, and which are though one would not think."""
    closed = [f"{day.day}日（{reason}）" for day in days if (reason := closures.why_closed(day))]
    opened = [day for day in days if closures.is_open(day)]
    odd = [f"{day.day}日（{WEEKDAYS[day.weekday()]}）" for day in opened if day.weekday() > FRIDAY]
    said = f"。数えない閉庁日: {'、'.join(closed)}" if closed else ""
    return opened, said + (f"。開庁するので数える日: {'、'.join(odd)}" if odd else "")


def _days(first: date, last: date) -> Iterator[date]:
    step = 1 if first <= last else -1
    return (date.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + step, step))


def _stop(first: date, last: date) -> str:
    return f"止まる間: {_span(first, last)}の{_number(first, last)}日は数えません"


def _span(first: date, last: date) -> str:
    return show_date(first) + (f"から{show_date(last)}まで" if first != last else "")


def _number(first: date, last: date) -> int:
    return abs((last - first).days) + 1


def _pieces(found: Deadline, begin: date, end: date) -> Iterator[tuple[date, date, bool]]:
    """Yield the days between, in the order of the count: within one month each, or one span standing still (True)."""
    low, high = min(begin, end), max(begin, end)
    pieces: list[tuple[date, date, bool]] = []
    day = low
    while day <= high:
        span = next(((a, b) for a, b in found.suspended if b >= day), (date.max, date.max))
        is_still = span[0] <= day
        last = min(high, span[1] if is_still else min(month_end(day), span[0] - timedelta(1)))
        pieces.append((day, last, is_still))
        day = last + timedelta(1)
    yield from pieces if begin <= end else ((b, a, is_still) for a, b, is_still in reversed(pieces))


def _closing(found: Deadline) -> Iterator[str]:
    rule, last, closures = found.rule, found.last, found.closures
    if rule.roll is not Roll.NONE:
        step = timedelta(1 if rule.roll is Roll.NEXT_OPEN_DAY else -1)
        while reason := closures.why_closed(last):
            yield f"閉庁日のため{'翌日へ' if step.days > 0 else '前日へ'}: {show_date(last)} {reason}"
            last += step
    elif not rule.passed and (reason := closures.why_closed(last)):
        # What only has a guideline may be a time to wait out, which must not end sooner.
        advice = f"実務上は{show_date(closures.previous_open(last))}までに済ませてください。"
        stays = f"{show_date(last)}は閉庁日（{reason}）ですが、この期限は繰り延べません。"
        yield stays + (advice if rule.effect is Effect.HARD else "")
    if rule.passed:
        yield f"期間は{show_date(found.due - timedelta(1))}で終わり、その翌日が{rule.length.shown}を経過した日です"
        if reason := closures.why_closed(found.due):
            yield f"{show_date(found.due)}は閉庁日（{reason}）ですが、動きません"
