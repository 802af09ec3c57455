"""One task per milestone, so that the run graph of Prefect shows the plan and what is blocked in it."""

from __future__ import annotations

from collections.abc import Mapping
from logging import LogRecord
from typing import Any

from prefect import task
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture, wait
from prefect.logging import get_logger
from prefect.logging.loggers import task_run_logger
from prefect.runtime import flow_run
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

Shown = Mapping[str, PrefectFuture[Any]]


@task(name="項目")
def show(status: str, message: str) -> State[Any]:
    """Show a milestone's verdict as the state of a task run.

    A blocked milestone never gets here: what it waits for did not complete, so that Prefect itself leaves it NotReady.
    """
    name = SHOWN[Status(status)]
    if status == Status.OVERDUE:
        return Failed(name=name, message=message)
    return Completed(name=name, message=message)


@task(name="失効")
def lapse(message: str) -> State[Any]:
    """Show a prerequisite that was met once and is not good any more."""
    return Failed(name="失効", message=message)


def show_all(report: PassReport) -> Shown:
    """Run one task per milestone, each waiting for those before it; return the ended runs by milestone.

    A milestone waits for every prerequisite whose lapse would block it. What blocks although its own task completed (a
    validity that ended, a cancelled prerequisite) is shown by a task run of its own, so that the graph holds the cause.
    """
    get_logger("prefect.task_runs").addFilter(_is_ours)
    plan, verdicts = report.standing.plan, report.standing.verdicts
    shown: dict[str, PrefectFuture[Any]] = {}
    for id in report.standing.network.order:
        verdict = verdicts[id]
        run = show.with_options(task_run_name=_run_name(plan, verdict), tags=_causes(plan, verdict))
        before = _before(plan, verdict, verdicts, shown)
        shown[id] = run.submit(verdict.status.value, sentence(plan, verdict), wait_for=before, return_state=False)
    wait(list(shown.values()))
    return shown


def tell_reasons(report: PassReport, shown: Shown) -> None:
    """Log why each milestone needs action: on the page of its run, and where the page of the flow run opens."""
    plan = report.standing.plan
    for verdict in report.needs_action:
        name = _run_name(plan, verdict)
        run = TaskRun(
            id=shown[verdict.id].task_run_id,
            name=name,
            flow_run_id=flow_run.id,
            task_key=show.task_key,
            dynamic_key=verdict.id,
        )
        logger = task_run_logger(run, show, plan=plan.id, milestone=verdict.id)
        logger.warning("%s: %s", name, sentence(plan, verdict))


def _run_name(plan: Plan, verdict: Verdict) -> str:
    # With the id, for the run graph draws its labels with the letters of ASCII only.
    return f"{MARKS[verdict.status]} {plan.milestones[verdict.id].title} [{verdict.id}]"


def _causes(plan: Plan, verdict: Verdict) -> list[str]:
    """Return the tags of a milestone's run: the graph shows them with the one that is clicked.

    Only what is blocked has any: before a run with tags begins, Prefect asks for their limits.
    """
    return [f"原因: {plan.milestones[id].title}" for id in _roots(verdict)]


def _roots(verdict: Verdict) -> list[str]:
    """Return what blocks a milestone in the end."""
    return list(dict.fromkeys(reason.root_cause for reason in verdict.reasons if reason.blocks))


def _before(plan: Plan, verdict: Verdict, verdicts: Mapping[str, Verdict], shown: Shown) -> list[PrefectFuture[Any]]:
    if verdict.status is not Status.BLOCKED:
        # It may go on, or has, whatever a warning or an unfinished start-to-start prerequisite says.
        return [shown[link.on] for link in plan.milestones[verdict.id].after if _completes(verdicts[link.on])]
    waiting = [
        shown[reason.prerequisite] for reason in verdict.reasons if not _completes(verdicts[reason.prerequisite])
    ]
    return waiting or [_lapse(plan, verdict)]


def _completes(verdict: Verdict) -> bool:
    return verdict.status not in (Status.BLOCKED, Status.OVERDUE)


def _lapse(plan: Plan, verdict: Verdict) -> PrefectFuture[Any]:
    roots = _roots(verdict)
    titles = "・".join(plan.milestones[id].title for id in roots)
    return lapse.with_options(task_run_name=f"✕ {titles} [{' '.join(roots)}]").submit(sentence(plan, verdict))


def _is_ours(record: LogRecord) -> bool:
    """Tell whether a line of the log is not Prefect's own, in English, on a state that we tell of ourselves."""
    return not record.getMessage().startswith(("Finished in state ", "Task run failed with state: "))


def sentence(plan: Plan, verdict: Verdict) -> str:
    """Return in one line why a milestone is in its state."""
    owner = plan.organisation.bodies[plan.milestones[verdict.id].owner].title
    due = f"、期限 {show_date(verdict.due)}" if verdict.due else ""
    reasons = reason_sentences(plan, [reason for reason in verdict.reasons if reason.blocks])
    return " ".join([f"{SHOWN[verdict.status]}（担当 {owner}{due}）", *reasons])
