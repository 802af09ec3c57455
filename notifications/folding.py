"""Lines of plain text that a mail reader of 76 columns shows whole, broken where Japanese may be broken."""

from __future__ import annotations

import re
from functools import cache
from unicodedata import east_asian_width

COLUMNS = 76

_CLOSING = "）」】"
_NEVER_FIRST = "、。，．・：；！？」』）】〕〉》ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ,.;:!?)]}”’… "
_OPENING = "「『（【〔〈《([{“‘"
# What a line begins with, under which the rest hangs: white space, then a label, a number or a bullet.
_LEAD = re.compile(r"[ \u3000]*(?:・|■ |\d+(?:  |\u3000)|[^：:「」、。]{1,12}：|[A-Z][A-Za-z ]{1,22}: )?")


def folded(text: str) -> str:
    """Return the text with every line within 76 columns, but for addresses of pages, which stay whole."""
    return "\n".join(part for line in text.split("\n") for part in _parts(line))


def _parts(line: str) -> list[str]:
    if len(line) * 2 <= COLUMNS or "://" in line or sum(map(_width, line)) <= COLUMNS:
        return [line]
    lead = _LEAD.match(line)
    assert lead is not None
    hang = "".join("\u3000" if _width(character) == 2 else " " for character in lead.group())
    parts = []
    rest, least = line, lead.end()
    while sum(map(_width, rest)) > COLUMNS:
        cut = _cut(rest, least)
        parts.append(rest[:cut].rstrip())
        rest, least = hang + rest[cut:].lstrip(" "), len(hang)
    return [*parts, rest]


def _cut(line: str, least: int) -> int:
    """Return where to break a line that is too long: after a sentence, else after a phrase, else where it may be, but
    after more than `least` characters."""
    columns = limit = 0
    for limit, character in enumerate(line):  # noqa: B007 (the place where it became too long)
        columns += _width(character)
        if columns > COLUMNS:
            break
    places = [cut for cut in range(limit, least, -1) if _may_break(line[cut - 1], line[cut])]
    sentences = (cut for cut in places if line[cut - 1] == "。" and cut > limit // 4)
    clauses = (cut for cut in places if line[cut - 1] in "、 " and cut > limit // 5)
    phrases = (cut for cut in places if (line[cut - 1] in _CLOSING or line[cut] in _OPENING) and cut > limit // 2)
    best = (next(cuts, None) for cuts in (sentences, clauses, phrases, iter(places)))
    return next(filter(None, best), max(limit, least + 1))


def _may_break(before: str, after: str) -> bool:
    is_inside_word = before.isascii() and after.isascii() and " " not in before + after
    return not is_inside_word and after not in _NEVER_FIRST and before not in _OPENING


@cache
def _width(character: str) -> int:
    # Ambiguous ones are wide in the fonts of Japanese readers.
    return 2 if east_asian_width(character) in "WFA" else 1
