"""What stands against a report that something was begun or done, and the secretariat may set aside with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kijitsu.domain.eras import show_date
from kijitsu.domain.gates import Code
from kijitsu.domain.history import NOTHING_YET, Deed
from kijitsu.domain.plan import Lapse, occurrence_id
from kijitsu.explain import reason_sentences
from kijitsu.services.reading import Standing

if TYPE_CHECKING:
    from kijitsu.services.reporting import Report


@dataclass(frozen=True, slots=True)
class Objection:
    """What stands against a report: codes and milestones for the record, a sentence, and how else it can be mended."""

    against: tuple[tuple[str, str], ...]
    said: str
    field: str = ""
    on_command_line: str = ""


def objections(standing: Standing, then: Standing, given: Report) -> Iterator[Objection]:
    """Yield what stands against a report: a gate that was not open, a time that had not come, evidence that is missing.

    `standing` is the plan's of today, `then` that of the reported day with the milestone at work.
    """
    yield from _by_gate(standing, then, given)
    yield from _by_time(standing, given)
    yield from _by_evidence(standing, given)


def _by_gate(standing: Standing, then: Standing, given: Report) -> Iterator[Objection]:
    title = standing.plan.milestones[given.milestone].title
    reasons = then.verdicts[given.milestone].reasons
    if blocking := [reason for reason in reasons if reason.blocks]:
        against = tuple((reason.code.value, reason.prerequisite) for reason in blocking)
        why = " ".join(reason_sentences(standing.plan, blocking))
        yield Objection(against, f"「{title}」は停止しています。{why}先にその項目を済ませて報告してください。")
    if lagging := [reason for reason in reasons if reason.code is Code.LAG and reason.lapse is Lapse.BLOCK]:
        against = tuple((reason.code.value, reason.prerequisite) for reason in lagging)
        yield Objection(against, "".join(reason_sentences(standing.plan, lagging)), "on")
    # What may begin or end so long before its prerequisite does not wait for it.
    ahead = {link.on for link in standing.plan.milestones[given.milestone].after if link.lag.number < 0}
    unmet = [reason.prerequisite for reason in reasons if reason.code is Code.UNMET and reason.lapse is Lapse.BLOCK]
    waiting = [id for id in unmet if id not in ahead]
    if given.deed is Deed.COMPLETE:
        waiting += _unfinished_beside(then, given.milestone, {reason.prerequisite for reason in reasons})
    for id in waiting:
        yield Objection(((Code.UNMET.value, id),), _not_yet(standing, given, id))


def _unfinished_beside(then: Standing, id: str, known: set[str]) -> Iterator[str]:
    """Yield what has to be over before a milestone ends, but not before it begins (FF, SF), and is not."""
    for link in then.plan.milestones[id].after:
        if link.type.holds_start or link.lag.number < 0 or link.lapse is Lapse.WARN or link.on in known:
            continue
        done = then.progress.get(link.on, NOTHING_YET)
        if not (done.finished_on or (done.started_on and not link.type.holds_from_finish)):
            yield link.on


def _not_yet(standing: Standing, given: Report, id: str) -> str:
    """Say that a prerequisite was not met on the reported day: it was later, or nobody has reported it."""
    before, done = standing.plan.milestones[id], standing.progress.get(id, NOTHING_YET)
    links = [link for link in standing.plan.milestones[given.milestone].after if link.on == id]
    from_finish = all(link.type.holds_from_finish for link in links)
    if met_on := done.finished_on or (None if from_finish else done.started_on):
        return f"前提「{before.title}」は{show_date(met_on)}に済んだので、{show_date(given.on)}にはまだでした。"
    owner = standing.plan.organisation.bodies[before.owner].title
    what = "完了" if from_finish else "着手"
    return f"前提「{before.title}」（担当：{owner}）の{what}がまだ報告されていません。先にそれを報告してください。"


def _by_time(standing: Standing, given: Report) -> Iterator[Objection]:
    """Object to what comes again and is reported before its time: it is most likely the one before."""
    milestone = standing.plan.milestones[given.milestone]
    opens = milestone.window.first if milestone.recurs and milestone.window else None
    if opens is None or given.on >= opens:
        return
    base = milestone.occurrence_of or milestone.id
    earlier = standing.plan.milestones.get(occurrence_id(base, milestone.number - 1)) if milestone.number > 1 else None
    hint = f"前の回は {earlier.id}（{earlier.title}）です。" if earlier else "前の年度の分ではありませんか。"
    said = f"「{milestone.title}」の時期は{show_date(opens)}からで、{show_date(given.on)}はその前です。{hint}"
    yield Objection((("before_window", milestone.id),), said, "on")


def _by_evidence(standing: Standing, given: Report) -> Iterator[Objection]:
    milestone = standing.plan.milestones[given.milestone]
    missing = [kind for kind in milestone.evidence if kind not in given.evidence]
    if missing and given.deed is Deed.COMPLETE:
        yield Objection(
            (("evidence_missing", milestone.id),),
            f"「{milestone.title}」の完了には {'、'.join(missing)} が要ります。",
            "evidence",
            " ".join(f"--evidence {kind}=文書番号" for kind in missing),
        )
