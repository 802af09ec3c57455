"""Signing in to the board: by a password, by a one-time link, on the word of a proxy or a provider; and for how long.

Who somebody is comes from here; what they may do, from the people file. Every token is random and kept as its SHA-256
only.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from kijitsu.domain.errors import InputError, did_you_mean
from kijitsu.domain.roles import Right, Role
from kijitsu.office import Actor, Json, NotAllowed, Office
from kijitsu.people import os_user
from kijitsu.services.passwords import (
    BadPassword,
    WrongPassword,
    digest,
    forget,
    hashed,
    note,
    opened,
    plain,
    require_good,
    verified,
)
from kijitsu.store.rows import AccountRow, SignInLink, VisitRow
from kijitsu.store.work import UnitOfWork

IDLE, LONGEST = timedelta(hours=2), timedelta(hours=12)
"""A visit ends so long after its last use, and so long after it began."""

LINK_GOOD_FOR = timedelta(minutes=30)
_SEEN_EVERY = timedelta(minutes=5)


class BadSignInLink(InputError):
    """A one-time link that was used, is too old, or was never made."""

    def __init__(self) -> None:
        super().__init__(
            "このサインインのリンクは、使われたか、期限が切れたか、省かれています。"
            "管理者に新しいリンクを求めてください（kijitsu account link）。"
        )


@dataclass(frozen=True)
class Visit:
    """Somebody who is signed in, and how they did: an `Actor.authenticated_by`."""

    account: str
    began_by: str


@dataclass(frozen=True)
class Listed:
    """An account as an administrator sees it."""

    account: str
    roles: tuple[Role, ...]
    has_password: bool
    is_locked: bool

    def as_json(self) -> Json:
        """Return it as `kijitsu account list --json` shows it."""
        return asdict(self)


# --- visits ---


def visit(office: Office, token: str, is_active: bool = True) -> Visit | None:
    """Return whose visit a token is, None for one that is over; being `is_active` keeps it from becoming idle."""
    now = office.clock()
    with opened(office, readonly=True) as work:
        row = work.accounts.visit(digest(token))
        account = work.accounts.find(row.account) if row else None
    if row is None or now >= min(row.began_at + LONGEST, row.seen_at + IDLE):
        return None
    if account is None and row.began_by != "oidc":
        return None
    if account is not None and account.locked_at is not None:
        return None
    if is_active and now - row.seen_at >= _SEEN_EVERY:
        with opened(office).of_the_moment() as work:
            work.accounts.seen(row.token_sha256, now)
            work.commit()
    return Visit(row.account, row.began_by)


def sign_out(office: Office, token: str) -> None:
    """End a visit; nothing happens where it is over."""
    with opened(office) as work:
        row = work.accounts.visit(digest(token))
        if row is None:
            return
        work.accounts.end(row.token_sha256)
        note(office, work, office.known_as(row.account, row.began_by), "sign-out", row.account)
        work.commit()


def vouched_for(office: Office, account: str, by: str) -> Actor:
    """Return who somebody is on a proxy's or a provider's word.

    Raises NotAllowed for who is not in the people file, or is locked.
    """
    actor = office.known_as(account, by)
    if not actor.account or _is_locked(office, actor.account):
        raise NotAllowed(f"「{account}」では、この画面を使えません。{actor.ask}")
    return actor


def _is_locked(office: Office, account: str) -> bool:
    with opened(office, readonly=True) as work:
        row = work.accounts.find(account)
    return row is not None and row.locked_at is not None


def begin(office: Office, actor: Actor) -> str:
    """Sign somebody in whom an OpenID provider vouched for; return the visit's token."""
    with opened(office) as work:
        token = _begin(office, work, actor.account, actor.authenticated_by)
        work.commit()
    return token


# --- passwords ---


def sign_in(office: Office, account: str, password: str, address: str) -> str:
    """Sign somebody in and return the visit's token; `address` is the client's.

    Raises WrongPassword or LockedOut, whether or not there is such an account, after as much work.
    """
    account = plain(account)
    new_hash = verified(office, account, password, address)
    with opened(office) as work:
        row = work.accounts.find(account)
        if row is None or row.locked_at is not None:
            raise WrongPassword
        if new_hash:
            work.accounts.put(replace(row, password_hash=new_hash))
        token = _begin(office, work, account, "password")
        work.commit()
    return token


def set_password(office: Office, token: str, old: str, new: str, address: str) -> str:
    """Give the account of a visit another password, end all its visits, and return the token of a new one.

    `old` is looked at where the visit began with a password; whoever came by a one-time link need not know it.
    Raises BadPassword for one that cannot be taken, WrongPassword or LockedOut.
    """
    found = visit(office, token)
    if found is None or found.began_by == "oidc":
        raise BadPassword("このサインインでは、パスワードを変えられません。")
    require_good(found.account, new)
    if found.began_by == "password":
        verified(office, found.account, old, address)
    new_hash = hashed(new)
    with opened(office) as work:
        row = work.accounts.find(found.account)
        if row is None or row.locked_at is not None:
            raise WrongPassword
        work.accounts.put(replace(row, password_hash=new_hash))
        work.accounts.end_all(found.account)
        work.accounts.drop_links(found.account)
        note(office, work, office.known_as(found.account, found.began_by), "password", found.account)
        began = _start(office, work, found.account, "password")
        work.commit()
    return began


# --- one-time links and the accounts themselves ---


def listed(office: Office) -> list[Listed]:
    """Return every account, with what it may do; none where there is no database yet."""
    return [
        Listed(
            row.account,
            tuple(role for role in Role if role in office.known_as(row.account, "password").roles),
            row.password_hash is not None,
            row.locked_at is not None,
        )
        for row in _everybody(office)
    ]


def _everybody(office: Office) -> Sequence[AccountRow]:
    if not office.settings.may_have_database:
        return ()
    with opened(office, readonly=True) as work:
        return work.accounts.all()


def make_link(office: Office, actor: Actor, account: str) -> str:
    """Return the token of a link that signs somebody in once, in place of any former one; their account is made where
    there is none.

    Raises NotAllowed, and InputError for somebody who is not in the people file, or locked.
    """
    actor.require(Right.ADMINISTER, "サインインのリンクの発行")
    account = plain(account)
    _require_known(office, account)
    token, now = secrets.token_urlsafe(32), office.clock()
    with opened(office) as work:
        found = work.accounts.find(account)
        if found is not None and found.locked_at is not None:
            raise InputError(
                f"アカウント {account} は止めてあります。使えるようにするには: kijitsu account unlock {account}"
            )
        if found is None:
            work.accounts.put(AccountRow(account, None, now))
        work.accounts.put_link(SignInLink(digest(token), account, now + LINK_GOOD_FOR))
        note(office, work, actor, "account-link", account)
        work.commit()
    return token


def first_link(office: Office, actor: Actor) -> str | None:
    """Return the token of a link for the operating system's user where nobody could sign in yet, else None."""
    people = office.people()
    is_known = people is None or actor.account in people
    if _everybody(office) or _elsewhere(office) or not is_known or not actor.may(Right.ADMINISTER):
        return None
    return make_link(office, actor, actor.account or os_user())


def whose_link(office: Office, token: str) -> str:
    """Return whom a link would sign in; it stays as it is. Raises BadSignInLink."""
    with opened(office, readonly=True) as work:
        row = work.accounts.link(digest(token))
        account = work.accounts.find(row.account) if row else None
    is_good = row is not None and row.used_at is None and row.expires_at > office.clock()
    if row is None or not is_good or account is None or account.locked_at is not None:
        raise BadSignInLink
    return row.account


def sign_in_by_link(office: Office, token: str) -> str:
    """Sign in whom a link is for, once; return the visit's token. Raises BadSignInLink."""
    account = whose_link(office, token)
    with opened(office) as work:
        if not work.accounts.use_link(digest(token), office.clock()):
            raise BadSignInLink
        forget(work, account)
        began = _begin(office, work, account, "sign-in-link")
        work.commit()
    return began


def lock(office: Office, actor: Actor, account: str) -> None:
    """Let nobody sign in as an account any more, and end its visits and links. Raises NotAllowed, InputError."""
    actor.require(Right.ADMINISTER, "アカウントの停止")
    with opened(office) as work:
        row = _existing(work, account)
        work.accounts.put(replace(row, locked_at=office.clock()))
        work.accounts.end_all(row.account)
        work.accounts.drop_links(row.account)
        note(office, work, actor, "account-lock", row.account)
        work.commit()


def unlock(office: Office, actor: Actor, account: str) -> None:
    """Let somebody sign in again who was locked, or who guessed wrong too often. Raises NotAllowed, InputError."""
    actor.require(Right.ADMINISTER, "アカウントの停止の解除")
    with opened(office) as work:
        row = _existing(work, account)
        work.accounts.put(replace(row, locked_at=None))
        forget(work, row.account)
        note(office, work, actor, "account-unlock", row.account)
        work.commit()


def _existing(work: UnitOfWork, account: str) -> AccountRow:
    row = work.accounts.find(plain(account))
    if row is None:
        known = [each.account for each in work.accounts.all()]
        near = did_you_mean(account, known) or f"あるもの: {'、'.join(known) or 'なし'}"
        raise InputError(f"アカウント {account} はありません。{near}")
    return row


def _require_known(office: Office, account: str) -> None:
    people = office.people()
    if people is None and account != os_user():
        raise InputError(
            f"利用者ファイルがないときは、{os_user()} だけがサインインできます。"
            f"{account} も使うには、KIJITSU_PEOPLE の利用者ファイルに書いてください。"
        )
    if people is not None and account not in people:
        raise InputError(
            f"「{account}」は利用者ファイル {office.settings.people} にありません。{did_you_mean(account, people)}"
        )


# --- how people sign in ---


def ways(office: Office) -> list[str]:
    """Return, in Japanese, each way by which somebody can sign in: by a proxy, a provider, a password."""
    with_password = [each for each in _everybody(office) if each.password_hash and each.locked_at is None]
    return [*_elsewhere(office), *([f"パスワード（{len(with_password)}人）"] if with_password else [])]


def require_ways(office: Office) -> None:
    """Raise InputError where the board would listen beyond this machine and nobody could sign in to it properly."""
    settings = office.settings
    if settings.board_host in ("localhost", "127.0.0.1", "::1"):
        return
    people = office.people()
    if people is None or not ways(office):
        lacking = "利用者ファイル（KIJITSU_PEOPLE）がない" if people is None else "サインインの手段がない"
        raise InputError(
            f"{lacking}ので、画面を KIJITSU_BOARD_HOST={settings.board_host} では開けません。"
            "KIJITSU_PEOPLE を設定し、さらに KIJITSU_PROXY_USER_HEADER と KIJITSU_PROXY_FROM、KIJITSU_OIDC_ISSUER、"
            "kijitsu account link で作るパスワードのどれかを用意してください。"
            "HTTPS は、前に置く中継（リバースプロキシ）で終端してください。"
        )


def _elsewhere(office: Office) -> list[str]:
    settings = office.settings
    found = []
    if settings.proxy_user_header:
        found.append(f"中継の {settings.proxy_user_header} ヘッダー（{settings.proxy_from} から）")
    if settings.oidc_issuer:
        found.append(f"OpenID Connect（{settings.oidc_issuer}）")
    return found


# --- shared ---


def _begin(office: Office, work: UnitOfWork, account: str, by: str) -> str:
    token = _start(office, work, account, by)
    note(office, work, office.known_as(account, by), "sign-in", account)
    return token


def _start(office: Office, work: UnitOfWork, account: str, by: str) -> str:
    token, now = secrets.token_urlsafe(32), office.clock()
    work.accounts.end_old(now - LONGEST, now - IDLE)
    work.accounts.begin(VisitRow(digest(token), account, by, now, now))
    return token
