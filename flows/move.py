"""日程変更: show all that moving a date does; move it, or take a change back, when asked to."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.forms import Doing, MoveForm
from kijitsu.domain.changes import Cascade
from kijitsu.domain.errors import InputError
from kijitsu.office import Office
from kijitsu.services import changing
from kijitsu.services.reckoning import Request, move_request
from tasks.changes import looked_at, made, refused, require_seen
from tasks.events import announce
from tasks.office import served_office


@flow(name="日程変更", flow_run_name="{form.shown}")
def move(form: MoveForm) -> State[Any]:
    """日程を動かしたときの影響を示し、求められていれば変更します。影響の表は「Artifacts」のタブに出ます。

    Args:
        form: 変更の内容
    """
    office = served_office()
    try:
        request = _request(office, form)
        if form.doing is Doing.LOOK:
            return looked_at(changing.preview(office, office.plan, request), Doing.CHANGE)
        seen = require_seen(form.seen, Doing.CHANGE)
        actor = office.acting_as(form.actor, "self-declared")
        return made(changing.change(office, office.plan, request, actor, seen))
    except InputError as exc:
        return refused(exc, Doing.CHANGE)
    finally:
        announce(office.plan)


def _request(office: Office, form: MoveForm) -> Request:
    if form.undo is not None and (form.milestone or form.to):
        raise InputError("日程を動かすか、前の変更を取り消すかの、どちらかにしてください。")
    if form.undo is not None:
        return changing.undo_request(office, office.plan, form.undo, form.reason)
    if form.milestone is None or not form.to:
        raise InputError("「項目」と「新しい時期」を入れてください。前の変更を取り消すときは「取り消す版」を入れます。")
    return move_request(form.milestone.name, form.to, form.reason, Cascade[form.spread.name])
