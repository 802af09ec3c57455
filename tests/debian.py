"""Debian's packages for the tests, installed where a machine has not got them and we may."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class Unavailable(Exception):
    """A program is not here, and the text says why."""


@contextmanager
def needed() -> Iterator[None]:
    """Skip a test whose program cannot be had; fail it in CI, which needs them all."""
    try:
        yield
    except Unavailable as exc:
        if os.environ.get("CI"):
            pytest.fail(f"CI needs every program of the tests: {exc}")
        pytest.skip(str(exc))


def program(find: Callable[[], Path | None], *packages: str) -> Path:
    """Return what `find` finds, after installing these packages if it must; raises Unavailable where it cannot."""
    if found := find():
        return found
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Unavailable(f"a program of the tests is not installed (Debian: apt-get install {' '.join(packages)})")
    # One at a time: apt-get gives up where another worker's holds its lock, and that one may install the same.
    with (Path(tempfile.gettempdir()) / "kijitsu-apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not find():
            _apt_get("update")
            _apt_get("install", "-y", "--no-install-recommends", *packages)
    if found := find():
        return found
    raise Unavailable(f"apt-get installed {' '.join(packages)}, and the program is still not here")


def _apt_get(*words: str) -> None:
    command = ["apt-get", "-qq", *words]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(f"{' '.join(command)}: {done.stderr.strip()}")
