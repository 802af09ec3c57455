"""What happened, told once: from the audit log and the outbox, whoever acted where; and what the channel is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from kijitsu.bootstrap import open_office
from kijitsu.domain.errors import InputError
from kijitsu.messages import Envelope, Wording
from kijitsu.office import Office
from kijitsu.services import alerting, happenings
from kijitsu.services.entries import ACTIONS
from kijitsu.services.happenings import CATALOGUE, NAMES, Happening, announced, news, of_entry
from kijitsu.services.replaying import rehearsal
from kijitsu.store.rows import OutboxState
from kijitsu.store.work import UnitOfWork
from tests.acceptance.support import SMALL, calendar_with

HERE, NOW = "042021", datetime(2016, 6, 3, 0, 30, tzinfo=UTC)
STOPPED = date(2016, 6, 1)
REFERENCE = Path(__file__).parents[2] / "docs" / "reference.md"


# --- the store's part ---


def put_out(engine: Engine, *keys: str) -> None:
    wording = Wording("件名", "本文", "", "")
    with UnitOfWork(engine, HERE) as work:
        work.outbox.add(
            [Envelope(key, "mail", "a@b.example", "市民課", f"<{key}@k>", NOW, wording) for key in keys], NOW
        )
        work.commit()


def send_one(engine: Engine) -> str:
    with UnitOfWork(engine, HERE) as work:
        claimed = work.outbox.claim(NOW, timedelta(minutes=5), "a")
        assert claimed
        work.outbox.mark_sent(claimed.key, "a", NOW)
        work.commit()
    return claimed.key


def test_what_was_sent_is_news_until_it_is_announced(engine: Engine) -> None:
    put_out(engine, "fy28/1", "fy28/2", "fy28/3")
    first, second = send_one(engine), send_one(engine)

    with UnitOfWork(engine, HERE) as work:
        assert {each.key for each in work.outbox.news(10)} == {first, second}
        assert len(work.outbox.news(1)) == 1
        work.outbox.announced([first])
        work.commit()

    with UnitOfWork(engine, HERE) as work:
        assert [each.key for each in work.outbox.news(10)] == [second]
        work.outbox.nothing_new()
        assert work.outbox.news(10) == []
    with UnitOfWork(engine, "041009") as elsewhere:
        assert elsewhere.outbox.news(10) == []


def test_entries_are_read_on_from_where_they_were_announced(engine: Engine) -> None:
    with UnitOfWork(engine, HERE) as work:
        entries = [work.audit.append(NOW, "情報 太郎", "pass", "start", f"fy28/m{number}", {}) for number in range(3)]
        assert work.audit.announced() == 0
        assert work.audit.after(0, 2) == entries[:2]
        work.audit.announce(2)
        work.commit()

    with UnitOfWork(engine, HERE) as work:
        assert work.audit.announced() == 2
        assert work.audit.after(2, 10) == entries[2:]
        work.audit.announce(3)
        assert work.audit.announced() == 3


# --- names ---


def test_every_action_of_the_audit_log_has_an_event() -> None:
    assert NAMES.keys() == ACTIONS.keys()


def test_the_reference_lists_every_event_and_no_other() -> None:
    events = REFERENCE.read_text(encoding="utf-8").partition("### Events")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| `(kijitsu\.\w+\.[\w<>]+)` \|", events, re.MULTILINE)

    assert len(rows) == len(set(rows))
    statuses = {name for name in CATALOGUE if name.startswith("kijitsu.milestone.")}
    assert set(rows) == CATALOGUE - statuses | {"kijitsu.milestone.<status>"}


@pytest.fixture
def small(tmp_path: Path) -> Callable[[date], Office]:
    """The office of the small plan, lived through up to the morning of a day; its news is still to be told."""

    def live(last: date) -> Office:
        calendar = calendar_with(tmp_path / "calendar", small=SMALL)
        settings = replace(open_office().settings, calendar=calendar, plan="small")
        with rehearsal(open_office(settings), tmp_path / "stage") as stage:
            stage.start("small", date(2016, 5, 30))
            for _ in stage.run(None, date(2016, 5, 30), last, lambda done, of: None):
                pass
        with stage.office.open_work(HERE, False) as work:
            work.audit.announce(0)
            work.commit()
        return stage.office

    return live


def told(office: Office) -> Iterator[Happening]:
    """Announce everything that is new."""
    organisation = office.library.organisations()[0]
    while found := news(office, organisation):
        yield from found.happenings
        announced(office, organisation, found)


def test_a_pass_tells_each_transition_and_lapse_and_once_what_is_newly_stopped(
    small: Callable[[date], Office],
) -> None:
    found = list(told(small(STOPPED)))

    assert {each.name for each in found} <= CATALOGUE
    assert len({each.id for each in found}) == len(found)
    assert "@" not in json.dumps([each.payload for each in found], ensure_ascii=False)
    today = [each for each in found if each.payload.get("on") == "2016-06-01"]
    assert [(each.name, each.resource) for each in today] == [
        ("kijitsu.plan.watched", "kijitsu.042021.small"),
        ("kijitsu.milestone.overdue", "kijitsu.042021.small.review"),
        ("kijitsu.milestone.blocked", "kijitsu.042021.small.filing"),
        ("kijitsu.milestone.blocked", "kijitsu.042021.small.portal"),
        ("kijitsu.prerequisite.lapsed", "kijitsu.042021.small.review"),
        ("kijitsu.plan.blocked", "kijitsu.042021.small"),
    ]
    stop = today[-1]
    assert stop.payload["count"] == 2
    assert stop.payload["causes"] == [{"id": "review", "title": "評価書の再評価", "holds_up": ["filing", "portal"]}]
    assert "期限までに終わっていません" in stop.payload["stopped"][0]["reason"]
    assert today[-2].payload["holds_up"] == [
        {"id": "filing", "title": "届出書の提出"},
        {"id": "portal", "title": "窓口の開始"},
    ]


def test_what_is_told_again_after_a_crash_has_the_same_ids_and_then_nothing_is_new(
    small: Callable[[date], Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    office = small(STOPPED)
    organisation = office.library.organisations()[0]
    monkeypatch.setattr(happenings, "AT_ONCE", 2)

    first, again = news(office, organisation), news(office, organisation)
    assert first and again
    assert first == again
    assert first.upto == 2

    announced(office, organisation, first)
    # Somebody slower must not take it back.
    announced(office, organisation, replace(first, upto=1))
    rest = list(told(office))
    assert not {each.id for each in first.happenings} & {each.id for each in rest}
    assert rest[-1].name == "kijitsu.plan.blocked"
    assert news(office, organisation) is None


def test_what_a_rehearsal_lived_through_is_no_news(tmp_path: Path) -> None:
    settings = replace(open_office().settings, calendar=calendar_with(tmp_path / "calendar", small=SMALL))
    with rehearsal(open_office(settings), tmp_path / "stage") as stage:
        stage.start("small", date(2016, 5, 30))
        list(stage.run(None, date(2016, 5, 30), STOPPED, lambda done, of: None))

    assert news(stage.office, stage.office.library.organisations()[0]) is None


def test_every_entry_is_told_by_its_name_without_addresses(small: Callable[[date], Office]) -> None:
    office = small(date(2016, 5, 30))
    subjects = {"report": "small/review", "message": "small/2016-06-01/residents/ab12", "installation": "audit"}
    resources = {
        "report": "kijitsu.042021.small.review",
        "message": "kijitsu.042021.small.messages.2016-06-01/residents/ab12",
        "calendar": "kijitsu.042021.small.calendars.municipality",
        "installation": "kijitsu.042021",
    }
    details = {
        "calendar": "municipality",
        "revision": 2,
        "address": "a@b.example",
        "account": "taro",
        "moved": [1] * 999,
    }
    with office.open_work(HERE, False) as work:
        entries = {
            action: work.audit.append(
                NOW, "情報 太郎", "pass", action, subjects.get(name.split(".")[1], "small"), details
            ).number
            for action, name in NAMES.items()
            if action != "watch"
        }
        work.commit()

    for action, number in entries.items():
        (happening,) = of_entry(office, office.library.organisations()[0], number)
        assert happening.name == NAMES[action]
        assert happening.resource == resources.get(NAMES[action].split(".")[1], "kijitsu.042021.small")
        assert (happening.payload["audit"], happening.payload["revision"]) == (number, 2)
        assert len(happening.payload["moved"]) == 100
        assert not {"address", "account"} & happening.payload.keys()


# --- the channel ---


def in_outbox(office: Office, part: str) -> list[Envelope]:
    with office.open_work(HERE, True) as work:
        return [row.envelope for row in work.outbox.all() if f"/{part}/" in row.key]


def test_a_stop_is_written_to_the_channel_once(small: Callable[[date], Office]) -> None:
    office = small(STOPPED)
    (stop,) = (each for each in told(office) if each.name == happenings.BLOCKED)

    first = alerting.alert(office, "small", stop.payload["audit"])
    second = alerting.alert(office, "small", stop.payload["audit"])

    assert (first.is_new, second.is_new) == (True, False)
    (news,) = in_outbox(office, "alert")
    assert (news.channel, news.address) == ("file", "jimukyoku")
    assert news.wording.subject == "【停止】新たに2件が止まりました（小さな計画）"
    assert [each.name for each in told(office)] == ["kijitsu.message.alerted"]


def test_a_letter_that_was_given_up_is_told_and_the_channels_own_is_not(small: Callable[[date], Office]) -> None:
    office = small(date(2016, 5, 30))
    with office.open_work(HERE, False) as work:
        wording = Wording("件名", "本文", "", "")
        keys = ("small/2016-06-01/residents/ab12", "small/alert/1")
        work.outbox.add([Envelope(key, "mail", "a@b.example", key, f"<{key}@k>", NOW, wording) for key in keys], NOW)
        for _ in keys:
            claimed = work.outbox.claim(NOW, timedelta(minutes=5), "a")
            assert claimed
            work.outbox.mark_failed(claimed.key, "a", "550", None)
        entry = work.audit.append(NOW, "kijitsu", "dispatch", "give-up", keys[0], {"error": "550 a@b.example"})
        work.commit()

    assert alerting.alert(office, "small", entry.number).is_new

    (news,) = (each for each in in_outbox(office, "alert") if each.key == f"small/alert/{entry.number}")
    assert news.wording.subject.startswith("【不達】1通の通知が届いていません")


def test_without_a_channel_nothing_is_written(small: Callable[[date], Office], tmp_path: Path) -> None:
    office = small(STOPPED)
    (stop,) = (each for each in told(office) if each.name == happenings.BLOCKED)
    file = tmp_path / "calendar" / "organisations" / "ishinomaki.yaml"
    file.write_text(re.sub(r"^    alerts: .*\n", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE))

    found = alerting.alert(office.reopen(office.settings), "small", stop.payload["audit"])

    assert found.place is None
    assert in_outbox(office, "alert") == []


def test_an_entry_that_stopped_nothing_is_refused(small: Callable[[date], Office]) -> None:
    office = small(date(2016, 5, 30))

    for number in (1, 99):
        with pytest.raises(InputError, match="停止の記録でも不達の記録でもありません"):
            alerting.alert(office, "small", number)
    with office.open_work(HERE, True) as work:
        assert work.outbox.counts()[OutboxState.PENDING] == 0
