"""Mail over one kept SMTP connection, with every refusal sorted into 'later' and 'never'."""

from __future__ import annotations

import re
import smtplib
import ssl
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import SplitResult, unquote, urlsplit

from kijitsu.domain.errors import InputError
from kijitsu.messages import PermanentFailure, TransientFailure, Unreachable
from notifications.patience import Patience, patient_file

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}")
_CLOSING = 421
# The relay wants a sign-in or encryption first (RFC 4954, RFC 3207): the settings are wrong, not the letter.
_SIGN_IN_FIRST = {530, 534, 535, 538}


@dataclass(frozen=True, slots=True)
class MailSettings:
    """Where mail goes out, and in whose name.

    `relay` is smtp://, smtp+starttls:// or smtps://, with user:password@ where the relay asks for it; `repr` leaves it
    out, for it may hold a password. `timeout` is in seconds, for each answer of the relay; `limit` for one message as a
    whole, connecting included, and so well below the outbox's lease.
    """

    relay: str = field(repr=False)
    sender: str
    sender_title: str = ""
    reply_to: str = ""
    timeout: float = 20.0
    limit: float = 120.0


class MailTransport:
    """Sends messages through one relay, on one connection that is opened when needed and replaced when dropped.

    Raises InputError for settings that cannot work. Not for use from two threads at once.
    """

    def __init__(self, settings: MailSettings) -> None:
        for address in filter(None, (settings.sender, settings.reply_to)):
            if not is_address(address):
                raise InputError(f"メールの差出人または返信先が正しくありません: {address!r}")
        self._relay = _parsed(settings.relay)
        self._settings = settings
        self._session: _Session | None = None
        user, password = unquote(self._relay.username or ""), self._password
        # As it is, and as the commands PLAIN and LOGIN hold it.
        encoded = [b64encode(each.encode()).decode() for each in (f"\0{user}\0{password}", password)]
        self._secrets = (*encoded, password) if password else ()

    def send(self, address: str, message: bytes) -> str:
        """Hand the message (CRLF lines, headers first) to the relay and return its answer, such as `250 2.0.0 queued`.

        Raises a DeliveryFailure that holds the answer: Unreachable where the relay does not talk to us as it should.
        """
        patience = Patience.of(self._settings.timeout, self._settings.limit)
        is_handed_over = False
        try:
            session = self._begin(address, len(message), patience)
            # Lines that begin with a dot get another (RFC 5321, 4.5.2); a header never does.
            session.send(message.replace(b"\r\n.", b"\r\n..") + b".\r\n")
            is_handed_over = True
            # A relay that has the message may take its time: whoever does not wait for it sends it twice.
            patience.silence = self._settings.limit
            code, answer = session.getreply()
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise Unreachable(
                f"メールの中継サーバー（{self._place}）との通信が途切れました: {self._said(error, patience)}",
                may_have_arrived=is_handed_over,
            ) from None
        if code // 100 != 2:
            self._refuse("本文", code, answer)
        return self._answer(code, answer)

    def close(self) -> None:
        """End the connection politely, if there is one and it still answers."""
        if self._session is not None:
            self._session.patience = Patience.of(self._settings.timeout, 5)
            with suppress(smtplib.SMTPException, OSError):
                self._session.quit()
        self._drop()

    def _begin(self, address: str, size: int, patience: Patience) -> _Session:
        """Return a session that waits for the message; a kept one that ends instead is replaced once.

        Nothing of the message has been sent yet, so that trying again cannot deliver it twice.
        """
        if self._session is not None:
            self._session.patience = patience
            try:
                return self._asked(self._session, address, size)
            except (smtplib.SMTPServerDisconnected, Unreachable) as error:
                if _is_timeout(error):
                    raise
                self._drop()
        return self._asked(self._open(patience), address, size)

    def _asked(self, session: _Session, address: str, size: int) -> _Session:
        """Name the sender and the recipient and announce the message, at once where the relay takes that (RFC 2920)."""
        space = f" SIZE={size}" if session.has_extn("size") else ""
        commands = {
            "差出人": f"MAIL FROM:<{self._settings.sender}>{space}",
            "宛先": f"RCPT TO:<{address}>",
            "本文": "DATA",
        }
        is_together = session.has_extn("pipelining")
        if is_together:
            session.send("".join(f"{command}\r\n" for command in commands.values()))
        for stage, command in commands.items():
            if not is_together:
                session.putcmd(command)
            code, answer = session.getreply()
            if code // 100 != (3 if command == "DATA" else 2):
                if is_together:
                    self._drop()  # it may wait for a message to nobody by now
                self._refuse(stage, code, answer)
        return session

    def _open(self, patience: Patience) -> _Session:
        """Connect, secure and sign in. A failure here is the relay's or the settings', so every letter waits."""
        trouble = "に接続できません。設定とサーバーの状態を確認してください"
        try:
            self._session = session = self._connected(patience)
            session.ehlo_or_helo_if_needed()
            if self._relay.scheme == "smtp+starttls":
                session.starttls(context=ssl.create_default_context())
                session.ehlo()
            if self._relay.username:
                session.login(unquote(self._relay.username), self._password)
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500:
                trouble = "がサインインを拒みました。KIJITSU_SMTP_URLの利用者名とパスワードを確認してください"
            elif isinstance(error, ssl.SSLCertVerificationError):
                trouble = (
                    "の証明書を確かめられません。サーバーの名前と、証明書の発行元が信頼されているかを確認してください"
                )
            said = self._said(error, patience)
            raise Unreachable(f"メールの中継サーバー（{self._place}）{trouble}: {said}") from None
        return session

    def _connected(self, patience: Patience) -> _Session:
        # The name in EHLO is the sender's domain: a look-up of our own can hang on a network without DNS.
        name = self._settings.sender.rpartition("@")[2]
        place = (self._relay.hostname or "", self._port, name)
        if self._relay.scheme == "smtps":
            return _SecureSession(patience, *place, context=ssl.create_default_context())
        return _Session(patience, *place)

    def _refuse(self, stage: str, code: int, answer: bytes) -> NoReturn:
        """Make the connection ready for the next message, or give it up, and raise what the relay's answer means."""
        said = f"メールの中継サーバーが{stage}を受け付けませんでした: {self._answer(code, answer)}"
        if code == _CLOSING or code in _SIGN_IN_FIRST:
            self._drop()
            raise Unreachable(said)
        if self._session is not None:
            is_ready = False
            with suppress(smtplib.SMTPException, OSError):
                is_ready = self._session.rset()[0] == 250
            if not is_ready:
                self._drop()
        raise (PermanentFailure if 500 <= code < 600 else TransientFailure)(said)

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _said(self, error: Exception, patience: Patience) -> str:
        if isinstance(error, smtplib.SMTPResponseException):
            return self._answer(error.smtp_code, error.smtp_error)
        if _is_timeout(error):
            if patience.is_over:
                return f"{self._settings.limit:g}秒以内に終わりませんでした"
            return f"{patience.silence:g}秒待っても応答がありません"
        return self._masked(str(error) or type(error).__name__)

    def _answer(self, code: int, answer: bytes | str) -> str:
        words = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
        return self._masked(f"{code} {words}")

    def _masked(self, words: str) -> str:
        """Return the other side's words on one line, without the password should it have echoed it."""
        for secret in self._secrets:
            words = words.replace(secret, "****")
        return " ".join(words.split())[:500]

    @property
    def _password(self) -> str:
        return unquote(self._relay.password or "")

    @property
    def _port(self) -> int:
        return self._relay.port or _PORTS[self._relay.scheme]

    @property
    def _place(self) -> str:
        return f"{self._relay.hostname}:{self._port}"


class _Session(smtplib.SMTP):
    """The standard library's client, which alone would wait for each byte as long as for the first."""

    def __init__(self, patience: Patience, host: str, port: int, name: str, **options: Any) -> None:
        self.patience = patience
        super().__init__(host, port, name, timeout=patience.left(), **options)

    def send(self, s: bytes | str) -> None:  # type: ignore[override]
        if self.sock is not None:
            self.sock.settimeout(self.patience.left())
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = patient_file(self.sock, self._left)
        return super().getreply()

    def _left(self) -> float:
        return self.patience.left()


class _SecureSession(_Session, smtplib.SMTP_SSL):
    """The same over TLS from the first byte, verified."""


def _is_timeout(error: Exception) -> bool:
    return isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)


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
