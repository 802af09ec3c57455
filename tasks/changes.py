"""A change in the dashboard: its effects as an artifact, and the state in which a run ends, with what to do next.

A run's page opens on its log, so that what the state says stands there, too.
"""

from __future__ import annotations

import re
from enum import StrEnum
from logging import LogRecord
from typing import Any
from zoneinfo import ZoneInfo

from prefect import get_run_logger
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.exceptions import FailedRun
from prefect.logging import get_logger
from prefect.states import Completed, Failed

from kijitsu.domain.errors import InputError
from kijitsu.office import NotAllowed, Office
from kijitsu.services import changing
from kijitsu.services.describing import COLUMNS, asked, describe, table
from kijitsu.services.reckoning import Change
from kijitsu.services.watching import organisation_of
from tasks.office import tag_run


def looked_at(change: Change, doing: StrEnum) -> State[Any]:
    """Publish what a change would do, and say how to do it, by choosing `doing` in the form."""
    return Completed(name="確認のみ", message=_published(change, _again(change, doing)))


def made(change: Change) -> State[Any]:
    """Publish what a change did, or what it would do once it is approved."""
    tag_run(plan=change.standing.plan.id, revision=change.applied_as, proposal=change.proposed_as)
    if change.proposed_as:
        return Completed(
            name="承認待ち",
            message=_published(
                change,
                "承認する人が、Deployments の「変更の承認」で、"
                f"「変更案の番号」に {change.proposed_as} と書いて送ります。提案した人は承認できません。",
            ),
        )
    what_next = f"元に戻すときは、Deployments の「日程変更」で、「取り消す版」に {change.applied_as} と書いて送ります。"
    return Completed(name="変更済み", message=_published(change, what_next))


def refused(error: InputError, doing: StrEnum | None = None) -> State[Any]:
    """Say why nothing was done; where the plan changed before `doing`, publish what the change would do now."""
    get_logger("prefect.flow_runs").addFilter(_is_ours)
    if not isinstance(error, changing.StalePreview):
        name = "権限がありません" if isinstance(error, NotAllowed) else "入力の誤り"
        return Failed(name=name, message=_told(str(error)))
    if error.fresh is None or doing is None:
        return Failed(name="計画が変わりました", message=_told(str(error)))
    what_next = _again(error.fresh, doing)
    _publish(error.fresh, what_next)
    return Failed(name="計画が変わりました", message=_told(f"{error}\n{what_next}"))


def settled(name: str, message: str) -> State[Any]:
    """Say what was done where no plan changed."""
    return Completed(name=name, message=_told(message))


def require_seen(seen: int | None, doing: StrEnum) -> int:
    """Return the revision on which the effects were looked at. Raises InputError where none is given."""
    if seen is None:
        raise InputError(
            f"「{doing}」には、「影響を確かめた版」が要ります。"
            "まず「影響を確かめる」で送り、その結果に出る番号を書いてください。"
        )
    return seen


def publish_proposals(office: Office) -> State[Any]:
    """Publish 承認待ちの変更案: one row for each change that waits, with what it would change as things stand."""
    plan = office.plan
    zone = ZoneInfo(organisation_of(office, plan).zone)
    rows = [
        {
            "番号": str(each.number),
            "変更": _asked(office, each.number),
            "理由": each.reason,
            "だれが": each.actor,
            "いつ": f"{each.made_at.astimezone(zone):%Y-%m-%d %H:%M}",
        }
        for each in changing.proposals(office, plan)
        if not each.decided_by
    ]
    what_next = f"影響を確かめるには、{_COPY}、「変更案の番号」を書いて送ってください。" if rows else ""
    create_table_artifact(
        [{column: literal(cell) for column, cell in row.items()} for row in rows]
        or [{"番号": "－", "変更": "承認待ちの変更案はありません"}],
        key=f"{plan}-proposals",
        description=f"## 承認待ちの変更案\n\n{what_next}",
    )
    listed = [f"{row['番号']}: {row['変更']}（{row['だれが']}: {row['理由']}）" for row in rows]
    return settled("一覧", "\n".join([f"承認待ちの変更案は{len(rows)}件です。", *listed, what_next]).strip())


def _asked(office: Office, number: int) -> str:
    try:
        return "、".join(asked(changing.look_at(office, office.plan, number)))
    except InputError as exc:
        return str(exc)


_COPY = "実行の画面の右上の「⋮」から「Copy to new run」を押し"


def _again(change: Change, doing: StrEnum) -> str:
    """Return how to do what was looked at, as the dashboard's first design offers it."""
    return (
        f"この影響でよければ、{_COPY}、「{doing}」を選び、"
        f"「影響を確かめた版」に {change.standing.revision} と書いて送ってください。"
    )


def _published(change: Change, what_next: str) -> str:
    _publish(change, what_next)
    return _told("\n".join([*describe(change), what_next]))


def _publish(change: Change, what_next: str) -> None:
    """Publish 変更の影響: what a change does, in words and in a table."""
    head, *effects = (line.strip() for line in describe(change))
    words = [
        "## 変更の影響",
        f"**{literal(head)}**",
        f"理由: {literal(change.request.reason)}",
        "\n".join(map(_item, effects)),
        "### 次にすること",
        literal(what_next),
    ]
    rows = [dict(zip(COLUMNS, map(literal, row), strict=True)) for row in table(change)]
    create_table_artifact(
        rows or [{COLUMNS[0]: "日程や余裕の変わる項目はありません"}],
        key=f"{change.standing.plan.id}-change",
        description="\n\n".join(words),
    )


def _item(line: str) -> str:
    """Return a sentence as an item of a list: a remedy below what it belongs to, what breaks in bold."""
    if line.startswith("・"):
        return f"    - {literal(line.removeprefix('・'))}"
    return f"- **{literal(line)}**" if line.startswith("！") else f"- {literal(line)}"


def literal(text: str) -> str:
    """Return a text as markdown that shows it as it is, on one line: in a description, and in the cell of a table."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))


def _told(message: str) -> str:
    # A warning, as the rest of a run's log is not kept.
    get_run_logger().warning("%s", message)
    return message


def _is_ours(record: LogRecord) -> bool:
    """Tell whether a line of the log is not Prefect's traceback of a state that we returned as failed."""
    return not (record.exc_info and isinstance(record.exc_info[1], FailedRun))
