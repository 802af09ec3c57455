"""Whatever a relay answers, in whatever order, and however late we come back: what arrives, waits and is given up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from kijitsu.services.delivering import MOST_ATTEMPTS
from kijitsu.store.engine import connect, upgrade
from tests.integration.smtp_relays import Post, Relay, relay
from tests.integration.towns import MORNING, Town, ids

ANSWERS = ["", "", "hang up", "421 4.3.2 closing", "450 4.2.0 greylisted", "451 later", "550 5.7.1 no", "552 full"]
_codes = (f"{number:06}" for number in count(1))


class Scripted(Post):
    """A relay that answers the end of each message as it is told, and then takes everything."""

    async def handle_DATA(self, server: Any, *given: Any) -> str:
        if self._answers.get("DATA", [])[:1] == ["hang up"]:
            server.transport.abort()
        return await super().handle_DATA(server, *given)

    def tell(self, answers: list[str]) -> None:
        self.messages.clear()
        self._answers["DATA"] = list(answers)


@pytest.fixture(scope="module")
def running() -> Iterator[Relay]:
    with relay(Scripted()) as running:
        yield running


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{tmp_path_factory.mktemp('scripts') / 'kijitsu.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()


class Model:
    """What has to become of the letters, told from the answers alone."""

    def __init__(self, keys: list[str]) -> None:
        self.waiting = dict.fromkeys(keys, MORNING)
        self.attempts = dict.fromkeys(keys, 0)
        self.sent: list[str] = []
        self.dead: list[str] = []

    def answer(self, key: str, answer: str) -> bool:
        """Take one answer to one letter; return whether the relay talks to us no more."""
        if answer.startswith(("421", "hang up")):
            # Hung up on after the message was handed over, it may have arrived: it counts as tried.
            self.attempts[key] += answer == "hang up"
            return True
        self.attempts[key] += 1
        if not answer:
            self.sent.append(key)
        elif answer.startswith("5") or self.attempts[key] >= MOST_ATTEMPTS:
            self.dead.append(key)
        else:
            return False
        del self.waiting[key]
        return False


@given(
    letters=st.integers(1, 4),
    answers=st.lists(st.sampled_from(ANSWERS), max_size=30),
    pauses=st.lists(st.integers(1, 3000), min_size=1, max_size=8),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_letter_ends_as_the_answers_to_it_say(
    engine: Engine, running: Relay, letters: int, answers: list[str], pauses: list[int]
) -> None:
    town = Town(engine, running.place, next(_codes))
    post = running.post
    assert isinstance(post, Scripted)
    post.tell(answers)
    model = Model([each.key for each in town.write(letters)])
    script = iter(answers)
    courier = town.office.open_courier()

    for pause in pauses:
        town.clock.now = town.office.opening(town.organisation, town.clock.now + timedelta(minutes=pause))
        due = sorted((at, key) for key, at in model.waiting.items() if at <= town.clock.now)
        report = town.dispatch(courier=courier)
        outcome = Counter(sent=-len(model.sent), dead=-len(model.dead))
        is_gone = False
        for _, key in due:
            is_gone = is_gone or model.answer(key, next(script, ""))
        outcome.update(sent=len(model.sent), dead=len(model.dead))

        rows = {row.key: row for row in town.outbox()}
        assert (report.sent, report.dead) == (outcome["sent"], outcome["dead"])
        assert report.waiting == len(due) - report.sent - report.dead
        assert {key: row.attempts for key, row in rows.items()} == model.attempts
        for _, key in due:
            if key in model.waiting:
                least = timedelta(minutes=min(1, model.attempts[key]))
                assert rows[key].not_before > town.clock.now + least / 2
                model.waiting[key] = rows[key].not_before
    courier.close()

    assert {row.key: row.state for row in town.outbox()} == {
        **dict.fromkeys(model.waiting, "pending"),
        **dict.fromkeys(model.sent, "sent"),
        **dict.fromkeys(model.dead, "dead"),
    }
    assert ids([running], town.code) == Counter(
        row.envelope.message_id for row in town.outbox() if row.key in model.sent
    )
    assert town.audit() == ["give-up"] * len(model.dead)
