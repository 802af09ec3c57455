"""`organisations/*.yaml`: a municipality, its bodies and posts, and where they are written to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError

from kijitsu.schemas.fields import (
    DayField,
    Identifier,
    Shape,
    TimeField,
    Title,
    WorkingDaysField,
)


class HoursShape(Shape):
    """Office hours, local time."""

    from_: TimeField = Field(alias="from")
    to: TimeField


class MemberShape(Shape):
    """A seat on a body."""

    post: Title
    role: Title


MailField = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]


class ReachableShape(Shape):
    """Where somebody is written to: by mail, or by a channel whose secret address has a name."""

    mail: MailField | None = None
    channel: Literal["mail", "teams", "slack", "json", "file"] = "mail"
    address: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")] | None = None
    language: Literal["ja", "en"] = "ja"

    @model_validator(mode="after")
    def _has_address(self) -> ReachableShape:
        if (self.channel != "mail") != (self.address is not None):
            raise PydanticCustomError(
                "bad-channel",
                "channel が teams、slack、json、file のときは address（秘密の宛先につけた名前）が要り、"
                "mail のときは要りません。",
            )
        return self


class ChannelShape(ReachableShape):
    """A place that short news go to."""

    @model_validator(mode="after")
    def _leads_somewhere(self) -> ChannelShape:
        if self.channel == "mail" and self.mail is None:
            raise PydanticCustomError("bad-channel", "mail: か、channel: と address: を書いてください。")
        return self


class SpanShape(Shape):
    """From one day to another, both included."""

    from_: DayField = Field(alias="from")
    to: DayField

    @model_validator(mode="after")
    def _in_order(self) -> SpanShape:
        if self.to < self.from_:
            raise PydanticCustomError("bad-date", "to が from より前です。from と to を入れ替えてください。")
        return self


class PostShape(ReachableShape):
    """A post: where its holder is written to, and who stands in."""

    deputy: Title | None = None
    absent: tuple[SpanShape, ...] = ()


class BodyShape(ReachableShape):
    """A committee, a department, a separate executing agency, or somebody outside."""

    title: Title
    kind: Literal["council", "department", "agency", "external"]
    reports_to: Identifier | None = None
    line: tuple[Title, ...] | None = None
    members: tuple[MemberShape, ...] = ()
    briefing: WorkingDaysField | None = None
    alerts: ChannelShape | None = None
    duties: tuple[str, ...] = ()
    source: str = ""
    note: str = ""


class OrganisationDocument(Shape):
    """A file of `calendar/organisations/`: a municipality and its bodies."""

    organisation: Identifier
    municipality: Annotated[str, Field(pattern=r"^\d{6}$")]
    title: Title
    zone: str = "Asia/Tokyo"
    office_hours: HoursShape | None = None
    secretariat: Identifier
    closures: Annotated[tuple[Identifier, ...], Field(min_length=1)] = ("municipality",)
    posts: dict[Title, PostShape] = Field(default_factory=dict)
    bodies: dict[Identifier, BodyShape]
