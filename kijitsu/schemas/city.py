"""`city.yaml`: what is meant where nothing is named."""

from __future__ import annotations

from kijitsu.schemas.fields import (
    DayField,
    Identifier,
    Shape,
    WindowField,
)


class DemoShape(Shape):
    """What `kijitsu demo` shows: a plan lived through with a history, on a day when something is blocked."""

    plan: Identifier
    history: Identifier
    shown: DayField
    blocked: Identifier
    late: Identifier
    moved_to: WindowField


class CityDocument(Shape):
    """The file `calendar/city.yaml`: which plan is meant where none is named, and what the demonstration shows."""

    plan: Identifier | None = None
    demo: DemoShape | None = None
