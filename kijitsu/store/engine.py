"""Reaching the database: SQLite in a file of ours, or a PostgreSQL server; and whether its schema is ours."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import StaticPool

from kijitsu.domain.errors import InputError, OutsideError

BUSY_SECONDS = 10
"""How long a SQLite writer waits for another, and a PostgreSQL client for its server to answer."""

ADVISORY_LOCKS = 0x4B494A54
"""The first number of every PostgreSQL advisory lock of this product; the second names what it guards."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_READONLY, _DURABLE = "kijitsu_readonly", "kijitsu_durable"


def connect(url: str) -> Engine:
    """Return an engine for `sqlite:///file`, `sqlite://` (memory) or `postgresql://…`; nothing is opened yet.

    Raises InputError for any other address.
    """
    try:
        address = make_url(url)
    except ArgumentError as exc:
        raise _bad_address() from exc
    match address.drivername:
        case "sqlite":
            return _sqlite(address)
        case "postgresql" | "postgresql+psycopg":
            return create_engine(
                address.set(drivername="postgresql+psycopg"),
                pool_pre_ping=True,
                connect_args={"connect_timeout": BUSY_SECONDS},
            )
    raise _bad_address()


def open_transaction(engine: Engine, *, readonly: bool = False, durable: bool = True) -> Connection:
    """Return a connection that begins its transaction with the first statement.

    A writer takes SQLite's lock as it begins: one that read first and wrote then would fail, not wait. What is
    committed is on the disk, and survives a power cut; on SQLite not what need not be `durable`.
    """
    connection = engine.connect()
    if engine.dialect.name == "sqlite":
        return connection.execution_options(**{_READONLY: readonly, _DURABLE: durable})
    if readonly:
        return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return connection


def upgrade(engine: Engine) -> None:
    """Create the tables, or bring them to this program's schema; whoever else starts meanwhile waits.

    Raises OutsideError where the database cannot be reached, or belongs to a newer program or to another one.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    # Alembic reads its options through ConfigParser, to which % is special.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    try:
        if file := _file(engine):
            file.parent.mkdir(parents=True, exist_ok=True)
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(ADVISORY_LOCKS, -1)))
            _refuse_strange_schema(engine, _schema(connection))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except (DBAPIError, OSError) as exc:
        raise out_of_reach(engine, exc) from exc


def require_current_schema(engine: Engine) -> None:
    """Return where the database can be worked with; nothing is created or changed.

    Raises OutsideError with what mends it: no database, no tables, an older or newer schema, no connection.
    """
    file = _file(engine)
    if file and not file.exists():
        raise OutsideError(f"データベース {file} がまだありません。「kijitsu plan adopt 計画ID」で作られます。")
    try:
        with open_transaction(engine, readonly=True) as connection:
            found = _schema(connection)
    except DBAPIError as exc:
        raise out_of_reach(engine, exc) from exc
    if found is None:
        raise OutsideError(
            f"データベース {_name(engine)} に期日の表がまだありません。「kijitsu plan adopt 計画ID」で作られます。"
        )
    _refuse_strange_schema(engine, found)
    if found != _head():
        raise OutsideError(
            f"データベース {_name(engine)} の形式が古いままです（現在 {found}、必要 {_head()}）。"
            "「kijitsu doctor --upgrade」で更新してください。"
        )


def out_of_reach(engine: Engine, cause: Exception) -> OutsideError:
    """Return the error to raise for a database that does not answer; the password is never in it."""
    said = str(cause.orig if isinstance(cause, DBAPIError) else cause).strip().partition("\n")[0]
    if engine.dialect.name == "postgresql":
        remedy = "サーバーが動いているかと、環境変数 KIJITSU_DATABASE_URL を確かめてください。"
    elif "locked" in said:
        remedy = "ほかの処理が書き込みを続けています。終わるのを待って、もう一度実行してください。"
    else:
        remedy = "ファイルの場所・権限・空き容量と、環境変数 KIJITSU_DATABASE_URL を確かめてください。"
    return OutsideError(f"データベース {_name(engine)} を使えません（{said}）。{remedy}")


def _sqlite(address: URL) -> Engine:
    options: dict[str, Any] = {"connect_args": {"timeout": BUSY_SECONDS} if "timeout" not in address.query else {}}
    if address.database in {None, "", ":memory:"}:
        # The memory is the connection's, so all share one; they have to take turns.
        options = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    engine = create_engine(address, **options)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    # SQLite keeps a transaction open whose commit it refused; SQLAlchemy takes it for ended.
    event.listen(engine, "reset", lambda connection, *_: connection.rollback())
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    # The driver would begin transactions late and never for reads or tables; we begin them ourselves.
    connection.isolation_level = None
    # SQLite does not wait for the lock that this needs. Whoever has it is switching the file, for all of us.
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    wanted = connection.get_execution_options()
    readonly, durable = wanted.get(_READONLY, False), wanted.get(_DURABLE, True)
    # Said only where it changes, for each is a statement. NORMAL leaves it to the next checkpoint to reach the disk.
    if connection.info.get(_READONLY) != readonly:
        connection.exec_driver_sql(f"PRAGMA query_only = {readonly:d}")
        connection.info[_READONLY] = readonly
    if connection.info.get(_DURABLE) != durable:
        connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        connection.info[_DURABLE] = durable
    connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")


def _schema(connection: Connection) -> str | None:
    """Return the revision of the tables that are there, None where there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _head() -> str:
    """Return the schema's revision that this program works with: the newest migration's number."""
    return max(script.name[:4] for script in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def _refuse_strange_schema(engine: Engine, found: str | None) -> None:
    if found is None:
        return
    if len(found) != 4 or not found.isdecimal():
        raise OutsideError(
            f"データベース {_name(engine)} は、ほかのプログラムのものです（alembic_version: {found}）。"
            "環境変数 KIJITSU_DATABASE_URL に、期日だけのデータベースを指定してください。"
        )
    if found > _head():
        raise OutsideError(
            f"データベース {_name(engine)} は、より新しい kijitsu のものです"
            f"（現在 {found}、このプログラムは {_head()} まで）。プログラムを更新してください。"
        )


def _file(engine: Engine) -> Path | None:
    url = engine.url
    if engine.dialect.name != "sqlite" or "uri" in url.query or url.database in {None, "", ":memory:"}:
        return None
    return Path(str(url.database))


def _name(engine: Engine) -> str:
    url = engine.url
    if engine.dialect.name == "sqlite":
        return url.database or ":memory:"
    host = url.host or url.query.get("host") or "localhost"
    return f"{host}:{url.port or 5432}/{url.database or url.username}"


def _bad_address() -> InputError:
    # The address is not repeated: it may hold a password.
    return InputError(
        "KIJITSU_DATABASE_URL は、sqlite:///ファイル名 または "
        "postgresql://利用者:パスワード@ホスト/データベース名 の形で指定してください。"
    )
