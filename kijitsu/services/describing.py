"""A change in words and in tables: for the terminal, the dashboard, a letter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from kijitsu.domain.advice import Reach, Remedy
from kijitsu.domain.changes import Breach
from kijitsu.domain.eras import show_date
from kijitsu.domain.line import addressee
from kijitsu.domain.plan import Milestone, Organisation, Plan
from kijitsu.domain.schedule import Slot
from kijitsu.domain.windows import Window
from kijitsu.editing import SHOWN, Edit, EditKind, edit_of
from kijitsu.explain import KEYS
from kijitsu.services.reckoning import Altered, Change

COLUMNS = ("項目", "変わるもの", "変更前", "変更後", "余裕（前）", "余裕（後）")


def describe(change: Change) -> Iterator[str]:
    """Yield a change in sentences: what is asked, what moves, what breaks, what stops, which reminders change, who is
    told, and what could be done about it."""
    yield f"{'、'.join(asked(change))}: {_state(change)}"
    yield from (f"  {line}" for line in _effects(change))
    if not change.applied_as:
        yield from (f"  {line}" for line in advice(change))


def _state(change: Change) -> str:
    if change.applied_as:
        return f"第{change.applied_as}版として変更しました"
    if change.proposed_as:
        return f"承認を求めました（変更案 {change.proposed_as}）。承認されるまで計画は変わりません"
    seen = f"第{change.standing.revision}版で確かめました。" if change.standing.revision else ""
    return f"変更した場合の影響（{seen}まだ変更していません）"


def asked(change: Change) -> list[str]:
    """Return what is asked for, an edit each."""
    milestones = {**change.standing.plan.milestones, **change.effects.plan.milestones}
    return [wanted(edit, milestones, change.effects.plan.organisation) for edit in change.request.edits]


def wanted(edit: Edit, milestones: Mapping[str, Milestone], organisation: Organisation) -> str:
    """Return what an edit asks for; who is not known any more is called by their id."""

    def titled(id: str) -> str:
        return milestones[id].title if id in milestones else id

    title = titled(edit.subject)
    match edit.kind:
        case EditKind.MOVE:
            return f"{title} → {edit.value}"
        case EditKind.OWNER:
            body = organisation.bodies.get(edit.value)
            return f"{title}の担当 → {body.title if body else edit.value}"
        case EditKind.DUE:
            return f"{title}の期限 → {_due(edit.value)}"
        case EditKind.AFTER:
            lag = "".join(f" {edit.value[key]}" for key in ("type", "lag") if key in edit.value)
            return f"{title}の前提に {titled(edit.value['on'])}{lag}"
        case EditKind.DROP:
            return f"{title}の前提から {titled(edit.value)} を外す"
        case EditKind.CLOSE | EditKind.OPEN:
            return f"{show_date(date.fromisoformat(edit.subject))}を{SHOWN[edit.kind]}に（{edit.value}）"
        case EditKind.WAIVE | EditKind.CANCEL | EditKind.REINSTATE:
            return f"{title}の{SHOWN[edit.kind]}"
        case EditKind.FILE:
            return "計画を、渡されたファイルのとおりに"
        case EditKind.UNDO:
            return f"第{edit.subject}版の変更の取消し"
        case _:
            return f"{title}の{SHOWN[edit.kind]} → {edit.value}"


def _due(value: object) -> str:
    if value is None:
        return "なし"
    return f"{value['from']} から {value['rule']}" if isinstance(value, dict) else str(value)


@dataclass(frozen=True, slots=True)
class Line:
    """What a change does to a milestone: `what` of it is otherwise (時期, 期限, 予定, …), before and after.

    Slack is in working days; where only that is another, `what` is 余裕.
    """

    id: str
    title: str
    what: str
    old: Window | date | None
    new: Window | date | None
    slack_before: int | None
    slack_after: int | None


def lines(change: Change) -> list[Line]:
    """Return every milestone that moves, is given another deadline or loses or gains slack.

    What moves stands first, then what only its dates follow, each in the order of the plan.
    """
    effects = change.effects
    before, after, plan = effects.before.schedule, effects.after.schedule, effects.plan
    found: dict[str, tuple[str, Window | date | None, Window | date | None]] = {}
    for moved in effects.moved:
        found[moved.id] = ("時期", moved.old, moved.new)
    for id, (old, new) in effects.redated.items():
        found[id] = ("期限", old, new)
    for id in effects.touched:
        found.setdefault(id, _followed(before[id], after[id]))
    return [
        Line(id, plan.milestones[id].title, *differs, before[id].slack, after[id].slack)
        for id, differs in found.items()
    ]


def _followed(before: Slot, after: Slot) -> tuple[str, date | None, date | None]:
    """Return the first of a milestone's dates that differs, as (what, before, after)."""
    pairs = {
        "予定": (before.earliest_start, after.earliest_start),
        "予定の完了": (before.earliest_finish, after.earliest_finish),
        "安全な限度": (before.latest_finish, after.latest_finish),
    }
    return next(((what, *pair) for what, pair in pairs.items() if pair[0] != pair[1]), ("余裕", None, None))


def table(change: Change) -> list[tuple[str, ...]]:
    """Return `lines` as texts, in the columns `COLUMNS`."""
    return [
        (
            f"{each.title}（{each.id}）",
            each.what,
            *("" if each.what == "余裕" else _place(value) for value in (each.old, each.new)),
            slack(each.slack_before),
            slack(each.slack_after),
        )
        for each in lines(change)
    ]


def _place(value: Window | date | None) -> str:
    return value.wording if isinstance(value, Window) else _day(value)


def _effects(change: Change) -> Iterator[str]:
    effects, plan = change.effects, change.effects.plan
    title = {id: milestone.title for id, milestone in plan.milestones.items()}
    before, after = effects.before.schedule, effects.after.schedule
    for moved in effects.moved:
        words = [window.wording if window else "－" for window in (moved.old, moved.new)]
        room = f"余裕 {slack(before[moved.id].slack)} → {slack(after[moved.id].slack)}"
        yield f"{title[moved.id]}: {words[0]} → {words[1]}（{room}）"
    for id, (old, new) in effects.redated.items():
        yield f"{title[id]}: 期限 {_day(old)} → {_day(new)}（連れて変わります）"
    yield from undated(change)
    yield from _kept(change)
    yield from (f"！{_broken(breach, title[breach.id])}" for breach in effects.breaches)
    yield from (f"■新たに停止します: {title[id]}" for id in effects.lapsing)
    yield from (f"□停止が解けます: {title[id]}" for id in effects.freed)
    yield from (f"注意: {warning}" for warning in change.warnings)
    yield f"督促: 取消 {len(change.cancelled)}件、新規 {len(change.created)}件"
    yield f"新しい日程の知らせと督促が届く先: {'、'.join(told(change)) or 'なし'}"
    if change.asked:
        yield f"承認を求めた先: {'、'.join(addressee(plan.organisation, id).title for id in change.asked)}"


def told(change: Change) -> list[str]:
    """Return who is told of a change or of a reminder that it changes, by their titles, each once."""
    organisation = change.effects.plan.organisation
    return list(dict.fromkeys(addressee(organisation, id).title for id in change.notified))


def undated(change: Change) -> Iterator[str]:
    """Yield what a change does beside dates: to what the plan says, to who is waived, to what there is, to days."""
    effects = change.effects
    yield from (_altered(change, each) for each in change.altered)
    for deed in change.deeds:
        edit = edit_of(deed)
        title = effects.plan.milestones[edit.subject].title
        yield f"{title}: {SHOWN[edit.kind]}（{_day(date.fromisoformat(edit.value))}から）"
    yield from (f"新しい項目: {effects.plan.milestones[id].title}" for id in effects.added)
    yield from (f"外れる項目: {change.standing.plan.milestones[id].title}" for id in effects.dropped)
    closed, opened = change.closures
    yield from (f"閉庁日になります: {_day(day)}（{why}）" for day, why in closed.items())
    yield from (f"開庁日になります: {_day(day)}（これまで{why}）" for day, why in opened.items())


def _altered(change: Change, altered: Altered) -> str:
    plans = (change.standing.plan, change.effects.plan)
    name = plans[1].milestones[altered.id].title if altered.id else "計画"
    old, new = (_said(altered.key, value, plan) for value, plan in zip((altered.old, altered.new), plans, strict=True))
    return f"{name}の{KEYS.get(altered.key, altered.key)}: {old} → {new}"


def _said(key: str, value: Any, plan: Plan) -> str:
    """Return a value of a plan's text in words: titles for ids, nothing for what is not there."""
    if value is None or value == []:
        return "なし"
    if isinstance(value, list):
        return "、".join(_said(key, each, plan) for each in value)
    if isinstance(value, dict):
        if key in ("closed", "open") and "on" in value:
            return f"{value['on']}（{value.get('why', '')}）"
        if key == "after":
            link = " ".join(str(value[part]) for part in ("type", "lag") if part in value)
            return f"{_said(key, value['on'], plan)}{f'（{link}）' if link else ''}"
        return "、".join(f"{part}: {_said('', each, plan)}" for part, each in value.items())
    if key == "owner" and value in plan.organisation.bodies:
        return plan.organisation.bodies[value].title
    if key == "after" and value in plan.milestones:
        return plan.milestones[value].title
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


_LONGEST = 80
"""Of a long text no more is said."""

_NAMED = 5
"""Of those whose own dates stay and whose slack differs, so many are named."""


def _kept(change: Change) -> Iterator[str]:
    """Say what becomes of what does not move."""
    effects = change.effects
    told = {moved.id for moved in effects.moved} | effects.redated.keys()
    before, after = effects.before.schedule, effects.after.schedule
    pairs = {id: (before[id].slack, after[id].slack) for id in effects.touched if id not in told}
    changed = {id: pair for id, pair in pairs.items() if pair[0] != pair[1]}
    # The tightest first: that is what the reader has to look at.
    order = sorted(changed, key=lambda id: (changed[id][1] is None, changed[id][1] or 0))
    for id in order[:_NAMED]:
        old, new = changed[id]
        yield f"{effects.plan.milestones[id].title}: 時期はそのまま（余裕 {slack(old)} → {slack(new)}）"
    if len(order) > _NAMED:
        yield f"ほかに余裕の変わる項目が{len(order) - _NAMED}件あります。"


def _broken(breach: Breach, title: str) -> str:
    kind = "動かせない日程" if breach.is_pinned else "法定・確定の期限"
    basis = f"、{breach.basis}" if breach.basis else ""
    worse = f"（前から{breach.before}開庁日の遅れ）" if breach.before else ""
    return (
        f"{kind}を守れません: {title}（{show_date(breach.due)}{basis}）。"
        f"早くて{show_date(breach.finish)}、{breach.late}開庁日の遅れ{worse}"
    )


def advice(change: Change) -> Iterator[str]:
    """Yield how far the moved milestones could go, and what would mend what breaks, in sentences."""
    yield from reaches(change)
    is_broken = bool(change.effects.breaches or change.effects.lapsing)
    if change.advice.remedies:
        yield "すべてを守るには、次のどれかを合わせて行います（小さい変更から）:"
        for remedy in change.advice.remedies:
            yield f"  ・{remedy_sentence(change, remedy)}"
    elif is_broken and change.advice.reaches:
        yield "ほかの日程や所要を一つ変えただけでは、守れるようになりません。"


def reaches(change: Change) -> Iterator[str]:
    """Yield how far the moved milestones could go."""
    for reach in change.advice.reaches:
        yield from _reach(reach, change.effects.plan.milestones[reach.id])


def _reach(reach: Reach, milestone: Milestone) -> Iterator[str]:
    if reach.undisturbed:
        yield f"ほかの予定を動かさずに済むのは、「{milestone.title}」が{show_date(reach.undisturbed)}に終わるまでです。"
    if reach.is_free:
        yield f"「{milestone.title}」は、二年後までのどこに置いても、期限を破らず何も止めません。"
    elif reach.latest:
        yield f"期限を破らず何も止めない「{milestone.title}」の時期は、{reach.latest.wording}が最後です。"
    else:
        yield f"「{milestone.title}」をどこに置いても、守れない期限か停止が残ります。"


def remedy_sentence(change: Change, remedy: Remedy) -> str:
    """Return a further change with which nothing would break."""
    milestones = change.effects.plan.milestones
    parts = [
        f"「{milestones[id].title}」（動かせない日程）を、相手方と調整して {window.wording} に"
        for id, window in remedy.windows.items()
    ]
    parts += [
        f"「{milestones[id].title}」の所要を {milestones[id].duration} から {length} に縮める"
        + ("（所要は仮の値です）" if "duration" in milestones[id].assumed else "")
        for id, length in remedy.durations.items()
    ]
    return "、".join(parts)


def _day(day: date | None) -> str:
    return show_date(day) if day else "－"


def slack(days: int | None) -> str:
    """Return slack as people read it."""
    return "－" if days is None else f"{days}開庁日"
