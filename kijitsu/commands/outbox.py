"""Commands on the outbox: what waits, what did not arrive, and whether a channel works."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from kijitsu.commands import common
from kijitsu.domain.errors import InputError, OutsideError

outbox_app = typer.Typer(
    help="送信箱を見て、届かなかった通知を送り直します。宛先へ試験の通知も送れます。", no_args_is_help=True
)


@outbox_app.command("list")
def list_outbox(plan: common.PlanOption, as_json: common.JsonOption = False) -> None:
    """送信待ちと不達の通知。"""
    from kijitsu.services import ledger

    opened = common.reader()
    organisation = common.organisation(opened, plan)
    found = ledger.undelivered(opened, organisation)
    if as_json:
        common.print_json(found)
        return
    rows = []
    for number, each in enumerate(found, 1):
        is_dead = each["state"] == "dead"
        again = "" if is_dead else _shown(each["not_before"], organisation.zone)
        state = "不達" if is_dead else "送信待ち"
        cells = (number, state, each["recipient"], each["channel"], each["subject"], each["attempts"], again)
        rows.append([*map(str, cells), each["error"] or ""])
    common.print_table("送信箱", ("番号", "状態", "宛先", "経路", "件名", "回数", "次の送信", "最後の返事"), rows)
    if found:
        # In a table they would be folded, and could not be copied.
        common.print_lines(["鍵:", *(f"{number}  {each['key']}" for number, each in enumerate(found, 1))])


def _shown(at: datetime, zone: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return f"{local.month}月{local.day}日 {local:%H:%M}"


@outbox_app.command("send")
def send_outbox(plan: common.PlanOption) -> None:
    """送信待ちの通知を今すぐ送ります。時間外や閉庁日でも送ります。"""
    from kijitsu.services import delivering

    opened = common.office()
    sent = delivering.send_now(opened, common.organisation(opened, plan))
    counts = f"送信 {sent.sent}通、再送待ち {sent.waiting}通、不達 {sent.dead}通"
    common.print_lines([counts, *common.where_mail_went(opened, sent)])
    if sent.errors:
        raise OutsideError("\n".join(sent.errors))


@outbox_app.command("resend")
def resend_outbox(
    key: Annotated[str, typer.Argument(metavar="[KEY]", help="kijitsu outbox list の鍵", default_factory=str)],
    plan: common.PlanOption,
    is_all: Annotated[bool, typer.Option("--all", help="計画の不達をすべて戻します")] = False,
) -> None:
    """不達になった通知を送信待ちに戻します。"""
    from kijitsu.services import delivering, ledger

    opened = common.office()
    if is_all:
        plan = key or plan
    elif not key:
        raise InputError("どの通知を戻すか、kijitsu outbox list の鍵か --all で指定してください。")
    organisation = common.organisation(opened, plan)
    count = delivering.resend(opened, organisation, opened.actor(), plan, None if is_all else key)
    if not count:
        what = f"計画 {plan} の不達" if is_all else f"鍵「{key}」の不達"
        waiting = sum(
            each["state"] == "pending" and each["key"].startswith(f"{plan}/")
            for each in ledger.undelivered(opened, organisation)
        )
        if is_all and waiting:
            raise InputError(f"{what}はありません。送信待ちは{waiting}通です（kijitsu outbox send）。")
        raise InputError(f"{what}はありません。kijitsu outbox list で確かめてください。")
    common.print_lines([f"{count}通を送信待ちに戻しました。kijitsu outbox send で送れます。"])


@outbox_app.command("test")
def try_outbox(
    body: Annotated[str, typer.Argument(metavar="BODY", help="組織のIDか名称、または職の名")], plan: common.PlanOption
) -> None:
    """宛先へ試験の通知を一通送り、相手の返事を示します。台帳には載りません。"""
    from kijitsu.services.trial import send_trial

    to, answer = send_trial(common.office(), plan, body)
    common.print_lines([f"{to.title}（{to.channel}: {to.address}）へ試験の通知を送りました。相手の返事: {answer}"])
