"""The daily pass: look at every gate, write down what changed and who is owed a word, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from time import perf_counter

from kijitsu import explain
from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import InputError
from kijitsu.domain.gates import SHOWN, Status, Verdict
from kijitsu.domain.plan import Organisation
from kijitsu.domain.reminders import told_of_move
from kijitsu.domain.roles import Right
from kijitsu.office import ALL_ROLES, Actor, Office
from kijitsu.services import reading
from kijitsu.services.reading import Standing
from kijitsu.services.recomputing import CalendarChange, recompute
from kijitsu.services.sorting import Mail, mail_of
from kijitsu.services.weekly import carried_by, carried_now, reports_owed, write_alone
from kijitsu.services.writing import owed_on, post
from kijitsu.store import rows
from kijitsu.store.work import UnitOfWork

PASS = Actor("kijitsu", "pass", ALL_ROLES)


@dataclass(frozen=True)
class PassReport:
    """What one pass found and did. On a closed day it only looks: `is_open` is False and nothing was written.

    `audit` is the number of its entry in the audit log, None where it had nothing to write down.
    """

    standing: Standing
    on: date
    is_open: bool
    transitions: Sequence[rows.TransitionRow] = ()
    letters: Sequence[str] = ()
    calendar_changes: Sequence[CalendarChange] = ()
    audit: int | None = None

    @property
    def needs_action(self) -> list[Verdict]:
        """The milestones that are overdue, blocked or due soon: first those whose people can act."""
        order = (Status.OVERDUE, Status.BLOCKED, Status.DUE_SOON)
        found = [verdict for verdict in self.standing.verdicts.values() if verdict.status in order]
        return sorted(found, key=lambda v: (order.index(v.status), v.due or date.max))

    def held_up_by(self, id: str) -> list[str]:
        """Return the milestones that are blocked because of this one."""
        return [
            verdict.id
            for verdict in self.standing.verdicts.values()
            if any(reason.blocks and reason.root_cause == id for reason in verdict.reasons)
        ]


def watch(office: Office, plan: str, on: date | None = None, actor: Actor = PASS) -> PassReport:
    """Run the pass of an adopted plan for a day, today where none is given; a second pass of a day adds nothing.

    Every morning it is the system's own act; `actor` is somebody who starts it by hand. What changed in the plan's
    calendars, transitions, reminders, the letters that carry them and the reports of where the plan stands, and the
    audit entries are kept together or not at all. Raises InputError where the plan was never adopted, for
    a day to come, and for one before the latest pass.
    """
    actor.require(Right.SEND, "監視")
    organisation = organisation_of(office, plan)
    today = office.today(organisation)
    on = on or today
    if on > today:
        raise InputError(
            f"{show_date(on)}はまだ先の日です。その日の見通しは kijitsu status {plan} --as-of {on} で見られます。"
        )
    begun = perf_counter()
    with office.open_work(organisation.municipality, False) as work:
        work.audit.take_turn()
        standing = adopted(office, work, plan, on)
        last = work.passes.latest(plan)
        if last and on < last.occurred_on:
            raise InputError(
                f"{show_date(last.occurred_on)}の監視が済んでいるので、それより前の{show_date(on)}には戻れません。"
                f"その日の状態は kijitsu status {plan} --as-of {on} で見られます。"
            )
        if not standing.network.calendar.is_open(on):
            return PassReport(standing, on, False)
        now = office.now(standing.plan.organisation)
        changes = recompute(work, standing)
        for change in changes:
            details = {**change.as_json(), "on": on.isoformat()}
            work.audit.append(now, actor.name, actor.authenticated_by, "calendar", plan, details)
        before = work.standings.statuses(plan)
        transitions = _transitions(plan, standing, before, on)
        work.transitions.add(transitions)
        work.standings.put(plan, _standings(standing, {t.milestone for t in transitions}, before, on))
        told = last.told if last and last.occurred_on == on else ()
        mail = _mail(work, standing, on, told, changes)
        summary = {"transitions": len(transitions), "letters": len(mail.drafts)}
        entry = None
        if transitions or mail.drafts:
            details = {**summary, "on": on.isoformat(), "changed": [_changed(t) for t in transitions]}
            if causes := _causes(standing, transitions):
                details["causes"] = causes
            entry = work.audit.append(now, actor.name, actor.authenticated_by, "watch", plan, details)
        # After the entry, for a report says where the audit log ends.
        carried = carried_by(last)
        reports = reports_owed(work, standing, on, carried, mail, told)
        letters = post(office, work, standing, mail, on, {place: each.weekly for place, each in reports.items()})
        everything = letters | write_alone(office, work, standing, on, reports, letters)
        kept = {
            **summary,
            "seconds": round(perf_counter() - begun, 3),
            "told": list(dict.fromkeys([*told, *everything])),
            "reports": [asdict(each) for each in carried_now(standing, on, carried, reports, everything)],
        }
        work.passes.record(rows.PassRow(plan, on, now, office.flow_run or None, kept))
        work.commit()
    report = PassReport(standing, on, True, transitions, list(letters), changes, entry.number if entry else None)
    _log(office, report, everything)
    return report


def _log(office: Office, report: PassReport, letters: Iterable[str]) -> None:
    plan, on, audit = report.standing.plan.id, report.on.isoformat(), report.audit
    for each in report.transitions:
        office.log("transition", plan=plan, milestone=each.milestone, on=on, before=each.before, after=each.after)
    for key in letters:
        office.log("letter", plan=plan, message_key=key, audit=audit)
    office.log(
        "pass",
        plan=plan,
        on=on,
        audit=audit,
        revision=report.standing.revision,
        transitions=len(report.transitions),
        letters=len(report.letters),
    )


def organisation_of(office: Office, plan: str) -> Organisation:
    """Return the organisation that adopted a plan. Raises InputError where none did."""
    organisations = office.library.organisations()
    if len(organisations) == 1:
        # Nobody else can have adopted it; where even this one did not, whoever reads the plan finds out.
        return organisations[0]
    if adopter := reading.adopter_of(office, plan):
        return adopter
    raise not_adopted(plan)


def adopted(office: Office, work: UnitOfWork, plan: str, on: date | None) -> Standing:
    """Return where an adopted plan stands. Raises InputError with the command that adopts it."""
    standing = reading.adopted(office, work, plan, on)
    if standing is None:
        raise not_adopted(plan)
    return standing


def not_adopted(plan: str) -> InputError:
    """Return the error for a plan that is not in the database."""
    return InputError(
        f"計画 {plan} はまだデータベースに採り入れられていません。kijitsu plan adopt {plan} を実行してください。"
    )


def _mail(
    work: UnitOfWork, standing: Standing, on: date, told: Sequence[str], changes: Sequence[CalendarChange]
) -> Mail:
    """Return the letters of a day: what is owed on it, and what a changed calendar moved."""
    everything = owed_on(work, standing, on)
    for change in changes:
        for id, dates in change.moved.items():
            _, due = dates.get("due", (None, None))
            # A provisional deadline goes on moving with the estimate.
            if due and not standing.verdicts[id].is_closed and not standing.verdicts[id].is_provisional:
                everything += told_of_move(standing.plan, id, str(on), due, on)
    return mail_of(work, standing, everything, on, told=told)


def _changed(transition: rows.TransitionRow) -> list[str | None]:
    return [transition.milestone, transition.before, transition.after]


def _causes(standing: Standing, transitions: Sequence[rows.TransitionRow]) -> dict[str, list[str]]:
    """Return what lapsed behind all that is newly blocked, each with what it holds up by that."""
    found: dict[str, list[str]] = {}
    for each in transitions:
        if each.after == Status.BLOCKED:
            reasons = standing.verdicts[each.milestone].reasons
            for root in dict.fromkeys(reason.root_cause for reason in reasons if reason.blocks):
                found.setdefault(root, []).append(each.milestone)
    return found


def _transitions(plan: str, standing: Standing, before: Mapping[str, str], on: date) -> list[rows.TransitionRow]:
    found = []
    for id, verdict in standing.verdicts.items():
        known = before.get(id)
        if known != verdict.status:
            found.append(rows.TransitionRow(plan, on, id, known, verdict.status, _why_now(standing, verdict)))
    return found


def _why_now(standing: Standing, verdict: Verdict) -> str:
    if verdict.status is Status.BLOCKED:
        return " ".join(explain.reason_sentences(standing.plan, [r for r in verdict.reasons if r.blocks]))
    return SHOWN[verdict.status]


def _standings(standing: Standing, changed: set[str], before: Mapping[str, str], on: date) -> list[rows.Standing]:
    return [
        rows.Standing(id, verdict.status, on, [[r.code, r.prerequisite, r.root_cause] for r in verdict.reasons])
        for id, verdict in standing.verdicts.items()
        if id in changed or id not in before
    ]
