"""Debian's Chromium for the tests, driven by Playwright; no browser is downloaded."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.debian import program


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser for as long as the block runs; raises Unavailable where none can be had."""
    path = program(_chromium, "chromium", "fonts-noto-cjk")
    with sync_playwright() as playwright:
        # As root, as in CI, it starts without its sandbox only; it opens nothing but our own pages on loopback.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def _chromium() -> Path | None:
    found = shutil.which("chromium")
    return Path(found) if found else None
