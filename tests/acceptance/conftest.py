"""A browser for what people see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.chromium import chromium
from tests.debian import needed

# What is shown once a run has ended may take a while where everything runs at the same time.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, started once for a module."""
    with needed(), chromium() as found:
        yield found
