"""予行: replay a plan's year in a database of its own."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact

from kijitsu.bootstrap import open_office
from kijitsu.domain.eras import show_date
from kijitsu.services.replaying import Totals
from kijitsu.services.replaying import replay as run_replay
from tasks.office import served_plan


@task(name="一年の再生")
def live_through(plan: str, history: str | None, first: date, last: date, out: Path) -> Totals:
    """Live through the days, with the mail going to a mailbox of the replay's own."""
    return run_replay(open_office(), plan, history, first, last, out)


@flow(name="予行", flow_run_name="{first}～{last}")
def replay(
    first: date,
    last: date,
    history: str | None = None,
    plan: str | None = None,
) -> None:
    """計画の一年を早回しで再生し、結果のありかを示します。本番のデータには触れません。

    Args:
        first: 最初の日
        last: 最後の日
        history: 履歴のID（空なら、だれも何も報告しなかったものとして）
        plan: 計画のID（空なら KIJITSU_PLAN か city.yaml の計画）
    """
    plan = plan or served_plan()
    out = open_office().settings.home / "replays" / f"{plan}-{history or 'nothing'}"
    totals = live_through(plan, history, first, last, out)
    lines = [
        f"# {plan} の予行",
        "",
        f"{show_date(totals.first)}から{show_date(totals.last)}まで、監視 {totals.passes}回。",
        "",
        f"- 停止のあった日: {totals.blocked_days}日",
        f"- 通知: {totals.messages}通",
        f"- 図と表: {totals.out}/report.html",
    ]
    create_markdown_artifact("\n".join(lines), key=f"{plan}-replay", description="予行の結果")
