"""What a manager sees of a plan's slip at the command line: the city's own plan, after one move."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.support import ROOT, Desk


def test_a_move_shows_as_slip_against_a_baseline(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", calendar=ROOT / "calendar", today="2016-05-09", actor="企画 太郎")
    desk("plan", "adopt", "fy28")
    named = desk("plan", "baseline", "fy28", "6月議会前")
    desk("move", "fy28", "pia", "--to", "平成28年8月", "--reason", "国の様式が遅れる", "--apply")

    everything = desk("plan", "slip", "fy28", "--against", "6月議会前", "--json").json
    shown = desk("plan", "slip", "fy28").out
    causes = desk("plan", "slip", "fy28", "--by", "cause").out
    revisions = desk("plan", "revisions", "fy28", "--json").json
    listed = desk("plan", "revisions", "fy28").out
    nobody = desk("plan", "slip", "fy28", "--against", "7月議会前", code=1)

    assert "kijitsu plan slip fy28 --against '6月議会前'" in named.out
    assert {key: everything[key] for key in ("plan", "against", "now", "on")} == {
        "plan": "fy28",
        "against": {"name": "6月議会前", "revision": 1},
        "now": 2,
        "on": "2016-05-09",
    }
    (pia,) = [each for each in everything["milestones"] if each["id"] == "pia"]
    # June 2016 has 22 weekdays, July 21 with 海の日, August 23 with 山の日: 22, 20 and 22 open days.
    assert (pia["baseline"], pia["now"], pia["actual"]) == ("2016-05-31", "2016-08-31", None)
    assert (pia["slip"], pia["slip_days"]) == (64, 92)
    assert pia["causes"] == [{"cause": "国の様式が遅れる", "revision": 2, "slip": 64}]
    (moved, _) = everything["causes"]
    assert (moved["cause"], moved["revision"], moved["actor"]) == ("国の様式が遅れる", 2, "企画 太郎")
    assert "pia" in moved["moved"]
    assert sum(each["slip"] or 0 for each in everything["milestones"]) == sum(
        each["sum"] + each["earlier"] for each in everything["departments"]
    )
    assert all(heading in shown for heading in ("項目ごと", "担当ごと", "原因ごと", "第1版（採用時）", "+64"))
    assert "項目ごと" not in causes
    assert "国の様式が遅れる" in causes
    assert [(each["number"], each["baselines"]) for each in revisions] == [(1, ["採用時", "6月議会前"]), (2, [])]
    assert revisions[1]["moved"] == moved["milestones"]
    assert "2016-05-09 08:30" in listed
    assert "もしかして: 6月議会前" in nobody.err
