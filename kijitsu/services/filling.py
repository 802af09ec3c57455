"""A form as somebody filled it in, read as a report: on the board and behind a letter's link alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from kijitsu.domain.errors import InputError
from kijitsu.domain.history import Deed
from kijitsu.domain.windows import parse_day
from kijitsu.services.reporting import BadReport, Report

LONGEST = 1000
"""The most characters that a field may hold."""


def report_of(
    deed: Deed,
    milestone: str,
    kinds: Sequence[str],
    fields: Mapping[str, str],
    files: Mapping[str, Path],
    today: date,
) -> Report:
    """Return what a form says as a report; `kinds` are the milestone's kinds of evidence.

    Its fields are on, until, reason, decided, received, effective, expires, override, and for the kinds in their order
    evidence.0, evidence.1, … (the document's number) and the files file.0, file.1, …. Raises BadReport with the field.
    """
    override, evidence, given = _text(fields, "override"), dict[str, str](), dict[str, Path]()
    if deed is Deed.COMPLETE:
        for number, kind in enumerate(kinds):
            if file := files.get(f"file.{number}"):
                given[kind] = file
            if paper := _text(fields, f"evidence.{number}"):
                evidence[kind] = paper
            elif not override:
                raise BadReport(f"{kind}の文書番号を書いてください。", f"evidence.{number}")
    return Report(
        deed,
        milestone,
        _day(fields, "on") or today,
        reason=_text(fields, "reason"),
        evidence=evidence,
        until=_day(fields, "until"),
        decided=_day(fields, "decided"),
        received=_day(fields, "received"),
        effective=_day(fields, "effective"),
        expires=_day(fields, "expires"),
        override=override,
        files=given,
    )


def field_of(exc: BadReport, kinds: Sequence[str]) -> str:
    """Return the form's field that a report was refused for, "" for all of it."""
    name, _, kind = exc.field.partition(".")
    if name == "files":
        return f"file.{kinds.index(kind) if kind in kinds else 0}"
    return "evidence.0" if exc.field == "evidence" else exc.field


def _day(fields: Mapping[str, str], name: str) -> date | None:
    text = _text(fields, name)
    try:
        return parse_day(text) if text else None
    except InputError as exc:
        raise BadReport(str(exc), name) from exc


def _text(fields: Mapping[str, str], name: str) -> str:
    """Return a field in one line. Raises BadReport for one that is too long."""
    text = fields.get(name, "")
    if len(text) > LONGEST:
        raise BadReport(f"{LONGEST}字までにしてください（今は{len(text)}字です）。", name)
    # Control and format characters would reach mails, tables and the database, which knows no NUL.
    return " ".join("".join(" " if unicodedata.category(each)[0] == "C" else each for each in text).split())
