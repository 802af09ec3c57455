"""What the repositories share: their binding to a transaction, and the two inserts that settle a race."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import ColumnElement, Connection, Executable, Select, Table, bindparam, literal_column, select

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from sqlalchemy.dialects import postgresql, sqlite


class Repository:
    """One subject's reading and writing, bound to a transaction and a municipality."""

    def __init__(self, connection: Connection, municipality: str) -> None:
        self._connection = connection
        self._municipality = municipality

    def _run(self, statement: Executable, **parameters: Any) -> Any:
        """Run a query or an update that asks for its municipality as `here`."""
        return self._connection.execute(statement, {"here": self._municipality, **parameters})

    def _run_each(self, statement: Executable, given: Sequence[dict[str, Any]]) -> None:
        """Run an update that asks for its municipality as `here`, once with each of these parameters."""
        if given:
            self._connection.execute(statement, [{"here": self._municipality, **each} for each in given])

    def _rows(self, statement: Executable, **parameters: Any) -> Sequence[Any]:
        """Return a query's rows, fetched at once: one by one costs SQLAlchemy twice the time."""
        return cast("Sequence[Any]", self._run(statement, **parameters).all())

    def _write(self, statement: Executable, rows: Sequence[dict[str, Any]]) -> Any:
        """Run an insert for these rows; without any not at all, where SQLAlchemy would insert one."""
        if not rows:
            return ()
        return self._connection.execute(statement, [{"municipality": self._municipality, **row} for row in rows])

    @property
    def _dialect(self) -> str:
        return self._connection.dialect.name


def spelled(value: StrEnum) -> ColumnElement[Any]:
    """Return a state as it stands in the statement: for one that is bound, SQLite leaves a partial index unused."""
    return literal_column(f"'{value}'")


def values(row: DataclassInstance) -> dict[str, Any]:
    """Return a row's fields by name, not copied in depth as `asdict` would."""
    return {field.name: getattr(row, field.name) for field in fields(row)}


def rows_of(table: Table, row_class: type[DataclassInstance]) -> Select[Any]:
    """Select this municipality's rows, columns in the order of the dataclass."""
    columns = [table.c[field.name] for field in fields(row_class)]
    return select(*columns).where(table.c.municipality == bindparam("here"))


def _insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    # Not at the top: a city on SQLite has no use for what the other dialect takes to import.
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


@cache
def upsert(dialect: str, table: Table) -> Executable:
    """Insert, or overwrite the row that has the same primary key."""
    statement = _insert(dialect, table)
    changed = {column.name: statement.excluded[column.name] for column in table.columns if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)


@cache
def insert_again(dialect: str, table: Table, state: Any) -> Executable:
    """Insert, or overwrite the row of the same primary key where its `state` is this one; return the primary keys."""
    statement = _insert(dialect, table)
    keys = [column for column in table.primary_key if column.name != "municipality"]
    changed = {column.name: statement.excluded[column.name] for column in table.columns if not column.primary_key}
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key), set_=changed, where=table.c.state == state
    ).returning(*keys)


@cache
def insert_new(dialect: str, table: Table) -> Executable:
    """Insert what is not there yet, and return its primary keys (without the municipality)."""
    keys = [column for column in table.primary_key if column.name != "municipality"]
    return _insert(dialect, table).on_conflict_do_nothing().returning(*keys)
