"""今日 over real HTTP: what is wrong in numbers, what to do first, and whether anybody watches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from kijitsu.domain.history import Deed
from kijitsu.services.delivering import dispatch
from kijitsu.services.reporting import Report, report
from kijitsu.services.watching import watch
from tests.board import CLERK, text
from tests.integration.browsers import Door, door

COUNT = re.compile(r'<li class="\w+"><a href="([^"]+)"><b>(\d+)</b>([^<]+)</a></li>')


@pytest.fixture
def city(tmp_path: Path) -> Iterator[Door]:
    with door(tmp_path) as found:
        watch(found.office, "small")
        yield found


def today(city: Door, language: str = "ja") -> str:
    with city.entered("suzuki") as browser:
        answer = browser.get("/plans/small/today", params={"lang": language})
        assert answer.status_code == 200
        return answer.text


def counts(page: str) -> dict[str, int]:
    return {words: int(number) for _, number, words in COUNT.findall(page)}


def test_a_quiet_day_says_so_and_what_comes_next(city: Door) -> None:
    # Noon on April 1: nothing is due for two months.
    city.clock.advance(days=-49)

    with city.entered("suzuki") as browser:
        page = text(browser.get("/plans/small/today"))

    assert "今日、手を打つものはありません。" in page
    assert "このあと期限が来るもの 期限 案件 担当 状態 平成28年5月31日（火） あと38開庁日 評価書の再評価 総務課" in page


def test_what_is_due_within_seven_working_days_is_counted_and_shown_first(city: Door) -> None:
    page = today(city)

    assert counts(page) == {
        "期限超過": 0,
        "停止": 0,
        "7開庁日以内に期限": 1,
        "不達の通知": 0,
        "承認待ちの変更": 0,
    }
    assert "平成28年5月31日（火） あと7開庁日" in text(page)


def test_a_lapse_is_the_first_thing_and_what_it_stops_is_told_beside_its_cause(city: Door) -> None:
    city.clock.advance(days=14)
    watch(city.office, "small")

    page = today(city)

    assert (counts(page)["期限超過"], counts(page)["停止"]) == (1, 2)
    plain = text(page)
    assert "まず「評価書の再評価」です。総務課が終えて報告すれば、2件の停止が解けます。" in plain
    assert plain.count("番号法第27条") == 0  # the cause tells it once, on its own page
    assert "First: “評価書の再評価”. Once 総務課 reports it done, 2 others can go on." in text(today(city, "en"))


def test_each_count_leads_to_what_it_counts(city: Door) -> None:
    with city.entered("suzuki") as browser:
        page = browser.get("/plans/small/today").text
        for address, _, _ in COUNT.findall(page):
            assert browser.get(f"/plans/small/{address}").status_code == 200, address


def test_a_pass_that_did_not_run_is_the_loudest_thing_on_the_page(city: Door) -> None:
    assert "毎朝の監視が行われていません" not in today(city)

    city.clock.advance(days=3)  # ten in the morning of Monday, and nobody watched
    page = today(city)

    assert "毎朝の監視が行われていません" in page
    assert page.index("毎朝の監視が行われていません") < page.index('class="counts"')
    watch(city.office, "small")
    assert "毎朝の監視が行われていません" not in today(city)


def test_the_heartbeat_alone_is_what_the_page_asks_for_every_minute(city: Door) -> None:
    with city.entered("suzuki") as browser:
        answer = browser.get("/plans/small/today/beat", headers={"HX-Request": "true"})

    assert answer.text.strip().startswith('<div id="beat"')
    assert "予定どおりです" in answer.text


def test_letters_that_wait_for_the_relay_are_told(tmp_path: Path) -> None:
    # A port on which nobody listens.
    with door(tmp_path, smtp_url="smtp://127.0.0.1:1") as city:
        city.clock.advance(days=11)
        watch(city.office, "small")
        dispatch(city.office, city.office.library.organisations()[0])

        assert "送信待ちの通知" in today(city)


def test_a_completion_takes_the_milestone_from_the_page(city: Door) -> None:
    done = Report(Deed.COMPLETE, "review", date(2016, 5, 20), evidence={"評価書": "総第75号"})
    report(city.office, "small", done, CLERK)

    assert "今日、手を打つものはありません。" in today(city)


def test_a_plan_that_nobody_adopted_has_no_page(city: Door) -> None:
    with city.entered("suzuki") as browser:
        answer = browser.get("/plans/smal/today")

    assert answer.status_code == 404
    assert "もしかして: small" in text(answer)
