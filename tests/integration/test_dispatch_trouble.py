"""A database in trouble while letters go out: nothing is lost, the error says what is wrong."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from kijitsu.domain.errors import OutsideError
from kijitsu.messages import Courier, Envelope
from kijitsu.services.delivering import LEASE
from kijitsu.store.engine import connect, upgrade
from tests.integration.smtp_relays import Relay, relay
from tests.integration.test_dispatch_killed import in_a_process, was_killed
from tests.integration.towns import Town, ids
from tests.postgres import Cluster

LETTERS = 6
END_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'kijitsu_%'"


@pytest.fixture
def running() -> Iterator[Relay]:
    with relay() as running:
        yield running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kijitsu.db"


@pytest.fixture
def town(file: Path, running: Relay) -> Iterator[Town]:
    """A town on SQLite that waits for a lock a tenth of a second, not ten."""
    engine = connect(f"sqlite:///{file}?timeout=0.1")
    upgrade(engine)
    town = Town(engine, running.place)
    town.write(LETTERS)
    yield town
    engine.dispose()


class After:
    """A courier that does something each time it has sent the n-th letter."""

    def __init__(self, courier: Courier, number: int, then: object) -> None:
        self._courier, self._left, self._then = courier, number, then

    def send(self, envelope: Envelope) -> str:
        answer = self._courier.send(envelope)
        self._left -= 1
        if not self._left:
            assert callable(self._then)
            self._then()
        return answer

    def close(self) -> None:
        self._courier.close()


def finished(town: Town, running: Relay) -> int:
    """Send what is left once all is well; return how many letters came twice."""
    town.dispatch()
    town.clock.now += LEASE
    town.dispatch()
    arrived = ids([running])
    assert len(arrived) == LETTERS
    assert (town.states(), town.reminders()) == ({"sent": LETTERS}, {"sent": 2 * LETTERS})
    assert town.audit() == []
    return arrived.total() - LETTERS


def test_a_locked_database_sends_nothing_and_says_why(town: Town, running: Relay, file: Path) -> None:
    other = connect(f"sqlite:///{file}")
    with other.connect() as holding:
        holding.execute(text("SELECT 1"))
        with pytest.raises(OutsideError, match=r"locked.*ほかの処理が書き込みを続けています"):
            town.dispatch()
    other.dispose()

    assert ids([running]) == {}
    assert finished(town, running) == 0


def test_a_lock_that_comes_while_a_letter_is_sent_is_waited_for(town: Town, running: Relay, file: Path) -> None:
    other = connect(f"sqlite:///{file}")
    holding = other.connect()
    tries = 0

    def counting(engine: Engine, here: str, *, readonly: bool) -> object:
        nonlocal tries
        if holding.in_transaction():
            tries += 1
            if tries == 5:
                holding.close()
        return town.work_of(engine, here, readonly=readonly)

    courier = After(town.office.open_courier(), 2, lambda: holding.execute(text("SELECT 1")))
    report = replace(town, work_of=counting).dispatch(courier=courier)

    assert (tries, report.sent) == (5, LETTERS)
    assert ids([running]).total() == LETTERS
    other.dispose()


def test_a_lock_that_stays_ends_the_run_and_repeats_the_letter_on_its_way(
    town: Town, running: Relay, file: Path
) -> None:
    other = connect(f"sqlite:///{file}")
    holding = other.connect()
    courier = After(town.office.open_courier(), 3, lambda: holding.execute(text("SELECT 1")))

    with pytest.raises(OutsideError, match="locked"):
        town.dispatch(courier=courier)
    holding.close()
    other.dispose()

    assert ids([running]).total() == 3, "it stops, and does not go on sending what it cannot mark"
    assert finished(town, running) == 1


def test_a_full_disk_ends_the_run_and_repeats_one_letter_at_most(town: Town, running: Relay) -> None:
    town.engine.dispose()
    reading, writing = os.pipe()

    def send_on_a_full_disk() -> None:
        # No file grows beyond this, as where the disk is full. It is enough for the first letters.
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_960, resource.RLIM_INFINITY))
        try:
            town.dispatch()
        except OutsideError as exc:
            os.write(writing, str(exc).encode())

    assert not was_killed(in_a_process(send_on_a_full_disk))

    os.close(writing)
    assert "空き容量" in os.read(reading, 4096).decode()
    os.close(reading)
    assert 1 <= ids([running]).total() < LETTERS
    assert finished(town, running) <= 1


def test_a_server_that_ends_our_connections_is_asked_again(postgres: Cluster, running: Relay) -> None:
    with postgres.database("kijitsu") as url:
        engine = connect(url)
        town = Town(engine, running.place)
        town.write(LETTERS)
        report = town.dispatch(courier=After(town.office.open_courier(), 3, lambda: postgres.run(END_OTHERS)))

        assert report.sent == LETTERS
        assert ids([running]).total() == LETTERS
        engine.dispose()


def test_a_database_that_goes_away_ends_the_run_with_an_error(postgres: Cluster, running: Relay) -> None:
    with postgres.database("kijitsu") as url:
        engine = connect(url)
        town, name = Town(engine, running.place), engine.url.database
        town.write(LETTERS)

        def away() -> None:
            postgres.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            postgres.run(END_OTHERS)

        with pytest.raises(OutsideError, match="サーバーが動いているか"):
            town.dispatch(courier=After(town.office.open_courier(), 3, away))
        postgres.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

        assert ids([running]).total() == 3
        assert finished(town, running) == 1
        engine.dispose()
