"""Commands of the daily work: the pass, and the ledger of reminders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from kijitsu.commands import common
from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import InputError, OutsideError, did_you_mean
from kijitsu.domain.gates import SHOWN

if TYPE_CHECKING:
    from kijitsu.office import Office
    from kijitsu.services.delivering import DispatchReport


def watch(plan: common.PlanOption, as_of: common.AsOfOption = None, as_json: common.JsonOption = False) -> None:
    """毎朝の監視を一回行います: 状態を調べ、督促を書き、送ります。何度行っても同じ通知は一度だけです。"""
    from kijitsu.services import delivering, watching

    opened = common.office()
    report = watching.watch(opened, plan, common.day(as_of), actor=opened.actor())
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


_STATES = {
    "pending": "送信待ち",
    "sent": "送信済み",
    "dead": "不達",
    "superseded": "取消",
    "covered": "後のものに統合",
    "upcoming": "これから",
}


def remind(plan: common.PlanArgument, id: common.MilestoneArgument, as_json: common.JsonOption = False) -> None:
    """担当に今すぐ督促します。同じ日に何度行っても一通です。開庁時間の外なら、次に開いたときに送ります。"""
    from kijitsu.services import reminding

    opened = common.office()
    words = reminding.remind(opened, plan, id, opened.actor())
    if as_json:
        common.print_json([{**asdict(word), "state": word.state.value} for word in words])
        return
    common.print_lines([f"{word.recipient}: {_STATES[word.state]} {word.answer}".rstrip() for word in words])


def reminders(
    plan: common.PlanOption,
    mail: Annotated[bool, typer.Option("--mail", help="次の監視で出る通知を、文面のまま見る（送らない）")] = False,
    weeks: Annotated[
        int | None,
        typer.Option("--weeks", metavar="N", min=1, max=26, help="何週間先までに、だれに何が出るか（予行。送らない）"),
    ] = None,
    on_time: Annotated[
        bool, typer.Option("--on-time", help="予行で、だれも報告しないのではなく、予定どおり完了するものとする")
    ] = False,
    state: Annotated[
        str | None,
        typer.Option("--state", metavar="STATE", help=f"この状態だけ: {' '.join(_STATES)}（送信待ち などとも）"),
    ] = None,
    as_json: common.JsonOption = False,
) -> None:
    """督促の台帳: これまでに書いたものと、これから出るもの。"""
    from kijitsu.explain import rule_words
    from kijitsu.services import ledger

    opened = common.reader()
    if mail:
        _print_next_mail(opened, plan, as_json)
        return
    if weeks is not None:
        _print_rehearsal(opened, plan, weeks, on_time, as_json)
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


def _print_rehearsal(opened: Office, plan: str, weeks: int, on_time: bool, as_json: bool) -> None:
    from kijitsu.services import rehearsing

    assumption = rehearsing.Assumption.ON_TIME if on_time else rehearsing.Assumption.NOTHING
    with common.progress("予行中") as on_day:
        found = rehearsing.rehearse(opened, plan, weeks, assumption, on_day=on_day)
    if as_json:
        common.print_json(found.as_json())
        return
    title = f"{show_date(found.first)}から{show_date(found.last)}までに出る通知 {len(found.letters)}通"
    rows = ([show_date(each.on), each.recipient_title, each.subject, each.about] for each in found.letters)
    common.print_table(f"{title}（{rehearsing.SHOWN[assumption]}とき）", ("日", "宛先", "件名", "項目"), rows)
