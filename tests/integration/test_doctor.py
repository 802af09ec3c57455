"""What doctor says of the machine and of what runs beside it."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.office import Office
from kijitsu.services import surroundings
from kijitsu.services.health import examine
from kijitsu.services.surroundings import Finding
from tests.board import ISHINOMAKI, installation
from tests.integration.smtp_relays import unused_place

NOW = datetime(2016, 5, 20, 1, 0, tzinfo=UTC)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An office that adopted a plan on Friday 20 May 2016 at half past eight, with a clock an hour and a half later."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    office = installation(tmp_path, prefect_port=int(unused_place().rpartition(":")[2]))
    return open_office(office.settings).at(lambda: NOW)


def found(office: Office) -> dict[str, Finding]:
    return {finding.what: finding for finding in examine(office)}


def test_an_installation_without_prefect_and_operator_is_fine_and_told_what_is_missing(office: Office) -> None:
    doctor = found(office)

    assert [each for each in doctor.values() if not each.is_fine] == []
    assert "kijitsu up で動きます" in doctor["Prefect"].found
    assert "書くだけです" in doctor["運用担当への警報"].found
    assert doctor["時計"].found == "2016-05-20 10:00:00"
    assert doctor["時刻帯"].found == "Asia/Tokyo"


def test_a_prefect_that_is_named_has_to_be_there_and_its_password_is_not_repeated(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", f"http://admin:hunter2@{unused_place()}/api")

    prefect = found(office)["Prefect"]

    assert not prefect.is_fine
    assert "PREFECT_API_URL を確かめてください" in prefect.remedy
    assert "hunter2" not in prefect.found + prefect.remedy


def test_a_production_without_a_path_to_the_operator_is_told(office: Office) -> None:
    production = replace(office, settings=replace(office.settings, smtp_url=f"smtp://{unused_place()}"))
    reached = replace(office, settings=replace(office.settings, operator_url="ntfy://a.example/x json://b.example"))

    assert "本番では KIJITSU_OPERATOR_URL" in found(production)["運用担当への警報"].found
    assert "2つの経路" in found(reached)["運用担当への警報"].found


def test_a_clock_behind_the_newest_entry_of_the_audit_log_is_wrong(office: Office) -> None:
    behind = office.at(lambda: NOW - timedelta(hours=3))

    clock = found(behind)["時計"]

    assert not clock.is_fine
    assert "監査記録の最後の時刻（2016-05-20 08:30:00）より遅れています" in clock.remedy


def test_a_clock_unlike_the_database_servers_is_wrong(postgres_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    right, wrong = postgres_office, postgres_office.at(lambda: datetime.now(UTC) + timedelta(minutes=5))

    assert found(right)["時計"].is_fine
    assert "データベースのサーバーと" in found(wrong)["時計"].remedy


@pytest.fixture
def postgres_office(request: pytest.FixtureRequest, tmp_path: Path) -> Office:
    """An office on PostgreSQL that goes by this machine's clock."""
    url = request.getfixturevalue("postgres_url")
    return replace(open_office(installation(tmp_path, database_url=url).settings)).at(lambda: datetime.now(UTC))


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    with request.getfixturevalue("postgres").database(template="kijitsu") as url:
        yield url


def test_a_full_disk_is_wrong(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "LEAST_FREE", 1 << 62)

    assert "空き容量が足りません" in found(office)["空き容量"].remedy


def test_an_old_backup_is_told(office: Office) -> None:
    backups = office.settings.home / "backups"
    backups.mkdir()
    for name, age in (("old.zip", 9), ("newest.zip", 3)):
        (backups / name).touch()
        at = (NOW - timedelta(days=age)).timestamp()
        os.utime(backups / name, (at, at))

    assert found(office)["バックアップ"].found.startswith("newest.zip。3日前のものです")


def test_a_missing_pass_is_wrong(office: Office) -> None:
    with office.open_work(ISHINOMAKI, True) as work:
        assert work.passes.latest("small") is None
    monday = office.at(lambda: NOW + timedelta(days=3))

    assert "kijitsu watch" in found(monday)["きょうの監視"].remedy
