"""予行: which letter would go out when in the coming weeks, lived through in a copy of the database."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.forms import RehearsalForm
from kijitsu.services.rehearsing import Assumption
from tasks.office import served_plan
from tasks.rehearsing import live_ahead, publish_rehearsal


@flow(name="予行", flow_run_name="{form.shown}")
def rehearse(form: RehearsalForm) -> State[Any]:
    """これからの数週間に、いつ、だれに、どの通知が出るかを示します。結果の表は「Artifacts」のタブに出ます。

    Args:
        form: 予行の範囲
    """
    plan = served_plan()
    body = form.body.name if form.body else None
    found = live_ahead(plan, form.weeks, Assumption[form.assumed.name], body)
    return Completed(name="予行済み", message=publish_rehearsal(plan, found))
