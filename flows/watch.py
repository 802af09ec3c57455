"""毎朝の監視: look at every gate, send what is due, show the state of the plan."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed
from pydantic import BaseModel, model_serializer

from flows.fields import PICK, Day, empty
from kijitsu.bootstrap import open_office
from kijitsu.domain.eras import show_date
from tasks.artifacts import publish_actions, publish_chain, publish_year
from tasks.events import announce
from tasks.milestones import show_all, tell_reasons
from tasks.office import look_at_gates, send_letters, served_plan, tag_run


class WatchForm(BaseModel):
    """毎朝の監視。空のままなら、今日の監視をします。"""

    on: Day = empty("監視する日", f"空けておくと今日。先の日と、監視の済んだ日より前の日は選べません。{PICK}")

    @model_serializer
    def _given(self) -> dict[str, Any]:
        # The form opens with this, and would be refused with a null.
        return {} if self.on is None else {"on": self.on}


TODAY = WatchForm()


def _run_name() -> str:
    office = open_office()
    form = WatchForm.model_validate(flow_run.parameters.get("form") or TODAY)
    return f"{office.plan} {form.on or office.today(office.library.organisations()[0])}"


@flow(name="毎朝の監視", flow_run_name=_run_name)
def watch(form: WatchForm = TODAY) -> State[Any]:
    """計画の全項目の状態を調べ、督促を送り、結果を表示します。

    Args:
        form: 監視の範囲
    """
    report = look_at_gates(served_plan(), form.on)
    tag_run(plan=report.standing.plan.id, revision=report.standing.revision, audit=report.audit)
    sent = send_letters(report)

    shown = show_all(report)
    tell_reasons(report, shown)
    publish_actions(report, sent)
    publish_chain(report)
    publish_year(report)
    announce(report.standing.plan.id)

    needs = report.needs_action
    message = f"{show_date(report.on)}: 要対応 {len(needs)}件、通知 {sent.sent}通"
    return Completed(name="要対応" if needs else "順調", message=message)
