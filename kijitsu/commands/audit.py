"""Commands on the audit log: list it, verify it."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import typer

from kijitsu.commands import common
from kijitsu.domain.errors import InputError

audit_app = typer.Typer(help="監査記録を見て、改ざんがないか確かめます。", no_args_is_help=True)


@audit_app.command("verify")
def verify_audit(plan: common.PlanOption, as_json: common.JsonOption = False) -> None:
    """監査記録のつながりを確かめ、書き換え・削除・挿入があれば番号を示します。"""
    from kijitsu.services import ledger

    opened = common.office()
    count, problems = ledger.verify_audit(opened, common.organisation(opened, plan))
    if as_json:
        common.print_json({"entries": count, "problems": problems})
    if problems:
        raise InputError("\n".join(problems))
    if not as_json:
        common.print_lines([f"監査記録 {count}件に改ざんはありません。"])


@audit_app.command("list")
def list_audit(plan: common.PlanOption, as_json: common.JsonOption = False) -> None:
    """監査記録を古い順に並べます。"""
    from kijitsu.services import ledger

    opened = common.office()
    organisation = common.organisation(opened, plan)
    found = ledger.audit(opened, organisation)
    if as_json:
        common.print_json(found)
        return
    zone = ZoneInfo(organisation.zone)
    rows = (
        [
            str(r["number"]),
            f"{r['at'].astimezone(zone):%Y-%m-%d %H:%M:%S}",
            f"{r['actor']}（{_KNOWN_BY.get(r['authenticated_by'], r['authenticated_by'])}）",
            _ACTIONS.get(r["action"], r["action"]),
            r["subject"],
            _short(r["details"]),
        ]
        for r in found
    )
    common.print_table("監査記録", ("番号", f"時刻（{organisation.zone}）", "だれが", "何を", "対象", "内容"), rows)


_ACTIONS = {
    "adopt": "採用",
    "watch": "監視",
    "calendar": "休日表の変更",
    "move": "日程変更",
    "complete": "完了",
    "start": "着手",
    "waive": "免除",
    "cancel": "中止",
    "acknowledge": "確認",
    "snooze": "先送り",
    "estimate": "完了見込み",
    "excuse": "遅れの承認",
    "reject": "差戻し",
    "give-up": "不達",
    "resend": "再送",
    "trial": "試験の通知",
}
_KNOWN_BY = {
    "operating-system": "OSの利用者",
    "settings": "設定",
    "self-declared": "本人申告",
    "signed-link": "署名付きリンク",
    "history-file": "履歴",
    "pass": "監視",
    "dispatch": "配信",
}


def _short(details: Any) -> str:
    papers = [f"{kind}：{number}" for kind, number in details.get("evidence", {}).items()]
    facts = [f"{key}={value}" for key, value in details.items() if isinstance(value, (str, int))]
    text = "、".join(papers + facts)
    return text if len(text) <= 160 else text[:159] + "…"
