"""The evidence that stands in the events: listed, taken out, and compared with the files that are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from kijitsu import evidence
from kijitsu.domain.errors import InputError, OutsideError
from kijitsu.domain.history import Deed
from kijitsu.domain.plan import Organisation
from kijitsu.office import Json, Office
from kijitsu.services import reading
from kijitsu.services.watching import adopted, organisation_of
from kijitsu.store.work import UnitOfWork

_SHORTEST = 8
"""The fewest digits by which a file may be named."""


def papers(office: Office, plan: str, milestone: str | None = None) -> list[Json]:
    """Return every piece of evidence of an adopted plan, or of one of its milestones, as it was reported.

    Each has milestone, title, kind, number, on (the completion's day), decided, received, effective, expires, actor, at
    (when it was reported), rejected (the day on which it was sent back, or None), and file: None, or its name, type,
    size in bytes and sha256.
    """
    with office.open_work(organisation_of(office, plan).municipality, True) as work:
        standing = adopted(office, work, plan, None)
        events = work.events.upto(plan, None)
    if milestone is not None:
        standing.milestone(milestone)
    found: list[Json] = []
    for row in sorted(events, key=lambda row: row.id):
        if milestone is not None and row.milestone != milestone:
            continue
        if row.kind is Deed.REJECT:
            sent_back = (each for each in found if each["milestone"] == row.milestone and each["rejected"] is None)
            for each in sent_back:
                each["rejected"] = row.occurred_on
        if row.kind is not Deed.COMPLETE:
            continue
        numbers, files = row.details.get("evidence", {}), _files(row.details)
        known = standing.plan.milestones.get(row.milestone)
        about = {
            "milestone": row.milestone,
            "title": known.title if known else row.milestone,
            "on": row.occurred_on,
            **{name: _day(row.details.get(name)) for name in ("decided", "received", "effective", "expires")},
            "actor": row.actor,
            "at": row.recorded_at,
            "rejected": None,
        }
        found += [
            {**about, "kind": kind, "number": numbers.get(kind, ""), "file": files.get(kind)}
            for kind in dict.fromkeys([*(known.evidence if known else ()), *numbers, *files])
            if kind in numbers or kind in files
        ]
    return found


def save(office: Office, plan: str, sha256: str, out: Path) -> Json:
    """Write a file of a plan's evidence to a new file, and return what the event says of it.

    `sha256` may be its first digits, eight or more. Raises InputError where no event of the plan names such a file or
    `out` exists, OutsideError where it is not kept any more or was altered.
    """
    files = {each["file"]["sha256"]: each["file"] for each in papers(office, plan) if each["file"]}
    wanted = sha256.strip().lower()
    matching = [digest for digest in files if digest.startswith(wanted)] if len(wanted) >= _SHORTEST else []
    if len(matching) != 1:
        raise InputError(
            f"計画 {plan} の証拠書類に、SHA-256 が {sha256} で始まるものは"
            f"{'二つ以上あります' if matching else 'ありません'}。kijitsu evidence list {plan} で確かめ、"
            f"{_SHORTEST}桁以上を書いてください。"
        )
    (digest,) = matching
    kept = evidence.find(office.settings.evidence, digest)
    if kept is None:
        raise OutsideError(
            f"証拠書類 {digest} が {office.settings.evidence} にありません。"
            "バックアップから同じ名のファイルを戻してください。"
        )
    evidence.copy_out(kept, digest, out)
    return dict(files[digest])


def verify_files(office: Office, organisation: Organisation) -> list[str]:
    """Return what is wrong with the evidence files, sentences naming plan, milestone and kind; none where every file
    that an event names is there with the content it had. Raises OutsideError where a file cannot be read."""
    return list(_problems(office, organisation))


def named_files(work: UnitOfWork) -> set[str]:
    """Return the SHA-256 of every file that an event of any plan names."""
    return {str(file["sha256"]) for row in work.events.all() for file in _files(row.details).values()}


def _problems(office: Office, organisation: Organisation) -> Iterator[str]:
    with office.open_work(organisation.municipality, True) as work:
        plans = {plan: reading.adopted(office, work, plan, None) for plan in work.plans.ids()}
        events = [row for plan in plans for row in work.events.upto(plan, None)]
    seen: dict[str, str] = {}
    for row in events:
        standing = plans[row.plan]
        known = standing.plan.milestones.get(row.milestone) if standing else None
        for kind, file in _files(row.details).items():
            digest = str(file["sha256"])
            if digest not in seen:
                seen[digest] = _wrong_with(office.settings.evidence, digest)
            if seen[digest]:
                title = known.title if known else row.milestone
                yield f"計画 {row.plan} の「{title}」の証拠「{kind}」のファイル {digest} {seen[digest]}"


def _wrong_with(folder: Path, digest: str) -> str:
    kept = evidence.find(folder, digest)
    if kept is None:
        return f"が {folder} にありません。"
    return "" if evidence.is_intact(kept, digest) else "の内容が、保管した後に変わっています。"


def _files(details: Mapping[str, Any]) -> dict[str, Json]:
    """Return the files of an event by kind of evidence; an early event has one and does not say of which kind."""
    if digest := details.get("file"):
        kinds = list(details.get("evidence", {}))
        file = {"sha256": digest.removeprefix("sha256:"), "name": "", "type": "", "size": None}
        return {kinds[0] if len(kinds) == 1 else "": file}
    return dict(details.get("files", {}))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
