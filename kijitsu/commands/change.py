"""Commands that change an adopted plan: each shows what would happen, and does it with --apply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from kijitsu.commands import common
from kijitsu.commands import edits as option

if TYPE_CHECKING:
    from kijitsu.office import Json, Office
    from kijitsu.services.reckoning import Change, Request

ReasonOption = Annotated[str, typer.Option(help="理由（実際に変更するときは必ず）")]
ApplyOption = Annotated[bool, typer.Option("--apply", help="実際に変更する（なければ影響を示すだけ）")]
SeenOption = Annotated[
    int | None, typer.Option("--revision", metavar="N", help="影響を確かめた版。ほかの人が先に変えていたら、変更しない")
]


def move(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    to: Annotated[str, typer.Option("--to", metavar="WHEN", help="新しい時期（平成28年9月、2016-09-30 など）")],
    reason: ReasonOption = "",
    cascade: option.CascadeOption = "push",
    apply: ApplyOption = False,
    revision: SeenOption = None,
    as_of: common.AsOfOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """日程を動かしたときの影響をすべて示し、--apply で変更します。"""
    from kijitsu.services.reckoning import move_request

    request = move_request(id, to, reason, option.cascade_of(cascade))
    _run(common.reader(plan), plan, request, apply, revision, as_of, as_json)


def change(
    plan: common.PlanArgument,
    move: option.MoveOption = None,
    duration: option.DurationOption = None,
    due: option.DueOption = None,
    after: option.AfterOption = None,
    drop: option.DropOption = None,
    owner: option.OwnerOption = None,
    waive: option.WaiveOption = None,
    cancel: option.CancelOption = None,
    reinstate: option.ReinstateOption = None,
    close: option.CloseOption = None,
    open_: option.OpenOption = None,
    reason: ReasonOption = "",
    cascade: option.CascadeOption = "push",
    apply: ApplyOption = False,
    revision: SeenOption = None,
    as_of: common.AsOfOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """時期、所要、期限、前提、担当、免除、中止、閉庁日を、一度にまとめて変えます。--apply までは影響を示すだけです。"""
    from kijitsu.services.reckoning import Request

    edits = option.edits_of(
        move=move,
        duration=duration,
        due=due,
        after=after,
        drop=drop,
        owner=owner,
        waive=waive,
        cancel=cancel,
        reinstate=reinstate,
        close=close,
        open=open_,
    )
    request = Request(edits, reason, option.cascade_of(cascade))
    _run(common.reader(plan), plan, request, apply, revision, as_of, as_json)


def waive(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    reason: Annotated[str, typer.Option(help="免除の理由")],
    on: common.OnOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """項目を免除します（後に続く項目は、満たされたものとして進めます）。影響だけを見るには change --waive です。"""
    _deed("waive", plan, id, reason, on, as_json)


def cancel(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    reason: Annotated[str, typer.Option(help="中止の理由")],
    on: common.OnOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """項目を中止します（後に続く項目は、前提を失って止まります）。影響だけを見るには change --cancel です。"""
    _deed("cancel", plan, id, reason, on, as_json)


def _deed(kind: str, plan: str, id: str, reason: str, on: str | None, as_json: bool) -> None:
    from kijitsu.services.reckoning import Request

    day = common.day(on)
    request = Request(option.edits_of(**{kind: [f"{id}={day}" if day else id]}), reason)
    _run(common.reader(plan), plan, request, True, None, None, as_json)


def undo(
    plan: common.PlanArgument,
    number: Annotated[int | None, typer.Argument(metavar="[REVISION]", help="取り消す版（省けば最新の版）")] = None,
    reason: ReasonOption = "",
    apply: ApplyOption = False,
    revision: SeenOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """変更を取り消し、日程を元に戻します（連れて動いたものも）。取消しも一つの版になり、取り消せます。"""
    from kijitsu.services import changing

    opened = common.reader(plan)
    request = changing.undo_request(opened, plan, number, reason)
    _run(opened, plan, request, apply, revision, None, as_json)


def import_(
    plan: common.PlanArgument,
    file: Annotated[str, typer.Argument(metavar="FILE", help="直した計画ファイル（kijitsu export の形）")],
    reason: ReasonOption = "",
    apply: ApplyOption = False,
    revision: SeenOption = None,
    as_of: common.AsOfOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """直した計画ファイルを、採り入れた計画への変更として取り込みます。督促の方針や項目の追加もこれで行います。"""
    from kijitsu.services import changing

    opened = common.reader(plan)
    opened.library.plan(file)  # an error is told with its place in the file
    _run(opened, plan, changing.file_request(plan, file, reason), apply, revision, as_of, as_json)


def approve(
    plan: common.PlanArgument,
    number: Annotated[int | None, typer.Argument(metavar="[NUMBER]", help="変更案の番号（省けば一覧）")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="承認して、変更する")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="却下する（自分の変更案なら取り下げる）")] = False,
    reason: Annotated[str, typer.Option(help="承認や却下の理由")] = "",
    revision: SeenOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """承認待ちの変更案を見て、承認か却下をします。自分の変更案は承認できません。"""
    from kijitsu.services import changing

    opened = common.reader(plan)
    if number is None:
        _list_proposals(opened, plan, as_json)
    elif reject:
        decided = changing.turn_down(opened, plan, number, opened.actor(), reason)
        if as_json:
            common.print_json({"proposal": decided.number, "state": decided.state, "reason": decided.decision})
        else:
            common.print_lines([f"変更案 {number} を{changing.SHOWN_STATES[decided.state]}にしました。"])
    elif apply:
        _show(changing.approve(opened, plan, number, opened.actor(), reason, revision), as_json)
    else:
        looked_at = changing.look_at(opened, plan, number)
        seen = looked_at.standing.revision
        _show(looked_at, as_json, f"承認するには、kijitsu approve {plan} {number} --revision {seen} --apply です。")


def _list_proposals(opened: Office, plan: str, as_json: bool) -> None:
    from kijitsu.services import changing

    zone = ZoneInfo(common.organisation(opened, plan).zone)
    found = changing.proposals(opened, plan)
    if as_json:
        common.print_json(
            [
                {
                    "proposal": each.number,
                    "state": each.state,
                    "revision": each.revision,
                    "proposed_by": each.actor,
                    "at": each.made_at,
                    "reason": each.reason,
                    "edits": each.request["edits"],
                    "decided_by": each.decided_by,
                    "decision": each.decision,
                    "applied_as": each.applied_as,
                }
                for each in found
            ]
        )
        return
    if not found:
        common.print_lines(["変更案はありません。"])
        return
    rows = (
        [
            str(each.number),
            changing.SHOWN_STATES[each.state],
            f"{each.made_at.astimezone(zone):%Y-%m-%d %H:%M}",
            each.actor,
            each.reason,
            each.decided_by or "",
        ]
        for each in found
    )
    common.print_table("変更案", ("番号", "状態", "提案", "だれが", "理由", "決めた人"), rows)


def _run(
    opened: Office,
    plan: str,
    request: Request,
    apply: bool,
    revision: int | None,
    as_of: str | None,
    as_json: bool,
) -> None:
    """Show what a request would do, or do it."""
    from kijitsu.services import changing

    if apply and as_of:
        raise typer.BadParameter("変更するのは今日です。--as-of は影響を見るときだけ使えます。", param_hint="--as-of")
    if apply:
        _show(changing.change(opened, plan, request, opened.actor(), revision), as_json)
        return
    previewed = changing.preview(opened, plan, request, common.day(as_of))
    seen, id = previewed.standing.revision, previewed.standing.plan.id
    again = f"実際に変更するには、--reason 理由 --revision {seen} --apply を付けて、もう一度実行してください。"
    if not seen:
        again = f"ファイルの計画は、データベースに採り入れてから変更します（kijitsu plan adopt {id}）。"
    _show(previewed, as_json, again)


def _show(done: Change, as_json: bool, what_next: str = "") -> None:
    if as_json:
        common.print_json(_json(done))
        return
    common.print_lines(_lines(done, what_next))


def _json(done: Change) -> Json:
    return done.as_json() if done.applied_as else {**done.as_json(), "advice": done.advice_json()}


def _lines(done: Change, what_next: str) -> Iterator[str]:
    from kijitsu.services.describing import describe

    yield from describe(done)
    if what_next:
        yield f"  {what_next}"
