"""What people report on a milestone: started, done with evidence, sent back, or an answer to a reminder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from kijitsu import evidence
from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import InputError, did_you_mean
from kijitsu.domain.gates import Status
from kijitsu.domain.history import NOTHING_YET, Deed, Progress
from kijitsu.domain.roles import Right
from kijitsu.office import Actor, Json, Office
from kijitsu.services.objecting import objections
from kijitsu.services.reading import Standing
from kijitsu.services.watching import adopted, organisation_of
from kijitsu.services.writing import tell
from kijitsu.store import rows
from kijitsu.store.work import UnitOfWork

ANSWERS = (Deed.ACKNOWLEDGE, Deed.SNOOZE, Deed.ESTIMATE, Deed.EXCUSE)
"""What is said to a reminder: saying it again changes nothing."""

_NEED_REASON = {
    Deed.ESTIMATE: "遅れの見込み",
    Deed.EXCUSE: "遅れの承認",
    Deed.REJECT: "証拠の差戻し",
}
_RIGHTS: Mapping[Deed, tuple[Right, str]] = {
    Deed.START: (Right.REPORT, "着手の報告"),
    Deed.COMPLETE: (Right.REPORT, "完了の報告"),
    Deed.ACKNOWLEDGE: (Right.REPORT, "督促の確認"),
    Deed.SNOOZE: (Right.REPORT, "督促の先送り"),
    Deed.ESTIMATE: (Right.REPORT, "完了見込みの連絡"),
    Deed.EXCUSE: (Right.EXCUSE, "遅れの承認"),
    Deed.REJECT: (Right.REJECT, "証拠の差戻し"),
}
_YEARS_AHEAD = 5
"""How far ahead a day may be before it is taken for a slip of the pen."""


@dataclass(frozen=True)
class Report:
    """What somebody reports on a milestone: the deed, its day, and what it needs.

    `evidence` are the numbers of documents (文書番号) by kind, `files` the documents themselves by kind, "" being the
    only one. They were `decided` (決裁日) and `received` (収受日) on days of their own, and hold from `effective` to
    `expires`. `until` is the day on which to remind again (snooze), to be done (estimate), or to which a delay is
    allowed (excuse). `override` is why the report is taken whatever stands against it.
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
    override: str = ""
    decided: date | None = None
    received: date | None = None
    files: dict[str, Path] = field(default_factory=dict)


class BadReport(InputError):
    """A report that cannot be taken. `said` is what is wrong with it, `field` which of the report's fields ("" where it
    is the deed itself; a file with its kind: files.議事録); the whole text also says how the command line mends it."""

    def __init__(self, said: str, field: str = "", on_command_line: str = "") -> None:
        super().__init__(said + on_command_line)
        self.said, self.field = said, field


def papers(given: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return pieces of evidence, each a kind and a document's number, by kind. Raises BadReport for a kind twice."""
    found: dict[str, str] = {}
    for kind, number in ((kind.strip(), number.strip()) for kind, number in given):
        if not kind or not number:
            raise BadReport("証拠には、種類と文書番号が要ります。例: 議事録=総第12号", "evidence")
        if kind in found:
            raise BadReport(f"「{kind}」が二つあります。一つの種類には、文書番号を一つ書いてください。", "evidence")
        found[kind] = number
    return found


def report(
    office: Office, plan: str, given: Report, actor: Actor, require: Callable[[Standing], None] = lambda standing: None
) -> bool:
    """Record a report, with its audit entry, in one transaction; False where the same answer already stands.

    `require` sees where the plan stands in that transaction, and raises where it asks for something else. Raises
    NotAllowed where the actor may not report this, OutsideError where a file cannot be kept, and BadReport for a day in
    the future, a milestone that is closed already, a missing reason, an answer that its dates do not allow, and (unless
    overridden with a reason, which is kept with what it overrode) for a milestone whose gate was not open on the day,
    an occurrence before its time, or evidence that the plan asks for and nobody gave.
    """
    organisation = organisation_of(office, plan)
    today = office.today(organisation)
    most = office.settings.evidence_mib << 20
    # Copied before anybody has to wait for this transaction; what is not kept is gone at the end of the stack.
    with ExitStack() as stack:
        copies = {kind: _copied(office, stack, kind, file, most) for kind, file in given.files.items()}
        work = stack.enter_context(office.open_work(organisation.municipality, False))
        work.audit.take_turn()
        standing = adopted(office, work, plan, today)
        id = standing.milestone(given.milestone)
        _check_rights(standing, given, actor)
        details = _details(standing, given)
        if _stands(work, plan, given, details):
            return False
        require(standing)
        _check(standing, given, today)
        if given.deed in (Deed.START, Deed.COMPLETE):
            _weigh(standing, _on_its_day(office, work, standing, given), given, details)
        if copies:
            details["files"] = {_kind_of(standing, given, kind): copy.paper.as_json() for kind, copy in copies.items()}
        now = office.now(standing.plan.organisation)
        row = rows.EventRow(plan, given.on, given.deed, id, details, actor.name, now)
        number = work.events.add(row)
        entry = {"on": given.on.isoformat(), "event": number, **details}
        work.audit.append(now, actor.name, actor.authenticated_by, given.deed, f"{plan}/{id}", entry)
        tell(office, work, adopted(office, work, plan, today), today, ["rejected", "estimate"])
        # Nothing but the commit can fail from here on, and then nobody knows whether the event stands: a file that no
        # event names harms nobody, an event without its file does.
        for copy in copies.values():
            copy.keep()
        work.commit()
    return True


def _copied(office: Office, stack: ExitStack, kind: str, file: Path, most: int) -> evidence.Incoming:
    """Return a checked copy that the stack takes away again. Raises BadReport for a file that is not taken."""
    try:
        return stack.enter_context(evidence.incoming(office.settings.evidence, file, most))
    except InputError as exc:
        raise BadReport(str(exc), f"files.{kind}") from exc


def _stands(work: UnitOfWork, plan: str, given: Report, details: Json) -> bool:
    """Tell whether the same answer was the last of its kind, with nothing done or sent back since."""
    if given.deed not in ANSWERS:
        return False
    for row in reversed(work.events.upto(plan, None)):
        if row.milestone == given.milestone and row.kind in (given.deed, Deed.COMPLETE, Deed.REJECT):
            return row.kind == given.deed and dict(row.details) == details
    return False


def _check_rights(standing: Standing, given: Report, actor: Actor) -> None:
    right, doing = _RIGHTS[given.deed]
    actor.require(right, doing, standing.plan.milestones[given.milestone].owner)
    if given.override:
        actor.require(Right.OVERRIDE, "理由を付けた例外の扱い")


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
        if not done.completed_on:
            ended = "免除" if done.waived_on else "中止"
            raise BadReport(
                f"「{milestone.title}」は{show_date(day)}に{ended}されています。報告するには、先に管理職が元に戻します。",
                "",
                f"（kijitsu change {standing.plan.id} --reinstate {given.milestone}）",
            )
        raise BadReport(f"「{milestone.title}」は{show_date(day)}に終わっています。二度は報告できません。{hint}")
    match given.deed:
        case Deed.START if done.started_on:
            raise BadReport(f"「{milestone.title}」は{show_date(done.started_on)}に着手しています。")
        case Deed.COMPLETE:
            _check_evidence(standing, given, done)
        case Deed.SNOOZE:
            _check_snooze(standing, given, today)
        case Deed.ESTIMATE | Deed.EXCUSE if given.until is None or given.until < today:
            raise BadReport(f"今日（{show_date(today)}）以降の日を書いてください。", "until")


def _check_days(standing: Standing, given: Report, today: date) -> None:
    title = standing.plan.milestones[given.milestone].title
    done_on = {"on": (given.on, title), "decided": (given.decided, "決裁日"), "received": (given.received, "収受日")}
    for name, (day, what) in done_on.items():
        if day and day > today:
            raise BadReport(
                f"{show_date(day)}は先の日です。「{what}」は今日（{show_date(today)}）までの日で報告してください。",
                name,
            )
    # A day outside of the calendars would leave a plan that nobody can compute any more.
    for name in ("on", "decided", "received", "effective", "until"):
        day = getattr(given, name)
        is_near = day is None or today <= day <= today.replace(year=today.year + _YEARS_AHEAD, day=1)
        if day and not is_near and not standing.loaded.calendars.covers(day.year):
            raise BadReport(f"{day} は計画の期間から離れすぎています。年に誤りがないか確かめてください。", name)


def _check_evidence(standing: Standing, given: Report, done: Progress) -> None:
    milestone = standing.plan.milestones[given.milestone]
    if done.started_on and given.on < done.started_on:
        raise BadReport(
            f"「{milestone.title}」の完了が着手（{show_date(done.started_on)}）より前です。日付を確かめてください。",
            "on",
        )
    holds_from = max(given.on, given.effective or given.on)
    if given.expires and given.expires < holds_from:
        what = "効力の始まる日" if holds_from > given.on else "完了した日"
        raise BadReport(
            f"有効期限（{show_date(given.expires)}）が、{what}（{show_date(holds_from)}）より前です。", "expires"
        )
    missing = [kind for kind in milestone.evidence if kind not in given.evidence]
    for kind in given.evidence:
        # More than what is asked for is welcome; a slip of the pen would leave what is asked for missing.
        if kind not in milestone.evidence and (hint := did_you_mean(kind, missing)):
            raise BadReport(f"「{milestone.title}」の証拠に「{kind}」はありません。{hint}", "evidence")


def _kind_of(standing: Standing, given: Report, kind: str) -> str:
    """Return the kind of evidence that a file is of; one that names none is of the only one there is."""
    milestone = standing.plan.milestones[given.milestone]
    kinds = list(dict.fromkeys([*given.evidence, *milestone.evidence]))
    if kind in kinds:
        return kind
    if not kind and len(kinds) == 1 and not given.files.keys() & set(kinds):
        return kinds[0]
    known = "、".join(kinds) or "なし"
    what = f"「{kind}」のファイルがありますが、その証拠がありません。" if kind else "どの証拠のファイルか決まりません。"
    raise BadReport(
        f"{what}「{milestone.title}」の証拠: {known}。{did_you_mean(kind, kinds)}",
        "files",
        " --file 種類=ファイル と --evidence 種類=文書番号 を組にしてください。",
    )


def _weigh(standing: Standing, then: Standing, given: Report, details: Json) -> None:
    """Raise BadReport with all that stands against a report, or put it into the details where it is overridden."""
    found = list(objections(standing, then, given))
    if not found:
        return
    if not given.override.strip():
        remedies = [f"{each.on_command_line} を付けるか、" for each in found if each.on_command_line]
        raise BadReport(
            "".join(each.said for each in found) + "やむを得ないときは、事務局だけが理由を付けて記録できます。",
            found[0].field,
            "".join(remedies) + "--override に理由を書いてください。",
        )
    details["overridden"] = [{"code": code, "milestone": id} for each in found for code, id in each.against]


def _on_its_day(office: Office, work: UnitOfWork, standing: Standing, given: Report) -> Standing:
    """Return how the plan stood on the reported day, the milestone being at work: what its gate had against that."""
    then = standing if given.on == standing.as_of else adopted(office, work, standing.plan.id, given.on)
    return _at_work(then, given)


def _at_work(then: Standing, given: Report) -> Standing:
    done = then.progress.get(given.milestone, NOTHING_YET)
    at_work = replace(done, started_on=done.started_on or given.on)
    return replace(then, progress={**then.progress, given.milestone: at_work})


def against_today(standing: Standing, deed: Deed, id: str) -> list[str]:
    """Return what stands against a report of today with all the evidence that is asked for, a sentence each.

    Where anything does, the report is taken from whoever may override it, with a reason, and from nobody else.
    """
    assert standing.as_of
    evidence = dict.fromkeys(standing.plan.milestones[id].evidence, "－")
    given = Report(deed, id, standing.as_of, evidence=evidence)
    return [each.said for each in objections(standing, _at_work(standing, given), given)]


def is_done(progress: Progress, given: Report) -> bool:
    """Tell whether what a report asks for is there already: it was the second of two clicks."""
    match given.deed:
        case Deed.COMPLETE:
            return progress.completed_on == given.on and given.evidence.items() <= progress.evidence.items()
        case Deed.START:
            return progress.started_on == given.on
        case Deed.REJECT:
            return progress.rejected_on == given.on and progress.said == given.reason
    return False


def may_report(actor: Actor, deed: Deed, owner: str) -> bool:
    """Tell whether somebody may report a deed on a milestone of `owner`."""
    return actor.may(_RIGHTS[deed][0], owner)


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
        "decided": given.decided and given.decided.isoformat(),
        "received": given.received and given.received.isoformat(),
        "effective": given.effective and given.effective.isoformat(),
        "expires": given.expires and given.expires.isoformat(),
        "until": given.until and given.until.isoformat(),
    }
    if given.deed is Deed.ACKNOWLEDGE:
        verdict = standing.verdicts[given.milestone]
        shown = verdict.firm_finish or verdict.due
        details["deadline"] = shown and shown.isoformat()
    return {key: value for key, value in details.items() if value}
