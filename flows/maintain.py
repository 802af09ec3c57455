"""保守: back up, look whether the audit log is as it was written, say what is kept and what is left."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.keeping import back_up, look_at_audit, publish_maintenance
from tasks.office import served_plan


@flow(name="保守", flow_run_name="バックアップと監査記録の確認")
def maintain() -> State[Any]:
    """バックアップを作り、監査記録に改ざんがないか確かめ、控えておく番号を示します。"""
    verified = look_at_audit()
    made = back_up()
    problems = list(dict.fromkeys([*(each for found in verified for each in found.problems), *made.problems]))
    publish_maintenance(served_plan(), made, verified, problems)
    if problems:
        return Failed(name="異常あり", message="\n".join(problems))
    return Completed(name="保守済み", message=f"バックアップ: {made.file.name}")
