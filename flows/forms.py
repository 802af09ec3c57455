"""What people fill in to start a run: forms with Japanese titles, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import Enum, StrEnum
from typing import cast

from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

from flows.fields import LIST, PICK, Day, Number, Words, empty
from kijitsu.bootstrap import open_office
from kijitsu.domain.plan import Body as PlanBody
from kijitsu.domain.plan import Milestone as PlanMilestone
from kijitsu.services import reading
from kijitsu.services.rehearsing import MOST_WEEKS, SHOWN, Assumption


def _choice(name: str, titled: Mapping[str, PlanMilestone] | Mapping[str, PlanBody]) -> type[Enum]:
    """Return a choice of what has a title: told apart by that, named by id."""
    return cast("type[Enum]", Enum(name, {id: f"{each.title}（{id}）" for id, each in titled.items()}, type=str))


# The served plan, as it is adopted when this is loaded.
_OFFICE = open_office()
_PLAN = reading.standing(_OFFICE, _OFFICE.plan).plan
Milestone = _choice("Milestone", _PLAN.milestones)
Body = _choice("Body", _PLAN.organisation.bodies)

SEEN = empty("影響を確かめた版", "実際に行うときは必ず。影響を確かめた結果に出る番号です")
ACTOR = Field(title="氏名または職名", description="登録された職名か利用者名。監査記録に「本人申告」として残ります")


class Doing(StrEnum):
    """Whether a change is made."""

    LOOK = "影響を確かめる（何も変わりません）"
    CHANGE = "実際に変更する"


class Spread(StrEnum):
    """How far a move reaches."""

    PUSH = "必要な分だけ後ろへ（push）"
    SHIFT = "後に続くものも同じだけ（shift）"
    NONE = "この項目だけ（none）"


class MoveForm(BaseModel):
    """日程変更の申込み。まず「影響を確かめる」で送り、結果を読んでから「実際に変更する」で送り直してください。"""

    doing: Doing = Field(default=Doing.LOOK, title="何をするか", description=f"まず影響を確かめてください。{LIST}")
    milestone: Milestone | SkipJsonSchema[None] = empty(  # type: ignore[valid-type]
        "項目", f"動かす項目。{LIST}。名前の一部で探せます"
    )
    to: str = Field(
        default="",
        title="新しい時期",
        description="例: 平成28年9月、平成28年9月中旬、平成28年6月28日、2016-09-30、平成29年7月～、調整中",
    )
    spread: Spread = Field(default=Spread.PUSH, title="後に続く項目", description=f"どう動かすか。{LIST}")
    undo: Number = empty("取り消す版", "前の変更を取り消すときだけ、その版の番号。項目と新しい時期は空けておきます")
    reason: Words = Field(title="理由", description="日程が変わる担当課への知らせと、監査記録に載ります")
    seen: Number = SEEN
    actor: Words = ACTOR

    @property
    def shown(self) -> str:
        """What the run is called."""
        if self.undo is not None:
            return f"第{self.undo}版の取消し"
        return f"{self.milestone.value if self.milestone else '項目なし'} → {self.to}"


class Decision(StrEnum):
    """What becomes of a proposed change."""

    LOOK = "影響を確かめる（何も変わりません）"
    APPROVE = "承認して変更する"
    REJECT = "却下する（自分の変更案なら取り下げる）"


class DecisionForm(BaseModel):
    """変更の承認。番号を空けて送ると、承認待ちの一覧が出ます。"""

    number: Number = empty("変更案の番号", "空けて送ると、承認待ちの一覧が出ます")
    decision: Decision = Field(default=Decision.LOOK, title="決定", description=f"まず影響を確かめてください。{LIST}")
    reason: str = Field(default="", title="理由", description="却下と取下げには必ず")
    seen: Number = SEEN
    actor: Words = ACTOR

    @property
    def shown(self) -> str:
        """What the run is called."""
        return "承認待ちの一覧" if self.number is None else f"変更案 {self.number}: {self.decision.value}"


class Paper(BaseModel):
    """証拠の一件。"""

    kind: str = Field(title="種類", min_length=1, description="例: 議事録")
    number: str = Field(title="文書番号", min_length=1, description="例: 総第12号")


class CompletionForm(BaseModel):
    """完了報告。証拠書類のファイルは、コマンド（kijitsu complete --file）で付けます。"""

    milestone: Milestone = Field(title="項目", description=f"{LIST}。名前の一部で探せます")  # type: ignore[valid-type]
    on: date = Field(title="完了した日", description=PICK)
    evidence: list[Paper] = Field(default_factory=list, title="証拠", description="Add item を押して一件ずつ")
    decided: Day = empty("決裁日", "あれば")
    received: Day = empty("収受日", "あれば")
    effective: Day = empty("効力発生日", "有効期間はこの日から数えます")
    expires: Day = empty("有効期限", "書類に書かれていれば")
    override: str = Field(
        default="", title="例外とする理由", description="証拠がない、または前提が済んでいない場合。事務局だけが書けます"
    )
    actor: Words = ACTOR


class Assumed(StrEnum):
    """What people are supposed to do during a rehearsal."""

    NOTHING = SHOWN[Assumption.NOTHING]
    ON_TIME = SHOWN[Assumption.ON_TIME]


class RehearsalForm(BaseModel):
    """予行。いつ、だれに、どの通知が出るかを、本番のデータの写しで確かめます。何も送りません。"""

    weeks: int = Field(default=4, ge=1, le=MOST_WEEKS, title="何週間先まで", description=f"1から{MOST_WEEKS}まで")
    body: Body | SkipJsonSchema[None] = empty("だれの通知を見るか", f"空ならすべて。{LIST}")  # type: ignore[valid-type]
    assumed: Assumed = Field(default=Assumed.NOTHING, title="仮定", description=f"それまでに人がすること。{LIST}")

    @property
    def shown(self) -> str:
        """What the run is called."""
        return f"{self.weeks}週間先まで（{self.assumed}）"
