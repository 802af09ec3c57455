"""Settings: what the environment says, what it may not say, and what holds where it says nothing."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from kijitsu.domain.errors import InputError
from kijitsu.settings import PROJECT, Settings, read_settings


def test_without_any_setting_everything_is_embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    settings = read_settings({})

    assert settings == Settings()
    assert settings.home == Path("var")
    assert settings.database == "sqlite:///var/kijitsu.db"
    assert settings.mailbox == Path("var/mailbox")
    assert settings.calendar == PROJECT / "calendar"
    assert settings.smtp_url == ""
    assert settings.mail_from.endswith(".example")
    assert (settings.plan, settings.prefect_port) == ("", 4200)


def test_a_calendar_folder_in_the_working_directory_comes_before_the_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "calendar").mkdir()
    assert read_settings({}).calendar == PROJECT / "calendar"

    (tmp_path / "calendar" / "plans").mkdir()

    assert read_settings({}).calendar == Path("calendar")


def test_each_setting_is_read_into_its_type() -> None:
    settings = read_settings(
        {
            "KIJITSU_HOME": "/srv/kijitsu",
            "KIJITSU_CALENDAR": "/srv/calendar",
            "KIJITSU_DATABASE_URL": "postgresql://db.example/kijitsu",
            "KIJITSU_SMTP_URL": "smtp://relay.example",
            "KIJITSU_MAIL_FROM": "kijitsu@city.example",
            "KIJITSU_REPLY_TO": "soumu@city.example",
            "KIJITSU_SECRETS_FILE": "/srv/secrets.json",
            "KIJITSU_TODAY": "平成28年7月12日",
            "KIJITSU_ACTOR": "情報 太郎",
            "KIJITSU_PLAN": "fy29",
            "KIJITSU_PREFECT_PORT": "4300",
        }
    )

    assert settings == Settings(
        home=Path("/srv/kijitsu"),
        calendar=Path("/srv/calendar"),
        database_url="postgresql://db.example/kijitsu",
        smtp_url="smtp://relay.example",
        mail_from="kijitsu@city.example",
        reply_to="soumu@city.example",
        secrets_file=Path("/srv/secrets.json"),
        today="2016-07-12",
        actor="情報 太郎",
        plan="fy29",
        prefect_port=4300,
    )
    assert settings.database == "postgresql://db.example/kijitsu"


def test_an_unknown_setting_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(
        InputError, match="KIJITSU_DATABASE_URI という設定はありません。もしかして: KIJITSU_DATABASE_URL"
    ):
        read_settings({"KIJITSU_DATABASE_URI": "sqlite:///x.db"})


@pytest.mark.parametrize("port", ["0", "65536", "-1", "4200a", "四二", "4.2", " "])
def test_a_port_that_is_none_is_refused_by_name(port: str) -> None:
    with pytest.raises(InputError, match=r"KIJITSU_PREFECT_PORT=.*1から65535"):
        read_settings({"KIJITSU_PREFECT_PORT": port})


def test_a_day_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"KIJITSU_TODAY: .*もしかして: 2016-06-30"):
        read_settings({"KIJITSU_TODAY": "2016-06-31"})


def test_an_empty_setting_is_no_setting_and_other_programs_variables_are_not_ours() -> None:
    assert read_settings({"KIJITSU_PREFECT_PORT": "", "KIJITSU_TODAY": "", "PREFECT_HOME": "/x"}) == Settings()


def test_a_child_process_gets_the_same_settings_wherever_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(home=Path("data"), today="2016-07-12", smtp_url="smtp://relay.example", prefect_port=4300)

    handed_on = settings.environment()

    assert handed_on["KIJITSU_HOME"] == str(tmp_path / "data")
    assert set(handed_on) <= {f"KIJITSU_{each.name.upper()}" for each in fields(Settings)}
    again = read_settings(handed_on)
    assert again.environment() == handed_on
    assert (again.today, again.smtp_url, again.prefect_port) == ("2016-07-12", "smtp://relay.example", 4300)


def test_a_rehearsal_keeps_its_data_apart_and_reaches_nobody(tmp_path: Path) -> None:
    real = Settings(
        home=Path("/srv/kijitsu"),
        calendar=Path("/srv/calendar"),
        database_url="postgresql://db.example/kijitsu",
        smtp_url="smtp://relay.example",
        reply_to="soumu@city.example",
        secrets_file=Path("/srv/secrets.json"),
        today="2016-07-12",
    )

    assert real.rehearsal(tmp_path) == Settings(home=tmp_path, calendar=Path("/srv/calendar"))
    assert real.rehearsal(tmp_path, "2016-05-06").today == "2016-05-06"


def test_only_a_missing_sqlite_file_is_known_to_be_no_database(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)

    assert not settings.may_have_database
    (tmp_path / "kijitsu.db").touch()
    assert settings.may_have_database
    assert Settings(database_url="postgresql://db.example/kijitsu").may_have_database
