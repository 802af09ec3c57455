"""The audit log as a page to read and to print, without a script or anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from kijitsu.domain.eras import show_date
from kijitsu.domain.plan import Organisation
from kijitsu.web.templating import environment

if TYPE_CHECKING:
    from kijitsu.services.auditing import Verification
    from kijitsu.services.entries import Told


def write_audit_page(
    path: Path,
    organisation: Organisation,
    entries: Iterable[Told],
    verification: Verification,
    first: date | None,
    last: date | None,
    written_at: datetime,
) -> None:
    """Write the page, entry by entry, so that a log of years need not fit in memory."""
    page = (
        environment(wareki=show_date, fours=in_fours)
        .get_template("audit.html")
        .stream(
            city=organisation.title,
            zone=organisation.zone,
            entries=entries,
            verification=verification,
            first=first,
            last=last,
            written_at=written_at.astimezone(ZoneInfo(organisation.zone)),
        )
    )
    page.enable_buffering(64)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(page)


def in_fours(digits: str) -> str:
    """Return digits in groups of four, to be read aloud."""
    return " ".join(digits[place : place + 4] for place in range(0, len(digits), 4))
