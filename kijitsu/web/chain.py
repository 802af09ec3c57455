"""The chain of stops as a picture: root causes at the left, what they hold up to the right, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from textwrap import wrap

from kijitsu.web.gantt import FONTS

BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN, LETTERS = 188, 62, 56, 20, 16, 14


_TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="#5b676e"/></marker></defs>'
)


def chain_picture(
    titles: Mapping[str, str],
    links: Sequence[tuple[str, str]],
    roots: Sequence[str],
    words: tuple[str, str] = ("原因: ", "停止: "),
) -> str:
    """Return the picture of `links` (from, to) between ids; `roots` are marked as causes, by the first of the `words`.

    Each box stands one column to the right of the furthest of those before it.
    """
    columns: list[list[str]] = []
    for id, depth in _depths(list(titles), links).items():
        while len(columns) <= depth:
            columns.append([])
        columns[depth].append(id)
    tallest = max(map(len, columns))
    width = 2 * MARGIN + len(columns) * BOX_WIDTH + (len(columns) - 1) * GAP_X
    height = 2 * MARGIN + tallest * BOX_HEIGHT + (tallest - 1) * GAP_Y
    place = {}
    for number, column in enumerate(columns):
        used = len(column) * BOX_HEIGHT + (len(column) - 1) * GAP_Y
        for row, id in enumerate(column):
            y = (height - used) / 2 + row * (BOX_HEIGHT + GAP_Y)
            place[id] = (MARGIN + number * (BOX_WIDTH + GAP_X), y)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        _TIP,
        f'<rect width="{width}" height="{height}" fill="#fff"/><g font-family="{FONTS}">',
        *(_arrow(place[before], place[after]) for before, after in _shortened(links)),
        *(part for id, at in place.items() for part in _box(words[id not in roots] + titles[id], at, id in roots)),
    ]
    return "".join([*parts, "</g></svg>"])


def _depths(ids: Sequence[str], links: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return each id's column; ids come with prerequisites first."""
    depth = dict.fromkeys(ids, 0)
    for id in ids:
        depth[id] = max((depth[before] + 1 for before, after in links if after == id), default=0)
    return depth


def _shortened(links: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out the links that a longer way says already: the picture is read, not counted."""
    after: dict[str, set[str]] = {}
    for source, target in links:
        after.setdefault(source, set()).add(target)

    def reaches(source: str, target: str) -> bool:
        waiting, seen = list(after.get(source, ())), set()
        while waiting:
            id = waiting.pop()
            if id == target:
                return True
            if id not in seen:
                seen.add(id)
                waiting += after.get(id, ())
        return False

    return [
        (source, target)
        for source, target in dict.fromkeys(links)
        if not any(reaches(other, target) for other in after[source] if other != target)
    ]


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    x, y = start[0] + BOX_WIDTH, start[1] + BOX_HEIGHT / 2
    to_x, to_y = end[0], end[1] + BOX_HEIGHT / 2
    bend = GAP_X * 0.6
    return (
        f'<path d="M{x:g} {y:g}C{x + bend:g} {y:g} {to_x - bend:g} {to_y:g} {to_x - 1:g} {to_y:g}"'
        ' fill="none" stroke="#5b676e" stroke-width="1.4" marker-end="url(#tip)"/>'
    )


def _box(text: str, at: tuple[float, float], is_root: bool) -> Iterator[str]:
    x, y = at
    fill, stroke, wide = ("#fbe4e1", "#8e2a20", 2.5) if is_root else ("#f4f6f7", "#78838b", 1.2)
    yield (
        f'<rect x="{x:g}" y="{y:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"'
        f' fill="{fill}" stroke="{stroke}" stroke-width="{wide}"/>'
    )
    lines = wrap(text, LETTERS)
    if len(lines) > 3:
        lines = [*lines[:2], lines[2][: LETTERS - 1] + "…"]
    top = y + BOX_HEIGHT / 2 - (len(lines) - 1) * 8.5 + 4.5
    for number, line in enumerate(lines):
        yield (
            f'<text x="{x + BOX_WIDTH / 2:g}" y="{top + number * 17:g}" font-size="12" text-anchor="middle"'
            f' fill="#1b1f22">{escape(line)}</text>'
        )
