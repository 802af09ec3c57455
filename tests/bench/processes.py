"""Whole processes: commands, the replay of a year, and the daily flow beside a bare one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from statistics import median

os.environ |= {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
}

from prefect import flow, task
from prefect.futures import wait
from prefect.testing.utilities import prefect_test_harness

from flows.watch import watch
from kijitsu.bootstrap import open_office
from kijitsu.hosting.processes import TICK_SECONDS, answers, free_port
from kijitsu.services.replaying import rehearsal

from .measure import Row, in_turn

RUNS, STARTS = 5, 3
FIRST, LAST, SAMPLE = date(2016, 4, 1), date(2017, 7, 31), date(2016, 7, 13)
COMMAND = [sys.executable, "-m", "kijitsu"]


def measure() -> list[Row]:
    """Run everything and return the rows."""
    rows = []
    for arguments, wanted in ((["--help"], 0.5), (["schedule", "fy28", "--json"], 0.7)):
        seconds, _, _ = process([*COMMAND, *arguments])
        rows.append(Row(f"`kijitsu {' '.join(arguments)}`, process time", seconds, at_most=wanted))
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "replay")
        history = ["--history", "fy28-late-pia", "--json", "--out", out]
        cpu, wall, peak = process([*COMMAND, "replay", "fy28", *history])
    days = (LAST - FIRST).days + 1
    rows.append(Row(f"`kijitsu replay fy28`, {days} days, whole process", wall, at_most=5))
    rows.append(Row("the same, process time", cpu))
    rows.append(Row("the same, at its peak of memory", peak, at_most=200e6 / 2**20, unit="MiB"))
    with prefect_test_harness(server_startup_timeout=90):
        ours, empty, tasks = daily_flow()
    rows.append(Row(f"daily flow of FY28 in Prefect, {tasks} tasks", ours, "as many empty tasks", empty, at_least=0.5))
    rows.append(Row(f"{days} days replayed", wall, f"{days} such flows", ours * days, at_least=50))
    rows.append(cold_start())
    return rows


def cold_start() -> Row:
    """Time `kijitsu up` in an empty home until it says where the dashboard is, beside Prefect's server alone."""
    taken = in_turn(STARTS, {"Kijitsu": up, "Prefect": prefect_alone})
    what = "`kijitsu up` in an empty home, until the dashboard is ready"
    return Row(what, taken["Kijitsu"], "`prefect server start` alone, until healthy", taken["Prefect"], at_least=0.5)


def up() -> None:
    """Start everything in an empty home, and end it when it is ready."""
    with tempfile.TemporaryDirectory() as home:
        ports = {"KIJITSU_PREFECT_PORT": str(free_port(4200)), "KIJITSU_BOARD_PORT": str(free_port(4280))}
        with started([*COMMAND, "up"], {"KIJITSU_HOME": home, **ports}) as process:
            assert process.stdout
            if not any("Ctrl-C" in line for line in process.stdout):
                raise SystemExit("kijitsu up ended before it was ready")


def prefect_alone() -> None:
    """Start Prefect's server on an empty database, and end it when it is healthy."""
    with tempfile.TemporaryDirectory() as home:
        port = free_port(4200)
        settings = {"PREFECT_HOME": home, "PREFECT_SERVER_API_PORT": str(port)}
        with started([sys.executable, "-m", "prefect", "server", "start", "--port", str(port)], settings) as process:
            while process.poll() is None and not answers(f"http://127.0.0.1:{port}/api/health"):
                with suppress(subprocess.TimeoutExpired):
                    process.wait(TICK_SECONDS)


@contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a command for as long as the block does."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("KIJITSU_", "PREFECT_"))}
    process = subprocess.Popen(
        command, env=kept | environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def process(command: list[str]) -> tuple[float, float, float]:
    """Run a command several times; return the medians of process seconds, wall seconds and peak MiB."""
    figures = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{command} ended with {child.returncode}")
        figures.append((usage.ru_utime + usage.ru_stime, time.perf_counter() - begin, usage.ru_maxrss / 1024))
    cpu, wall, peak = (median(column) for column in zip(*figures, strict=True))
    return cpu, wall, peak


@task
def nothing() -> None:
    """Do nothing."""


def daily_flow() -> tuple[float, float, int]:
    """Time the watch flow of FY28 on a stopped day and a flow of as many empty tasks, in turn."""
    home = Path(tempfile.mkdtemp())
    os.environ |= {"KIJITSU_HOME": str(home), "KIJITSU_TODAY": SAMPLE.isoformat()}
    office = open_office()
    loaded = office.library.plan("fy28")
    # Two tasks more than milestones: the pass and the dispatch.
    tasks = len(loaded.plan.milestones) + 2
    with rehearsal(office, home) as stage:
        stage.start("fy28", FIRST)
        told = office.library.history("fy28-late-pia", loaded.plan)
        for _ in stage.run(told, FIRST, SAMPLE - timedelta(1), lambda done, of: None):
            pass

    @flow
    def bare() -> None:
        wait([nothing.submit() for _ in range(tasks)])

    def ours() -> None:
        watch(return_state=True)

    taken = in_turn(RUNS, {"Kijitsu": ours, "empty": bare})
    shutil.rmtree(home)
    return taken["Kijitsu"], taken["empty"], tasks
