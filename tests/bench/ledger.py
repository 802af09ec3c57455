"""Growth: what a reminder costs when the ledger holds a thousand, a hundred thousand, half a million already.

A reminder is written with its letter, looked up again as the next pass does, claimed, and marked as sent.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from kijitsu.messages import Envelope, Wording
from kijitsu.store.engine import connect, upgrade
from kijitsu.store.rows import ReminderRow, ReminderState
from kijitsu.store.work import UnitOfWork

from .measure import Row, in_turn

SIZES = (1_000, 100_000, 500_000)
HERE, PLAN, MILESTONES, CHUNK = "042021", "fy28", 60, 10_000
NOW, LEASE = datetime(2016, 6, 2, 23, 30, tzinfo=UTC), timedelta(minutes=5)
WORDING = Wording("期日のお知らせ", "本文です。\n" * 40, "<p>本文です。</p>\n" * 60, "{}")
OLD = Wording(
    "期日のお知らせ", "本文です。", "", "{}"
)  # short, so that half a million take minutes to write and not hours
_numbers = count()

Open = Callable[[], UnitOfWork]


def measure() -> list[Row]:
    """Fill a ledger of each size, time a reminder in each of them in turn, return the rows."""
    with TemporaryDirectory() as folder, ExitStack() as opened:
        calls = {}
        for size in SIZES:
            engine = connect(f"sqlite:///{Path(folder) / f'{size}.db'}")
            opened.callback(engine.dispose)
            upgrade(engine)
            work = partial(UnitOfWork, engine, HERE)
            for _ in range(0, size, CHUNK):
                _write(work, min(size, CHUNK), ReminderState.SENT)
                with engine.begin() as connection:
                    connection.execute(
                        text("UPDATE outbox SET state = 'sent', sent_at = not_before WHERE state = 'pending'")
                    )
            calls[f"{size:,} in the ledger"] = partial(_one, work)
        taken = in_turn(21, calls, each=50)
    (_, least), *others = taken.items()
    rows = [Row(f"a reminder, {SIZES[0]:,} in the ledger", least)]
    for name, seconds in others:
        print(f"{name}: {seconds / least:.2f} times as long as {SIZES[0]:,}")
        rows.append(Row(f"a reminder, {name}", seconds, at_most=1.2 * least))
    return rows


def _one(work: Open) -> None:
    (row,) = _write(work, 1, ReminderState.PENDING)
    with work() as uow:
        known = uow.reminders.states(PLAN, [f"m{number}" for number in range(MILESTONES)], row.deadline)
        assert row.key in known
        uow.reminders.waiting(PLAN)
        claimed = uow.outbox.claim(NOW, LEASE, "bench")
        uow.commit()
    assert claimed and claimed.key == row.message_key
    with work() as uow:
        assert uow.outbox.mark_sent(claimed.key, "bench", NOW)
        uow.reminders.settle([claimed.key], ReminderState.SENT)
        uow.commit()


def _write(work: Open, how_many: int, state: ReminderState) -> list[ReminderRow]:
    """Write reminders and a letter for each."""
    made = [next(_numbers) for _ in range(how_many)]
    rows = [_row(number, state) for number in made]
    with work() as uow:
        uow.outbox.add([_letter(row, OLD if state is ReminderState.SENT else WORDING) for row in rows], NOW)
        uow.reminders.add(rows)
        uow.commit()
    return rows


def _row(number: int, state: ReminderState) -> ReminderRow:
    day = date(1990, 4, 1) + timedelta(number // MILESTONES)
    key = f"{PLAN}/{day}/{number:06}"
    return ReminderRow(PLAN, f"m{number % MILESTONES}", "before:5wd", "residents", day, day, "mail", state, key, day)


def _letter(row: ReminderRow, wording: Wording) -> Envelope:
    assert row.message_key
    return Envelope(
        row.message_key, "mail", "joho@city.example", "市民課", f"<{row.message_key}@city.example>", NOW, wording
    )
