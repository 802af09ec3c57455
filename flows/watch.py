"""毎朝の監視: look at every gate, send what is due, show the state of the plan."""

from __future__ import annotations

from datetime import date
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from kijitsu.bootstrap import open_office
from kijitsu.domain.eras import show_date
from tasks.artifacts import publish_actions, publish_chain, publish_year
from tasks.events import emit_calendar_changes, emit_transitions
from tasks.milestones import show_all, tell_reasons
from tasks.office import look_at_gates, send_letters, served_plan


def _run_name() -> str:
    given = flow_run.parameters
    office = open_office()
    plan = given.get("plan") or office.plan
    return f"{plan} {given.get('as_of') or office.today(office.library.organisations()[0])}"


@flow(name="毎朝の監視", flow_run_name=_run_name)
def watch(plan: str | None = None, as_of: date | None = None) -> State[Any]:
    """計画の全項目の状態を調べ、督促を送り、結果を表示します。

    Args:
        plan: 計画のID（空なら KIJITSU_PLAN か city.yaml の計画）
        as_of: この日の監視として行います（空なら今日）
    """
    report = look_at_gates(plan or served_plan(), as_of)
    sent = send_letters(report)

    shown = show_all(report)
    tell_reasons(report, shown)
    publish_actions(report, sent)
    publish_chain(report)
    publish_year(report)
    emit_transitions(report)
    emit_calendar_changes(report)

    needs = report.needs_action
    message = f"{show_date(report.on)}: 要対応 {len(needs)}件、通知 {sent.sent}通"
    return Completed(name="要対応" if needs else "順調", message=message)
