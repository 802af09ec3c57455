"""What people fill in to start a run: forms with Japanese titles, checked field by field."""

from __future__ import annotations

from datetime import date
from enum import Enum, StrEnum
from typing import cast

from pydantic import BaseModel, Field

from kijitsu.bootstrap import open_office


def _milestones() -> type[Enum]:
    """Return the served plan's milestones as a choice; members are told apart by their title, never by place."""
    office = open_office()
    plan = office.library.plan(office.plan).plan
    choices = {id: f"{milestone.title}（{id}）" for id, milestone in plan.milestones.items()}
    return cast("type[Enum]", Enum("Milestone", choices, type=str))


Milestone = _milestones()


class Spread(StrEnum):
    """How far a move reaches."""

    PUSH = "必要な分だけ後ろへ（push）"
    SHIFT = "後に続くものも同じだけ（shift）"
    NONE = "この項目だけ（none）"


class MoveForm(BaseModel):
    """日程変更の申込み。まず「確認だけ」で影響を見てください。"""

    milestone: Milestone = Field(title="項目")  # type: ignore[valid-type]
    to: str = Field(title="新しい時期", description="例: 平成28年9月、平成28年6月28日（火）、2016-09-30")
    reason: str = Field(title="理由", min_length=1)
    spread: Spread = Field(default=Spread.PUSH, title="後に続く項目", description="後に続く項目の時期をどう動かすか")
    apply: bool = Field(default=False, title="実際に変更する（外したままなら影響の確認だけ）")
    actor: str = Field(title="氏名または職名", min_length=1, description="監査記録に「本人申告」として残ります")


class CompletionForm(BaseModel):
    """完了報告。"""

    milestone: Milestone = Field(title="項目")  # type: ignore[valid-type]
    on: date = Field(title="完了した日")
    evidence: list[str] = Field(
        default_factory=list, title="証拠（種類=文書番号）", description="例: 議事録=総第12号。一件ずつ追加してください"
    )
    override: str = Field(default="", title="証拠がない場合の理由")
    actor: str = Field(title="氏名または職名", min_length=1, description="監査記録に「本人申告」として残ります")
