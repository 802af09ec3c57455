"""A dispatcher that is killed at any instant loses no letter and repeats at most the one that was on its way.

Each run forks a process from this one, which has everything loaded, and kills it with SIGKILL: at a named step, by the
relay that it talks to, or at some call of its own. `DISPATCH_KILLS=1000` tries more instants than the suite does.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine

from kijitsu.messages import Courier, Envelope
from kijitsu.services.delivering import LEASE
from kijitsu.store.work import UnitOfWork
from tests.integration.smtp_relays import Post, Relay, relay
from tests.integration.towns import Town, ids

LETTERS = 4
KILLS = int(os.environ.get("DISPATCH_KILLS", "25"))
_codes = (f"{number:06}" for number in count(1))


class Killing(Post):
    """A relay that kills who talks to it, at the n-th time that it gets to a point."""

    def __init__(self) -> None:
        super().__init__()
        self.victim = 0
        self.point, self.left = "", 0

    def _reach(self, point: str) -> bool:
        self.left -= point == self.point
        if self.left or not self.victim:
            return False
        os.kill(self.victim, signal.SIGKILL)
        self.victim = 0
        return True

    async def handle_RCPT(self, *given: Any) -> str:
        self._reach("RCPT")
        return await super().handle_RCPT(*given)

    async def handle_DATA(self, *given: Any) -> str:
        if self._reach("DATA"):
            return "451 nobody hears it"
        answer = await super().handle_DATA(*given)
        self._reach("250")
        return answer


@pytest.fixture(scope="module")
def killing() -> Iterator[Relay]:
    with relay(Killing()) as running:
        yield running


@pytest.fixture
def town(shared_engine: Engine, killing: Relay) -> Town:
    """A town with letters to send, and nobody who has the database open."""
    return new_town(shared_engine, killing)


def new_town(engine: Engine, killing: Relay) -> Town:
    town = Town(engine, killing.place, next(_codes))
    town.write(LETTERS)
    engine.dispose()
    return town


class Steps:
    """Ends this process at the n-th time that it gets to a step."""

    def __init__(self, step: str, number: int) -> None:
        self._step, self._left = step, number

    def __call__(self, step: str) -> None:
        self._left -= step == self._step
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)

    def work(self, *given: Any, **options: Any) -> UnitOfWork:
        work = UnitOfWork(*given, **options)
        commit = work.commit

        def committing() -> None:
            self("before commit")
            commit()
            self("after commit")

        work.commit = committing  # type: ignore[method-assign]
        return work

    def courier(self, courier: Courier) -> Courier:
        steps = self

        class Stepping:
            def send(self, envelope: Envelope) -> str:
                steps("before sending")
                answer = courier.send(envelope)
                steps("after sending")
                return answer

            def close(self) -> None:
                courier.close()

        return Stepping()


def in_a_process(work: Callable[[], object]) -> int:
    """Start a process that does this, and return its id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
        os._exit(0)
    except Exception:  # noqa: BLE001 - whatever it is, this process must not go on as the test's
        traceback.print_exc()
    finally:
        os._exit(1)


def was_killed(pid: int) -> bool:
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGKILL
    assert os.WEXITSTATUS(status) == 0, "the process failed by itself"
    return False


def repeated_after(town: Town, relay: Relay) -> int:
    """Finish what the killed one left; return how many letters came twice, after checking that all is well."""
    town.dispatch()
    assert town.states()["pending"] <= 1, "a dispatcher holds no letter but the one that it is sending"
    town.clock.now += LEASE
    town.dispatch()

    arrived = ids([relay], town.code)
    assert len(arrived) == LETTERS
    assert (town.states(), town.reminders()) == ({"sent": LETTERS}, {"sent": 2 * LETTERS})
    assert town.audit() == []
    contents = {content for content in relay.post.messages if f".{town.code}@".encode() in content}
    assert len(contents) == LETTERS, "what came again is the same to the byte"
    relay.post.messages.clear()
    town.engine.dispose()
    return arrived.total() - LETTERS


@pytest.mark.parametrize(
    ("step", "number", "repeats"),
    [
        ("before commit", 1, 0),
        ("after commit", 1, 0),
        ("before sending", 1, 0),
        ("before sending", 3, 0),
        ("after sending", 1, 1),
        ("after sending", LETTERS, 1),
        ("before commit", 2, 1),
        ("after commit", 2, 0),
        ("before commit", LETTERS + 1, 1),
        ("after commit", LETTERS + 1, 0),
    ],
)
def test_killed_at_a_step_it_repeats_what_was_sent_and_not_marked(
    town: Town, killing: Relay, step: str, number: int, repeats: int
) -> None:
    steps = Steps(step, number)
    killable = replace(town, work_of=steps.work)

    pid = in_a_process(lambda: killable.dispatch(courier=steps.courier(town.office.open_courier())))

    assert was_killed(pid)
    assert repeated_after(town, killing) == repeats


@pytest.mark.parametrize("number", [1, 2, LETTERS])
@pytest.mark.parametrize(("point", "repeats"), [("RCPT", 0), ("DATA", 0), ("250", 1)])
def test_killed_while_the_relay_talks_to_it_it_repeats_what_the_relay_has_taken(
    town: Town, killing: Relay, point: str, number: int, repeats: int
) -> None:
    reading, writing = os.pipe()
    pid = in_a_process(lambda: (os.read(reading, 1), town.dispatch()))
    post = killing.post
    assert isinstance(post, Killing)
    post.victim, post.point, post.left = pid, point, number
    os.write(writing, b"!")

    assert was_killed(pid)
    assert repeated_after(town, killing) == repeats
    os.close(reading)
    os.close(writing)


class Instants:
    """Counts the calls that this process makes, and ends it at one of them."""

    def __init__(self, at: int = 0) -> None:
        self._at, self.count = at, 0

    def __call__(self, *_: object) -> None:
        self.count += 1
        if self.count == self._at:
            os.kill(os.getpid(), signal.SIGKILL)


def dispatch_until(town: Town, instants: Instants) -> int:
    courier = town.office.open_courier()
    sys.setprofile(instants)
    town.dispatch(courier=courier)
    sys.setprofile(None)
    return instants.count


def test_killed_at_any_instant_it_repeats_one_letter_at_most(shared_engine: Engine, killing: Relay) -> None:
    # Once here, so that what is counted next has all its statements compiled, like those that come after it.
    new_town(shared_engine, killing).dispatch()
    whole = new_town(shared_engine, killing)
    reading, writing = os.pipe()
    assert not was_killed(in_a_process(lambda: os.write(writing, str(dispatch_until(whole, Instants())).encode())))
    os.close(writing)
    calls = int(os.read(reading, 20))
    os.close(reading)
    random = Random(calls)

    killed, repeats = 0, set()
    for instant in (random.randint(1, calls) for _ in range(KILLS)):
        town = new_town(shared_engine, killing)
        killed += was_killed(in_a_process(lambda: dispatch_until(town, Instants(instant))))  # noqa: B023
        repeats.add(repeated_after(town, killing))

    assert killed > 0.9 * KILLS
    assert repeats == {0, 1}


def test_killed_again_and_again_it_still_delivers_everything(shared_engine: Engine, killing: Relay) -> None:
    new_town(shared_engine, killing).dispatch()
    town = new_town(shared_engine, killing)

    kills = 0
    for instant in (2000, 300, 1500, 900, 2500):
        kills += was_killed(in_a_process(lambda: dispatch_until(town, Instants(instant))))  # noqa: B023
        town.clock.now += LEASE / 2

    assert kills >= 3
    town.clock.now += LEASE
    town.dispatch()
    arrived = ids([killing], town.code)
    assert len(arrived) == LETTERS
    assert arrived.total() <= LETTERS + kills
    assert town.states() == {"sent": LETTERS}
