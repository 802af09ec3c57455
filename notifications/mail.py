"""Mail over one kept SMTP connection, with every refusal sorted into 'later' and 'never'."""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import SplitResult, unquote, urlsplit

from kijitsu.domain.errors import InputError
from kijitsu.messages import DeliveryFailure, PermanentFailure, TransientFailure

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}")


@dataclass(frozen=True, slots=True)
class MailSettings:
    """Where mail goes out, and in whose name.

    `relay` is smtp://, smtp+starttls:// or smtps://, with user:password@ where the relay asks for it; `repr` leaves it
    out, for it may hold a password. `timeout` is in seconds, for each answer of the relay.
    """

    relay: str = field(repr=False)
    sender: str
    sender_title: str = ""
    reply_to: str = ""
    timeout: float = 20.0


class MailTransport:
    """Sends messages through one relay, on one connection that is opened when needed and replaced when dropped.

    Raises InputError for settings that cannot work. Not for use from two threads at once.
    """

    def __init__(self, settings: MailSettings) -> None:
        for address in filter(None, (settings.sender, settings.reply_to)):
            if not is_address(address):
                raise InputError(f"メールの差出人または返信先が正しくありません: {address!r}")
        self._relay = _parsed(settings.relay)
        self._sender = settings.sender
        self._timeout = settings.timeout
        self._connection: smtplib.SMTP | None = None

    def send(self, address: str, message: bytes) -> None:
        """Hand the message to the relay, or raise a DeliveryFailure that holds the relay's answer."""
        try:
            connection = self._begin(len(message))
            self._accept("宛先", *connection.rcpt(address))
            self._accept("本文", *connection.data(message))
        except DeliveryFailure:
            self._reset()
            raise
        except smtplib.SMTPDataError as error:
            self._reset()
            self._refuse("本文", error.smtp_code, error.smtp_error)
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise TransientFailure(
                f"メールの中継サーバー（{self._place}）との通信が途切れました: {self._said(error)}"
            ) from None

    def close(self) -> None:
        """End the connection politely, if there is one and it still answers."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(smtplib.SMTPException, OSError):
                connection.quit()
            connection.close()

    def _begin(self, size: int) -> smtplib.SMTP:
        """Return a connection that took MAIL FROM; one that the relay closed while it was idle is replaced once.

        Nothing of the message has been sent yet, so that trying again cannot deliver it twice.
        """
        kept = self._connection is not None
        connection = self._connection or self._open()
        options = [f"SIZE={size}"] if connection.has_extn("size") else []
        try:
            code, answer = connection.mail(self._sender, options)
        except smtplib.SMTPServerDisconnected as error:
            if not kept or isinstance(error.__context__, TimeoutError):
                raise
            code, answer = 421, b""
        if kept and code == 421:
            self.close()
            return self._begin(size)
        self._accept("差出人", code, answer)
        return connection

    def _open(self) -> smtplib.SMTP:
        """Connect, secure and sign in. A failure here is the relay's or the settings', so every letter waits."""
        try:
            self._connection = connection = self._connected()
            connection.ehlo_or_helo_if_needed()
            if self._relay.scheme == "smtp+starttls":
                connection.starttls(context=ssl.create_default_context())
                connection.ehlo()
            if self._relay.username:
                connection.login(unquote(self._relay.username), self._password)
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise TransientFailure(
                f"メールの中継サーバー（{self._place}）に接続できません。"
                f"設定とサーバーの状態を確認してください: {self._said(error)}"
            ) from None
        return connection

    def _connected(self) -> smtplib.SMTP:
        # The name in EHLO is the sender's domain: a look-up of our own can hang on a network without DNS.
        name, host = self._sender.rpartition("@")[2], self._relay.hostname or ""
        if self._relay.scheme == "smtps":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(host, self._port, name, timeout=self._timeout, context=context)
        return smtplib.SMTP(host, self._port, name, timeout=self._timeout)

    def _reset(self) -> None:
        """Make the connection ready for the next message, or give it up."""
        if self._connection is None:
            return
        with suppress(smtplib.SMTPException, OSError):
            if self._connection.rset()[0] == 250:
                return
        self.close()

    def _accept(self, stage: str, code: int, answer: bytes) -> None:
        if not 200 <= code < 300:
            self._refuse(stage, code, answer)

    def _refuse(self, stage: str, code: int, answer: bytes | str) -> NoReturn:
        kind = PermanentFailure if 500 <= code < 600 else TransientFailure
        said = self._said(smtplib.SMTPResponseException(code, answer))
        raise kind(f"メールの中継サーバーが{stage}を受け付けませんでした: {said}")

    def _said(self, error: Exception) -> str:
        """Return the other side's words on one line, without the password should it have echoed it."""
        if isinstance(error, smtplib.SMTPResponseException):
            answer = error.smtp_error
            words = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
            said = f"{error.smtp_code} {words}"
        elif isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
            said = f"{self._timeout:g}秒待っても応答がありません"
        else:
            said = str(error) or type(error).__name__
        if self._password:
            said = said.replace(self._password, "****")
        return " ".join(said.split())[:500]

    @property
    def _password(self) -> str:
        return unquote(self._relay.password or "")

    @property
    def _port(self) -> int:
        return self._relay.port or _PORTS[self._relay.scheme]

    @property
    def _place(self) -> str:
        return f"{self._relay.hostname}:{self._port}"


def is_address(text: str) -> bool:
    """Return True for a mail address that every relay can carry: ASCII, one @, nothing that ends a line."""
    return _ADDRESS.fullmatch(text) is not None


def _parsed(relay: str) -> SplitResult:
    try:
        parts = urlsplit(relay)
        has_place = parts.scheme in _PORTS and parts.hostname and parts.port != 0
        can_sign_in = unquote(f"{parts.username}{parts.password}").isascii()
    except ValueError:
        has_place = can_sign_in = False
    if not (has_place and can_sign_in):
        # The URL is not repeated: it may hold a password.
        raise InputError(
            "メールの中継サーバーの設定が正しくありません。smtp://、smtp+starttls://、smtps:// のいずれかで始まるURLを"
            "指定してください（利用者名とパスワードは半角英数記号）"
        )
    return parts
