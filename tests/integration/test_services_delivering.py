"""Delivery over days of trouble: when a letter is tried again, when it is given up, who may send it meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from kijitsu.messages import Envelope, PermanentFailure, TransientFailure, Unreachable
from kijitsu.services import delivering
from kijitsu.services.delivering import LEASE, MOST_ATTEMPTS, DispatchReport
from kijitsu.store.engine import connect, upgrade
from kijitsu.store.rows import OutboxState
from tests.integration.smtp_relays import Post, Relay, relay, unused_place
from tests.integration.towns import MORNING, Town, ids

MONDAY = datetime(2016, 6, 5, 23, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{tmp_path / 'kijitsu.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def running() -> Iterator[Relay]:
    """A relay that works."""
    with relay() as running:
        yield running


@pytest.fixture
def town(engine: Engine, running: Relay) -> Town:
    return Town(engine, running.place)


class Answering:
    """A courier that was told what becomes of each envelope, by the address or in turn; what is not told arrives."""

    def __init__(self, answer: Callable[[Envelope], Exception | None]) -> None:
        self._answer = answer
        self.tried: list[str] = []

    def send(self, envelope: Envelope) -> str:
        self.tried.append(envelope.key)
        if failure := self._answer(envelope):
            raise failure
        return "250 OK"

    def close(self) -> None:
        pass


def test_a_refused_letter_is_tried_after_1_2_4_minutes_and_so_on_in_office_hours(town: Town) -> None:
    town.write(3)
    courier = Answering(lambda _: TransientFailure("450 later"))

    waits = []
    for _ in range(8):
        assert town.dispatch(courier=courier).waiting == 3
        again = [row.not_before for row in town.outbox()]
        assert len(set(again)) == 3, "they do not come back all at once"
        waits.append([(each - town.clock.now) / MINUTE for each in again])
        town.clock.now = min(again) - timedelta(seconds=1)
        assert town.dispatch(courier=courier) == DispatchReport()
        town.clock.now = max(again)

    for number, found in enumerate(waits):
        assert all(2**number <= wait < 1.25 * 2**number for wait in found)
    town.clock.now = MORNING + timedelta(hours=8)
    assert town.dispatch(courier=courier).waiting == 3
    assert {row.not_before for row in town.outbox()} == {MONDAY}, "the office closes before the next try"


def test_the_same_letters_wait_the_same_in_another_run(engine: Engine) -> None:
    times = []
    for code in ("000001", "000002"):
        town = Town(engine, unused_place(), code)
        town.write(4)
        town.dispatch(courier=Answering(lambda _: TransientFailure("450 later")))
        times.append([row.not_before for row in town.outbox()])

    assert times[0] == times[1]


def test_a_letter_is_given_up_after_about_a_week_and_shown_as_undelivered(town: Town) -> None:
    town.write(2)
    courier = Answering(lambda _: TransientFailure("450 later"))

    attempts = 1
    while not (report := town.dispatch(courier=courier)).dead:
        assert report.waiting == 2
        attempts += 1
        town.clock.now = max(row.not_before for row in town.outbox())

    assert (attempts, report.dead) == (MOST_ATTEMPTS, 2)
    assert 4 <= (town.clock.now - MORNING).days <= 8
    assert town.states() == {"dead": 2}
    assert town.reminders() == {"dead": 4}
    assert town.audit() == ["give-up"] * 2
    town.clock.advance(days=1)
    assert town.dispatch(courier=courier) == DispatchReport()


def test_whoever_asks_for_time_gets_it(town: Town) -> None:
    town.write(1)

    town.dispatch(courier=Answering(lambda _: TransientFailure("HTTP 429", retry_after=timedelta(minutes=90))))

    assert [row.not_before for row in town.outbox()] == [MORNING + timedelta(minutes=90)]


def test_where_nobody_is_there_one_letter_is_tried_and_all_wait_without_being_counted(
    engine: Engine, running: Relay
) -> None:
    cut_off, back = Town(engine, unused_place()), Town(engine, running.place)
    cut_off.write(5)

    report = cut_off.dispatch()

    assert (report.sent, report.waiting, report.dead, len(report.errors)) == (0, 5, 0, 1)
    assert all(row.attempts == 0 and "接続できません" in str(row.last_error) for row in cut_off.outbox())
    assert all(timedelta(0) < row.not_before - MORNING <= 15 * MINUTE for row in cut_off.outbox())
    back.clock.now = max(row.not_before for row in back.outbox())
    assert back.dispatch().sent == 5


def test_a_relay_that_is_away_for_weeks_costs_no_letter(engine: Engine) -> None:
    town = Town(engine, unused_place())
    town.write(2)

    for _ in range(2 * MOST_ATTEMPTS):
        assert town.dispatch().waiting == 2
        later = max(row.not_before for row in town.outbox()) + timedelta(hours=3)
        town.clock.now = town.office.opening(town.organisation, later)

    assert town.states() == {"pending": 2}


def test_what_goes_another_way_goes_on(town: Town) -> None:
    town.write(2, 0)
    town.write(2, 2, channel="teams", address="general")
    town.write(2, 4, channel="teams", address="residents")
    down = Answering(lambda envelope: Unreachable("no answer") if envelope.address == "general" else None)

    report = town.dispatch(courier=down)

    assert (report.sent, report.waiting) == (4, 2)
    assert report.errors == ("情報システム課: no answer",)
    assert len(down.tried) == 5


def test_a_letter_that_cuts_the_connection_each_time_holds_nobody_up(town: Town) -> None:
    first, *_ = town.write(4)
    poison = Answering(lambda envelope: Unreachable("cut off") if envelope.key == first.key else None)

    assert town.dispatch(courier=poison).waiting == 4
    town.clock.now = max(row.not_before for row in town.outbox())

    assert town.dispatch(courier=poison).sent == 3
    assert town.states() == {"sent": 3, "pending": 1}


def test_what_a_process_took_and_did_not_finish_is_left_to_it_for_five_minutes(town: Town) -> None:
    town.write(3)

    def fail(_: Envelope) -> None:
        raise RuntimeError("a fault of our own")

    with pytest.raises(RuntimeError, match="of our own"):
        town.dispatch(courier=Answering(fail))

    assert town.dispatch().sent == 2
    town.clock.now += LEASE - timedelta(seconds=1)
    assert delivering.send_now(town.office, town.organisation).sent == 0
    town.clock.advance(seconds=1)
    assert town.dispatch().sent == 1


def test_a_letter_that_ends_its_sender_each_time_holds_nobody_up(town: Town) -> None:
    first, *_ = town.write(3)

    def fail(envelope: Envelope) -> None:
        if envelope.key == first.key:
            raise RuntimeError("a fault of our own")

    ending = Answering(fail)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="of our own"):
            town.dispatch(courier=ending)
        town.clock.now += LEASE

    assert town.states() == {"sent": 2, "pending": 1}


def test_a_lease_begins_with_the_sending_however_slow_the_ones_before_were(town: Town, engine: Engine) -> None:
    town.write(6)
    other = replace(town, clock=town.clock)
    taken = []

    def slow(envelope: Envelope) -> None:
        town.clock.now += LEASE - timedelta(seconds=1)
        taken.append(envelope.key)
        assert other.dispatch(courier=Answering(lambda _: None)).sent == (5 if len(taken) == 1 else 0)

    assert town.dispatch(courier=Answering(slow)).sent == 1
    assert town.states() == {"sent": 6}


def test_who_lost_the_lease_changes_nothing(town: Town) -> None:
    town.write(1)

    def asleep(_: Envelope) -> Exception:
        town.clock.now += LEASE
        assert town.dispatch().sent == 1
        return PermanentFailure("550 never")

    report = town.dispatch(courier=Answering(asleep))

    assert (report.sent, report.dead) == (0, 0)
    assert (town.states(), town.reminders(), town.audit()) == ({"sent": 1}, {"sent": 2}, [])


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        (MORNING - timedelta(seconds=1), False),
        (MORNING, True),
        (MORNING + timedelta(hours=8, minutes=45), False),
        (MORNING + timedelta(days=1, hours=2), False),
        (MONDAY, True),
    ],
)
def test_letters_go_out_in_office_hours_of_open_days_unless_a_person_wants_it(
    town: Town, at: datetime, is_open: bool
) -> None:
    town.clock.now = MORNING - timedelta(days=1)
    town.write(2)
    town.clock.now = at

    assert town.dispatch().sent == (2 if is_open else 0)
    assert delivering.send_now(town.office, town.organisation).sent == (0 if is_open else 2)


def test_closing_time_ends_a_run(town: Town) -> None:
    town.write(5)
    town.clock.now = MORNING + timedelta(hours=8, minutes=44)

    def half_a_minute(_: Envelope) -> None:
        town.clock.advance(seconds=30)

    report = town.dispatch(courier=Answering(half_a_minute))

    assert (report.sent, town.states()) == (2, {"sent": 2, "pending": 3})


def test_what_is_tried_again_by_night_waits_for_the_morning(town: Town) -> None:
    town.write(2)
    town.clock.now = MORNING + timedelta(hours=12)

    forced = delivering.send_now(replace(town, place=unused_place()).office, town.organisation)

    assert forced.waiting == 2
    assert min(row.not_before for row in town.outbox()) == MONDAY


def test_sending_now_does_not_wait_for_the_next_try(town: Town) -> None:
    town.write(2)
    replace(town, place=unused_place()).dispatch()
    town.clock.advance(seconds=1)

    assert town.dispatch().sent == 0
    assert delivering.send_now(town.office, town.organisation).sent == 2


def test_a_clock_that_jumps_ahead_and_back_delays_a_letter_by_a_lease_at_most(town: Town, running: Relay) -> None:
    town.write(3)

    def jump(envelope: Envelope) -> None:
        raise RuntimeError("killed on the wrong day")

    town.clock.now = MONDAY
    with pytest.raises(RuntimeError, match="wrong day"):
        town.dispatch(courier=Answering(jump))
    town.clock.now = MORNING

    assert town.dispatch().sent == 2
    town.clock.now += LEASE
    assert town.dispatch().sent == 1
    assert set(ids([running]).values()) == {1}


def test_a_clock_that_jumps_while_a_letter_is_on_its_way_loses_nothing(town: Town, running: Relay) -> None:
    town.write(4)
    jumps = iter([timedelta(days=3), -timedelta(days=3), timedelta(0), timedelta(0)])
    courier = town.office.open_courier()

    class Jumping:
        def send(self, envelope: Envelope) -> str:
            town.clock.now += next(jumps)
            return courier.send(envelope)

        def close(self) -> None:
            courier.close()

    assert town.dispatch(courier=Jumping()).sent == 4
    courier.close()
    assert town.states() == {"sent": 4}
    assert set(ids([running]).values()) == {1}


def test_every_try_of_a_letter_is_the_same_message(engine: Engine) -> None:
    with relay(Post(DATA=["451 4.3.0 later, please"] * 3)) as busy:
        town = Town(engine, busy.place)
        town.write(3)
        first = town.dispatch()
        town.clock.now = MONDAY
        second = town.dispatch()

        assert (first.waiting, second.sent) == (3, 3)
        assert all(row.sent_at == town.clock.now for row in town.outbox())
        dates = {line for message in busy.post.messages for line in message.splitlines() if line.startswith(b"Date:")}
    assert len(dates) == 1


def test_a_resent_letter_starts_counting_its_tries_again(engine: Engine, running: Relay) -> None:
    with relay(Post(RCPT=["550 5.1.1 no such mailbox"] * 3)) as strict:
        town = Town(engine, strict.place)
        town.write(3)
        assert town.dispatch().dead == 3
    key = town.outbox()[1].key

    assert delivering.resend(town.office, town.organisation, town.office.actor(), "fy28", key) == 1
    assert delivering.resend(town.office, town.organisation, town.office.actor(), "fy28", key) == 0
    assert delivering.resend(town.office, town.organisation, town.office.actor(), "fy28", "no such key") == 0
    assert delivering.resend(town.office, town.organisation, town.office.actor(), "fy29") == 0
    assert town.states() == {"pending": 1, "dead": 2}
    assert town.reminders() == {"pending": 2, "dead": 4}

    assert delivering.resend(town.office, town.organisation, town.office.actor(), "fy28") == 2
    assert {(row.state, row.attempts) for row in town.outbox()} == {(OutboxState.PENDING, 0)}
    assert replace(town, place=running.place).dispatch().sent == 3
    assert town.audit() == ["give-up"] * 3 + ["resend"] * 3
