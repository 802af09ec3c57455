"""Passwords, and what is done against guessing them.

What is tried is counted before it is looked at, so that many tries at once are no way around the count.
"""

from __future__ import annotations

import math
import secrets
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from kijitsu.domain.errors import InputError
from kijitsu.domain.plan import Organisation
from kijitsu.office import Actor, Office
from kijitsu.store.rows import Attempts
from kijitsu.store.work import UnitOfWork

if TYPE_CHECKING:
    from pwdlib import PasswordHash

MOST_TRIES, MOST_FROM_AN_ADDRESS = 5, 20
"""From so many failures on, an account or an address has to wait: a minute, then twice as long each time."""

LONGEST_WAIT, REMEMBERED = timedelta(hours=1), timedelta(days=1)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200

# Each takes 64 MiB: so many at a time, whoever asks.
_HASHING = threading.BoundedSemaphore(4)


class WrongPassword(InputError):
    """No such account, another password, no password or a locked account: nobody is told which."""

    def __init__(self) -> None:
        super().__init__("アカウントかパスワードが違います。")


class LockedOut(InputError):
    """Signing in failed too often; nothing is tried until a while has passed."""


class BadPassword(InputError):
    """A new password that cannot be taken."""


def require_good(account: str, password: str) -> None:
    """Raise BadPassword for one that is too short, too long, or easily guessed."""
    given = plain(password)
    if not SHORTEST_PASSWORD <= len(given) <= LONGEST_PASSWORD:
        raise BadPassword(f"パスワードは{SHORTEST_PASSWORD}文字以上{LONGEST_PASSWORD}文字以下にしてください。")
    if account.casefold() in given.casefold() or len(set(given)) < 5:
        raise BadPassword("推測されやすいパスワードです。アカウントの名前や同じ文字の繰返しを避けてください。")


def verified(office: Office, account: str, password: str, address: str) -> str | None:
    """Count a try, then look at the password; return its hash anew where it should be kept in another form.

    Raises WrongPassword or LockedOut, whether or not there is such an account, after as much work.
    """
    now = office.clock()
    subjects = {
        digest(f"account {account}"): MOST_TRIES,
        digest(f"address {_network(address)}"): MOST_FROM_AN_ADDRESS,
    }
    with opened(office) as work:
        work.audit.take_turn()
        work.accounts.forget_old_attempts(now - REMEMBERED)
        before = {subject: work.accounts.attempts(subject) or Attempts(subject, 0, now) for subject in subjects}
        waiting = [each.locked_until for each in before.values() if each.locked_until and each.locked_until > now]
        if waiting:
            raise _locked_out(office, now, max(waiting))
        tries = [_counted(row, now, subjects[row.subject_sha256]) for row in before.values()]
        for row in tries:
            work.accounts.put_attempts(row)
        found = work.accounts.find(account)
        work.commit()
    kept = found.password_hash if found and found.locked_at is None else None
    nobodys = _nobodys_hash()
    with _HASHING:
        is_right, new_hash = _hasher().verify_and_update(plain(password), kept or nobodys)
    if kept and is_right:
        _take_back(office, tries)
        return new_hash
    if until := [row.locked_until for row in tries if row.locked_until]:
        with opened(office) as work:
            details = {"client": address, "until": _local(office, max(until)).isoformat(timespec="minutes")}
            subject = account if found else ""
            note(office, work, Actor("サインイン", "board"), "lock-out", subject, details)
            work.commit()
        raise _locked_out(office, now, max(until))
    raise WrongPassword


def _counted(row: Attempts, now: datetime, most: int) -> Attempts:
    failures = row.failures + 1
    if failures < most:
        return replace(row, failures=failures, last_at=now, locked_until=None)
    wait = min(LONGEST_WAIT, timedelta(minutes=2 ** min(failures - most, 20)))
    return replace(row, failures=failures, last_at=now, locked_until=now + wait)


def _take_back(office: Office, tries: Sequence[Attempts]) -> None:
    """Take a try back that did not fail. An account starts from nothing then.

    An address, which many may share, makes up for one failure: whoever mistypes and then gets in leaves nothing.
    """
    account, address = tries
    with opened(office) as work:
        work.audit.take_turn()
        work.accounts.forget_attempts(account.subject_sha256)
        if row := work.accounts.attempts(address.subject_sha256):
            work.accounts.put_attempts(replace(row, failures=max(0, row.failures - 2), locked_until=None))
        work.commit()


def forget(work: UnitOfWork, account: str) -> None:
    """Let an account that has to wait be tried again."""
    work.accounts.forget_attempts(digest(f"account {account}"))


def _locked_out(office: Office, now: datetime, until: datetime) -> LockedOut:
    minutes = math.ceil((until - now).total_seconds() / 60)
    return LockedOut(
        f"続けて間違えたので、{_shown(office, until)}まで（あと{minutes}分）サインインできません。"
        "急ぐときは、管理者にサインインのリンクを求めてください（kijitsu account link）。"
    )


def _local(office: Office, at: datetime) -> datetime:
    return at.astimezone(ZoneInfo(home_of(office).zone))


def _shown(office: Office, at: datetime) -> str:
    return f"{_local(office, at):%H:%M}"


def _network(address: str) -> str:
    """Return whose guesses are counted together: of IPv6, whoever has one address has its whole /64."""
    try:
        return str(ip_network((address, 64), strict=False)) if ip_address(address).version == 6 else address
    except ValueError:
        return address


# --- what accounts need, too ---


def home_of(office: Office) -> Organisation:
    """Return the organisation whose accounts and audit log these are: the first, where there are several.

    Raises InputError where there is none.
    """
    for organisation in office.library.organisations():
        return organisation
    raise InputError(f"{office.settings.calendar}/organisations/ に組織のファイルがありません。")


def opened(office: Office, readonly: bool = False) -> UnitOfWork:
    """Return a unit of work on the accounts."""
    return office.open_work(home_of(office).municipality, readonly)


def note(
    office: Office, work: UnitOfWork, actor: Actor, action: str, account: str, details: dict[str, str] | None = None
) -> None:
    """Add an entry to the audit log, on one account or on none that is known."""
    subject = f"accounts/{account}" if account else "accounts"
    work.audit.append(office.now(home_of(office)), actor.name, actor.authenticated_by, action, subject, details or {})


def plain(text: str) -> str:
    """Return what was typed, whichever width and composition the keyboard gave it."""
    return unicodedata.normalize("NFKC", text).replace("\0", "").strip()


def digest(secret: str) -> str:
    """Return what is kept of a secret that is random, or of what people may have typed."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@cache
def _hasher() -> PasswordHash:
    from pwdlib import PasswordHash

    return PasswordHash.recommended()


@cache
def _nobodys_hash() -> str:
    return hashed(secrets.token_urlsafe(32))


def hashed(password: str) -> str:
    """Return what is kept of a password (argon2id)."""
    with _HASHING:
        return _hasher().hash(plain(password))
