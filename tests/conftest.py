"""Databases for the tests: SQLite in memory and in a file, and a real PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

# Before anything imports Prefect, which reads them once: nothing is told to anybody, and the log stays short.
os.environ |= {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
}

import pytest
from sqlalchemy import Engine
from xdist.scheduler import LoadScopeScheduling

from kijitsu.store.engine import connect, upgrade
from tests.debian import needed
from tests.postgres import Cluster, cluster


class ByFile(LoadScopeScheduling):
    """Gives whole files to the workers of `make test`, and all flow tests to one: they share a Prefect server."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "tests/flows" if file.startswith("tests/flows/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    # Files in their order: sorted by their number of tests, the few long tests would be waited for at the end.
    config.option.loadscopereorder = False
    return ByFile(config, log)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL server with a database `kijitsu` that is never written to, the template of the others."""
    with needed(), cluster() as server:
        server.run("CREATE DATABASE kijitsu TEMPLATE template0")
        engine = connect(server.url("kijitsu"))
        upgrade(engine)
        engine.dispose()
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables, once for each kind that several processes can share."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'kijitsu.db'}"
    else:
        with request.getfixturevalue("postgres").database() as url:
            yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def shared_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with our tables that several threads and processes can use at once."""
    yield from _engine(request.param, request, tmp_path)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with our tables, once for each kind."""
    yield from _engine(request.param, request, tmp_path)


def _engine(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Engine]:
    if kind == "postgresql":
        with request.getfixturevalue("postgres").database(template="kijitsu") as url:
            engine = connect(url)
            yield engine
            engine.dispose()
        return
    engine = connect("sqlite://" if kind == "memory" else f"sqlite:///{folder / 'kijitsu.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()
