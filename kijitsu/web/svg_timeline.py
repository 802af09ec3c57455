"""工程表 as a picture: one row a milestone, in SVG. Colours and patterns are classes of static/timeline.css.

What is drawn stands in the page's table as well. Coordinates are pixels, rounded to a tenth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from html import escape

from kijitsu.domain.eras import show_fiscal_year, show_year
from kijitsu.domain.gates import Status
from kijitsu.domain.plan import LinkType
from kijitsu.domain.windows import Precision, Window, add_months, month_end
from kijitsu.services.timeline import Days, Row, Tie, Timeline, Zoom

LABEL, ROW, HEAD, FOOT = 312, 24, 64, 4
WIDEST, LONGEST_TITLE = 940, 24
_DAY = {Zoom.MONTH: 30.0, Zoom.QUARTER: 10.4}
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

Words = Callable[[Row], str]
"""What is said of a milestone to whoever points at it, or hears it read."""


def picture(page: Timeline, ties: Sequence[Tie], words: Words, href: Callable[[str], str], name: str) -> str:
    """Return the picture; `href` gives the address of a milestone's page, `name` what the whole is called."""
    return "".join(_Picture(page).parts(ties, words, href, name))


class _Picture:
    def __init__(self, page: Timeline) -> None:
        self._page = page
        days = (page.last - page.first).days + 1
        self._day = _DAY.get(page.asked.zoom, max(1.0, WIDEST / days))
        self._right = LABEL + days * self._day
        self._bottom = HEAD + len(page.rows) * ROW

    def parts(self, ties: Sequence[Tie], words: Words, href: Callable[[str], str], name: str) -> Iterator[str]:
        width, height = self._right + 10, self._bottom + FOOT
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="gantt" width="{width:.0f}" height="{height}"'
            f' viewBox="0 0 {width:.0f} {height}" role="group" aria-label="{escape(name)}">{_PATTERNS}'
        )
        yield from self._ground()
        yield from self._months()
        yield from (self._row(place, row, words(row), href(row.id)) for place, row in enumerate(self._page.rows))
        yield from self._ties(ties)
        yield from self._marks()
        yield "</svg>"

    def _x(self, day: date) -> float:
        """Return where a day begins, within the picture."""
        return min(max(LABEL, LABEL + (day - self._page.first).days * self._day), self._right)

    def _is_in(self, day: date) -> bool:
        return self._page.first <= day <= self._page.last

    def _span(self, days: Days) -> tuple[float, float] | None:
        """Return from where to where some days lie, None where they lie outside."""
        if days[1] < self._page.first or days[0] > self._page.last:
            return None
        return self._x(days[0]), self._x(days[1] + timedelta(1))

    def _ground(self) -> Iterator[str]:
        """Yield what lies under the rows: every other row, the closed days, the assembly's sittings."""
        stripes = "".join(
            f"M0 {HEAD + place * ROW}H{self._right:.1f}v{ROW}H0z" for place in range(0, len(self._page.rows), 2)
        )
        yield f'<path class="stripe" d="{stripes}"/>'
        closed = "".join(
            f"M{self._x(first):.1f} {HEAD}H{self._x(last + timedelta(1)):.1f}V{self._bottom}H{self._x(first):.1f}z"
            for first, last in self._page.closed
        )
        if closed:
            yield f'<path class="closed" d="{closed}"/>'
        for sitting in self._page.sittings:
            if span := self._span(sitting.days):
                yield (
                    f'<rect class="sitting" x="{span[0]:.1f}" y="{HEAD - 4}" width="{span[1] - span[0]:.1f}"'
                    f' height="{self._bottom - HEAD + 4}"><title>{escape(sitting.title)}</title></rect>'
                )

    def _months(self) -> Iterator[str]:
        month, before = self._page.first.replace(day=1), 0
        while month <= self._page.last:
            x, wide = self._x(month), self._x(month_end(month)) - self._x(month)
            yield f'<path class="{"year" if month.month == 4 else "month"}" d="M{x:.1f} 40V{self._bottom}"/>'
            if wide > 24 or month.month % 3 == 1:
                yield f'<text class="m" x="{x + 3:.1f}" y="56">{month.month}月</text>'
            if before != month.year or month.month == 4:
                said = show_fiscal_year(month.year) if month.month == 4 else show_year(month)
                yield f'<text class="y" x="{x + 3:.1f}" y="36">{said}</text>'
            if self._page.asked.zoom is Zoom.MONTH:
                yield from (
                    f'<text class="d" x="{self._x(day) + self._day / 2:.1f}" y="56">{day.day}</text>'
                    for day in (month + timedelta(number) for number in range(1, month_end(month).day))
                )
            before, month = month.year, add_months(month, 1)

    def _row(self, place: int, row: Row, said: str, href: str) -> str:
        y, status = HEAD + place * ROW, row.verdict.status
        title = row.milestone.title
        label = title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}…"
        marks = "".join(
            [
                *self._window(row.milestone.window, y),
                *self._bar(row, status, y),
                *self._rest(row, y),
            ]
        )
        classes = f"row {status.value}{' critical' if row.is_critical else ''}"
        return (
            f'<a class="{classes}" href="{escape(href)}" aria-label="{escape(said)}"><title>{escape(said)}</title>'
            f'<rect class="hit" x="0" y="{y}" width="{self._right:.1f}" height="{ROW}"/>'
            f'<text class="t" x="{LABEL - 8}" y="{y + 16}">{escape(label)}</text>{marks}</a>'
        )

    def _window(self, window: Window | None, y: int) -> Iterator[str]:
        """Yield the time that the source gives: sharp for a day, soft for more, without an end where it has none."""
        if window is None or window.undecided:
            return
        first, last = window.first or self._page.first, window.last or self._page.last
        if span := self._span((first, last)):
            left, right = span
            kind = "sharp" if window.precision is Precision.DAY else "soft"
            kind += " about" if window.approximate else ""
            top, tall = y + 3, ROW - 6
            if window.first and window.last:
                round_ = 0 if kind == "sharp" else 5
                yield (
                    f'<rect class="w {kind}" x="{left:.1f}" y="{top}" width="{max(right - left, 2):.1f}"'
                    f' height="{tall}" rx="{round_}"/>'
                )
            elif window.first:
                yield f'<path class="w {kind}" d="M{right:.1f} {top}H{left:.1f}v{tall}H{right:.1f}"/>'
            else:
                yield f'<path class="w {kind}" d="M{left:.1f} {top}H{right:.1f}v{tall}H{left:.1f}"/>'

    def _bar(self, row: Row, status: Status, y: int) -> Iterator[str]:
        if row.planned and (span := self._span(row.planned)):
            pattern = f' fill="url(#{_PATTERNED[status]})"' if status in _PATTERNED else ""
            yield (
                f'<rect class="b" x="{span[0]:.1f}" y="{y + 7}" width="{max(span[1] - span[0], 3):.1f}"'
                f' height="{ROW - 14}"{pattern}/>'
            )
            if row.latest and row.latest[1] > row.planned[1]:
                # How late it may end.
                end = self._x(row.latest[1] + timedelta(1))
                yield f'<path class="slack" d="M{span[1]:.1f} {y + 12}H{end:.1f}m0 -4v8"/>'

    def _rest(self, row: Row, y: int) -> Iterator[str]:
        if row.valid and (span := self._span((row.valid[0], row.valid[1] or self._page.last))):
            yield f'<path class="valid" d="M{span[0]:.1f} {y + 4}H{span[1]:.1f}"/>'
        if row.baseline and (span := self._span(row.baseline)):
            yield (
                f'<rect class="base" x="{span[0]:.1f}" y="{y + ROW - 5}"'
                f' width="{max(span[1] - span[0], 3):.1f}" height="3"/>'
            )
        if row.slot.due and self._is_in(row.slot.due):
            x = self._x(row.slot.due + timedelta(1))
            hard = " hard" if row.slot.due_kind == "deadline" else ""
            yield f'<path class="due{hard}" d="M{x - 4.5:.1f} {y + 1}h9l-4.5 7z"/>'

    def _ties(self, ties: Sequence[Tie]) -> Iterator[str]:
        for tie in ties:
            tail, head = (self._page.rows[self._page.places[id]] for id in (tie.link.on, tie.head))
            if tail.planned is None or head.planned is None:
                continue
            at_start = tie.link.type in (LinkType.START_TO_START, LinkType.START_TO_FINISH)
            to_finish = tie.link.type in (LinkType.FINISH_TO_FINISH, LinkType.START_TO_FINISH)
            x = self._x(tail.planned[0]) if at_start else self._x(tail.planned[1] + timedelta(1))
            to_x = self._x(head.planned[1] + timedelta(1)) if to_finish else self._x(head.planned[0])
            y, to_y = (HEAD + self._page.places[id] * ROW + ROW / 2 for id in (tie.link.on, tie.head))
            if not (LABEL < x < self._right or LABEL < to_x < self._right):
                continue
            turn = max(x + 6, to_x - 6) if to_x >= x else x + 6
            critical = " critical" if tie.is_critical else ""
            yield (
                f'<path class="tie{critical}" d="M{x:.1f} {y:.0f}H{turn:.1f}V{to_y:.0f}H{to_x:.1f}"/>'
                f'<path class="tip{critical}" d="M{to_x:.1f} {to_y:.0f}l-5 -3v6z"/>'
            )

    def _marks(self) -> Iterator[str]:
        """Yield the line of the day that is looked at, and of today where that is another."""
        for day, kind in {self._page.on: "on", self._page.today: "today"}.items():
            if self._is_in(day):
                x = self._x(day)
                yield (
                    f'<path class="{kind}" d="M{x:.1f} 15V{self._bottom}"/>'
                    f'<text class="now" x="{x:.1f}" y="12">{day.month}/{day.day}</text>'
                )
