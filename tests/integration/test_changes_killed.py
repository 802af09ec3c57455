"""A change that is killed at any instant is in the database as a whole, or not at all.

Each run forks a process that makes a change, and kills it with SIGKILL: after some statement, or at some call of its
own. `CHANGE_KILLS=1000` tries more instants than the suite does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, event

from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import Cascade
from kijitsu.editing import Edit, EditKind
from kijitsu.office import ALL_ROLES, Actor, Office
from kijitsu.services import adopting, changing
from kijitsu.services.reckoning import Request
from kijitsu.services.watching import watch
from kijitsu.settings import Settings
from kijitsu.store.engine import connect
from kijitsu.store.rows import ProposalState
from kijitsu.store.tables import metadata
from kijitsu.store.work import UnitOfWork
from tests.acceptance.support import HEAD, calendar_with
from tests.board import CLERK, ISHINOMAKI, TODAY
from tests.integration.test_dispatch_killed import Instants, in_a_process, was_killed
from tests.unit.requests import ReadOnce

KILLS = int(os.environ.get("CHANGE_KILLS", "12"))
CHIEF = Actor("事務局長", "test", ALL_ROLES, posts=frozenset({"総務部長"}))
PLAN = (
    HEAD
    + """\
approvers: [総務部長]
milestones:
  first: {title: 調査, kind: meeting, owner: general_affairs, when: 2016-06-20}
  second: {title: 届出, kind: filing, owner: residents, when: 2016-06-21, after: [first], due: 2016-12-22}
  third: {title: 公聴, kind: meeting, owner: committee, when: 2016-10-20}
"""
)
Rows = dict[str, list[Any]]


@dataclass
class City:
    """A plan whose changes somebody else approves; `rounds` counts those that were proposed."""

    url: str
    office: Office
    rounds: int = 0

    def work_on(self, engine: Engine) -> Office:
        """The office in a process of its own, everything but the database at hand."""
        renderer = self.office.renderer
        return replace(
            self.office,
            open_work=lambda here, readonly: UnitOfWork(engine, here, readonly=readonly),
            make_renderer=lambda: renderer,
            revisions=dict(self.office.revisions),
        )

    @cached_property
    def engine(self) -> Engine:
        return connect(self.url)

    def rows(self) -> Rows:
        """Everything that the database holds."""
        with self.engine.connect() as connection:
            found = {
                table.name: [row._asdict() for row in connection.execute(table.select())]
                for table in metadata.sorted_tables
            }
        self.engine.dispose()
        return found

    def propose(self) -> int:
        """Propose a change of everything: a date and what follows it, a closed day, a waiver or its end."""
        with self.work_on(self.engine).open_work(ISHINOMAKI, True) as work:
            is_waived = sum(each.kind in ("waive", "reinstate") for each in work.events.upto("small", None)) % 2
            head = work.plans.head("small")
        assert head
        self.rounds += 1
        request = Request(
            (
                Edit(EditKind.MOVE, "first", str(date(2016, 6, 20) + timedelta(7 * head.number))),
                Edit(EditKind.REINSTATE if is_waived else EditKind.WAIVE, "third"),
                Edit(EditKind.CLOSE, str(date(2017, 1, 10) + timedelta(self.rounds)), f"臨時閉庁{self.rounds}"),
            ),
            f"変更{self.rounds}",
            Cascade.PUSH,
        )
        number = changing.change(self.work_on(self.engine), "small", request, CLERK).proposed_as
        assert number
        self.engine.dispose()
        return number

    def approve(self, number: int, engine: Engine) -> None:
        with UnitOfWork(engine, ISHINOMAKI, readonly=True) as work:
            head = work.plans.head("small")
        assert head
        changing.approve(self.work_on(engine), "small", number, CHIEF, "よし", head.number)


@pytest.fixture
def city(empty_database: str, tmp_path: Path) -> City:
    calendar = calendar_with(tmp_path / "calendar", small=PLAN)
    given = Settings(home=tmp_path / "home", calendar=calendar, today=str(TODAY), database_url=empty_database)
    office = replace(open_office(given), library=ReadOnce(calendar))
    office.upgrade()
    city = City(empty_database, office)
    adopting.adopt(city.work_on(city.engine), "small", CLERK)
    watch(city.work_on(city.engine), "small")
    # Once here, so that all templates and statements are compiled, like in those that come after it.
    city.approve(city.propose(), city.engine)
    city.engine.dispose()
    return city


def all_or_nothing(city: City, number: int, before: Rows) -> bool:
    """Tell whether a change is there, after checking that all of it is, or nothing."""
    after = city.rows()
    if after == before:
        return False
    assert {name for name in after if after[name] != before[name]} >= {
        *("plan_revisions", "events", "seen_calendars", "outbox", "reminders", "audit", "proposals")
    }
    with UnitOfWork(city.engine, ISHINOMAKI, readonly=True) as work:
        head, proposal, latest = work.plans.head("small"), work.proposals.get("small", number), work.audit.all()[-1]
        assert head
        assert proposal
        assert (proposal.state, proposal.applied_as) == (ProposalState.APPLIED, head.number)
        assert (latest.action, latest.details["revision"], latest.details["proposal"]) == (
            "approve",
            head.number,
            number,
        )
        assert work.audit.verify() == []
        assert head.number == len(before["plan_revisions"]) + 1
        assert len(after["events"]) == len(before["events"]) + 1
        assert any(f"臨時閉庁{city.rounds}" in str(row) for row in after["seen_calendars"])
        told = {row["message_key"] for row in after["reminders"] if f"moved:{head.number}" in row["rule"]}
        assert told
        assert told - {None} <= {row["key"] for row in after["outbox"]}
    city.engine.dispose()
    return True


def killed_after(city: City, number: int, watch_over: Callable[[Engine], None]) -> bool:
    """Approve in a process that is watched over until it kills itself; tell whether it did."""
    city.engine.dispose()

    def approve() -> None:
        engine = connect(city.url)
        watch_over(engine)
        city.approve(number, engine)
        sys.setprofile(None)

    return was_killed(in_a_process(approve))


def counted(city: City, number: int, watch_over: Callable[[Engine, Instants], None]) -> int:
    """Approve in a process to the end; return how many instants there are."""
    reading, writing = os.pipe()

    def approve() -> None:
        instants, engine = Instants(), connect(city.url)
        watch_over(engine, instants)
        city.approve(number, engine)
        sys.setprofile(None)
        os.write(writing, str(instants.count).encode())

    assert not was_killed(in_a_process(approve))
    os.close(writing)
    count = int(os.read(reading, 20))
    os.close(reading)
    return count


def at_statements(engine: Engine, instants: Instants) -> None:
    """Count what is written, and the commit, before it happens and after."""

    def written(_: Any, __: Any, statement: str, *___: Any) -> None:
        if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA")):
            instants()

    event.listen(engine, "before_cursor_execute", written)
    event.listen(engine, "after_cursor_execute", written)
    event.listen(engine, "commit", instants)


def at_calls(_: Engine, instants: Instants) -> None:
    sys.setprofile(instants)


def test_killed_before_and_after_everything_it_writes_a_change_is_whole_or_not_there(city: City) -> None:
    count = counted(city, city.propose(), at_statements)
    assert count > 10
    number = city.propose()
    before = city.rows()

    for instant in range(1, count + 1):
        assert killed_after(city, number, lambda engine: at_statements(engine, Instants(instant)))  # noqa: B023
        # Whatever is written, nothing of it is there before the commit.
        assert not all_or_nothing(city, number, before)

    assert not killed_after(city, number, lambda _: None)
    assert all_or_nothing(city, number, before)


def test_killed_at_any_instant_a_change_is_whole_or_not_there(city: City) -> None:
    calls = counted(city, city.propose(), at_calls)
    random, killed = Random(calls), 0
    outcomes = []
    number = city.propose()

    # The last calls, around the commit, are where it is decided: half of the instants lie there.
    instants = [random.randint(1, calls) for _ in range(KILLS // 2)]
    instants += [random.randint(calls * 95 // 100, calls) for _ in range(KILLS - KILLS // 2)]
    for instant in instants:
        before = city.rows()
        killed += killed_after(city, number, lambda engine: at_calls(engine, Instants(instant)))  # noqa: B023
        outcomes.append(all_or_nothing(city, number, before))
        if outcomes[-1]:
            number = city.propose()

    assert killed > 0.5 * KILLS
    assert not all(outcomes)
