"""The log of what happened: lines of JSON that several processes add to, without an address or what people wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kijitsu import telemetry
from kijitsu.bootstrap import open_office
from kijitsu.domain.history import Deed
from kijitsu.services import accounts, delivering, reporting
from kijitsu.services.watching import watch
from tests.acceptance.support import SMALL, Desk, calendar_with
from tests.board import CLERK, ISHINOMAKI, TODAY, installation
from tests.integration.browsers import PEOPLE

WRITER = """
import sys
from pathlib import Path
from kijitsu import telemetry
telemetry.MOST_BYTES = 30_000
for number in range(200):
    telemetry.tell(Path(sys.argv[1]), "test", writer=sys.argv[2], number=number)
"""


def lines(logs: Path) -> list[dict[str, Any]]:
    """Return every line that was written, the oldest file first."""
    files = sorted(logs.glob("kijitsu.jsonl*"), reverse=True)
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_day_of_the_office_is_logged_with_the_ids_of_everything(tmp_path: Path) -> None:
    office = open_office(installation(tmp_path).settings, flow_run="0b8f")

    report = watch(office, "small")
    delivering.dispatch(office, report.standing.plan.organisation)
    given = reporting.Report(Deed.START, "review", TODAY)
    reporting.report(office, "small", given, CLERK)
    office.alarm("題", "本文")

    with office.open_work(ISHINOMAKI, True) as work:
        letters = work.outbox.all()

    logged = [each for each in lines(office.settings.logs) if each.get("flow_run") == "0b8f"]
    kinds = Counter(each["event"] for each in logged)
    assert kinds == {
        "transition": len(report.transitions),
        "letter": len(letters),
        "delivery": len(letters),
        "pass": 1,
        "audit": 2,
        "alarm": 1,
    }
    (passed,) = (each for each in logged if each["event"] == "pass")
    assert (passed["plan"], passed["on"], passed["audit"], passed["level"]) == ("small", "2016-05-20", 2, "INFO")
    assert {each["milestone"] for each in logged if each["event"] == "transition"} == set(report.standing.verdicts)
    (started,) = (each for each in logged if each.get("action") == "start")
    assert (started["plan"], started["milestone"], started["audit"]) == ("small", "review", 3)
    assert {each["outcome"] for each in logged if each["event"] == "delivery"} == {"sent"}
    everything = "".join(json.dumps(each, ensure_ascii=False) for each in logged)
    assert "@" not in everything
    assert "評価書" not in everything


def test_what_is_done_to_an_account_is_logged_as_of_no_plan(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    office = installation(tmp_path, people=tmp_path / "people.yaml", actor="sato")

    accounts.make_link(office, CLERK, "tanaka")

    (logged,) = (each for each in lines(office.settings.logs) if each.get("action") == "account-link")
    assert logged["subject"] == "accounts/tanaka"
    assert not {"plan", "milestone"} & set(logged)


def test_a_run_of_prefect_stands_in_the_audit_log_and_verifies(tmp_path: Path) -> None:
    office = open_office(installation(tmp_path).settings, flow_run="0b8f")
    reporting.report(office, "small", reporting.Report(Deed.START, "review", TODAY), CLERK)
    desk = Desk(office.settings.home, calendar=office.settings.calendar, plan="small")

    listed = desk("audit", "list", "--json").json

    assert [each["details"].get("flow_run") for each in listed] == [None, "0b8f"]
    assert "Prefectの実行：0b8f" in "".join(desk("audit", "list").out.split())
    assert "改ざんはありません" in desk("audit", "verify").out


def test_reading_writes_no_log(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", calendar=calendar_with(tmp_path / "calendar", small=SMALL))

    desk("schedule", "small")

    assert not (tmp_path / "home" / "logs").exists()


def test_processes_that_put_the_file_aside_lose_no_line(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name]) for name in ("a", "b", "c")]
    assert [writer.wait() for writer in writers] == [0, 0, 0]

    written = lines(tmp_path)
    assert Counter(each["writer"] for each in written) == {"a": 200, "b": 200, "c": 200}
    assert (tmp_path / "kijitsu.jsonl.1").exists()


def test_only_so_many_old_files_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "MOST_BYTES", 100)

    for number in range(20):
        telemetry.tell(tmp_path, "test", number=number)

    kept = [each["number"] for each in lines(tmp_path)]
    assert kept == list(range(20))[-len(kept) :]
    assert len(list(tmp_path.glob("kijitsu.jsonl*"))) == telemetry.KEPT_FILES + 1


def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").write_text("a file where the folder belongs")

    telemetry.tell(tmp_path / "logs", "test")

    assert "FileExistsError" in capsys.readouterr().err
