"""Every dated or counted fact of the city's document has a place under `calendar/`, with its dates and figures.

`fact_places.tsv` says where: the id of the fact, its places (file#path, several separated by "; "), the first and last
day it states, and its figures. The files are read as raw YAML, so that the loader cannot hide what is missing.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from kijitsu.domain.windows import Window, WindowError, parse_window

ROOT = Path(__file__).parents[2]
CALENDAR = ROOT / "calendar"
FACTS = ROOT.parent / "shared" / "seed" / "facts.tsv"
FISCAL_YEAR = 2016

# The ids of the fact table, written out: a table that lost its rows must not pass.
# fmt: off
IDS = [
    "F01", "F02", "F03", "F04", "F05", "F06", "F07", "F08", "F09", "F10", "F11", "F12",
    "G01", "G02", "G03", "G04", "G05", "G06", "G07", "G08", "G09", "G10", "G11", "G12", "G13", "G14",
    "C01", "C02", "C03", "C04", "C05", "C06", "C07", "C07b", "C08", "C10",
    "T1", "T2", "T3",
    "S01", "S02", "S03", "S04", "S05", "S06", "S07", "S08", "S09",
    "X01", "X02", "X03",
]
# fmt: on

DATE_IN_TEXT = re.compile(
    r"""[~〜]?(?:平成|令和|H|R)?\d{1,2}(?:年度|年\d{1,2}月(?:\d{1,2}日)?|(?<=[HR]\d\d)\.\d{1,2}(?:\.\d{1,2})?)[~〜]?""",
    re.VERBOSE,
)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


PLACES = {row["id"]: row for row in _rows(Path(__file__).with_name("fact_places.tsv"))}


@cache
def _document(path: str) -> Any:
    return YAML(typ="safe").load((CALENDAR / path).read_text(encoding="utf-8"))


def _resolve(place: str) -> Any:
    path, _, inside = place.partition("#")
    node = _document(path)
    for key, number in re.findall(r"([a-z0-9_-]+)|\[(\d+)\]", inside):
        node = node[key] if key else node[int(number)]
    return node


def _scalars(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield str(key)
            yield from _scalars(value)
    elif isinstance(node, list):
        for item in node:
            yield from _scalars(item)
    elif node is not None:
        yield str(node)


def _windows(text: str) -> Iterator[Window]:
    """Yield what the whole text means as a window, else the windows that stand in its words."""
    try:
        yield parse_window(text, fiscal_year=FISCAL_YEAR)
    except WindowError:
        for found in DATE_IN_TEXT.findall(unicodedata.normalize("NFKC", text)):
            yield parse_window(found, fiscal_year=FISCAL_YEAR)


def _at(fact: str) -> list[str]:
    return [text for place in PLACES[fact]["place"].split("; ") for text in _scalars(_resolve(place))]


def test_the_map_lists_the_facts_that_the_document_has() -> None:
    assert list(PLACES) == IDS
    assert len(IDS) == 51


@pytest.mark.skipif(not FACTS.exists(), reason="the table of facts is not beside this checkout")
def test_no_fact_of_the_table_is_left_out() -> None:
    assert [row["id"] for row in _rows(FACTS)] == IDS


@pytest.mark.parametrize("fact", IDS)
def test_a_fact_is_found_where_the_map_says(fact: str) -> None:
    places = PLACES[fact]["place"].split("; ")

    assert all(_resolve(place) is not None for place in places)


@pytest.mark.parametrize("fact", IDS)
def test_a_fact_states_a_date_or_a_figure(fact: str) -> None:
    row = PLACES[fact]

    assert row["first"] or row["last"] or row["figure"]


@pytest.mark.parametrize("fact", IDS)
def test_the_dates_of_a_fact_stand_at_its_place(fact: str) -> None:
    windows = [window for text in _at(fact) for window in _windows(text)]

    for first in PLACES[fact]["first"].split():
        assert date.fromisoformat(first) in {window.first for window in windows}
    for last in PLACES[fact]["last"].split():
        assert date.fromisoformat(last) in {window.last for window in windows}


@pytest.mark.parametrize("fact", IDS)
def test_the_figures_of_a_fact_stand_at_its_place(fact: str) -> None:
    words = unicodedata.normalize("NFKC", "\n".join(_at(fact))).replace(",", "")
    figures = set(re.findall(r"\d+", words))

    for figure in PLACES[fact]["figure"].split():
        assert figure in figures if figure.isdigit() else figure in words


@pytest.mark.parametrize("fact", IDS)
def test_the_place_of_a_fact_cites_the_section_it_comes_from(fact: str) -> None:
    for place in PLACES[fact]["place"].split("; "):
        path, _, inside = place.partition("#")
        holder = re.match(r"(?:milestones|bodies)\.\w+|notes\[\d+\]", inside)
        cited = _resolve(f"{path}#{holder.group()}")["source"] if holder else _resolve(path)["basis"]

        assert cited


def test_what_the_source_does_not_say_is_marked_assumed() -> None:
    milestones = _document("plans/fy28.yaml")["milestones"]
    unmarked = [
        (id, key)
        for id, milestone in milestones.items()
        for key in ("when", "after", "owner", "duration", "due")
        if key in milestone and not milestone.get("source") and key not in milestone.get("assumed", ())
    ]

    assert len(milestones) >= 55
    assert unmarked == []


def test_what_is_marked_assumed_is_there_to_be_assumed() -> None:
    milestones = _document("plans/fy28.yaml")["milestones"]

    assert [
        (id, key)
        for id, milestone in milestones.items()
        for key in milestone.get("assumed", ())
        if key not in milestone
    ] == []


@pytest.mark.parametrize(
    ("body", "heads", "seats"), [("headquarters", 2, 21), ("executive", 2, 18), ("committee", 4, 28)]
)
def test_a_body_has_all_its_members_of_the_source(body: str, heads: int, seats: int) -> None:
    members = _document("organisations/ishinomaki.yaml")["bodies"][body]["members"]

    assert len(members) == seats
    assert len({member["post"] for member in members}) == seats
    assert sum(member["role"] not in ("本部員", "幹事", "委員") for member in members) == heads


def test_the_plan_says_which_charts_of_the_source_are_lost_and_invents_no_date_for_them() -> None:
    notes = {note["title"]: note for note in _document("plans/fy28.yaml")["notes"]}
    milestones = _document("plans/fy28.yaml")["milestones"]

    assert "when" not in notes["失われた図表"]
    assert {id for id, milestone in milestones.items() if milestone.get("when") == "調整中"} == {
        "independent_use_test",
        "notice_card_disposal",
    }
