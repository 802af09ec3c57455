"""The dead-man's switch: is the pass there that had to be there by now? Asked without Prefect, told past the relay."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from kijitsu.domain.closures import Closures
from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import KijitsuError, OutsideError
from kijitsu.domain.plan import Organisation
from kijitsu.office import Json, Office, day_of, morning
from kijitsu.services import reading
from kijitsu.services.watching import organisation_of

GRACE = timedelta(minutes=30)
"""How long after opening time a pass may come."""

AGAIN, RETRY = timedelta(days=1), timedelta(minutes=15)
"""When an alarm is repeated whose cause is still there, and one that a path to the operator did not take."""


class Cause(StrEnum):
    """Why the operator is told."""

    PASS = "pass"  # noqa: S105 (no password)
    DATABASE = "database"
    PROCESS = "process"


@dataclass(frozen=True)
class Beat:
    """What was found: nothing wrong where `cause` is None.

    `day` is the open day in question, `due_at` when its pass had to be there, `late` by how many minutes it is not
    there, `last` the day of the latest pass.
    """

    plan: str
    found: str
    cause: Cause | None = None
    day: date | None = None
    due_at: datetime | None = None
    late: int = 0
    last: date | None = None

    def as_json(self) -> Json:
        """Return it as `kijitsu heartbeat --json` shows it."""
        return asdict(self)


def examine(office: Office) -> Beat:
    """Ask whether the pass of the latest open day is there; nothing is changed. What cannot be asked is a finding, too.

    A pass is due half an hour after opening time, for a plan that was adopted before that morning. A rehearsal, whose
    clock stands still, is never late.
    """
    if office.settings.today:
        return Beat("", "予行なので調べません（KIJITSU_TODAY）。")
    try:
        return _examine(office, office.plan)
    except KijitsuError as exc:
        return Beat("", str(exc), Cause.DATABASE)


def _examine(office: Office, plan: str) -> Beat:
    organisation = organisation_of(office, plan)
    now = office.clock()
    today = day_of(organisation, now)
    with office.open_work(organisation.municipality, True) as work:
        standing = reading.adopted(office, work, plan, today)
        if standing is None:
            return Beat(plan, f"計画 {plan} は採り入れられていないので、監視はありません。")
        latest, adopted_at = work.passes.latest(plan), work.plans.adopted_at(plan)
    last = latest.occurred_on if latest else None
    day = _due_day(standing.network.calendar, organisation, today, now)
    due_at = morning(organisation, day) + GRACE
    if adopted_at >= morning(organisation, day):
        return Beat(plan, f"最初の監視は次の開庁日の朝です（計画 {plan}）。", last=last)
    if last and last >= day:
        return Beat(plan, f"{show_date(last)}の監視は済んでいます（計画 {plan}）。", None, day, due_at, 0, last)
    late = int((now - due_at).total_seconds() // 60)
    before = f"最後の監視は{show_date(last)}です。" if last else "監視はまだ一度も行われていません。"
    found = f"{show_date(day)}の監視が行われていません（計画 {plan}、{late // 60}時間{late % 60}分の遅れ）。{before}"
    return Beat(plan, found, Cause.PASS, day, due_at, late, last)


def _due_day(calendar: Closures, organisation: Organisation, today: date, now: datetime) -> date:
    """Return the latest open day whose pass had to be there by now."""
    day = calendar.previous_open(today)
    return day if morning(organisation, day) + GRACE <= now else calendar.previous_open(day - timedelta(1))


REMEDIES = {
    Cause.PASS: "kijitsu up（またはPrefectとワーカー）が動いているか確かめ、kijitsu watch で監視を行ってください。",
    Cause.DATABASE: "kijitsu doctor で確かめてください。",
    Cause.PROCESS: "記録を確かめ、kijitsu up をもう一度動かしてください。",
}
_TITLES = {
    Cause.PASS: "【期日】監視が行われていません",
    Cause.DATABASE: "【期日】監視を確かめられません",
    Cause.PROCESS: "【期日】プロセスが終了しました",
}


def tell(office: Office, beat: Beat) -> bool:
    """Alarm the operator of what is wrong, once a day and cause, and once when it is right again; tell whether it did.

    Raises OutsideError where a path to the operator did not take it; it is then tried again after a while.
    """
    if office.settings.today:
        return False
    if beat.cause is None:
        return recovered(office, beat.found, Cause.PASS, Cause.DATABASE)
    if beat.cause is Cause.PASS:
        recovered(office, "データベースは使えます。", Cause.DATABASE)
    return raise_alarm(office, beat.cause, beat.found, beat.day)


def raise_alarm(office: Office, cause: Cause, found: str, day: date | None = None) -> bool:
    """Alarm the operator, unless this was done for the same day and cause; see `tell`."""
    now = office.clock()
    about = day.isoformat() if day else ""
    told = _Told.read(office)
    if not told.is_owed(cause, about, now):
        return False
    told.write(cause, about, now, reached=False)
    office.alarm(_TITLES[cause], f"{found}\n{REMEDIES[cause]}\nデータの場所: {office.settings.home.resolve()}")
    told.write(cause, about, now, reached=True)
    return True


def recovered(office: Office, found: str, *causes: Cause) -> bool:
    """Tell the operator that what they were alarmed of is over; nothing where they were not."""
    told = _Told.read(office)
    over = [cause for cause in causes if cause in told.causes]
    if not over:
        return False
    told.forget(over)
    office.alarm("【期日】復旧しました", f"{found}\nデータの場所: {office.settings.home.resolve()}")
    return True


@dataclass(frozen=True)
class _Told:
    """What the operator was told and is not over: in a file, for the database may be what is down."""

    file: Path
    causes: dict[str, Mapping[str, Any]]

    @classmethod
    def read(cls, office: Office) -> _Told:
        file = office.settings.home / "heartbeat.json"
        try:
            known = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            known = {}
        except ValueError:
            known = {}  # a file cut short: better told twice than never
        except OSError as exc:
            raise OutsideError(f"{file} を読めません（{exc.strerror}）。権限を確かめてください。") from exc
        return cls(file, known if isinstance(known, dict) else {})

    def is_owed(self, cause: Cause, about: str, now: datetime) -> bool:
        known = self.causes.get(cause)
        if known is None or known["about"] != about:
            return True
        # Whichever way the clock went since.
        return abs(now - datetime.fromisoformat(known["at"])) >= (AGAIN if known["reached"] else RETRY)

    def write(self, cause: Cause, about: str, now: datetime, *, reached: bool) -> None:
        self.causes[cause] = {"about": about, "at": now.isoformat(), "reached": reached}
        self._save()

    def forget(self, causes: list[Cause]) -> None:
        for cause in causes:
            del self.causes[cause]
        self._save()

    def _save(self) -> None:
        part = self.file.with_suffix(".part")
        try:
            part.write_text(json.dumps(self.causes), encoding="utf-8")
            part.replace(self.file)
        except OSError:
            # A full disk is no reason to keep silent; without the note the operator may be told more than once.
            part.unlink(missing_ok=True)
