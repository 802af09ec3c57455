"""The board: its heaviest pages, alone and with fifty people reading while the pass runs, and what they weigh."""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import median, quantiles
from urllib.parse import urljoin

import httpx

from kijitsu.bootstrap import open_office
from kijitsu.hosting.processes import answers, free_port
from kijitsu.office import Office
from kijitsu.services import accounts
from tests.board import crowded, installation

from .measure import Row

TIMES, PEOPLE, SECONDS, PAUSE = 30, 50, 20, 2.0
PAGES = {"今日": "today", "工程表": "timeline"}


def measure() -> list[Row]:
    """Serve plans of 60 and of 200 milestones, each from a process of its own, and read them over loopback."""
    rows = []
    for count, wanted in ((60, 0.050), (200, 0.120)):
        with tempfile.TemporaryDirectory() as folder:
            office = installation(Path(folder), crowded(count))
            with served(office) as client:
                for name, page in PAGES.items():
                    seconds, weight = alone(client, page)
                    rows.append(Row(f"{name}, {count} milestones", seconds, at_most=wanted))
                    rows.append(Row("the same, compressed", weight, at_most=200, unit="KiB"))
                if count == 60:
                    slow, failed, read = asyncio.run(together(client, office))
                    what = f"{PEOPLE} people reading while the pass runs ({read} pages), 95th percentile"
                    rows += [
                        Row(what, slow, at_most=0.300),
                        Row("the same, pages that failed", failed, at_most=0, unit="pages"),
                    ]
    return rows


@contextmanager
def served(office: Office) -> Iterator[httpx.Client]:
    """Run the board's own process, and sign somebody in."""
    settings = replace(office.settings, board_port=free_port(0))
    kept = {key: value for key, value in os.environ.items() if not key.startswith("KIJITSU_")}
    base = f"http://127.0.0.1:{settings.board_port}"
    process = subprocess.Popen([sys.executable, "-m", "kijitsu.web"], env=kept | settings.environment())
    try:
        while not answers(f"{base}/healthz"):
            if process.poll() is not None:
                raise SystemExit("the board ended before it was ready")
        here = open_office(settings)
        actor = here.actor()
        with httpx.Client(base_url=base, follow_redirects=True) as client:
            client.post(f"/sign-in/{accounts.make_link(here, actor, actor.name)}").raise_for_status()
            yield client
    finally:
        process.terminate()
        process.wait()


def alone(client: httpx.Client, page: str) -> tuple[float, float]:
    """Return the median seconds of a page, and what it weighs in KiB, compressed, with all that it loads."""
    taken = []
    for _ in range(TIMES):
        begin = time.perf_counter()
        answer = client.get(f"/plans/small/{page}").raise_for_status()
        taken.append(time.perf_counter() - begin)
    loaded = {urljoin(str(answer.url), path) for path in re.findall(r'(?:src|href)="([^"]*static/[^"]+)"', answer.text)}
    weight = sum(len(gzip.compress(each.content)) for each in [answer, *map(client.get, loaded)])
    return median(taken[1:]), weight / 1024


async def together(client: httpx.Client, office: Office) -> tuple[float, float, int]:
    """Let everybody open a page every two seconds while passes run; return the 95th percentile, failures, pages."""
    taken: list[float] = []
    failed = 0
    until = time.perf_counter() + SECONDS
    passes = subprocess.Popen(
        [sys.executable, "-c", "import tests.bench.board as b; b.passes()"],
        env={**os.environ, **office.settings.environment(), "BENCH_SECONDS": str(SECONDS)},
    )

    async def reads(seed: int) -> None:
        nonlocal failed
        random = Random(seed)
        async with httpx.AsyncClient(base_url=client.base_url, cookies=client.cookies, timeout=30) as reader:
            await asyncio.sleep(random.random() * PAUSE)
            while time.perf_counter() < until:
                begin = time.perf_counter()
                answer = await reader.get(f"/plans/small/{random.choice(list(PAGES.values()))}")
                taken.append(time.perf_counter() - begin)
                failed += answer.status_code != 200
                await asyncio.sleep(PAUSE * (0.5 + random.random()))

    await asyncio.gather(*(reads(seed) for seed in range(PEOPLE)))
    if passes.wait():
        raise SystemExit("the passes failed")
    return quantiles(taken, n=20)[-1], failed, len(taken)


def passes() -> None:
    """Watch one day after another for as long as the readers read."""
    from datetime import date, timedelta

    from kijitsu.services.watching import watch
    from kijitsu.settings import read_settings

    settings = read_settings({key: value for key, value in os.environ.items() if key.startswith("KIJITSU_")})
    day, until = date.fromisoformat(settings.today), time.perf_counter() + float(os.environ["BENCH_SECONDS"])
    while time.perf_counter() < until:
        watch(open_office(replace(settings, today=str(day))), "small")
        day += timedelta(1)
