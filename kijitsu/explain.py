"""Verdicts and deadlines in Japanese sentences: for `why`, for mails, for the dashboard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kijitsu.domain.counts import Forecast, forecast
from kijitsu.domain.eras import show_date
from kijitsu.domain.gates import SHOWN, Code, Reason, Status, Verdict
from kijitsu.domain.periods import Deadline, Effect, parse_length
from kijitsu.domain.plan import DueRule, Lapse, Milestone, Plan, Policy
from kijitsu.domain.schedule import Network, Slot

KEYS = {
    "title": "名称",
    "kind": "種別",
    "owner": "担当",
    "when": "時期",
    "duration": "所要",
    "after": "前提",
    "due": "期限",
    "pinned": "固定",
    "evidence": "証拠",
    "validity": "有効期間",
    "reminders": "督促",
    "done": "完了日",
    "recurs": "周期",
    "series": "数値",
    "capacity": "処理能力",
    "basis": "根拠",
    "source": "出典",
    "note": "控え",
    "assumed": "仮に置いたもの",
    "approvers": "変更を承認する職",
    "policies": "通知の方針",
    "due_soon": "期限間近とする日数",
    "closures": "休日表",
    "closed": "閉庁日",
    "open": "開庁日",
    "notes": "控え",
}
"""The keys of a plan's text and of its milestones, as people call them."""

_LAPSED = {
    Code.OVERDUE: "が期限までに終わっていません",
    Code.VALIDITY_ENDED: "の有効期間が切れました",
    Code.CANCELLED: "が中止されました",
}
_OPEN = {
    Code.UNMET: "がまだ終わっていません",
    Code.LAG: "からの所定の間隔がまだ過ぎていません",
    Code.VALIDITY_WILL_END: "の有効期間が、着手の予定日より前に切れます",
}


def reason_sentences(plan: Plan, reasons: Sequence[Reason]) -> list[str]:
    """Return reasons as sentences, one for each root cause: what lapsed, since when, through what, by which law."""
    by_root: dict[tuple[str, Code], list[Reason]] = {}
    for reason in reasons:
        code = reason.code if reason.code in _OPEN else reason.root_code
        by_root.setdefault((reason.root_cause, code), []).append(reason)
    return [_sentence(plan, same) for same in by_root.values()]


def _sentence(plan: Plan, same: Sequence[Reason]) -> str:
    reason = same[0]
    root = plan.milestones[reason.root_cause]
    if reason.code in _OPEN:
        return f"前提「{plan.milestones[reason.prerequisite].title}」{_OPEN[reason.code]}。"
    lapsed = f"「{root.title}」（担当：{plan.organisation.bodies[root.owner].title}）{_LAPSED[reason.root_code]}"
    since = f"（{show_date(reason.since)}から）" if reason.since else ""
    basis = f" 根拠：{reason.basis}。" if reason.basis else ""
    between = [plan.milestones[r.prerequisite].title for r in same if r.code is Code.BLOCKED]
    is_direct = len(between) < len(same)
    through = "" if is_direct else f" この項目へは「{'」「'.join(between)}」を通じて響いています。"
    warn = "" if any(r.lapse is Lapse.BLOCK for r in same) else "【注意のみ】"
    return f"{warn}{lapsed}{since}。{basis}{through}"


def remedy_sentence(plan: Plan, reason: Reason) -> str:
    """Return what would open the gate again, and who can do it."""
    root = plan.milestones[reason.root_cause]
    owner = plan.organisation.bodies[root.owner].title
    match reason.root_code:
        case Code.VALIDITY_ENDED | Code.VALIDITY_WILL_END if again := plan.next_occurrence(root.id):
            return f"{owner}が「{again.title}」を完了し、報告すれば、この原因は解けます。"
        case Code.VALIDITY_ENDED | Code.VALIDITY_WILL_END:
            return f"{owner}が「{root.title}」をやり直し、完了を報告すれば、この原因は解けます。"
        case Code.CANCELLED:
            return f"「{root.title}」に代わる前提を決め、計画の前提を改めれば、この原因は解けます。"
        case _:
            return f"{owner}が「{root.title}」を完了し、報告すれば、この原因は解けます。"


def due_sentences(network: Network, slot: Slot) -> Iterator[str]:
    """Yield how a deadline comes about, step by step where a rule counts it."""
    plan, milestone = network.plan, network.plan.milestones[slot.id]
    if slot.due is None:
        yield "期限はありません。"
    elif slot.due_kind == "target":
        wording = milestone.window.wording if milestone.window else ""
        yield f"期限（目標）は{show_date(slot.due)}です。出典の「{wording}」の最終日です。"
    elif slot.deadline and isinstance(milestone.due, DueRule):
        anchor = plan.milestones[milestone.due.milestone]
        end = "始まる日" if milestone.due.end == "start" else "終わる日"
        yield (
            f"期限（{_kind(slot.deadline)}）は{slot.deadline.shown}です。「{anchor.title}」の{end}から数えました。"
            f"{_guess(slot, anchor, milestone.due.end)}"
        )
        yield from (f"  {step}" for step in slot.deadline.explanation)
    else:
        yield f"期限（確定日）は{show_date(slot.due)}です。"
    if slot.latest_finish and slot.due != slot.latest_finish:
        is_closed = slot.due is not None and slot.latest_finish == network.calendar.previous_open(slot.due)
        because = "期限の日が閉庁日のため" if is_closed else "後に続く項目に間に合わせるため"
        yield f"安全な完了の限度は{show_date(slot.latest_finish)}です（{because}）。"
    if slot.slack is not None:
        yield (f"余裕は{slot.slack}開庁日です。" if slot.slack >= 0 else f"このままでは{-slot.slack}開庁日足りません。")


def _kind(deadline: Deadline) -> str:
    if not deadline.rule.id:
        return "前の回から"
    return "法定" if deadline.rule.effect is Effect.HARD else "目安"


def _guess(slot: Slot, anchor: Milestone, end: str) -> str:
    """Say what a deadline still hangs on: an event to come, or a day that the plan gives no nearer than its month."""
    if slot.is_provisional:
        return "その日を迎えていないか、期間が止まっているため、まだ見込みです。"
    window = anchor.window
    if (
        window
        and window.first != window.last
        and end == "start"
        and slot.deadline
        and slot.deadline.event == window.first
    ):
        return f"時期が「{window.wording}」としか決まっていないので、最も早い日で数えた見込みです。"
    return ""


def forecast_sentences(found: Forecast) -> Iterator[str]:
    """Yield how long what is still open will take, as a clerk would divide it."""
    demand, handled = found.demand, found.handled
    done = f"、{handled.title}{handled.value:,}{handled.unit}" if handled else ""
    yield f"{show_date(found.counted_on)}現在：{demand.title}{demand.value:,}{demand.unit}{done}、残り{found.left:,}。"
    if not found.left:
        yield "残りはありません。"
        return
    yield (
        f"1開庁日に{found.per_day}とすると{found.left:,}÷{found.per_day}で{found.days:,}開庁日（{found.calendar}）。"
        f"これから増えなければ、終わる見込みは{show_date(found.on)}です。"
    )
    if found.slack is not None:
        yield (
            f"期限までの余裕は{found.slack}開庁日です。"
            if found.slack >= 0
            else f"期限に{-found.slack}開庁日足りません。"
        )


def why(network: Network, slot: Slot, verdict: Verdict) -> Iterator[str]:
    """Yield why a milestone is in its state, in sentences."""
    plan, id = network.plan, slot.id
    milestone = plan.milestones[id]
    others = "、".join(SHOWN[fact] for fact in verdict.facts[1:])
    yield f"「{milestone.title}」は「{SHOWN[verdict.status]}」です。" + (f"（ほかに：{others}）" if others else "")
    yield f"担当：{plan.organisation.bodies[milestone.owner].title}"
    if milestone.window:
        yield f"時期：{milestone.window.wording}" + (f"（出典：{milestone.source}）" if milestone.source else "")
    yield from reason_sentences(plan, verdict.reasons)
    yield from dict.fromkeys(f"  {remedy_sentence(plan, reason)}" for reason in verdict.reasons if reason.blocks)
    if verdict.status is Status.BLOCKED:
        held = list(dict.fromkeys(n for r in verdict.reasons if r.blocks for n in r.holds_up if n != id))
        if held:
            yield f"同じ原因で止まるもの：{'、'.join(plan.milestones[n].title for n in held)}"
    if not verdict.is_closed:
        yield from due_sentences(network, slot)
        if found := forecast(milestone, slot.due, network.closures):
            yield from forecast_sentences(found)
        for driver in slot.drivers:
            yield f"着手の早さを決めているのは「{plan.milestones[driver].title}」です。"
    if milestone.assumed:
        assumed = (KEYS.get(key, key) for key in sorted(milestone.assumed))
        yield f"出典になく当方で仮に置いたもの: {'、'.join(assumed)}"


def rule_words(rule: str) -> str:
    """Return what a reminder of the ledger is, in words: before:10wd is 期限の10開庁日前."""
    topic, _, detail = rule.partition(":")
    match topic:
        case "before":
            return f"期限の{parse_length(detail).shown}前"
        case "expiring":
            return f"有効期間の終わりの{parse_length(detail).shown}前"
        case "after":
            return f"期限後{detail}回目"
        case "escalated":
            return f"上司へ{detail}段目"
        case "snoozed":
            return f"{detail}に再度"
        case _:
            return TOPICS[topic]


TOPICS = {
    "before": "期限の前",
    "snoozed": "再度の通知",
    "on_day": "期限の日",
    "after": "期限の後",
    "escalated": "上司への報告",
    "asked": "事務局からの照会",
    "blocked": "停止",
    "unblocked": "停止の解除",
    "rejected": "証拠の差戻し",
    "estimate": "完了見込みの連絡",
    "moved": "日程変更",
    "expiring": "有効期間の終わり",
}
"""What reminders are about, by the beginning of their rule."""


def policy_words(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield when whom a reminder policy writes to: what about, and a sentence."""
    if policy.before:
        days = "、".join(f"{each.shown}前" for each in policy.before)
        yield TOPICS["before"], f"{days}に、{_roles(policy.to_before)}へ"
    if policy.on_day:
        yield TOPICS["on_day"], f"その日の朝に、{_roles(policy.to_on_day)}へ"
    if policy.every:
        yield TOPICS["after"], f"{policy.every.shown}ごとに、{_roles(policy.to_after)}へ"
    if policy.tiers:
        days = "、".join(each.shown for each in policy.tiers)
        yield TOPICS["escalated"], f"期限から{days}過ぎるごとに、担当の上司へ一段ずつ"
    for topic in ("blocked", "unblocked", "moved", "rejected"):
        if to := getattr(policy, f"to_{topic}"):
            yield TOPICS[topic], f"{_roles(to)}へ"
    if policy.expiring:
        days = "、".join(f"{each.shown}前" for each in policy.expiring)
        yield TOPICS["expiring"], f"{days}に、{_roles(policy.to_expiring)}へ"
    if policy.urgent:
        yield "翌朝を待たないもの", "、".join(TOPICS[each] for each in policy.urgent)


_ROLES = {"owner": "担当", "superior": "担当の上部組織", "secretariat": "事務局"}


def _roles(roles: Sequence[str]) -> str:
    return "・".join(_ROLES[each] for each in roles)
