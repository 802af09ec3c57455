"""工程表 as a picture: one row a milestone, in SVG. Colours and patterns are classes of static/timeline.css.

What is drawn stands in the page's table as well. Coordinates are pixels, rounded to a tenth. The rows come in sheets,
each with the months above it: a reader never scrolls far from them, and a sheet fits on a printed page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from html import escape
from typing import NamedTuple

from kijitsu.domain.gates import Status
from kijitsu.domain.windows import Precision, Window, add_months, month_end
from kijitsu.services.timeline import Days, Row, Tie, Timeline, Zoom

TITLE, LABEL, WIDEST = 296, 364, 894
ROW, HEAD, FOOT = 24, 78, 4
LONGEST_TITLE, SHEET = 24, 26
# A state whose bar has a pattern: told without its colour, too.
_PATTERNED = {Status.BLOCKED: "stop", Status.WAITING: "wait", Status.UNDECIDED: "open", Status.OVERDUE: "late"}
_PATTERNS = (
    '<defs><pattern id="stop" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" class="p-stop"/><rect width="2.5" height="6" class="p-ink"/></pattern>'
    '<pattern id="late" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">'
    '<rect width="6" height="6" class="p-late"/><rect width="1.5" height="6" class="p-paper"/></pattern>'
    '<pattern id="wait" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect width="6" height="6" class="p-wait"/><circle cx="3" cy="3" r="1" class="p-soft"/></pattern>'
    '<pattern id="open" width="8" height="8" patternUnits="userSpaceOnUse">'
    '<rect width="8" height="8" class="p-paper"/><path d="M0 8L8 0" class="p-line"/></pattern></defs>'
)


class Words(NamedTuple):
    """What a picture says: of each milestone in one line, its state in a word, days, and what the whole is called.

    `year` says a fiscal year where it begins in April, else the year.
    """

    line: Callable[[Row], str]
    state: Callable[[Status], str]
    year: Callable[[date], str]
    month: Callable[[date], str]
    day: Callable[[date], str]
    name: str


def picture(page: Timeline, ties: Sequence[Tie], words: Words, href: Callable[[str], str]) -> str:
    """Return the picture; `href` gives the address of a milestone's page."""
    begins = range(0, len(page.rows), SHEET)
    sheets = (_Sheet(page, words, begin).parts(ties, href, number, len(begins)) for number, begin in enumerate(begins))
    return "".join(part for parts in sheets for part in parts)


class _Sheet:
    def __init__(self, page: Timeline, words: Words, begin: int) -> None:
        self._page, self._words, self._begin = page, words, begin
        self._rows = page.rows[begin : begin + SHEET]
        days = (page.last - page.first).days + 1
        self._day = max(1.0, WIDEST / days)
        self._right = LABEL + days * self._day
        self._bottom = HEAD + len(self._rows) * ROW

    def parts(self, ties: Sequence[Tie], href: Callable[[str], str], number: int, count: int) -> Iterator[str]:
        width, height = self._right + 10, self._bottom + FOOT
        name = self._words.name if count == 1 else f"{self._words.name} {number + 1}/{count}"
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="gantt" width="{width:.0f}" height="{height}"'
            f' viewBox="0 0 {width:.0f} {height}" role="group" aria-label="{escape(name)}">'
        )
        if number == 0:
            yield _PATTERNS
        yield from self._ground()
        yield from self._months()
        for place, row in enumerate(self._rows):
            yield self._row(HEAD + place * ROW, row, href(row.id))
        yield from self._ties(ties)
        yield from self._marks()
        yield "</svg>"

    # --- days ---

    def _x(self, day: date) -> float:
        """Return where a day begins, within the picture."""
        return min(max(LABEL, LABEL + (day - self._page.first).days * self._day), self._right)

    def _after(self, day: date) -> float:
        """Return where a day ends, within the picture."""
        return self._x(day + timedelta(1))

    def _is_in(self, day: date) -> bool:
        return self._page.first <= day <= self._page.last

    def _span(self, days: Days) -> tuple[float, float] | None:
        """Return from where to where some days lie, None where they lie outside."""
        if days[1] < self._page.first or days[0] > self._page.last:
            return None
        return self._x(days[0]), self._after(days[1])

    # --- what lies under and over the rows ---

    def _ground(self) -> Iterator[str]:
        """Yield every other row, the closed days, the assembly's sittings."""
        stripes = "".join(f"M0 {y}H{self._right:.1f}v{ROW}H0z" for y in range(HEAD, self._bottom, 2 * ROW))
        yield f'<path class="stripe" d="{stripes}"/>'
        closed = "".join(
            f"M{self._x(first):.1f} {HEAD}H{self._after(last):.1f}V{self._bottom}H{self._x(first):.1f}z"
            for first, last in self._page.closed
        )
        if closed:
            yield f'<path class="closed" d="{closed}"/>'
        for sitting in self._page.sittings:
            if span := self._span(sitting.days):
                yield (
                    f'<rect class="sitting" x="{span[0]:.1f}" y="60" width="{span[1] - span[0]:.1f}"'
                    f' height="{self._bottom - 60}"/>'
                    f'<text class="s" x="{span[0] + 4:.1f}" y="73">{escape(sitting.title)}</text>'
                )

    def _months(self) -> Iterator[str]:
        month, before = self._page.first, 0
        while month <= self._page.last:
            x, wide = self._x(month), self._after(month_end(month)) - self._x(month)
            yield f'<path class="{"year" if month.month == 4 else "month"}" d="M{x:.1f} 40V{self._bottom}"/>'
            if wide > 24 or month.month % 3 == 1:
                yield f'<text class="m" x="{x + 3:.1f}" y="54">{self._words.month(month)}</text>'
            if before != month.year or month.month == 4:
                yield f'<text class="y" x="{x + 3:.1f}" y="36">{self._words.year(month)}</text>'
            if self._page.asked.zoom is Zoom.MONTH:
                # The name of the month stands for its first day.
                yield from (
                    f'<text class="d" x="{self._x(day) + self._day / 2:.1f}" y="54">{day.day}</text>'
                    for day in (month.replace(day=number) for number in range(2, month_end(month).day + 1))
                )
            before, month = month.year, add_months(month, 1)

    def _ties(self, ties: Sequence[Tie]) -> Iterator[str]:
        """Yield the ties that begin, end or pass here; of a longer one, what lies on this sheet."""
        drawn = "".join(part for tie in ties for part in self._tie(tie))
        if drawn:
            tall = self._bottom - HEAD
            yield f'<svg class="ties" y="{HEAD}" width="{self._right:.1f}" height="{tall}">{drawn}</svg>'

    def _tie(self, tie: Tie) -> Iterator[str]:
        places = self._page.places[tie.link.on], self._page.places[tie.head]
        tail, head = (self._page.rows[place] for place in places)
        if max(places) < self._begin or min(places) >= self._begin + len(self._rows):
            return
        if tail.planned is None or head.planned is None:
            return
        kind = tie.link.type
        x = self._after(tail.planned[1]) if kind.holds_from_finish else self._x(tail.planned[0])
        to_x = self._x(head.planned[0]) if kind.holds_start else self._after(head.planned[1])
        if not (LABEL < x < self._right or LABEL < to_x < self._right):
            return
        y, to_y = ((place - self._begin) * ROW + ROW // 2 for place in places)
        turn = max(x + 6, to_x - 6) if to_x >= x else x + 6
        critical = " critical" if tie.is_critical else ""
        # The tip points to where it comes from.
        back = -5 if turn <= to_x else 5
        yield (
            f'<path class="tie{critical}" d="M{x:.1f} {y}H{turn:.1f}V{to_y}H{to_x:.1f}"/>'
            f'<path class="tip{critical}" d="M{to_x:.1f} {to_y}l{back} -3v6z"/>'
        )

    def _marks(self) -> Iterator[str]:
        """Yield the line of the day that is looked at, and of today where that is another."""
        for day, kind in {self._page.on: "on", self._page.today: "today"}.items():
            if self._is_in(day):
                x = self._x(day)
                yield (
                    f'<path class="{kind}" d="M{x:.1f} 15V{self._bottom}"/>'
                    f'<text class="now" x="{x:.1f}" y="12">{self._words.day(day)}</text>'
                )

    # --- one row ---

    def _row(self, y: int, row: Row, href: str) -> str:
        title, said = row.milestone.title, escape(self._words.line(row))
        state = escape(self._words.state(row.verdict.status))
        label = title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}…"
        classes = f"row {row.verdict.status.value}{' critical' if row.is_critical else ''}"
        marks = "".join((*self._window(row.milestone.window, y), *self._bar(row, y), *self._rest(row, y)))
        return (
            f'<a class="{classes}" href="{escape(href)}" aria-label="{said}"><title>{said}</title>'
            f'<rect class="hit" y="{y}" width="{self._right:.1f}" height="{ROW}"/>'
            f'<text class="t" x="{TITLE}" y="{y + 16}">{escape(label)}</text>'
            f'<text class="st" x="{TITLE + 8}" y="{y + 16}">{state}</text>{marks}</a>'
        )

    def _window(self, window: Window | None, y: int) -> Iterator[str]:
        """Yield the time that the source gives: sharp for a day, soft for more, without an end where it has none."""
        if window is None:
            return
        if window.undecided:
            yield f'<path class="unsettled" d="M{LABEL} {y + 12}H{self._right:.1f}"/>'
            yield f'<text class="u" x="{LABEL + 6}" y="{y + 16}">{escape(window.wording)}</text>'
            return
        first, last = window.first or date.min, window.last or date.max
        if last < self._page.first or self._page.last < first:
            return
        kind = "sharp" if window.precision is Precision.DAY else "soft"
        kind += " about" if window.approximate else ""
        begins, ends = self._page.first <= first, last <= self._page.last
        left, right = self._x(first) if begins else LABEL, self._after(last) if ends else self._right
        top, tall = y + 3, ROW - 6
        if begins and ends:
            round_ = ' rx="5"' if kind.startswith("soft") else ""
            yield (
                f'<rect class="w {kind}" x="{left:.1f}" y="{top}" width="{max(right - left, 2):.1f}"'
                f' height="{tall}"{round_}/>'
            )
        else:
            # No edge where it goes on.
            first_edge, last_edge = ("v" if begins else "m0 "), ("v" if ends else "m0 ")
            edges = f"M{right:.1f} {top}H{left:.1f}{first_edge}{tall}H{right:.1f}{last_edge}-{tall}"
            yield f'<path class="w {kind}" d="M{left:.1f} {top}H{right:.1f}v{tall}H{left:.1f}z"/>'
            yield f'<path class="edges" d="{edges}"/>'
        # What goes on for ever, as against for longer than can be seen.
        if window.last is None:
            yield f'<path class="end" d="M{right - 9:.1f} {y + 8}l4 4l-4 4m4 -8l4 4l-4 4"/>'
        if window.first is None:
            yield f'<path class="end" d="M{left + 9:.1f} {y + 8}l-4 4l4 4m-4 -8l-4 4l4 4"/>'

    def _bar(self, row: Row, y: int) -> Iterator[str]:
        if row.planned is None:
            return
        status, span = row.verdict.status, self._span(row.planned)
        if span is None:
            # Where to look for it.
            x, step = (LABEL + 8, -5) if row.planned[1] < self._page.first else (self._right - 8, 5)
            yield f'<path class="edge" d="M{x:.1f} {y + 8}v8l{step} -4z"/>'
            return
        pattern = f' fill="url(#{_PATTERNED[status]})"' if status in _PATTERNED else ""
        yield (
            f'<rect class="b" x="{span[0]:.1f}" y="{y + 7}" width="{max(span[1] - span[0], 3):.1f}"'
            f' height="{ROW - 14}"{pattern}/>'
        )
        if row.latest:
            limit = self._after(row.latest[1])
            if row.latest[1] > row.planned[1]:
                yield f'<path class="slack" d="M{span[1]:.1f} {y + 12}H{limit:.1f}m0 -4v8"/>'
            elif row.latest[1] < row.planned[1]:
                yield f'<path class="slack over" d="M{span[1]:.1f} {y + 19}H{limit:.1f}m0 2v-5"/>'

    def _rest(self, row: Row, y: int) -> Iterator[str]:
        """Yield the validity, the baseline and the deadline."""
        if row.valid and (span := self._span((row.valid[0], row.valid[1] or self._page.last))):
            yield f'<path class="valid" d="M{span[0]:.1f} {y + 4}H{span[1]:.1f}"/>'
        if row.baseline and (span := self._span(row.baseline)):
            yield (
                f'<rect class="base" x="{span[0]:.1f}" y="{y + ROW - 4}"'
                f' width="{max(span[1] - span[0], 3):.1f}" height="3"/>'
            )
        if row.slot.due and self._is_in(row.slot.due):
            x = self._after(row.slot.due)
            kind = " hard" if row.slot.due_kind == "deadline" else ""
            kind += " provisional" if row.slot.is_provisional else ""
            yield f'<path class="due{kind}" d="M{x - 4.5:.1f} {y + 1}h9l-4.5 7z"/>'
