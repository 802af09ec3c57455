"""YAML read as plain text values, with the line and column of every one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    try:
        node = YAML(typ="safe").compose(text)
    except MarkedYAMLError as exc:
        mark = exc.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        message = f"YAMLとして読めません: {exc.problem or exc.context}。字下げと「:」の後の空白を確かめてください。"
        raise InvalidFile([Problem(shown, line, column, "bad-yaml", message)]) from exc
    if node is None:
        raise InvalidFile([Problem(shown, 1, 1, "empty-file", "中身がありません。")])
    reader = _Reader(shown)
    data = reader.plain(node, ())
    if reader.problems:
        raise InvalidFile(reader.problems)
    return Document(shown, data, reader.keys, reader.values)


class _Reader:
    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.keys: dict[Location, tuple[int, int]] = {}
        self.values: dict[Location, tuple[int, int]] = {}
        self.problems: list[Problem] = []

    def plain(self, node: Any, where: Location) -> Any:
        self.values[where] = (node.start_mark.line + 1, node.start_mark.column + 1)
        match node.id:
            case "mapping":
                return self._mapping(node, where)
            case "sequence":
                return [self.plain(item, (*where, number)) for number, item in enumerate(node.value)]
        return None if not node.style and node.value in _NULLS else node.value

    def _mapping(self, node: Any, where: Location) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            place = (key.start_mark.line + 1, key.start_mark.column + 1)
            inner = (*where, name)
            if name in found:
                first = self.keys[inner][0]
                message = f"「{name}」が二度あります（最初は{first}行目）。一方を消すか、別の名前にしてください。"
                self.problems.append(Problem(self.shown, *place, "duplicate-key", message))
            self.keys[inner] = place
            found[name] = self.plain(value, inner)
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
