"""The installation of docs/deploy on this one machine: real PostgreSQL and Redis, every process from its systemd unit.

The commands are those of the units, the settings those of kijitsu.env; only places (ports, folders) are other ones.
What ends is started again, as by systemd. By hand, until Ctrl-C: `python -m tests.cluster`.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from kijitsu.hosting.processes import answers, free_port
from tests.debian import Unavailable, program
from tests.postgres import data_folder, foreground

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "docs" / "deploy"
UNITS = DEPLOY / "systemd"
START_SECONDS = 120
TICK_SECONDS = 0.2
PASSWORD = "jimukyoku:himitsu"


def read_unit(name: str, instance: str = "") -> dict[str, list[str]]:
    """Return the values of a unit file by key, those of what all units have in common too, with %i filled in."""
    values: dict[str, list[str]] = {}
    for path in (UNITS / "kijitsu-.service.d" / "common.conf", UNITS / name):
        for line in path.read_text(encoding="utf-8").splitlines():
            key, is_value, value = line.partition("=")
            if is_value and not line.startswith("#"):
                values.setdefault(key, []).append(value.replace("%i", instance))
    return values


def commands(name: str, instance: str = "") -> list[tuple[list[str], bool]]:
    """Return the commands of a unit with this machine's places, each with whether it must succeed."""
    programs = str(Path(sys.executable).parent)
    lines = [
        line.replace("/opt/kijitsu/.venv/bin", programs).replace("/opt/kijitsu", str(ROOT))
        for line in read_unit(name, instance)["ExecStart"]
    ]
    return [(shlex.split(line.removeprefix("-")), not line.startswith("-")) for line in lines]


def command(name: str, instance: str = "") -> list[str]:
    """Return the one command of a service that stays."""
    ((words, _),) = commands(name, instance)
    return words


def read_environment(path: Path) -> dict[str, str]:
    """Return the variables of an environment file, read as systemd and Docker both do."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


class Service:
    """A process that is started again whenever it ends, until it is stopped; what it started ends with it."""

    RESTART_SECONDS = float(read_unit("kijitsu-services.service")["RestartSec"][0])

    def __init__(self, name: str, words: list[str], environment: Mapping[str, str], log: Path, **user: Any) -> None:
        self.name, self.log, self.starts = name, log, 0
        self._words, self._options = words, {"env": dict(environment), "cwd": ROOT, **user}
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self._start()
        self._keeper = threading.Thread(target=self._keep, name=name)
        self._keeper.start()

    def _start(self) -> None:
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                **self._options,
            )
        self.starts += 1

    def _keep(self) -> None:
        while True:
            self._process.wait()
            if self._is_over.wait(self.RESTART_SECONDS):
                return
            with self._lock:
                if not self._is_over.is_set():
                    self._start()

    def kill(self) -> None:
        """End the process and all that it started with SIGKILL, like the loss of its machine."""
        with self._lock:
            for pid in _stopped_family(self._process.pid):
                _signal(pid, signal.SIGKILL)

    @property
    def is_busy(self) -> bool:
        """Whether the process has started others: a worker, whether it runs a flow."""
        return bool(_children(self._process.pid))

    def stop(self) -> None:
        """End it for good."""
        self._is_over.set()
        self.kill()
        self._keeper.join()

    def tail(self) -> str:
        """Return the end of what it wrote."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:])


def _stopped_family(pid: int) -> list[int]:
    """Stop a process and all below it, each before its children are counted: who is stopped starts no more."""
    _signal(pid, signal.SIGSTOP)
    return [pid, *(each for child in _children(pid) for each in _stopped_family(child))]


def _children(pid: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):  # it is over
        return []


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


class Machines:
    """The running installation."""

    def __init__(self, folder: Path, postgres: Path, settings: Mapping[str, str]) -> None:
        self.folder, self._postgres = folder, postgres
        self.services: dict[str, Service] = {}
        self.ports = {name: free_port(0) for name in ("postgres", "redis", "balancer", "api-1", "api-2")}
        self.environment = self._environment() | settings

    def _environment(self) -> dict[str, str]:
        postgres, redis, balancer, *apis = (f"127.0.0.1:{port}" for port in self.ports.values())
        places = {
            "KIJITSU_DATABASE_URL": f"postgresql://postgres@{postgres}/kijitsu",
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://postgres@{postgres}/prefect",
            "PREFECT_REDIS_MESSAGING_URL": f"redis://{redis}/0",
            "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL": f"redis://{redis}/0",
            "PREFECT_SERVER_DOCKET_URL": f"redis://{redis}/0",
            "API_BALANCER": balancer,
            "API_1": apis[0],
            "API_2": apis[1],
            "PREFECT_API_URL": f"http://{balancer}/api",
            "PREFECT_SERVER_UI_API_URL": f"http://{balancer}/api",
            "PREFECT_SERVER_API_HOST": "127.0.0.1",
            "KIJITSU_HOME": str(self.folder / "home"),
            "KIJITSU_CALENDAR": str(ROOT / "calendar"),
            "PREFECT_HOME": str(self.folder / "prefect"),
        }
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "KIJITSU_"))}
        secrets = {"PREFECT_SERVER_API_AUTH_STRING": PASSWORD, "PREFECT_API_AUTH_STRING": PASSWORD}
        given = {key: value for key, value in read_environment(DEPLOY / "kijitsu.env").items() if value}
        return inherited | given | places | secrets

    @property
    def url(self) -> str:
        """Where the dashboard is."""
        return f"http://127.0.0.1:{self.ports['balancer']}"

    def start(self) -> None:
        """Bring everything up, in the order of docs/many-machines.md."""
        port = {name: str(number) for name, number in self.ports.items()}
        redis = program(lambda: _which("redis-server"), "redis-server")
        here = ["--bind", "127.0.0.1", "--port", port["redis"], "--dir", str(self.folder)]
        self._add("redis", [str(redis), str(DEPLOY / "redis.conf"), *here])
        self._add_postgres()
        balancer = program(lambda: _which("haproxy"), "haproxy")
        self._add("balancer", [str(balancer), *command("kijitsu-balancer.service")[1:]])
        self.run_once("kijitsu-prepare.service")
        self._add("services", command("kijitsu-services.service"))
        for name in ("api-1", "api-2"):
            self._add(name, command("kijitsu-api@.service", port[name]))
            if name == "api-1":
                self.wait(lambda: answers(f"http://{self.environment['API_1']}/api/health"), name)
        self.run_once("kijitsu-register.service")
        for number in ("1", "2"):
            self._add(f"worker-{number}", command("kijitsu-worker@.service", number))
        self.wait(lambda: answers(f"http://{self.environment['API_2']}/api/health"), "api-2")

    def _add_postgres(self) -> None:
        words, user = foreground(self._postgres, self.ports["postgres"])
        self._add("postgres", words, **user)
        server = f"postgresql+psycopg://postgres@127.0.0.1:{self.ports['postgres']}/postgres"
        engine = create_engine(server, isolation_level="AUTOCOMMIT")

        def is_there() -> bool:
            try:
                with engine.connect():
                    return True
            except OperationalError:
                return False

        self.wait(is_there, "postgres")
        with engine.connect() as connection:
            for name in ("kijitsu", "prefect"):
                connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
        engine.dispose()

    def _add(self, name: str, words: list[str], **user: Any) -> None:
        self.services[name] = Service(name, words, self.environment, self.folder / f"{name}.log", **user)

    def run_once(self, unit: str) -> None:
        """Run the commands of a oneshot unit."""
        for words, must_succeed in commands(unit):
            done = subprocess.run(words, env=self.environment, cwd=ROOT, capture_output=True, text=True)
            assert not (must_succeed and done.returncode), f"{shlex.join(words)}\n{done.stdout}\n{done.stderr}"

    def wait(self, is_so: Callable[[], bool], name: str) -> None:
        """Wait until something about a service is so; fail with the end of its log where it never is."""
        pause = threading.Event()
        for _ in range(int(START_SECONDS / TICK_SECONDS)):
            if is_so():
                return
            pause.wait(TICK_SECONDS)
        raise AssertionError(f"{name} after {START_SECONDS} s:\n{self.services[name].tail()}")

    def stop(self) -> None:
        """End everything, the last started first."""
        for service in reversed(self.services.values()):
            service.stop()


@contextmanager
def machines(**settings: str) -> Iterator[Machines]:
    """Bring the installation up for as long as the block runs; raises Unavailable where a program cannot be had."""
    with ExitStack() as stack:
        postgres = stack.enter_context(data_folder())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kijitsu-cluster-")))
        running = Machines(folder, postgres, settings)
        stack.callback(running.stop)
        running.start()
        yield running


def _which(name: str) -> Path | None:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    return Path(found) if found else None


def main() -> None:
    """Keep the installation up until Ctrl-C or SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with machines() as running:
            sys.stdout.write(f"{running.url} ({PASSWORD})\nlogs: {running.folder}\nCtrl-C ends it.\n")
            sys.stdout.flush()
            signal.pause()
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    try:
        main()
    except Unavailable as exc:
        sys.exit(str(exc))
