"""Edits: what a change asks for, and a plan's text after them.

An edit is one thing that somebody wants to be otherwise. It works on the text of a plan, the same that its file holds,
so that what comes out is checked as any file is and can be exported again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kijitsu.domain.errors import InputError, did_you_mean
from kijitsu.domain.history import Deed
from kijitsu.domain.plan import Milestone, Plan
from kijitsu.domain.windows import parse_day

Text = dict[str, Any]


class EditKind(StrEnum):
    """What an edit changes."""

    MOVE = "move"
    DURATION = "duration"
    OWNER = "owner"
    DUE = "due"
    AFTER = "after"
    DROP = "drop"
    WAIVE = "waive"
    CANCEL = "cancel"
    REINSTATE = "reinstate"
    CLOSE = "close"
    OPEN = "open"
    FILE = "file"
    UNDO = "undo"


SHOWN = {
    EditKind.MOVE: "時期",
    EditKind.DURATION: "所要",
    EditKind.OWNER: "担当",
    EditKind.DUE: "期限",
    EditKind.AFTER: "前提",
    EditKind.DROP: "前提を外す",
    EditKind.WAIVE: "免除",
    EditKind.CANCEL: "中止",
    EditKind.REINSTATE: "復活",
    EditKind.CLOSE: "閉庁日",
    EditKind.OPEN: "開庁日",
    EditKind.FILE: "計画ファイル",
    EditKind.UNDO: "取消し",
}

DEEDS = {
    EditKind.WAIVE: Deed.WAIVE,
    EditKind.CANCEL: Deed.CANCEL,
    EditKind.REINSTATE: Deed.REINSTATE,
}
"""The edits that are recorded as something done, and leave the plan's text as it is."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing that a change asks for.

    `subject` is a milestone's id, of `close` and `open` a day in ISO, of `undo` a revision's number, of `file` the
    plan's id. `value` is what it becomes, as the plan's file says it: a window, a length, a body's id, a due day or
    rule (None for no deadline), a dependency, the prerequisite to drop, the reason of a closed day, a whole plan; for
    a waiver, a cancellation and a reinstatement the day from which it counts in ISO, None for today.
    """

    kind: EditKind
    subject: str
    value: Any = None

    def as_json(self) -> Text:
        """Return the edit as a change is stored and shown: {"move": ID, "to": "平成29年7月～"}."""
        return {self.kind.value: self.subject, "to": self.value}


def edit_of(stored: Mapping[str, Any]) -> Edit:
    """Return the edit that `as_json` wrote."""
    [kind] = [kind for kind in EditKind if kind in stored]
    return Edit(kind, stored[kind], stored.get("to"))


# --- as it is typed ---

_DEPENDENCY = re.compile(r"(?P<on>[a-z][a-z0-9_-]*?)(?::(?P<type>FS|SS|FF|SF))?(?P<lag>[+-]\d+(?:wd|[dwmy]))?")
_RULE = re.compile(r"(?P<rule>[a-z][a-z0-9_-]*):(?P<from>[a-z][a-z0-9_-]*\.(?:start|finish))")
_NONE = ("なし", "none")


def typed_edit(kind: EditKind, text: str) -> Edit:
    """Read an edit as it stands on a command line: ID=VALUE, or ID alone where nothing more is needed.

    Raises InputError with the form that is wanted.
    """
    subject, equals, value = text.replace("＝", "=").partition("=")
    subject, value = subject.strip(), value.strip()
    if kind in DEEDS:
        return Edit(kind, subject, parse_day(value).isoformat() if value else None)
    example = _EXAMPLES[kind]
    if not subject or not equals or not value:
        raise InputError(f"「{text}」は「{example}」の形で書いてください（--{kind}）。")
    if kind in (EditKind.CLOSE, EditKind.OPEN):
        return Edit(kind, parse_day(subject).isoformat(), value)
    return Edit(kind, subject, _read_value(kind, value, example))


_EXAMPLES = {
    EditKind.MOVE: "項目のID=平成28年9月",
    EditKind.DURATION: "項目のID=10wd",
    EditKind.OWNER: "項目のID=組織のID",
    EditKind.DUE: "項目のID=2016-09-30、項目のID=規則のID:起点の項目.finish、項目のID=なし",
    EditKind.AFTER: "項目のID=前提のID:FS+5wd",
    EditKind.DROP: "項目のID=前提のID",
    EditKind.CLOSE: "2016-08-12=台風による臨時閉庁",
    EditKind.OPEN: "2016-08-13=臨時開庁",
}


def _read_value(kind: EditKind, value: str, example: str) -> Any:
    if kind is EditKind.DUE:
        if value in _NONE:
            return None
        ruled = _RULE.fullmatch(value)
        return {"rule": ruled["rule"], "from": ruled["from"]} if ruled else value
    if kind is EditKind.AFTER:
        found = _DEPENDENCY.fullmatch(value)
        if not found:
            raise InputError(f"「{value}」を前提として読めません。「{example}」の形で書いてください（--after）。")
        lag = found["lag"] and found["lag"].removeprefix("+")
        return {key: each for key, each in (("on", found["on"]), ("type", found["type"]), ("lag", lag)) if each}
    return value


# --- on the text ---


def edited(text: Mapping[str, Any], edits: Iterable[Edit], plan: Plan) -> Text:
    """Return a plan's text after some edits, one after the other; what is not edited is shared, not copied.

    `plan` is what the text says. Raises InputError for a milestone that is not there, or an edit that cannot be made of
    it. Whether the outcome is a plan, whoever reads it finds out.
    """
    changed = dict(text)
    for edit in edits:
        if edit.kind in DEEDS:
            _require(edit.subject, plan)
        elif edit.kind in (EditKind.CLOSE, EditKind.OPEN):
            _set_day(changed, edit)
        elif edit.kind is EditKind.FILE:
            changed = _replaced(edit, plan)
        else:
            milestone = _require(edit.subject, plan)
            changed["milestones"] = {**changed["milestones"], **_of_milestone(changed["milestones"], milestone, edit)}
    return changed


def _require(id: str, plan: Plan) -> Milestone:
    if id not in plan.milestones:
        hint = did_you_mean(id, plan.milestones)
        raise InputError(f"「{id}」という項目は計画 {plan.id} にありません。{hint}")
    return plan.milestones[id]


def _of_milestone(texts: Mapping[str, Text], milestone: Milestone, edit: Edit) -> Text:
    id = milestone.occurrence_of or milestone.id
    written = dict(texts[id])
    if edit.kind is EditKind.MOVE:
        if milestone.recurs:
            # One occurrence moves; the rhythm, and with it the others, stays.
            recurs = dict(written["recurs"])
            written["recurs"] = {**recurs, "moved": {**recurs.get("moved", {}), str(milestone.number): edit.value}}
        else:
            written["when"] = edit.value
        return {id: written}
    if milestone.occurrence_of:
        raise InputError(
            f"「{milestone.title}」は {id} の{milestone.number}回目です。一回だけで変えられるのは時期です。"
            f"{SHOWN[edit.kind]}は {id} で変えてください。"
        )
    _SETTERS[edit.kind](written, milestone, edit.value)
    return {id: written}


def _set_after(written: Text, milestone: Milestone, value: Any) -> None:
    """Add a prerequisite, or change the type and lag of one that is there."""
    links = list(written.get("after") or ())
    for place, link in enumerate(links):
        if _on(link) == value["on"]:
            old = link if isinstance(link, dict) else {"on": link}
            kept = {key: each for key, each in old.items() if key not in ("type", "lag")}
            links[place] = kept | value
            break
    else:
        links.append(value)
    written["after"] = links


def _drop_after(written: Text, milestone: Milestone, value: Any) -> None:
    links = list(written.get("after") or ())
    left = [link for link in links if _on(link) != value]
    if len(left) == len(links):
        held = "、".join(map(_on, links)) or "ありません"
        raise InputError(f"「{milestone.title}」の前提に「{value}」はありません。今の前提: {held}")
    written["after"] = left
    if not left:
        del written["after"]


def _on(link: Any) -> str:
    return str(link["on"] if isinstance(link, dict) else link)


def _set_due(written: Text, milestone: Milestone, value: Any) -> None:
    if value is None:
        if "due" not in written:
            raise InputError(f"「{milestone.title}」に期限（due）はありません。目標の時期は move で動かしてください。")
        del written["due"]
    else:
        written["due"] = value


def _set(key: str) -> Callable[[Text, Milestone, Any], None]:
    def put(written: Text, milestone: Milestone, value: Any) -> None:
        written[key] = value

    return put


_SETTERS: Mapping[EditKind, Callable[[Text, Milestone, Any], None]] = {
    EditKind.DURATION: _set("duration"),
    EditKind.OWNER: _set("owner"),
    EditKind.DUE: _set_due,
    EditKind.AFTER: _set_after,
    EditKind.DROP: _drop_after,
}


def _set_day(text: Text, edit: Edit) -> None:
    """Close or open a single day on the plan's calendars, whatever was said of it before."""
    key, other = ("closed", "open") if edit.kind is EditKind.CLOSE else ("open", "closed")
    day = parse_day(edit.subject)
    for each in (key, other):
        left = [extra for extra in text.get(each) or () if _day(extra) != day]
        text[each] = left
    text[key] = [*text[key], {"on": day.isoformat(), "why": edit.value}]
    if not text[other]:
        del text[other]


def _day(extra: Any) -> Any:
    return parse_day(extra["on"]) if isinstance(extra, dict) and "on" in extra else None


def _replaced(edit: Edit, plan: Plan) -> Text:
    if edit.value.get("plan") != plan.id:
        raise InputError(f"このファイルは計画「{edit.value.get('plan')}」のものです。変えるのは計画 {plan.id} です。")
    return dict(edit.value)


# --- taking a change back ---

Path = tuple[str | int, ...]


class Overtaken(InputError):
    """What is to be taken back was changed again since; `path` is where, from the top of the plan's text."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{'.'.join(map(str, path))} は、その後の変更で別のものになっています。")
        self.path = path


def taken_back(before: Any, after: Any, now: Any, path: Path = ()) -> Any:
    """Return `now` without what led from `before` to `after`, everything that was changed elsewhere since kept.

    What is as it was before stays so. Raises Overtaken where the same place was changed to something else since.
    """
    if before in (after, now):
        return now
    if now == after:
        return before
    if not all(isinstance(each, dict) for each in (before, after, now)):
        raise Overtaken(path)
    found = {}
    absent = object()
    # What comes back takes its old place.
    order = list(now) if set(now) >= set(before) else [*before, *(key for key in now if key not in before)]
    for key in order:
        values = [each.get(key, absent) for each in (before, after, now)]
        value = values[2] if values[0] == values[1] else _taken_back_one(values, absent, (*path, key))
        if value is not absent:
            found[key] = value
    return found


def _taken_back_one(values: Sequence[Any], absent: object, path: Path) -> Any:
    before, after, now = values
    if absent in (before, after, now):
        if now == before:
            return now
        if now == after:
            return before
        raise Overtaken(path)
    return taken_back(before, after, now, path)
