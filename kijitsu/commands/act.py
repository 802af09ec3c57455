"""Commands on the database: plan, watch, complete, waive, move, reminders, outbox, audit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kijitsu.commands import common
from kijitsu.domain.changes import Cascade
from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import InputError, OutsideError, did_you_mean
from kijitsu.domain.gates import SHOWN
from kijitsu.domain.history import Deed

if TYPE_CHECKING:
    from kijitsu.domain.plan import Organisation
    from kijitsu.office import Office
    from kijitsu.services.delivering import DispatchReport

plan_app = typer.Typer(help="計画をデータベースに採り入れ、版を見ます。", no_args_is_help=True)
audit_app = typer.Typer(help="監査記録を見て、改ざんがないか確かめます。", no_args_is_help=True)
outbox_app = typer.Typer(help="送信箱を見て、届かなかった通知を送り直します。", no_args_is_help=True)

OnOption = Annotated[str | None, typer.Option("--on", metavar="D", help="その日付（省けば今日）")]
PlanOption = Annotated[
    str,
    typer.Argument(
        metavar="[PLAN]",
        help="計画のID（省けば KIJITSU_PLAN か city.yaml の計画）",
        default_factory=lambda: common.office().plan,
        show_default=False,
    ),
]


def _organisation(opened: Office, plan: str) -> Organisation:
    from kijitsu.services.watching import organisation_of

    return organisation_of(opened, plan)


# --- plan ---


@plan_app.command()
def adopt(plan: common.PlanArgument) -> None:
    """計画ファイルをデータベースに第1版として採り入れます（データベースがなければ作ります）。"""
    from kijitsu.services import acting

    opened = common.office()
    opened.library.plan(plan)  # a file with errors makes no database
    opened.upgrade()
    revision = acting.adopt(opened, plan, opened.actor())
    common.print_lines(
        [f"計画 {revision.plan} を第{revision.number}版として採り入れました（{opened.settings.database}）。"]
    )


@plan_app.command("list")
def list_plans(as_json: common.JsonOption = False) -> None:
    """計画と、その版を並べます。"""
    from kijitsu.services import ledger

    found = ledger.plans(common.office())
    if as_json:
        common.print_json(found)
        return
    rows = ([each["plan"], each["title"], str(each["revision"] or "未採用")] for each in found)
    common.print_table("計画", ("ID", "名称", "版"), rows)


def export(plan: common.PlanArgument) -> None:
    """採り入れた計画の今の版を、YAMLとして標準出力へ出します。"""
    from kijitsu.located import write_yaml
    from kijitsu.services import reading

    standing = reading.standing(common.office(), plan)
    common.print_lines([write_yaml(dict(standing.loaded.document)).rstrip()])


# --- the daily pass ---


def watch(plan: PlanOption, as_of: common.AsOfOption = None, as_json: common.JsonOption = False) -> None:
    """毎朝の監視を一回行います: 状態を調べ、督促を書き、送ります。何度行っても同じ通知は一度だけです。"""
    from kijitsu.services import delivering, watching

    opened = common.office()
    report = watching.watch(opened, plan, common.day(as_of))
    sent = delivering.DispatchReport()
    if report.is_open:
        sent = delivering.dispatch(opened, report.standing.plan.organisation)
    needs = report.needs_action
    closed = report.standing.network.calendar.why_closed(report.on)
    if as_json:
        common.print_json(
            {
                "plan": plan,
                "on": report.on,
                "open": report.is_open,
                "transitions": len(report.transitions),
                "letters": len(report.letters),
                "calendars": [change.as_json() for change in report.calendar_changes],
                "sent": sent.sent,
                "waiting": sent.waiting,
                "dead": sent.dead,
                "needs_action": [verdict.id for verdict in needs],
            }
        )
    else:
        day = show_date(report.on)
        common.print_lines(
            [
                f"{day}: 状態の変化 {len(report.transitions)}件、通知 {len(report.letters)}通（送信 {sent.sent}通）"
                if report.is_open
                else f"{day}は閉庁日（{closed}）です。通知は次の開庁日の朝に送ります。",
                *(line for change in report.calendar_changes for line in change.sentences(report.standing.plan)),
                *(f"  {SHOWN[v.status]} {report.standing.plan.milestones[v.id].title}" for v in needs),
            ]
        )
    if sent.errors:
        raise OutsideError("\n".join([*sent.errors, *_remedies(sent)]))


def _remedies(sent: DispatchReport) -> Iterator[str]:
    if sent.waiting:
        yield f"{sent.waiting}通は送信箱に残してあり、あとで送り直します（今すぐ送るには kijitsu outbox send）。"
    if sent.dead:
        yield (
            f"{sent.dead}通は受け取りを断られたので、送り直しません。宛先などを直してから "
            "kijitsu outbox list の鍵で kijitsu outbox resend を実行してください。"
        )


# --- reports ---


def complete(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    on: OnOption = None,
    evidence: Annotated[list[str] | None, typer.Option(help="証拠の種類=文書番号（例: 議事録=総第12号）")] = None,
    file: Annotated[Path | None, typer.Option(help="証拠書類のファイル")] = None,
    effective: Annotated[str | None, typer.Option(metavar="D", help="効力の始まる日")] = None,
    expires: Annotated[str | None, typer.Option(metavar="D", help="効力の終わる日")] = None,
    override: Annotated[str, typer.Option(metavar="REASON", help="証拠なしで完了とする理由")] = "",
) -> None:
    """完了を報告します。"""
    from kijitsu.services import acting

    opened = common.office()
    day = common.day(on) or opened.today(_organisation(opened, plan))
    given = acting.Report(
        Deed.COMPLETE,
        id,
        day,
        evidence=dict(acting.evidence(each) for each in evidence or ()),
        effective=common.day(effective),
        expires=common.day(expires),
        file=file,
        override=override,
    )
    acting.report(opened, plan, given, opened.actor())
    shown = f"通知とダッシュボードには次の監視（kijitsu watch {plan}）で出ます。"
    common.print_lines([f"{show_date(day)}の完了として記録しました: {id}。{shown}"])


def waive(
    plan: common.PlanArgument,
    id: common.MilestoneArgument,
    reason: Annotated[str, typer.Option(help="免除の理由")],
    on: OnOption = None,
) -> None:
    """項目を免除します（後に続く項目は、満たされたものとして進めます）。"""
    from kijitsu.services import acting

    opened = common.office()
    day = common.day(on) or opened.today(_organisation(opened, plan))
    acting.report(opened, plan, acting.Report(Deed.WAIVE, id, day, reason=reason), opened.actor())
    common.print_lines([f"{show_date(day)}付けで免除しました: {id}"])


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
    from kijitsu.services import acting

    opened = common.office()
    if cascade not in list(Cascade):
        raise InputError(
            f"「{cascade}」は使えません。{did_you_mean(cascade, Cascade)} 使えるのは push、shift、none です。"
        )
    if apply and as_of:
        raise typer.BadParameter("変更するのは今日です。--as-of は影響を見るときだけ使えます。", param_hint="--as-of")
    if apply:
        done = acting.move(opened, plan, id, to, reason, Cascade(cascade), opened.actor())
    else:
        done = acting.preview(opened, plan, id, to, reason, Cascade(cascade), common.day(as_of))
    if as_json:
        common.print_json(done.as_json())
    else:
        common.print_lines(acting.describe(done))


# --- the ledger and the outbox ---


def reminders(plan: PlanOption, as_json: common.JsonOption = False) -> None:
    """督促の台帳: これまでに書いたものと、これから出るもの。"""
    from kijitsu.services import ledger

    found = ledger.reminders(common.office(), plan)
    if as_json:
        common.print_json(found)
        return
    names = {
        "pending": "送信待ち",
        "sent": "送信済み",
        "dead": "不達",
        "superseded": "取消",
        "covered": "後のものに統合",
    }
    rows = (
        [
            str(r["date"]),
            r["milestone"],
            r["rule"],
            r["recipient"],
            str(r["deadline"]),
            names.get(r["state"], "これから"),
        ]
        for r in found
    )
    common.print_table("督促の台帳", ("日", "項目", "規則", "宛先", "期限", "状態"), rows)


@outbox_app.command("list")
def list_outbox(plan: PlanOption, as_json: common.JsonOption = False) -> None:
    """送信待ちと不達の通知。"""
    from kijitsu.services import ledger

    opened = common.office()
    found = ledger.undelivered(opened, _organisation(opened, plan))
    if as_json:
        common.print_json(found)
        return
    names = {"dead": "不達", "pending": "送信待ち"}
    rows = (
        [names[r["state"]], r["recipient"], r["subject"], str(r["attempts"]), r["error"] or "", r["key"]] for r in found
    )
    common.print_table("送信箱", ("状態", "宛先", "件名", "回数", "相手の返事", "鍵"), rows)


@outbox_app.command("send")
def send_outbox(plan: PlanOption) -> None:
    """送信待ちの通知を今すぐ送ります。"""
    from kijitsu.services import delivering

    opened = common.office()
    sent = delivering.send_now(opened, _organisation(opened, plan))
    common.print_lines([f"送信 {sent.sent}通、再送待ち {sent.waiting}通、不達 {sent.dead}通"])
    if sent.errors:
        raise OutsideError("\n".join(sent.errors))


@outbox_app.command("resend")
def resend_outbox(key: Annotated[str, typer.Argument(help="kijitsu outbox list の鍵")], plan: PlanOption) -> None:
    """不達になった通知を送信待ちに戻します。"""
    from kijitsu.services import delivering

    opened = common.office()
    if not delivering.resend(opened, _organisation(opened, plan), key):
        raise InputError(f"鍵「{key}」の不達はありません。kijitsu outbox list で確かめてください。")
    common.print_lines(["送信待ちに戻しました。kijitsu outbox send で送れます。"])


# --- audit ---


@audit_app.command("verify")
def verify_audit(plan: PlanOption, as_json: common.JsonOption = False) -> None:
    """監査記録のつながりを確かめ、書き換え・削除・挿入があれば番号を示します。"""
    from kijitsu.services import ledger

    opened = common.office()
    count, problems = ledger.verify_audit(opened, _organisation(opened, plan))
    if as_json:
        common.print_json({"entries": count, "problems": problems})
    if problems:
        raise InputError("\n".join(problems))
    if not as_json:
        common.print_lines([f"監査記録 {count}件に改ざんはありません。"])


@audit_app.command("list")
def list_audit(plan: PlanOption, as_json: common.JsonOption = False) -> None:
    """監査記録を古い順に並べます。"""
    from kijitsu.services import ledger

    opened = common.office()
    found = ledger.audit(opened, _organisation(opened, plan))
    if as_json:
        common.print_json(found)
        return
    rows = (
        [str(r["number"]), str(r["at"]), r["actor"], r["action"], r["subject"], _short(r["details"])] for r in found
    )
    common.print_table("監査記録", ("番号", "時刻（UTC）", "だれが", "何を", "対象", "内容"), rows)


def _short(details: Any) -> str:
    text = "、".join(f"{key}={value}" for key, value in details.items() if isinstance(value, (str, int)))
    return text if len(text) <= 160 else text[:159] + "…"
