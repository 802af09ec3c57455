"""A change in the dashboard: its effects as an artifact, and the state in which a run ends, with what to do next."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from kijitsu.domain.errors import InputError
from kijitsu.office import NotAllowed, Office
from kijitsu.services import changing
from kijitsu.services.describing import COLUMNS, asked, describe, table
from kijitsu.services.reckoning import Change


def looked_at(change: Change, doing: StrEnum) -> State[Any]:
    """Publish what a change would do, and return the state that says how to do it, in the form by choosing `doing`."""
    return Completed(name="確認のみ", message=_published(change, _again(change, doing)))


def made(change: Change) -> State[Any]:
    """Publish what a change did, or what it would do once approved, and return the state."""
    if change.proposed_as:
        what_next = (
            "承認する人は、Deployments の「変更の承認」で、変更案の番号に "
            f"{change.proposed_as} と書いて送ってください。変更を出した人は承認できません。"
        )
        return Completed(name="承認待ち", message=_published(change, what_next))
    what_next = (
        f"元に戻すときは、Deployments の「日程変更」で、「取り消す版」に {change.applied_as} と書いて送ってください。"
    )
    return Completed(name="変更済み", message=_published(change, what_next))


def refused(error: InputError, doing: StrEnum) -> State[Any]:
    """Return the state of a run that did nothing; where the plan changed meanwhile, publish what is true now."""
    if isinstance(error, changing.StalePreview):
        what_next = ""
        if error.fresh:
            what_next = _again(error.fresh, doing)
            _published(error.fresh, what_next)
        return Failed(name="計画が変わりました", message=f"{error}\n{what_next}")
    return Failed(name="権限がありません" if isinstance(error, NotAllowed) else "入力の誤り", message=str(error))


def require_seen(seen: int | None, doing: StrEnum) -> int:
    """Return the revision on which the effects were looked at. Raises InputError where none is given."""
    if seen is None:
        raise InputError(
            f"「{doing}」には、「影響を確かめた版」が要ります。まず「影響を確かめる」で送り、"
            "その結果に出る番号を書いてください。"
        )
    return seen


def publish_proposals(office: Office) -> State[Any]:
    """Publish 承認待ちの変更案, one row each with what it changes, and return the state."""
    plan = office.plan
    waiting = [each for each in changing.proposals(office, plan) if not each.decided_by]
    rows = [
        {
            "番号": str(each.number),
            "変更": _asked(office, each.number),
            "理由": each.reason,
            "だれが": each.actor,
            "いつ": each.made_at.isoformat(),
        }
        for each in waiting
    ]
    create_table_artifact(
        rows or [{"番号": "－", "変更": "承認待ちの変更案はありません"}],
        key=f"{plan}-proposals",
        description="## 承認待ちの変更案\n\n影響を確かめるには、この実行を複製し、「変更案の番号」を書いて送ります。",
    )
    return Completed(name="一覧", message=f"承認待ちの変更案: {len(waiting)}件。一覧は Artifacts のタブにあります。")


def _asked(office: Office, number: int) -> str:
    try:
        return "、".join(asked(changing.look_at(office, office.plan, number)))
    except InputError as exc:
        return str(exc)


def _again(change: Change, doing: StrEnum) -> str:
    """Return how to do what was looked at, as the dashboard's first design offers it."""
    seen = change.standing.revision
    return (
        "この影響でよければ、この実行の右上の「⋮」から「Copy to new run」を押し、"
        f"「{doing}」を選び、「影響を確かめた版」に {seen} と書いて送ってください。"
    )


def _published(change: Change, what_next: str) -> str:
    """Publish 変更の影響: what a change does, in a table and in words, and return the words."""
    plan, lines = change.standing.plan.id, [*describe(change)]
    head, *effects = (line.strip() for line in lines)
    words = ["## 変更の影響", f"**{literal(head)}**", f"理由: {literal(change.request.reason)}", literal(what_next)]
    words.append("\n".join(map(_item, effects)))
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in table(change)]
    create_table_artifact(
        rows or [{COLUMNS[0]: "日程や余裕の変わる項目はありません"}],
        key=f"{plan}-change",
        description="\n\n".join(words),
    )
    return "\n".join([*lines, what_next])


def _item(line: str) -> str:
    if line.startswith("・"):
        return f"    - {literal(line.removeprefix('・'))}"
    return f"- **{literal(line)}**" if line.startswith("！") else f"- {literal(line)}"


def literal(text: str) -> str:
    """Return a text as markdown that shows it as it is, on one line."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))
