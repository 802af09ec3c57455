"""週報 in the dashboard: where the plan stands, on one page that can be printed for whoever meets about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prefect.artifacts import create_markdown_artifact

from kijitsu.domain.eras import show_date
from kijitsu.messages import Matter, Revised
from kijitsu.services.overview import Overview
from kijitsu.services.weekly import OPEN_DAYS_AHEAD
from tasks.changes import literal

_STATES = {"overdue": "期限超過", "due_soon": "期限間近", "expired": "有効期間切れ", "cancelled": "中止"}


def publish_weekly(found: Overview) -> None:
    """Publish 週報: counts, what has to be acted on, coming deadlines, changes, and where the audit log ends."""
    create_markdown_artifact(
        page(found), key=f"{found.standing.plan.id}-weekly", description=f"週報 {show_date(found.on)}"
    )


def page(found: Overview) -> str:
    """Return the report as markdown."""
    plan, weekly = found.standing.plan, found.weekly
    counts = (weekly.total, weekly.done, weekly.overdue, weekly.blocked, weekly.due_soon)
    parts = [
        f"# 週報 {show_date(found.on)}",
        literal(plan.title),
        _table(("全体", "完了", "期限超過", "停止", "期限間近"), [[f"{number}件" for number in counts]]),
        f"## 対応の要るもの {len(weekly.matters)}件",
        _table(("状態", "項目", "担当", "期限", "止まっているもの", "次にすること"), map(_matter, weekly.matters)),
        f"## これから{OPEN_DAYS_AHEAD}開庁日のうちに期限が来るもの {len(weekly.coming)}件",
        _table(("期限", "項目", "担当"), ((show_date(each.due), each.title, each.owner) for each in weekly.coming)),
        f"## 前の報告より後の変更 {len(weekly.changes)}件",
        _table(("版", "理由", "だれが"), map(_revised, weekly.changes)),
        f"## 承認を待っている変更 {len(weekly.proposals)}件",
        _table(("変更案", "理由", "だれが"), map(_revised, weekly.proposals)),
        f"## 届かなかった通知 {weekly.undelivered}通",
        "## 監査記録の控え",
        f"{weekly.head_number}番 `{weekly.head_hash}`",
    ]
    return "\n\n".join(part for part in parts if part)


def _matter(each: Matter) -> Sequence[str]:
    due = show_date(each.due) if each.due else "－"
    remedy = each.remedy or f"{each.owner}が完了を報告する"
    return _STATES[each.state], each.title, each.owner, due, "、".join(each.stops) or "－", remedy


def _revised(each: Revised) -> Sequence[str]:
    return str(each.number), each.reason, each.actor


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in markdown, "" where it has no rows."""
    lines = [f"| {' | '.join(map(literal, row))} |" for row in rows]
    return "\n".join([f"| {' | '.join(columns)} |", "|" + "---|" * len(columns), *lines]) if lines else ""
