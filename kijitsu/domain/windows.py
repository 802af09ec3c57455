"""Windows: a date as a municipal source gives it, from 平成28年6月3日（金） to 29年7月～ and 調整中."""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from kijitsu.domain.eras import BY_NAME, ERAS, WEEKDAYS, Era, era_of, show_date, show_fiscal_year, show_year
from kijitsu.domain.errors import InputError


class WindowError(InputError):
    """The text names no window that can be; the message says what was read and what to write instead."""


class Precision(StrEnum):
    """How exactly the source places a window."""

    DAY = "day"
    THIRD = "third"
    MONTH = "month"
    QUARTER = "quarter"
    FISCAL_YEAR = "fiscal_year"
    RANGE = "range"


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


def month_end(day: date) -> date:
    """Return the last day of the month of `day`."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def add_months(day: date, months: int) -> date:
    """Return the corresponding day `months` later, or the month's last day where there is none (民法143条2項).

    Raises InputError where that lies beyond the calendar.
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    if not date.min.year <= year <= date.max.year:
        raise InputError(f"{day} から {months} か月は数えられません。長さに誤りがないか確かめてください。")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


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
    is_moved = (first, last) != (window.first, window.last)
    if is_moved and precision in (Precision.THIRD, Precision.QUARTER, Precision.FISCAL_YEAR):
        precision = Precision.RANGE
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
        begin = _show_edge(first, window.precision, True) if first else ""
        end = _show_edge(last, window.precision, False) if last else ""
        return f"{begin}～{end}{about}"
    if window.precision is not Precision.RANGE:
        return _show_edge(last if window.precision is Precision.MONTH else first, window.precision, True) + about
    # Only where both ends are whole months are months said: 6月1日～10日 is not 6月～6月10日.
    by_month = first.day == 1 and last == month_end(last)
    precision = Precision.MONTH if by_month else Precision.DAY
    return f"{_show_edge(first, precision, True)}～{_show_edge(last, precision, False)}{about}"


def _show_edge(day: date, precision: Precision, is_first: bool) -> str:
    """Return the unit of time that begins (or else ends) with a day, in the words of its precision."""
    match precision:
        case Precision.THIRD:
            return f"{show_year(day)}{day.month}月{'上中下'[min((day.day - 1) // 10, 2)]}旬"
        case Precision.MONTH:
            return f"{show_year(day)}{day.month}月"
        case Precision.QUARTER:
            return f"{show_fiscal_year(day.year - (day.month < 4))}第{(day.month - 4) % 12 // 3 + 1}四半期"
        case Precision.FISCAL_YEAR:
            return show_fiscal_year(day.year - (day.month < 4))
        case Precision.RANGE if (day.month, day.day) == ((1, 1) if is_first else (12, 31)):
            return show_year(day)
        case _:
            return show_date(day)


# --- reading ---------------------------------------------------------------------------------------------------------

_DIGITS = {character: value for value, character in enumerate("〇一二三四五六七八九")}
_KANJI_NUMBER = re.compile(
    r"(?<![〇一二三四五六七八九十])(?:(?P<tens>[一二三四五六七八九]?)十(?P<ones>[一二三四五六七八九]?)|(?P<digits>[〇一二三四五六七八九]{1,4}))(?=年|月|日|四半期)"
)
_APPROXIMATE = re.compile(r"(を?(めど|目途|目処)(として|に)?|頃|ごろ|見込み?)$")
_UNDECIDED = {"調整中", "未定", "検討中", "tbd"}
_SEPARATOR = re.compile(r"[~〜]|から")
# Before 1873 Japan counted moons; beyond the last year a typing error is likelier than a plan.
_YEARS = range(1873, 2200)
_END = re.compile(
    r"""^(?:
      (?P<iso>\d{4})[-/](?P<iso_month>\d{1,2})(?:[-/](?P<iso_day>\d{1,2}))?
    | (?P<letter>[MTSHRmtshr])(?P<letter_year>\d{1,2}|元)(?:\.(?P<letter_month>\d{1,2})(?:\.(?P<letter_day>\d{1,2}))?)?
    | FY(?P<fy>\d{4})
    | (?:(?P<era>明治|大正|昭和|平成|令和|[MTSHRmtshr])?(?P<year>\d{1,4}|元)年(?P<fiscal>度)?)?
      (?:第?(?P<quarter>[1-4])四半期|(?P<month>\d{1,2})月)?
      (?:(?P<third>[上中下]旬)|(?P<month_end>末)|(?P<day>\d{1,2})日)?
    )(?:\((?P<weekday>[月火水木金土日])(?:曜日?)?(?:・?祝日?)?\)|(?P<weekday_name>[月火水木金土日])曜日)?(?P<until>まで)?$""",
    re.VERBOSE,
)
_THIRDS = {"上旬": (1, 10), "中旬": (11, 20), "下旬": (21, 31)}


@dataclass(slots=True)
class _End:
    """One side of a range as read: its days, its precision, and the era and year that the other side may lack."""

    first: date
    last: date
    precision: Precision
    warnings: list[str]


def parse_window(text: str, fiscal_year: int | None = None) -> Window:
    """Read a window from a municipal source's own words.

    `fiscal_year` (2016 for 平成28年度) gives the era and the year where the words leave them out, as in 4月～5月 or
    28年7月. Raises WindowError with what was read and what to write instead.
    """
    wording = text.strip()
    plain = _normalised(wording)
    if not plain:
        raise WindowError("日付が空です。「平成28年6月」「2016-06-03」「調整中」のように書いてください。")
    if plain.lower() in _UNDECIDED:
        return Window(None, None, Precision.RANGE, undecided=True, wording=wording)
    without = _APPROXIMATE.sub("", plain)
    approximate = without != plain
    if without in ("年度内", "今年度", "今年度内", "当年度内"):
        if fiscal_year is None:
            raise WindowError(f"「{wording}」の年度がわかりません。「平成28年度」のように年度を書いてください。")
        without = f"FY{fiscal_year}"
    without = re.sub(r"(?<=年度)(内|中)$", "", without)
    sides = [_APPROXIMATE.sub("", side) for side in _SEPARATOR.split(without)]
    approximate = approximate or sides != _SEPARATOR.split(without)
    if len(sides) > 2:
        raise WindowError(f"「{wording}」には「～」が二つ以上あります。始まりと終わりの二つだけにしてください。")
    if len(sides) == 1:
        end = _read(sides[0], wording, fiscal_year, None)
        if without.endswith("まで"):
            return Window(None, end.last, end.precision, approximate, False, wording, tuple(end.warnings))
        return Window(end.first, end.last, end.precision, approximate, False, wording, tuple(end.warnings))
    left = _read(sides[0], wording, fiscal_year, None) if sides[0] else None
    right = _read(sides[1], wording, fiscal_year, left) if sides[1] else None
    warnings = (*(left.warnings if left else ()), *(right.warnings if right else ()))
    if left and right:
        if right.last < left.first:
            raise WindowError(f"「{wording}」は終わり（{right.last}）が始まり（{left.first}）より前です。")
        return Window(left.first, right.last, Precision.RANGE, approximate, False, wording, warnings)
    side = left or right
    if side is None:
        raise WindowError(f"「{wording}」には日付がありません。")
    first, last = (left.first if left else None), (right.last if right else None)
    return Window(first, last, side.precision, approximate, False, wording, warnings)


def parse_day(text: str, fiscal_year: int | None = None) -> date:
    """Read a single day: 2016-06-03, H28.6.3, 平成28年6月3日（金）. Raises WindowError for anything less precise."""
    window = parse_window(text, fiscal_year)
    if window.precision is not Precision.DAY or window.first is None or window.first != window.last:
        raise WindowError(f"「{text}」は一日に決まりません。「2016-06-03」「平成28年6月3日」のように書いてください。")
    return window.first


def _normalised(text: str) -> str:
    plain = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))
    plain = re.sub(r"(?<=\d)[−‐–—ー](?=\d{1,2}(?:\D|$))", "-", plain) if re.match(r"\d{4}\D", plain) else plain
    plain = re.sub(r"[−―ー–—](?=$|平|令|昭|[0-9HRS])|(?<=[年月日旬度)])-|-(?=[HRShrs]\d)", "~", plain)
    return _KANJI_NUMBER.sub(_arabic, plain)


def _arabic(found: re.Match[str]) -> str:
    if found["digits"]:
        return "".join(str(_DIGITS[character]) for character in found["digits"])
    return f"{_DIGITS[found['tens']] if found['tens'] else 1}{_DIGITS[found['ones']] if found['ones'] else 0}"


def _read(text: str, wording: str, fiscal_year: int | None, before: _End | None) -> _End:
    found = _END.match(text)
    if not found or not text:
        raise WindowError(
            f"「{wording}」の「{text}」を日付として読めません。"
            "「平成28年6月3日」「H28.6」「2016-06-03」「平成28年6月上旬」「28年度」「調整中」のように書いてください。"
        )
    part = found.groupdict()
    warnings: list[str] = []
    if part["fy"]:
        return _fiscal_year(_in_range(int(part["fy"]), wording), warnings)
    era, year = _era_and_year(part, wording, fiscal_year, before, warnings)
    month = _number(part["iso_month"] or part["letter_month"] or part["month"])
    day = _number(part["iso_day"] or part["letter_day"] or part["day"])
    if part["month_end"] and month is None and year is not None:
        month = 3 if part["fiscal"] else 12
    if part["fiscal"]:
        if year is None:
            raise WindowError(f"「{wording}」の年度がわかりません。")
        if part["quarter"]:
            return _checked_era(_quarter(year, int(part["quarter"]), warnings), era, wording)
        if month is None and day is None and not (part["third"] or part["month_end"]):
            return _checked_era(_fiscal_year(year, warnings), era, wording)
        year += month is not None and month < 4
    elif part["quarter"]:
        if year is None and fiscal_year is None:
            raise WindowError(f"「{wording}」の年度がわかりません。「平成28年度第1四半期」のように書いてください。")
        return _quarter(fiscal_year if year is None else year, int(part["quarter"]), warnings)  # type: ignore[arg-type]
    if month is None and day is None and year is not None and not (part["third"] or part["month_end"]):
        whole = _End(date(year, 1, 1), date(year, 12, 31), Precision.RANGE, warnings)
        return _checked_era(whole, era, wording)
    if month is None:
        if day is None or before is None:
            raise WindowError(f"「{wording}」の「{text}」には月がありません。「6月3日」のように月も書いてください。")
        month, year = before.first.month, before.first.year
    if year is None:
        year = _year_for(month, wording, fiscal_year, before)
    end = _in_month(year, month, day, part, wording, warnings)
    _check_weekday(end, part["weekday"] or part["weekday_name"], wording)
    return _checked_era(end, era, wording)


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _era_and_year(
    part: dict[str, str | None], wording: str, fiscal_year: int | None, before: _End | None, warnings: list[str]
) -> tuple[Era | None, int | None]:
    if part["iso"]:
        return None, _in_range(int(part["iso"]), wording)
    name = part["letter"] or part["era"]
    digits = part["letter_year"] or part["year"]
    if digits is None:
        return None, None
    number = 1 if digits == "元" else int(digits)
    if number == 0:
        raise WindowError(f"「{wording}」の年が0です。")
    if name:
        era = BY_NAME[name.upper() if name.isascii() else name]
    elif digits != "元" and len(digits) == 4:
        return None, _in_range(number, wording)
    elif before is not None:
        era = _nearest(ERAS[ERAS.index(era_of(before.first)) :], number, before.first.year)
    elif fiscal_year is not None:
        # 平成31年度 and 令和元年度 are one fiscal year: 元年5月 in it is not 1989.
        era = _nearest((era_of(date(fiscal_year, 4, 1)), era_of(date(fiscal_year + 1, 3, 31))), number, fiscal_year)
    else:
        warnings.append(f"「{wording}」には元号がないので、平成と読みました。元号を書いてください。")
        era = BY_NAME["平成"]
    return era, _in_range(era.year(number), wording)


def _nearest(eras: Sequence[Era], number: int, year: int) -> Era:
    return min(eras, key=lambda era: abs(era.year(number) - year))


def _in_range(year: int, wording: str) -> int:
    if year not in _YEARS:
        raise WindowError(
            f"「{wording}」の年は西暦{year}年になり、扱えません（{_YEARS[0]}年から{_YEARS[-1]}年まで）。"
            "年に誤りがないか確かめてください。"
        )
    return year


def _year_for(month: int, wording: str, fiscal_year: int | None, before: _End | None) -> int:
    if before is not None:
        return before.first.year + (month < before.first.month)
    if fiscal_year is None:
        raise WindowError(f"「{wording}」の年がわかりません。「平成28年{month}月」のように年も書いてください。")
    return fiscal_year + (month < 4)


def _in_month(
    year: int, month: int, day: int | None, part: dict[str, str | None], wording: str, warnings: list[str]
) -> _End:
    if not 1 <= month <= 12:
        raise WindowError(f"「{wording}」に{month}月はありません。")
    length = monthrange(year, month)[1]
    if part["third"]:
        low, high = _THIRDS[part["third"]]
        return _End(date(year, month, low), date(year, month, min(high, length)), Precision.THIRD, warnings)
    if part["month_end"]:
        return _End(date(year, month, length), date(year, month, length), Precision.DAY, warnings)
    if day is None:
        return _End(date(year, month, 1), date(year, month, length), Precision.MONTH, warnings)
    if not 1 <= day <= length:
        raise WindowError(
            f"「{wording}」という日はありません。{year}年{month}月は{length}日までです。"
            f"もしかして: {date(year, month, length)}"
        )
    return _End(date(year, month, day), date(year, month, day), Precision.DAY, warnings)


def _fiscal_year(year: int, warnings: list[str]) -> _End:
    return _End(date(year, 4, 1), date(year + 1, 3, 31), Precision.FISCAL_YEAR, warnings)


def _quarter(year: int, quarter: int, warnings: list[str]) -> _End:
    first = add_months(date(year, 4, 1), 3 * (quarter - 1))
    return _End(first, month_end(add_months(first, 2)), Precision.QUARTER, warnings)


def _check_weekday(end: _End, weekday: str | None, wording: str) -> None:
    if weekday is None:
        return
    if end.precision is not Precision.DAY:
        raise WindowError(f"「{wording}」は日がないのに曜日があります。日も書くか、曜日を消してください。")
    right = WEEKDAYS[end.first.weekday()]
    if weekday != right:
        raise WindowError(
            f"「{wording}」の曜日が違います。{show_date(end.first, weekday=False)}は{right}曜日です。"
            f"もしかして: {show_date(end.first)}"
        )


def _checked_era(end: _End, era: Era | None, wording: str) -> _End:
    if era is None:
        return end
    if end.last < era.first_day:
        raise WindowError(
            f"「{wording}」の時点では{era.name}は始まっていません（{show_date(era.first_day, weekday=False)}から）。"
            f"もしかして: {show_date(end.first, weekday=False)}"
        )
    if era.last_day and end.first > era.last_day:
        end.warnings.append(
            f"「{wording}」は{era.name}の終わった後です。{show_date(end.first, weekday=False)}のこととして扱います。"
        )
    return end
