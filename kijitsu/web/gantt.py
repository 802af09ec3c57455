"""The year as a picture: one row a milestone, its window, and its state on every day, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape

from kijitsu.domain.eras import show_date, show_fiscal_year, show_year
from kijitsu.domain.gates import SHOWN, Status
from kijitsu.domain.windows import Window, add_months

FONTS = "Noto Sans CJK JP, Yu Gothic, Meiryo, sans-serif"
LABEL, ROW, HEAD, DAY = 330, 20, 46, 2.0
# Fill and mark: a state is told by its pattern and in words too, never by colour alone.
FILLS = {
    Status.DONE: "#7fb08a",
    Status.WAIVED: "#b9c7bd",
    Status.CANCELLED: "#c9c9c9",
    Status.BLOCKED: "url(#stop)",
    Status.OVERDUE: "#c0392b",
    Status.DUE_SOON: "#e3a23c",
    Status.ACTIVE: "#4a7fb5",
    Status.READY: "#9fc1e0",
    Status.WAITING: "url(#wait)",
    Status.SCHEDULED: "#eceff1",
    Status.UNDECIDED: "url(#open)",
}
_PATTERNS = (
    '<pattern id="stop" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" fill="#f6d5d1"/><rect width="3" height="6" fill="#8e2a20"/></pattern>'
    '<pattern id="wait" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect width="6" height="6" fill="#f1f3f4"/><circle cx="3" cy="3" r="1" fill="#78838b"/></pattern>'
    '<pattern id="open" width="8" height="8" patternUnits="userSpaceOnUse">'
    '<rect width="8" height="8" fill="#fff"/><path d="M0 8L8 0" stroke="#9aa5ab" stroke-width="1"/></pattern>'
)


@dataclass(frozen=True, slots=True)
class Row:
    """One milestone: its states as (from which day, status) in order, its window and its due date."""

    id: str
    title: str
    states: Sequence[tuple[date, Status]]
    window: Window | None
    due: date | None


def gantt(rows: Sequence[Row], first: date, last: date, title: str, today: date | None = None) -> str:
    """Return the picture of the days from `first` to `last`; states end `today` where it is given."""
    width = LABEL + (last - first).days * DAY + DAY + 8
    height = HEAD + len(rows) * ROW + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height}">',
        f'<g role="img" aria-labelledby="gantt-title" font-family="{FONTS}">',
        f'<title id="gantt-title">{escape(title)}</title><defs>{_PATTERNS}</defs>',
        f'<rect width="{width:g}" height="{height}" fill="#fff"/>',
        *_months(first, last, height),
    ]
    known_until = min(last, today) if today else last
    for number, row in enumerate(rows):
        parts += _row(row, HEAD + number * ROW, first, last, known_until, number)
    if today and first <= today <= last:
        x = _x(today, first)
        parts.append(f'<path d="M{x:g} {HEAD - 8}V{height - 8}" stroke="#111" stroke-width="1.5"/>')
        parts.append(f'<text x="{x + 4:g}" y="{HEAD - 6}" font-size="11">{today.month}/{today.day}</text>')
    return "".join([*parts, "</g></svg>"])


def legend() -> str:
    """Return the key of the states, each a sample and a word."""
    samples = "".join(
        f'<span class="key"><svg width="26" height="12" aria-hidden="true"><rect width="26" height="12" rx="2"'
        f' fill="{fill}" stroke="#8a949b" stroke-width=".5"/></svg>{SHOWN[status]}</span>'
        for status, fill in FILLS.items()
    )
    return f'<p class="legend">{samples}<span class="key"><b>▼</b>期限</span></p>'


def states_by_milestone(changes: Sequence[tuple[date, str, str]]) -> Mapping[str, list[tuple[date, Status]]]:
    """Return each milestone's states from (day, milestone, status) in order."""
    states: dict[str, list[tuple[date, Status]]] = {}
    for day, id, status in changes:
        states.setdefault(id, []).append((day, Status(status)))
    return states


def _x(day: date, first: date) -> float:
    return LABEL + (day - first).days * DAY


def _months(first: date, last: date, height: int) -> Iterator[str]:
    month = first.replace(day=1)
    while month <= last:
        x = max(LABEL, _x(month, first))
        weight = 1.2 if month.month == 4 else 0.5
        yield f'<path d="M{x:g} 26V{height - 8}" stroke="#c3cbd0" stroke-width="{weight}"/>'
        yield f'<text x="{x + 4:g}" y="38" font-size="11" fill="#37474f">{month.month}月</text>'
        if month.month in (1, 4):
            year = show_year(month) if month.month == 1 else show_fiscal_year(month.year)
            yield f'<text x="{x + 4:g}" y="20" font-size="12" font-weight="bold" fill="#263238">{year}</text>'
        month = add_months(month, 1)


def _row(row: Row, y: int, first: date, last: date, known_until: date, number: int) -> Iterator[str]:
    if number % 2 == 0:
        width = LABEL + (last - first).days * DAY + DAY
        yield f'<rect x="0" y="{y}" width="{width:g}" height="{ROW}" fill="#f7f9fa"/>'
    label = row.title if len(row.title) <= 26 else row.title[:25] + "…"
    yield f'<text x="{LABEL - 8}" y="{y + 14}" font-size="12" text-anchor="end" fill="#1b1f22">{escape(label)}</text>'
    for begin, end, status in _spans(row.states, first, known_until):
        x, wide = _x(begin, first), ((end - begin).days + 1) * DAY
        said = f"{row.title}: {SHOWN[status]} {show_date(begin)}～{show_date(end)}"
        thin = status in (Status.SCHEDULED, Status.DONE, Status.WAIVED, Status.CANCELLED)
        tall = 6 if thin else 12
        yield (
            f'<rect x="{x:g}" y="{y + (ROW - tall) / 2:g}" width="{wide:g}" height="{tall}" fill="{FILLS[status]}">'
            f"<title>{escape(said)}</title></rect>"
        )
    if row.window and (row.window.first or row.window.last):
        begin, end = max(row.window.first or first, first), min(row.window.last or last, last)
        if begin <= end:
            wide = ((end - begin).days + 1) * DAY
            yield (
                f'<rect x="{_x(begin, first):g}" y="{y + 2}" width="{wide:g}" height="{ROW - 4}" rx="3" fill="none"'
                f' stroke="#263238" stroke-width=".9"><title>{escape(row.window.wording)}</title></rect>'
            )
    if row.due and first <= row.due <= last:
        x = _x(row.due, first) + DAY
        yield f'<path d="M{x - 4:g} {y}h8l-4 6z" fill="#263238"><title>期限 {show_date(row.due)}</title></path>'


def _spans(states: Sequence[tuple[date, Status]], first: date, last: date) -> Iterator[tuple[date, date, Status]]:
    for number, (begin, status) in enumerate(states):
        end = states[number + 1][0] - timedelta(1) if number + 1 < len(states) else last
        if begin <= last and end >= first:
            yield max(begin, first), min(end, last), status
