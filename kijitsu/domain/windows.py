"""Windows: a date as a municipal source gives it, from 平成28年6月3日（金） to 29年7月～ and 調整中."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache

from kijitsu.domain.eras import show_date
from kijitsu.domain.wordings import Precision as Precision
from kijitsu.domain.wordings import Reader, Unit, plain, show_unit
from kijitsu.domain.wordings import WindowError as WindowError
from kijitsu.domain.wordings import add_months as add_months
from kijitsu.domain.wordings import month_end as month_end


@dataclass(frozen=True, slots=True)
class Window:
    """First and last day (inclusive; None where open), how precise, and the wording that people are shown.

    `warnings` are Japanese sentences about what was accepted all the same, such as 平成31年5月.
    """

    first: date | None
    last: date | None
    precision: Precision
    approximate: bool = False
    undecided: bool = False
    wording: str = field(default="", compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def on(cls, day: date) -> Window:
        """Return the window that is one day."""
        return cls(day, day, Precision.DAY, wording=show_date(day))

    @property
    def is_open(self) -> bool:
        """True where an end is not given though the window is decided."""
        return not self.undecided and (self.first is None or self.last is None)

    @property
    def moves_by_months(self) -> bool:
        """True where the source speaks of whole months, so that a move keeps whole months."""
        ends = [day for day in (self.first, self.last) if day]
        return self.precision in (Precision.MONTH, Precision.QUARTER, Precision.FISCAL_YEAR) or (
            self.precision is Precision.RANGE
            and (self.first is None or self.first.day == 1)
            and (self.last is None or self.last == month_end(self.last))
            and bool(ends)
        )


def shifted_months(window: Window, months: int) -> Window:
    """Return the window `months` later, whole months staying whole; the wording is written anew."""
    last = window.last and add_months(window.last, months)
    if window.last and window.last == month_end(window.last):
        last = month_end(last) if last else None
    return reworded(window, window.first and add_months(window.first, months), last)


def shifted_days(window: Window, days: int) -> Window:
    """Return the window `days` calendar days later; the wording is written anew."""
    step = timedelta(days)
    return reworded(window, window.first and window.first + step, window.last and window.last + step)


def reworded(window: Window, first: date | None, last: date | None) -> Window:
    """Return the window with other ends; where it is no third, quarter or fiscal year any more, it says so."""
    precision = window.precision
    if precision in (Precision.THIRD, Precision.QUARTER, Precision.FISCAL_YEAR):
        moved = Window(first, last, precision, window.approximate)
        precision = precision if parse_window(show_window(moved)) == moved else Precision.RANGE
    if precision is Precision.RANGE and (first is None or last is None):
        precision = Precision.MONTH if window.moves_by_months else Precision.DAY
    moved = Window(first, last, precision, window.approximate)
    return Window(first, last, precision, window.approximate, wording=show_window(moved))


# --- showing ---------------------------------------------------------------------------------------------------------


def show_window(window: Window) -> str:
    """Return the window in Japanese, in a form that parses to the same value again."""
    if window.undecided:
        return "調整中"
    about = "めど" if window.approximate else ""
    first, last = window.first, window.last
    if first is None or last is None:
        begin = show_unit(first, window.precision, True) if first else ""
        end = show_unit(last, window.precision, False) if last else ""
        return f"{begin}～{end}{about}"
    if window.precision is not Precision.RANGE:
        return show_unit(last if window.precision is Precision.MONTH else first, window.precision, True) + about
    # Only where both ends are whole months are months said: 6月1日～10日 is not 6月～6月10日.
    by_month = first.day == 1 and last == month_end(last)
    precision = Precision.MONTH if by_month else Precision.DAY
    return f"{show_unit(first, precision, True)}～{show_unit(last, precision, False)}{about}"


# --- reading ---------------------------------------------------------------------------------------------------------

# Longer than any date: somebody wrote a sentence.
_LONGEST = 100
_UNDECIDED = re.compile(r"\(?(?:日程|日時|日付|時期|期日)?は?(?:調整中|未定|検討中|協議中|未確定|TBD)\)?")
_SEPARATOR = re.compile(r"~|から|より")
_ABOUT = r"を?(?:めど|目途|目処)(?:として|とし)?|頃|ごろ|ころ|前後|見込み?"
_SIDE = re.compile(
    rf"(?P<core>.*?)(?P<about>{_ABOUT})?(?:(?P<until>まで|迄|以前)|(?P<since>以降|以後))?に?(?P<about_end>{_ABOUT})?に?"
    r"(?:[をの]?予定|\(予定\)|付け?|現在|時点)?"
)


# A change reads the whole text of its plan again, of which a few words are new.
@lru_cache(maxsize=1 << 14)
def parse_window(text: str, fiscal_year: int | None = None) -> Window:
    """Read a window from a municipal source's own words.

    `fiscal_year` (2016 for 平成28年度) gives the era and the year where the words leave them out, as in 4月～5月 or
    28年7月. Raises WindowError with what was read and what to write instead.
    """
    wording = text.strip()
    if len(wording) > _LONGEST:
        raise WindowError(
            f"「{wording[:20]}…」は日付としては長すぎます。日付だけを書き、説明は note に書いてください。"
        )
    words = plain(wording)
    if not words:
        raise WindowError("日付が空です。「平成28年6月」「2016-06-03」「調整中」のように書いてください。")
    if _UNDECIDED.fullmatch(words):
        return Window(None, None, Precision.RANGE, undecided=True, wording=wording)
    sides = [side for part in _SEPARATOR.split(words) if (side := _SIDE.fullmatch(part))]
    if len(sides) > 2:
        raise WindowError(f"「{wording}」には「～」が二つ以上あります。始まりと終わりの二つだけにしてください。")
    is_open = len(sides) == 2 or bool(sides[0]["until"] or sides[0]["since"])
    if len(sides) == 2 and (sides[0]["until"] or sides[1]["since"]):
        raise WindowError(f"「{wording}」は始まりと終わりがわかりません。「平成28年6月～7月」のように書いてください。")
    begin, end = sides[0]["core"], sides[1]["core"] if len(sides) == 2 else ""
    if sides[0]["until"]:
        begin, end = end, begin
    reader = Reader(wording, fiscal_year)
    left, right = reader.read_both(begin, end)
    approximate = any(side["about"] or side["about_end"] for side in sides)
    warnings = tuple(reader.warnings)
    if left and right:
        if right.last < left.first:
            raise WindowError(
                f"「{wording}」は、終わり（{show_date(right.last, weekday=False)}）が"
                f"始まり（{show_date(left.first, weekday=False)}）より前です。"
                "入れ替えるか、終わりの年月も書いてください。"
            )
        return Window(left.first, right.last, Precision.RANGE, approximate, False, wording, warnings)
    unit = left or right
    if unit is None:
        raise WindowError(f"「{wording}」には日付がありません。「平成28年6月～7月」のように書いてください。")
    if not is_open:
        return Window(unit.first, unit.last, unit.precision, approximate, False, wording, warnings)
    first, last = (unit.first, None) if left else (None, unit.last)
    return Window(first, last, _open_precision(unit), approximate, False, wording, warnings)


def _open_precision(unit: Unit) -> Precision:
    """Return how a window with one end is shown: of a half year or half month only one day remains."""
    if unit.precision is not Precision.RANGE or (unit.first.month, unit.last.month) == (1, 12):
        return unit.precision
    by_month = unit.first.day == 1 and unit.last == month_end(unit.last)
    return Precision.MONTH if by_month else Precision.DAY


def parse_day(text: str, fiscal_year: int | None = None) -> date:
    """Read a single day: 2016-06-03, H28.6.3, 平成28年6月3日（金）. Raises WindowError for anything less precise."""
    window = parse_window(text, fiscal_year)
    if window.precision is not Precision.DAY or window.first is None or window.first != window.last:
        raise WindowError(f"「{text}」は一日に決まりません。「2016-06-03」「平成28年6月3日」のように書いてください。")
    return window.first
