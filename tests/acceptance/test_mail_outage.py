"""A mail relay in trouble: every letter is kept, shown, retried, and sent once."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.support import SMALL, Desk, body, calendar_with, read_mail
from tests.integration.smtp_relays import Post, Relay, relay, unused_place

FRIDAY, SATURDAY, MONDAY = "2016-06-03", "2016-06-04", "2016-06-06"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk on the Friday on which five letters are owed."""
    calendar = calendar_with(tmp_path / "calendar", small=SMALL)
    desk = Desk(tmp_path / "home", calendar=calendar, today=FRIDAY, plan="small")
    desk("plan", "adopt", "small")
    return desk


@pytest.fixture
def shared_desk(empty_database: str, tmp_path: Path) -> Desk:
    """The same, on each kind of database."""
    calendar = calendar_with(tmp_path / "calendar", small=SMALL)
    desk = Desk(tmp_path / "home", calendar=calendar, today=FRIDAY, plan="small", database_url=empty_database)
    desk("plan", "adopt", "small")
    return desk


@pytest.fixture
def back() -> Iterator[Relay]:
    """A relay that works."""
    with relay() as running:
        yield running


def at(place: Relay | str) -> dict[str, str]:
    return {"smtp_url": f"smtp://{place.place if isinstance(place, Relay) else place}"}


def taken(*relays: Relay) -> list[EmailMessage]:
    return [read_mail(message) for each in relays for message in each.post.messages]


def ids(mails: list[EmailMessage]) -> Counter[str]:
    return Counter(str(mail["Message-ID"]) for mail in mails)


def states(desk: Desk) -> Counter[str]:
    ledger = desk("reminders", "--json").json
    return Counter(each["state"] for each in ledger if each["state"] != "upcoming")


def test_letters_wait_where_nobody_listens_and_the_clerk_is_told_where(desk: Desk) -> None:
    done = desk("watch", "--json", code=3, **at(unused_place()))

    assert {key: done.json[key] for key in ("letters", "sent", "waiting", "dead")} == {
        "letters": 5,
        "sent": 0,
        "waiting": 5,
        "dead": 0,
    }
    assert "接続できません" in done.err
    assert "5通は送信箱に残してあり" in done.err
    assert "kijitsu outbox send" in done.err
    waiting = desk("outbox", "list", "--json").json
    assert len(waiting) == 5
    for each in waiting:
        assert list(each) == [
            *("state", "recipient", "channel", "address", "subject", "attempts", "not_before", "error", "key"),
        ]
        assert (each["state"], each["attempts"]) == ("pending", 0)
        assert "接続できません" in each["error"]
    assert states(desk) == {"pending": 7}


def test_what_waited_goes_out_once_when_the_relay_is_back(shared_desk: Desk, back: Relay) -> None:
    shared_desk("watch", code=3, **at(unused_place()))

    first = shared_desk("outbox", "send", **at(back))
    second = shared_desk("outbox", "send", **at(back))
    shared_desk("watch", **at(back))

    assert "送信 5通" in first.out
    assert "送信 0通" in second.out
    assert set(ids(taken(back)).values()) == {1}
    assert len(taken(back)) == 5
    assert shared_desk("outbox", "list", "--json").json == []
    assert states(shared_desk) == {"sent": 7}


def test_the_next_mornings_watch_sends_what_waited_and_a_saturday_does_not(desk: Desk, back: Relay) -> None:
    desk("watch", code=3, **at(unused_place()))

    on_saturday = desk("watch", "--json", today=SATURDAY, **at(back)).json
    on_monday = desk("watch", "--json", today=MONDAY, **at(back)).json

    assert (on_saturday["open"], on_saturday["sent"]) == (False, 0)
    assert (on_monday["letters"], on_monday["sent"]) == (5, 5)
    assert len(taken(back)) == 5


def test_a_relay_that_is_busy_is_asked_again(desk: Desk) -> None:
    with relay(Post(DATA=["451 4.3.0 later, please"] * 2)) as busy:
        done = desk("watch", "--json", code=3, **at(busy))
        waiting = desk("outbox", "list", "--json").json
        desk("outbox", "send", **at(busy))

        assert (done.json["sent"], done.json["waiting"], done.json["dead"]) == (3, 2, 0)
        assert "451" in done.err
        assert [each["state"] for each in waiting] == ["pending"] * 2
        assert all("451" in each["error"] for each in waiting)
        assert len(taken(busy)) == 5
        assert set(ids(taken(busy)).values()) == {1}


def test_a_refused_address_is_shown_and_can_be_tried_again(desk: Desk) -> None:
    with relay(Post(RCPT=["550 5.1.1 no such mailbox"])) as strict:
        done = desk("watch", "--json", code=3, **at(strict))
        (dead,) = desk("outbox", "list", "--json").json

        assert (done.json["sent"], done.json["waiting"], done.json["dead"]) == (4, 0, 1)
        assert "550" in done.err
        assert dead["state"] == "dead"
        assert "不達" in desk("outbox", "list").out
        assert "550" in dead["error"]
        assert desk("outbox", "send", **at(strict)).out.startswith("送信 0通")
        # On Monday nothing is owed but the new week's 週報.
        assert desk("watch", "--json", today=MONDAY, **at(strict)).json["sent"] == 1
        assert len(taken(strict)) == 5

        desk("outbox", "resend", dead["key"])
        sent = desk("outbox", "send", **at(strict))

        assert "送信 1通" in sent.out
        assert taken(strict)[-1]["To"].addresses[0].addr_spec == dead["address"]
        assert set(ids(taken(strict)).values()) == {1}
        assert states(desk) == {"sent": 7}
        assert "鍵「なし」" in desk("outbox", "resend", "なし", code=1).err
        assert [entry["action"] for entry in desk("audit", "list", "--json").json] == [
            *("adopt", "watch", "give-up", "resend"),
        ]


def test_a_moved_date_takes_back_what_spoke_of_the_old_one(shared_desk: Desk, back: Relay) -> None:
    shared_desk("complete", "small", "review", "--evidence", "評価書=総第75号")
    # August 31 is 20 working days before September 30: 市民課 is owed a reminder, and the 事務局 the 週報.
    shared_desk("watch", code=3, today="2016-09-01", **at(unused_place()))
    waiting = shared_desk("outbox", "list", "--json").json
    assert [each["recipient"] for each in waiting] == ["市民課", "番号制度推進本部事務局"]

    move = ("move", "small", "filing", "--to", "平成28年10月", "--apply", "--reason", "受付の延期")
    shared_desk(*move, today="2016-09-01")
    shared_desk("outbox", "send", today="2016-09-02", **at(back))

    assert shared_desk("outbox", "list", "--json").json == []
    weekly, *moved = sorted(taken(back), key=lambda mail: "日程変更" in body(mail, "plain"))
    assert "週報" in weekly["Subject"]
    assert sorted(mail["To"].addresses[0].username for mail in moved) == ["bangou-jimukyoku", "shimin"]
    assert all("日程変更" in body(mail, "plain") for mail in moved)
    assert states(shared_desk)["superseded"] == 1


def test_a_moved_date_takes_back_nothing_else(desk: Desk, back: Relay) -> None:
    desk("watch", code=3, **at(unused_place()))

    desk("move", "small", "filing", "--to", "平成28年10月", "--apply", "--reason", "受付の延期")
    desk("outbox", "send", **at(back))

    # That the filing is blocked is as true as before, and 市民課 was not told yet. Two are told of the move besides.
    assert len(taken(back)) == 5
    assert states(desk) == {"sent": 9}


def test_processes_that_send_at_once_send_nothing_twice(shared_desk: Desk, back: Relay) -> None:
    shared_desk("watch", code=3, **at(unused_place()))

    processes = [shared_desk.start("outbox", "send", **at(back)) for _ in range(3)]
    codes = [process.wait() for process in processes]

    assert codes == [0, 0, 0]
    assert len(taken(back)) == 5
    assert set(ids(taken(back)).values()) == {1}


class Holding(Post):
    """Takes two messages, and keeps the sender of the third waiting for its answer."""

    def __init__(self) -> None:
        super().__init__()
        self.is_holding = threading.Event()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        if len(self.messages) == 3:
            self.is_holding.set()
            await asyncio.Event().wait()
        return answer


def test_a_watch_killed_while_it_sends_loses_nothing_and_repeats_one_message_at_most(
    shared_desk: Desk, back: Relay
) -> None:
    post = Holding()
    with relay(post) as holding:
        process = shared_desk.start("watch", "small", **at(holding))
        while not post.is_holding.wait(0.5):
            assert process.poll() is None, "the watch ended before it had sent three"
        process.kill()
        process.wait()
        before = taken(holding)

    shared_desk("watch", "small", today=MONDAY, **at(back))

    repeated = [id for id, count in ids([*before, *taken(back)]).items() if count > 1]
    assert len(before) == 3
    # The five letters of Friday, and Monday's 週報.
    assert len(ids([*before, *taken(back)])) == 6
    assert repeated == [before[2]["Message-ID"]]
    (again,) = [content for content in back.post.messages if read_mail(content)["Message-ID"] == repeated[0]]
    assert again == post.messages[2]
    assert states(shared_desk) == {"sent": 7}
    assert shared_desk("audit", "verify", "--json").json["problems"] == []


def test_a_trial_letter_goes_out_at_any_hour_and_the_servers_answer_is_shown(desk: Desk, back: Relay) -> None:
    done = desk("outbox", "test", "general_affairs", today=SATURDAY, **at(back))
    desk("outbox", "test", "副市長", today=SATURDAY, **at(back))

    assert done.out.startswith("総務課（mail: ")
    assert "相手の返事: 250" in done.out
    first, second = taken(back)
    assert "試験" in str(first["Subject"])
    assert "総務課" in body(first, "plain")
    assert first["Message-ID"] != second["Message-ID"]
    assert states(desk) == {}
    trials = [entry for entry in desk("audit", "list", "--json").json if entry["action"] == "trial"]
    assert [(entry["subject"], entry["details"]["accepted"]) for entry in trials] == [
        ("general_affairs", True),
        ("副市長", True),
    ]


def test_a_refused_trial_letter_shows_the_servers_words(desk: Desk) -> None:
    with relay(Post(RCPT=["550 5.1.1 no such mailbox"])) as strict:
        done = desk("outbox", "test", "general_affairs", code=3, **at(strict))

    assert "550 5.1.1 no such mailbox" in done.err
    (trial,) = [entry for entry in desk("audit", "list", "--json").json if entry["action"] == "trial"]
    assert (trial["details"]["accepted"], "550" in trial["details"]["answer"]) == (False, True)


def test_a_trial_letter_to_nobody_names_who_may_be_meant(desk: Desk) -> None:
    assert "もしかして: general_affairs（総務課）" in desk("outbox", "test", "general_affair", code=1).err
    assert "もしかして: general_affairs_department（総務部）" in desk("outbox", "test", "総務", code=1).err


def test_a_trial_letter_goes_to_a_body_by_its_title(desk: Desk, back: Relay) -> None:
    assert desk("outbox", "test", "総務課", **at(back)).out.startswith("総務課（mail: ")

    (letter,) = taken(back)
    assert "総務課" in body(letter, "plain")
    assert desk("audit", "list", "--json").json[-1]["subject"] == "general_affairs"


def test_all_that_did_not_arrive_is_sent_again_at_once(desk: Desk, back: Relay) -> None:
    with relay(Post(RCPT=["550 5.1.1 no such mailbox"] * 5)) as strict:
        assert desk("watch", "--json", code=3, **at(strict)).json["dead"] == 5

    assert "--all" in desk("outbox", "resend", code=1).err
    assert "5通を送信待ちに戻しました" in desk("outbox", "resend", "--all", "small").out
    desk("outbox", "send", **at(back))

    assert len(taken(back)) == 5
    assert "計画 small の不達はありません" in desk("outbox", "resend", "--all", code=1).err


def test_what_waits_is_listed_with_the_answer_and_the_next_try_in_local_time(desk: Desk) -> None:
    desk("watch", code=3, **at(unused_place()))

    listed = desk("outbox", "list").out

    assert "6月3日 08:35" in listed
    waiting = desk("outbox", "list", "--json").json
    assert [f"{number}  {each['key']}" for number, each in enumerate(waiting, 1)] == listed.splitlines()[
        -len(waiting) :
    ]
    refused = desk("outbox", "resend", "--all", "small", code=1).err
    assert f"不達はありません。送信待ちは{len(waiting)}通です（kijitsu outbox send）" in refused
    assert "mail" in listed
