"""The operator's path: a word at once to whoever runs the installation, past relay and database."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic
from urllib.parse import urlencode, urlsplit

from apprise import Apprise, AppriseAsset, NotifyFormat

from kijitsu.domain.errors import OutsideError
from notifications.hush import hushed

LONGEST_SECONDS = 30.0
"""How long all paths together may take; one that has not answered by then counts as refused."""


def tell(
    log: Path, urls: str, at: datetime, title: str, text: str, seconds: float = LONGEST_SECONDS
) -> tuple[str, ...]:
    """Add a line to `log`, tell the operator by every one of the Apprise `urls`, and return the paths that took it.

    `urls` are separated by spaces; a path is called by its place and scheme (1: ntfy), for its address is a secret.
    Raises OutsideError, after all paths were tried, where one did not take it or the log could not be written.
    """
    unwritten = _write(log, f"{at.isoformat(timespec='seconds')} {' '.join(f'{title}: {text}'.split())}\n")
    paths = [_Path(f"{number}: {urlsplit(url).scheme}", url) for number, url in enumerate(urls.split(), 1)]
    refused = _send(paths, title, text, seconds)
    if refused or unwritten:
        words = [f"警報を送れない経路があります（{'、'.join(refused)}）。KIJITSU_OPERATOR_URL を確かめてください。"]
        raise OutsideError("\n".join([*(words if refused else ()), *unwritten]))
    return tuple(path.name for path in paths)


@dataclass
class _Path:
    """One way to the operator, and whether it took what was sent."""

    name: str
    url: str
    is_taken: bool = False

    def send(self, title: str, text: str, seconds: float) -> None:
        # No icon from the internet, and no message that waits for the one before.
        options = urlencode({"image": "no", "cto": seconds, "rto": seconds})
        asset = AppriseAsset(async_mode=False, interpret_emojis=False)
        with hushed():
            service = Apprise.instantiate(f"{self.url}{'&' if '?' in self.url else '?'}{options}", asset=asset)
            if service is not None:
                service.request_rate_per_sec = 0
                hub = Apprise(service, asset=asset)
                self.is_taken = bool(hub.notify(title=title, body=text, body_format=NotifyFormat.TEXT))


def _send(paths: Sequence[_Path], title: str, text: str, seconds: float) -> list[str]:
    """Send by all paths at once and return those that did not take it in time."""
    ends_at = monotonic() + seconds
    # Daemons: a server that drips its answer a byte at a time holds up neither the others nor our end.
    threads = [threading.Thread(target=path.send, args=(title, text, seconds), daemon=True) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, ends_at - monotonic()))
    return [path.name for path in paths if not path.is_taken]


def _write(log: Path, line: str) -> list[str]:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(line)
    except OSError as exc:
        return [f"警報の記録 {log} に書けません（{exc.strerror}）。空き容量と権限を確かめてください。"]
    return []
