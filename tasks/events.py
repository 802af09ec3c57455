"""Our own events, for Prefect's automations to react to: a milestone's transition, a changed calendar."""

from __future__ import annotations

from prefect.events import emit_event

from kijitsu.services.watching import PassReport


def emit_transitions(report: PassReport) -> None:
    """Emit `kijitsu.milestone.<status>` for each transition of the pass."""
    plan = report.standing.plan
    municipality = plan.organisation.municipality
    for transition in report.transitions:
        emit_event(
            event=f"kijitsu.milestone.{transition.after}",
            resource={
                "prefect.resource.id": f"kijitsu.{municipality}.{plan.id}.{transition.milestone}",
                "prefect.resource.name": plan.milestones[transition.milestone].title,
            },
            payload={"on": report.on.isoformat(), "before": transition.before, "reason": transition.reason},
        )


def emit_calendar_changes(report: PassReport) -> None:
    """Emit `kijitsu.calendar.changed` for each calendar of the plan that changed since the last pass."""
    plan = report.standing.plan
    municipality = plan.organisation.municipality
    for change in report.calendar_changes:
        emit_event(
            event="kijitsu.calendar.changed",
            resource={
                "prefect.resource.id": f"kijitsu.{municipality}.{plan.id}.calendars.{change.calendar}",
                "prefect.resource.name": change.title,
            },
            payload={"on": report.on.isoformat(), **change.as_json()},
        )
