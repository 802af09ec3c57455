"""Windows shown and read again; wordings put together from their parts; whatever else people may type."""

from __future__ import annotations

import unicodedata
from datetime import date, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kijitsu.domain.windows import (
    Precision,
    Window,
    WindowError,
    add_months,
    month_end,
    parse_day,
    parse_window,
    shifted_days,
    shifted_months,
    show_window,
)

CHANGES = [date(1912, 7, 30), date(1926, 12, 25), date(1989, 1, 8), date(2019, 5, 1)]
NEAR_A_CHANGE = st.builds(lambda change, days: change + timedelta(days), st.sampled_from(CHANGES), st.integers(-60, 60))
DAYS = st.dates(date(1880, 1, 1), date(2190, 12, 31)) | NEAR_A_CHANGE
FISCAL_YEARS = st.sampled_from([None, 1988, 2016, 2018, 2019, 2023])

# --- windows shown ---


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """Every value that reading or moving can make: all precisions, open ends, approximate, undecided."""
    if draw(st.integers(0, 20)) == 0:
        return Window(None, None, Precision.RANGE, undecided=True)
    precision, at = draw(st.sampled_from(Precision)), draw(DAYS)
    month = at.replace(day=1)
    match precision:
        case Precision.DAY:
            first, last = at, at
        case Precision.THIRD:
            first = month.replace(day=draw(st.sampled_from([1, 11, 21])))
            last = month_end(month) if first.day == 21 else first + timedelta(9)
        case Precision.MONTH:
            first, last = month, month_end(month)
        case Precision.QUARTER:
            first = month.replace(month=draw(st.sampled_from([1, 4, 7, 10])))
            last = month_end(add_months(first, 2))
        case Precision.FISCAL_YEAR:
            first, last = date(at.year, 4, 1), date(at.year + 1, 3, 31)
        case Precision.RANGE:
            first, last = draw(st.sampled_from([(at, at + timedelta(draw(st.integers(0, 700)))), (month, at)]))
    ends = draw(st.sampled_from(["both", "both", "first", "last"]))
    if precision is Precision.RANGE and ends != "both":
        first, last = date(at.year, 1, 1), date(at.year, 12, 31)
    return Window(first if ends != "last" else None, last if ends != "first" else None, precision, draw(st.booleans()))


@given(windows(), FISCAL_YEARS)
@settings(deadline=None, max_examples=600)
def test_a_window_as_shown_is_read_as_itself_in_any_plan_and_without_a_warning(
    window: Window, fiscal_year: int | None
) -> None:
    shown = show_window(window)

    read = parse_window(shown, fiscal_year)

    assert read == window
    assert read.warnings == ()
    assert show_window(read) == shown


@given(windows(), st.integers(-40, 40))
@settings(deadline=None, max_examples=150)
def test_a_moved_window_is_worded_so_that_it_is_read_as_itself(window: Window, distance: int) -> None:
    if window.undecided:
        return
    moved = shifted_months(window, distance) if window.moves_by_months else shifted_days(window, distance)

    assert parse_window(moved.wording) == moved


# --- wordings put together ---

# Name, letter, sign, the year before the first, the first day.
ERAS = [
    ("令和", "R", "㋿", 2018, date(2019, 5, 1)),
    ("平成", "H", "㍻", 1988, date(1989, 1, 8)),
    ("昭和", "S", "㍼", 1925, date(1926, 12, 25)),
    ("大正", "T", "㍽", 1911, date(1912, 7, 30)),
    ("明治", "M", "㍾", 1867, date(1868, 1, 25)),
]
ONES = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"]
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
PAPER_DAYS = st.dates(date(1873, 1, 1), date(2060, 12, 31)) | NEAR_A_CHANGE
SEPARATORS = st.sampled_from(["～", "〜", "~", "－", "―", "から", " ～ "])


def kanji(number: int) -> str:
    tens, ones = divmod(number, 10)
    return ["", "十", *(each + "十" for each in ONES[2:])][tens] + ONES[ones]


def numeral(draw: st.DrawFn, number: int) -> str:
    return draw(
        st.sampled_from([str(number), str(number).translate(WIDE), f"{number:02}", kanji(number), f" {number} "])
    )


def era_year(draw: st.DrawFn, at: date, letters_only: bool = False) -> str:
    name, letter, sign, zero, _ = next(era for era in ERAS if at >= era[4])
    number = at.year - zero
    said = draw(st.sampled_from([letter] if letters_only else [name, letter, sign, name[0]]))
    if letters_only:
        return said + ("元" if number == 1 and draw(st.booleans()) else str(number))
    return said + ("元" if number == 1 and draw(st.booleans()) else numeral(draw, number))


@st.composite
def wordings(draw: st.DrawFn) -> tuple[str, date, date]:
    """A unit of time as a paper may write it, with the days that it means by the plainest counting."""
    at = draw(PAPER_DAYS)
    first = date(at.year, at.month, 1)
    following = date(at.year + at.month // 12, at.month % 12 + 1, 1)
    last = following - timedelta(1)
    kind = draw(st.sampled_from(["iso", "western", "dotted", "day", "third", "end", "month", "quarter", "fiscal_year"]))
    month = f"{numeral(draw, at.month)}月"
    match kind:
        case "iso":
            return draw(st.sampled_from([at.isoformat(), f"{at.year}/{at.month}/{at.day}"])), at, at
        case "western":
            return f"{at.year}年{month}{numeral(draw, at.day)}日", at, at
        case "dotted":
            sign = draw(st.sampled_from([".", "/", "-", "．", "・"]))
            return f"{era_year(draw, at, letters_only=True)}{sign}{at.month}{sign}{at.day}", at, at
        case "day":
            weekday = "月火水木金土日"[at.weekday()]
            tail = draw(st.sampled_from(["", f"（{weekday}）", f"({weekday}曜日)", f"{weekday}曜日"]))
            return f"{era_year(draw, at)}年{month}{numeral(draw, at.day)}日{tail}", at, at
        case "third":
            name, low, high = draw(st.sampled_from([("上旬", 1, 10), ("中旬", 11, 20), ("下旬", 21, last.day)]))
            begin = first.replace(day=low)
            return f"{era_year(draw, begin)}年{month}{name}", begin, first.replace(day=high)
        case "end":
            return f"{era_year(draw, last)}年{month}末", last, last
        case "month":
            return f"{era_year(draw, first)}年{month}", first, last
        case "quarter":
            number = draw(st.sampled_from([1, 2, 3, 4]))
            begin, end = [("04-01", "06-30"), ("07-01", "09-30"), ("10-01", "12-31"), ("01-01", "03-31")][number - 1]
            year = at.year + (number == 4)
            said = f"{era_year(draw, date(at.year, 4, 1))}年度第{numeral(draw, number)}四半期"
            return said, date.fromisoformat(f"{year}-{begin}"), date.fromisoformat(f"{year}-{end}")
        case _:
            said = f"{era_year(draw, date(at.year, 4, 1))}年度{draw(st.sampled_from(['', '内', '中']))}"
            return said, date(at.year, 4, 1), date(at.year + 1, 3, 31)


@given(wordings(), FISCAL_YEARS)
@settings(deadline=None, max_examples=600)
def test_a_wording_means_its_days_in_every_width_and_numeral(
    wording: tuple[str, date, date], fiscal_year: int | None
) -> None:
    text, first, last = wording

    window = parse_window(text, fiscal_year)

    assert (window.first, window.last) == (first, last)
    assert window.warnings == ()
    assert parse_window(show_window(window)) == window


@given(wordings(), wordings(), SEPARATORS, st.sampled_from(["", "まで", "頃", "までに"]))
@settings(deadline=None, max_examples=400)
def test_two_wordings_are_a_range_from_the_first_day_to_the_last_or_reversed(
    one: tuple[str, date, date], other: tuple[str, date, date], separator: str, tail: str
) -> None:
    text = one[0] + separator + other[0] + tail

    try:
        window = parse_window(text)
    except WindowError as exc:
        assert "より前です" in str(exc)
        assert other[2] < one[1]
        return

    assert (window.first, window.last, window.approximate) == (one[1], other[2], tail == "頃")
    assert parse_window(show_window(window)) == window


@given(
    wordings(), st.sampled_from(["～", "から", "以降", "以後", "より"]), st.sampled_from(["～", "まで", "以前", "迄"])
)
@settings(deadline=None, max_examples=300)
def test_one_wording_with_a_sign_is_open_at_the_other_end(
    wording: tuple[str, date, date], since: str, until: str
) -> None:
    text, first, last = wording

    begun, ended = parse_window(text + since), parse_window(until + text if until == "～" else text + until)

    assert (begun.first, begun.last) == (first, None)
    assert (ended.first, ended.last) == (None, last)
    assert parse_window(show_window(begun)) == begun
    assert parse_window(show_window(ended)) == ended


@given(st.data(), PAPER_DAYS, st.integers(0, 500), SEPARATORS)
@settings(deadline=None, max_examples=300)
def test_the_right_side_may_leave_out_what_the_left_side_said(
    data: st.DataObject, first: date, days: int, separator: str
) -> None:
    last = first + timedelta(days)
    said = f"{last.day}日"
    if (last.year, last.month) != (first.year, first.month):
        said = f"{last.month}月{said}"
    if last.year != first.year:
        said = f"{last.year}年{said}"
    text = f"{era_year(data.draw, first)}年{first.month}月{first.day}日{separator}{said}"

    window = parse_window(text)

    assert (window.first, window.last) == (first, last)


# --- whatever is typed ---

SIGNS = "平成令和HR㋿元年度月日126十末の翌同第Q～.-/・()頃中内○廿"
WORDS = "28 31 二十八 2016 FY 年度 月末 上旬 前半 半期 四半期 から より まで 以降 めど 予定 （金） 調整中"
PIECES = st.sampled_from([*SIGNS, *WORDS.split()])


@given(st.text(max_size=16) | st.lists(PIECES, max_size=9).map("".join), FISCAL_YEARS)
@example("²⁸年六月", 2016)
@example("平成٢٨年", 2016)
@settings(deadline=None, max_examples=1500)
def test_whatever_is_typed_is_a_window_or_an_error_with_a_message(text: str, fiscal_year: int | None) -> None:
    try:
        window = parse_window(text, fiscal_year)
    except WindowError as exc:
        assert "。" in str(exc)
        return

    assert window.undecided or window.first or window.last
    assert not (window.first and window.last and window.last < window.first)
    assert window.wording == text.strip()
    assert parse_window(show_window(window)) == window


@given(st.lists(PIECES, max_size=9).map("".join), FISCAL_YEARS)
@settings(deadline=None, max_examples=300)
def test_a_day_is_read_or_refused_with_a_message(text: str, fiscal_year: int | None) -> None:
    try:
        day = parse_day(text, fiscal_year)
    except WindowError as exc:
        assert "。" in str(exc)
        return

    assert parse_window(text, fiscal_year).first == day


@given(wordings())
@settings(deadline=None, max_examples=200)
def test_width_is_no_matter(wording: tuple[str, date, date]) -> None:
    narrow = unicodedata.normalize("NFKC", wording[0])

    assert parse_window(narrow) == parse_window(wording[0])
