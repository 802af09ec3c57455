"""Commands that change an adopted plan."""

from __future__ import annotations

from typing import Annotated

import typer

from kijitsu.commands import common
from kijitsu.domain.changes import Cascade
from kijitsu.domain.errors import InputError, did_you_mean


def move(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    to: Annotated[str, typer.Option("--to", metavar="WHEN", help="新しい時期（平成28年9月、2016-09-30 など）")],
    reason: Annotated[str, typer.Option(help="理由")] = "",
    cascade: Annotated[str, typer.Option(help="push 必要な分だけ, shift 同じだけ, none この項目だけ")] = "push",
    apply: Annotated[bool, typer.Option("--apply", help="実際に変更する（なければ影響を示すだけ）")] = False,
    as_of: common.AsOfOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """日程を動かしたときの影響をすべて示し、--apply で変更します。"""
    from kijitsu.services import changing

    opened = common.office()
    if cascade not in list(Cascade):
        raise InputError(
            f"「{cascade}」は使えません。{did_you_mean(cascade, Cascade)} 使えるのは push、shift、none です。"
        )
    if apply and as_of:
        raise typer.BadParameter("変更するのは今日です。--as-of は影響を見るときだけ使えます。", param_hint="--as-of")
    if apply:
        done = changing.move(opened, plan, id, to, reason, Cascade(cascade), opened.actor())
    else:
        done = changing.preview(opened, plan, id, to, reason, Cascade(cascade), common.day(as_of))
    if as_json:
        common.print_json(done.as_json())
    else:
        common.print_lines(changing.describe(done))
