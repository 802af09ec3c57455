"""Child processes that end with us: the Prefect server, the runner that serves our deployments, and the board."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from types import FrameType, TracebackType
from typing import Self

from kijitsu.domain.errors import OutsideError
from kijitsu.settings import Settings

START_SECONDS = 90
STOP_SECONDS = 15
# How often a starting server is asked whether it is there; the wait itself is for its process, so a crash ends it.
TICK_SECONDS = 0.25


def prefect_environment(settings: Settings, port: int) -> dict[str, str]:
    """Return the environment of Prefect's processes: its data under our home, nothing but loopback, no telemetry."""
    home = settings.home.resolve()
    url = f"http://127.0.0.1:{port}/api"
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")},
        **settings.environment(),
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_UI_API_URL": url,
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(_ui_folder(settings)),
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
        # Our warnings stand in the log of the run; the rest of our log is in a file of ours (kijitsu/telemetry.py).
        "PREFECT_LOGGING_EXTRA_LOGGERS": "kijitsu",
        "PREFECT_LOGGING_HANDLERS_API_LEVEL": "WARNING",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "WARNING",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        # Prefect removes runs, with their logs and artifacts, 90 days after their end; what counts is in our database.
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        # The operator is told of late runs; one that is started by hand may take longer than the usual 15 seconds.
        "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "300",
        # Somebody who presses Run waits for it.
        "PREFECT_RUNNER_POLL_FREQUENCY": "3",
        "DO_NOT_TRACK": "1",
        "PYTHONUTF8": "1",
    }


def free_port(wanted: int) -> int:
    """Return the wanted port where it is free, else one that the system chooses."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OutsideError("127.0.0.1 に空いているポートがありません。")


class Child:
    """A process of ours in a group of its own, so that Ctrl-C reaches us alone and we end it in order."""

    def __init__(self, name: str, arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.name, self.log = name, log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                arguments,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def is_over_within(self, seconds: float) -> bool:
        """Wait for the process to end, so long at the most; tell whether it did."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """Ask the process to end, and make it end when it does not."""
        if self.process.poll() is None:
            self.process.terminate()
            if not self.is_over_within(STOP_SECONDS):
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def failure(self) -> OutsideError:
        """Return the error for a process that ended by itself, with the end of what it wrote."""
        tail = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-8:]
        said = "\n".join(tail)
        return OutsideError(
            f"{self.name}が終了しました（コード {self.process.returncode}、記録: {self.log}）。\n{said}"
        )


def watch_over(
    children: Sequence[Child], each_minute: Callable[[], None], is_over: Callable[[], bool] = lambda: False
) -> None:
    """Wait until it is over, and call `each_minute` at once and every minute; raise where a process ends by itself."""
    next_minute = monotonic()
    while not is_over():
        if monotonic() >= next_minute:
            each_minute()
            next_minute = monotonic() + 60
        for child in children:
            if child.is_over_within(0.5):
                raise child.failure()


class Host:
    """The Prefect server, our served deployments and the board, while used in a `with` block.

    Where a wanted port is taken another free one is used; `settings` says which the board has, for the links in letters
    that the processes write.
    """

    def __init__(self, settings: Settings) -> None:
        self.port = free_port(settings.prefect_port)
        self.settings = settings = replace(settings, board_port=free_port(settings.board_port), prefect_port=self.port)
        self.environment = prefect_environment(settings, self.port)
        self.url = f"http://127.0.0.1:{self.port}"
        self.board_url = f"http://127.0.0.1:{settings.board_port}"
        self._children: list[Child] = []
        self._is_interrupted = False

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._interrupt)
        try:
            self._start_board()
            self._start_server()
            self._start_runner()
            self._wait(self._board, lambda: answers(f"{self.board_url}/healthz"))
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _start_board(self) -> None:
        self._board = self._start("返事のページ", [sys.executable, "-m", "kijitsu.web"], "board.log")

    def _start_server(self) -> None:
        _leave_out_v2(_ui_folder(self.settings))
        arguments = [
            sys.executable,
            "-m",
            "prefect",
            "server",
            "start",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
        ]
        server = self._start("Prefectサーバー", arguments, "server.log")
        self._wait(server, lambda: answers(f"{self.url}/api/health"))

    def _start_runner(self) -> None:
        ready = self.settings.home.resolve() / "prefect" / "serving"
        ready.unlink(missing_ok=True)
        runner = self._start("配信プロセス", [sys.executable, "-m", "flows.serve", str(ready)], "serve.log")
        self._wait(runner, ready.exists)

    def _start(self, name: str, arguments: list[str], log: str) -> Child:
        child = Child(name, arguments, self.environment, self.settings.home / "logs" / log)
        self._children.append(child)
        return child

    def _wait(self, child: Child, is_ready: Callable[[], bool]) -> None:
        for _ in range(int(START_SECONDS / TICK_SECONDS)):
            if is_ready():
                return
            if child.is_over_within(TICK_SECONDS):
                raise child.failure()
        raise OutsideError(f"{child.name}が{START_SECONDS}秒待っても起動しません。記録: {child.log}")

    def require_alive(self) -> None:
        """Raise where one of our processes ended by itself."""
        for child in self._children:
            if child.process.poll() is not None:
                raise child.failure()

    def run_until_interrupted(self, each_minute: Callable[[], None] = lambda: None) -> None:
        """Keep everything running until Ctrl-C, call `each_minute`; raise where a process ends by itself."""
        try:
            watch_over(self._children, each_minute, lambda: self._is_interrupted)
        except KeyboardInterrupt:
            return

    def _interrupt(self, signum: int, frame: FrameType | None) -> None:
        # Remembered as well: an exception that happens to be raised while an object is finalised is lost.
        self._is_interrupted = True
        raise KeyboardInterrupt

    def _stop(self) -> None:
        for child in reversed(self._children):
            child.stop()


def _ui_folder(settings: Settings) -> Path:
    return settings.home.resolve() / "prefect" / "ui"


def _leave_out_v2(ui: Path) -> None:
    """Keep the dashboard's second design from being served: it asks an analytics host whatever the settings say.

    Prefect serves each design from a folder that it makes and fills at the start; one that it cannot make it leaves
    out, with the switch to it. A link that leads nowhere is in its way.
    """
    ui.mkdir(parents=True, exist_ok=True)
    if not (ui / "v2").is_symlink():
        (ui / "v2").symlink_to("left-out")


def answers(url: str) -> bool:
    """Tell whether a server of ours answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 (our own server on loopback)
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
