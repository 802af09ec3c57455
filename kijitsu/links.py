"""Signed links: how a letter's reader is known without a password, for one milestone and one recipient only."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

from itsdangerous import BadData, Signer, base64_decode, base64_encode

from kijitsu.domain.errors import InputError, OutsideError

KEPT = 3
"""How many keys are good at a time: the newest signs."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a link is good for. `recipient` is a body's id or a post's title; `revision` the plan's when it was made."""

    municipality: str
    plan: str
    milestone: str
    recipient: str
    revision: int


class BadLink(InputError):
    """The link was not made by us, or was changed on its way."""


class ExpiredLink(InputError):
    """The link is older than links may be."""


@dataclass(frozen=True, slots=True)
class Key:
    """A secret that signs links, and the day (UTC) on which it was made."""

    made_on: date
    secret: str

    @property
    def fingerprint(self) -> str:
        """What a key is called: it tells nothing of the secret."""
        return sha256(self.secret.encode()).hexdigest()[:12]


class KeyFile:
    """The keys of an installation: `link-keys` in its home, one a line with its day, the newest last; made when first
    asked for.

    Only its owner may read the file. It appears and changes as a whole, whoever else asks at the same time, and a
    change is noticed by every process at its next link.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / "link-keys"
        self._read: tuple[tuple[int, int], Sequence[Key]] | None = None

    def keys(self) -> Sequence[Key]:
        """Return the keys, the newest last. Raises OutsideError where the file cannot be read or made."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return self._changed(lambda keys: keys or [_new_key()])
        stamp = (found.st_mtime_ns, found.st_ino)
        if self._read is None or self._read[0] != stamp:
            self._read = stamp, self._parsed()
        return self._read[1]

    def rotate(self) -> Sequence[Key]:
        """Add a key that signs from now on; return what is kept, the newest last."""
        return self._changed(lambda keys: [*keys, _new_key()][-KEPT:])

    def _changed(self, change: Callable[[Sequence[Key]], Sequence[Key]]) -> Sequence[Key]:
        part = self._path.with_name(f".{self._path.name}.part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.with_name(f".{self._path.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                keys = change(self._parsed() if self._path.exists() else ())
                part.unlink(missing_ok=True)
                with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                    file.writelines(f"{key.made_on} {key.secret}\n" for key in keys)
                part.replace(self._path)
        except OSError as exc:
            raise OutsideError(
                f"リンクの鍵 {self._path} を書けません（{exc.strerror}）。権限と空き容量を確かめてください。"
            ) from exc
        return keys

    def _parsed(self) -> Sequence[Key]:
        try:
            lines = self._path.read_text(encoding="ascii").splitlines()
            keys = [Key(date.fromisoformat(day), secret) for day, secret in (line.split() for line in lines)]
        except (OSError, ValueError):
            keys = []
        if not keys:
            raise OutsideError(
                f"リンクの鍵 {self._path} を読めません。権限を確かめるか、ファイルを退けてください。"
                "退けると新しい鍵ができ、これまでのリンクは使えなくなります。"
            )
        return keys


def _new_key() -> Key:
    return Key(datetime.now(UTC).date(), secrets.token_urlsafe(32))


class Links:
    """Makes and reads links. The last of `keys` signs, all of them are accepted; a link is good for `days`.

    The same ticket at the same instant gives the same link. Clocks are handed in.
    """

    def __init__(self, keys: Callable[[], Sequence[Key]], base_url: str, days: int) -> None:
        self._keys, self._base, self._seconds = keys, base_url.rstrip("/"), days * 86_400
        self._made: tuple[Sequence[Key], Signer] | None = None

    def url(self, ticket: Ticket, at: datetime) -> str:
        """Return the address of the page on which the ticket's holder answers."""
        said = json.dumps([int(at.timestamp()), *astuple(ticket)], ensure_ascii=False, separators=(",", ":"))
        return f"{self._base}/answer/{self._signer.sign(base64_encode(said)).decode()}"

    def read(self, token: str, at: datetime) -> Ticket:
        """Return what a token is good for. Raises BadLink or ExpiredLink."""
        try:
            made_at, *values = json.loads(base64_decode(self._signer.unsign(token)))
            ticket = Ticket(*values)
        except (BadData, TypeError, ValueError):
            raise BadLink(
                "このリンクは正しくありません。通知のリンクを省かずに開くか、事務局へお知らせください。"
            ) from None
        if at.timestamp() - made_at > self._seconds:
            raise ExpiredLink("このリンクは期限が切れました。最新の通知のリンクを開くか、事務局へお知らせください。")
        return ticket

    @property
    def _signer(self) -> Signer:
        keys = self._keys()
        if self._made is None or self._made[0] is not keys:
            # Not its serializers: they try to compress each ticket, which takes ten times the time of all the rest.
            known = [key.secret for key in keys]
            made = Signer(known, salt="kijitsu-answer", key_derivation="hmac", digest_method=sha256)
            self._made = keys, made
        return self._made[1]
