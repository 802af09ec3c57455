"""The people file: who may do what, by account."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError

from kijitsu.domain.roles import Role
from kijitsu.schemas.fields import (
    Identifier,
    Shape,
    Title,
)


class PersonShape(Shape):
    """Somebody: how they are called, their roles, and for whom they speak."""

    title: Title
    roles: tuple[Role, ...]
    bodies: tuple[Identifier, ...] = ()
    posts: tuple[Title, ...] = ()

    @model_validator(mode="after")
    def _can_act(self) -> PersonShape:
        if not self.roles:
            raise PydanticCustomError("bad-shape", "roles に役割を一つ以上書いてください。")
        if Role.DEPARTMENT in self.roles and not self.bodies:
            raise PydanticCustomError(
                "missing-bodies", "department（担当課）には bodies が要ります。報告する組織のIDを書いてください。"
            )
        return self


class PeopleDocument(Shape):
    """The file that `KIJITSU_PEOPLE` names: everybody who may do something, by account as the system writes it."""

    people: Annotated[dict[Title, PersonShape], Field(min_length=1)]
