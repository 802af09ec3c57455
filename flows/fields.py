"""What the fields of the forms share. A form is one model, for of plain parameters Prefect shows the English names."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Number = int | SkipJsonSchema[None]
Day = date | SkipJsonSchema[None]

LIST = "右端の⇅を押すと一覧が開きます"
PICK = "右端の暦の印を押して選ぶか、その下の欄に書いて Apply を押します"


def empty(title: str, description: str) -> Any:
    """Return a field that may stay empty.

    In the schema it is merely not required: of what may be None the dashboard asks the type before it asks the value,
    and a default of None it sends back, only to be told that None is no number.
    """

    def forget(schema: dict[str, Any]) -> None:
        schema.pop("default")

    return Field(default=None, title=title, description=description, json_schema_extra=forget)
