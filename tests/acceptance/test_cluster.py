"""docs/deploy on one machine, with its parts killed during the passes: every reminder arrives, none is written twice.

`CLUSTER_KILLS=20` kills more often than the suite does.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import pytest
from prefect.automations import Automation
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_CLIENT_RETRY_EXTRA_CODES,
    temporary_settings,
)

from kijitsu.bootstrap import open_office
from kijitsu.office import ALL_ROLES, Actor, Office
from kijitsu.services import adopting, watching
from kijitsu.services.delivering import dispatch
from kijitsu.settings import Settings, read_settings
from tests.acceptance.support import calendar_with
from tests.cluster import Machines, machines
from tests.debian import needed
from tests.integration.smtp_relays import Post, Relay, relay
from tests.integration.towns import ids

KILLS = int(os.environ.get("CLUSTER_KILLS", "4"))
# What is killed in one pass; the suite comes as far as the worker, more kills go on and begin again.
TURNS = (("services", "api"), ("postgres",), ("worker",), ("redis", "balancer"))
OWNERS = ("general_affairs", "information_systems", "residents", "finance")
WATCH, UNRESPONSIVE, AGAIN = "毎朝の監視/毎朝", "応答のない実行", "落ちた監視をやり直す"
CLERK = Actor("test", "test", ALL_ROLES)


def open_days(count: int) -> list[date]:
    """Return so many open days from Tuesday, May 31 2016, before the holidays of July."""
    days = (date(2016, 5, 31) + timedelta(number) for number in range(60))
    return [day for day in days if day.weekday() < 5][:count]


def turns(kills: int) -> list[tuple[str, ...]]:
    """Return what is killed in each pass, until there are so many kills."""
    found: list[tuple[str, ...]] = []
    for turn in cycle(TURNS):
        if sum(map(len, found)) >= kills:
            break
        found.append(turn)
    return found


KILLED = turns(KILLS)
DAYS = open_days(len(KILLED) + 1)


def plan() -> str:
    """Return a plan with something to write to each of four departments on each day, and nothing that stops."""
    milestones = [
        f"  {owner}_{number}: {{title: 報告{number}（{owner}）, kind: meeting, owner: {owner}, when: {day}}}"
        for number, day in enumerate(DAYS)
        for owner in OWNERS
    ]
    return "\n".join(["plan: many", "title: 試験", "organisation: ishinomaki", "milestones:", *milestones, ""])


class Trap(Post):
    """A relay that does something when it is given the n-th message from now on, before it answers."""

    def __init__(self) -> None:
        super().__init__()
        self._given, self.deeds = 0, dict[int, Callable[[], None]]()

    def set(self, deeds: dict[int, Callable[[], None]]) -> None:
        self._given, self.deeds = 0, deeds

    async def handle_DATA(self, *given: Any) -> str:
        self._given += 1
        if deed := self.deeds.pop(self._given, None):
            deed()
        return await super().handle_DATA(*given)


class Secretariat:
    """Starts a day's pass by the deployment, and waits for the day's first one that completes."""

    def __init__(self, running: Machines, client: SyncPrefectClient) -> None:
        self._running, self._client = running, client
        self._deployment = client.read_deployment_by_name(WATCH).id

    def runs(self, *states: StateType) -> list[FlowRun]:
        """Return the runs of the watch in these states, the first one first."""
        those = DeploymentFilter(id=DeploymentFilterId(any_=[self._deployment]))
        found = [run for run in self._client.read_flow_runs(deployment_filter=those) if run.state_type in states]
        return sorted(found, key=lambda run: run.expected_start_time)

    def pass_of(self, day: date) -> None:
        job = {"env": {"KIJITSU_TODAY": day.isoformat()}}
        self._client.update_deployment(self._deployment, DeploymentUpdate(job_variables=job))
        before = len(self.runs(StateType.COMPLETED))
        self._client.create_flow_run_from_deployment(self._deployment)
        self._running.wait(lambda: len(self.runs(StateType.COMPLETED)) > before, "services")

    def stop_schedules(self) -> None:
        """Leave the time of day out of it, once every schedule has its runs."""
        for deployment in self._client.read_deployments():
            for each in deployment.schedules:
                there = DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id]))
                self._running.wait(
                    lambda there=there: self._client.read_flow_runs(deployment_filter=there) != [], "services"
                )
                self._client.update_deployment_schedule(deployment.id, each.id, active=False)

    def wait_at_most(self, seconds: float, *automations: str) -> None:
        """Set how long automations wait: what is dead is seen to be so after 90 seconds in a city, here sooner."""
        for name in automations:
            automation = Automation.read(name=name)
            automation.trigger.within = timedelta(seconds=seconds)
            automation.update()


@pytest.fixture(scope="module")
def mail() -> Iterator[Relay]:
    with relay(Trap()) as running:
        yield running


@pytest.fixture(scope="module")
def calendar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return calendar_with(tmp_path_factory.mktemp("city") / "calendar", many=plan())


@pytest.fixture(scope="module")
def cluster(mail: Relay, calendar: Path) -> Iterator[Machines]:
    quick = {"PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT1S"}
    city = {"KIJITSU_SMTP_URL": f"smtp://{mail.place}", "KIJITSU_CALENDAR": str(calendar)}
    with needed(), machines(**city, **quick) as running:
        yield running


@pytest.fixture
def client(cluster: Machines) -> Iterator[SyncPrefectClient]:
    there = cluster.environment
    settings = {
        PREFECT_API_URL: there["PREFECT_API_URL"],
        PREFECT_API_AUTH_STRING: there["PREFECT_API_AUTH_STRING"],
        PREFECT_CLIENT_MAX_RETRIES: int(there["PREFECT_CLIENT_MAX_RETRIES"]),
        PREFECT_CLIENT_RETRY_EXTRA_CODES: there["PREFECT_CLIENT_RETRY_EXTRA_CODES"],
    }
    with temporary_settings(settings), get_client(sync_client=True) as opened:
        yield opened


def ledger(office: Office) -> list[Any]:
    """Return every reminder with its state, after checking that the audit log is whole."""
    with office.open_work(office.library.organisations()[0].municipality, True) as work:
        assert work.audit.verify() == []
        return sorted(work.reminders.all("many"), key=repr)


def quiet(settings: Settings) -> tuple[Counter[str], list[Any]]:
    """Live through the same days without Prefect and without trouble; return what arrived, and the ledger."""
    with relay() as mail:
        at_rest = replace(settings, database_url="", smtp_url=f"smtp://{mail.place}")
        office = open_office(at_rest)
        office.upgrade()
        adopting.adopt(office, "many", CLERK)
        for day in DAYS:
            live(at_rest, day)
        return ids([mail]), ledger(office)


def live(settings: Settings, day: date) -> None:
    """Do a day's pass without Prefect."""
    office = open_office(replace(settings, today=day.isoformat()))
    watching.watch(office, "many", day)
    dispatch(office, office.library.organisations()[0])


def test_nothing_is_lost_or_written_twice_whatever_is_killed_during_a_pass(
    cluster: Machines, client: SyncPrefectClient, mail: Relay, tmp_path: Path
) -> None:
    theirs = {name: value for name, value in cluster.environment.items() if name.startswith("KIJITSU_")}
    office = open_office(read_settings(theirs))
    adopting.adopt(office, "many", CLERK)
    expected, expected_ledger = quiet(replace(office.settings, home=tmp_path))
    secretariat = Secretariat(cluster, client)
    post = mail.post
    assert isinstance(post, Trap)
    random = Random(KILLS)
    killed: list[str] = []

    def kill(victim: str) -> None:
        services = [each for name, each in cluster.services.items() if name.startswith(victim)]
        chosen = next((each for each in services if victim == "worker" and each.is_busy), random.choice(services))
        chosen.kill()
        killed.append(victim)

    secretariat.stop_schedules()
    for day, victims in zip(DAYS, KILLED, strict=False):
        secretariat.wait_at_most(15 if "worker" in victims else 90, UNRESPONSIVE, AGAIN)
        instants = random.sample(range(1, len(OWNERS) + 1), len(victims))
        post.set({at: lambda victim=victim: kill(victim) for at, victim in zip(instants, victims, strict=True)})
        secretariat.pass_of(day)
        assert not post.deeds, f"all of {victims} were to be killed on {day}"
    live(office.settings, DAYS[-1])

    arrived = ids([mail])
    assert set(arrived) == set(expected)
    assert arrived.total() - len(arrived) <= len(killed), "a kill repeats the message on its way at most"
    assert len(set(post.messages)) == len(arrived), "what came again is the same to the byte"
    assert ledger(office) == expected_ledger
    assert len(secretariat.runs(StateType.CRASHED)) >= killed.count("worker"), "a lost run is seen to be lost"
