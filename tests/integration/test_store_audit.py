"""What the audit log promises, the same on SQLite in memory, SQLite in a file and PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from kijitsu.store.audit import Audit
from kijitsu.store.engine import connect, open_transaction, upgrade
from kijitsu.store.rows import AuditHead
from kijitsu.store.work import UnitOfWork
from tests.at_once import at_once

ISHINOMAKI = "042021"
NOW = datetime(2016, 6, 3, 0, 30, tzinfo=UTC)
AGAIN = text(
    "INSERT INTO audit VALUES (:municipality, :number, :at, :actor, :authenticated_by, :action, :subject, "
    ":details, :previous_hash, :hash)"
)


def work(engine: Engine, *, readonly: bool = False) -> UnitOfWork:
    return UnitOfWork(engine, ISHINOMAKI, readonly=readonly)


def append(engine: Engine, *actions: str) -> None:
    with work(engine) as uow:
        for action in actions:
            uow.audit.append(NOW, "情報 太郎", "proxy", action, "fy28/pia", {"理由": "日程の調整", "順": [1, 2.5]})
        uow.commit()


def tamper(engine: Engine, *statements: str) -> None:
    """Do what only the owner of the database can: change the audit log with its triggers switched off."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        else:
            for name in ("audit_no_update", "audit_no_delete", "audit_no_replace"):
                connection.execute(text(f"DROP TRIGGER {name}"))
        for statement in statements:
            connection.execute(text(statement))


def problems(engine: Engine) -> list[str]:
    with work(engine, readonly=True) as uow:
        return uow.audit.verify()


def test_each_audit_entry_holds_the_hash_of_the_one_before(engine: Engine) -> None:
    append(engine, "adopt", "move")
    append(engine, "undo")

    with work(engine, readonly=True) as uow:
        entries = uow.audit.all()
        assert uow.audit.verify() == []
    assert [entry.number for entry in entries] == [1, 2, 3]
    assert [entry.previous_hash for entry in entries] == ["0" * 64, entries[0].hash, entries[1].hash]
    assert entries[0].details == {"理由": "日程の調整", "順": [1, 2.5]}
    # sha256sum over the canonical JSON, so that a log stays verifiable on either database.
    assert entries[0].hash == "07799a03d0d5e701b2213e5c98341679e412964426f8ee2df88bc3ddf76242e9"


def test_an_entry_is_returned_as_it_is_read(engine: Engine) -> None:
    japan = timezone(timedelta(hours=9))

    with work(engine) as uow:
        entry = uow.audit.append(NOW.astimezone(japan), "a", "b", "c", "d", {2: (1, 2), 10: None})

        assert uow.audit.all() == [entry]
        assert uow.audit.verify() == []


def test_writers_at_once_do_not_fork_the_audit_chain(shared_engine: Engine) -> None:
    at_once(4, lambda number: [append(shared_engine, f"{number}-{turn}") for turn in range(10)])

    with work(shared_engine, readonly=True) as uow:
        assert [entry.number for entry in uow.audit.all()] == list(range(1, 41))
        assert uow.audit.verify() == []


def test_the_audit_log_refuses_everything_but_additions(engine: Engine) -> None:
    append(engine, "adopt")
    replacing = {
        "sqlite": "INSERT OR REPLACE INTO audit SELECT * FROM audit",
        "postgresql": "TRUNCATE audit",
    }

    for statement in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit", replacing[engine.dialect.name]):
        with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(text(statement))

    assert problems(engine) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE audit SET actor = '別人' WHERE number = 2", "2番 の内容が"),
        ("UPDATE audit SET details = 'x' WHERE number = 3", "3番 の内容が"),
        ("UPDATE audit SET at = '2016-06-04 00:00:00+00' WHERE number = 1", "1番 の内容が"),
        ("DELETE FROM audit WHERE number = 1", "1番 が欠けて"),
        ("DELETE FROM audit WHERE number IN (2, 3)", "2番から3番まで が欠けて"),
        ("DELETE FROM audit WHERE number = 4", "4番 が欠けて"),
        ("DELETE FROM audit", "1番から4番まで が欠けて"),
        ("UPDATE audit SET municipality = '041009' WHERE number = 2", "2番 が欠けて"),
    ],
)
def test_an_altered_or_dropped_audit_entry_is_named(engine: Engine, change: str, problem: str) -> None:
    append(engine, "adopt", "move", "approve", "undo")

    tamper(engine, change)

    [found] = problems(engine)
    assert problem in found


@pytest.mark.parametrize(
    ("actions", "problem"),
    [
        (["adopt"], "2番 は、後から差し込まれたもの"),
        (["adopt", "move"], "2番 が、記録した後に作り直されて"),
        (["adopt", "move", "undo"], "3番 が、前の記録につながって"),
    ],
)
def test_a_forged_second_entry_is_named_even_where_its_own_hash_is_right(
    engine: Engine, actions: list[str], problem: str
) -> None:
    append(engine, *actions)
    with engine.begin() as connection:
        head = connection.execute(text("SELECT * FROM audit_heads")).mappings().one()
        later = connection.execute(text("SELECT * FROM audit WHERE number > 2")).mappings().all()
    tamper(
        engine,
        "DELETE FROM audit WHERE number > 1",
        "UPDATE audit_heads SET number = 1, hash = (SELECT hash FROM audit)",
    )
    append(engine, "forged")
    with engine.begin() as connection:
        for row in later:
            connection.execute(AGAIN, dict(row))
        connection.execute(text("UPDATE audit_heads SET number = :number, hash = :hash"), dict(head))

    [found] = problems(engine)

    assert problem in found


@pytest.mark.parametrize(
    "change",
    [
        """UPDATE audit SET details = '{"理由":"別","理由":"日程の調整","順":[1,2.5]}' WHERE number = 2""",
        "UPDATE audit SET details = replace(details, ',', ', ') WHERE number = 2",
        "UPDATE audit SET previous_hash = hash WHERE number = 2",
        "UPDATE audit SET hash = upper(hash) WHERE number = 2",
    ],
)
def test_another_spelling_of_the_same_value_is_named(engine: Engine, change: str) -> None:
    append(engine, "adopt", "move")

    tamper(engine, change)

    assert "2番 の内容が" in problems(engine)[0]


def test_a_log_cut_or_rebuilt_with_its_head_differs_from_what_was_noted(engine: Engine) -> None:
    append(engine, "adopt", "move", "approve")
    with work(engine, readonly=True) as uow:
        noted = uow.audit.head()
        assert uow.audit.verify(AuditHead(3, noted.hash[:16])) == []
    tamper(
        engine,
        "DELETE FROM audit WHERE number > 1",
        "UPDATE audit_heads SET number = 1, hash = (SELECT hash FROM audit)",
    )

    with work(engine) as uow:
        assert uow.audit.verify() == []
        [cut] = uow.audit.verify(noted)
        uow.audit.append(NOW, "別人", "proxy", "move", "fy28/pia", {})
        uow.audit.append(NOW, "別人", "proxy", "approve", "fy28/pia", {})
        assert uow.audit.verify() == []
        [rebuilt] = uow.audit.verify(noted)

    assert "3番 がありません" in cut
    assert "3番 のハッシュが、控え" in rebuilt


def test_the_entry_after_a_dropped_one_does_not_take_its_number(engine: Engine) -> None:
    append(engine, "adopt", "move")
    tamper(engine, "DELETE FROM audit WHERE number = 2")

    append(engine, "undo")

    [found] = problems(engine)
    assert "2番 が欠けて" in found


# --- any tampering ---

ENTRIES = 6
FORGED = {
    "at": "2016-06-04 00:00:00.000000",
    "actor": "別人",
    "authenticated_by": "別",
    "action": "別",
    "subject": "別",
    "details": "{}",
    "previous_hash": "f" * 64,
    "hash": "f" * 64,
    "municipality": "041009",
}


@pytest.fixture(scope="module")
def unguarded() -> Iterator[Engine]:
    """A log of six entries without its triggers, on SQLite."""
    engine = connect("sqlite://")
    upgrade(engine)
    append(engine, *map(str, range(1, ENTRIES + 1)))
    tamper(engine)
    yield engine
    engine.dispose()


def forge(connection: Connection, kept: int, forged: int) -> None:
    """Go on after the first entries as if no others had followed, every hash and the head as they ought to be."""
    connection.execute(text("DELETE FROM audit WHERE number > :kept"), {"kept": kept})
    head = "UPDATE audit_heads SET number = :kept, hash = (SELECT hash FROM audit WHERE number = :kept)"
    connection.execute(text(head if kept else "DELETE FROM audit_heads"), {"kept": kept})
    for number in range(forged):
        Audit(connection, ISHINOMAKI).append(NOW, "別人", "proxy", f"forged {number}", "fy28/pia", {})


def named(sentence: str) -> list[int]:
    return [int(number) for number in re.findall(r"(\d+)番", sentence)]


@given(data=st.data())
@settings(deadline=None, max_examples=200)
def test_any_tampering_is_found_and_named(unguarded: Engine, data: st.DataObject) -> None:
    first, last = sorted(data.draw(st.lists(st.integers(1, ENTRIES), min_size=2, max_size=2), "numbers"))
    span = {"first": first, "last": last}
    how = data.draw(st.sampled_from(["alter", "drop", "insert", "swap", "rehash", "forge"]), "how")
    with open_transaction(unguarded, readonly=False) as connection:  # never committed
        audit = Audit(connection, ISHINOMAKI)
        noted = audit.head()
        if how == "alter":
            column = data.draw(st.sampled_from(sorted(FORGED)), "column")
            change = text(f"UPDATE audit SET {column} = :forged WHERE number = :first")  # noqa: S608
            connection.execute(change, {"forged": FORGED[column], "first": first})
            assert named(audit.verify()[0]) == [first]
        elif how == "drop":
            connection.execute(text("DELETE FROM audit WHERE number BETWEEN :first AND :last"), span)
            assert [named(each) for each in audit.verify()] == [sorted({first, last})]
        elif how == "insert":
            forge(connection, ENTRIES, last)
            connection.execute(text("UPDATE audit_heads SET number = :number, hash = :hash"), noted._asdict())
            assert [named(each) for each in audit.verify()] == [sorted({ENTRIES + 1, ENTRIES + last})]
        elif how == "swap":
            for move in ("-:last WHERE number = :first", ":first WHERE number = :last", ":last WHERE number = -:last"):
                connection.execute(text(f"UPDATE audit SET number = {move}"), span)  # noqa: S608
            assert [named(each) for each in audit.verify() if "内容が" in each] == (
                [[first], [last]] if first < last else []
            )
        elif how == "rehash":
            # Some entries made anew, before those that followed and the head as they were.
            later = connection.execute(text("SELECT * FROM audit WHERE number > :last"), span).mappings().all()
            forge(connection, first - 1, last - first + 1)
            for row in later:
                connection.execute(AGAIN, dict(row))
            connection.execute(text("UPDATE audit_heads SET number = :number, hash = :hash"), noted._asdict())
            [found] = audit.verify()
            assert named(found)[0] == min(last + 1, ENTRIES)
        else:
            # As long as the one before or shorter, the log agrees with itself: only what was noted shows it.
            forge(connection, first - 1, last - first + 1)
            assert audit.verify() == []
            [found] = audit.verify(noted)
            assert named(found)[0] == ENTRIES
