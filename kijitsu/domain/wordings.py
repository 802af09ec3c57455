"""Wordings: one stretch of days as municipal papers write it, from H28.6.3 and 六月上旬 to 年度末, read and shown."""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
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
class Unit:
    """The days that one wording names, such as 平成28年6月上旬."""

    first: date
    last: date
    precision: Precision


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


def show_unit(day: date, precision: Precision, is_first: bool) -> str:
    """Return the unit of time that begins (or else ends) with a day, in the words of its precision."""
    match precision:
        case Precision.THIRD:
            return f"{show_year(day)}{day.month}月{'上中下'[min((day.day - 1) // 10, 2)]}旬"
        case Precision.MONTH:
            return f"{show_year(day)}{day.month}月"
        case Precision.QUARTER:
            return f"{show_fiscal_year(_fiscal_year_of(day))}第{(day.month - 4) % 12 // 3 + 1}四半期"
        case Precision.FISCAL_YEAR:
            return show_fiscal_year(_fiscal_year_of(day))
        case Precision.RANGE if (day.month, day.day) == ((1, 1) if is_first else (12, 31)):
            return show_year(day)
        case _:
            return show_date(day)


def _fiscal_year_of(day: date) -> int:
    return day.year - (day.month < 4)


# --- the same signs for the same thing ---

_ERA = "|".join(BY_NAME)
_KANJI = "〇一二三四五六七八九"
_DIGITS = {"": 0, **{character: value for value, character in enumerate(_KANJI)}}
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("〜∼〰", "~"),
        **dict.fromkeys("−‐–—―─ー", "-"),
        **dict.fromkeys("○◯零", "〇"),
        "廿": "二十",
        "卅": "三十",
    }
)
_KANJI_NUMBER = re.compile(
    rf"(?<![{_KANJI}十0-9])(?:([{_KANJI[1:]}]?)十([{_KANJI[1:]}]?)|([{_KANJI}]{{1,4}}))(?![{_KANJI}十0-9])"
)
# A dash is part of a date where it can be nothing else: 2016-06, H28-3-31. In 4-6月 it stands between two months.
_DASHED = re.compile(
    rf"(?<![0-9./・])(?:((?:{_ERA})(?:\d{{1,2}}|元)|\d{{4}})-(\d{{1,2}})(?:-(\d{{1,2}}))?|(\d{{1,2}})-(\d{{1,2}})-(\d{{1,2}}))"
    r"(?![0-9年月日])",
    re.ASCII,
)
_YEAR = rf"({_ERA})?(\d{{1,4}}|元)(年度?)?"
_BOTH_CALENDARS = re.compile(rf"{_YEAR}\({_YEAR}\)(年度?)?", re.ASCII)


def plain(wording: str) -> str:
    """Return a wording with one sign for each thing: 0-9, ~ between two ends, no blanks, one calendar.

    Raises WindowError where 平成28年（2017年） names two years.
    """
    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", wording)).upper().translate(_SIGNS)
    text = re.sub("[四4]半期", "Q", text).replace("西暦", "")
    text = re.sub(r"FY(\d{4})(?:年度)?", r"\1年度", text, flags=re.ASCII)
    text = _DASHED.sub(lambda found: "/".join(filter(None, found.groups())), _KANJI_NUMBER.sub(_arabic, text))
    return _BOTH_CALENDARS.sub(lambda found: _one_calendar(found, wording), text.replace("-", "~"))


def _arabic(found: re.Match[str]) -> str:
    tens, ones, digits = found.groups()
    if digits is None:
        return f"{_DIGITS[tens] or 1}{_DIGITS[ones]}"
    # ○月○日 is a form still to be filled in, not the month 0.
    return "".join(str(_DIGITS[digit]) for digit in digits) if digits.strip("〇") else digits


def _one_calendar(found: re.Match[str], wording: str) -> str:
    era, year, unit, other_era, other, _, after = found.groups()
    if bool(era) == bool(other_era):
        return found[0]
    name, number, gregorian = (era, year, other) if era else (other_era, other, year)
    meant = BY_NAME[name].year(_number(number))
    if meant != _number(gregorian):
        raise WindowError(
            f"「{wording}」の二つの年が合いません。{BY_NAME[name].name}{number}年は西暦{meant}年です。どちらかを直してください。"
        )
    return f"{name}{number}{unit or after or ''}"


def _number(text: str) -> int:
    return 1 if text == "元" else int(text)


# --- one side of a window ---

# Before 1873 Japan counted moons; beyond the last year a typing error is likelier than a plan.
_YEARS = range(1873, 2200)
# 28.6.3 is read only this near to the plan's own year: elsewhere 16.6.3 may be 2004 as well as 2016.
_NEAR = 3
_THIRDS = {"上旬": (1, 10), "初旬": (1, 10), "中旬": (11, 20), "下旬": (21, 31), "前半": (1, 15), "後半": (16, 31)}
_EXAMPLES = "「平成28年6月3日」「H28.6」「2016-06-03」「平成28年6月上旬」「28年度」「調整中」"
_SHIFTS = {"翌": 1, "来": 1, "次": 1, "前": -1, "昨": -1}
_DOTTED = re.compile(
    rf"({_ERA})?((?:\d{{1,4}}|元)([./・])\d{{1,2}}(?:\3\d{{1,2}})?)(?![\d./・年月日Q])(.*)", re.ASCII | re.DOTALL
)
_BARE = re.compile(rf"(?:.*[^\d./・])??({_ERA})?(?:\d{{1,4}}|元)", re.ASCII)
_COUNTED = re.compile(r"(?<=[\d元])・?(年度|[年月日Q])", re.ASCII)
_UNIT = re.compile(
    rf"""
    (?:(?P<dated>
          (?P<era>{_ERA})?(?P<year>\d{{1,4}}|元)
        | [今本当来次前昨](?=年度) | [同翌]
        | (?=年(?:末|内|度(?:[末内中上下前後]|第?・?\dQ)))
       )年(?P<fiscal>度)?の?)?
    (?:第?0?(?P<quarter>[1-4])・?Q | Q(?P<quarter_after>[1-4]) | (?P<half>[上下]半?期|(?<=[度の])[前後]半)
      |(?:(?P<month>\d{{1,2}})|(?P<near>[同当翌]|(?=月末)))月)?の?
    (?:(?P<part>[上初中下]旬|[前後]半)|(?P<end>末日?)|(?P<day>\d{{1,2}})日)?
    (?:の?うち|[中内])?
    (?:\((?P<weekday>[月火水木金土日])(?:曜日?)?(?:[・、,]?[祝休]日?)?\)|(?P<weekday_name>[月火水木金土日])曜日?)?
    (?:\([祝休]日?\))?
    """,
    re.VERBOSE | re.ASCII,
)


@dataclass(slots=True)
class Reader:
    """Reads the sides of one window; what one leaves out, the other or the plan's fiscal year gives."""

    wording: str
    fiscal_year: int | None
    is_range: bool = False
    warnings: list[str] = field(default_factory=list)

    def read_both(self, left: str, right: str) -> tuple[Unit | None, Unit | None]:
        """Return what the two sides name, None for an empty one. Raises WindowError where a side names nothing."""
        self.is_range = bool(left and right)
        left_dots = _DOTTED.fullmatch(left)
        begin = self._spelled(left, _COUNTED.findall(right)[:1])
        end = self._spelled(right, _COUNTED.findall(begin), left_dots[3] if left_dots else None)
        first = self._read(begin, left) if left else None
        return first, self._read(end, right, first) if right else None

    def _read(self, spelled: str, text: str, before: Unit | None = None) -> Unit:
        found = _UNIT.fullmatch(spelled)
        if not found:
            raise self._unreadable(text)
        part = found.groupdict()
        era, year = self._year(part, text, before)
        quarter = part["quarter"] or part["quarter_after"]
        if quarter or part["half"]:
            unit = self._part_of_year(part, text, quarter, year, before)
        elif month := self._month(part, text, year, before):
            unit = self._in_month(part, *month)
        elif year is None:
            raise self._unreadable(text)
        elif part["fiscal"]:
            unit = _fiscal_year(year)
        else:
            unit = Unit(date(year, 1, 1), date(year, 12, 31), Precision.RANGE)
        if part["end"]:
            unit = Unit(unit.last, unit.last, Precision.DAY)
        _in_range(unit.last.year, self.wording)
        self._check_weekday(unit, part["weekday"] or part["weekday_name"])
        if era and year is not None:
            self._check_era(unit, era, _fiscal_year(year) if part["fiscal"] or quarter else unit)
        return unit

    def _spelled(self, text: str, units: Sequence[str] = (), sign: str | None = None) -> str:
        """Return H28.6.3 as H28年6月3日, and a bare number with the last of the other side's units."""
        if found := _DOTTED.fullmatch(text):
            numbers = found[2].split(found[3])
            if len(numbers) == 3:
                names: Sequence[str] = "年月日"
            elif found[1] or numbers[0] == "元" or int(numbers[0]) > 12:
                names = "年月"
            elif found[3] == sign and len(units) > 1:
                names = units[-2:]
            elif found[3] == "/":
                names = "月日"
            else:
                raise WindowError(
                    f"{self._place(text)}は、月日とも年月とも読めます。"
                    f"「{numbers[0]}月{numbers[1]}日」か、元号を付けて「R{text}」のように書いてください。"
                )
            return (found[1] or "") + "".join(map("".join, zip(numbers, names, strict=True))) + found[4]
        if found := _BARE.fullmatch(text):
            unit = units[-1] if units else ""
            return text + ("年" if found[1] and not unit.startswith("年") else unit)
        return text

    def _place(self, text: str) -> str:
        return f"「{self.wording}」の「{text.replace('Q', '四半期')}」" if self.is_range else f"「{self.wording}」"

    def _unreadable(self, text: str) -> WindowError:
        return WindowError(f"{self._place(text)}を日付として読めません。{_EXAMPLES}のように書いてください。")

    def _year(self, part: dict[str, str | None], text: str, before: Unit | None) -> tuple[Era | None, int | None]:
        digits = part["year"]
        if digits is None:
            return None, None if part["dated"] is None else self._related_year(part, before)
        number = _number(digits)
        if number == 0:
            raise WindowError(f"「{self.wording}」の年が0です。最初の年は「元年」か「1年」と書いてください。")
        if part["era"]:
            era = BY_NAME[part["era"]]
        elif len(digits) == 4:
            return None, _in_range(number, self.wording)
        elif before is not None:
            era = _nearest(ERAS[ERAS.index(era_of(before.first)) :], number, before.first.year)
        elif self.fiscal_year is not None:
            # 平成31年度 and 令和元年度 are one, and a plan of 平成30年度 goes on into 令和: 元年5月 there is not 1989.
            eras = era_of(date(self.fiscal_year, 4, 1)), era_of(date(self.fiscal_year + 2, 3, 31))
            era = _nearest(eras, number, self.fiscal_year)
        else:
            era = BY_NAME["平成"]
        if before is None and not part["era"]:
            is_near = self.fiscal_year is not None and abs(era.year(number) - self.fiscal_year) <= _NEAR
            if _DOTTED.fullmatch(text) and not is_near:
                raise WindowError(
                    f"「{self.wording}」は元号も西暦もないので、年が決まりません。"
                    f"「H{text}」「R{text}」「2016.6.3」のように書いてください。"
                )
            if self.fiscal_year is None:
                self.warnings.append(f"「{self.wording}」には元号がないので、平成と読みました。元号を書いてください。")
        return era, _in_range(era.year(number), self.wording)

    def _related_year(self, part: dict[str, str | None], before: Unit | None) -> int:
        """Return the year that 翌年, 来年度, 年度末 or 年内 speaks of."""
        word = part["dated"] or ""
        if before is not None:
            near: int | None = _fiscal_year_of(before.last) if part["fiscal"] else before.first.year
        else:
            near = self.fiscal_year if part["fiscal"] or not word else None
        if near is None:
            name = "年度" if part["fiscal"] else "年"
            raise WindowError(
                f"「{self.wording}」の{name}がわかりません。「平成28{name}」のように{name}を書いてください。"
            )
        return _in_range(near + _SHIFTS.get(word, 0), self.wording)

    def _month(
        self, part: dict[str, str | None], text: str, year: int | None, before: Unit | None
    ) -> tuple[int, int] | None:
        """Return the year and month spoken of, None where there is neither month nor day."""
        if part["month"]:
            month = int(part["month"])
            if not 1 <= month <= 12:
                raise WindowError(f"「{self.wording}」に{month}月はありません。もしかして: {min(max(month, 1), 12)}月")
            if year is not None:
                return year + (part["fiscal"] is not None and month < 4), month
            if before is not None:
                return before.first.year + (month < before.first.month), month
            if self.fiscal_year is not None:
                return self.fiscal_year + (month < 4), month
            raise WindowError(
                f"「{self.wording}」の年がわかりません。「平成28年{month}月」のように年も書いてください。"
            )
        if part["near"] is None and not part["part"] and not part["day"]:
            return None
        # 10日, 下旬, 翌月 and 月末 speak of the month on the left.
        if (
            year is not None
            or before is None
            or before.precision not in (Precision.DAY, Precision.THIRD, Precision.MONTH)
        ):
            raise WindowError(f"{self._place(text)}には月がありません。「6月3日」のように月も書いてください。")
        first = add_months(before.first.replace(day=1), _SHIFTS.get(part["near"] or "", 0))
        return first.year, first.month

    def _part_of_year(
        self, part: dict[str, str | None], text: str, quarter: str | None, year: int | None, before: Unit | None
    ) -> Unit:
        if part["part"] or part["day"]:
            raise self._unreadable(text)
        if part["half"] and part["year"] and not part["fiscal"]:
            written = f"{part['era'] or ''}{part['year']}年"
            raise WindowError(
                f"「{self.wording}」は、1月からとも4月からとも読めます。もしかして: {written}度{part['half']}"
            )
        if year is None:
            year = _fiscal_year_of(before.last) if before else self.fiscal_year
        if year is None:
            named = part["half"] or f"第{quarter}四半期"
            raise WindowError(f"「{self.wording}」の年度がわかりません。「平成28年度{named}」のように書いてください。")
        if quarter:
            first = add_months(date(year, 4, 1), 3 * (int(quarter) - 1))
            return Unit(first, month_end(add_months(first, 2)), Precision.QUARTER)
        first = date(year, 4 if (part["half"] or "")[0] in "上前" else 10, 1)
        return Unit(first, month_end(add_months(first, 5)), Precision.RANGE)

    def _in_month(self, part: dict[str, str | None], year: int, month: int) -> Unit:
        first = date(_in_range(year, self.wording), month, 1)
        last = month_end(first)
        if part["part"]:
            low, high = _THIRDS[part["part"]]
            precision = Precision.THIRD if part["part"].endswith("旬") else Precision.RANGE
            return Unit(first.replace(day=low), last.replace(day=min(high, last.day)), precision)
        if part["day"] is None:
            return Unit(first, last, Precision.MONTH)
        number = int(part["day"])
        if not 1 <= number <= last.day:
            near = first if number < 1 else last
            is_gregorian = len(part["year"] or "") == 4
            shown = f"{year}年{month}月" if is_gregorian else f"{show_year(last)}{month}月"
            raise WindowError(
                f"「{self.wording}」という日はありません。{shown}は{last.day}日までです。"
                f"もしかして: {near if is_gregorian else show_date(near)}"
            )
        return Unit(first.replace(day=number), first.replace(day=number), Precision.DAY)

    def _check_weekday(self, unit: Unit, weekday: str | None) -> None:
        if weekday is None:
            return
        if unit.precision is not Precision.DAY:
            raise WindowError(f"「{self.wording}」は日がないのに曜日があります。日も書くか、曜日を消してください。")
        right = WEEKDAYS[unit.first.weekday()]
        if weekday != right:
            raise WindowError(
                f"「{self.wording}」の曜日が違います。{show_date(unit.first, weekday=False)}は{right}曜日です。"
                f"もしかして: {show_date(unit.first)}"
            )

    def _check_era(self, unit: Unit, era: Era, named: Unit) -> None:
        """Refuse an era that had not begun in the days it names, warn of one that had ended (元号法)."""
        shown = show_unit(unit.first, unit.precision, True)
        if named.last < era.first_day:
            raise WindowError(
                f"「{self.wording}」の時点では{era.name}は始まっていません"
                f"（{show_date(era.first_day, weekday=False)}から）。もしかして: {shown}"
            )
        if era.last_day and named.first > era.last_day:
            self.warnings.append(f"「{self.wording}」は{era.name}の終わった後です。{shown}のこととして扱います。")


def _fiscal_year(year: int) -> Unit:
    return Unit(date(year, 4, 1), date(year + 1, 3, 31), Precision.FISCAL_YEAR)


def _nearest(eras: Sequence[Era], number: int, year: int) -> Era:
    return min(eras, key=lambda era: abs(era.year(number) - year))


def _in_range(year: int, wording: str) -> int:
    if year not in _YEARS:
        raise WindowError(
            f"「{wording}」の年は西暦{year}年になり、扱えません（{_YEARS[0]}年から{_YEARS[-1]}年まで）。"
            "年に誤りがないか確かめてください。"
        )
    return year
