"""The use cases as tasks: looked up in this process's settings, retried where something outside may be back soon."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from prefect import Task, get_client, task
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import flow_run

from kijitsu.bootstrap import open_office
from kijitsu.domain.errors import OutsideError
from kijitsu.office import Office
from kijitsu.services.delivering import DispatchReport, dispatch
from kijitsu.services.overview import Overview, overview
from kijitsu.services.watching import PassReport, organisation_of, watch


def _is_outside(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Retry what failed outside; wrong input stays wrong."""
    return isinstance(state.result(raise_on_failure=False), OutsideError)


def served_office() -> Office:
    """Return the office on behalf of the run that asks: the audit log and the logs will name it."""
    return open_office(flow_run=flow_run.id or "")


def tag_run(**ours: str | int | None) -> None:
    """Tag the run with what it is about in our terms (plan:fy28, audit:12), so that the dashboard finds it by that."""
    tags = [f"{name}:{value}" for name, value in ours.items() if value]
    if run := flow_run.id:
        get_client(sync_client=True).update_flow_run(UUID(run), tags=[*flow_run.tags, *tags])


def served_plan() -> str:
    """Return the plan of the served deployments."""
    return served_office().plan


@task(name="関門の確認 [gates]", retries=3, retry_delay_seconds=[10, 60, 300], retry_condition_fn=_is_outside)
def look_at_gates(plan: str, on: date | None) -> PassReport:
    """Run the pass: gates, transitions, reminders and the letters that carry them, in one transaction."""
    return watch(served_office(), plan, on)


@task(name="通知の送信 [letters]", retries=3, retry_delay_seconds=[10, 60, 300], retry_condition_fn=_is_outside)
def send_letters(report: PassReport) -> DispatchReport:
    """Send what is due, in office hours; what a relay refuses for now stays in the outbox for the next run."""
    return dispatch(served_office(), report.standing.plan.organisation)


@task(name="送信待ちの送信")
def send_waiting(plan: str) -> DispatchReport:
    """Send what waits and is due again; what is refused once more waits for the next run."""
    office = served_office()
    return dispatch(office, organisation_of(office, plan))


@task(name="報告の確認 [reports]", retries=3, retry_delay_seconds=[10, 60, 300], retry_condition_fn=_is_outside)
def look_at_reports(plan: str) -> Overview:
    """Look at where the plan stands, and which of today's reports are out."""
    return overview(served_office(), plan)
