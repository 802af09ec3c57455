"""Signed links: how a letter's reader is known without a password, for one milestone and one recipient only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from itsdangerous import BadData, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

from kijitsu.domain.errors import InputError


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


class Links:
    """Makes and reads links. The last of `keys` signs, all of them are accepted; a link is good for `days`.

    The same ticket at the same instant gives the same link. Clocks are handed in.
    """

    def __init__(self, keys: list[str], base_url: str, days: int) -> None:
        self._keys, self._base, self._seconds = keys, base_url.rstrip("/"), days * 86_400

    def url(self, ticket: Ticket, at: datetime) -> str:
        """Return the address of the page on which the ticket's holder answers."""
        return f"{self._base}/answer/{self._serializer(at).dumps(list(asdict(ticket).values()))}"

    def read(self, token: str, at: datetime) -> Ticket:
        """Return what a token is good for. Raises BadLink or ExpiredLink."""
        try:
            return Ticket(*self._serializer(at).loads(token, max_age=self._seconds))
        except SignatureExpired:
            raise ExpiredLink(
                "このリンクは期限が切れました。最新の通知のリンクを開くか、事務局へお知らせください。"
            ) from None
        except (BadData, TypeError):
            raise BadLink(
                "このリンクは正しくありません。通知のリンクを省かずに開くか、事務局へお知らせください。"
            ) from None

    def _serializer(self, at: datetime) -> URLSafeTimedSerializer:
        now = int(at.astimezone(UTC).timestamp())

        class Clock(TimestampSigner):
            def get_timestamp(self) -> int:
                return now

        signer: Any = Clock
        return URLSafeTimedSerializer(self._keys, salt="kijitsu-answer", signer=signer)
