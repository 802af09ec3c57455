"""What Prometheus scrapes from the board."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from kijitsu.office import Office
from kijitsu.services.watching import watch
from tests.board import ISHINOMAKI, installation, served

HERE = {"municipality": ISHINOMAKI}
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(office: Office) -> Samples:
    answer = httpx.get(f"http://127.0.0.1:{office.settings.board_port}/metrics")
    answer.raise_for_status()
    families = text_string_to_metric_families(answer.text)
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset((HERE | labels).items())]


def test_the_figures_of_a_morning_are_scraped(empty_database: str, tmp_path: Path) -> None:
    office = installation(tmp_path, database_url=empty_database)
    watch(office, "small")

    with served(office) as here:
        found = scraped(here)
    with office.open_work(ISHINOMAKI, True) as work:
        entries, written, letters = work.audit.count(), work.reminders.all("small"), work.outbox.all()

    assert value(found, "kijitsu_pass_last_timestamp_seconds", plan="small") == 1463700600  # 2016-05-20 08:30 in Japan
    assert value(found, "kijitsu_pass_duration_seconds", plan="small") > 0
    assert value(found, "kijitsu_milestones", plan="small", status="waiting") == 2
    assert sum(count for (name, _), count in found.items() if name == "kijitsu_milestones") == 4
    for state, count in Counter(row.state for row in written).items():
        assert value(found, "kijitsu_reminders", plan="small", state=state) == count
    assert written
    assert value(found, "kijitsu_outbox_messages", state="pending", channel="mail") == len(letters) > 0
    assert value(found, "kijitsu_outbox_oldest_waiting_seconds") == 0  # the rehearsal's clock stands still
    assert value(found, "kijitsu_audit_entries_total") == entries
    assert found["kijitsu_database_up", frozenset()] == 1
    assert any(name == "kijitsu_build_info" for name, _ in found)


def test_without_a_database_it_says_so(tmp_path: Path) -> None:
    office = installation(tmp_path)
    (office.settings.home / "kijitsu.db").unlink()

    with served(office) as here:
        found = scraped(here)

    assert found["kijitsu_database_up", frozenset()] == 0
    assert {name for name, _ in found} == {"kijitsu_build_info", "kijitsu_database_up"}


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_nobody_reads_it_by_way_of_the_citys_proxy(tmp_path: Path, header: str) -> None:
    with served(installation(tmp_path)) as here:
        answer = httpx.get(
            f"http://127.0.0.1:{here.settings.board_port}/metrics", headers={header: "for=proxy.example"}
        )

    assert answer.status_code == 404
    assert "kijitsu_" not in answer.text
