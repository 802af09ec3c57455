"""事務局への連絡, 運用担当への連絡: what Prefect's automations start, as declared by the triggers in prefect.yaml."""

from __future__ import annotations

from typing import Any

from prefect import flow, task
from prefect.client.schemas.objects import State
from prefect.states import Completed
from prefect.utilities.urls import url_for

from kijitsu.bootstrap import open_office
from kijitsu.services.alerting import Alerted
from kijitsu.services.alerting import alert as write_alert
from kijitsu.services.delivering import dispatch
from tasks.events import announce
from tasks.office import served_office


@task(name="連絡の作成 [alert]")
def write(plan: str, entry: int) -> Alerted:
    """Write the news to the channel, once for each entry of the audit log."""
    return write_alert(served_office(), plan, entry)


@flow(name="事務局への連絡", flow_run_name="{plan} 監査記録{entry}番")
def alert(plan: str, entry: int) -> State[Any]:
    """新たに止まったもの、届かなかった通知を、事務局の見る所（organisations の alerts）へ知らせます。

    Args:
        plan: 計画のID
        entry: もとになる監査記録の番号
    """
    told = write(plan, entry)
    if told.place is None:
        where = f"calendar/organisations/{told.organisation.id}.yaml の {told.organisation.secretariat}"
        return Completed(name="知らせる先なし", message=f"知らせるには、{where} に alerts: を書いてください。")
    sent = dispatch(served_office(), told.organisation)
    announce(plan)
    name = "再送待ち" if sent.errors else "連絡済み"
    return Completed(name=name, message="\n".join([f"送信 {sent.sent}通", *sent.errors]))


@task(name="運用担当への知らせ [alarm]", retries=2, retry_delay_seconds=[10, 60])
def sound(title: str, text: str) -> tuple[str, ...]:
    """Tell the operator past relay and database."""
    return open_office().alarm(title, text)


@flow(name="運用担当への連絡", flow_run_name="{deployment} {state}")
def call_operator(deployment: str, run: str, state: str, message: str = "") -> State[Any]:
    """監視や保守の失敗や遅れを、データベースにも中継サーバーにもよらない経路で運用担当に知らせます。

    Args:
        deployment: 異常のあったデプロイ
        run: その実行のID
        state: その実行の状態
        message: その実行の言葉
    """
    lines = [
        *message.strip().splitlines()[-3:],
        f"実行の記録（Logs）: {url_for('flow-run', obj_id=run) or run}",
        f"原因を除いてから、「{deployment}」を Run でもう一度動かしてください。",
        "同じ日に二度動いても、通知は重なりません。",
    ]
    told = sound(f"「{deployment}」に異常があります（{state}）", "\n".join(lines))
    return Completed(
        name="知らせた", message="、".join(told) or "KIJITSU_OPERATOR_URL がないので、alarms.log だけです。"
    )
