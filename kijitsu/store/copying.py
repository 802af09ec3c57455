"""A whole copy of our database in another one, SQLite or PostgreSQL, the same to the last character."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Enum,
    String,
    Table,
    bindparam,
    func,
    insert,
    inspect,
    select,
    text,
    type_coerce,
    union,
)
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.types import TypeEngine

from kijitsu.domain.errors import InputError, OutsideError
from kijitsu.store.engine import connect, open_transaction, out_of_reach, require_current_schema, upgrade
from kijitsu.store.tables import Json, metadata

_ROWS_AT_ONCE = 1000
"""A database of years is never in memory as a whole."""


@dataclass(frozen=True)
class Content:
    """What a database holds: the revision of its schema, and how many rows each table has."""

    schema: str
    rows: dict[str, int]


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """Give an engine for a database, all of whose connections are closed afterwards."""
    engine = connect(url)
    try:
        yield engine
    finally:
        engine.dispose()


def copy_database(source: str, target: str) -> Content:
    """Copy every row of a database into one that has none, whose tables are made where there are none.

    One state of the source is read, whoever writes to it meanwhile, and nothing in it is changed. The rows arrive
    together or not at all. Raises InputError where the target holds rows, and OutsideError where one of the two cannot
    be reached or has another schema, or the source holds what cannot be read.
    """
    with opened(source) as here, opened(target) as there:
        require_current_schema(here)
        upgrade(there)
        with _naming(here), open_transaction(here, readonly=True) as reading, open_transaction(there) as writing:
            with _naming(there):
                if any(content(writing).rows.values()):
                    raise InputError(f"データベース {there.url.database} には既にデータがあります。")
            held = content(reading)
            for table in metadata.sorted_tables:
                for rows in _read(table, reading):
                    with _naming(there):
                        writing.execute(_insert(table), rows)
            with _naming(there):
                _number_on(writing)
                if content(writing) != held:
                    raise OutsideError("データベースの写しの件数が元と違います。もう一度実行してください。")
                writing.commit()
    return held


def content(connection: Connection) -> Content:
    """Return what a database of ours holds."""
    schema = connection.scalar(text("SELECT version_num FROM alembic_version"))
    counts = {each.name: connection.scalar(select(func.count()).select_from(each)) for each in metadata.sorted_tables}
    return Content(str(schema), {name: count or 0 for name, count in counts.items()})


def is_empty(url: str) -> bool:
    """Tell whether no table of a database holds a row of ours. Raises OutsideError where it cannot be reached."""
    with opened(url) as engine, _naming(engine), open_transaction(engine, readonly=True) as connection:
        there = set(inspect(connection).get_table_names())
        kept = [table for table in metadata.sorted_tables if table.name in there]
        return all(connection.execute(select(table).limit(1)).first() is None for table in kept)


def municipalities(connection: Connection) -> list[str]:
    """Return the 団体コード of everybody who has a row in a database."""
    every = union(*(select(table.c.municipality) for table in metadata.sorted_tables)).subquery()
    return list(connection.scalars(select(every.c.municipality).order_by(every.c.municipality)))


def _read(table: Table, reading: Connection) -> Iterator[list[dict[str, Any]]]:
    columns = [type_coerce(column, _as_held(column)).label(column.name) for column in table.columns]
    found = reading.execute(select(*columns), execution_options={"yield_per": _ROWS_AT_ONCE})
    for rows in found.mappings().partitions():
        yield [dict(row) for row in rows]


def _insert(table: Table) -> Any:
    return insert(table).values({each.name: bindparam(each.name, type_=_as_held(each)) for each in table.columns})


def _as_held(column: Column[Any]) -> TypeEngine[Any]:
    """Return the type by which a value is handed on: JSON and names as the text that they are, altered or not.

    Only days and instants are held in different ways.
    """
    return String() if isinstance(column.type, (Json, Enum)) else column.type


def _number_on(writing: Connection) -> None:
    """Let the numbers that the database gives go on after those that were copied; SQLite does so by itself."""
    if writing.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        if (column := table.autoincrement_column) is not None:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            writing.execute(select(func.setval(sequence, func.max(column))))


@contextmanager
def _naming(engine: Engine) -> Iterator[None]:
    """Raise what goes wrong in a block as an OutsideError that names the database."""
    try:
        yield
    except DBAPIError as exc:
        raise out_of_reach(engine, exc) from exc
    except (StatementError, ValueError) as exc:
        raise OutsideError(
            f"データベースに読めない値があります（{exc}）。kijitsu audit verify で確かめ、管理者に知らせてください。"
        ) from exc
