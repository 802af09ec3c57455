"""Commands on plans as a whole: adopt one, list them and their revisions, name baselines, compare, write one out."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from kijitsu.commands import common
from kijitsu.domain.roles import Right

if TYPE_CHECKING:
    from kijitsu.domain.slips import Tally
    from kijitsu.services.slipping import SlipReport

plan_app = typer.Typer(help="計画をデータベースに採り入れ、版を見ます。", no_args_is_help=True)


@plan_app.command()
def adopt(plan: common.PlanArgument) -> None:
    """計画ファイルをデータベースに第1版として採り入れます（データベースがなければ作ります）。"""
    from kijitsu.services import adopting

    opened = common.office()
    opened.library.plan(plan)  # a file with errors makes no database, nor does somebody who may not
    actor = opened.actor()
    actor.require(Right.ADOPT, "計画の採用")
    opened.upgrade()
    revision = adopting.adopt(opened, plan, actor)
    common.print_lines(
        [f"計画 {revision.plan} を第{revision.number}版として採り入れました（{opened.settings.database}）。"]
    )


@plan_app.command("list")
def list_plans(as_json: common.JsonOption = False) -> None:
    """計画と、その版を並べます。"""
    from kijitsu.services import ledger

    found = ledger.plans(common.reader())
    if as_json:
        common.print_json(found)
        return
    rows = ([each["plan"], each["title"], str(each["revision"] or "未採用")] for each in found)
    common.print_table("計画", ("ID", "名称", "版"), rows)


@plan_app.command("revisions")
def list_revisions(plan: common.PlanOption, as_json: common.JsonOption = False) -> None:
    """採り入れた計画の版を、だれがいつなぜ作ったかと、基準としての名前とともに並べます。"""
    from kijitsu.services import slipping

    opened = common.reader(plan)
    found = slipping.revisions(opened, plan)
    if as_json:
        common.print_json(found)
        return
    zone = common.organisation(opened, plan).zone
    rows = (
        [
            f"第{each['number']}版",
            _shown(each["at"], zone),
            each["actor"],
            each["reason"],
            "" if each["moved"] is None else str(each["moved"]),
            "、".join(each["baselines"]),
        ]
        for each in found
    )
    common.print_table("版", ("版", f"時刻（{zone}）", "だれが", "理由", "動いた項目", "基準"), rows)


@plan_app.command("baseline")
def name_baseline(
    plan: common.PlanArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="基準の名前（例: 6月議会前）")],
    revision: Annotated[
        int | None, typer.Option("--revision", metavar="N", help="名前を付ける版の番号（省けば今の版）")
    ] = None,
) -> None:
    """計画の版に基準として名前を付けます。あとでそこからの遅れを見られます。"""
    from kijitsu.services import slipping

    opened = common.office()
    made = slipping.baseline(opened, plan, name, revision, opened.actor())
    how = f"kijitsu plan slip {plan} --against {shlex.quote(made.name)}"
    common.print_lines([f"計画 {plan} の第{made.revision}版を基準「{made.name}」としました。", f"遅れを見る: {how}"])


class By(StrEnum):
    """What slips are taken together by."""

    MILESTONE = "milestone"
    DEPARTMENT = "department"
    CAUSE = "cause"


@plan_app.command()
def slip(
    plan: common.PlanOption,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="NAME", help="基準の名前か、版の番号（省けば採用時）"),
    ] = None,
    by: Annotated[
        By | None, typer.Option("--by", help="項目ごと、担当ごと、原因ごとのどれか（省けば三つとも）")
    ] = None,
    as_json: common.JsonOption = False,
) -> None:
    """基準からの遅れを、開庁日で、項目・担当・原因ごとに示します。"""
    from kijitsu.services import reading, slipping

    opened = common.reader(plan)
    report = slipping.slip(opened, plan, against, reading.today_of(opened, plan))
    if as_json:
        common.print_json(report.as_json())
        return
    name = f"（{report.against}）" if report.against else ""
    common.print_lines([f"計画 {plan}: 第{report.revision}版{name}からの遅れ（開庁日、{report.standing.as_of} 現在）"])
    if not any(each.is_off for each in report.slips):
        common.print_lines(["遅れた項目はありません。"])
        return
    zone = report.plan.organisation.zone
    tables = {
        By.MILESTONE: ("項目ごと", ("項目", "担当", "基準", "今", "実績", "遅れ", "内訳"), _milestones(report)),
        By.DEPARTMENT: ("担当ごと", ("担当", *_TALLY), _departments(report)),
        By.CAUSE: (
            "原因ごと",
            ("原因", "版", "だれが", f"時刻（{zone}）", *_TALLY, "自ら", "連れて"),
            _causes(report, zone),
        ),
    }
    for each in By if by is None else (by,):
        common.print_table(*tables[each])


_TALLY = ("項目数", "最大", "計")


def _tally(each: Tally) -> list[str]:
    return [str(each.milestones), str(each.greatest), str(each.sum)]


def _milestones(report: SlipReport) -> Iterator[list[str]]:
    """Yield what slipped, came in, was dropped, or has a day at one end only."""
    for each in report.slips:
        if not each.is_off:
            continue
        milestone, actual = report.known[each.id], report.actual(each.id)
        parts = [
            f"{f'第{cause.revision}版' if cause.revision else cause.reason} {moved:+d}" for cause, moved in each.parts
        ]
        came = [f"第{each.added}版で追加"] if each.added else []
        went = [f"第{each.dropped}版で削除"] if each.dropped else []
        yield [
            milestone.title,
            report.title(milestone.owner),
            str(each.baseline or ("" if each.added else "未定")),
            str(each.now or ("" if each.dropped else "未定")),
            str(actual or ("未完了（期限超過）" if report.is_overdue(each.id) else "")),
            "" if each.open_days is None else f"{each.open_days:+d}",
            "、".join([*came, *parts, *went]),
        ]


def _departments(report: SlipReport) -> Iterator[list[str]]:
    """Yield who has something late."""
    for owner, each in report.departments.items():
        if each.milestones:
            yield [report.title(owner), *_tally(each)]


def _causes(report: SlipReport, zone: str) -> Iterator[list[str]]:
    """Yield what made something later."""
    for effect in report.effects:
        cause = effect.cause
        if effect.tally.milestones:
            yield [
                cause.reason,
                f"第{cause.revision}版" if cause.revision else "",
                cause.actor or "",
                _shown(cause.made_at, zone) if cause.made_at else "",
                *_tally(effect.tally),
                str(len(effect.moved)),
                str(len(effect.along)),
            ]


def _shown(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def export(plan: common.PlanArgument) -> None:
    """採り入れた計画の今の版を、YAMLとして標準出力へ出します。"""
    from kijitsu.located import write_yaml
    from kijitsu.services import reading

    standing = reading.standing(common.reader(plan), plan)
    common.print_lines([write_yaml(dict(standing.loaded.document)).rstrip()])
