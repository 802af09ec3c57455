"""Commands with which people report on a milestone, or answer a reminder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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

    given: dict[str, Any] = {
        "evidence": dict(reporting.evidence(each) for each in evidence or ()),
        "effective": common.day(effective),
        "expires": common.day(expires),
        "file": file,
        "override": override,
    }
    shown = f"。通知とダッシュボードには次の監視（kijitsu watch {plan}）で出ます。"
    _report(Deed.COMPLETE, plan, id, on, "の完了として記録しました", shown, **given)


def start(plan: common.PlanArgument, id: common.MilestoneArgument, on: common.OnOption = None) -> None:
    """着手を報告します。"""
    _report(Deed.START, plan, id, on, "の着手として記録しました")


def waive(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    reason: Annotated[str, typer.Option(help="免除の理由")],
    on: common.OnOption = None,
) -> None:
    """項目を免除します（後に続く項目は、満たされたものとして進めます）。"""
    _report(Deed.WAIVE, plan, id, on, "付けで免除しました", reason=reason)


def cancel(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    reason: Annotated[str, typer.Option(help="中止の理由")],
    on: common.OnOption = None,
) -> None:
    """項目を中止します（後に続く項目は、前提を失って止まります）。"""
    _report(Deed.CANCEL, plan, id, on, "付けで中止しました", reason=reason)


def reject(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    reason: Annotated[str, typer.Option(help="差戻しの理由（担当課に知らせます）")],
    on: common.OnOption = None,
) -> None:
    """証拠を差し戻し、完了を取り消します。事務局だけが行います。"""
    _report(Deed.REJECT, plan, id, on, "付けで証拠を差し戻し、完了を取り消しました", reason=reason)


def acknowledge(plan: common.PlanArgument, id: common.MilestoneArgument, on: common.OnOption = None) -> None:
    """督促を見たことを記録します。状態は変わりません。"""
    _report(Deed.ACKNOWLEDGE, plan, id, on, "に確認したと記録しました")


def snooze(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    until: Annotated[str, typer.Option(metavar="D", help="次に知らせる開庁日（安全な完了の限度まで）")],
) -> None:
    """期限の前の督促を、ある日まで先送りします。安全な完了の限度より後へは送れません。"""
    _report(Deed.SNOOZE, plan, id, None, "付けで、次の日まで督促を先送りしました", until=until)


def estimate(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    until: Annotated[str, typer.Option(metavar="D", help="完了の見込みの日")],
    reason: Annotated[str, typer.Option(help="困難な理由（事務局に知らせます）")],
) -> None:
    """期限内の完了が困難であることと、見込みの日を事務局に知らせます。期限は変わりません。"""
    _report(Deed.ESTIMATE, plan, id, None, "付けで、完了の見込みを記録しました", until=until, reason=reason)


def excuse(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    until: Annotated[str, typer.Option(metavar="D", help="遅れてよい最後の日")],
    reason: Annotated[str, typer.Option(help="承認の理由")],
    on: common.OnOption = None,
) -> None:
    """遅れを承認します。その日までは督促しません。事務局だけが行います。"""
    _report(Deed.EXCUSE, plan, id, on, "付けで、次の日までの遅れを承認しました", until=until, reason=reason)


def _report(
    deed: Deed,
    plan: str,
    id: str,
    on: str | None,
    done: str,
    after: str = "",
    until: str | None = None,
    **given: Any,
) -> None:
    """Record a report and say that on its day it was `done`."""
    from kijitsu.services import reporting

    opened = common.office()
    day = common.day(on) or opened.today(common.organisation(opened, plan))
    last = common.day(until)
    report = reporting.Report(deed, id, day, until=last, **given)
    is_new = reporting.report(opened, plan, report, opened.actor())
    shown = f"（{show_date(last)}）" if last else ""
    common.print_lines(
        [f"{show_date(day)}{done}: {id}{shown}{after}" if is_new else f"既に受け付けています: {id}{shown}"]
    )
