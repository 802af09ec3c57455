"""Debian's Chromium for the tests, driven by Playwright; no browser is downloaded."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright


class Unavailable(Exception):
    """There is no Chromium here, and the text says why."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser for as long as the block runs; raises Unavailable where none can be had."""
    program = shutil.which("chromium") or _install()
    with sync_playwright() as playwright:
        # As root, as in CI, it starts without its sandbox only; it opens nothing but our own pages on loopback.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def _install() -> str:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Unavailable("Chromium is not installed (Debian: apt-get install chromium fonts-noto-cjk)")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "-qq", "update"],
        ["apt-get", "-qq", "install", "-y", "--no-install-recommends", "chromium", "fonts-noto-cjk"],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise Unavailable(f"{' '.join(command)}: {done.stderr.strip()}")
    program = shutil.which("chromium")
    if program is None:
        raise Unavailable("apt-get installed chromium, and it is still not on the path")
    return program
