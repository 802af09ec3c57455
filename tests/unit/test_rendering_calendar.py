"""The dates of a letter as a calendar reads them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from icalendar.cal.component import Component

from kijitsu.messages import Item, Topic
from notifications.render import LetterRenderer
from tests.unit.letters import FRIDAY, LINK, full, item, letter

RENDER = LetterRenderer()


def calendar(*items: Item, **changed: Any) -> str:
    return RENDER(letter(*items, **changed)).calendar


def events(text: str) -> list[Component]:
    return Calendar.from_ical(text).walk("VEVENT")


def test_a_date_ahead_is_one_event_of_a_whole_day_that_blocks_no_time() -> None:
    text = calendar(item(link=LINK))

    assert Calendar.from_ical(text)["METHOD"] == "PUBLISH"
    [event] = events(text)
    assert event.errors == []
    assert event["UID"] == "042021.fy28.ordinance"
    assert event["SEQUENCE"] == 3
    assert event.decoded("DTSTAMP") == datetime(2016, 6, 1, 9, tzinfo=UTC)
    assert event.decoded("DTSTART") == date(2016, 6, 10)
    assert event.decoded("DTEND") == date(2016, 6, 11)
    assert event["TRANSP"] == "TRANSPARENT"
    assert event["SUMMARY"] == "【期限】独自利用条例の制定"
    assert event["DESCRIPTION"].splitlines() == [
        "担当：市民課",
        "平成28年度 社会保障・税番号制度 対応計画",
        "問合せ先：石巻市　総務課　kijitsu@city.example",
        f"確認・回答する：{LINK}",
    ]
    assert event["ORGANIZER"] == "mailto:kijitsu@city.example"
    [alarm] = event.walk("VALARM")
    assert alarm["ACTION"] == "DISPLAY"
    assert alarm.decoded("TRIGGER") == timedelta(hours=-15)  # at nine on the day before


def test_the_event_is_on_the_day_that_speaks_and_names_the_own_deadline() -> None:
    [event] = events(calendar(item(latest_safe=date(2016, 6, 8), due_at=time(17, 15))))

    assert event.decoded("DTSTART") == date(2016, 6, 8)
    assert "本来の期限は平成28年6月10日（金）17時15分" in event["DESCRIPTION"]
    assert "17時15分" not in event["SUMMARY"]


def test_a_time_of_day_and_the_language_show_in_the_title() -> None:
    [japanese] = events(calendar(item(due_at=time(17, 15))))
    [english] = events(calendar(item(due_at=time(17, 15)), language="en"))

    assert japanese["SUMMARY"] == "【期限】独自利用条例の制定（17時15分まで）"
    assert english["SUMMARY"] == "[Due] 独自利用条例の制定 (by 17:15)"


def test_only_dates_ahead_that_the_recipient_answers_for_are_events() -> None:
    text = calendar(
        item(Topic.ON_DAY, milestone="today", due=FRIDAY),
        item(Topic.REJECTED, milestone="again"),
        item(Topic.MOVED, milestone="moved", was=date(2016, 6, 7)),
        item(Topic.BEFORE, milestone="over", due=date(2016, 6, 2)),
        item(Topic.BEFORE, milestone="undated", due=None),
        item(Topic.AFTER, milestone="late", due=date(2016, 6, 1)),
        item(Topic.BLOCKED, milestone="stopped"),
        item(Topic.BEFORE, milestone="copy", answers_for=False),
        item(Topic.MOVED, milestone="others", answers_for=False),
        item(Topic.ESTIMATE, milestone="estimate"),
    )

    assert [event["UID"].rpartition(".")[2] for event in events(text)] == ["again", "today", "moved"]


def test_a_deadline_that_was_withdrawn_cancels_its_event() -> None:
    [event] = events(calendar(item(Topic.MOVED, due=None, was=date(2016, 6, 7))))

    assert event["STATUS"] == "CANCELLED"
    assert event.decoded("DTSTART") == date(2016, 6, 7)
    assert event.walk("VALARM") == []


def test_an_event_that_is_told_twice_is_there_once() -> None:
    assert len(events(calendar(item(Topic.BEFORE), item(Topic.MOVED)))) == 1


@pytest.mark.parametrize(
    "told",
    [
        calendar(item(Topic.AFTER, due=date(2016, 6, 1))),
        calendar(item(answers_for=False)),
        calendar(item(), changed_at=None),
        calendar(message="test"),
    ],
)
def test_without_a_date_or_a_revision_there_is_no_calendar(told: str) -> None:
    assert told == ""


def test_the_same_letter_gives_the_same_text_by_whatever_clock_its_revision_was_written() -> None:
    at = datetime(2016, 6, 1, 18, tzinfo=ZoneInfo("Asia/Tokyo"))

    assert calendar(full(Topic.ON_DAY)) == calendar(full(Topic.ON_DAY), changed_at=at) != ""


def test_a_hostile_title_stays_in_its_property() -> None:
    text = calendar(item(title="題\r\nEND:VEVENT\\n;,", owner="課\nX-EVIL:1"), contact_title='総務"課')

    [event] = events(text)
    assert event["SUMMARY"] == "【期限】題 END:VEVENT\\n;,"
    assert "X-EVIL" not in event
    assert all(len(line.encode()) <= 75 for line in text.splitlines())
