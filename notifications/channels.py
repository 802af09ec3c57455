"""The way out of the house: Apprise as the hub, one URL per recipient."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from apprise import Apprise, AppriseAsset, NotifyFormat
from apprise.decorators import notify
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.slack import NotifySlack

from kijitsu.messages import DeliveryFailure, Envelope, PermanentFailure, Unreachable
from notifications.hush import apprise_says
from notifications.mail import MailSettings, MailTransport
from notifications.mailbox import MessageFolder
from notifications.mime import compose
from notifications.workflows import Workflow, refusal

__all__ = ["ChannelCourier", "MailSettings"]

_SERVICES = {"slack": ("Slack", NotifySlack), "json": ("JSON", NotifyJSON)}
_OWN = ("mail", "teams", "file")
_NAME = re.compile(r"(?!\.+$)[A-Za-z0-9_.-]{1,64}")


class ChannelCourier:
    """Delivers envelopes of every channel, and keeps the connections for mail and Teams open between them.

    `secrets` maps an address of Teams, Slack or JSON to its URL; no error text and no log holds a URL of it or a
    password. `mailbox` is the folder of the channel `file`, `timeout` the seconds that a web address may be silent.
    Raises InputError for settings that cannot work. Safe to share by threads, which then send one after the other.
    """

    def __init__(
        self,
        mail: MailSettings,
        secrets: Mapping[str, str] | None = None,
        mailbox: Path = Path("mailbox"),
        timeout: float = 30.0,
    ) -> None:
        self._mail = mail
        self._relay = MailTransport(mail)
        self._secrets = dict(secrets or {})
        self._mailbox = mailbox
        self._timeout = timeout
        self._workflows: dict[str, Workflow] = {}
        self._desk = _Desk()
        self._hubs: dict[tuple[str, str], Apprise] = {}
        self._lock = threading.Lock()

    def send(self, envelope: Envelope) -> str:
        """Hand the envelope to its channel and return the answer in one line, or raise a DeliveryFailure."""
        with self._lock:
            if envelope.channel in _SERVICES:
                return self._send_by_apprise(envelope)
            if envelope.channel in _OWN:
                return self._send_ourselves(envelope)
        raise PermanentFailure(
            f"通知の経路「{envelope.channel}」はありません。{'、'.join([*_OWN, *_SERVICES])} のどれかを指定してください"
        )

    def close(self) -> None:
        """End the kept connections; a later `send` opens new ones."""
        with self._lock:
            self._relay.close()
            for workflow in self._workflows.values():
                workflow.close()

    # --- our own transports ---

    def _send_ourselves(self, envelope: Envelope) -> str:
        transports = {"mail": self._by_mail, "teams": self._by_teams, "file": self._as_file}
        transport = transports[envelope.channel]
        desk = self._desk
        desk.hand_over = lambda subject, text: transport(envelope, subject, text)
        desk.answer, desk.failure = "", None
        taken = self._hub(envelope).notify(title=envelope.wording.subject, body=envelope.wording.text)
        if desk.failure is not None:
            raise desk.failure
        if not taken:
            raise PermanentFailure("件名または本文が空のため、送れません")
        return desk.answer

    def _hub(self, envelope: Envelope) -> Apprise:
        recipient = (envelope.channel, envelope.address)
        hub = self._hubs.get(recipient)
        if hub is None:
            hub = self._hubs[recipient] = Apprise(asset=self._desk)
            hub.add(f"kijitsu{envelope.channel}://?{urlencode({'to': envelope.address})}")
        return hub

    def _by_mail(self, envelope: Envelope, subject: str, text: str) -> str:
        return self._relay.send(envelope.address, compose(self._mail, envelope, subject, text))

    def _by_teams(self, envelope: Envelope, subject: str, text: str) -> str:
        name = envelope.address
        if name not in self._workflows:
            self._workflows[name] = Workflow(name, self._secret("Teams", name), self._timeout)
        return self._workflows[name].post(envelope.wording.card)

    def _as_file(self, envelope: Envelope, subject: str, text: str) -> str:
        name = envelope.address
        if not _NAME.fullmatch(name):
            raise PermanentFailure(f"フォルダーの名前が正しくありません（半角英数字と _ . - で64字まで）: {name!r}")
        address = f"{name}@localhost"
        message = compose(self._mail, replace(envelope, address=address), subject, text)
        try:
            return MessageFolder(self._mailbox / name, outlives_a_power_cut=True).store(address, message)
        except OSError as error:
            raise Unreachable(f"フォルダー「{self._mailbox / name}」に書けません: {error.strerror}") from None

    # --- services that Apprise has ---

    def _send_by_apprise(self, envelope: Envelope) -> str:
        title, kind = _SERVICES[envelope.channel]
        place = f"{title}の送り先「{envelope.address}」"
        url = self._secret(title, envelope.address)
        # No icon from the internet, no second address that a redirect may name, what people wrote as it is; whatever
        # the address itself says of these, the last counts.
        options = urlencode(
            {
                "image": "no",
                "footer": "no",
                "redirect": "no",
                "verify": "yes",
                "format": "text",
                "cto": self._timeout,
                "rto": self._timeout,
            }
        )
        wording = envelope.wording
        with apprise_says() as lines:
            asset = AppriseAsset(async_mode=False, interpret_emojis=False)
            service: Any = Apprise.instantiate(f"{url}{'&' if '?' in url else '?'}{options}", asset=asset)
            # One recipient and not several: a failure of one would have the others told twice.
            is_usable = service is not None and len(service) == 1 and isinstance(service, kind)
            if is_usable:
                service.request_rate_per_sec = 0  # Apprise waits up to 5.5 seconds between two messages
                hub = Apprise(service, asset=asset)
                taken = hub.notify(title=wording.subject, body=wording.text, body_format=NotifyFormat.TEXT)
        if not is_usable:
            raise PermanentFailure(f"{place}のURLが正しくありません。KIJITSU_SECRETSを確認してください")
        if not taken:
            raise _failure(place, " ".join(lines))
        return "HTTP 2xx"

    def _secret(self, title: str, name: str) -> str:
        try:
            return self._secrets[name]
        except KeyError:
            raise PermanentFailure(
                f"{title}の送り先「{name}」のURLが設定にありません。"
                f"KIJITSU_SECRETS_FILEのファイル（またはKIJITSU_SECRETS）に「{name}」を加え、送り直してください"
            ) from None


class _Desk(AppriseAsset):
    """Holds what to do with the message that is on its way through Apprise, and what came of it.

    Apprise tells its caller no more than False; its asset is what it hands through unchanged.
    """

    hand_over: Callable[[str, str], str]

    def __init__(self) -> None:
        super().__init__(async_mode=False, interpret_emojis=False)
        self.answer = ""
        self.failure: Exception | None = None


@notify(on="kijitsumail", name="Kijitsu mail")  # type: ignore[no-untyped-call, untyped-decorator]
@notify(on="kijitsuteams", name="Kijitsu Teams")  # type: ignore[no-untyped-call, untyped-decorator]
@notify(on="kijitsufile", name="Kijitsu file")  # type: ignore[no-untyped-call, untyped-decorator]
def _take(body: str, title: str, notify_type: str, meta: Mapping[str, Any], **_: object) -> bool:
    """Our own transports as services of Apprise: nothing throttled, nothing cut, nothing converted."""
    desk: _Desk = meta["asset"]
    try:
        desk.answer = desk.hand_over(title, body)
    except Exception as failure:  # noqa: BLE001 (Apprise would swallow it; `send` raises it again)
        desk.failure = failure
    return desk.failure is None


def _failure(place: str, said: str) -> DeliveryFailure:
    """Tell the failure as far as Apprise's log does."""
    status = re.search(r"error=(\d{3})", said)
    return refusal(place, int(status[1])) if status else Unreachable(f"{place}に接続できません")
