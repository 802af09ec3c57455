"""Commands that run things: replay, demo, up, heartbeat, doctor."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from kijitsu.commands import common
from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import OutsideError
from kijitsu.domain.gates import SHOWN, Status
from kijitsu.domain.roles import Right


def replay(
    plan: common.PlanArgument,
    history: common.HistoryOption = None,
    first: Annotated[str | None, typer.Option("--from", metavar="D", help="最初の日（省けば計画の始まり）")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="D", help="最後の日（省けば計画の終わり）")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="結果を置くフォルダー（省けば var/replay）")] = None,
    as_json: common.JsonOption = False,
) -> None:
    """一年を早回しで再生します。本番と同じ監視を一日ずつ行い、通知は手元の郵便箱へ送ります。"""
    from kijitsu.services.replaying import replay as run

    opened = common.office()
    out = out or opened.settings.home / "replay"
    with common.progress("再生中") as on_day:
        totals = run(opened, plan, history, common.day(first), common.day(last), out, on_day)
    if as_json:
        common.print_json(totals.as_json())
        return
    common.print_lines([f"{plan} を {show_date(totals.first)} から {show_date(totals.last)} まで再生しました"])
    common.print_table(
        "",
        ("", ""),
        [
            ("履歴", totals.history or "なし"),
            ("監視した開庁日", f"{totals.passes}日"),
            ("報告・変更", f"{totals.events}件"),
            ("状態の変化", f"{totals.transitions}件"),
            ("停止のあった日", f"{totals.blocked_days}日"),
            ("督促", f"{totals.reminders}件"),
            ("送った通知", f"{totals.messages}通"),
            *((f"最後の状態: {SHOWN[Status(s)]}", f"{count}件") for s, count in totals.statuses.items()),
        ],
    )
    common.print_lines([f"図と表: {out / 'report.html'}", f"通知: {out / 'inbox'}"])


def demo(
    once: Annotated[bool, typer.Option("--once", help="一巡したら終わる（スクリプト用）")] = False,
) -> None:
    """見本の計画の一年を再生し、何かが止まっている日のダッシュボードを開きます。Ctrl-Cで終わります。"""
    from kijitsu.hosting.demo import run

    run(common.office(), once, sys.stdout)


def up() -> None:
    """ダッシュボード（Prefect）と毎朝の監視を、この機械で動かし続けます。Ctrl-Cで終わります。"""
    from kijitsu.hosting.up import run

    run(common.office(), sys.stdout)


def heartbeat(
    is_telling: Annotated[
        bool, typer.Option("--tell", help="監視がなければ、運用担当に警報を送る（一日に一度）")
    ] = False,
    is_test: Annotated[bool, typer.Option("--test", help="運用担当への経路を試す警報を送る")] = False,
    as_json: common.JsonOption = False,
) -> None:
    """その日の監視が行われたかを、Prefectによらずに調べます。cronやsystemdから呼びます。なければ3で終わります。"""
    from kijitsu.services import heartbeat as service

    opened = common.office()
    if is_test:
        took = opened.alarm("【期日】試験の警報", "警報の経路を試しています。対応は要りません。")
        common.print_lines([f"警報を送りました: {'、'.join(took) or '経路なし（KIJITSU_OPERATOR_URL）'}"])
        return
    found = service.examine(opened)
    if as_json:
        common.print_json(found.as_json())
    if is_telling:
        service.tell(opened, found)
    if found.cause:
        raise OutsideError(f"{found.found}\n{service.REMEDIES[found.cause]}")
    if not as_json:
        common.print_lines([found.found])


def doctor(
    upgrade: Annotated[bool, typer.Option("--upgrade", help="データベースの形式を今のプログラムに合わせる")] = False,
    as_json: common.JsonOption = False,
) -> None:
    """設定とデータベースを調べ、直し方を示します。"""
    from kijitsu.services import health

    opened = common.office()
    if upgrade:
        opened.actor().require(Right.ADMINISTER, "データベースの更新")
        opened.upgrade()
    findings = health.examine(opened)
    if as_json:
        common.print_json([asdict(finding) for finding in findings])
    else:
        common.print_lines(f"{'○' if finding.is_fine else '×'} {finding.what}: {finding.found}" for finding in findings)
    broken = [finding for finding in findings if not finding.is_fine]
    if broken:
        raise OutsideError("\n".join(finding.remedy for finding in broken))
