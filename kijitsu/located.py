"""YAML read as plain text values, with the line and column of every one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kijitsu.domain.errors import InvalidFile, Problem

Location = tuple[str | int, ...]
_NULLS = {"", "~", "null", "Null", "NULL"}


@dataclass(frozen=True)
class Document:
    """A YAML file as mappings, lists, strings and None, and where each value stands.

    Every scalar is kept as the text it was written in: a date such as 2016-09-31 or a code such as 042021 must not be
    guessed at by YAML. `keys` and `values` map a path such as ("milestones", "pia", "when") to (line, column), from 1.
    """

    path: str
    data: Any
    keys: Mapping[Location, tuple[int, int]] = field(default_factory=dict)
    values: Mapping[Location, tuple[int, int]] = field(default_factory=dict)

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
    """Read one YAML file. Raises InvalidFile where it is missing, no UTF-8, no YAML, or says one key twice."""
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
    """Read YAML from text; `shown` names it in errors."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    reader = _Reader(shown, YAML(typ="safe").parse(text))
    try:
        data = reader.document()
    except MarkedYAMLError as exc:
        mark = exc.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        message = f"YAMLとして読めません: {exc.problem or exc.context}。字下げと「:」の後の空白を確かめてください。"
        raise InvalidFile([Problem(shown, line, column, "bad-yaml", message)]) from exc
    if reader.problems:
        raise InvalidFile(reader.problems)
    return Document(shown, data, reader.keys, reader.values)


class _Reader:
    """Makes plain values of the parser's events: unlike composed nodes, those carry no guess at what a scalar means."""

    def __init__(self, shown: str, events: Iterator[Any]) -> None:
        self.shown = shown
        self.keys: dict[Location, tuple[int, int]] = {}
        self.values: dict[Location, tuple[int, int]] = {}
        self.problems: list[Problem] = []
        self._events = events

    def document(self) -> Any:
        """Read the first document of the stream."""
        for event in self._events:
            if type(event).__name__ == "DocumentStartEvent":
                return self._value(next(self._events), ())
        self.problems.append(Problem(self.shown, 1, 1, "empty-file", "中身がありません。"))
        return None

    def _value(self, event: Any, where: Location) -> Any:
        place = (event.start_mark.line + 1, event.start_mark.column + 1)
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
            place = (event.start_mark.line + 1, event.start_mark.column + 1)
            if type(event).__name__ != "ScalarEvent":
                raise InvalidFile([Problem(self.shown, *place, "bad-key", "キーは文字で書いてください。")])
            name = event.value
            inner = (*where, name)
            if name in found:
                first = self.keys[inner][0]
                message = f"「{name}」が二度あります（最初は{first}行目）。一方を消すか、別の名前にしてください。"
                self.problems.append(Problem(self.shown, *place, "duplicate-key", message))
            self.keys[inner] = place
            found[name] = self._value(next(self._events), inner)
        return found


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
