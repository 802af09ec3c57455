"""A throw-away PostgreSQL server for the tests: Debian's programs and a temporary folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import URL, create_engine, text

from tests.debian import Unavailable, program


class Cluster:
    """A running server; a fresh database costs a few hundredths of a second."""

    def __init__(self, socket_folder: Path) -> None:
        self._socket_folder = socket_folder
        self._numbers = count(1)

    def url(self, database: str) -> str:
        address = URL.create(
            "postgresql", username="postgres", database=database, query={"host": str(self._socket_folder)}
        )
        return address.render_as_string(hide_password=False)

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """Give the address of a new database like `template`, and drop it afterwards."""
        name = f"kijitsu_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def run(self, command: str) -> None:
        """Run a command that PostgreSQL allows in no transaction."""
        engine = create_engine(
            self.url("postgres").replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.execute(text(command))
        engine.dispose()


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Start a server for as long as the block runs; raises Unavailable where none can be had."""
    with data_folder() as folder:
        options = f"-c fsync=off -c full_page_writes=off -c listen_addresses='' -c unix_socket_directories='{folder}'"
        server = [_found() / "pg_ctl", "-D", folder / "data", "-w", "-t", "60"]
        _run([*server, "-l", folder / "log", "-o", options, "start"], folder)
        try:
            yield Cluster(folder)
        finally:
            _run([*server, "-m", "fast", "stop"], folder)


@contextmanager
def data_folder() -> Iterator[Path]:
    """Give a folder with a new server's `data` in it, and room for its sockets."""
    folder = Path(tempfile.mkdtemp(prefix="kijitsu-pg-"))
    try:
        if _is_root():
            shutil.chown(folder, "postgres", "postgres")
        initdb = [_found() / "initdb", "-D", folder / "data", "-U", "postgres"]
        _run([*initdb, "-A", "trust", "-E", "UTF8", "--locale=C"], folder)
        yield folder
    finally:
        shutil.rmtree(folder)


def foreground(folder: Path, port: int) -> tuple[list[str], dict[str, Any]]:
    """Return the command of a server that stays in the foreground, on this port of loopback, and who must start it.

    What a killed server had handed to the system is safe without fsync, too.
    """
    options = {"fsync": "off", "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder}
    settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    return [str(_found() / "postgres"), "-D", str(folder / "data"), *settings], _user()


def _found() -> Path:
    return program(_programs, "postgresql")


def _programs() -> Path | None:
    folders = [initdb.parent for initdb in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if folders:
        return max(folders, key=lambda folder: int(folder.parent.name))
    found = shutil.which("initdb")
    return Path(found).parent if found else None


def _run(command: list[str | Path], folder: Path) -> None:
    # Its output goes to files: it would keep a pipe open for as long as it runs.
    with (folder / "output").open("w+", encoding="utf-8") as output:
        done = subprocess.run(command, cwd=folder, stdout=output, stderr=output, **_user())
        if done.returncode:
            output.seek(0)
            raise Unavailable(f"{Path(command[0]).name}: {output.read().strip()}")


def _user() -> dict[str, Any]:
    """Return who runs PostgreSQL's programs: the server refuses to run as root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if _is_root() else {}


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
