"""What the store promises, the same on SQLite in memory, SQLite in a file and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError, StatementError

from kijitsu.domain.errors import OutsideError
from kijitsu.domain.history import Deed
from kijitsu.store.engine import connect, upgrade
from kijitsu.store.history import StaleRevision
from kijitsu.store.rows import (
    EventRow,
    PassRow,
    SeenCalendar,
    Standing,
    TransitionRow,
)
from kijitsu.store.work import UnitOfWork
from tests.at_once import at_once

ISHINOMAKI = "042021"
SENDAI = "041009"
NOW = datetime(2016, 6, 3, 0, 30, tzinfo=UTC)


def work(engine: Engine, municipality: str = ISHINOMAKI, *, readonly: bool = False) -> UnitOfWork:
    return UnitOfWork(engine, municipality, readonly=readonly)


def adopt(engine: Engine, reason: str = "策定", expected: int = 0, plan: str = "fy28") -> None:
    with work(engine) as uow:
        uow.plans.add(plan, {"plan": plan}, reason, "情報 太郎", None, NOW, expected)
        uow.commit()


def test_leaving_without_commit_keeps_nothing(engine: Engine) -> None:
    with work(engine) as uow:
        uow.standings.put("fy28", [Standing("pia", "ready", date(2016, 6, 1))])

    with pytest.raises(StaleRevision), work(engine) as uow:
        uow.standings.put("fy28", [Standing("pia", "ready", date(2016, 6, 1))])
        raise StaleRevision("fy28", 1, None)

    with work(engine, readonly=True) as uow:
        assert uow.standings.all("fy28") == {}


def test_a_read_only_unit_refuses_to_write_and_the_next_one_may(engine: Engine) -> None:
    with work(engine, readonly=True) as uow, pytest.raises(DBAPIError):
        uow.standings.put("fy28", [Standing("pia", "ready", date(2016, 6, 1))])

    adopt(engine)


def test_a_read_only_unit_sees_one_state_throughout_and_holds_up_no_writer(shared_engine: Engine) -> None:
    with work(shared_engine, readonly=True) as uow:
        before = uow.plans.latest("fy28")
        adopt(shared_engine)
        assert uow.plans.latest("fy28") is before is None

    with work(shared_engine, readonly=True) as uow:
        assert uow.plans.latest("fy28") is not None


def test_a_writer_that_waits_too_long_is_told_that_another_is_writing(tmp_path: Path) -> None:
    engine, hasty = (connect(f"sqlite:///{tmp_path / 'kijitsu.db'}") for _ in range(2))
    event.listen(hasty, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 1"))
    upgrade(engine)

    with work(engine) as uow:
        uow.plans.ids()
        with pytest.raises(OutsideError, match=r"kijitsu\.db を使えません.*ほかの処理"), work(hasty) as other:
            other.plans.ids()

    engine.dispose()
    hasty.dispose()


def test_an_instant_without_a_zone_is_refused_and_any_zone_comes_back_as_utc(engine: Engine) -> None:
    japan = timezone(timedelta(hours=9))

    with work(engine) as uow, pytest.raises(StatementError, match="needs a time zone"):
        uow.passes.record(PassRow("fy28", date(2016, 6, 3), datetime(2016, 6, 3, 9, 30)))  # noqa: DTZ001
    with work(engine) as uow:
        uow.passes.record(PassRow("fy28", date(2016, 6, 3), datetime(2016, 6, 3, 9, 30, tzinfo=japan)))
        run = uow.passes.latest("fy28")

    assert run is not None
    assert run.ran_at == NOW
    assert run.ran_at.tzinfo is UTC


def test_a_revision_reads_as_it_was_written_with_the_hash_of_its_canonical_json(engine: Engine) -> None:
    document = {"title": "番号制度", "milestones": {"pia": {"when": "平成28年4月"}, "1": None}}

    with work(engine) as uow:
        added = uow.plans.add("fy28", document, "策定", "情報 太郎", {"id": 7}, NOW, expected=0)
        uow.commit()

    with work(engine, readonly=True) as uow:
        assert uow.plans.latest("fy28") == added
    assert (added.number, added.document, added.change, added.made_at) == (1, document, {"id": 7}, NOW)
    # printf '%s' '{"milestones":{"1":null,"pia":{"when":"平成28年4月"}},"title":"番号制度"}' | sha256sum
    assert added.sha256 == "f33e6f4ecfb5be23832f573a62390a0f82708d12e660c0d89e6bf43cc9ab4d6f"


def test_revisions_come_in_order_and_the_last_is_in_force(engine: Engine) -> None:
    adopt(engine, "策定")
    adopt(engine, "議会の日程", expected=1)
    adopt(engine, "別の計画", plan="fy29")

    with work(engine, readonly=True) as uow:
        latest = uow.plans.latest("fy28")
        assert [revision.reason for revision in uow.plans.revisions("fy28")] == ["策定", "議会の日程"]
        assert latest is not None
        assert latest.number == 2
        assert uow.plans.ids() == ["fy28", "fy29"]


def test_a_revision_made_from_an_older_one_is_refused_with_what_changed(engine: Engine) -> None:
    adopt(engine)
    adopt(engine, "議会の日程が変わった", expected=1)

    with pytest.raises(StaleRevision, match=r"第1版を読んだ後に第2版.*情報 太郎: 議会の日程が変わった"):
        adopt(engine, "遅れた変更", expected=1)
    with pytest.raises(StaleRevision, match="すでに取り込まれています（現在は第2版）"):
        adopt(engine, expected=0)
    with pytest.raises(StaleRevision, match="fy29 の第3版はありません"):
        adopt(engine, plan="fy29", expected=3)


def test_of_those_who_change_a_plan_at_once_one_succeeds(shared_engine: Engine) -> None:
    def change(number: int) -> list[str]:
        in_force = []
        for expected in range(5):
            try:
                adopt(shared_engine, f"変更{number}", expected=expected)
                in_force.append(f"変更{number}")
            except StaleRevision:
                in_force.append("")
        return in_force

    outcomes = at_once(4, change)

    with work(shared_engine, readonly=True) as uow:
        reasons = [revision.reason for revision in uow.plans.revisions("fy28")]
    assert reasons == ["".join(succeeded) for succeeded in zip(*outcomes, strict=True)]


def test_municipalities_do_not_see_each_other(engine: Engine) -> None:
    adopt(engine)
    with work(engine) as uow:
        uow.audit.append(NOW, "石巻", "proxy", "adopt", "fy28", {})
        uow.commit()

    with work(engine, SENDAI) as uow:
        assert uow.plans.ids() == []
        assert uow.plans.add("fy28", {}, "策定", "仙台", None, NOW, expected=0).number == 1
        assert uow.audit.append(NOW, "仙台", "proxy", "adopt", "fy28", {}).number == 1


def test_events_come_by_day_and_then_as_recorded(engine: Engine) -> None:
    def done(milestone: str, day: int) -> EventRow:
        details = {"evidence": {"議事録": "総第12号"}}
        return EventRow("fy28", date(2016, 6, day), Deed.COMPLETE, milestone, details, "市民 花子", recorded_at=NOW)

    with work(engine) as uow:
        ids = [uow.events.add(done(*what)) for what in [("roster", 9), ("pia", 3), ("precheck", 3), ("portal", 20)]]
        uow.commit()

    with work(engine, readonly=True) as uow:
        assert [row.milestone for row in uow.events.upto("fy28", date(2016, 6, 9))] == ["pia", "precheck", "roster"]
        assert uow.events.upto("fy28", None)[0] == replace(done("pia", 3), id=ids[1])
        assert len(uow.events.upto("fy28", None)) == 4
        assert uow.events.upto("fy29", None) == []


def test_a_standing_replaces_the_former_one_of_its_milestone(engine: Engine) -> None:
    former = Standing("pia", "ready", date(2016, 6, 1))
    other = Standing("roster", "waiting", date(2016, 6, 1), [{"code": "not_met", "prerequisite": "pia"}])
    newer = Standing("pia", "overdue", date(2016, 6, 11), ["期限を過ぎました"])

    with work(engine) as uow:
        uow.standings.put("fy28", [former, other])
        uow.standings.put("fy28", [newer])
        uow.standings.put("fy28", [])
        uow.commit()

    with work(engine, readonly=True) as uow:
        assert uow.standings.all("fy28") == {"pia": newer, "roster": other}


def test_transitions_come_by_day(engine: Engine) -> None:
    later = TransitionRow("fy28", date(2016, 6, 11), "pia", "ready", "overdue", "期限を過ぎました")
    first = TransitionRow("fy28", date(2016, 6, 1), "pia", None, "ready", "")

    with work(engine) as uow:
        uow.transitions.add([later, first])
        uow.transitions.add([])
        uow.commit()

    with work(engine, readonly=True) as uow:
        assert [replace(row, id=0) for row in uow.transitions.all("fy28")] == [first, later]


def test_the_pass_of_a_day_is_recorded_once_and_the_newest_day_is_the_latest(engine: Engine) -> None:
    again = PassRow("fy28", date(2016, 6, 3), NOW + timedelta(hours=1), "flow-run-2", {"sent": 3})

    with work(engine) as uow:
        uow.passes.record(PassRow("fy28", date(2016, 6, 3), NOW))
        uow.passes.record(again)
        uow.passes.record(PassRow("fy28", date(2016, 6, 2), NOW))
        uow.commit()

    with work(engine, readonly=True) as uow:
        assert uow.passes.latest("fy28") == again
        assert uow.passes.latest("fy29") is None


def test_a_calendar_replaces_the_one_that_its_plan_was_seen_with_before(engine: Engine) -> None:
    span = (date(2016, 1, 1), date(2016, 12, 31))
    former = SeenCalendar("municipality", *span, {"2016-07-18": "海の日"}, "a" * 64)
    other = SeenCalendar("residents", *span, {}, "b" * 64)
    newer = SeenCalendar("municipality", *span, {"2016-07-18": "海の日", "2016-08-11": "山の日"}, "c" * 64)

    with work(engine) as uow:
        uow.seen_calendars.put("fy28", [former, other])
        uow.seen_calendars.put("fy29", [former])
        uow.seen_calendars.put("fy28", [newer])
        uow.seen_calendars.put("fy28", [])
        uow.commit()

    with work(engine, readonly=True) as uow:
        assert uow.seen_calendars.all("fy28") == {"municipality": newer, "residents": other}
        assert uow.seen_calendars.hashes("fy28") == {"municipality": "c" * 64, "residents": "b" * 64}
        assert uow.seen_calendars.hashes("fy29") == {"municipality": "a" * 64}
    with work(engine, SENDAI, readonly=True) as uow:
        assert uow.seen_calendars.all("fy28") == uow.seen_calendars.hashes("fy28") == {}
