"""A database that is missing, empty, of another schema or out of reach: said plainly, with what mends it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from tests.acceptance.support import Desk, engine_of

NEEDING = [
    ("watch", "fy28"),
    ("complete", "fy28", "roster", "--override", "様式なし"),
    ("waive", "fy28", "roster", "--reason", "対象なし"),
    ("move", "fy28", "pia", "--to", "平成28年8月", "--apply", "--reason", "延期"),
    ("reminders", "fy28"),
    ("outbox", "list", "fy28"),
    ("outbox", "send", "fy28"),
    ("outbox", "resend", "some-key", "fy28"),
    ("audit", "list", "fy28"),
    ("audit", "verify", "fy28"),
    ("doctor",),
]


def set_schema(url: str, version: str) -> None:
    with engine_of(url).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


@pytest.mark.parametrize("words", NEEDING, ids=lambda words: " ".join(words[:2]))
def test_what_needs_a_database_says_which_command_makes_it(words: tuple[str, ...], tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", today="2016-06-03")

    done = desk(*words, code=3)

    assert f"データベース {tmp_path / 'home' / 'kijitsu.db'} がまだありません" in done.err
    assert "kijitsu plan adopt" in done.err
    assert not (tmp_path / "home").exists()


def test_an_empty_database_gets_its_tables_from_the_command_that_is_named(empty_database: str, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", database_url=empty_database, today="2016-06-03")

    said = desk("watch", "fy28", code=3).err
    desk("plan", "adopt", "fy28")

    assert "kijitsu plan adopt" in said
    assert desk("watch", "fy28", "--json").json["letters"] > 0


def test_a_database_with_tables_and_no_plan_asks_for_the_adoption(empty_database: str, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", database_url=empty_database, today="2016-06-03")

    desk("doctor", "--upgrade")
    said = desk("watch", "fy28", code=1).err

    assert "kijitsu plan adopt fy28" in said
    assert len(desk("schedule", "fy28", "--json").json) == 69


def test_an_older_schema_is_told_with_the_command_that_upgrades(empty_database: str, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", database_url=empty_database, today="2016-06-03")
    desk("plan", "adopt", "fy28")
    set_schema(empty_database, "0000")

    for words in (("watch", "fy28"), ("schedule", "fy28"), ("status", "fy28"), ("doctor",), ("plan", "list")):
        done = desk(*words, code=3)
        assert "形式が古いままです（現在 0000、必要 " in done.err
        assert "kijitsu doctor --upgrade" in done.err
    assert "× データベース" in desk("doctor", code=3).out


def test_a_newer_schema_is_left_alone(empty_database: str, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", database_url=empty_database, today="2016-06-03")
    desk("plan", "adopt", "fy28")
    set_schema(empty_database, "9999")

    assert "より新しい kijitsu のもの" in desk("watch", "fy28", code=3).err
    assert "プログラムを更新してください" in desk("doctor", "--upgrade", code=3).err


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("postgresql://kijitsu:himitsu@127.0.0.1:9/kijitsu", 3, "サーバーが動いているか"),
        ("mysql://kijitsu:himitsu@127.0.0.1/kijitsu", 1, "postgresql://"),
        ("kijitsu:himitsu", 1, "sqlite:///"),
    ],
)
def test_an_address_that_does_not_work_is_named_without_its_password(
    url: str, code: int, said: str, tmp_path: Path
) -> None:
    done = Desk(tmp_path / "home", database_url=url)("status", "fy28", code=code)

    assert said in done.err
    assert "himitsu" not in done.err


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    strange = tmp_path / "kijitsu.db"
    strange.write_text("これはデータベースではありません", encoding="utf-8")

    done = Desk(tmp_path, today="2016-06-03")("status", "fy28", code=3)

    assert str(strange) in done.err
    assert strange.read_text(encoding="utf-8") == "これはデータベースではありません"


def test_a_history_needs_no_database_even_where_one_is_out_of_reach(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", database_url="postgresql://127.0.0.1:9/kijitsu", today="2016-07-13")

    for words in (["schedule"], ["status"], ["why", "notification"]):
        desk(words[0], "fy28", *words[1:], "--history", "fy28-late-pia", "--json")
    desk("schedule", Path("calendar/plans/fy28.yaml"), "--json")
    desk("check")


def test_doctor_tells_a_broken_plan_file_from_a_broken_database(tmp_path: Path) -> None:
    plans = tmp_path / "calendar" / "plans"
    plans.mkdir(parents=True)
    (plans / "bad.yaml").write_text("plan: bad\n", encoding="utf-8")
    desk = Desk(tmp_path / "home", calendar=tmp_path / "calendar")

    desk("doctor", "--upgrade", code=3)
    findings = {finding["what"]: finding for finding in desk("doctor", "--json", code=3).json}

    assert not findings["計画ファイル"]["is_fine"]
    assert "bad.yaml:1:1: missing-title" in findings["計画ファイル"]["remedy"]
    assert findings["データベース"]["is_fine"]
