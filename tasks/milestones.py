"""One task per milestone, so that the run graph of Prefect shows the plan and what is blocked in it."""

from __future__ import annotations

from typing import Any

from prefect import get_run_logger, task
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Completed, Failed

from kijitsu.domain.eras import show_date
from kijitsu.domain.gates import SHOWN, Status, Verdict
from kijitsu.domain.plan import Plan
from kijitsu.explain import reason_sentences
from kijitsu.services.watching import PassReport

# Prefect colours a run by the type of its state only, so the name of the run carries the mark.
MARKS = {
    Status.DONE: "●",
    Status.WAIVED: "●",
    Status.CANCELLED: "✕",
    Status.BLOCKED: "■",
    Status.OVERDUE: "✕",
    Status.DUE_SOON: "▲",
    Status.ACTIVE: "◐",
    Status.READY: "○",
    Status.WAITING: "○",
    Status.SCHEDULED: "○",
    Status.UNDECIDED: "？",
}


@task(name="項目")
def show(status: str, message: str) -> State[Any]:
    """Show a milestone's verdict as the state of a task run.

    A blocked milestone never gets here: what it waits for did not complete, so that Prefect itself leaves it NotReady.
    """
    name = SHOWN[Status(status)]
    if status == Status.OVERDUE:
        return Failed(name=name, message=message)
    return Completed(name=name, message=message)


def show_all(report: PassReport) -> dict[str, PrefectFuture[Any]]:
    """Submit one task run per milestone, each waiting for those before it; return them by milestone.

    A milestone waits for every prerequisite whose lapse would block it. What blocks although its own task completed (a
    validity that ended, a cancelled prerequisite) is shown by a task run of its own, so that the graph holds the cause.
    """
    plan, verdicts = report.standing.plan, report.standing.verdicts
    shown: dict[str, PrefectFuture[Any]] = {}
    for id in report.standing.network.order:
        verdict = verdicts[id]
        run = show.with_options(task_run_name=f"{MARKS[verdict.status]} {plan.milestones[id].title}")
        before = _before(plan, verdict, verdicts, shown)
        shown[id] = run.submit(verdict.status.value, sentence(plan, verdict), wait_for=before, return_state=False)
    return shown


def tell_reasons(report: PassReport) -> None:
    """Log why each milestone needs action: the run's page in the dashboard opens on its log."""
    logger = get_run_logger()
    for verdict in report.needs_action:
        plan = report.standing.plan
        logger.warning("%s %s: %s", MARKS[verdict.status], plan.milestones[verdict.id].title, sentence(plan, verdict))


def _before(
    plan: Plan, verdict: Verdict, verdicts: dict[str, Verdict], shown: dict[str, PrefectFuture[Any]]
) -> list[PrefectFuture[Any]]:
    if verdict.is_closed:
        return []
    if verdict.status is not Status.BLOCKED:
        # It may go on, whatever a warning or an unfinished start-to-start prerequisite says.
        return [shown[link.on] for link in plan.milestones[verdict.id].after if _completes(verdicts[link.on])]
    waiting = [
        shown[reason.prerequisite] for reason in verdict.reasons if not _completes(verdicts[reason.prerequisite])
    ]
    return waiting or [_lapse(plan, verdict)]


def _completes(verdict: Verdict) -> bool:
    return verdict.status not in (Status.BLOCKED, Status.OVERDUE)


@task(name="失効")
def lapse(message: str) -> State[Any]:
    """Show a prerequisite that was met once and is not good any more."""
    return Failed(name="失効", message=message)


def _lapse(plan: Plan, verdict: Verdict) -> PrefectFuture[Any]:
    roots = dict.fromkeys(plan.milestones[reason.root_cause].title for reason in verdict.reasons if reason.blocks)
    named = lapse.with_options(task_run_name=f"✕ {'・'.join(roots)}")
    return named.submit(sentence(plan, verdict))


def sentence(plan: Plan, verdict: Verdict) -> str:
    """Return in one line why a milestone is in its state."""
    owner = plan.organisation.bodies[plan.milestones[verdict.id].owner].title
    due = f"、期限 {show_date(verdict.due)}" if verdict.due else ""
    reasons = reason_sentences(plan, [reason for reason in verdict.reasons if reason.blocks])
    return " ".join([f"{SHOWN[verdict.status]}（担当 {owner}{due}）", *reasons])
