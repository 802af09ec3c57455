"""Commands on the database: plan, watch, complete, waive, move, reminders, outbox, audit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from kijitsu.commands import common
from kijitsu.domain.changes import Cascade
from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import InputError, OutsideError, did_you_mean
from kijitsu.domain.gates import SHOWN

if TYPE_CHECKING:
    from kijitsu.office import Office
    from kijitsu.services.delivering import DispatchReport

plan_app = typer.Typer(help="計画をデータベースに採り入れ、版を見ます。", no_args_is_help=True)
audit_app = typer.Typer(help="監査記録を見て、改ざんがないか確かめます。", no_args_is_help=True)

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


def watch(plan: common.PlanOption, as_of: common.AsOfOption = None, as_json: common.JsonOption = False) -> None:
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
                *common.where_mail_went(opened, sent),
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


# --- moving a date ---


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


_STATES = {
    "pending": "送信待ち",
    "sent": "送信済み",
    "dead": "不達",
    "superseded": "取消",
    "covered": "後のものに統合",
    "upcoming": "これから",
}


def reminders(
    plan: common.PlanOption,
    mail: Annotated[bool, typer.Option("--mail", help="次の監視で出る通知を、文面のまま見る（送らない）")] = False,
    state: Annotated[
        str | None,
        typer.Option("--state", metavar="STATE", help=f"この状態だけ: {' '.join(_STATES)}（送信待ち などとも）"),
    ] = None,
    as_json: common.JsonOption = False,
) -> None:
    """督促の台帳: これまでに書いたものと、これから出るもの。"""
    from kijitsu.explain import rule_words
    from kijitsu.services import ledger

    opened = common.office()
    if mail:
        _print_next_mail(opened, plan, as_json)
        return
    state = next((each for each, shown in _STATES.items() if state == shown), state)
    if state is not None and state not in _STATES:
        hint = did_you_mean(state, [*_STATES, *_STATES.values()])
        raise InputError(f"「{state}」という状態はありません。{hint} 使えるのは {'、'.join(_STATES)} です。")
    found = [each for each in ledger.reminders(opened, plan) if state in (None, each["state"])]
    if as_json:
        common.print_json(found)
        return
    if not found:
        common.print_lines([f"{_STATES[state]}の督促はありません。" if state else "督促はありません。"])
        return
    rows = (
        [
            str(r["date"]),
            f"{r['title']}（{r['milestone']}）",
            rule_words(r["rule"]),
            r["recipient_title"],
            str(r["deadline"]),
            _STATES[r["state"]],
        ]
        for r in found
    )
    common.print_table("督促の台帳", ("日", "項目", "通知", "宛先", "期限", "状態"), rows)


def _print_next_mail(opened: Office, plan: str, as_json: bool) -> None:
    from kijitsu.services import ledger

    on, letters = ledger.next_mail(opened, plan)
    if as_json:
        common.print_json(
            {
                "on": on,
                "letters": [
                    {
                        "recipient": letter.to.id,
                        "recipient_title": letter.to.title,
                        "channel": letter.to.channel,
                        "subject": letter.wording.subject,
                        "text": letter.wording.text,
                    }
                    for letter in letters
                ],
            }
        )
        return
    common.print_lines([f"{show_date(on)}の監視で出る通知は{len(letters)}通です（このまま何も変わらないとき）。"])
    for letter in letters:
        common.print_lines(["", "=" * 72, f"宛先: {letter.to.title}", f"件名: {letter.wording.subject}", "-" * 72])
        common.print_lines([letter.wording.text.rstrip()])


# --- audit ---


@audit_app.command("verify")
def verify_audit(plan: common.PlanOption, as_json: common.JsonOption = False) -> None:
    """監査記録のつながりを確かめ、書き換え・削除・挿入があれば番号を示します。"""
    from kijitsu.services import ledger

    opened = common.office()
    count, problems = ledger.verify_audit(opened, common.organisation(opened, plan))
    if as_json:
        common.print_json({"entries": count, "problems": problems})
    if problems:
        raise InputError("\n".join(problems))
    if not as_json:
        common.print_lines([f"監査記録 {count}件に改ざんはありません。"])


@audit_app.command("list")
def list_audit(plan: common.PlanOption, as_json: common.JsonOption = False) -> None:
    """監査記録を古い順に並べます。"""
    from kijitsu.services import ledger

    opened = common.office()
    organisation = common.organisation(opened, plan)
    found = ledger.audit(opened, organisation)
    if as_json:
        common.print_json(found)
        return
    zone = ZoneInfo(organisation.zone)
    rows = (
        [
            str(r["number"]),
            f"{r['at'].astimezone(zone):%Y-%m-%d %H:%M:%S}",
            f"{r['actor']}（{_KNOWN_BY.get(r['authenticated_by'], r['authenticated_by'])}）",
            _ACTIONS.get(r["action"], r["action"]),
            r["subject"],
            _short(r["details"]),
        ]
        for r in found
    )
    common.print_table("監査記録", ("番号", f"時刻（{organisation.zone}）", "だれが", "何を", "対象", "内容"), rows)


_ACTIONS = {
    "adopt": "採用",
    "watch": "監視",
    "calendar": "休日表の変更",
    "move": "日程変更",
    "complete": "完了",
    "start": "着手",
    "waive": "免除",
    "cancel": "中止",
    "acknowledge": "確認",
    "snooze": "先送り",
    "estimate": "完了見込み",
    "excuse": "遅れの承認",
    "reject": "差戻し",
    "give-up": "不達",
    "resend": "再送",
    "trial": "試験の通知",
}
_KNOWN_BY = {
    "operating-system": "OSの利用者",
    "settings": "設定",
    "self-declared": "本人申告",
    "signed-link": "署名付きリンク",
    "history-file": "履歴",
    "pass": "監視",
    "dispatch": "配信",
}


def _short(details: Any) -> str:
    papers = [f"{kind}：{number}" for kind, number in details.get("evidence", {}).items()]
    facts = [f"{key}={value}" for key, value in details.items() if isinstance(value, (str, int))]
    text = "、".join(papers + facts)
    return text if len(text) <= 160 else text[:159] + "…"
