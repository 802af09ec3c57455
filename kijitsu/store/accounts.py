"""Who signs in to the board: accounts, their visits, one-time links, and what was tried in vain."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, or_, update

from kijitsu.store.repository import Repository, rows_of, upsert, values
from kijitsu.store.rows import AccountRow, Attempts, SignInLink, VisitRow
from kijitsu.store.tables import accounts, sign_in_attempts, sign_in_links, visits

_ACCOUNTS = rows_of(accounts, AccountRow).order_by(accounts.c.account)
_ACCOUNT = rows_of(accounts, AccountRow).where(accounts.c.account == bindparam("account"))
_VISIT_HERE = (visits.c.municipality == bindparam("here")) & (visits.c.token_sha256 == bindparam("token"))
_VISIT = rows_of(visits, VisitRow).where(visits.c.token_sha256 == bindparam("token"))
_SEEN = update(visits).where(_VISIT_HERE).values(seen_at=bindparam("at"))
_END = delete(visits).where(_VISIT_HERE)
_END_ALL = delete(visits).where(visits.c.municipality == bindparam("here"), visits.c.account == bindparam("account"))
_END_OLD = delete(visits).where(
    visits.c.municipality == bindparam("here"),
    or_(visits.c.began_at <= bindparam("began"), visits.c.seen_at <= bindparam("seen")),
)
_LINK = rows_of(sign_in_links, SignInLink).where(sign_in_links.c.token_sha256 == bindparam("token"))
_USE = (
    update(sign_in_links)
    .where(
        sign_in_links.c.municipality == bindparam("here"),
        sign_in_links.c.token_sha256 == bindparam("token"),
        sign_in_links.c.used_at.is_(None),
        sign_in_links.c.expires_at > bindparam("at"),
    )
    .values(used_at=bindparam("at"))
)
_DROP_LINKS = delete(sign_in_links).where(
    sign_in_links.c.municipality == bindparam("here"), sign_in_links.c.account == bindparam("account")
)
_ATTEMPTS = rows_of(sign_in_attempts, Attempts).where(sign_in_attempts.c.subject_sha256 == bindparam("subject"))
_FORGET = delete(sign_in_attempts).where(
    sign_in_attempts.c.municipality == bindparam("here"), sign_in_attempts.c.subject_sha256 == bindparam("subject")
)
_FORGET_OLD = delete(sign_in_attempts).where(
    sign_in_attempts.c.municipality == bindparam("here"), sign_in_attempts.c.last_at <= bindparam("before")
)


class Accounts(Repository):
    """The accounts of an installation and what belongs to them."""

    def all(self) -> Sequence[AccountRow]:
        """Return every account, by name."""
        return [AccountRow(*row) for row in self._rows(_ACCOUNTS)]

    def find(self, account: str) -> AccountRow | None:
        """Return an account, None where there is none of that name."""
        return next((AccountRow(*row) for row in self._rows(_ACCOUNT, account=account)), None)

    def put(self, row: AccountRow) -> None:
        """Add an account, or overwrite the one of its name."""
        self._write(upsert(self._dialect, accounts), [values(row)])

    def visit(self, token_sha256: str) -> VisitRow | None:
        """Return a visit, however old."""
        return next((VisitRow(*row) for row in self._rows(_VISIT, token=token_sha256)), None)

    def begin(self, row: VisitRow) -> None:
        """Add a visit."""
        self._write(insert(visits), [values(row)])

    def seen(self, token_sha256: str, at: datetime) -> None:
        """Remember when a visit was last used."""
        self._run(_SEEN, token=token_sha256, at=at)

    def end(self, token_sha256: str) -> None:
        """End a visit; nothing happens where it is over."""
        self._run(_END, token=token_sha256)

    def end_all(self, account: str) -> None:
        """End every visit of an account."""
        self._run(_END_ALL, account=account)

    def end_old(self, began_before: datetime, seen_before: datetime) -> None:
        """Remove the visits that began, or were last used, by then."""
        self._run(_END_OLD, began=began_before, seen=seen_before)

    def link(self, token_sha256: str) -> SignInLink | None:
        """Return a one-time link, used or not."""
        return next((SignInLink(*row) for row in self._rows(_LINK, token=token_sha256)), None)

    def put_link(self, row: SignInLink) -> None:
        """Add a one-time link in place of all that the account had."""
        self.drop_links(row.account)
        self._write(insert(sign_in_links), [values(row)])

    def use_link(self, token_sha256: str, at: datetime) -> bool:
        """Mark a link as used; tell whether it was good until now."""
        return bool(self._run(_USE, token=token_sha256, at=at).rowcount)

    def drop_links(self, account: str) -> None:
        """Remove an account's one-time links."""
        self._run(_DROP_LINKS, account=account)

    def attempts(self, subject_sha256: str) -> Attempts | None:
        """Return what failed of late."""
        return next((Attempts(*row) for row in self._rows(_ATTEMPTS, subject=subject_sha256)), None)

    def put_attempts(self, row: Attempts) -> None:
        """Write over what failed of late."""
        self._write(upsert(self._dialect, sign_in_attempts), [values(row)])

    def forget_attempts(self, subject_sha256: str) -> None:
        """Remove what failed."""
        self._run(_FORGET, subject=subject_sha256)

    def forget_old_attempts(self, before: datetime) -> None:
        """Remove what last failed by then."""
        self._run(_FORGET_OLD, before=before)
