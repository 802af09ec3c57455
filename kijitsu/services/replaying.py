"""Replay: the same daily pass as in production, for every day of a span, under a simulated clock."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from kijitsu.domain.changes import Cascade
from kijitsu.domain.errors import InputError
from kijitsu.domain.history import Deed, Event, History
from kijitsu.domain.plan import Organisation, Plan
from kijitsu.editing import Edit, EditKind
from kijitsu.messages import Courier, Envelope
from kijitsu.office import ALL_ROLES, Actor, Office, morning
from kijitsu.services import adopting, changing, reporting
from kijitsu.services.delivering import dispatch
from kijitsu.services.happenings import nothing_new
from kijitsu.services.reckoning import Request
from kijitsu.services.sheets import write_csv
from kijitsu.services.watching import PassReport, watch
from kijitsu.store import rows

# Told after each day how many of how many are over.
OnDay = Callable[[int, int], None]

# What a replay leaves in its folder, beside its database.
RESULTS = ("inbox", "ledger.csv", "transitions.csv", "report.html")

HISTORY = Actor("history", "history-file", ALL_ROLES)

_CHANGES = (Deed.MOVE, Deed.WAIVE, Deed.CANCEL, Deed.REINSTATE)
"""What changes a plan; everything else is reported."""


@dataclass(frozen=True)
class Totals:
    """What a replay came to."""

    plan: str
    history: str | None
    first: date
    last: date
    days: int
    passes: int
    events: int
    transitions: int
    reminders: int
    messages: int
    blocked_days: int
    statuses: dict[str, int]
    out: str

    def as_json(self) -> dict[str, Any]:
        """Return the totals as `kijitsu replay --json` prints them."""
        return asdict(self)


def replay(
    office: Office,
    plan: str,
    history: str | None,
    first: date | None,
    last: date | None,
    out: Path,
    on_day: OnDay = lambda day, days: None,
) -> Totals:
    """Replay a plan file, with what a history says people did, in a database of its own, into the folder `out`.

    Where no first or last day is given, it is that of the plan's own span.
    `out` gets inbox/*.eml, ledger.csv, transitions.csv, report.html and the database; it appears whole or not at all,
    and replaces an earlier replay. `on_day` is told after each day how many of how many are over.
    """
    loaded = office.library.plan(plan, [day.year for day in (first, last) if day])
    first, last = first or loaded.span[0], last or loaded.span[1]
    if last < first:
        raise InputError(f"終わりの日（{last}）が始まりの日（{first}）より前です。")
    told = office.library.history(history, loaded.plan) if history else None
    with _whole_folder(out) as part, rehearsal(office, part, answers=False) as stage:
        stage.start(plan, first)
        with _uncollected():
            reports = list(stage.run(told, first, last, on_day))
        totals = _totals(stage.office, loaded.plan, told, reports, out)
        _write(stage.office, loaded.plan, told, reports, totals, part)
    return totals


class Stage:
    """An office of its own in a folder, whose clock is set by hand and whose mail goes to a local mailbox.

    Its letters hold links only where somebody is to answer them.
    """

    def __init__(self, office: Office, folder: Path, answers: bool = True) -> None:
        self._now: datetime | None = None
        self.folder = folder
        opened = office.reopen(office.settings.rehearsal(folder)).at(self._clock)
        self.office = opened if answers else replace(opened, open_links=lambda: None)
        self.plan = ""
        self._courier: Courier | None = None

    def _clock(self) -> datetime:
        assert self._now is not None
        return self._now

    def start(self, plan: str, first: date) -> None:
        """Make the database and adopt the plan, the evening before the first day."""
        loaded = self.office.library.plan(plan)
        self.plan, self._organisation = loaded.plan.id, loaded.plan.organisation
        self._set_clock(first - timedelta(1))
        self.office.upgrade()
        adopting.adopt(self.office, plan, HISTORY)

    def resume(self, plan: str, organisation: Organisation) -> None:
        """Go on with a plan that the folder's database holds already."""
        self.plan, self._organisation = plan, organisation

    def run(self, history: History | None, first: date, last: date, on_day: OnDay) -> Iterator[PassReport]:
        """Live through the days: what people did, the pass, the mail. Yields each day's report."""
        days = (last - first).days + 1
        waiting = list(history.events) if history else []
        for number in range(days):
            day = first + timedelta(number)
            self._set_clock(day)
            while waiting and waiting[0].on <= day:
                self._act(waiting.pop(0))
            report = watch(self.office, self.plan, day)
            if report.is_open:
                dispatch(self.office, self._organisation, self.courier)
            on_day(number + 1, days)
            yield report
        nothing_new(self.office, self._organisation)

    @property
    def courier(self) -> Courier:
        """The courier, kept open through all the days."""
        if self._courier is None:
            self._courier = _ByMail(self.office.open_courier())
        return self._courier

    def close(self) -> None:
        """End the mailbox, once everything that was sent is stored."""
        if self._courier is not None:
            self._courier.close()

    def _set_clock(self, day: date) -> None:
        self._now = morning(self._organisation, day)

    def _act(self, event: Event) -> None:
        details = event.details
        if event.deed in _CHANGES:
            kind = EditKind(event.deed)
            to = details["to"] if kind is EditKind.MOVE else event.on.isoformat()
            reason = details.get("reason") or "履歴による"
            request = Request((Edit(kind, event.milestone, to),), reason, Cascade(details.get("cascade", "push")))
            # What a history tells was approved by whoever did it.
            changing.change(self.office, self.plan, request, HISTORY, approved=True)
            return
        given = reporting.Report(
            event.deed,
            event.milestone,
            event.on,
            details.get("reason", ""),
            details.get("by", ""),
            dict(event.evidence),
            event.effective,
            event.expires,
            until=date.fromisoformat(details["until"]) if "until" in details else None,
            override="履歴による",
        )
        reporting.report(self.office, self.plan, given, HISTORY)


@dataclass(frozen=True)
class _ByMail:
    """A courier that hands every letter to the mailbox: in a rehearsal no other channel has an address."""

    mailbox: Courier

    def send(self, envelope: Envelope) -> str:
        if envelope.channel != "mail":
            envelope = replace(envelope, channel="mail", address=f"{envelope.address}@{envelope.channel}.example")
        return self.mailbox.send(envelope)

    def close(self) -> None:
        self.mailbox.close()


@contextmanager
def rehearsal(office: Office, folder: Path, answers: bool = True) -> Iterator[Stage]:
    """Open a stage in a folder, and close its mailbox afterwards."""
    stage = Stage(office, folder, answers)
    try:
        yield stage
    finally:
        stage.close()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the cycle collector out of a short loop that makes few cycles: it took a seventh of a replay's time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def _whole_folder(out: Path) -> Iterator[Path]:
    """Give a folder to write to that takes the place of `out` at the end, or vanishes where that is not reached."""
    if foreign := _foreign(out):
        what = "、".join(foreign)
        raise InputError(f"{out} には再生の結果でないもの（{what}）があります。別の --out を指定してください。")
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
    except OSError as exc:
        raise InputError(f"{out} に書けません（{exc.strerror}）。別の --out を指定してください。") from exc
    try:
        yield part
        # What an installation logs is no result of a replay.
        shutil.rmtree(part / "logs", ignore_errors=True)
        if out.exists():
            shutil.rmtree(out)
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _foreign(out: Path) -> list[str]:
    """Return the names of what no replay put there."""
    if not out.is_dir():
        return [out.name] if out.exists() else []
    names = sorted(path.name for path in out.iterdir())
    return [name for name in names if name not in RESULTS and not name.startswith("kijitsu.db")]


def _totals(office: Office, plan: Plan, history: History | None, reports: Sequence[PassReport], out: Path) -> Totals:
    with office.open_work(plan.organisation.municipality, True) as work:
        reminders = [row for row in work.reminders.all(plan.id) if row.state is not rows.ReminderState.COVERED]
        messages = work.outbox.counts()[rows.OutboxState.SENT]
    first, last = reports[0].on, reports[-1].on
    statuses: dict[str, int] = {}
    for verdict in reports[-1].standing.verdicts.values():
        statuses[verdict.status] = statuses.get(verdict.status, 0) + 1
    return Totals(
        plan=plan.id,
        history=history.id if history else None,
        first=first,
        last=last,
        days=len(reports),
        passes=sum(report.is_open for report in reports),
        events=sum(first <= event.on <= last for event in history.events) if history else 0,
        transitions=sum(len(report.transitions) for report in reports),
        reminders=len(reminders),
        messages=messages,
        blocked_days=sum(
            any(v.status == "blocked" for v in r.standing.verdicts.values()) for r in reports if r.is_open
        ),
        statuses=statuses,
        out=str(out),
    )


def _write(
    office: Office,
    plan: Plan,
    history: History | None,
    reports: Sequence[PassReport],
    totals: Totals,
    folder: Path,
) -> None:
    from kijitsu.web.report import year_report

    with office.open_work(plan.organisation.municipality, True) as work:
        ledger, transitions = work.reminders.all(plan.id), work.transitions.all(plan.id)
    (folder / "mailbox").mkdir(exist_ok=True)
    (folder / "mailbox").rename(folder / "inbox")
    write_csv(
        folder / "ledger.csv",
        ("date", "milestone", "rule", "recipient", "channel", "deadline", "state"),
        ((r.written_on, r.milestone, r.rule, r.recipient, r.channel, r.deadline, r.state.value) for r in ledger),
    )
    write_csv(
        folder / "transitions.csv",
        ("date", "milestone", "from", "to", "reason"),
        ((t.occurred_on, t.milestone, t.before or "", t.after, t.reason) for t in transitions),
    )
    page = year_report(plan, history, reports, transitions, ledger, totals.as_json())
    (folder / "report.html").write_text(page, encoding="utf-8")
