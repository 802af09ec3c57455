"""Print every measurement: commands as whole processes, the replay, and the daily flow beside a bare one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
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
from kijitsu.services.replaying import rehearsal

RUNS = 5
FIRST, LAST, SAMPLE = date(2016, 4, 1), date(2017, 7, 31), date(2016, 7, 13)
COMMAND = [sys.executable, "-m", "kijitsu"]


def main() -> None:
    """Measure and print."""
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors, median of {RUNS} runs\n")
    for arguments in (["--help"], ["schedule", "fy28", "--json"]):
        seconds, _, _ = process([*COMMAND, *arguments])
        print(f"kijitsu {' '.join(arguments)}: {seconds:.2f} s of process time")
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "replay")
        history = ["--history", "fy28-late-pia", "--json", "--out", out]
        cpu, wall, peak = process([*COMMAND, "replay", "fy28", *history])
    days = (LAST - FIRST).days + 1
    print(
        f"replay of {days} days, whole process: {wall:.2f} s, {cpu:.2f} s of process time, {peak:.0f} MiB at its peak"
    )
    with prefect_test_harness(server_startup_timeout=90):
        ours, empty, tasks = daily_flow()
    print(f"daily flow, {tasks} tasks: {ours:.2f} s; as many empty tasks: {empty:.2f} s; ratio {ours / empty:.2f}")
    print(f"{days} such runs in Prefect would take {ours * days:.0f} s: {ours * days / wall:.0f} times the replay")


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
        watch("fy28", return_state=True)

    seconds: dict[Callable[[], None], list[float]] = {ours: [], bare: []}
    for _ in range(RUNS + 1):
        for run, taken in seconds.items():
            begin = time.perf_counter()
            run()
            taken.append(time.perf_counter() - begin)
    shutil.rmtree(home)
    return median(seconds[ours][1:]), median(seconds[bare][1:]), tasks


if __name__ == "__main__":
    main()
