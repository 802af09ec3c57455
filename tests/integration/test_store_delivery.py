"""What the ledger of reminders and the outbox promise, the same on all databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from kijitsu.messages import Envelope, Wording
from kijitsu.store.rows import Delivery, OutboxRow, OutboxState, ReminderRow, ReminderState
from kijitsu.store.work import UnitOfWork
from tests.at_once import at_once

ISHINOMAKI = "042021"
SENDAI = "041009"
NOW = datetime(2016, 6, 3, 0, 30, tzinfo=UTC)
LEASE = timedelta(minutes=5)
WORDING = Wording("件名", "本文", "<p>本文</p>", "{}")


def work(engine: Engine, *, readonly: bool = False) -> UnitOfWork:
    return UnitOfWork(engine, ISHINOMAKI, readonly=readonly)


def reminder(milestone: str = "pia", message_key: str | None = None, **changed: Any) -> ReminderRow:
    row = ReminderRow(
        plan="fy28",
        milestone=milestone,
        rule="before:5wd",
        recipient="information_systems",
        deadline=date(2016, 6, 10),
        due_on=date(2016, 6, 3),
        channel="mail",
        state=ReminderState.PENDING,
        message_key=message_key,
        written_on=date(2016, 6, 3),
    )
    return replace(row, **changed)


def envelope(key: str) -> Envelope:
    return Envelope(key, "mail", "joho@example.jp", "情報システム課", f"<{key}@kijitsu>", NOW, WORDING)


def put_out(engine: Engine, *keys: str, not_before: datetime = NOW) -> None:
    with work(engine) as uow:
        uow.outbox.add([envelope(key) for key in keys], not_before)
        uow.commit()


def claim(engine: Engine, holder: str = "a", now: datetime = NOW) -> str | None:
    with work(engine) as uow:
        claimed = uow.outbox.claim(now, LEASE, holder)
        uow.commit()
    return claimed.key if claimed else None


def message(engine: Engine, key: str) -> OutboxRow:
    with work(engine, readonly=True) as uow:
        return {row.key: row for row in uow.outbox.all()}[key]


def test_a_reminder_is_written_once(engine: Engine) -> None:
    moved = reminder(deadline=date(2016, 7, 1))

    with work(engine) as uow:
        assert uow.reminders.add([reminder(), reminder("roster"), reminder()]) == [reminder(), reminder("roster")]
        uow.commit()
    with work(engine) as uow:
        assert uow.reminders.add([reminder(written_on=date(2016, 6, 6)), moved]) == [moved]
        assert uow.reminders.add([]) == []
        uow.commit()

    with work(engine, readonly=True) as uow:
        assert uow.reminders.all("fy28") == [reminder(), moved, reminder("roster")]
        assert set(uow.reminders.states("fy28", ["pia"], date(2016, 1, 1))) == {reminder().key, moved.key}


def test_reminders_are_listed_from_a_day_on(engine: Engine) -> None:
    newer = reminder("roster", written_on=date(2016, 6, 6))

    with work(engine) as uow:
        uow.reminders.add([reminder(), newer])

        assert uow.reminders.all("fy28", since=date(2016, 6, 4)) == [newer]
        assert uow.reminders.all("fy28", since=date(2016, 6, 3)) == [reminder(), newer]


def test_two_passes_at_once_write_each_reminder_once(shared_engine: Engine) -> None:
    rows = [reminder(f"m{number}") for number in range(50)]

    def watch(_: int) -> list[ReminderRow]:
        with work(shared_engine) as uow:
            written = uow.reminders.add(rows)
            uow.commit()
        return written

    assert sorted(row.milestone for written in at_once(4, watch) for row in written) == sorted(
        row.milestone for row in rows
    )


def test_a_reminder_cannot_name_a_message_that_nobody_put_out(engine: Engine) -> None:
    with work(engine) as uow:
        uow.reminders.add([reminder(message_key="k1")])
        with pytest.raises(IntegrityError):
            uow.commit()

    with work(engine) as uow:
        uow.reminders.add([reminder(message_key="k1")])
        uow.outbox.add([envelope("k1")], NOW)
        uow.commit()


def test_only_reminders_that_are_not_on_their_way_are_superseded(engine: Engine) -> None:
    put_out(engine, "claimed")
    claim(engine)
    put_out(engine, "waiting")
    unsent, silent = reminder("unsent", "waiting"), reminder("silent")
    on_its_way, sent = reminder("on_its_way", "claimed"), reminder("sent", state=ReminderState.SENT)
    rows = [unsent, silent, on_its_way, sent]

    with work(engine) as uow:
        uow.reminders.add(rows)
        taken_back = uow.reminders.supersede([row.key for row in rows])
        uow.commit()

    assert taken_back == [unsent.key, silent.key]
    with work(engine, readonly=True) as uow:
        states = {row.milestone: row.state for row in uow.reminders.all("fy28")}
    assert states == {"unsent": "superseded", "silent": "superseded", "on_its_way": "pending", "sent": "sent"}


def test_a_message_is_withdrawn_once_all_that_it_carries_is_superseded(engine: Engine) -> None:
    put_out(engine, "k1")
    first, second = reminder("pia", "k1"), reminder("roster", "k1")
    with work(engine) as uow:
        uow.reminders.add([first, second])
        uow.reminders.supersede([first.key])
        assert uow.outbox.counts()[OutboxState.PENDING] == 1
        uow.reminders.supersede([second.key])
        assert uow.outbox.counts()[OutboxState.WITHDRAWN] == 1
        uow.commit()

    assert claim(engine) is None


def test_what_became_of_a_message_is_settled_on_the_reminders_it_carries(engine: Engine) -> None:
    put_out(engine, "k1", "k2")
    with work(engine) as uow:
        uow.reminders.add([reminder("pia", "k1"), reminder("roster", "k2"), reminder("portal", "k2")])
        uow.reminders.add([reminder("linkage", "k1", state=ReminderState.COVERED)])
        uow.reminders.supersede([reminder("portal").key])

        uow.reminders.settle(["k1", "k2"], ReminderState.DEAD)
        uow.reminders.settle(["k1"], ReminderState.SENT)

        states = {row.milestone: row.state for row in uow.reminders.all("fy28")}
    assert states == {"pia": "sent", "roster": "dead", "portal": "superseded", "linkage": "covered"}


def test_a_message_is_claimed_once_and_comes_out_as_it_went_in(engine: Engine) -> None:
    put_out(engine, "k1")

    with work(engine) as uow:
        row = uow.outbox.claim(NOW, LEASE, "a")
        uow.commit()

    assert row
    assert row.envelope == envelope("k1")
    assert (row.state, row.attempts, row.lease_until, row.lease_token) == ("pending", 1, NOW + LEASE, "a")
    assert claim(engine, "b") is None


def test_a_municipality_does_not_send_the_messages_of_another(engine: Engine) -> None:
    put_out(engine, "k1")

    with UnitOfWork(engine, SENDAI) as uow:
        assert not uow.outbox.has_due(NOW)
        assert uow.outbox.claim(NOW, LEASE, "a") is None
        assert uow.outbox.all() == []


def test_the_longest_due_is_claimed_first_and_the_others_wait(engine: Engine) -> None:
    put_out(engine, "tomorrow", not_before=NOW + timedelta(days=1))
    put_out(engine, "b", not_before=NOW - timedelta(hours=1))
    put_out(engine, "c", not_before=NOW - timedelta(days=1))

    assert [claim(engine) for _ in range(3)] == ["c", "b", None]


def test_an_expired_lease_is_claimable_again_and_its_former_holder_changes_nothing(engine: Engine) -> None:
    put_out(engine, "k1")
    claim(engine, "a")

    assert claim(engine, "b", NOW + LEASE - timedelta(seconds=1)) is None
    assert claim(engine, "b", NOW + LEASE) == "k1"
    with work(engine) as uow:
        assert not uow.outbox.mark_sent("k1", "a", NOW)
        assert not uow.outbox.mark_failed("k1", "a", "timeout", None)
        assert uow.outbox.mark_sent("k1", "b", NOW + LEASE)
        assert not uow.outbox.mark_sent("k1", "b", NOW + LEASE)
        [row] = uow.outbox.all(OutboxState.SENT)
    assert (row.sent_at, row.attempts, row.lease_token) == (NOW + LEASE, 2, None)


def test_a_message_whose_sender_never_came_back_comes_after_the_others(engine: Engine) -> None:
    put_out(engine, "fatal", not_before=NOW - timedelta(days=1))
    put_out(engine, "k1", "k2")
    claim(engine)

    assert [claim(engine, now=NOW + LEASE) for _ in range(3)][2] == "fatal"


def test_a_failed_message_waits_until_its_retry_and_keeps_the_error(engine: Engine) -> None:
    put_out(engine, "k1")
    claim(engine)
    with work(engine) as uow:
        assert uow.outbox.mark_failed("k1", "a", "450 混み合っています", NOW + timedelta(minutes=1))
        uow.commit()

    assert (message(engine, "k1").last_error, message(engine, "k1").attempts) == ("450 混み合っています", 1)
    assert claim(engine) is None
    assert claim(engine, now=NOW + timedelta(minutes=1)) == "k1"


def test_an_attempt_that_is_no_fault_of_the_message_is_not_counted(engine: Engine) -> None:
    put_out(engine, "k1")
    claim(engine)

    with work(engine) as uow:
        uow.outbox.mark_failed("k1", "a", "no answer", NOW + timedelta(minutes=1), counts=False)
        uow.commit()

    assert message(engine, "k1").attempts == 0


def test_what_goes_the_same_way_is_put_off_and_nothing_else(engine: Engine) -> None:
    later = NOW + timedelta(minutes=5)
    put_out(engine, "on its way", not_before=NOW - timedelta(hours=1))
    claim(engine)
    put_out(engine, "mail")
    put_out(engine, "mail of tomorrow", not_before=NOW + timedelta(days=1))
    with work(engine) as uow:
        cards = [replace(envelope(place), channel="teams", address=place) for place in ("here", "there")]
        uow.outbox.add(cards, NOW)

        assert uow.outbox.put_off(NOW, later, "no answer", "mail", None) == 1
        assert uow.outbox.put_off(NOW, later, "no answer", "teams", "here") == 1
        uow.commit()

    put_off = [key for key in ("on its way", "mail", "mail of tomorrow", "here", "there") if is_put_off(engine, key)]
    assert put_off == ["mail", "here"]
    assert message(engine, "mail").attempts == 0
    assert claim(engine) == "there"


def is_put_off(engine: Engine, key: str) -> bool:
    return message(engine, key).last_error == "no answer"


def test_a_lease_of_a_clock_that_was_set_back_ends_within_a_lease_from_now(engine: Engine) -> None:
    put_out(engine, "tomorrow's", "k1")
    claim(engine, now=NOW + timedelta(days=1))
    claim(engine, "b")

    with work(engine) as uow:
        assert uow.outbox.shorten_leases(NOW, LEASE) == 1
        assert uow.outbox.shorten_leases(NOW, LEASE) == 0
        uow.commit()

    assert claim(engine, "c", NOW + LEASE - timedelta(seconds=1)) is None
    assert {claim(engine, "c", NOW + LEASE) for _ in range(2)} == {"tomorrow's", "k1"}


def test_a_dead_message_is_not_claimed_until_somebody_revives_it(engine: Engine) -> None:
    put_out(engine, "k1", not_before=NOW - timedelta(hours=1))
    put_out(engine, "k2")
    claim(engine)
    with work(engine) as uow:
        uow.outbox.mark_failed("k1", "a", "550 宛先がありません", None)
        assert uow.outbox.counts() == {"pending": 1, "sent": 0, "dead": 1, "withdrawn": 0}
        uow.commit()

    assert [claim(engine, now=NOW + timedelta(days=9)) for _ in range(2)] == ["k2", None]
    with work(engine) as uow:
        assert uow.outbox.revive("k1", NOW)
        assert not uow.outbox.revive("k2", NOW)
        uow.commit()
    row = message(engine, "k1")
    assert (row.state, row.attempts, row.last_error) == ("pending", 0, "550 宛先がありません")
    assert claim(engine) == "k1"


def test_senders_at_once_never_claim_the_same_message(shared_engine: Engine) -> None:
    keys = [f"k{number:02}" for number in range(60)]
    put_out(shared_engine, *keys)

    def send(number: int) -> list[str]:
        claimed = []
        while key := claim(shared_engine, str(number)):
            claimed.append(key)
        return claimed

    assert sorted(key for claimed in at_once(4, send) for key in claimed) == keys


def test_what_became_of_some_messages_is_told_without_their_words(engine: Engine) -> None:
    put_out(engine, "refused", "waits", "another")
    with work(engine) as uow:
        claimed = uow.outbox.claim(NOW, LEASE, "a")
        assert claimed
        uow.outbox.mark_failed(claimed.key, "a", "550 no", None)
        uow.commit()

    with work(engine, readonly=True) as uow:
        found = uow.outbox.deliveries([claimed.key, "unknown"])
        nothing = uow.outbox.deliveries([])

    assert found == {claimed.key: Delivery(claimed.key, OutboxState.DEAD, NOW + LEASE, None, "550 no")}
    assert nothing == {}
