"""What Prefect is told at the end of a run, and which of its events start a flow, as prefect.yaml declares it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from prefect.server.events.schemas.automations import EventTrigger
from prefect.server.events.schemas.events import ReceivedEvent

from flows.alert import alert, call_operator
from flows.serve import declared_deployments
from flows.watch import watch
from kijitsu.services.happenings import CATALOGUE, news, of_entry
from tests.flows.conftest import Morning

Prepare = Callable[[str | None, date], Morning]
LAPSED = date(2016, 6, 1)


def test_a_run_announces_what_it_found_and_the_channel_is_told_of_it(morning: Prepare) -> None:
    today = morning("fy28-late-pia", LAPSED)
    organisation = today.office.library.organisations()[0]
    assert news(today.office, organisation) is None

    watch()

    assert news(today.office, organisation) is None
    with today.office.open_work(organisation.municipality, True) as work:
        entry = max(each.number for each in work.audit.all() if each.action == "watch")
    assert "kijitsu.plan.blocked" in {each.name for each in of_entry(today.office, organisation, entry)}
    state = alert("fy28", entry, return_state=True)
    assert state.name == "連絡済み"
    assert len(list((today.folder / "mailbox" / "jimukyoku").glob("*.eml"))) == 1
    assert news(today.office, organisation) is None


def test_the_operator_is_told_without_a_database(
    prefect_server: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("KIJITSU_HOME", str(home))
    monkeypatch.setenv("KIJITSU_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")

    state = call_operator("毎朝", str(uuid4()), "Crashed", "落ちました", return_state=True)

    assert state.name == "知らせた"
    assert "「毎朝」に異常があります（Crashed）: 落ちました" in (home / "logs" / "alarms.log").read_text(
        encoding="utf-8"
    )


def declared_triggers() -> dict[str, EventTrigger]:
    fields = EventTrigger.model_fields.keys()
    return {
        each["name"]: EventTrigger.model_validate(
            {"posture": "Reactive", **{key: value for key, value in each.items() if key in fields}}
        )
        for declared in declared_deployments()
        for each in declared.get("triggers", ())
    }


def event_of_a_run(deployment: str, state_type: str, name: str) -> ReceivedEvent:
    """Return the event that Prefect's server emits for a state of a deployment's run."""
    run = {"prefect.resource.id": f"prefect.flow-run.{uuid4()}", "prefect.state-type": state_type}
    related = {
        "prefect.resource.id": f"prefect.deployment.{uuid4()}",
        "prefect.resource.role": "deployment",
        "prefect.resource.name": deployment,
    }
    return event(f"prefect.flow-run.{name}", run, [related])


def event(name: str, resource: dict[str, str], related: list[dict[str, str]]) -> ReceivedEvent:
    given: dict[str, Any] = {"event": name, "resource": resource, "related": related}
    return ReceivedEvent(id=uuid4(), occurred=datetime.now(UTC), **given)


@pytest.mark.parametrize(
    ("deployment", "state_type", "name", "started"),
    [
        ("毎朝", "FAILED", "Failed", {"失敗を運用担当に知らせる"}),
        ("毎朝", "FAILED", "TimedOut", {"失敗を運用担当に知らせる"}),
        ("毎朝", "CRASHED", "Crashed", {"失敗を運用担当に知らせる", "落ちた監視をやり直す"}),
        ("保守", "FAILED", "異常あり", {"失敗を運用担当に知らせる"}),
        ("毎朝", "SCHEDULED", "Late", {"遅れを運用担当に知らせる"}),
        ("毎朝", "COMPLETED", "要対応", set()),
        ("毎朝", "CANCELLED", "Cancelled", set()),
        ("日程変更", "FAILED", "入力の誤り", set()),
        ("運用担当への連絡", "FAILED", "Failed", set()),
        ("配信", "SCHEDULED", "Late", set()),
    ],
)
def test_a_failed_or_late_pass_is_told_to_the_operator_and_no_other_run_is(
    deployment: str, state_type: str, name: str, started: set[str]
) -> None:
    happened = event_of_a_run(deployment, state_type, name)

    assert {each for each, trigger in declared_triggers().items() if trigger.covers(happened)} == started


def test_the_channel_is_told_of_stops_and_of_letters_given_up_and_of_no_other_event() -> None:
    resource = {"prefect.resource.id": "kijitsu.042021.fy28"}
    started = {
        name: found
        for name in CATALOGUE
        if (
            found := [
                each for each, trigger in declared_triggers().items() if trigger.covers(event(name, resource, []))
            ]
        )
    }

    assert started == {
        "kijitsu.plan.blocked": ["停止を事務局に知らせる"],
        "kijitsu.message.dead": ["不達を事務局に知らせる"],
    }
