"""Commands on the outbox: what waits, what did not arrive."""

from __future__ import annotations

from typing import Annotated

import typer

from kijitsu.commands import common
from kijitsu.domain.errors import InputError, OutsideError

outbox_app = typer.Typer(help="送信箱を見て、届かなかった通知を送り直します。", no_args_is_help=True)


@outbox_app.command("list")
def list_outbox(plan: common.PlanOption, as_json: common.JsonOption = False) -> None:
    """送信待ちと不達の通知。"""
    from kijitsu.services import ledger

    opened = common.office()
    found = ledger.undelivered(opened, common.organisation(opened, plan))
    if as_json:
        common.print_json(found)
        return
    names = {"dead": "不達", "pending": "送信待ち"}
    rows = (
        [names[r["state"]], r["recipient"], r["subject"], str(r["attempts"]), r["error"] or "", r["key"]] for r in found
    )
    common.print_table("送信箱", ("状態", "宛先", "件名", "回数", "相手の返事", "鍵"), rows)


@outbox_app.command("send")
def send_outbox(plan: common.PlanOption) -> None:
    """送信待ちの通知を今すぐ送ります。"""
    from kijitsu.services import delivering

    opened = common.office()
    sent = delivering.send_now(opened, common.organisation(opened, plan))
    common.print_lines([f"送信 {sent.sent}通、再送待ち {sent.waiting}通、不達 {sent.dead}通"])
    if sent.errors:
        raise OutsideError("\n".join(sent.errors))


@outbox_app.command("resend")
def resend_outbox(
    key: Annotated[str, typer.Argument(help="kijitsu outbox list の鍵")], plan: common.PlanOption
) -> None:
    """不達になった通知を送信待ちに戻します。"""
    from kijitsu.services import delivering

    opened = common.office()
    if not delivering.resend(opened, common.organisation(opened, plan), key):
        raise InputError(f"鍵「{key}」の不達はありません。kijitsu outbox list で確かめてください。")
    common.print_lines(["送信待ちに戻しました。kijitsu outbox send で送れます。"])
