"""Commands on the audit log: list it, verify it, copy it for an auditor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kijitsu.commands import common
from kijitsu.domain.errors import InputError, did_you_mean

audit_app = typer.Typer(help="監査記録を見て、改ざんがないか確かめ、書き出します。", no_args_is_help=True)


@audit_app.command("verify")
def verify_audit(
    plan: common.PlanOption,
    head: Annotated[
        str | None, typer.Option("--head", metavar="NUMBER:HASH", help="週報にある番号とハッシュ（初めの16桁から）")
    ] = None,
    as_json: common.JsonOption = False,
) -> None:
    """監査記録のつながり、計画の各版、証拠書類を確かめ、書き換え・削除・挿入があれば番号を示します。"""
    from kijitsu.services import auditing

    noted = auditing.witness(head) if head else None
    opened = common.reader()
    found = auditing.verify(opened, common.organisation(opened, plan), noted)
    if as_json:
        common.print_json(found.as_json())
    if found.problems:
        raise InputError("\n".join(found.problems))
    if not as_json:
        lines = [f"監査記録 {found.entries}件に改ざんはありません。"]
        if noted:
            lines.append(f"控えの{noted.number}番と一致します。切取りも作り直しもありません。")
        common.print_lines([*lines, f"最後の記録は {found.head.number}:{found.head.hash} です。"])


@audit_app.command("list")
def list_audit(plan: common.PlanOption, as_json: common.JsonOption = False) -> None:
    """監査記録を古い順に並べます。"""
    from kijitsu.services import auditing

    opened = common.reader()
    organisation = common.organisation(opened, plan)
    found = auditing.entries(opened, organisation)
    if as_json:
        common.print_json([auditing.as_json(entry) for entry in found])
        return
    rows = (
        [str(e.row.number), f"{e.at:%Y-%m-%d %H:%M:%S}", e.who, e.action, e.row.subject, _short(e.summary)]
        for e in found
    )
    common.print_table("監査記録", ("番号", f"時刻（{organisation.zone}）", "だれが", "何を", "対象", "内容"), rows)


@audit_app.command("export")
def export_audit(
    plan: common.PlanOption,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="書き出すファイル（上書きはしません）")],
    form: Annotated[
        str, typer.Option("--format", metavar="csv|html", help="csv 表計算用, html 読む・印刷する用")
    ] = "html",
    first: Annotated[str | None, typer.Option("--from", metavar="D", help="この日から（省けば初めから）")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="D", help="この日まで（省けば終わりまで）")] = None,
) -> None:
    """監査記録を、監査する人のために書き出します。だれが書き出したかも記録に残ります。"""
    from kijitsu.services import auditing

    if form not in list(auditing.Format):
        raise InputError(f"「{form}」は使えません。{did_you_mean(form, auditing.Format)} 使えるのは csv、html です。")
    opened = common.reader()
    organisation, days = common.organisation(opened, plan), (common.day(first), common.day(last))
    count = auditing.export(opened, organisation, opened.actor(), auditing.Format(form), out, *days)
    common.print_lines([f"監査記録 {count}件を {out} に書き出しました。"])


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


_LONGEST = 160
