"""Commands with which people report on a milestone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kijitsu.commands import common
from kijitsu.domain.eras import show_date
from kijitsu.domain.history import Deed


def complete(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    on: common.OnOption = None,
    evidence: Annotated[list[str] | None, typer.Option(help="証拠の種類=文書番号（例: 議事録=総第12号）")] = None,
    file: Annotated[Path | None, typer.Option(help="証拠書類のファイル")] = None,
    effective: Annotated[str | None, typer.Option(metavar="D", help="効力の始まる日")] = None,
    expires: Annotated[str | None, typer.Option(metavar="D", help="効力の終わる日")] = None,
    override: Annotated[str, typer.Option(metavar="REASON", help="証拠なしで完了とする理由")] = "",
) -> None:
    """完了を報告します。"""
    from kijitsu.services import reporting

    opened = common.office()
    day = common.day(on) or opened.today(common.organisation(opened, plan))
    given = reporting.Report(
        Deed.COMPLETE,
        id,
        day,
        evidence=dict(reporting.evidence(each) for each in evidence or ()),
        effective=common.day(effective),
        expires=common.day(expires),
        file=file,
        override=override,
    )
    reporting.report(opened, plan, given, opened.actor())
    shown = f"通知とダッシュボードには次の監視（kijitsu watch {plan}）で出ます。"
    common.print_lines([f"{show_date(day)}の完了として記録しました: {id}。{shown}"])


def waive(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    reason: Annotated[str, typer.Option(help="免除の理由")],
    on: common.OnOption = None,
) -> None:
    """項目を免除します（後に続く項目は、満たされたものとして進めます）。"""
    from kijitsu.services import reporting

    opened = common.office()
    day = common.day(on) or opened.today(common.organisation(opened, plan))
    reporting.report(opened, plan, reporting.Report(Deed.WAIVE, id, day, reason=reason), opened.actor())
    common.print_lines([f"{show_date(day)}付けで免除しました: {id}"])
