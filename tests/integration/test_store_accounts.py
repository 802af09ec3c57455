"""What the store promises of accounts, the same on SQLite in memory, SQLite in a file and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from kijitsu.store.rows import AccountRow, Attempts, SignInLink, VisitRow
from kijitsu.store.work import UnitOfWork
from tests.at_once import at_once

NOW = datetime(2016, 6, 3, 0, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
DIGESTS = [str(number) * 64 for number in range(4)]


def work(engine: Engine, municipality: str = "042021") -> UnitOfWork:
    return UnitOfWork(engine, municipality)


def test_an_account_is_written_over_and_belongs_to_its_municipality(engine: Engine) -> None:
    row = AccountRow("tanaka", None, NOW)
    with work(engine) as uow:
        uow.accounts.put(row)
        uow.accounts.put(replace(row, password_hash="$argon2id$…", locked_at=NOW))
        uow.commit()

    with work(engine) as uow:
        assert uow.accounts.all() == [AccountRow("tanaka", "$argon2id$…", NOW, NOW)]
        assert uow.accounts.find("suzuki") is None
    with work(engine, "041009") as elsewhere:
        assert elsewhere.accounts.find("tanaka") is None


def test_what_ends_of_the_visits_is_what_was_meant(engine: Engine) -> None:
    rows = [
        VisitRow(DIGESTS[0], "tanaka", "password", NOW - 13 * HOUR, NOW),
        VisitRow(DIGESTS[1], "tanaka", "password", NOW - HOUR, NOW - HOUR),
        VisitRow(DIGESTS[2], "tanaka", "sign-in-link", NOW, NOW),
        VisitRow(DIGESTS[3], "suzuki", "oidc", NOW, NOW),
    ]
    with work(engine) as uow:
        for row in rows:
            uow.accounts.begin(row)
        uow.accounts.seen(DIGESTS[1], NOW)
        uow.accounts.end_old(NOW - 12 * HOUR, NOW - HOUR)
        after_old = [uow.accounts.visit(digest) for digest in DIGESTS]
        uow.accounts.end(DIGESTS[2])
        uow.accounts.end_all("tanaka")
        uow.commit()

    assert after_old == [None, replace(rows[1], seen_at=NOW), rows[2], rows[3]]
    with work(engine) as uow:
        assert [uow.accounts.visit(digest) for digest in DIGESTS] == [None, None, None, rows[3]]


def test_a_link_is_used_once_whoever_else_tries_at_the_same_time(shared_engine: Engine) -> None:
    with work(shared_engine) as uow:
        uow.accounts.put_link(SignInLink(DIGESTS[0], "tanaka", NOW))
        uow.accounts.put_link(SignInLink(DIGESTS[1], "tanaka", NOW + HOUR))
        uow.accounts.put_link(SignInLink(DIGESTS[2], "suzuki", NOW))
        uow.commit()

    def use(number: int) -> bool:
        with work(shared_engine) as uow:
            is_good = uow.accounts.use_link(DIGESTS[1], NOW)
            uow.commit()
        return is_good

    assert sorted(at_once(4, use)) == [False, False, False, True]
    with work(shared_engine) as uow:
        # The former link of the same account is gone, and the other's is too old.
        assert uow.accounts.link(DIGESTS[0]) is None
        assert uow.accounts.link(DIGESTS[1]) == SignInLink(DIGESTS[1], "tanaka", NOW + HOUR, NOW)
        assert not uow.accounts.use_link(DIGESTS[2], NOW)


def test_what_was_tried_in_vain_is_forgotten_when_it_is_old(engine: Engine) -> None:
    with work(engine) as uow:
        uow.accounts.put_attempts(Attempts(DIGESTS[0], 4, NOW - HOUR))
        uow.accounts.put_attempts(Attempts(DIGESTS[1], 1, NOW))
        uow.accounts.put_attempts(Attempts(DIGESTS[1], 5, NOW, NOW + HOUR))
        uow.accounts.put_attempts(Attempts(DIGESTS[2], 1, NOW))
        uow.accounts.forget_old_attempts(NOW - HOUR)
        uow.accounts.forget_attempts(DIGESTS[2])
        uow.commit()

    with work(engine) as uow:
        found = [uow.accounts.attempts(digest) for digest in DIGESTS]
    assert found == [None, Attempts(DIGESTS[1], 5, NOW, NOW + HOUR), None, None]
