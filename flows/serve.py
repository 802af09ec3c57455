"""Serve every deployment of prefect.yaml from this process: what `kijitsu up` and `kijitsu demo` start.

Usage: python -m flows.serve READY, where READY is a file that is made once the deployments are registered.
"""

from __future__ import annotations

import asyncio
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from prefect import Flow, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.events import DeploymentTriggerTypes
from prefect.runner import Runner
from prefect.types.entrypoint import EntrypointType
from pydantic import TypeAdapter

from kijitsu.located import read_document
from kijitsu.settings import PROJECT, read_settings
from tasks.events import ONE_AT_A_TIME

DECLARED = PROJECT / "prefect.yaml"

_TRIGGER: TypeAdapter[Any] = TypeAdapter(DeploymentTriggerTypes)


def load_flow(entrypoint: str) -> Flow[..., Any]:
    """Return the flow that a module entrypoint (flows.watch:watch) names."""
    module, _, name = entrypoint.partition(":")
    found = getattr(import_module(module), name)
    if not isinstance(found, Flow):
        raise TypeError(f"{entrypoint} is no flow")
    return found


def declared_deployments() -> list[dict[str, Any]]:
    """Return the deployments as prefect.yaml declares them."""
    return list(read_document(DECLARED).data["deployments"])


async def deployment(declared: dict[str, Any], is_rehearsal: bool) -> RunnerDeployment:
    """Return a declared deployment ready to be served; a rehearsal, whose clock stands still, keeps no schedule."""
    limit = declared.get("concurrency_limit")
    schedules = [
        DeploymentScheduleCreate(
            schedule=CronSchedule(cron=each["cron"], timezone=each["timezone"]), slug=each["slug"], active=True
        )
        for each in declared.get("schedules", ())
    ]
    return await load_flow(declared["entrypoint"]).ato_deployment(
        name=declared["name"],
        description=declared["description"],
        tags=declared["tags"],
        schedules=[] if is_rehearsal else schedules,
        triggers=[_TRIGGER.validate_python(each) for each in declared.get("triggers", ())],
        concurrency_limit=limit and ConcurrencyLimitConfig(**{**limit, "limit": int(limit["limit"])}),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


async def serve(ready: Path) -> None:
    """Register and serve until the process is told to end; upcoming runs are kept for the next start."""
    is_rehearsal = bool(read_settings().today)
    async with get_client() as client:
        await client.upsert_global_concurrency_limit_by_name(ONE_AT_A_TIME, 1)
    runner = Runner(name="kijitsu", pause_on_shutdown=False, limit=4)
    for declared in declared_deployments():
        await runner.aadd_deployment(await deployment(declared, is_rehearsal))
    ready.parent.mkdir(parents=True, exist_ok=True)
    ready.write_text(str(os.getpid()))
    await runner.start()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
