"""完了報告: record that a milestone is done, with its evidence."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.forms import CompletionForm
from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import InputError
from kijitsu.domain.history import Deed
from kijitsu.services import reporting
from tasks.changes import refused
from tasks.events import announce
from tasks.office import served_office, tag_run


@flow(name="完了報告", flow_run_name="{form.milestone.name} {form.on}")
def complete(form: CompletionForm) -> State[Any]:
    """項目の完了を記録します。止まっていたものは、次の監視で再開します。

    Args:
        form: 報告の内容
    """
    office = served_office()
    id = form.milestone.name  # type: ignore[attr-defined]
    try:
        given = reporting.Report(
            Deed.COMPLETE,
            id,
            form.on,
            evidence=reporting.papers((each.kind, each.number) for each in form.evidence),
            decided=form.decided,
            received=form.received,
            effective=form.effective,
            expires=form.expires,
            override=form.override,
        )
        reporting.report(office, office.plan, given, office.acting_as(form.actor, "self-declared"))
    except InputError as exc:
        return refused(exc)
    tag_run(plan=office.plan, milestone=id)
    announce(office.plan)
    return Completed(name="記録済み", message=f"{show_date(form.on)}の完了として記録しました: {id}")
