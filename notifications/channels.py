"""The way out of the house: Apprise as the hub, one URL per recipient."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

from apprise import Apprise, AppriseAsset
from apprise.decorators import notify
from apprise.plugins.workflows import NotifyWorkflows

from kijitsu.messages import DeliveryFailure, Envelope, PermanentFailure, TransientFailure
from notifications.mail import MailSettings, MailTransport
from notifications.mime import compose

__all__ = ["ChannelCourier", "MailSettings"]

_MAIL = "kijitsumail"
_TEAMS_LIMIT = 28 * 1024
# No icon from the internet, no second address that a redirect may name, and seconds to wait instead of 4.
_TEAMS_OPTIONS = {"image": "no", "redirect": "no", "cto": "10", "rto": "30"}


class ChannelCourier:
    """Delivers envelopes of the channels `mail` and `teams`, and keeps the mail connection open between them.

    `secrets` maps a Teams address to its Workflows URL (as Microsoft shows it, or Apprise's `workflows://`). No error
    text holds a URL of it or a password. Raises InputError for settings that cannot work. Safe to share by threads,
    which then send one after the other.
    """

    def __init__(self, mail: MailSettings, secrets: Mapping[str, str] | None = None) -> None:
        self._desk = _Desk(mail)
        self._hubs: dict[str, Apprise] = {}
        self._secrets = dict(secrets or {})
        self._lock = threading.Lock()

    def send(self, envelope: Envelope) -> None:
        """Hand the envelope to its channel, or raise a TransientFailure or PermanentFailure."""
        with self._lock:
            match envelope.channel:
                case "mail":
                    self._send_mail(envelope)
                case "teams":
                    _send_card(self._workflow(envelope.address), envelope)
                case channel:
                    raise PermanentFailure(f"通知の経路「{channel}」はありません。mail か teams を指定してください")

    def close(self) -> None:
        """End the kept mail connection; a later `send` opens a new one."""
        with self._lock:
            self._desk.transport.close()

    def _send_mail(self, envelope: Envelope) -> None:
        hub = self._hubs.get(envelope.address)
        if hub is None:
            hub = self._hubs[envelope.address] = Apprise(asset=self._desk)
            hub.add(f"{_MAIL}://?{urlencode({'to': envelope.address})}")
        self._desk.envelope, self._desk.failure = envelope, None
        taken = hub.notify(title=envelope.wording.subject, body=envelope.wording.text)
        if self._desk.failure is not None:
            raise self._desk.failure
        if not taken:
            raise PermanentFailure("件名または本文が空のため、メールを送れません")

    def _workflow(self, name: str) -> str:
        try:
            return self._secrets[name]
        except KeyError:
            raise PermanentFailure(f"Teamsの送り先「{name}」のURLが設定にありません") from None


class _Desk(AppriseAsset):
    """Holds the envelope that is on its way through Apprise to our transport, and the transport's refusal.

    Apprise tells its caller no more than False; its asset is what it hands through unchanged.
    """

    def __init__(self, settings: MailSettings) -> None:
        super().__init__(async_mode=False, interpret_emojis=False)
        self.settings = settings
        self.transport = MailTransport(settings)
        self.envelope: Envelope | None = None
        self.failure: Exception | None = None


@notify(on=_MAIL, name="Kijitsu mail")  # type: ignore[no-untyped-call, untyped-decorator]
def _take_mail(body: str, title: str, notify_type: str, meta: Mapping[str, Any], **_: object) -> bool:
    """Our mail transport, as a service of Apprise: nothing throttled, nothing cut, nothing converted."""
    desk: _Desk = meta["asset"]
    assert desk.envelope is not None
    try:
        desk.transport.send(desk.envelope.address, compose(desk.settings, desk.envelope, title, body))
    except Exception as failure:  # noqa: BLE001 (Apprise would swallow it; `send` raises it again)
        desk.failure = failure
    return desk.failure is None


def _send_card(workflow: str, envelope: Envelope) -> None:
    """Post the card to a Workflows webhook. Accepted (202) is all that Teams says; shown is another matter."""
    with TemporaryDirectory(prefix="kijitsu-") as folder, _apprise_says() as lines:
        template = Path(folder, "card.json")
        template.write_text(_payload(envelope.wording.card), encoding="ascii")
        # A new instance for each card: one that is used again waits 5.5 seconds.
        hub = Apprise(asset=AppriseAsset(async_mode=False))
        options = urlencode({**_TEAMS_OPTIONS, "template": template})
        hub.add(f"{workflow}{'&' if '?' in workflow else '?'}{options}")
        usable = len(hub) == 1 and isinstance(hub[0], NotifyWorkflows)
        taken = usable and hub.notify(title=envelope.wording.subject, body=envelope.wording.subject)
    if not usable:
        raise PermanentFailure(f"Teamsの送り先「{envelope.address}」のURLが正しくありません")
    if not taken:
        raise _teams_failure(envelope.address, " ".join(lines))


def _payload(card: str) -> str:
    """Return the card as the message that Workflows expects, in the form that Apprise's templates leave alone."""
    try:
        content = json.loads(card)
    except ValueError:
        raise PermanentFailure("カードがJSONではありません") from None
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
    payload = json.dumps({"type": "message", "attachments": [attachment]})
    if len(payload) > _TEAMS_LIMIT:
        raise PermanentFailure(f"Teamsに送れる大きさ（{_TEAMS_LIMIT // 1024}KB）を超えています")
    # Braces side by side would be a placeholder of Apprise's; in JSON they can only stand in a string.
    return payload.replace("{{", "{\\u007b")


def _teams_failure(name: str, said: str) -> DeliveryFailure:
    status = re.search(r"error=(\d{3})", said)
    if status is None:
        return TransientFailure(f"Teamsの送り先「{name}」に接続できません")
    code = int(status[1])
    may_work_later = code in {408, 425, 429} or code >= 500
    kind = TransientFailure if may_work_later else PermanentFailure
    return kind(f"Teamsの送り先「{name}」が受け付けませんでした: HTTP {code}")


@contextmanager
def _apprise_says() -> Iterator[list[str]]:
    """Collect what Apprise logs in this thread, and keep it and the HTTP library's lines out of every other log.

    The log is the only place where Apprise tells an HTTP status; it also holds URLs and payloads.
    """
    lines: list[str] = []
    thread = threading.get_ident()

    def collect(record: logging.LogRecord) -> bool:
        if record.thread != thread:
            return True
        if record.name == "apprise":
            lines.append(record.getMessage())
        return False

    apprise, *_ = loggers = [
        logging.getLogger(name) for name in ("apprise", "urllib3.connectionpool", "urllib3.util.retry")
    ]
    for logger in loggers:
        logger.addFilter(collect)
    level = apprise.level
    apprise.setLevel(logging.WARNING)  # statuses are warnings, payloads are told at lower levels
    try:
        yield lines
    finally:
        apprise.setLevel(level)
        for logger in loggers:
            logger.removeFilter(collect)
