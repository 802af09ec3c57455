"""Pages of letters and of the audit log, the same on SQLite and PostgreSQL: whole, in order, and each row once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Engine

from kijitsu.messages import Envelope, Wording
from kijitsu.store.rows import EntriesWanted, LettersWanted, OutboxState, ReminderRow, ReminderState
from kijitsu.store.work import UnitOfWork

HERE, ELSEWHERE = "042021", "041009"
NOW = datetime(2016, 6, 3, 0, 30, tzinfo=UTC)


def letter(key: str, to: str, at: datetime) -> Envelope:
    return Envelope(key, "mail", "a@city.example", to, f"<{key}@city.example>", at, Wording("件名", "本文", "", "{}"))


def test_pages_of_letters_are_whole_and_in_order(engine: Engine) -> None:
    # Several of one instant, and plans whose names begin alike or hold what a pattern would be.
    keys = [f"fy28/{day:02}/{to}" for day in range(4) for to in ("委員会", "general_affairs")]
    others = ["fy28-2/01/a", "fy2_/01/a"]
    with UnitOfWork(engine, HERE) as work:
        for place, key in enumerate([*keys, *others]):
            work.outbox.add([letter(key, key.rpartition("/")[2], NOW + timedelta(hours=place // 2))], NOW)
        day = date(2016, 6, 3)
        row = ReminderRow("fy28", "pia", "on_day", "a", day, day, "mail", ReminderState.PENDING, keys[2], day)
        work.reminders.add([row])
        work.commit()
    with UnitOfWork(engine, ELSEWHERE) as work:
        work.outbox.add([letter(keys[0], "委員会", NOW)], NOW)
        work.commit()

    with UnitOfWork(engine, HERE, readonly=True) as work:
        wanted, found, before = LettersWanted((OutboxState.PENDING,), "fy28"), list[str](), ""
        while page := [row.key for row in work.outbox.page(wanted, 3, before)]:
            assert len(page) <= 3
            found, before = found + page, page[-1]
        assert sorted(found) == sorted(keys)
        assert [key.split("/")[1] for key in found] == sorted((key.split("/")[1] for key in keys), reverse=True)
        assert [row.key for row in work.outbox.page(LettersWanted(plan="fy2_"), 9)] == ["fy2_/01/a"]
        assert {row.key for row in work.outbox.page(LettersWanted(recipient_title="委員会"), 9)} == set(keys[::2])
        assert [row.key for row in work.outbox.page(LettersWanted(milestone="pia"), 9)] == [keys[2]]
        assert work.outbox.page(LettersWanted((OutboxState.DEAD,)), 9) == []
        assert work.outbox.reminders_of(keys) == {keys[2]: [row.key]}
        assert work.outbox.get("none") is None


def test_pages_of_the_log_are_whole_in_order_and_tell_what_was_altered(engine: Engine) -> None:
    subjects = ["fy28", "fy28/pia", "fy28-2", "audit", "fy28"]
    with UnitOfWork(engine, HERE) as work:
        for place, subject in enumerate(subjects):
            details = {"moved": [{"id": "pia"}]} if place == 4 else {"reason": "piano 100%"}
            work.audit.append(NOW + timedelta(days=place), f"係員{place}", "test", "change", subject, details)
        work.commit()

    with UnitOfWork(engine, HERE, readonly=True) as work:

        def numbers(wanted: EntriesWanted, most: int = 9, before: int | None = None) -> list[int]:
            return [row.number for row in work.audit.page(wanted, most, before)]

        assert numbers(EntriesWanted(), 2) == [5, 4]
        assert numbers(EntriesWanted(), 9, before=4) == [3, 2, 1]
        assert numbers(EntriesWanted(plan="fy28")) == [5, 2, 1]
        assert numbers(EntriesWanted(plan="fy28", milestone="pia")) == [5, 2]
        assert numbers(EntriesWanted(actor="員3")) == [4]
        assert numbers(EntriesWanted(actor="%")) == []
        assert numbers(EntriesWanted(action="adopt")) == []
        assert numbers(EntriesWanted(first=NOW + timedelta(days=1), last=NOW + timedelta(days=3))) == [3, 2]
        entries = work.audit.page(EntriesWanted(), 9)
        assert work.audit.in_chain(entries) == {1, 2, 3, 4, 5}
        assert work.audit.in_chain(entries[1:3]) == {3, 4}
