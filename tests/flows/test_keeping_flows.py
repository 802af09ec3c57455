"""保守 and 予行: the night's backup, and the coming weeks without anybody being written to."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from prefect.artifacts import Artifact
from prefect.settings.models.server.services import ServerServicesDBVacuumSettings
from pydantic import ValidationError

from flows.forms import Assumed, Body, RehearsalForm
from flows.maintain import maintain
from flows.rehearse import rehearse
from kijitsu.hosting.processes import prefect_environment
from kijitsu.services.auditing import verify
from kijitsu.services.keeping import check
from kijitsu.settings import Settings
from kijitsu.store.engine import connect
from tests.flows.conftest import Morning
from tests.integration.test_store_audit import tamper
from tests.integration.test_store_copying import rows

Prepare = Callable[[str | None, date], Morning]

STOPPED = date(2016, 7, 13)


@pytest.fixture
def today(morning: Prepare) -> Morning:
    return morning("fy28-late-pia", STOPPED)


def test_maintenance_backs_up_and_gives_the_head_of_the_log_to_note_down(today: Morning) -> None:
    state = maintain(return_state=True)

    found = Artifact.get("fy28-maintenance")
    assert found
    [backup] = (today.folder / "backups").glob("kijitsu-042021-20160713-*.zip")
    head = verify(today.office, today.office.library.organisations()[0]).head
    assert (state.name, state.message) == ("保守済み", f"バックアップ: {backup.name}")
    assert check(backup).heads == {"042021": (head.number, head.hash)}
    assert f"`{backup}`" in str(found.data)
    assert f"`{head.number}:{head.hash}`" in str(found.data)
    assert "終わって90日たったものは、Prefect が自動で消します" in str(found.data)
    assert "消えずに残っています" not in str(found.data)


def test_maintenance_of_an_altered_log_fails_with_the_sentences(today: Morning) -> None:
    engine = connect(today.office.settings.database)
    tamper(engine, "UPDATE audit SET actor = '別人' WHERE number = 2")
    engine.dispose()

    state = maintain(return_state=True)

    said = "監査記録 2番 の内容が、記録した後に書き換えられています。"
    found = Artifact.get("fy28-maintenance")
    assert (state.is_failed(), state.name, state.message) == (True, "異常あり", said)
    assert found
    assert f"- **{said}**" in str(found.data)


def test_a_rehearsal_tells_what_will_go_out_and_touches_nothing(
    today: Morning, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIJITSU_SMTP_URL", "smtp://127.0.0.1:9")
    engine = connect(today.office.settings.database)
    before, letters = rows(engine), today.letters()

    state = rehearse(RehearsalForm(weeks=4), return_state=True)

    found = Artifact.get("fy28-rehearsal")
    assert found
    table = json.loads(str(found.data))
    assert state.name == "予行済み"
    assert state.message == (
        "平成28年7月13日（水）から平成28年8月10日（水）までの監視20回で、"
        f"通知{len(table)}通が出ます（だれも報告しないとき）。"
    )
    assert state.message in str(found.description)
    assert table[0]["日"] == "平成28年7月13日（水）"
    assert {row["項目"] for row in table} >= {"特定個人情報保護評価書の再評価"}
    assert (rows(engine), today.letters()) == (before, letters)
    assert not (today.folder / "rehearsal").exists()
    engine.dispose()


def test_a_rehearsal_tells_one_bodys_letters_where_all_goes_as_planned(today: Morning) -> None:
    form = RehearsalForm(weeks=4, body=Body["information_systems"], assumed=Assumed.ON_TIME)

    state = rehearse(form, return_state=True)

    found = Artifact.get("fy28-rehearsal")
    assert found
    table = json.loads(str(found.data))
    assert {row["宛先"] for row in table} == {"情報システム課"}
    assert not any("期限超過" in row["件名"] for row in table)
    assert "予定どおり完了する" in (state.message or "")


@pytest.mark.parametrize("weeks", [0, 27, "らいしゅう"])
def test_a_number_of_weeks_that_cannot_be_is_refused_beside_its_field(weeks: object) -> None:
    with pytest.raises(ValidationError) as refusal:
        RehearsalForm(weeks=weeks)  # type: ignore[arg-type]

    assert [error["loc"] for error in refusal.value.errors()] == [("weeks",)]


def test_the_servers_own_clean_up_of_old_runs_is_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in prefect_environment(Settings(home=Path("var")), 4200).items():
        if "VACUUM" in name:
            monkeypatch.setenv(name, value)

    vacuum = ServerServicesDBVacuumSettings()

    assert vacuum.enabled_vacuum_types == {"events", "flow_runs", "orphans"}
    assert vacuum.retention_period.days == 90
