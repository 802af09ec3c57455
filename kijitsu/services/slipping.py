"""Baselines of an adopted plan, and how far it has slipped from one of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from kijitsu.domain.closures import Closures
from kijitsu.domain.errors import InputError, InvalidFile, did_you_mean
from kijitsu.domain.gates import Status
from kijitsu.domain.plan import Milestone, Plan
from kijitsu.domain.roles import Right
from kijitsu.domain.slips import HAPPENED, Cause, Days, Slip, Step, Tally, days_of, happened, slips, tally
from kijitsu.located import Document
from kijitsu.office import Actor, Json, Office
from kijitsu.plans import Loaded
from kijitsu.services.reading import Standing
from kijitsu.services.watching import adopted, not_adopted, organisation_of
from kijitsu.store import rows

ADOPTED = "採用時"
_LONGEST_NAME = 60
_NUMBER = re.compile(rf"第?(\d{{1,{_LONGEST_NAME}}})版?")


@dataclass(frozen=True)
class Effect:
    """What one cause did, in all: `moved` are the milestones whose own entry it changed, `along` what came along."""

    cause: Cause
    tally: Tally
    moved: tuple[str, ...]
    along: tuple[str, ...]


@dataclass(frozen=True)
class SlipReport:
    """How far a plan is from a baseline on a day. `against` is the baseline's name, None for a revision without one.

    `known` are all milestones that a revision since the baseline has, as the last of those has them.
    """

    standing: Standing
    against: str | None
    revision: int
    slips: Sequence[Slip]
    effects: Sequence[Effect]
    known: dict[str, Milestone]

    @property
    def plan(self) -> Plan:
        """The plan as it is now."""
        return self.standing.plan

    @property
    def departments(self) -> dict[str, Tally]:
        """The slips of each body's milestones, taken together."""
        counts: dict[str, list[int]] = {}
        for slip in self.slips:
            counts.setdefault(self.known[slip.id].owner, []).append(slip.open_days or 0)
        return {owner: tally(each) for owner, each in counts.items()}

    def title(self, owner: str) -> str:
        """Return a body's title."""
        return self.plan.organisation.bodies[owner].title

    def actual(self, id: str) -> date | None:
        """Return the day on which a milestone was completed, None where it was not."""
        progress = self.standing.progress.get(id)
        return progress.completed_on if progress else None

    def is_overdue(self, id: str) -> bool:
        """Tell whether a milestone is overdue, and slips on day by day."""
        verdict = self.standing.verdicts.get(id)
        return verdict is not None and Status.OVERDUE in verdict.facts

    def as_json(self) -> Json:
        """Return the report as `kijitsu plan slip --json` shows it."""
        return {
            "plan": self.plan.id,
            "against": {"name": self.against, "revision": self.revision},
            "now": self.standing.revision,
            "on": self.standing.as_of,
            "milestones": [self._milestone(slip) for slip in self.slips],
            "departments": [
                {"owner": owner, "title": self.title(owner), **each._asdict()}
                for owner, each in self.departments.items()
            ],
            "causes": [
                {
                    "cause": effect.cause.reason,
                    "revision": effect.cause.revision,
                    "actor": effect.cause.actor,
                    "at": effect.cause.made_at,
                    **effect.tally._asdict(),
                    "moved": effect.moved,
                    "along": effect.along,
                }
                for effect in self.effects
            ],
        }

    def _milestone(self, slip: Slip) -> Json:
        milestone = self.known[slip.id]
        return {
            "id": slip.id,
            "title": milestone.title,
            "owner": milestone.owner,
            "baseline": slip.baseline,
            "now": slip.now,
            "actual": self.actual(slip.id),
            "overdue": self.is_overdue(slip.id),
            "slip": slip.open_days,
            "slip_days": slip.days,
            "added": slip.added,
            "dropped": slip.dropped,
            "causes": [
                {"cause": cause.reason, "revision": cause.revision, "slip": moved} for cause, moved in slip.parts
            ],
        }


def slip(office: Office, plan: str, against: str | None, on: date) -> SlipReport:
    """Return how far the revision in force, and what was reported by a day, are from a baseline.

    `against` is a baseline's name or a revision's number (3, 第3版), None for the adopted plan. Every revision is
    scheduled under today's calendars, so that their changes are no cause. Raises InputError where there is no such
    revision, or one since cannot be read with today's `calendar/`.
    """
    with office.open_work(organisation_of(office, plan).municipality, True) as work:
        standing = adopted(office, work, plan, on)
        name, number = _found(plan, against, work.baselines.all(plan), standing.revision)
        revisions = work.plans.revisions(plan)[number - 1 :]
    states = [_read(office, revision) for revision in revisions]
    baseline = states[0][1]
    since = [
        Step(
            Cause(revision.number, revision.reason, revision.actor, revision.made_at),
            days,
            _rewritten(before.plan, after.plan),
        )
        for revision, (before, _), (after, days) in zip(revisions[1:], states, states[1:], strict=False)
    ]
    reached = happened(states[-1][1], standing.progress, standing.verdicts, on)
    every_day = [day for days in (*(days for _, days in states), reached) for day in days.values() if day]
    found = slips(baseline, since, reached, _calendar(office, standing, revisions[-1], every_day))
    known = {id: each for loaded, _ in states for id, each in loaded.plan.milestones.items()}
    effects = [_effect(step, found) for step in (*since, Step(HAPPENED, reached, frozenset(reached)))]
    return SlipReport(standing, name, number, found, effects, known)


def revisions(office: Office, plan: str) -> list[Json]:
    """Return every revision of an adopted plan: who made it when and why, and its names, the first one first.

    `moved` is how many milestones got another day; None for the first revision, and where today's `calendar/` cannot
    read it or the one before.
    """
    with office.open_work(organisation_of(office, plan).municipality, True) as work:
        found, named = work.plans.revisions(plan), work.baselines.all(plan)
    if not found:
        raise not_adopted(plan)
    days: list[Days | None] = [None]
    for revision in found:
        try:
            days.append(_read(office, revision)[1])
        except InputError:
            days.append(None)
    return [
        {
            "number": revision.number,
            "at": revision.made_at,
            "actor": revision.actor,
            "reason": revision.reason,
            "moved": None
            if before is None or after is None
            else sum(after.get(id) != day for id, day in before.items()),
            "baselines": [name for name, number in _names(named).items() if number == revision.number],
        }
        for revision, (before, after) in zip(found, pairwise(days), strict=True)
    ]


def baseline(office: Office, plan: str, name: str, revision: int | None, actor: Actor) -> rows.Baseline:
    """Give a revision of an adopted plan (the one in force, where None) a name to compare later ones with.

    Raises NotAllowed, or InputError for a name that is taken or none, and for a revision that is not there.
    """
    actor.require(Right.BASELINE, "基準の命名")
    name = _checked(name)
    organisation = organisation_of(office, plan)
    now = office.now(organisation)
    with office.open_work(organisation.municipality, False) as work:
        work.audit.take_turn()
        head = work.plans.head(plan)
        if head is None:
            raise not_adopted(plan)
        number = _existing(plan, head.number if revision is None else revision, head.number)
        made = rows.Baseline(plan, name, number, actor.name, now)
        if name == ADOPTED or not work.baselines.add(made):
            taken = _names(work.baselines.all(plan))[name]
            raise InputError(f"「{name}」は第{taken}版の名前です。別の名前にしてください。")
        named = work.plans.revision(plan, number)
        assert named
        details = {"name": name, "revision": number, "sha256": named.sha256}
        work.audit.append(now, actor.name, actor.authenticated_by, "baseline", plan, details)
        work.commit()
    return made


# --- names and numbers ---


def _names(baselines: Sequence[rows.Baseline]) -> dict[str, int]:
    """Return the revision that each name means; the first one always has one."""
    return {ADOPTED: 1, **{each.name: each.revision for each in baselines}}


def _found(plan: str, against: str | None, baselines: Sequence[rows.Baseline], latest: int) -> tuple[str | None, int]:
    names = _names(baselines)
    wanted = ADOPTED if against is None else against.strip()
    if wanted in names:
        return wanted, names[wanted]
    if number := _NUMBER.fullmatch(wanted):
        return None, _existing(plan, int(number[1]), latest)
    hint = did_you_mean(wanted, names) or f"あるもの: {'、'.join(names)}"
    raise InputError(
        f"「{wanted}」という基準は計画 {plan} にありません。{hint}。版の番号（第{latest}版）でも選べます。"
    )


def _existing(plan: str, number: int, latest: int) -> int:
    if not 1 <= number <= latest:
        raise InputError(f"計画 {plan} に第{number}版はありません。第1版から第{latest}版までです。")
    return number


def _checked(name: str) -> str:
    """Return a name without the spaces around it. Raises InputError for what cannot be shown, or reads as a number."""
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME:
        raise InputError(f"基準の名前は1字から{_LONGEST_NAME}字までにしてください（例: 6月議会前）。")
    if any(unicodedata.category(letter)[0] == "C" or letter in "\u2028\u2029" for letter in name):
        raise InputError("基準の名前に、改行などの見えない文字があります。消してください。")
    if _NUMBER.fullmatch(name):
        raise InputError(f"「{name}」は版の番号と紛れます。言葉を添えてください（例: {name} 承認時）。")
    return name


# --- revisions as days ---


def _read(office: Office, revision: rows.Revision) -> tuple[Loaded, Days]:
    """Return a revision read with today's `calendar/`, and the day of each of its milestones."""
    try:
        if revision.sha256 not in office.revisions:
            document = Document(f"{revision.plan}（第{revision.number}版）", revision.document)
            office.revisions[revision.sha256] = office.library.plan_from(document)
        loaded = office.revisions[revision.sha256]
        return loaded, days_of(loaded.network)
    except InputError as exc:
        why = " ".join(each.message for each in exc.problems) if isinstance(exc, InvalidFile) else str(exc)
        folder = office.library.folder.name
        raise InputError(
            f"計画 {revision.plan} の第{revision.number}版は、今の {folder}/ では読めません: {why} "
            f"なくなったものを {folder}/ に戻すか、後の版を --against で選んでください。"
        ) from exc


def _rewritten(before: Plan, after: Plan) -> frozenset[str]:
    return frozenset(id for id, each in after.milestones.items() if before.milestones.get(id) != each)


def _calendar(office: Office, standing: Standing, present: rows.Revision, days: Sequence[date]) -> Closures:
    """Return the plan's present calendar, long enough for all the days there were."""
    calendar = standing.network.calendar
    if all(calendar.first <= day <= calendar.last for day in days):
        return calendar
    document = Document(f"{present.plan}（第{present.number}版）", present.document)
    return office.library.plan_from(document, [day.year for day in days]).network.calendar


def _effect(step: Step, found: Sequence[Slip]) -> Effect:
    parts = {slip.id: moved for slip in found for cause, moved in slip.parts if cause is step.cause}
    return Effect(
        step.cause,
        tally(parts.values()),
        tuple(id for id in parts if id in step.rewritten),
        tuple(id for id in parts if id not in step.rewritten),
    )
