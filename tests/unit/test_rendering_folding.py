"""Where a long line of plain text is broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.folding import COLUMNS, folded


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("短い行です。", ["短い行です。"]),
        ("あ" * 38, ["あ" * 38]),
        ("あ" * 39, ["あ" * 38, "あ"]),
        ("あ" * 38 + "。", ["あ" * 37, "あ。"]),
        ("あ" * 37 + "「い」", ["あ" * 37, "「い」"]),
        ("あ" * 20 + "。" + "い" * 30, ["あ" * 20 + "。", "い" * 30]),
        ("あ" * 20 + "、" + "い" * 30, ["あ" * 20 + "、", "い" * 30]),
        ("　　期限：" + "あ" * 40, ["　　期限：" + "あ" * 33, "　　　　　" + "あ" * 7]),
        ("    Deadline: " + "word " * 20, ["    Deadline: " + "word " * 11 + "word", " " * 14 + "word " * 7 + "word "]),
        ("https://kijitsu.city.example/" + "x" * 100, ["https://kijitsu.city.example/" + "x" * 100]),
        ("x" * 100, ["x" * 76, "x" * 24]),
    ],
)
def test_a_line_breaks_where_a_reader_would(line: str, lines: list[str]) -> None:
    assert folded(line).split("\n") == lines


@given(st.text(st.sampled_from("あ、。「」（）ー Aa:：1　・"), max_size=400))
def test_nothing_is_lost_and_no_line_is_too_long(line: str) -> None:
    parts = folded(line).split("\n")

    assert "".join("".join(parts).split()) == "".join(line.split())
    assert all(sum(1 + (ord(c) > 0xB6) for c in part) <= COLUMNS + 2 for part in parts)
