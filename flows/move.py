"""日程変更: show all that moving a date does; move it when asked to."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.forms import MoveForm
from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import Cascade
from kijitsu.domain.errors import InputError
from kijitsu.office import Actor
from kijitsu.services import changing
from tasks.artifacts import publish_move


@flow(name="日程変更", flow_run_name="{form.milestone.name} → {form.to}")
def move(form: MoveForm) -> State[Any]:
    """日程を動かしたときの影響を表で示し、求められていれば変更します。結果は「Artifacts」の変更の影響に出ます。

    Args:
        form: 変更の内容
    """
    office = open_office()
    plan, id = office.plan, form.milestone.name  # type: ignore[attr-defined]
    cascade = Cascade[form.spread.name]
    try:
        if form.apply:
            actor = Actor(form.actor, "self-declared")
            done = changing.move(office, plan, id, form.to, form.reason, cascade, actor)
        else:
            done = changing.preview(office, plan, id, form.to, form.reason, cascade, None)
    except InputError as exc:
        return Failed(name="入力の誤り", message=str(exc))
    publish_move(done)
    return Completed(name="変更済み" if form.apply else "確認のみ", message="\n".join(changing.describe(done)))
