"""週次報告: see that the secretariat, and whoever is about to meet, were told where the plan stands."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.watch import watch
from kijitsu.domain.eras import show_date
from tasks.events import announce
from tasks.office import look_at_reports, send_waiting, served_plan
from tasks.reports import publish_weekly


@flow(name="週次報告", flow_run_name="報告の確認")
def report() -> State[Any]:
    """週報と会議の前の報告が出たかを確かめ、出ていなければ書いて送り、一枚の週報を示します。"""
    plan = served_plan()
    if look_at_reports(plan).is_missing:
        # One way of writing letters: the pass that should have been.
        watch()
    sent = send_waiting(plan)
    announce(plan)

    found = look_at_reports(plan)
    publish_weekly(found)
    name = "再送待ち" if sent.errors else "報告済み" if found.told else "報告なし"
    told = "、".join(found.told) or "今日の報告はありません"
    return Completed(name=name, message="\n".join([f"{show_date(found.on)}: {told}", *sent.errors]))
