"""How one value is read: text in, a domain value out, and the root of every shape."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from kijitsu.domain.eras import WEEKDAYS
from kijitsu.domain.errors import InputError
from kijitsu.domain.periods import Length, parse_length
from kijitsu.domain.windows import Precision, Window, WindowError, parse_day, parse_window


def _reading(code: str, read: Callable[[str, ValidationInfo], Any]) -> BeforeValidator:
    def validate(value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, str):
            if value is None or isinstance(value, (dict, list)):
                raise PydanticCustomError(code, "文字で書いてください。")
            return value
        try:
            return read(value, info)
        except InputError as exc:
            raise PydanticCustomError(code, "{reason}", {"reason": str(exc)}) from exc

    return BeforeValidator(validate)


def fiscal_year_of(info: ValidationInfo) -> int | None:
    """Return the fiscal year of the file that is being read, which gives the era to dates without one."""
    return (info.context or {}).get("fiscal_year")


def _window(text: str, info: ValidationInfo) -> Window:
    window = parse_window(text, fiscal_year_of(info))
    for warning in window.warnings:
        (info.context or {}).get("warnings", []).append((text, warning))
    return window


def _day(text: str, info: ValidationInfo) -> date:
    return parse_day(text, fiscal_year_of(info))


def _past(text: str, info: ValidationInfo) -> Window:
    window = _window(text, info)
    if window.undecided or not (window.first or window.last):
        raise WindowError(f"「{text}」は終わった日になりません。「平成27年9月」のように書いてください。")
    return window


def read_fiscal_year(text: str) -> int:
    """Return the Gregorian year in which a fiscal year begins: 2016 for H28, 平成28年度, FY2016."""
    window = parse_window(
        text if text.endswith("度") or text.upper().startswith("FY") else f"{text}年度".replace("年年", "年")
    )
    if window.precision is not Precision.FISCAL_YEAR or window.first is None:
        raise WindowError(f"「{text}」は年度ではありません。「H28」「平成28年度」のように書いてください。")
    return window.first.year


def _month_day(text: str, info: ValidationInfo) -> tuple[int, int]:
    day = parse_day(f"2016-{text}")  # a leap year, so that 02-29 is a day
    return day.month, day.day


def _weekday(text: str, info: ValidationInfo) -> int:
    if len(text) != 1 or text not in WEEKDAYS:
        raise WindowError(f"「{text}」は曜日ではありません。月火水木金土日の一字で書いてください。")
    return WEEKDAYS.index(text)


def _positive(text: str, info: ValidationInfo) -> Length:
    length = parse_length(text)
    if length.number < 1:
        raise WindowError(f"「{text}」は1以上にしてください。")
    return length


def _working_days(text: str, info: ValidationInfo) -> Length:
    length = _positive(text, info)
    if length.unit != "wd":
        raise WindowError(f"「{text}」は開庁日の数（5wd のように）で書いてください。")
    return length


def _clock(text: str, info: ValidationInfo) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise WindowError(f"「{text}」を時刻として読めません。08:30のように書いてください。") from None


def _text(example: str, description: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "examples": [example], "description": description})


WindowField = Annotated[Window, _reading("bad-date", _window), _text("平成28年4月～5月", "出典の言葉のままの時期")]
PastField = Annotated[Window, _reading("bad-date", _past), _text("平成27年9月", "終わった時期")]
DayField = Annotated[
    date, _reading("bad-date", lambda t, i: parse_day(t, fiscal_year_of(i))), _text("2016-06-03", "一日")
]
YearField = Annotated[int, _reading("bad-date", lambda t, i: read_fiscal_year(t)), _text("H28", "年度")]
MonthDayField = Annotated[tuple[int, int], _reading("bad-date", _month_day), _text("12-29", "月日")]
WeekdayField = Annotated[int, _reading("bad-weekday", _weekday), _text("土", "曜日")]
LengthField = Annotated[
    Length, _reading("bad-length", _positive), _text("10wd", "長さ: wd 開庁日, d 暦日, w 週, m 月, y 年")
]
WorkingDaysField = Annotated[Length, _reading("bad-length", _working_days), _text("5wd", "開庁日の数")]
LagField = Annotated[Length, _reading("bad-length", lambda t, i: parse_length(t)), _text("-3wd", "間隔、負も可")]
TimeField = Annotated[time, _reading("bad-time", _clock), _text("08:30", "時刻")]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60)]
Title = Annotated[str, Field(min_length=1, max_length=200)]


class Shape(BaseModel):
    """The root of every shape: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True)
