"""工程表 over real HTTP: the picture and its table say the same, of any day, and what is asked for is what is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from html import unescape
from pathlib import Path

import httpx
import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import Cascade
from kijitsu.domain.gates import SHOWN
from kijitsu.domain.history import Deed
from kijitsu.domain.windows import Window
from kijitsu.services import adopting, changing, reading
from kijitsu.services.reporting import Report, report
from kijitsu.services.slipping import baseline
from kijitsu.services.timeline import Asked, timeline
from kijitsu.settings import Settings
from kijitsu.web.svg_timeline import Words, picture
from tests.board import CLERK, crowded, text
from tests.integration.browsers import Door, door

SCRIPT = "<script>alert(1)</script>"
ROW = re.compile(r'<a class="row (\w+)( critical)?" href="milestones/(\w+)" aria-label="([^"]*)">')
LINE = re.compile(r'<tr id="r-(\w+)".*?</tr>', re.DOTALL)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A review completed on May 20 2016, and its filing moved by a month."""
    with door(tmp_path_factory.mktemp("timeline")) as found:
        done = Report(Deed.COMPLETE, "review", date(2016, 5, 20), evidence={"評価書": "総第75号"})
        report(found.office, "small", done, CLERK)
        baseline(found.office, "small", "当初", 1, CLERK)
        changing.move(found.office, "small", "filing", "平成28年10月", "照会のため", Cascade.PUSH, CLERK)
        yield found


def shown(city: Door, **asked: str) -> httpx.Response:
    with city.entered("suzuki") as browser:
        return browser.get("/plans/small/timeline", params={"every": "1", **asked})


def drawn(page: str) -> dict[str, str]:
    """Return what the picture says of each milestone."""
    return {id: unescape(said) for _, _, id, said in ROW.findall(page)}


def listed(page: str) -> dict[str, str]:
    """Return what the table says of each milestone."""
    return {found[1]: text(found[0]) for found in LINE.finditer(page)}


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_table_says_all_that_the_picture_says(city: Door, language: str) -> None:
    page = shown(city, lang=language).text

    picture_says, table_says = drawn(page), listed(page)
    assert list(picture_says) == list(table_says) == ["review", "filing", "audience", "portal"]
    day = r"平成\d+年\d+月\d+日" if language == "ja" else r"\d+ [A-Z][a-z]+ \d{4}"
    for id, said in picture_says.items():
        title, state, owner, *_ = said.split("、" if language == "ja" else ", ")
        assert {title, state, owner} <= set(re.split(r" (?=\S)", table_says[id])) | {
            each for each in (title, state, owner) if each in table_says[id]
        }
        assert set(re.findall(day, said)) <= set(re.findall(day, table_says[id])), id


@pytest.mark.parametrize("on", [date(2016, 5, 19), date(2016, 5, 20), date(2016, 6, 1), date(2016, 11, 1)])
def test_a_day_is_shown_as_status_says_it(city: Door, on: date) -> None:
    page = shown(city, on=on.isoformat()).text

    verdicts = reading.standing(city.office, "small", on).verdicts
    assert {id: status for status, _, id, _ in ROW.findall(page)} == {
        id: verdict.status.value for id, verdict in verdicts.items()
    }
    assert all(SHOWN[verdicts[id].status] in line for id, line in listed(page).items())
    assert ("の見込み" in page) == (on > date(2016, 5, 20))


def test_what_is_asked_for_is_what_is_shown(city: Door) -> None:
    assert list(drawn(shown(city, owner="residents").text)) == ["filing"]
    assert list(drawn(shown(city, kind="service").text)) == ["portal"]
    assert list(drawn(shown(city, state="done").text)) == ["review"]
    assert list(drawn(shown(city, order="title").text)) == ["audience", "filing", "portal", "review"]
    assert list(drawn(shown(city, every="", zoom="month").text)) == ["review"]
    nothing = shown(city, owner="residents", kind="service").text
    assert "この条件に当てはまる案件はありません。" in nothing
    assert "<svg xmlns" not in nothing


def test_a_month_shows_its_closed_days_and_a_year_does_not(city: Door) -> None:
    month, year = shown(city, zoom="month").text, shown(city).text

    [closed] = re.findall(r'<path class="closed" d="([^"]+)"', month)
    # May 2016: the 1st, the holidays of the 3rd to the 5th, and four weekends more.
    assert closed.count("M") == 6
    assert '<path class="closed"' not in year


def test_a_baseline_lies_beside_what_moved(city: Door) -> None:
    page = shown(city, baseline="当初")

    assert page.text.count('class="base"') == 5  # four milestones and the key
    assert "平成28年9月1日" in listed(page.text)["filing"]
    assert "平成28年10月3日" in listed(page.text)["filing"]
    assert "「別」という基準はありません。" in shown(city, baseline="別").text


def test_dependencies_are_drawn_of_one_or_of_all(city: Door) -> None:
    assert shown(city, ties="none").text.count('class="tip') == 0
    assert shown(city, ties="all", zoom="all").text.count('class="tip') == 2
    assert shown(city, ties="of:review", zoom="all").text.count('class="tip') == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"on": "いつか"}, "いつか"),
        ({"on": "1999-01-01"}, "この計画の外です"),
        ({"zoom": "week"}, "「week」は選べません"),
        ({"order": "x"}, "「x」は選べません"),
    ],
)
def test_what_cannot_be_shown_says_why(city: Door, asked: dict[str, str], said: str) -> None:
    answer = shown(city, **asked)

    assert answer.status_code == 422
    assert said in text(answer.text)


def test_windows_are_sharp_or_soft_or_without_an_end_and_the_assembly_sits(tmp_path: Path) -> None:
    office = open_office(Settings(home=tmp_path / "home", today="2016-07-13"))
    office.upgrade()
    adopting.adopt(office, "fy28", CLERK)
    now = reading.standing(office, "fy28", date(2016, 7, 13))

    page = timeline(office, now, Asked(date(2016, 7, 13), every=True))
    words = Words(lambda row: row.milestone.title, lambda status: SHOWN[status], str, str, str, "工程表")
    svg = picture(page, page.ties, words, lambda id: id)

    windows = [row.milestone.window for row in page.rows if row.milestone.window]

    def is_here(window: Window) -> bool:
        first, last = window.first or date.min, window.last or date.max
        return not window.undecided and first <= page.last and last >= page.first

    wanted = [window for window in windows if is_here(window)]
    assert svg.count('class="w ') == len(wanted)
    assert svg.count('class="w sharp') == sum(window.precision == "day" for window in wanted)
    # What has no end, or has it outside of the picture, has no edge there.
    assert svg.count('class="edges') == svg.count('<path class="w ') > sum(window.is_open for window in wanted) > 0
    assert svg.count('class="end') == sum(window.is_open for window in wanted)
    assert svg.count('class="unsettled') == sum(window.undecided for window in windows) > 0
    [sitting] = [each for each in page.sittings if each.days[0].year == 2016]
    assert (sitting.days[1] - sitting.days[0]) > timedelta(7)
    assert svg.count("\n") == 0
    assert svg.count('class="row ') == len(page.rows) == 69


def test_a_long_plan_comes_in_sheets_its_ties_go_across_and_its_titles_are_text(tmp_path: Path) -> None:
    with door(tmp_path, plan=crowded(60).replace("第7号", SCRIPT)) as city:
        page = shown(city, ties="all", zoom="all").text

    assert [len(ROW.findall(sheet)) for sheet in page.split("<svg xmlns")[1:]] == [26, 26, 8]
    # Each rests on the fifth before it: five ties go on from each sheet to the next, and are drawn on both.
    assert page.count('class="tip') == 55 + 2 * 5
    assert SCRIPT not in page
    assert SCRIPT in drawn(page)["step_7"]
    assert SCRIPT in unescape(listed(page)["step_12"])


def test_english_says_its_months_in_english(city: Door) -> None:
    page = shown(city, lang="en").text

    assert ">FY2016</text>" in page
    assert ">Apr</text>" in page
    assert "月</text>" not in page
