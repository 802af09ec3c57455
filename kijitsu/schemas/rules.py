"""`rules/*.yaml`: statutory periods and reminder policies."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import (
    Field,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from kijitsu.domain.periods import Direction, Effect, FirstDay, Length, Roll
from kijitsu.domain.plan import Kind
from kijitsu.schemas.fields import (
    DayField,
    Identifier,
    LengthField,
    Shape,
    TimeField,
    Title,
    WorkingDaysField,
)


class AmendmentShape(Shape):
    """A later version of a rule, from a day on: what is left out stays as it was."""

    in_force_from: DayField | None = None
    title: Title | None = None
    basis: str | None = None
    direction: Direction = Direction.FORWARD
    length: LengthField | None = None
    first_day: FirstDay = FirstDay.EXCLUDED
    roll: Roll = Roll.NONE
    calendar: Identifier = "municipality"
    effect: Effect = Effect.HARD
    confidence: Literal["high", "medium", "low"] = "high"
    note: str = ""
    clear: bool = False
    passed: bool = False
    at: TimeField | None = None

    @property
    def changes(self) -> dict[str, Any]:
        """What is written, by its key."""
        return {key: value for key in self.model_fields_set if (value := getattr(self, key)) is not None}


class RuleShape(AmendmentShape):
    """A statutory period."""

    title: Title
    basis: str
    length: LengthField
    amended: tuple[AmendmentShape, ...] = ()


Role = Literal["owner", "superior", "secretariat"]


class BeforeShape(Shape):
    """Reminders ahead of the latest safe finish."""

    offsets: tuple[LengthField, ...]
    to: tuple[Role, ...] = ("owner",)

    @field_validator("offsets")
    @classmethod
    def _differ(cls, offsets: tuple[Length, ...]) -> tuple[Length, ...]:
        if len(set(offsets)) < len(offsets):
            raise PydanticCustomError("bad-length", "offsets に同じ長さが二度あります。一つにしてください。")
        return offsets


class ToShape(Shape):
    """Who is told."""

    to: tuple[Role, ...]


class AfterShape(Shape):
    """Reminders repeated after the due date; the rhythm is in working days."""

    every: WorkingDaysField
    to: tuple[Role, ...] = ("owner", "secretariat")


class ExpiringShape(BeforeShape):
    """Reminders ahead of the end of a validity that something still rests on."""

    to: tuple[Role, ...] = ("owner", "secretariat")


class PolicyShape(Shape):
    """A reminder policy: what is left out is not sent."""

    before: BeforeShape | None = None
    on_day: ToShape | None = None
    after: AfterShape | None = None
    escalate: tuple[WorkingDaysField, ...] = ()
    blocked: ToShape | None = None
    unblocked: ToShape | None = None
    moved: ToShape | None = None
    expiring: ExpiringShape | None = None
    rejected: ToShape | None = None
    urgent: tuple[
        Literal["blocked", "unblocked", "on_day", "after", "escalated", "rejected", "moved", "estimate"], ...
    ] = (
        "blocked",
        "on_day",
        "rejected",
        "moved",
        "estimate",
    )

    @model_validator(mode="after")
    def _tiers_ascend(self) -> PolicyShape:
        days = [tier.number for tier in self.escalate]
        if days != sorted(set(days)):
            raise PydanticCustomError("bad-length", "escalate は短い順に、同じ長さのないように書いてください。")
        return self


class RulesDocument(Shape):
    """A file of `calendar/rules/`: statutory periods, reminder policies and which kind has which, or some of these."""

    rules: dict[Identifier, RuleShape] = Field(default_factory=dict)
    policies: dict[Identifier, PolicyShape] = Field(default_factory=dict)
    reminders: dict[Kind, Identifier] = Field(default_factory=dict)
