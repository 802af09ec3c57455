"""A real Prefect server for the session, and an office with an adopted plan on a given morning."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pytest
from prefect.testing.utilities import prefect_test_harness

from kijitsu.bootstrap import open_office
from kijitsu.office import Office
from kijitsu.services.replaying import rehearsal


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A Prefect server with a database of its own, for all flow tests."""
    with prefect_test_harness(server_startup_timeout=90):
        yield


@dataclass(frozen=True)
class Morning:
    """An office in a folder of its own, and its mailbox."""

    office: Office
    folder: Path

    def letters(self) -> list[Path]:
        """The mails that arrived, in order."""
        return sorted((self.folder / "mailbox").glob("*.eml"))


@pytest.fixture(scope="session")
def evenings(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str | None, date], Path]:
    """Live through FY28 with a history up to the evening before a day; each such year is lived through once."""

    @cache
    def live(history: str | None, day: date) -> Path:
        folder = tmp_path_factory.mktemp("evening")
        office = open_office()
        loaded = office.library.plan("fy28")
        told = office.library.history(history, loaded.plan) if history else None
        first, last = date(2016, 4, 1), day - timedelta(1)
        with rehearsal(office, folder) as stage:
            stage.start("fy28", first)
            for _ in stage.run(told, first, last, lambda done, of: None):
                pass
        return folder

    return live


@pytest.fixture
def morning(
    prefect_server: None,
    evenings: Callable[[str | None, date], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str | None, date], Morning]:
    """Set the clock to the morning of a day, in a copy of the year up to the evening before."""

    def prepare(history: str | None, day: date) -> Morning:
        shutil.copytree(evenings(history, day), tmp_path, dirs_exist_ok=True)
        monkeypatch.setenv("KIJITSU_HOME", str(tmp_path))
        monkeypatch.setenv("KIJITSU_TODAY", day.isoformat())
        return Morning(open_office(), tmp_path)

    return prepare
