"""A date as a municipal source gives it, read and shown again."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
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
from tests.unit.worked import day


@pytest.mark.parametrize(
    ("text", "first", "last", "precision"),
    [
        # to the day
        ("2016-06-03", "2016-06-03", "2016-06-03", "day"),
        ("2016/6/3", "2016-06-03", "2016-06-03", "day"),
        ("平成28年6月3日（金）", "2016-06-03", "2016-06-03", "day"),
        ("平成28年6月3日(金曜日)", "2016-06-03", "2016-06-03", "day"),
        ("平成28年6月3日金曜日", "2016-06-03", "2016-06-03", "day"),
        ("平成28年7月18日（月・祝）", "2016-07-18", "2016-07-18", "day"),
        ("H28.6.3", "2016-06-03", "2016-06-03", "day"),
        ("R1.5.1", "2019-05-01", "2019-05-01", "day"),
        ("R元.5.1", "2019-05-01", "2019-05-01", "day"),
        ("S64.1.7", "1989-01-07", "1989-01-07", "day"),
        ("平成28年6月末", "2016-06-30", "2016-06-30", "day"),
        ("平成28年度末", "2017-03-31", "2017-03-31", "day"),
        ("平成28年末", "2016-12-31", "2016-12-31", "day"),
        ("2016-02-29", "2016-02-29", "2016-02-29", "day"),
        # thirds of a month
        ("平成28年6月上旬", "2016-06-01", "2016-06-10", "third"),
        ("平成28年6月中旬", "2016-06-11", "2016-06-20", "third"),
        ("平成28年2月下旬", "2016-02-21", "2016-02-29", "third"),
        # months
        ("平成28年6月", "2016-06-01", "2016-06-30", "month"),
        ("H28.6", "2016-06-01", "2016-06-30", "month"),
        ("2016-06", "2016-06-01", "2016-06-30", "month"),
        ("令和元年5月", "2019-05-01", "2019-05-31", "month"),
        ("平成元年1月", "1989-01-01", "1989-01-31", "month"),
        # written with other signs
        ("平成２８年６月３日（金）", "2016-06-03", "2016-06-03", "day"),
        ("２０１６－０６－０３", "2016-06-03", "2016-06-03", "day"),
        ("2016−06−03", "2016-06-03", "2016-06-03", "day"),
        ("平成二十八年六月三日", "2016-06-03", "2016-06-03", "day"),
        ("平成三十年十月十日", "2018-10-10", "2018-10-10", "day"),
        ("二〇一六年六月", "2016-06-01", "2016-06-30", "month"),
        ("㍻28年6月", "2016-06-01", "2016-06-30", "month"),
        ("㋿元年五月", "2019-05-01", "2019-05-31", "month"),
        (" 平成 28 年 6 月 ", "2016-06-01", "2016-06-30", "month"),
        # quarters, fiscal years, years
        ("平成28年度第1四半期", "2016-04-01", "2016-06-30", "quarter"),
        ("平成28年度第四四半期", "2017-01-01", "2017-03-31", "quarter"),
        ("平成28年度", "2016-04-01", "2017-03-31", "fiscal_year"),
        ("平成28年度内", "2016-04-01", "2017-03-31", "fiscal_year"),
        ("H28年度", "2016-04-01", "2017-03-31", "fiscal_year"),
        ("FY2016", "2016-04-01", "2017-03-31", "fiscal_year"),
        ("令和元年度", "2019-04-01", "2020-03-31", "fiscal_year"),
        ("平成28年度6月", "2016-06-01", "2016-06-30", "month"),
        ("平成28年度3月", "2017-03-01", "2017-03-31", "month"),
        ("平成28年度4月", "2016-04-01", "2016-04-30", "month"),
        ("平成28年", "2016-01-01", "2016-12-31", "range"),
        # ranges
        ("平成28年4月～5月", "2016-04-01", "2016-05-31", "range"),
        ("平成28年12月〜1月", "2016-12-01", "2017-01-31", "range"),
        ("H28.7〜H29.6", "2016-07-01", "2017-06-30", "range"),
        ("H28.7-H29.6", "2016-07-01", "2017-06-30", "range"),
        ("平成28年4月から5月まで", "2016-04-01", "2016-05-31", "range"),
        ("平成28年4月－5月", "2016-04-01", "2016-05-31", "range"),
        ("2016-06-10～2016-06-28", "2016-06-10", "2016-06-28", "range"),
        ("平成28年6月10日～28日", "2016-06-10", "2016-06-28", "range"),
        ("平成28年6月10日（金）～6月28日（火）", "2016-06-10", "2016-06-28", "range"),
        ("令和2年4月～3年3月", "2020-04-01", "2021-03-31", "range"),
        ("平成30年4月～2年3月", "2018-04-01", "2020-03-31", "range"),
        # open ends
        ("～平成28年7月", None, "2016-07-31", "month"),
        ("平成28年7月まで", None, "2016-07-31", "month"),
        ("平成29年7月～", "2017-07-01", None, "month"),
        ("平成29年7月から", "2017-07-01", None, "month"),
        ("2016-04-01〜", "2016-04-01", None, "day"),
        ("～平成29年度", None, "2018-03-31", "fiscal_year"),
        ("～平成28年6月下旬", None, "2016-06-30", "third"),
    ],
)
def test_a_form_is_read_as_the_days_it_means(text: str, first: str | None, last: str | None, precision: str) -> None:
    window = parse_window(text)

    assert (window.first, window.last) == (first and day(first), last and day(last))
    assert window.precision == precision
    assert (window.undecided, window.approximate, window.warnings) == (False, False, ())
    assert window.is_open == (first is None or last is None)
    assert window.wording == text.strip()


@pytest.mark.parametrize(
    ("text", "fiscal_year", "first", "last"),
    [
        ("4月～5月", 2016, "2016-04-01", "2016-05-31"),
        ("3月", 2016, "2017-03-01", "2017-03-31"),
        ("12月～1月", 2016, "2016-12-01", "2017-01-31"),
        ("6月3日（金）", 2016, "2016-06-03", "2016-06-03"),
        ("〜28年7月", 2016, None, "2016-07-31"),
        ("29年7月〜", 2016, "2017-07-01", None),
        ("28年度", 2016, "2016-04-01", "2017-03-31"),
        ("第1四半期", 2016, "2016-04-01", "2016-06-30"),
        ("年度内", 2016, "2016-04-01", "2017-03-31"),
        # the fiscal year that two eras share
        ("31年4月", 2019, "2019-04-01", "2019-04-30"),
        ("元年5月", 2019, "2019-05-01", "2019-05-31"),
        ("2年3月", 2019, "2020-03-01", "2020-03-31"),
    ],
)
def test_a_fiscal_year_gives_the_era_and_year_that_the_words_leave_out(
    text: str, fiscal_year: int, first: str | None, last: str | None
) -> None:
    window = parse_window(text, fiscal_year)

    assert (window.first, window.last) == (first and day(first), last and day(last))
    assert not window.warnings


@pytest.mark.parametrize("text", ["平成29年1月めど", "平成29年1月を目途に", "平成29年1月頃", "平成29年1月見込み"])
def test_about_a_month_keeps_its_days_and_is_marked(text: str) -> None:
    window = parse_window(text)

    assert window.is_open is False
    assert (window.first, window.last, window.approximate) == (date(2017, 1, 1), date(2017, 1, 31), True)


@pytest.mark.parametrize("text", ["平成28年7月頃～9月頃", "平成28年7月頃～9月", "平成28年7月～9月めど"])
def test_either_side_of_a_range_can_be_about(text: str) -> None:
    window = parse_window(text)

    assert (window.first, window.last, window.approximate) == (date(2016, 7, 1), date(2016, 9, 30), True)


@pytest.mark.parametrize("text", ["調整中", "未定", "検討中", "ＴＢＤ"])
def test_what_is_being_settled_has_no_days(text: str) -> None:
    window = parse_window(text)

    assert window.undecided
    assert not window.is_open
    assert (window.first, window.last) == (None, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("平成28年6月4日（金）", "曜日が違います.*もしかして: 平成28年6月4日（土）"),
        ("平成28年6月（金）", "日がないのに曜日があります"),
        ("2016-09-31", "2016年9月は30日まで.*もしかして: 2016-09-30"),
        ("平成29年2月29日", "2017年2月は28日まで.*もしかして: 2017-02-28"),
        ("平成元年1月1日", "平成は始まっていません.*もしかして: 昭和64年1月1日"),
        ("令和元年4月", "令和は始まっていません.*もしかして: 平成31年4月1日"),
        ("平成0年4月", "年が0です"),
        ("平成28年13月", "13月はありません"),
        ("平成28年6月～平成28年5月", "終わり（2016-05-31）が始まり（2016-06-01）より前"),
        ("4月～5月", "年がわかりません.*平成28年4月"),
        ("年度内", "年度がわかりません"),
        ("第1四半期", "年度がわかりません"),
        ("4月～5月～6月", "「～」が二つ以上"),
        ("～", "日付がありません"),
        ("", "日付が空です"),
        ("そのうち", "日付として読めません"),
        ("3日", "月がありません"),
        ("平成28年上旬", "月がありません"),
        ("平成28年度上旬", "月がありません"),
        # no such years: a slip of the finger, not a plan
        ("9999-12-31", "西暦9999年"),
        ("1500-01-01", "西暦1500年"),
        ("平成9999年6月", "西暦11987年"),
        ("9999年度", "西暦9999年"),
        # no numbers
        ("平成十十年六月", "日付として読めません"),
        ("平成" + "一" * 5000 + "年六月", "日付として読めません"),
    ],
)
def test_what_cannot_be_is_an_error_that_says_what_to_write(text: str, message: str) -> None:
    with pytest.raises(WindowError, match=message):
        parse_window(text)


@pytest.mark.parametrize(
    ("text", "first", "warning"),
    [
        ("平成31年5月", "2019-05-01", "平成の終わった後です。令和元年5月1日のこととして"),
        ("平成32年度", "2020-04-01", "平成の終わった後です。令和2年4月1日のこととして"),
        ("昭和64年1月8日", "1989-01-08", "昭和の終わった後です。平成元年1月8日のこととして"),
        ("28年7月", "2016-07-01", "元号がないので、平成と読みました"),
    ],
)
def test_what_papers_of_the_time_say_is_accepted_with_a_warning(text: str, first: str, warning: str) -> None:
    window = parse_window(text)

    assert window.first == day(first)
    assert len(window.warnings) == 1
    assert warning in window.warnings[0]


def test_a_single_day_is_asked_for_where_only_a_day_will_do() -> None:
    assert parse_day("平成28年6月3日（金）") == date(2016, 6, 3)
    for text in ("平成28年6月", "2016-06-03～", "調整中", "2016-06-01～2016-06-03"):
        with pytest.raises(WindowError, match="一日に決まりません"):
            parse_day(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2016-06-03", "平成28年6月3日（金）"),
        ("1989-01-07", "昭和64年1月7日（土）"),
        ("1989-01-08", "平成元年1月8日（日）"),
        ("H28.6", "平成28年6月"),
        ("2016-04～2016-05", "平成28年4月～平成28年5月"),
        # not a whole month, so not said as one
        ("2016-06-01～2016-06-10", "平成28年6月1日（水）～平成28年6月10日（金）"),
        ("～2016-06-30", "～平成28年6月30日（木）"),
        ("～H29年度", "～平成29年度"),
        ("2016年～", "平成28年～"),
        ("平成28年6月上旬～", "平成28年6月上旬～"),
        ("平成29年1月頃", "平成29年1月めど"),
        ("未定", "調整中"),
    ],
)
def test_a_window_is_shown_in_japanese(text: str, shown: str) -> None:
    assert show_window(parse_window(text)) == shown


def test_months_move_whole_whatever_their_length() -> None:
    february = shifted_months(parse_window("平成28年1月"), 1)
    assert (february.first, february.last) == (date(2016, 2, 1), date(2016, 2, 29))
    assert february.wording == "平成28年2月"

    april = shifted_months(parse_window("平成28年2月～3月"), 1)
    assert (april.first, april.last) == (date(2016, 3, 1), date(2016, 4, 30))


@pytest.mark.parametrize(
    ("text", "by_months"),
    [
        ("平成28年6月", True),
        ("平成28年4月～5月", True),
        ("平成28年度", True),
        ("平成28年度第1四半期", True),
        ("平成28年7月～", True),
        ("平成28年～", True),
        ("～平成28年", True),
        ("2016-06-03", False),
        ("平成28年6月上旬", False),
        ("2016-06-10～2016-06-28", False),
        ("2016-06-01～2016-06-28", False),
        ("2016-06-10～2016-06-30", False),
        ("調整中", False),
    ],
)
def test_what_the_source_says_in_months_moves_by_months(text: str, by_months: bool) -> None:
    assert parse_window(text).moves_by_months is by_months


def test_a_day_stays_a_day_and_a_month_a_month() -> None:
    assert shifted_days(parse_window("2016-06-03"), 7) == Window.on(date(2016, 6, 10))
    assert shifted_months(parse_window("平成28年6月"), 7) == parse_window("平成29年1月")
    assert shifted_months(parse_window("平成28年度第1四半期"), 3).wording == "平成28年7月～平成28年9月"


def test_days_move_by_days_and_a_third_of_a_month_becomes_a_range() -> None:
    moved = shifted_days(parse_window("平成28年6月上旬めど"), 7)

    assert moved.wording == "平成28年6月8日（水）～平成28年6月17日（金）めど"
    assert moved.precision is Precision.RANGE


DAYS = st.dates(date(1880, 1, 1), date(2190, 12, 31))


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


@given(windows())
@settings(deadline=None, max_examples=400)
def test_a_window_as_shown_is_read_as_itself(window: Window) -> None:
    assert parse_window(show_window(window)) == window


@given(windows(), st.integers(-40, 40))
@settings(deadline=None, max_examples=150)
def test_a_moved_window_is_worded_so_that_it_is_read_as_itself(window: Window, distance: int) -> None:
    if window.undecided:
        return
    moved = shifted_months(window, distance) if window.moves_by_months else shifted_days(window, distance)

    assert parse_window(moved.wording) == moved


@given(
    st.text(
        alphabet="平成令和元年度月日旬上末第四半期～〜からまでH28R.-/1023456789（金）めど調整中一二十 　", max_size=16
    )
)
@settings(deadline=None, max_examples=400)
def test_whatever_is_typed_is_a_window_or_an_error_with_a_message(text: str) -> None:
    for fiscal_year in (None, 2016, 2019):
        try:
            assert isinstance(parse_window(text, fiscal_year), Window)
        except WindowError as exc:
            assert "。" in str(exc)
