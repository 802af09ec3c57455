"""配信: send again what a mail relay refused for the time being."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.events import announce
from tasks.office import send_waiting, served_plan


@flow(name="配信", flow_run_name="送信待ち")
def deliver() -> State[Any]:
    """送信待ちの通知を送ります。何もなければ何もしません。"""
    plan = served_plan()
    sent = send_waiting(plan)
    announce(plan)
    name = "再送待ち" if sent.errors else "送信" if sent.sent else "送信なし"
    counts = f"送信 {sent.sent}通、再送待ち {sent.waiting}通、不達 {sent.dead}通"
    return Completed(name=name, message="\n".join([counts, *sent.errors]))
