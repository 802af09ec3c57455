"""Commands with which people report on a milestone, or answer a reminder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kijitsu.commands import common
from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import InputError
from kijitsu.domain.history import Deed


def complete(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    on: common.OnOption = None,
    evidence: Annotated[list[str] | None, typer.Option(help="証拠の種類=文書番号（例: 議事録=総第12号）")] = None,
    file: Annotated[
        list[str] | None, typer.Option(metavar="[種類=]F", help="証拠書類のファイル（種類が一つなら種類は省ける）")
    ] = None,
    decided: Annotated[str | None, typer.Option(metavar="D", help="決裁日")] = None,
    received: Annotated[str | None, typer.Option(metavar="D", help="収受日")] = None,
    effective: Annotated[str | None, typer.Option(metavar="D", help="効力の始まる日")] = None,
    expires: Annotated[str | None, typer.Option(metavar="D", help="効力の終わる日")] = None,
    override: Annotated[
        str, typer.Option(metavar="REASON", help="証拠がない、または前提が済んでいなくても完了とする理由（事務局だけ）")
    ] = "",
) -> None:
    """完了を報告します。"""
    from kijitsu.services import reporting

    papers = reporting.papers(map(_paper, evidence or ()))
    files: dict[str, Path] = {}
    for kind, path in map(_file, file or ()):
        if kind in files:
            raise InputError("証拠書類のファイルは、種類ごとに一つです。--file 種類=ファイル と書いてください。")
        files[kind] = path
    shown = f"。通知とダッシュボードには次の監視（kijitsu watch {plan}）で出ます。"
    days = {"on": on, "decided": decided, "received": received, "effective": effective, "expires": expires}
    _report(
        Deed.COMPLETE,
        plan,
        id,
        "の完了として記録しました",
        shown,
        **days,
        evidence=papers,
        files=files,
        override=override,
    )


def _paper(text: str) -> tuple[str, str]:
    """Read one piece of evidence: 議事録=総第12号 is the kind and the document's number."""
    kind, equals, number = text.replace("＝", "=").partition("=")
    if not equals:
        raise InputError(f"「{text}」は「種類=文書番号」の形で書いてください。例: 議事録=総第12号")
    return kind, number


def _file(text: str) -> tuple[str, Path]:
    """Read one file: 議事録=議事録.pdf is the kind and the path; a path that exists as it is written is no kind."""
    kind, equals, path = text.partition("=")
    if equals and not Path(text).exists():
        return kind.strip(), Path(path)
    return "", Path(text)


def start(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    on: common.OnOption = None,
    override: Annotated[
        str, typer.Option(metavar="REASON", help="前提が済んでいなくても着手とする理由（事務局だけ）")
    ] = "",
) -> None:
    """着手を報告します。"""
    _report(Deed.START, plan, id, "の着手として記録しました", on=on, override=override)


def reject(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    reason: Annotated[str, typer.Option(help="差戻しの理由（担当課に知らせます）")],
    on: common.OnOption = None,
) -> None:
    """証拠を差し戻し、完了を取り消します。事務局だけが行います。"""
    _report(Deed.REJECT, plan, id, "付けで証拠を差し戻し、完了を取り消しました", on=on, reason=reason)


def acknowledge(plan: common.PlanArgument, id: common.MilestoneArgument, on: common.OnOption = None) -> None:
    """督促を見たことを記録します。状態は変わりません。"""
    _report(Deed.ACKNOWLEDGE, plan, id, "に確認したと記録しました", on=on)


def snooze(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    until: Annotated[str, typer.Option(metavar="D", help="次に知らせる開庁日（安全な完了の限度まで）")],
) -> None:
    """期限の前の督促を、ある日まで先送りします。安全な完了の限度より後へは送れません。"""
    _report(Deed.SNOOZE, plan, id, "付けで、次の日まで督促を先送りしました", until=until)


def estimate(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    until: Annotated[str, typer.Option(metavar="D", help="完了の見込みの日")],
    reason: Annotated[str, typer.Option(help="困難な理由（事務局に知らせます）")],
) -> None:
    """期限内の完了が困難であることと、見込みの日を事務局に知らせます。期限は変わりません。"""
    _report(Deed.ESTIMATE, plan, id, "付けで、完了の見込みを記録しました", until=until, reason=reason)


def excuse(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    until: Annotated[str, typer.Option(metavar="D", help="遅れてよい最後の日")],
    reason: Annotated[str, typer.Option(help="承認の理由")],
    on: common.OnOption = None,
) -> None:
    """遅れを承認します。その日までは督促しません。事務局だけが行います。"""
    _report(Deed.EXCUSE, plan, id, "付けで、次の日までの遅れを承認しました", on=on, until=until, reason=reason)


_DAYS = ("on", "until", "decided", "received", "effective", "expires")


def _report(deed: Deed, plan: str, id: str, done: str, after: str = "", **given: Any) -> None:
    """Record a report and say that on its day it was `done`. Days are read with the plan's fiscal year."""
    from kijitsu.services import reading, reporting

    opened = common.office()
    year = reading.standing(opened, plan).plan.fiscal_year
    given |= {name: common.day(given[name], year) for name in _DAYS if name in given}
    given["on"] = given.get("on") or opened.today(common.organisation(opened, plan))
    report = reporting.Report(deed, id, **given)
    is_new = reporting.report(opened, plan, report, opened.actor())
    shown = f"（{show_date(report.until)}）" if report.until else ""
    common.print_lines(
        [f"{show_date(report.on)}{done}: {id}{shown}{after}" if is_new else f"既に受け付けています: {id}{shown}"]
    )
