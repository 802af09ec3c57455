"""What happened, told to Prefect as events for its automations: the end of a flow announces what nobody did yet.

Not by `emit_event`, which hands an event to a queue of this process and forgets it: what is marked as announced was
received by the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from prefect import get_run_logger, task
from prefect.concurrency.sync import concurrency
from prefect.events import Event, RelatedResource, Resource, get_events_client
from prefect.runtime import flow_run

from kijitsu.office import Office
from kijitsu.services.happenings import Happening, announced, news
from kijitsu.services.watching import organisation_of
from tasks.office import served_office

ONE_AT_A_TIME = "kijitsu-events"
"""The concurrency limit (of one) under which events are announced, where there is one: each is then sent once only."""

_WAIT_SECONDS = 30.0


def announce(plan: str) -> None:
    """Announce what happened in a plan's municipality since this was last done.

    What cannot be told now stands in the database and goes with the next run: no reason to fail one that did its work.
    """
    _announce(plan, return_state=True)


@task(name="出来事の知らせ [events]", retries=2, retry_delay_seconds=2)
def _announce(plan: str) -> None:
    office = served_office()
    organisation = organisation_of(office, plan)
    if news(office, organisation) is None:
        return
    try:
        with concurrency(ONE_AT_A_TIME, timeout_seconds=_WAIT_SECONDS):
            while told := news(office, organisation):
                asyncio.run(_send(office, told.happenings))
                announced(office, organisation, told)
    except TimeoutError:
        get_run_logger().info("another run announces what happened; what it leaves goes with the next run")


async def _send(office: Office, happenings: Sequence[Happening]) -> None:
    # A checkpoint after each: the server has answered, or this raises.
    async with get_events_client(checkpoint_every=1) as client:
        for happening in happenings:
            await client.emit(_event(office, happening))


def _event(office: Office, happening: Happening) -> Event:
    resource = {"prefect.resource.id": happening.resource, "prefect.resource.name": happening.title}
    run = {"prefect.resource.id": f"prefect.flow-run.{flow_run.id}", "prefect.resource.role": "flow-run"}
    event = Event(
        id=happening.id,
        event=happening.name,
        resource=Resource(resource),
        related=[RelatedResource(run)] if flow_run.id else [],
        payload=happening.payload,
    )
    # The instants of a rehearsal are years ago: Prefect would take such an event for one to be cleared away.
    return event if office.settings.today else event.model_copy(update={"occurred": happening.occurred_at})
