"""YAML read as plain text values, with the line and column of every one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kijitsu.domain.errors import InvalidFile, Problem

Location = tuple[str | int, ...]
_NULLS = {"", "~", "null", "Null", "NULL"}
# What YAML does not allow in a file (YAML 1.2, 5.1) and an editor does not show.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_DEEPEST = 30


@dataclass(frozen=True)
class Document:
    """A YAML file as mappings, lists, strings and None, and where each value stands.

    Every scalar is kept as the text it was written in: a date such as 2016-09-31 or a code such as 042021 must not be
    guessed at by YAML. `keys` and `values` map a path such as ("bodies", "mayor", "title") to (line, column), from 1.
    `problems` is what can be read past (a key said twice, an alias), to be reported with what else is wrong.
    """

    path: str
    data: Any
    keys: Mapping[Location, tuple[int, int]] = field(default_factory=dict)
    values: Mapping[Location, tuple[int, int]] = field(default_factory=dict)
    problems: Sequence[Problem] = ()

    def problem(
        self, where: Location, code: str, message: str, at_key: bool = False, is_warning: bool = False
    ) -> Problem:
        """Return a problem placed at the nearest known place of a path."""
        places = (self.keys, self.values) if at_key else (self.values, self.keys)
        while where:
            for known in places:
                if where in known:
                    return Problem(self.path, *known[where], code, message, is_warning)
            where = where[:-1]
        return Problem(self.path, 1, 1, code, message, is_warning)


def read_document(path: Path) -> Document:
    """Read one YAML file. Raises InvalidFile where it is missing, no UTF-8 or no YAML."""
    shown = _shown(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InvalidFile([Problem(shown, 0, 0, "missing-file", "ファイルがありません。")]) from None
    except (OSError, UnicodeDecodeError) as exc:
        message = f"読めません（UTF-8のYAMLで保存してください）: {exc}"
        raise InvalidFile([Problem(shown, 0, 0, "unreadable-file", message)]) from exc
    return parse_document(text, shown)


def parse_document(text: str, shown: str) -> Document:
    """Read YAML from text; `shown` names it in errors. Raises InvalidFile where it is no YAML."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    if found := _UNSEEN.search(text):
        line, column = text.count("\n", 0, found.start()) + 1, found.start() - text.rfind("\n", 0, found.start())
        message = f"見えない文字 U+{ord(found.group()):04X} があります。消してください。"
        raise InvalidFile([Problem(shown, line, column, "bad-character", message)])
    reader = _Reader(shown, YAML(typ="safe").parse(text))
    try:
        data = reader.document()
    except MarkedYAMLError as exc:
        mark = exc.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        message = f"YAMLとして読めません: {exc.problem or exc.context}。字下げと「:」の後の空白を確かめてください。"
        raise InvalidFile([Problem(shown, line, column, "bad-yaml", message)]) from exc
    return Document(shown, data, reader.keys, reader.values, tuple(reader.problems))


class _Reader:
    """Makes plain values of the parser's events: unlike composed nodes, those carry no guess at what a scalar means."""

    def __init__(self, shown: str, events: Iterator[Any]) -> None:
        self.shown = shown
        self.keys: dict[Location, tuple[int, int]] = {}
        self.values: dict[Location, tuple[int, int]] = {}
        self.problems: list[Problem] = []
        self._events = events

    def document(self) -> Any:
        """Read the one document of the stream, to its end."""
        data, is_empty = None, True
        for event in self._events:
            if type(event).__name__ != "DocumentStartEvent":
                continue
            if not is_empty:
                message = "「---」から先は読まれません。一つのファイルには一つだけ書いてください。"
                raise InvalidFile([*self.problems, Problem(self.shown, *_place(event), "second-document", message)])
            data, is_empty = self._value(next(self._events), ()), False
        if is_empty:
            self.problems.append(Problem(self.shown, 1, 1, "empty-file", "中身がありません。"))
        return data

    def _value(self, event: Any, where: Location) -> Any:
        place = _place(event)
        if len(where) > _DEEPEST:
            message = "入れ子が深すぎます。括弧の閉じ忘れがないか確かめてください。"
            raise InvalidFile([*self.problems, Problem(self.shown, *place, "too-deep", message)])
        self.values[where] = place
        match type(event).__name__:
            case "MappingStartEvent":
                return self._mapping(where)
            case "SequenceStartEvent":
                return self._sequence(where)
            case "ScalarEvent":
                is_plain = event.implicit[0]
                return None if is_plain and event.value in _NULLS else event.value
        message = "「*」による参照は使えません。同じ内容をもう一度書いてください。"
        self.problems.append(Problem(self.shown, *place, "alias", message))
        return None

    def _sequence(self, where: Location) -> list[Any]:
        found: list[Any] = []
        while type(event := next(self._events)).__name__ != "SequenceEndEvent":
            found.append(self._value(event, (*where, len(found))))
        return found

    def _mapping(self, where: Location) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while type(event := next(self._events)).__name__ != "MappingEndEvent":
            place = _place(event)
            if type(event).__name__ != "ScalarEvent":
                problem = Problem(self.shown, *place, "bad-key", "キーは文字で書いてください。")
                raise InvalidFile([*self.problems, problem])
            name = event.value
            inner = (*where, name)
            if name in found:
                first = self.keys[inner][0]
                message = f"「{name}」が二度あります（最初は{first}行目）。一方を消すか、別の名前にしてください。"
                self.problems.append(Problem(self.shown, *place, "duplicate-key", message))
            self.keys[inner] = place
            found[name] = self._value(next(self._events), inner)
        return found


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _shown(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def write_yaml(data: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return plain data as YAML text in reading order, Japanese unescaped."""
    from io import StringIO

    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.allow_unicode, yaml.width = False, True, 10_000
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    out = StringIO()
    yaml.dump(data, out)
    return out.getvalue()
