"""An entry of the audit log in words: who did what to what, what became of it, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kijitsu.domain.gates import SHOWN as STATUSES
from kijitsu.editing import SHOWN as EDITS
from kijitsu.editing import EditKind, edit_of
from kijitsu.explain import KEYS
from kijitsu.services.recomputing import SHOWN as DATES
from kijitsu.store.rows import AuditRow

LOG = "audit"
"""The subject of an entry on the log itself."""

ACTIONS = {
    "adopt": "採用",
    "change": "変更",
    "move": "日程変更",
    "propose": "変更の提案",
    "approve": "変更の承認",
    "turn-down": "却下",
    "withdraw": "提案の取下げ",
    "undo": "変更の取消し",
    "baseline": "基準とする版の登録",
    "complete": "完了",
    "start": "着手",
    "waive": "免除",
    "cancel": "中止",
    "reinstate": "復活",
    "evidence": "証拠の追加",
    "reject": "差戻し",
    "acknowledge": "確認",
    "snooze": "先送り",
    "estimate": "完了見込み",
    "excuse": "遅れの承認",
    "watch": "監視",
    "calendar": "休日表の変更",
    "alert": "事務局への連絡",
    "give-up": "不達",
    "resend": "再送",
    "remind": "督促",
    "trial": "試験の通知",
    "export": "書き出し",
    "restore": "復元",
    "sign-in": "サインイン",
    "sign-out": "サインアウト",
    "lock-out": "サインインの失敗による停止",
    "password": "パスワードの変更",
    "account-link": "サインインのリンクの発行",
    "account-lock": "アカウントの停止",
    "account-unlock": "アカウントの停止の解除",
}
"""What was done, by `AuditRow.action`."""

KNOWN_BY = {
    "operating-system": "OSの利用者",
    "settings": "設定",
    "self-declared": "本人申告",
    "signed-link": "署名付きリンク",
    "history-file": "履歴",
    "pass": "監視",
    "dispatch": "配信",
    "board": "画面",
    "password": "パスワード",
    "sign-in-link": "サインインのリンク",
    "proxy": "中継の認証",
    "oidc": "OpenID Connect",
}
"""How it is known who did it, by `AuditRow.authenticated_by` up to its colon."""

FACTS = {
    "reason": "理由",
    "request": "求めた変更",
    "edits": "求めた変更",
    "on": "その日付",
    "to": "変更後",
    "decision": "決定の理由",
    "override": "特例の理由",
    "by": "報告した人",
    "until": "いつまで",
    "deadline": "示した期限",
    "evidence": "証拠",
    "file": "ファイル",
    "files": "ファイル",
    "effective": "効力の発生日",
    "expires": "有効期間の終わり",
    "decided": "決裁日",
    "received": "収受日",
    "cascade": "連動",
    "revision": "版",
    "proposal": "変更案の番号",
    "proposed_by": "提案した人",
    "asked": "承認を求めた相手",
    "posts": "職",
    "number": "番号",
    "name": "名前",
    "account": "アカウント",
    "client": "接続元",
    "as": "承認した職",
    "overridden": "特例とした点",
    "breached": "守れない期限",
    "lapsing": "新たに停止する項目",
    "freed": "停止が解ける項目",
    "added": "加わる項目",
    "dropped": "なくなる項目",
    "reminders": "督促",
    "notified": "知らせる相手",
    "cause": "休日表の変更点",
    "calendar": "休日表",
    "transitions": "状態の変化",
    "letters": "通知",
    "entry": "もとの記録",
    "error": "相手の返事",
    "answer": "相手の返事",
    "accepted": "受取り",
    "channel": "経路",
    "address": "宛先",
    "format": "形式",
    "from": "初めの日",
    "entries": "件数",
    "made_at": "作った日時",
    "version": "プログラムの版",
    "head": "監査記録の最後",
    "sha256": "計画文書のSHA-256",
    "flow_run": "Prefectの実行",
}
"""What is told of an entry beside its changes, by the key of its details, in this order; what is not here comes last,
by its key."""

_ORDER = {key: place for place, key in enumerate(FACTS)}

_WITHIN = {**FACTS, "sha256": "SHA-256", "name": "名前", "size": "バイト", "type": "種類", "code": "理由"}
"""The same within a detail."""

# Told in other words: as changes, by the counts, or of use to programs only.
_UNSAID = frozenset(
    {
        "moved",
        "redated",
        "changed",
        "causes",
        "milestones",
        "change",
        "event",
        "events",
        "altered",
        "closed",
        "opened",
        "breaches",
        "deeds",
        "warnings",
        "was",
    }
)


@dataclass(frozen=True)
class PlanTitles:
    """A plan's title and those of its milestones, for entries that know only ids."""

    title: str
    milestones: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Changed:
    """One date or state that an entry changed: of what, which, before and after."""

    subject: str
    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Told:
    """An entry in words. `at` is in the city's zone, `facts` are labels and texts; `changes` is the small table."""

    row: AuditRow
    at: datetime
    who: str
    action: str
    title: str
    sentence: str
    changes: Sequence[Changed]
    facts: Sequence[tuple[str, str]]

    @property
    def summary(self) -> str:
        """The facts and the changes on one line."""
        changes = (f"{each.subject} {each.what} {each.before} → {each.after}" for each in self.changes)
        return "、".join([*(f"{label}：{text}" for label, text in self.facts), *changes])


def told(row: AuditRow, at: datetime, plans: Mapping[str, PlanTitles]) -> Told:
    """Return an entry in words; whatever it holds that nobody foresaw is told by its own name."""
    who, action = f"{row.actor}（{known_by(row.authenticated_by)}）", action_of(row.action)
    plan, _, id = row.subject.partition("/")
    titles = plans.get(plan, PlanTitles("", {}))
    title = "監査記録" if row.subject == LOG else titles.milestones.get(id, "") if id else titles.title
    of = f"「{title}」（{id or plan}）" if title else f"「{row.subject}」"
    changes = list(changes_of(row.details, titles.milestones))
    facts = [
        (FACTS.get(key, key), text)
        for key, value in sorted(row.details.items(), key=lambda each: _ORDER.get(each[0], len(_ORDER)))
        if key not in _UNSAID and (text := _said(key, value, titles.milestones))
    ]
    return Told(row, at, who, action, title, f"{who}が、{of}の{action}を記録しました。", changes, facts)


def action_of(action: str) -> str:
    """Return what was done, in Japanese; an action that has no word is told as it is."""
    return ACTIONS.get(action, action)


def known_by(how: str) -> str:
    """Return how an actor is known, in Japanese; of a setting, which user of the machine it was set by."""
    how, _, user = how.partition(":")
    return "・".join(filter(None, (KNOWN_BY.get(how, how), user)))


def changes_of(details: Mapping[str, Any], titles: Mapping[str, str]) -> Iterator[Changed]:
    """Yield the dates and states that an entry's details, or a stored change, say became others."""
    for key, what in (("moved", "時期"), ("redated", "期限")):
        for each in _list(details.get(key)):
            if isinstance(each, dict) and "id" in each:
                yield Changed(_titled(each["id"], titles), what, _text(each.get("old")), _text(each.get("new")))
    for each in _list(details.get("altered")):
        if isinstance(each, dict) and "key" in each:
            sides = (_text(_said("", each.get(side), titles)) for side in ("old", "new"))
            of = _titled(each["id"], titles) if each.get("id") else "計画"
            key = str(each["key"])
            yield Changed(of, KEYS.get(key, key), *sides)
    for each in _list(details.get("changed")):
        if isinstance(each, list) and len(each) == 3:
            id, *states = each
            yield Changed(_titled(id, titles), "状態", *(_text(STATUSES.get(state, state)) for state in states))
    milestones = details.get("milestones")
    for id, dates in milestones.items() if isinstance(milestones, dict) else ():
        for key, (old, new) in dates.items():
            yield Changed(_titled(id, titles), DATES.get(key, key), _text(old), _text(new))


def _said(key: str, value: Any, titles: Mapping[str, str]) -> str:
    """Return a detail as text, "" for nothing."""
    if key in ("request", "edits"):
        return "、".join(_edits(value, titles))
    if key == "reminders" and isinstance(value, dict):
        return f"取消 {len(value.get('cancelled', ()))}件、新規 {len(value.get('created', ()))}件"
    if isinstance(value, bool):
        return "はい" if value else "いいえ"
    if isinstance(value, dict) and "on" in value and value.keys() <= {"on", "type", "lag", "valid", "lapse"}:
        link = " ".join(str(value[part]) for part in ("type", "lag") if part in value)
        return f"{titles.get(value['on'], value['on'])}{f'（{link}）' if link else ''}"
    if isinstance(value, dict):
        named = ((_WITHIN.get(name, name), _said("", each, titles)) for name, each in value.items())
        return "、".join(f"{name}：{text}" for name, text in named if text)
    if isinstance(value, list):
        return "、".join(text for each in value if (text := _said("", each, titles)))
    return "" if value is None else titles.get(str(value), str(value))


def _edits(value: Any, titles: Mapping[str, str]) -> Iterator[str]:
    for stored in _list(value.get("edits") if isinstance(value, dict) else value):
        try:
            edit = edit_of(stored)
        except (TypeError, ValueError):
            yield str(stored)
            continue
        # A whole plan is no thing to read in a line: what it changed is in the table.
        to = "" if edit.kind is EditKind.FILE else _said("", edit.value, titles)
        yield f"{EDITS[edit.kind]} {_titled(edit.subject, titles)}{f' → {to}' if to else ''}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _titled(id: Any, titles: Mapping[str, str]) -> str:
    return f"{titles[id]}（{id}）" if id in titles else str(id)


def _text(value: Any) -> str:
    return "－" if value is None or value == "" else str(value)
