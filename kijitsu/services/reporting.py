"""What people report on a milestone: started, done with evidence, waived, cancelled, or an answer to a reminder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path

from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import InputError
from kijitsu.domain.gates import Status
from kijitsu.domain.history import NOTHING_YET, Deed, Progress
from kijitsu.explain import reason_sentences
from kijitsu.office import Actor, Json, Office
from kijitsu.services.reading import Standing
from kijitsu.services.watching import adopted, organisation_of
from kijitsu.services.writing import tell
from kijitsu.store import rows
from kijitsu.store.work import UnitOfWork

ANSWERS = (Deed.ACKNOWLEDGE, Deed.SNOOZE, Deed.ESTIMATE, Deed.EXCUSE)
"""What is said to a reminder: saying it again changes nothing."""

_NEED_REASON = {
    Deed.WAIVE: "免除",
    Deed.CANCEL: "中止",
    Deed.ESTIMATE: "遅れの見込み",
    Deed.EXCUSE: "遅れの承認",
    Deed.REJECT: "証拠の差戻し",
}
_YEARS_AHEAD = 5
"""How far ahead a day may be before it is taken for a slip of the pen."""


@dataclass(frozen=True)
class Report:
    """What somebody reports on a milestone: the deed, its day, and what it needs.

    `until` is the day on which to remind again (snooze), to be done (estimate), or to which a delay is allowed
    (excuse).
    """

    deed: Deed
    milestone: str
    on: date
    reason: str = ""
    by: str = ""
    evidence: dict[str, str] = field(default_factory=dict)
    effective: date | None = None
    expires: date | None = None
    until: date | None = None
    file: Path | None = None
    override: str = ""


class BadReport(InputError):
    """A report that cannot be taken. `said` is what is wrong with it, `field` which of the report's fields ("" where it
    is the deed itself); the whole text also says how the command line mends it."""

    def __init__(self, said: str, field: str = "", on_command_line: str = "") -> None:
        super().__init__(said + on_command_line)
        self.said, self.field = said, field


def evidence(text: str) -> tuple[str, str]:
    """Read one piece of evidence: 議事録=総第12号 is the kind and the document's number."""
    kind, equals, number = text.replace("＝", "=").partition("=")
    if not equals or not kind.strip() or not number.strip():
        raise InputError(f"「{text}」は「種類=文書番号」の形で書いてください。例: 議事録=総第12号")
    return kind.strip(), number.strip()


def report(
    office: Office, plan: str, given: Report, actor: Actor, require: Callable[[Standing], None] = lambda standing: None
) -> bool:
    """Record a report, with its audit entry, in one transaction; False where the same answer already stands.

    `require` sees where the plan stands in that transaction, and raises where it asks for something else. Raises
    BadReport for a day in the future, a milestone that is closed already, a missing reason, an answer that its dates
    do not allow, and (unless overridden with a reason) for a blocked milestone or evidence that the plan asks for and
    nobody gave.
    """
    organisation = organisation_of(office, plan)
    today = office.today(organisation)
    with office.open_work(organisation.municipality, False) as work:
        work.audit.take_turn()
        standing = adopted(office, work, plan, today)
        id = standing.milestone(given.milestone)
        details = _details(standing, given)
        if _stands(work, plan, given, details):
            return False
        require(standing)
        _check(standing, given, today)
        now = office.now(standing.plan.organisation)
        if given.file:
            details["file"] = _kept(office, given.file)
        row = rows.EventRow(plan, given.on, given.deed, id, details, actor.name, now)
        number = work.events.add(row)
        entry = {"on": given.on.isoformat(), "event": number, **details}
        work.audit.append(now, actor.name, actor.authenticated_by, given.deed, f"{plan}/{id}", entry)
        tell(office, work, adopted(office, work, plan, today), today, ["rejected", "estimate"])
        work.commit()
    return True


def _stands(work: UnitOfWork, plan: str, given: Report, details: Json) -> bool:
    """Tell whether the same answer was the last of its kind, with nothing done or sent back since."""
    if given.deed not in ANSWERS:
        return False
    for row in reversed(work.events.upto(plan, None)):
        if row.milestone == given.milestone and row.kind in (given.deed, Deed.COMPLETE, Deed.REJECT):
            return row.kind == given.deed and dict(row.details) == details
    return False


def _check(standing: Standing, given: Report, today: date) -> None:
    milestone = standing.plan.milestones[given.milestone]
    done = standing.progress.get(given.milestone, NOTHING_YET)
    _check_days(standing, given, today)
    if given.deed in _NEED_REASON and not (given.reason.strip() or given.override):
        raise BadReport(
            f"「{milestone.title}」の{_NEED_REASON[given.deed]}には理由が要ります。",
            "reason",
            "--reason に書いてください。",
        )
    if given.deed is Deed.REJECT:
        if not done.completed_on:
            raise BadReport(f"「{milestone.title}」は完了していないので、証拠を差し戻せません。")
        return
    if done.is_closed:
        day = done.finished_on or done.cancelled_on
        assert day
        again = standing.plan.next_occurrence(given.milestone)
        hint = f"次の回は {again.id}（{again.title}）です。" if again else ""
        raise BadReport(f"「{milestone.title}」は{show_date(day)}に終わっています。二度は報告できません。{hint}")
    match given.deed:
        case Deed.START | Deed.COMPLETE:
            _check_work(standing, given, done)
        case Deed.SNOOZE:
            _check_snooze(standing, given, today)
        case Deed.ESTIMATE | Deed.EXCUSE if given.until is None or given.until < today:
            raise BadReport(f"今日（{show_date(today)}）以降の日を書いてください。", "until")


def _check_days(standing: Standing, given: Report, today: date) -> None:
    if given.on > today:
        raise BadReport(
            f"{show_date(given.on)}は先の日です。「{standing.plan.milestones[given.milestone].title}」は"
            f"今日（{show_date(today)}）までの日で報告してください。",
            "on",
        )
    # A day outside of the calendars would leave a plan that nobody can compute any more.
    for name in ("on", "effective", "until"):
        day: date | None = getattr(given, name)
        is_near = day is None or today <= day <= today.replace(year=today.year + _YEARS_AHEAD, day=1)
        if day and not is_near and not standing.loaded.calendars.covers(day.year):
            raise BadReport(f"{day} は計画の期間から離れすぎています。年に誤りがないか確かめてください。", name)


def _check_work(standing: Standing, given: Report, done: Progress) -> None:
    milestone = standing.plan.milestones[given.milestone]
    title = milestone.title
    if given.deed is Deed.START and done.started_on:
        raise BadReport(f"「{title}」は{show_date(done.started_on)}に着手しています。")
    blocking = [reason for reason in standing.verdicts[given.milestone].reasons if reason.blocks]
    if blocking and not given.override:
        raise BadReport(
            f"「{title}」は停止しています。{' '.join(reason_sentences(standing.plan, blocking))}",
            "",
            "先にその項目を済ませるか、やむを得ないときは、進めてよい理由（--override）を書いてください。",
        )
    if given.deed is Deed.START:
        return
    if done.started_on and given.on < done.started_on:
        raise BadReport(
            f"「{title}」の完了が着手（{show_date(done.started_on)}）より前です。日付を確かめてください。", "on"
        )
    missing = [kind for kind in milestone.evidence if kind not in given.evidence]
    if missing and not given.override:
        example = " ".join(f"--evidence {kind}=文書番号" for kind in missing)
        raise BadReport(
            f"「{title}」の完了には {'、'.join(missing)} が要ります。",
            "evidence",
            f"{example} を付けるか、やむを得ないときは、証拠がなくてよい理由（--override）を書いてください。",
        )


def snooze_limit(standing: Standing, id: str, today: date) -> date | None:
    """Return the last open day to which reminders of a milestone may be put off, None where they may not be."""
    verdict = standing.verdicts[id]
    if verdict.is_closed or Status.OVERDUE in verdict.facts or verdict.firm_finish is None:
        return None
    last = standing.network.calendar.previous_open(verdict.firm_finish)
    return last if last > today else None


def _check_snooze(standing: Standing, given: Report, today: date) -> None:
    verdict, until = standing.verdicts[given.milestone], given.until
    last = snooze_limit(standing, given.milestone, today)
    if last is None:
        if Status.OVERDUE in verdict.facts and verdict.due:
            why = f"期限（{show_date(verdict.due)}）を過ぎています"
        elif verdict.firm_finish:
            why = f"安全な完了の限度（{show_date(verdict.firm_finish)}）に達しています"
        else:
            why = "期限が決まっていません"
        raise BadReport(f"{why}。督促を先送りすることはできません。")
    if until is None or until <= today:
        raise BadReport(f"明日以降、{show_date(last)}までの開庁日を書いてください。", "until")
    if until > last:
        raise BadReport(f"安全な完了の限度（{show_date(last)}）より後には先送りできません。", "until")
    if closed := standing.network.calendar.why_closed(until):
        raise BadReport(
            f"{show_date(until)}は閉庁日（{closed}）です。その後の開庁日は"
            f"{show_date(standing.network.calendar.next_open(until))}です。",
            "until",
        )


def _details(standing: Standing, given: Report) -> Json:
    details: Json = {
        "reason": given.reason,
        "by": given.by,
        "override": given.override,
        "evidence": given.evidence,
        "effective": given.effective and given.effective.isoformat(),
        "expires": given.expires and given.expires.isoformat(),
        "until": given.until and given.until.isoformat(),
    }
    if given.deed is Deed.ACKNOWLEDGE:
        verdict = standing.verdicts[given.milestone]
        shown = verdict.firm_finish or verdict.due
        details["deadline"] = shown and shown.isoformat()
    return {key: value for key, value in details.items() if value}


def _kept(office: Office, file: Path) -> str:
    """Keep an evidence file under its SHA-256 and return that; the same file is kept once."""
    try:
        content = file.read_bytes()
    except OSError as exc:
        raise InputError(f"証拠書類 {file} を読めません: {exc.strerror}。パスを確かめてください。") from exc
    digest = sha256(content).hexdigest()
    folder = office.settings.home / "evidence"
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{digest}.part"
    part.write_bytes(content)
    part.replace(folder / f"{digest}{file.suffix.lower()}")
    return f"sha256:{digest}"
