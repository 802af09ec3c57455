"""変更の承認: show the changes that wait for approval, and approve or turn one down."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.forms import Decision, DecisionForm
from kijitsu.domain.errors import InputError
from kijitsu.services import changing
from tasks.changes import looked_at, made, publish_proposals, refused, require_seen, settled
from tasks.events import announce
from tasks.office import served_office


@flow(name="変更の承認", flow_run_name="{form.shown}")
def approve(form: DecisionForm) -> State[Any]:
    """承認待ちの変更案の影響を示し、求められていれば承認か却下をします。自分の変更案は承認できません。

    Args:
        form: 決定の内容
    """
    office, number = served_office(), form.number
    try:
        if number is None:
            return publish_proposals(office)
        if form.decision is Decision.LOOK:
            return looked_at(changing.look_at(office, office.plan, number), Decision.APPROVE)
        actor = office.acting_as(form.actor, "self-declared")
        if form.decision is Decision.REJECT:
            decided = changing.turn_down(office, office.plan, number, actor, form.reason)
            state = changing.SHOWN_STATES[decided.state]
            return settled(state, f"変更案 {number} を{state}にしました。計画は変わりません。")
        seen = require_seen(form.seen, Decision.APPROVE)
        return made(changing.approve(office, office.plan, number, actor, form.reason, seen))
    except InputError as exc:
        return refused(exc, Decision.APPROVE)
    finally:
        announce(office.plan)
