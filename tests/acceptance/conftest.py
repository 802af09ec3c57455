"""A browser for what people see."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.chromium import chromium
from tests.debian import Unavailable


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, started once for a module."""
    try:
        with chromium() as found:
            yield found
    except Unavailable as exc:
        if os.environ.get("CI"):
            pytest.fail(f"CI needs Chromium: {exc}")
        pytest.skip(str(exc))
