"""Run a served deployment once, wait for its end, print the flow run's id: python -m flows.run_once FLOW/DEPLOYMENT."""

from __future__ import annotations

import sys

from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment


def main() -> int:
    """Return 0 where the run completed, 1 with the reason on stderr where it did not."""
    run = run_deployment(sys.argv[1], timeout=240, poll_interval=0.5)
    assert isinstance(run, FlowRun)  # a coroutine only inside an event loop
    state = run.state
    if state is None or not state.is_completed():
        sys.stderr.write(f"{state.name if state else '?'}: {state.message if state else ''}\n")
        return 1
    sys.stdout.write(f"{run.id}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
