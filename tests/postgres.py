"""A throw-away PostgreSQL server for the tests: Debian's programs, a temporary folder, a Unix socket, no port."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

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
    programs = program(_programs, "postgresql")
    folder = Path(tempfile.mkdtemp(prefix="kijitsu-pg-"))
    try:
        if _is_root():
            shutil.chown(folder, "postgres", "postgres")
        data = folder / "data"
        _run([programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"], folder)
        options = f"-c fsync=off -c full_page_writes=off -c listen_addresses='' -c unix_socket_directories='{folder}'"
        server = [programs / "pg_ctl", "-D", data, "-w", "-t", "60"]
        _run([*server, "-l", folder / "log", "-o", options, "start"], folder)
        try:
            yield Cluster(folder)
        finally:
            _run([*server, "-m", "fast", "stop"], folder)
    finally:
        shutil.rmtree(folder)


def _programs() -> Path | None:
    folders = [initdb.parent for initdb in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if folders:
        return max(folders, key=lambda folder: int(folder.parent.name))
    found = shutil.which("initdb")
    return Path(found).parent if found else None


def _run(command: list[str | Path], folder: Path) -> None:
    # The server refuses to run as root. Its output goes to files: it would keep a pipe open for as long as it runs.
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if _is_root() else {}
    with (folder / "output").open("w+", encoding="utf-8") as output:
        done = subprocess.run(command, cwd=folder, stdout=output, stderr=output, **user)
        if done.returncode:
            output.seek(0)
            raise Unavailable(f"{Path(command[0]).name}: {output.read().strip()}")


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
