"""The form of 日程変更: what was typed into it as a request, and a request as the address that shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from kijitsu.domain.changes import Cascade
from kijitsu.domain.errors import InputError
from kijitsu.domain.periods import parse_length
from kijitsu.editing import DEEDS, Edit, EditKind, typed_edit
from kijitsu.services.reckoning import Request

KINDS = (
    EditKind.MOVE,
    EditKind.DURATION,
    EditKind.OWNER,
    EditKind.DUE,
    EditKind.WAIVE,
    EditKind.CANCEL,
    EditKind.REINSTATE,
)
"""What can be chosen here. Prerequisites and closed days are changed in the plan's file."""


class Mistyped(InputError):
    """A field of the form is empty or cannot be read; `field` is its name."""

    def __init__(self, field: str, said: str) -> None:
        super().__init__(said)
        self.field = field


@dataclass(frozen=True)
class Asked:
    """What the form asks for, as it was typed. `also` are further edits, `move:ID=WINDOW`, that a remedy brought."""

    given: Mapping[str, str] = field(default_factory=dict)
    also: Sequence[str] = ()

    def get(self, name: str) -> str:
        """Return what was typed into a field."""
        return self.given.get(name, "").strip()

    @property
    def kind(self) -> EditKind:
        """What is to be otherwise. Raises Mistyped."""
        if self.get("do") not in KINDS:
            raise Mistyped("do", "何を変えるかを選んでください。")
        return EditKind(self.get("do"))

    def request(self, reason: str = "") -> Request:
        """Return the request. Raises Mistyped."""
        if not self.get("milestone"):
            raise Mistyped("milestone", "どの項目を変えるかを選んでください。")
        cascade = self.get("cascade") or Cascade.PUSH.value
        if cascade not in list(Cascade):
            raise Mistyped("cascade", "後に続く項目をどうするかを選んでください。")
        edits = (self._edit(), *map(edit_of_also, self.also))
        return Request(edits, reason, Cascade(cascade))

    def _edit(self) -> Edit:
        kind, id = self.kind, self.get("milestone")
        if kind in DEEDS:
            return Edit(kind, id)
        if kind is EditKind.OWNER:
            return Edit(kind, id, self.get("owner"))
        if kind is EditKind.DURATION:
            try:
                return Edit(kind, id, str(parse_length(self.get("length") + self.get("unit"))))
            except InputError as exc:
                raise Mistyped("length", "所要を数字で書いてください。例: 10") from exc
        words, day = self.get(kind), self.get(f"{kind}_day")
        if bool(words) == bool(day):
            said = "どちらか一方に書いてください。" if words else "新しい日付を書いてください。"
            raise Mistyped(kind, said)
        try:
            return typed_edit(kind, f"{id}={words or day}")
        except InputError as exc:
            raise Mistyped(kind, str(exc)) from exc

    def field_of(self, exc: InputError) -> str:
        """Return the field that an error is shown at."""
        if isinstance(exc, Mistyped):
            return exc.field
        return {EditKind.DURATION: "length"}.get(self.kind, self.kind.value) if self.kind not in DEEDS else "do"


def edit_of_also(text: str) -> Edit:
    """Return a further edit, as `also` holds it. Raises InputError for anything else."""
    kind, _, rest = text.partition(":")
    if kind not in KINDS:
        raise Mistyped("do", f"「{text}」は変更として読めません。")
    return typed_edit(EditKind(kind), rest)


def _typed(edit: Edit) -> str | None:
    """Return an edit as `also` holds it, None for one that cannot be chosen here."""
    if edit.kind not in KINDS:
        return None
    value = edit.value
    if isinstance(value, Mapping):
        value = f"{value['rule']}:{value['from']}"
    elif value is None:
        value = "なし" if edit.kind is EditKind.DUE else ""
    return f"{edit.kind}:{edit.subject}{'=' if value else ''}{value}"


def query_of(request: Request) -> str:
    """Return the query of the form's page for a request, "" where the form has no field for what it asks."""
    first, *others = request.edits
    also = [_typed(each) for each in others]
    if first.kind not in KINDS or None in also:
        return ""
    value = (_typed(first) or "").partition("=")[2]
    fields = {"milestone": first.subject, "do": first.kind.value, "cascade": request.cascade.value}
    if first.kind is EditKind.DURATION:
        length = parse_length(value)
        fields |= {"length": str(length.number), "unit": length.unit}
    elif first.kind not in DEEDS:
        fields[first.kind.value] = value
    return urlencode([*fields.items(), *(("also", each) for each in also)])
