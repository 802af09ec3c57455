"""A copy of a database is the same database: of SQLite and PostgreSQL, in SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Date, Engine, Enum, Integer, String, Text, event, insert, select, text

from kijitsu.domain.errors import InputError, OutsideError
from kijitsu.domain.history import Deed
from kijitsu.store.copying import copy_database, is_empty, municipalities
from kijitsu.store.engine import connect, upgrade
from kijitsu.store.rows import EventRow
from kijitsu.store.tables import Document, Instant, Json, metadata
from kijitsu.store.work import UnitOfWork

ISHINOMAKI, SENDAI = "042021", "041009"
NOW = datetime(2016, 6, 3, 0, 30, 59, 123456, tzinfo=UTC)
JSON = '{"に": [1, 2.5, null], "い" : "𠮷"}'
Rows = dict[str, list[Any]]


@pytest.fixture
def source(shared_engine: Engine) -> Engine:
    """A database with two rows in every table, one with all that may be left out."""
    with shared_engine.begin() as connection:
        for table in metadata.sorted_tables:
            for number, code in enumerate((ISHINOMAKI, SENDAI), start=1):
                kept = [each for each in table.columns if number == 1 or not each.nullable]
                connection.execute(insert(table), {each.name: value(each, code, number) for each in kept})
    return shared_engine


def value(column: Column[Any], code: str, number: int) -> Any:
    """Return a value of a column's type that is hard to carry over."""
    if column.name == "municipality":
        return code
    match column.type:
        case Document():
            return {"z": [1, 2.5, None], "い": "𠮷\u2028"}
        case Json():
            return {"い": [{"に": "'\"\\%s"}], "a": 1e300}
        case Instant():
            return NOW
        case Enum() as kinds:
            return kinds.python_type(kinds.enums[-1])
        case Integer():
            return 40 + number
        case Date():
            return date(2016, 2, 29)
        case Boolean():
            return number == 1
        case Text():
            return "一行目\r\n二行目\t「𠮷」 \\ %(name)s :name\n"
        case String():
            return "葛󠄀城"
    raise AssertionError(f"no value for {column.type!r}: add one here")


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield f"sqlite:///{tmp_path / 'copy.db'}"
        else:
            yield stack.enter_context(request.getfixturevalue("postgres").database())


def url(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def rows(engine: Engine) -> Rows:
    """Return everything that a database holds, JSON as the text that it is."""
    with engine.connect() as connection:
        found = {
            each.name: sorted(map(tuple, connection.execute(select(each))), key=str)
            for each in metadata.tables.values()
        }
        for table in metadata.tables.values():
            for column in (each for each in table.columns if isinstance(each.type, Json)):
                texts = connection.scalars(text(f"SELECT {column.name} FROM {table.name} ORDER BY municipality"))  # noqa: S608
                found[str(column)] = list(texts)
        return found


def test_a_copy_holds_what_the_database_held(source: Engine, target: str) -> None:
    before = rows(source)

    copied = copy_database(url(source), target)

    copy = connect(target)
    assert rows(copy) == before == rows(source)
    assert all(len(found) == 2 for found in before.values())
    assert copied.rows == dict.fromkeys((each.name for each in metadata.sorted_tables), 2)
    with copy.connect() as connection:
        assert municipalities(connection) == [SENDAI, ISHINOMAKI]
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == copied.schema
    copy.dispose()


def test_what_is_written_into_a_copy_goes_on_with_its_numbers(source: Engine, target: str) -> None:
    copy_database(url(source), target)
    copy = connect(target)

    with UnitOfWork(copy, ISHINOMAKI) as work:
        done = EventRow("fy28", date(2016, 6, 3), Deed.COMPLETE, "pia", {}, "市民 花子", recorded_at=NOW)
        number = work.events.add(done)
        work.commit()

    assert number == 43
    copy.dispose()


def test_text_that_somebody_altered_is_copied_as_it_is(source: Engine, target: str) -> None:
    with source.begin() as connection:
        connection.execute(text("UPDATE plan_revisions SET document = :document"), {"document": JSON})

    copy_database(url(source), target)

    copy = connect(target)
    assert rows(copy)["plan_revisions.document"] == [JSON, JSON]
    copy.dispose()


def test_a_database_that_holds_anything_is_not_copied_into(source: Engine, target: str) -> None:
    other = connect(target)
    upgrade(other)
    with UnitOfWork(other, SENDAI) as work:
        work.audit.append(NOW, "仙台", "test", "adopt", "fy28", {})
        work.commit()
    before = rows(other)

    with pytest.raises(InputError, match="既にデータがあります"):
        copy_database(url(source), target)

    assert rows(other) == before
    assert not is_empty(target)
    other.dispose()


def test_a_copy_that_cannot_be_finished_leaves_no_row(tmp_path: Path) -> None:
    source, target = (f"sqlite:///{tmp_path / name}" for name in ("kijitsu.db", "copy.db"))
    engine = connect(source)
    upgrade(engine)
    with UnitOfWork(engine, ISHINOMAKI) as work:
        work.audit.append(NOW, "石巻", "test", "adopt", "fy28", {})
        work.commit()
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO standings VALUES ('042021', 'fy28', 'pia', 'ready', '六月三日', '[]')"))

    with pytest.raises(OutsideError, match="読めない値があります"):
        copy_database(source, target)

    assert is_empty(target)
    engine.dispose()


def test_what_is_written_during_a_copy_is_in_none_of_its_tables(source: Engine, target: str) -> None:
    before, written = rows(source), []

    def write_once(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "FROM audit" in statement and not written and connection.engine.url == source.url:
            written.append(statement)
            with UnitOfWork(source, "999999") as work:
                work.plans.add("fy99", {}, "採用", "石巻", None, NOW, 0)
                work.audit.append(NOW, "石巻", "test", "adopt", "fy99", {})
                work.commit()

    with listening(write_once):
        copy_database(url(source), target)

    copy = connect(target)
    assert written
    assert rows(source) != before
    assert rows(copy) == before
    copy.dispose()


def listening(call: Callable[..., None]) -> ExitStack:
    """Call this after every statement of any engine, until the block ends."""
    stack = ExitStack()
    event.listen(Engine, "after_cursor_execute", call)
    stack.callback(event.remove, Engine, "after_cursor_execute", call)
    return stack


def test_an_older_schema_is_not_copied_but_told_of(tmp_path: Path) -> None:
    source = connect(f"sqlite:///{tmp_path / 'kijitsu.db'}")
    upgrade(source)
    with source.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))

    with pytest.raises(OutsideError, match="kijitsu doctor --upgrade"):
        copy_database(url(source), f"sqlite:///{tmp_path / 'copy.db'}")

    assert not (tmp_path / "copy.db").exists()
    source.dispose()
