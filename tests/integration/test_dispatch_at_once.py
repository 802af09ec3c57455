"""Several dispatchers at once: every letter arrives exactly once while they live."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from kijitsu.services import delivering
from kijitsu.services.delivering import DispatchReport
from tests.at_once import at_once
from tests.integration.smtp_relays import Relay, relay
from tests.integration.test_dispatch_killed import in_a_process, was_killed
from tests.integration.towns import Town, ids

LETTERS, DISPATCHERS = 200, 4


@pytest.fixture
def running() -> Iterator[Relay]:
    with relay() as running:
        yield running


@pytest.fixture
def town(shared_engine: Engine, running: Relay) -> Town:
    town = Town(shared_engine, running.place)
    town.write(LETTERS)
    return town


def each_arrived_once(town: Town, running: Relay) -> None:
    arrived = ids([running])
    assert len(arrived) == LETTERS
    assert set(arrived.values()) == {1}
    assert (town.states(), town.reminders()) == ({"sent": LETTERS}, {"sent": 2 * LETTERS})


def test_threads_that_send_at_once_send_nothing_twice(town: Town, running: Relay) -> None:
    reports = at_once(DISPATCHERS, lambda _: town.dispatch())

    assert sum(report.sent for report in reports) == LETTERS
    each_arrived_once(town, running)


def test_processes_that_send_at_once_send_nothing_twice(town: Town, running: Relay) -> None:
    town.engine.dispose()
    reading, writing = os.pipe()

    def send() -> None:
        os.read(reading, 1)
        town.dispatch()

    processes = [in_a_process(send) for _ in range(DISPATCHERS)]
    os.write(writing, b"!" * DISPATCHERS)

    assert [was_killed(each) for each in processes] == [False] * DISPATCHERS
    each_arrived_once(town, running)
    os.close(reading)
    os.close(writing)


def test_a_person_who_sends_now_and_the_program_send_nothing_twice(town: Town, running: Relay) -> None:
    def send(number: int) -> DispatchReport:
        return delivering.send_now(town.office, town.organisation) if number % 2 else town.dispatch()

    reports = at_once(DISPATCHERS, send)

    assert sum(report.sent for report in reports) == LETTERS
    each_arrived_once(town, running)
