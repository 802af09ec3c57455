"""Delivery over days of trouble: when a letter is tried again, when it is given up, who may send it meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.messages import Envelope
from kijitsu.office import Actor, Office
from kijitsu.services import acting, delivering
from kijitsu.services.watching import organisation_of, watch
from kijitsu.settings import Settings
from kijitsu.store.rows import OutboxRow, OutboxState, ReminderState
from tests.acceptance.support import SMALL, calendar_with
from tests.integration.smtp_relays import Post, relay, unused_place

ISHINOMAKI = "042021"
MORNING = datetime(2016, 6, 2, 23, 30, tzinfo=UTC)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = MORNING

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: int) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", calendar=calendar_with(tmp_path / "calendar", small=SMALL))


@pytest.fixture
def office(settings: Settings, clock: Clock) -> Office:
    """An office on the morning of June 3, when six letters have been written and none is sent."""
    office = open_office(settings).at(clock)
    office.upgrade()
    acting.adopt(office, "small", Actor("総務課 係員", "test"))
    assert len(watch(office, "small").letters) == 6
    return office


def through(office: Office, place: str) -> Office:
    """Return the same office with its mail going to another relay."""
    return open_office(replace(office.settings, smtp_url=f"smtp://{place}")).at(office.clock)


def dispatch(office: Office) -> delivering.DispatchReport:
    return delivering.dispatch(office, organisation_of(office, "small"))


def outbox(office: Office) -> list[OutboxRow]:
    with office.open_work(ISHINOMAKI, True) as work:
        return work.outbox.all()


def test_a_letter_is_tried_after_1_2_4_minutes_and_so_on_then_every_4_hours(office: Office, clock: Clock) -> None:
    cut_off = through(office, unused_place())

    waits = []
    for _ in range(12):
        assert dispatch(cut_off).waiting == 6
        (retry_at,) = {row.not_before for row in outbox(office)}
        waits.append((retry_at - clock.now) // timedelta(minutes=1))
        clock.now = retry_at - timedelta(seconds=1)
        assert dispatch(cut_off) == delivering.DispatchReport()
        clock.now = retry_at

    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 240, 240, 240, 240]


def test_a_letter_is_given_up_after_days_and_shown_as_undelivered(office: Office, clock: Clock) -> None:
    cut_off = through(office, unused_place())

    attempts = 0
    while not (report := dispatch(cut_off)).dead:
        attempts += 1
        assert report.waiting == 6
        clock.advance(hours=4)

    assert report.dead == 6
    assert 4 <= (clock.now - MORNING).days <= 7
    assert {row.state for row in outbox(office)} == {OutboxState.DEAD}
    with office.open_work(ISHINOMAKI, True) as work:
        assert {row.state for row in work.reminders.all("small")} == {ReminderState.DEAD}
        given_up = [entry for entry in work.audit.all() if entry.action == "give-up"]
        assert work.audit.verify() == []
    assert len(given_up) == 6
    clock.advance(days=1)
    assert dispatch(cut_off) == delivering.DispatchReport()


class Broken:
    """A courier that brings its process down."""

    def send(self, envelope: Envelope) -> None:
        raise RuntimeError("a fault of our own")

    def close(self) -> None:
        pass


def test_what_a_process_took_and_did_not_finish_is_left_to_it_for_five_minutes(office: Office, clock: Clock) -> None:
    organisation = organisation_of(office, "small")
    with pytest.raises(RuntimeError, match="of our own"):
        delivering.dispatch(office, organisation, Broken())

    with relay() as running:
        back = through(office, running.place)
        clock.advance(minutes=4, seconds=59)
        assert dispatch(back).sent == 0
        assert delivering.send_now(back, organisation).sent == 0
        clock.advance(seconds=1)
        assert dispatch(back).sent == 6


def test_sending_now_does_not_wait_for_the_next_try(office: Office, clock: Clock) -> None:
    dispatch(through(office, unused_place()))
    clock.advance(seconds=1)

    with relay() as running:
        back = through(office, running.place)
        assert dispatch(back).sent == 0
        assert delivering.send_now(back, organisation_of(office, "small")).sent == 6


def test_every_try_of_a_letter_is_the_same_message(office: Office, clock: Clock) -> None:
    with relay(Post(DATA=["451 4.3.0 later, please"] * 6)) as busy:
        first = dispatch(through(office, busy.place))
        keys = {row.key: row.envelope.message_id for row in outbox(office)}
        clock.advance(days=3)
        second = dispatch(through(office, busy.place))

        assert (first.waiting, second.sent) == (6, 6)
        assert {row.key: row.envelope.message_id for row in outbox(office)} == keys
        assert all(row.sent_at == clock.now for row in outbox(office))
        dates = {line for message in busy.post.messages for line in message.splitlines() if line.startswith(b"Date:")}
        assert dates == {b"Date: Thu, 02 Jun 2016 23:30:00 +0000"}


def test_a_resent_letter_starts_counting_its_tries_again(office: Office, clock: Clock) -> None:
    organisation = organisation_of(office, "small")
    with relay(Post(RCPT=["550 5.1.1 no such mailbox"])) as strict:
        assert dispatch(through(office, strict.place)).dead == 1
    (dead,) = [row for row in outbox(office) if row.state is OutboxState.DEAD]

    assert delivering.resend(office, organisation, dead.key)

    assert not delivering.resend(office, organisation, dead.key)
    assert not delivering.resend(office, organisation, "no such key")
    (revived,) = [row for row in outbox(office) if row.key == dead.key]
    assert (revived.state, revived.attempts) == (OutboxState.PENDING, 0)
