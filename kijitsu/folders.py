"""A folder to work in, for oneself."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kijitsu.domain.errors import OutsideError


@contextmanager
def own_folder(folder: Path) -> Iterator[Path]:
    """Give a folder that is empty at first and gone in the end, open to its owner only; whoever else asks waits.

    What a process left in it that was killed goes with it. Raises OutsideError where it cannot be made.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = folder.with_name(f".{folder.name.removeprefix('.')}.lock").open("w")
    except OSError as exc:
        raise _unwritable(folder, exc) from exc
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir(mode=0o700)
        except OSError as exc:
            raise _unwritable(folder, exc) from exc
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _unwritable(folder: Path, exc: OSError) -> OutsideError:
    return OutsideError(f"{folder.parent} に書けません（{exc.strerror}）。場所と、書き込む権限を確かめてください。")
