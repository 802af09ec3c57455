"""What an auditor asks of the log: what stands in it, whether it was altered, and a copy to take along."""

from __future__ import annotations

import re
import tempfile
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from kijitsu.domain.errors import InputError, KijitsuError
from kijitsu.domain.plan import Organisation
from kijitsu.domain.roles import Right
from kijitsu.office import Actor, Json, Office
from kijitsu.services import reading
from kijitsu.services.comparing import Comparison
from kijitsu.services.entries import LOG, PlanTitles, Told, told
from kijitsu.services.sheets import write_csv
from kijitsu.store.repository import values
from kijitsu.store.rows import AuditHead, EntriesWanted
from kijitsu.store.tables import canonical
from kijitsu.store.work import UnitOfWork

_SHORTEST_WITNESS = 16
_WITNESS = re.compile(r"(\d+):([0-9a-f]+)")


class Format(StrEnum):
    """What an export is written as: a table for a spreadsheet, or a page to read and print."""

    CSV = "csv"
    HTML = "html"


@dataclass(frozen=True)
class Verification:
    """What came of looking at the whole log: how many entries it has, where it ends and what is wrong."""

    entries: int
    head: AuditHead
    problems: list[str]

    def as_json(self) -> Json:
        """Return it as `kijitsu audit verify --json` shows it."""
        return {"entries": self.entries, "head": self.head._asdict(), "problems": self.problems}


def entries(office: Office, organisation: Organisation) -> Iterator[Told]:
    """Yield the audit log in words, oldest first."""
    with office.open_work(organisation.municipality, True) as work:
        yield from _told(work, organisation, titles(office, work))


@dataclass(frozen=True)
class Asked:
    """Which entries somebody wants to see: all, where a field is empty. Both days are included.

    See `kijitsu.store.rows.EntriesWanted`.
    """

    plan: str = ""
    milestone: str = ""
    actor: str = ""
    action: str = ""
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class Shown:
    """An entry in words; `is_sound` where it is what its hash says and holds the hash of the one before."""

    told: Told
    is_sound: bool


def page(
    office: Office, organisation: Organisation, asked: Asked, most: int, before: int | None = None
) -> tuple[list[Shown], AuditHead]:
    """Return entries in words, the newest first, so many at the most, and where the whole log ends.

    Those with a number less than `before`, where one is given. Raises InputError for an entry that cannot be read.
    """
    zone = ZoneInfo(organisation.zone)
    first = _midnight(asked.first, zone)
    last = _midnight(asked.last + timedelta(1), zone) if asked.last and asked.last < date.max else None
    wanted = EntriesWanted(asked.plan, asked.milestone, asked.actor, asked.action, first, last)
    with office.open_work(organisation.municipality, True) as work:
        head = work.audit.head()
        found = work.audit.page(wanted, most, before)
        sound = work.audit.in_chain(found)
        known = titles(office, work, {row.subject.partition("/")[0] for row in found})
    return [Shown(told(row, row.at.astimezone(zone), known), row.number in sound) for row in found], head


def _midnight(day: date | None, zone: ZoneInfo) -> datetime | None:
    return datetime.combine(day, time(), zone).astimezone(UTC) if day else None


def as_json(entry: Told) -> Json:
    """Return an entry as `kijitsu audit list --json` shows it."""
    row = values(entry.row)
    del row["previous_hash"]
    return row


def witness(text: str) -> AuditHead:
    """Read a head as it stands in a letter, 123:4f2a 91c0 0b7d 55e1. Raises InputError with the form that is wanted."""
    plain = "".join(unicodedata.normalize("NFKC", text).lower().replace("-", "").replace("番", "").split())
    found = _WITNESS.fullmatch(plain)
    if not found or not _SHORTEST_WITNESS <= len(found[2]) <= 64 or not int(found[1]):
        raise InputError(
            f"「{text}」は「番号:ハッシュ」の形で、週報のとおりに書いてください"
            f"（ハッシュは初めの{_SHORTEST_WITNESS}桁から）。例: 123:4f2a91c00b7d55e1"
        )
    return AuditHead(int(found[1]), found[2])


def verify(office: Office, organisation: Organisation, noted: AuditHead | None = None) -> Verification:
    """Look at every entry, what it says of revisions, reports and decisions, and every evidence file.

    `noted` is a head from a letter.
    """
    from kijitsu.services.evidencing import verify_files

    with office.open_work(organisation.municipality, True) as work:
        found = verify_log(work, noted)
    try:
        found.problems.extend(verify_files(office, organisation))
    except (KijitsuError, ValueError) as exc:
        found.problems.append(f"証拠書類を確かめられませんでした: {exc}")
    return found


def verify_log(work: UnitOfWork, noted: AuditHead | None = None) -> Verification:
    """Look at every entry of a municipality, and what it says of revisions, reports and decisions."""
    compared = Comparison(work)
    problems = work.audit.verify(noted, compared)
    return Verification(work.audit.count(), work.audit.head(), [*problems, *compared.problems()])


def export(
    office: Office,
    organisation: Organisation,
    actor: Actor,
    form: Format,
    out: Path,
    first: date | None = None,
    last: date | None = None,
) -> int:
    """Write the entries of some days (all where None), both included, into a new file; return how many.

    Who took what along is an entry itself, the last one of the copy; so is an attempt that then failed. Raises
    InputError where the file is there already, or cannot be written.
    """
    actor.require(Right.READ, "監査記録の書き出し")
    span = {"from": first and first.isoformat(), "to": last and last.isoformat()}
    with _new_file(out) as part:
        with office.open_work(organisation.municipality, False) as work:
            details = {"format": form.value, "file": out.name, **{key: day for key, day in span.items() if day}}
            work.audit.append(office.now(organisation), actor.name, actor.authenticated_by, "export", LOG, details)
            work.commit()
        verification = verify(office, organisation)
        with office.open_work(organisation.municipality, True) as work:
            counted = _Counted(
                entry
                for entry in _told(work, organisation, titles(office, work))
                if (first is None or first <= entry.at.date()) and (last is None or entry.at.date() <= last)
            )
            if form is Format.CSV:
                write_csv(part, _COLUMNS, (_cells(entry) for entry in counted))
            else:
                from kijitsu.web.audit import write_audit_page

                write_audit_page(part, organisation, counted, verification, first, last, office.now(organisation))
    return counted.count


_COLUMNS = (
    *("number", "at", "actor", "authenticated_by", "action", "subject", "title"),
    *("who", "done", "summary", "details", "previous_hash", "hash"),
)


def _cells(entry: Told) -> tuple[object, ...]:
    row = entry.row
    return (
        *(row.number, entry.at.isoformat(), row.actor, row.authenticated_by, row.action, row.subject, entry.title),
        *(entry.who, entry.action, entry.summary, canonical(row.details), row.previous_hash, row.hash),
    )


class _Counted(Iterator[Told]):
    """Entries as they pass by, counted."""

    def __init__(self, entries: Iterator[Told]) -> None:
        self._entries, self.count = entries, 0

    def __next__(self) -> Told:
        entry = next(self._entries)
        self.count += 1
        return entry


def _told(work: UnitOfWork, organisation: Organisation, plans: Mapping[str, PlanTitles]) -> Iterator[Told]:
    zone = ZoneInfo(organisation.zone)
    return (told(row, row.at.astimezone(zone), plans) for row in work.audit.each())


def titles(office: Office, work: UnitOfWork, of: Collection[str] | None = None) -> dict[str, PlanTitles]:
    """Return what plans (all of them where None) call their milestones today; one that cannot be read has no titles."""
    found: dict[str, PlanTitles] = {}
    for id in work.plans.ids():
        if of is not None and id not in of:
            continue
        try:
            standing = reading.adopted(office, work, id, None)
        except (KijitsuError, ValueError):
            continue
        if standing:
            milestones = standing.plan.milestones
            found[id] = PlanTitles(standing.plan.title, {id: each.title for id, each in milestones.items()})
    return found


@contextmanager
def _new_file(out: Path) -> Iterator[Path]:
    """Give a file to write to that becomes `out` at the end, or vanishes where that is not reached.

    Only its owner can read it: who did what is in it.
    """
    _refuse_existing(out)
    try:
        with tempfile.NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as file:
            part = Path(file.name)
    except OSError as exc:
        raise InputError(f"{out} に書けません（{exc.strerror}）。別の --out を指定してください。") from exc
    try:
        yield part
        _refuse_existing(out)
        part.rename(out)
    finally:
        part.unlink(missing_ok=True)


def _refuse_existing(out: Path) -> None:
    if out.exists():
        raise InputError(f"{out} はもうあります。上書きはしません。別の --out を指定するか、先に移してください。")
