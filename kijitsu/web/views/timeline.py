"""工程表: the year as a picture and as a table, as it stood or will stand on any day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Response
from markupsafe import Markup

from kijitsu.domain.eras import show_fiscal_year, show_year
from kijitsu.domain.errors import InputError
from kijitsu.domain.gates import Status
from kijitsu.domain.plan import Kind
from kijitsu.domain.windows import parse_day
from kijitsu.services.timeline import Asked, Order, Row, Timeline, Zoom, shown_ties, timeline
from kijitsu.web.desk import AtAPlan, Desk
from kijitsu.web.svg_timeline import Words, picture
from kijitsu.web.words import shown_day, shown_status

KINDS: Mapping[Kind, tuple[str, str]] = {
    Kind.MEETING: ("会議", "Meeting"),
    Kind.ORDINANCE: ("例規", "Ordinance"),
    Kind.BUDGET: ("予算", "Budget"),
    Kind.ASSESSMENT: ("評価", "Assessment"),
    Kind.ROSTER: ("名簿", "Roster"),
    Kind.REGISTRATION: ("登録", "Registration"),
    Kind.FILING: ("届出", "Filing"),
    Kind.TEST: ("試験", "Test"),
    Kind.SERVICE: ("業務", "Service"),
    Kind.PUBLICITY: ("周知", "Publicity"),
    Kind.TRAINING: ("研修", "Training"),
    Kind.COUNT: ("数値", "Count"),
    Kind.MILESTONE: ("その他", "Other"),
}
ZOOMS = {
    Zoom.MONTH: ("月", "Month"),
    Zoom.QUARTER: ("四半期", "Quarter"),
    Zoom.YEAR: ("年度", "Fiscal year"),
    Zoom.ALL: ("全体", "All"),
}
ORDERS = {
    Order.PLAN: ("計画の順", "as in the plan"),
    Order.START: ("着手の早い順", "by start"),
    Order.DUE: ("期限の早い順", "by deadline"),
    Order.SLACK: ("余裕の少ない順", "by slack"),
    Order.STATE: ("状態", "by state"),
    Order.OWNER: ("担当", "by who is in charge"),
    Order.TITLE: ("題名", "by title"),
}
SHORT_STATES = {
    Status.READY: "Ready",
    Status.WAITING: "Waiting",
    Status.UNDECIDED: "Unsettled",
}
"""What English has no room to say in the picture."""

STEPS = (("1週前", "a week back"), ("前日", "a day back"), ("翌日", "a day on"), ("1週後", "a week on"))
TIES = {
    "critical": ("要の経路", "critical path"),
    "all": ("すべて", "all"),
    "none": ("なし", "none"),
}

Choice = TypeVar("Choice", bound=StrEnum)

router = APIRouter()


@router.api_route("/plans/{plan}/timeline", methods=["GET", "HEAD"])
def show(desk: AtAPlan) -> Response:
    """Show the plan on the day that is asked for, today where none is."""
    query = desk.request.query_params
    asked = Asked(
        _day(query.get("on", "")) or desk.today,
        _one(Zoom, query.get("zoom", "")) or Zoom.YEAR,
        _day(query.get("at", "")),
        query.get("owner", ""),
        query.get("kind", ""),
        query.get("state", ""),
        query.get("every") == "1",
        _one(Order, query.get("order", "")) or Order.PLAN,
        query.get("baseline", ""),
    )
    page = timeline(desk.office, desk.standing, asked)
    ties = query.get("ties", "critical")
    bodies, milestones = desk.standing.plan.organisation.bodies, desk.standing.plan.milestones.values()
    return desk.page(
        "timeline.html",
        page=page,
        asked=asked,
        ties=ties,
        picture=Markup(_picture(desk, page, ties)),  # noqa: S704 (every text in it is escaped where it is put in)
        steps=[
            (desk.say(*words), day.isoformat()) for words, day in zip(STEPS, page.steps, strict=True) if day != page.on
        ],
        at=lambda **changed: _address(desk, **changed),
        kinds={kind.value: desk.say(*KINDS[kind]) for kind in Kind},
        zooms={zoom.value: desk.say(*words) for zoom, words in ZOOMS.items()},
        orders={order.value: desk.say(*words) for order, words in ORDERS.items()},
        tied={name: desk.say(*words) for name, words in TIES.items()},
        states=list(Status),
        owners={id: body.title for id, body in bodies.items() if any(each.owner == id for each in milestones)},
    )


def _one(choices: type[Choice], text: str) -> Choice | None:
    """Return a choice that an address names, None for none. Raises InputError for one that there is not."""
    if not text:
        return None
    try:
        return choices(text)
    except ValueError:
        raise InputError(f"「{text}」は選べません。{'、'.join(choices)} のどれかにしてください。") from None


def _day(text: str) -> date | None:
    return parse_day(text) if text else None


def _address(desk: Desk, **changed: str) -> str:
    """Return the address of this page with something else asked for."""
    kept = {name: value for name, value in desk.request.query_params.items() if value}
    return "?" + urlencode({name: value for name, value in (kept | changed).items() if value})


def _picture(desk: Desk, page: Timeline, ties: str) -> str:
    def state(status: Status) -> str:
        short = SHORT_STATES if desk.language == "en" else {}
        return short.get(status) or shown_status(status, desk.language)

    def year(of: date) -> str:
        if of.month == 4:
            return desk.say(show_fiscal_year(of.year), f"FY{of.year}")
        return desk.say(show_year(of), str(of.year))

    words = Words(
        line=lambda row: _line(desk, row),
        state=state,
        year=year,
        month=lambda of: desk.say(f"{of.month}月", f"{of:%b}"),
        day=lambda of: desk.say(f"{of.month}/{of.day}", f"{of.day} {of:%b}"),
        name=desk.say("工程表。同じ内容の表があります。", "Timeline; a table says the same."),
    )
    return picture(page, shown_ties(page, ties), words, lambda id: f"milestones/{id}")


def _line(desk: Desk, row: Row) -> str:
    """Return what is said of a milestone in one line."""

    def day(of: date) -> str:
        return shown_day(of, desk.language, weekday=False)

    def span(days: tuple[date, date | None]) -> str:
        first, last = days
        return day(first) if last in (None, first) else f"{day(first)}{desk.say('～', ' – ')}{day(last or first)}"

    said = [row.milestone.title, shown_status(row.verdict.status, desk.language), row.owner]
    if row.milestone.window:
        said.append(f"{desk.say('時期', 'window')} {row.milestone.window.wording}")
    if row.planned:
        said.append(f"{desk.say('予定', 'planned')} {span(row.planned)}")
    if row.latest:
        said.append(f"{desk.say('遅くとも', 'at the latest')} {day(row.latest[1])}")
    if row.slot.due:
        said.append(f"{desk.say('期限', 'due')} {day(row.slot.due)}")
    if row.slack is not None:
        said.append(desk.say("余裕{}開庁日", "slack {} working days").format(row.slack))
    if row.valid:
        said.append(f"{desk.say('有効期間', 'valid')} {span(row.valid)}")
    if row.baseline:
        said.append(f"{desk.say('基準', 'baseline')} {span(row.baseline)}")
    if row.is_critical:
        said.append(desk.say("要の経路", "critical"))
    if row.roots:
        said.append(f"{desk.say('原因', 'stopped by')} {'、'.join(row.roots)}")
    return desk.say("、", ", ").join(said)
