"""What the documents promise: every command, setting and key is in the reference, every link and command line holds."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from itertools import dropwhile, groupby, takewhile
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from typer.main import get_command

from kijitsu import schemas
from kijitsu.cli import app
from kijitsu.domain.gates import SHOWN, Code, Status
from kijitsu.settings import Settings
from kijitsu.store.rows import ReminderState
from tasks.milestones import MARKS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# The folders that a page names files of; the others hold what is built or written.
FOLDERS = {"calendar", "docs", "flows", "kijitsu", "notifications", "tasks", "tests"}

FILES: dict[str, type[schemas.Shape]] = {
    "Plan files": schemas.PlanDocument,
    "Organisation files": schemas.OrganisationDocument,
    "Closures files": schemas.ClosuresDocument,
    "Rules files": schemas.RulesDocument,
    "History files": schemas.HistoryDocument,
    "City file": schemas.CityDocument,
    "People file": schemas.PeopleDocument,
}

FENCE = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<to>[^)\s]+)\)")
SPAN = re.compile(r"`(?P<text>[^`\n]+)`")


# --- reading pages ---


@cache
def reference() -> str:
    return (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """Return what stands under a heading, up to the next of its level or above; empty where there is none."""
    found = re.search(rf"^(#+) {re.escape(heading)}$", page, re.MULTILINE)
    if not found:
        return ""
    rest = page[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def first_cells(text: str) -> list[str]:
    """Return the words in code that begin the rows of the tables of a text."""
    rows = re.findall(r"^\| (`[^|]*)\|", text, re.MULTILINE)
    return [word for row in rows for word in SPAN.findall(row)]


def prose(page: str) -> str:
    """Return a page without its fenced blocks."""
    return FENCE.sub("", page)


def anchors(page: str) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def command_lines(page: str) -> Iterator[list[str]]:
    """Yield the words after `kijitsu` of each command line in a page's fenced blocks, up to a pipe or redirection."""
    for block in FENCE.finditer(page):
        for line in block["text"].replace("\\\n", " ").splitlines():
            if "kijitsu" not in line:
                continue
            lexer = shlex.shlex(line.strip().removeprefix("$ "), posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            try:
                words = list(lexer)
            except ValueError:  # a quotation mark in prose
                continue
            for command in _commands(words):
                if command and PurePosixPath(command[0]).name == "kijitsu":
                    yield command[1:]


def _commands(words: list[str]) -> Iterator[list[str]]:
    """Split a line into its commands, each without the variables set before it and what it is redirected to."""
    for _, group in groupby(words, key=lambda word: bool(re.fullmatch(r"[&|;]+", word))):
        command = dropwhile(lambda word: re.fullmatch(r"[A-Z][A-Z0-9_]*=.*", word), group)
        yield list(takewhile(lambda word: not set(word) & set("<>"), command))


# --- reading the program ---


def commands() -> dict[str, Any]:
    """Return the program's commands by what is typed after `kijitsu`."""

    def walk(command: Any, words: list[str]) -> Iterator[tuple[str, Any]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield " ".join(words), command
            return
        for name, each in inner.items():
            yield from walk(each, [*words, name])

    return dict(walk(get_command(app), []))


def parse(words: list[str]) -> None:
    """Parse a command line as the program would, without running it; raise what the parser raises."""
    command = get_command(app)
    names: list[str] = []
    while (inner := getattr(command, "commands", None)) is not None:
        if not words or words[0] in ("--help", *names):
            return
        assert words[0] in inner, f"there is no command {' '.join([*names, words[0]])}"
        command, names, words = inner[words[0]], [*names, words[0]], words[1:]
    if "--help" not in words:
        command.make_context(" ".join(names), list(words))


def keys(kind: type[schemas.Shape]) -> set[str]:
    """Return every key that a kind of file knows, at any depth, as it is written in the file.

    A plan's own policies are written as those of the rules files, its own days as those of the closures files, where
    they are described.
    """
    schema = kind.model_json_schema()
    if kind is schemas.PlanDocument:
        schema["properties"] |= {"policies": {}, "closed": {}, "open": {}}
        for name in ("PolicyShape", "BeforeShape", "AfterShape", "ToShape", "ExpiringShape", "ExtraShape"):
            del schema["$defs"][name]
    return {key for node in (schema, *schema.get("$defs", {}).values()) for key in node.get("properties", {})}


# --- the reference is whole ---


@pytest.mark.parametrize("name", commands())
def test_every_command_stands_in_the_reference_with_its_options_and_an_example(name: str) -> None:
    found = section(reference(), f"kijitsu {name}")

    assert found, f"docs/reference.md has no heading 「### kijitsu {name}」"
    options = {option for each in commands()[name].params for option in each.opts if option.startswith("--")}
    missing = sorted(option for option in options if not re.search(rf"`{option}[ `]", found))
    assert not missing, f"not in the section: {missing}"
    examples = [" ".join(words) for words in command_lines(found)]
    assert any(f"{example} ".startswith(f"{name} ") for example in examples), "the section has no example"


def test_the_reference_has_no_command_that_the_program_does_not() -> None:
    headings = re.findall(r"^### kijitsu (.+)$", reference(), re.MULTILINE)

    assert sorted(headings) == sorted(commands())


def test_every_setting_stands_in_the_reference() -> None:
    settings = {f"KIJITSU_{each.name.upper()}" for each in fields(Settings)}

    told = first_cells(section(reference(), "Settings"))

    assert set(told) == settings


@pytest.mark.parametrize("heading", FILES)
def test_every_key_of_a_file_stands_in_the_reference_and_no_other(heading: str) -> None:
    told = first_cells(section(reference(), heading))

    assert set(told) == keys(FILES[heading])


def test_the_statuses_stand_in_the_reference_in_their_order_with_their_names_and_marks() -> None:
    rows = re.findall(r"^\| \d+ \| `(\w+)` \| (\S+) \| .* \| (\S) \|$", reference(), re.MULTILINE)

    assert rows == [(status.value, SHOWN[status], MARKS[status]) for status in Status]


@pytest.mark.parametrize(
    ("heading", "words"),
    [("Reason codes", [code.value for code in Code]), ("Reminders", [state.value for state in ReminderState])],
)
def test_codes_and_states_stand_in_the_reference(heading: str, words: list[str]) -> None:
    told = first_cells(section(reference(), heading))

    assert [word for word in words if word not in told] == []


# --- the pages hold ---


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(prose(page.read_text(encoding="utf-8"))) if not re.match(r"[a-z]+:", link)]

    assert [link for link in links if not leads_somewhere(page, link)] == []


def leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    if not anchor or target.suffix != ".md":
        return target.exists()
    return target.exists() and anchor in anchors(target.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_named_is_there(page: Path) -> None:
    missing = []
    for span in SPAN.findall(prose(page.read_text(encoding="utf-8"))):
        path = PurePosixPath(span)
        is_file = re.fullmatch(r"[\w.*/-]+", span) and ("/" in span or path.suffix in (".md", ".toml", ".lock"))
        if not is_file or ("/" in span and path.parts[0] not in FOLDERS):
            continue
        near = page.parent if path.suffix == ".md" and "/" not in span else ROOT
        if not any(ROOT.glob(span.rstrip("/"))) and not (near / span).exists():
            missing.append(span)

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_is_one_that_the_program_knows(page: Path) -> None:
    wrong = []
    for words in command_lines(page.read_text(encoding="utf-8")):
        try:
            parse(words)
        except Exception as exc:  # noqa: BLE001 (whatever the parser has against it)
            wrong.append(f"kijitsu {' '.join(words)}: {exc}")

    assert wrong == []
