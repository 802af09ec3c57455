"""`plans/*.yaml`: a programme of milestones."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from kijitsu.domain.errors import InputError
from kijitsu.domain.periods import Length
from kijitsu.domain.plan import Kind, Lapse, LinkType
from kijitsu.domain.windows import parse_window
from kijitsu.schemas.closures import ExtraShape
from kijitsu.schemas.fields import (
    DayField,
    Identifier,
    LagField,
    LengthField,
    PastField,
    Shape,
    Title,
    WindowField,
    WorkingDaysField,
    YearField,
    fiscal_year_of,
)
from kijitsu.schemas.rules import PolicyShape


class DependencyShape(Shape):
    """One prerequisite."""

    on: Identifier
    type: LinkType = LinkType.FINISH_TO_START
    lag: LagField = Length(0, "wd")
    valid: bool = False
    lapse: Lapse | None = None


class DueRuleShape(Shape):
    """A hard deadline counted by a statutory rule from another milestone's start or finish."""

    rule: Identifier
    from_: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*\.(start|finish)$")] = Field(alias="from")
    suspended: tuple[Identifier, ...] = ()


class ValidityShape(Shape):
    """How long a completion stays good."""

    for_: LengthField = Field(alias="for")
    basis: str = ""
    lapse: Lapse = Lapse.BLOCK


class PointShape(Shape):
    """One counted figure."""

    on: DayField
    title: Title
    value: int
    unit: str
    parts: dict[str, int] = Field(default_factory=dict)
    source: str = ""
    note: str = ""


class CapacityShape(Shape):
    """How many a day."""

    per_day: Annotated[int, Field(gt=0)]
    closures: Identifier
    of: Title | None = None
    done: Title | None = None
    note: str = ""


class RecurrenceShape(Shape):
    """How a duty comes again: every so long, at further windows, or with each occurrence of another."""

    every: LengthField | None = None
    from_: Literal["window", "completion"] = Field(default="window", alias="from")
    until: WindowField | None = None
    at: tuple[WindowField, ...] = ()
    with_: Identifier | None = Field(default=None, alias="with")
    moved: dict[Annotated[str, Field(pattern=r"^[1-9]\d{0,2}$")], WindowField] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_way(self) -> RecurrenceShape:
        if sum(each not in (None, ()) for each in (self.every, self.at, self.with_)) != 1:
            raise PydanticCustomError(
                "bad-recurrence",
                "every（周期）、at（次からの時期）、with（いっしょに繰り返す項目）のうち、ちょうど一つを書いてください。",
            )
        if self.every is None and (self.until or self.from_ == "completion"):
            raise PydanticCustomError("bad-recurrence", "until と from は every とだけ使えます。")
        if self.every and not self.until:
            raise PydanticCustomError(
                "bad-recurrence", "いつまで繰り返すかを until: 平成30年3月 のように書いてください。"
            )
        if self.every and self.every.unit == "wd":
            raise PydanticCustomError(
                "bad-recurrence", "周期は 1y（年）、3m（月）、2w（週）、30d（日）のように書いてください。"
            )
        if self.until and self.until.last is None:
            raise PydanticCustomError("bad-recurrence", "until には終わりの日が要ります。例: 平成30年3月")
        return self


def _dependency(value: Any) -> Any:
    return {"on": value} if isinstance(value, str) else value


def _due(value: Any, info: ValidationInfo) -> Any:
    return value if isinstance(value, dict) else _due_day(value, info)


def _due_day(value: Any, info: ValidationInfo) -> date:
    try:
        window = parse_window(str(value), fiscal_year_of(info))
    except InputError as exc:
        raise PydanticCustomError("bad-date", "{reason}", {"reason": str(exc)}) from exc
    if window.last is None:
        raise PydanticCustomError("bad-date", "「{text}」には終わりの日がありません。", {"text": str(value)})
    return window.last


class MilestoneShape(Shape):
    """One thing that must happen."""

    title: Title
    kind: Kind
    owner: Identifier
    when: WindowField | None = None
    duration: LengthField = Length(1, "wd")
    after: tuple[Annotated[DependencyShape, BeforeValidator(_dependency)], ...] = ()
    due: Annotated[DueRuleShape | date, BeforeValidator(_due)] | None = None
    pinned: bool = False
    assumed: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    validity: ValidityShape | None = None
    reminders: Identifier | None = None
    done: PastField | None = None
    recurs: RecurrenceShape | None = None
    series: tuple[PointShape, ...] = ()
    capacity: CapacityShape | None = None
    source: str = ""
    basis: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _is_placed(self) -> MilestoneShape:
        if self.when is None and not self.after and self.done is None:
            raise PydanticCustomError(
                "no-date",
                "when（時期）、after（前提）、done（終わった時期）のどれかが要ります。"
                "未定なら when: 調整中 と書いてください。",
            )
        return self


def milestone_keys() -> list[str]:
    """Return the keys that a milestone may have."""
    return list(MilestoneShape.model_fields)


class NoteShape(Shape):
    """A dated or counted fact of the source that is no task."""

    title: Title
    text: str
    when: WindowField | None = None
    source: str = ""


class PlanDocument(Shape):
    """A file of `calendar/plans/`: a programme of milestones."""

    plan: Identifier
    title: Title
    fiscal_year: YearField | None = None
    organisation: Identifier
    closures: Annotated[tuple[Identifier, ...], Field(min_length=1)] = ("municipality",)
    source: str = ""
    due_soon: WorkingDaysField = Length(5, "wd")
    policies: dict[Identifier, PolicyShape] = Field(default_factory=dict)
    reminders: dict[Kind, Identifier] = Field(default_factory=dict)
    approvers: tuple[Title, ...] = ()
    closed: tuple[ExtraShape, ...] = ()
    open: tuple[ExtraShape, ...] = ()
    notes: tuple[NoteShape, ...] = ()
    milestones: Annotated[dict[Identifier, MilestoneShape], Field(min_length=1)]
