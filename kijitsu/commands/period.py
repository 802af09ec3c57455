"""`kijitsu period`: count a period by a rule, or freely, and tell how."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from enum import StrEnum
from typing import Annotated, TypeVar

import typer

from kijitsu.commands import common
from kijitsu.domain.errors import InputError, did_you_mean
from kijitsu.domain.periods import CONFIDENCE, Direction, FirstDay, Roll, Rule, Span, count_period, parse_length
from kijitsu.domain.windows import parse_window

Word = TypeVar("Word", bound=StrEnum)

# What a rule says for itself.
FREE = ("direction", "first_day", "roll", "calendar", "clear", "passed", "at")


def period(
    context: typer.Context,
    rule: Annotated[str | None, typer.Argument(metavar="[RULE]", help="規則のID（notice_of_session など）")] = None,
    start: Annotated[str, typer.Option("--from", metavar="DATE", help="起点の日")] = "",
    length: Annotated[str | None, typer.Option(help="20d 10wd 1m など（規則の代わりに）")] = None,
    direction: Annotated[str, typer.Option(help="forward または backward")] = "forward",
    first_day: Annotated[str, typer.Option(help="excluded または included")] = "excluded",
    roll: Annotated[str, typer.Option(help="none, next_open_day, previous_open_day")] = "none",
    calendar: Annotated[str, typer.Option(help="休日表のID")] = "municipality",
    clear: Annotated[bool, typer.Option("--clear", help="中N日: 間に丸々N日を置く")] = False,
    passed: Annotated[bool, typer.Option("--passed", help="経過した日: 期間の翌日")] = False,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="その日の時刻（17:15）まで")] = None,
    suspended: Annotated[
        list[str] | None,
        typer.Option(metavar="DAYS", help="期間が止まる間（2016-07-01～2016-07-10）。何度でも書けます"),
    ] = None,
    list_rules: Annotated[bool, typer.Option("--list", help="規則の一覧を示します")] = False,
    as_json: common.JsonOption = False,
) -> None:
    """期間を数え、期限と数え方を一歩ずつ示します。"""
    if list_rules:
        _show_rules(common.office().library.rules().rules, as_json)
        return
    if (rule is None) == (length is None):
        raise typer.BadParameter(
            "規則のIDか --length のどちらか一方を書いてください。規則の一覧は kijitsu period --list で見られます。",
            param_hint="RULE / --length",
        )
    sources = {name: context.get_parameter_source(name) for name in FREE}
    given = [name for name, source in sources.items() if source and source.name == "COMMANDLINE"]
    if rule and given:
        options = "、".join(f"--{name.replace('_', '-')}" for name in given)
        raise typer.BadParameter(
            f"{options} は規則が決めていることです。外すか、規則の代わりに --length で数えてください。",
            param_hint="RULE",
        )
    if not start:
        raise typer.BadParameter("--from に起点の日を書いてください。", param_hint="--from")
    library = common.office().library
    event = common.day(start)
    assert event
    if rule:
        chosen = _known_rule(library.rules().rules, rule).on(event)
    else:
        chosen = Rule(
            "",
            "",
            "",
            parse_length(length or ""),
            _word(Direction, direction),
            _word(FirstDay, first_day),
            _word(Roll, roll),
            calendar,
            clear=clear,
            passed=passed,
            at=_time(at),
        )
    years = _years(event, chosen)
    closures = library.calendars(min(years), max(years))(chosen.calendar)
    deadline = count_period(chosen, event, closures, [_span(text) for text in suspended or ()])
    steps = list(deadline.explanation)
    if as_json:
        common.print_json(
            {
                "due": deadline.due,
                "at": deadline.at and f"{deadline.at:%H:%M}",
                "basis": chosen.basis,
                "explanation": steps,
                "confidence": rule and chosen.confidence,
            }
        )
        return
    name = chosen.title or "期限"
    note = [f"注意: {chosen.note}"] if chosen.note else []
    common.print_lines([f"{name}: {deadline.shown}", *(f"  {step}" for step in steps), *note])


def _years(event: date, rule: Rule) -> list[int]:
    """Return the years that a count goes through, as far as holidays are known."""
    from kijitsu.calendars import FIRST_YEAR, LAST_YEAR

    per_year = {"y": 1, "m": 12, "w": 52, "d": 365, "wd": 230}[rule.length.unit]
    reach = rule.length.number // per_year + 1
    end = event.year + (reach if rule.direction is Direction.FORWARD else -reach)
    return [event.year, max(FIRST_YEAR, min(end, LAST_YEAR))]


def _show_rules(rules: Mapping[str, Rule], as_json: bool) -> None:
    if as_json:
        keys = ("id", "title", "basis", "in_force_from", "confidence")
        common.print_json([{key: getattr(rule, key) for key in keys} for rule in rules.values()])
        return
    rows = [
        (
            id,
            rule.title,
            f"{rule.shown_length}{'（初日算入）' if rule.first_day is FirstDay.INCLUDED else ''}",
            rule.basis,
            CONFIDENCE[rule.confidence],
        )
        for id, rule in rules.items()
    ]
    common.print_table("期間の規則", ("ID", "名称", "期間", "根拠", "確度"), rows)


def _known_rule(rules: Mapping[str, Rule], id: str) -> Rule:
    if id not in rules:
        raise InputError(f"「{id}」という規則はありません。{did_you_mean(id, rules) or '、'.join(rules)}")
    return rules[id]


def _word(kind: type[Word], text: str) -> Word:
    try:
        return kind(text)
    except ValueError:
        allowed = "、".join(kind)
        raise InputError(f"「{text}」は使えません。使えるのは {allowed} です。") from None


def _time(text: str | None) -> time | None:
    try:
        return time.fromisoformat(text) if text is not None else None
    except ValueError:
        raise InputError(f"「{text}」を時刻として読めません。17:15 のように書いてください。") from None


def _span(text: str) -> Span:
    window = parse_window(text)
    if window.first is None or window.last is None:
        raise InputError(
            f"「{text}」には始まりと終わりの両方が要ります。「2016-07-01～2016-07-10」のように書いてください。"
        )
    return window.first, window.last
