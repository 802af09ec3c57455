"""Rules as they stand in a file: what may be written, and what is wrong with its place."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from kijitsu.domain.errors import InvalidFile
from kijitsu.domain.periods import Effect, Length, Rule
from kijitsu.plans import Library
from tests.unit.worked import RULES

POLICY = "policies:\n  standard: {on_day: {to: [owner]}}\n"
HEAD = POLICY + "rules:\n  filing:\n    title: 届出\n    basis: 条例第1条\n"


def read(folder: Path, text: str) -> dict[str, Rule]:
    (folder / "rules").mkdir()
    (folder / "rules" / "own.yaml").write_text(text, encoding="utf-8")
    return Library(folder).rules().rules


def wrong(folder: Path, text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(InvalidFile) as caught:
        read(folder, text)
    return [(problem.line, problem.code, problem.message) for problem in caught.value.problems]


def test_every_key_of_a_rule_is_read(tmp_path: Path) -> None:
    text = HEAD + "    length: 7d\n    direction: backward\n    clear: true\n    at: 17:15\n    effect: soft\n"

    filing = read(tmp_path, text)["filing"]

    assert (filing.clear, filing.passed, filing.at, filing.effect) == (True, False, time(17, 15), Effect.SOFT)
    assert filing.shown_length == "前へ中7日"


def test_what_an_amendment_leaves_out_stays_as_it_was(tmp_path: Path) -> None:
    text = (
        HEAD
        + "    in_force_from: 2016-01-01\n    length: 10d\n    passed: true\n    confidence: medium\n    amended:\n"
        "      - {in_force_from: 平成28年5月1日, length: 14d}\n"
        "      - {in_force_from: 2016-07-01, basis: 条例第2条, passed: false}\n"
    )

    filing = read(tmp_path, text)["filing"]

    told = [
        (rule.in_force_from, rule.basis, rule.length, rule.passed, rule.confidence)
        for rule in (filing, filing.on(date(2016, 6, 30)), filing.on(date(2016, 7, 1)))
    ]
    assert told == [
        (date(2016, 1, 1), "条例第1条", Length(10, "d"), True, "medium"),
        (date(2016, 5, 1), "条例第1条", Length(14, "d"), True, "medium"),
        (date(2016, 7, 1), "条例第2条", Length(14, "d"), False, "medium"),
    ]


@pytest.mark.parametrize(
    ("keys", "remedy"),
    [
        ("    length: 7d\n    clear: true\n    first_day: included\n", "first_day を excluded にする"),
        ("    length: 7d\n    direction: backward\n    passed: true\n", "clear（中N日）を使ってください"),
        ("    length: 7d\n    amended:\n      - {length: 8d}\n", "in_force_from を書き"),
        (
            "    length: 7d\n    amended:\n      - {in_force_from: 2017-05-30}\n      - {in_force_from: 2016-05-30}\n",
            "古い順",
        ),
    ],
)
def test_a_rule_that_contradicts_itself_is_told_at_its_place(keys: str, remedy: str, tmp_path: Path) -> None:
    [(line, code, message)] = wrong(tmp_path, HEAD + keys)

    assert (line, code) == (4, "bad-rule")
    assert remedy in message


@pytest.mark.parametrize(
    ("keys", "line", "code"),
    [
        ("    length: 7d\n    at: 25:00\n", 8, "bad-time"),
        ("    length: 7d\n    clear: perhaps\n", 8, "bad-value"),
        ("    length: 7d\n    claer: true\n", 8, "unknown-key"),
        ("    length: 7d\n    amended:\n      - {in_force_from: 2017-02-30}\n", 9, "bad-date"),
        ("    length: 7d\n    amended:\n      - {in_force_from: 2017-05-30, amended: []}\n", 9, "unknown-key"),
    ],
)
def test_a_wrong_value_of_a_rule_is_told_at_its_place(keys: str, line: int, code: str, tmp_path: Path) -> None:
    [problem] = wrong(tmp_path, HEAD + keys)

    assert problem[:2] == (line, code)


def test_every_statutory_rule_of_the_city_has_its_article_and_when_it_came_into_force() -> None:
    practice = {id for id, rule in RULES.items() if rule.in_force_from is None}

    assert all(rule.basis for rule in RULES.values())
    assert {RULES[id].confidence for id in practice} == {"low"}
    assert {RULES[id].effect for id in practice} == {Effect.SOFT}
