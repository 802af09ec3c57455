"""What an upgrade makes of a database, and what is said where one is needed, on SQLite and PostgreSQL."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from kijitsu import store
from kijitsu.domain.errors import InputError, OutsideError
from kijitsu.messages import Envelope, Wording
from kijitsu.store.engine import connect, require_current_schema, upgrade
from kijitsu.store.tables import metadata
from kijitsu.store.work import UnitOfWork


@pytest.fixture
def empty(empty_database: str) -> Iterator[Engine]:
    engine = connect(empty_database)
    yield engine
    engine.dispose()


def upgrade_to(engine: Engine, revision: str) -> None:
    """Bring an empty database to an older schema."""
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def pretend_schema(engine: Engine, revision: str) -> None:
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_an_upgraded_database_has_the_tables_that_the_program_expects(empty: Engine) -> None:
    upgrade(empty)

    with empty.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    require_current_schema(empty)


def test_an_upgraded_database_equals_one_created_from_the_tables(empty: Engine, tmp_path: Path) -> None:
    fresh = connect(f"sqlite:///{tmp_path / 'fresh.db'}")
    metadata.create_all(fresh)
    upgrade(empty)

    found, expected = inspect(empty), inspect(fresh)
    for table in metadata.tables:
        assert found.get_pk_constraint(table)["constrained_columns"] == [
            column.name for column in metadata.tables[table].primary_key
        ]
        assert {index["name"]: index["column_names"] for index in found.get_indexes(table)} == {
            index["name"]: index["column_names"] for index in expected.get_indexes(table)
        }
    fresh.dispose()


def test_an_upgraded_database_guards_its_audit_log_by_triggers(empty: Engine) -> None:
    upgrade(empty)

    catalogue = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit' ORDER BY name",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit'::regclass ORDER BY tgname",
    }
    with empty.connect() as connection:
        triggers = list(connection.execute(text(catalogue[empty.dialect.name])).scalars())
    assert (
        triggers
        == {
            "sqlite": ["audit_no_delete", "audit_no_replace", "audit_no_update"],
            "postgresql": ["audit_no_change", "audit_no_truncate"],
        }[empty.dialect.name]
    )


def test_upgrading_again_changes_nothing_and_leaves_logging_as_it_is(empty: Engine) -> None:
    handlers, level = list(logging.getLogger().handlers), logging.getLogger("alembic").level

    upgrade(empty)
    upgrade(empty)

    require_current_schema(empty)
    assert logging.getLogger().handlers == handlers
    assert logging.getLogger("alembic").level == level


def test_an_upgrade_from_the_first_schema_keeps_what_is_there(empty: Engine) -> None:
    made_at = datetime(2016, 4, 1, tzinfo=UTC)
    upgrade_to(empty, "0001")
    with UnitOfWork(empty, "042021") as uow:
        revision = uow.plans.add("fy28", {"plan": "fy28"}, "採用", "情報 太郎", None, made_at, 0)
        entry = uow.audit.append(made_at, "情報 太郎", "proxy", "adopt", "fy28", {"revision": 1})
        uow.commit()
    with pytest.raises(OutsideError, match=r"現在 0001、必要 .*「kijitsu doctor --upgrade」"):
        require_current_schema(empty)

    upgrade(empty)

    require_current_schema(empty)
    with UnitOfWork(empty, "042021", readonly=True) as uow:
        assert uow.plans.latest("fy28") == revision
        assert uow.audit.all() == [entry]
        assert uow.audit.verify() == []
        assert uow.seen_calendars.all("fy28") == {}


def test_what_an_older_database_holds_is_no_news(empty: Engine) -> None:
    at = datetime(2016, 4, 1, tzinfo=UTC)
    upgrade_to(empty, "0004")
    with UnitOfWork(empty, "042021") as uow:
        uow.audit.append(at, "情報 太郎", "proxy", "adopt", "fy28", {"revision": 1})
        letter = Envelope("fy28/1", "mail", "a@b.example", "市民課", "<1@k>", at, Wording("件名", "本文", "", ""))
        uow.outbox.add([letter], at)
        uow.commit()
    with empty.begin() as connection:
        connection.execute(text("UPDATE outbox SET state = 'sent', sent_at = not_before"))

    upgrade(empty)

    with UnitOfWork(empty, "042021", readonly=True) as uow:
        assert uow.audit.announced() == uow.audit.head().number == 1
        assert uow.outbox.news(10) == []


def test_two_processes_that_upgrade_at_once_both_succeed(empty_database: str) -> None:
    program = (
        "import sys, alembic.command\n"
        "from kijitsu.store.engine import connect, require_current_schema, upgrade\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "engine = connect(sys.argv[1])\n"
        "upgrade(engine)\n"
        "require_current_schema(engine)\n"
    )
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", program, empty_database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for starter in starters:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "ready\n"

    for starter in starters:
        assert starter.stdin is not None
        starter.stdin.write("go\n")
        starter.stdin.flush()

    assert [starter.communicate()[1] for starter in starters] == ["", ""]
    assert [starter.returncode for starter in starters] == [0, 0]


def test_a_database_without_tables_is_refused_with_the_command_that_creates_them(empty: Engine) -> None:
    with pytest.raises(OutsideError, match="まだありません。「kijitsu plan adopt 計画ID」で作られます"):
        require_current_schema(empty)


def test_asking_for_a_database_that_is_not_there_does_not_create_it(tmp_path: Path) -> None:
    file = tmp_path / "var" / "kijitsu.db"

    with pytest.raises(OutsideError, match=r"kijitsu\.db がまだありません"):
        require_current_schema(connect(f"sqlite:///{file}"))
    assert not file.parent.exists()

    engine = connect(f"sqlite:///{file}")
    upgrade(engine)
    require_current_schema(engine)
    engine.dispose()


def test_an_older_schema_is_refused_with_the_command_that_upgrades_it(empty: Engine) -> None:
    pretend_schema(empty, "0000")

    with pytest.raises(OutsideError, match=r"形式が古いまま.*「kijitsu doctor --upgrade」"):
        require_current_schema(empty)


def test_a_newer_schema_is_neither_used_nor_upgraded(empty: Engine) -> None:
    pretend_schema(empty, "9999")

    for act in (require_current_schema, upgrade):
        with pytest.raises(OutsideError, match=r"より新しい kijitsu .*プログラムを更新してください"):
            act(empty)


def test_the_database_of_another_program_is_left_alone(empty: Engine) -> None:
    with empty.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('bfb042539c96')"))

    for act in (require_current_schema, upgrade):
        with pytest.raises(OutsideError, match=r"ほかのプログラムのもの.*KIJITSU_DATABASE_URL"):
            act(empty)
    assert inspect(empty).get_table_names() == ["alembic_version"]


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    engine = connect("postgresql://kijitsu:himitsu@127.0.0.1:1/calendar")

    for act in (require_current_schema, upgrade):
        with pytest.raises(OutsideError, match=r"127\.0\.0\.1:1/calendar .*KIJITSU_DATABASE_URL") as refusal:
            act(engine)
        assert "himitsu" not in str(refusal.value)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "memo.db").write_text("これはデータベースではありません。" * 99, encoding="utf-8")
    engine = connect(f"sqlite:///{tmp_path / 'memo.db'}")

    with pytest.raises(OutsideError, match=r"memo\.db を使えません.*ファイルの場所"):
        require_current_schema(engine)


@pytest.mark.parametrize("url", ["", "kijitsu.db", "mysql://kijitsu:himitsu@db/kijitsu"])
def test_an_address_of_no_known_kind_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InputError, match="KIJITSU_DATABASE_URL は、sqlite:///") as refusal:
        connect(url)

    assert "himitsu" not in str(refusal.value)
