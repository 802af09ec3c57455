"""The options with which a change says what is to be otherwise, shared by every command that takes some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from kijitsu.domain.changes import Cascade
from kijitsu.domain.errors import InputError, did_you_mean
from kijitsu.editing import Edit, EditKind, typed_edit


def _option(name: str, metavar: str, shown: str) -> Any:
    return typer.Option(f"--{name}", metavar=metavar, help=f"{shown}。何度でも書けます")


MoveOption = Annotated[list[str] | None, _option("move", "ID=WHEN", "時期（項目のID=平成29年7月～）")]
DurationOption = Annotated[list[str] | None, _option("duration", "ID=LENGTH", "所要（10wd、1m）")]
DueOption = Annotated[list[str] | None, _option("due", "ID=DAY", "期限（日、規則のID:起点.finish、なし）")]
AfterOption = Annotated[list[str] | None, _option("after", "ID=ID:FS+5wd", "前提を足す、または型と間隔を変える")]
DropOption = Annotated[list[str] | None, _option("drop", "ID=ID", "前提を外す")]
OwnerOption = Annotated[list[str] | None, _option("owner", "ID=BODY", "担当")]
WaiveOption = Annotated[list[str] | None, _option("waive", "ID[=D]", "免除")]
CancelOption = Annotated[list[str] | None, _option("cancel", "ID[=D]", "中止")]
ReinstateOption = Annotated[list[str] | None, _option("reinstate", "ID", "免除や中止をやめて元に戻す")]
CloseOption = Annotated[list[str] | None, _option("close", "D=WHY", "この計画の閉庁日にする（2016-08-12=臨時閉庁）")]
OpenOption = Annotated[list[str] | None, _option("open", "D=WHY", "この計画の開庁日にする")]
CascadeOption = Annotated[str, typer.Option(help="後に続く項目: push 必要な分だけ, shift 同じだけ, none この項目だけ")]


def edits_of(**given: Sequence[str] | None) -> tuple[Edit, ...]:
    """Return the edits of some options, each under the name of its kind."""
    return tuple(typed_edit(EditKind(kind), text) for kind, texts in given.items() for text in texts or ())


def cascade_of(text: str) -> Cascade:
    """Read the cascade. Raises InputError for another word."""
    if text not in list(Cascade):
        raise InputError(f"「{text}」は使えません。{did_you_mean(text, Cascade)} 使えるのは push、shift、none です。")
    return Cascade(text)
