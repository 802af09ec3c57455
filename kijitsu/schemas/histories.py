"""`histories/*.yaml`: what people did, or might have done."""

from __future__ import annotations

from typing import Literal

from pydantic import (
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError

from kijitsu.domain.history import Deed
from kijitsu.schemas.fields import (
    DayField,
    Identifier,
    Shape,
    Title,
    WindowField,
)


class EventShape(Shape):
    """What somebody did on a day: exactly one of start, complete, waive, cancel, move, or an answer to a reminder."""

    on: DayField
    start: Identifier | None = None
    complete: Identifier | None = None
    waive: Identifier | None = None
    cancel: Identifier | None = None
    reinstate: Identifier | None = None
    acknowledge: Identifier | None = None
    snooze: Identifier | None = None
    estimate: Identifier | None = None
    excuse: Identifier | None = None
    reject: Identifier | None = None
    move: Identifier | None = None
    to: WindowField | None = None
    until: DayField | None = None
    cascade: Literal["push", "shift", "none"] | None = None
    reason: str = ""
    by: str = ""
    evidence: dict[str, str] = Field(default_factory=dict)
    effective: DayField | None = None
    expires: DayField | None = None
    source: str = ""
    assumed: bool = False
    note: str = ""

    @model_validator(mode="after")
    def _one_deed(self) -> EventShape:
        if len(self.deeds) != 1:
            raise PydanticCustomError(
                "bad-event",
                f"{' '.join(Deed)} のうち、ちょうど一つを書いてください。",
            )
        if (self.move is None) != (self.to is None):
            raise PydanticCustomError("bad-event", "move には to（新しい時期）が要り、to は move とだけ使えます。")
        if (self.until is None) == bool(self.snooze or self.estimate or self.excuse):
            raise PydanticCustomError(
                "bad-event", "snooze、estimate、excuse には until（いつまで）が要り、until はそれらとだけ使えます。"
            )
        return self

    @property
    def deeds(self) -> list[tuple[str, str]]:
        """The deeds that are written, each with its milestone."""
        return [(deed.value, id) for deed in Deed if (id := getattr(self, deed.value)) is not None]


class HistoryDocument(Shape):
    """A file of `calendar/histories/`: what people did, or might have done."""

    history: Identifier
    plan: Identifier
    title: Title
    kind: Literal["record", "scenario"]
    note: str = ""
    events: tuple[EventShape, ...]
