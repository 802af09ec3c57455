"""The courier of an installation: its relay, or the mailbox that the program brings along."""

from __future__ import annotations

import json
from contextlib import ExitStack

from kijitsu.domain.errors import InputError
from kijitsu.messages import Envelope
from kijitsu.settings import Settings
from notifications.channels import ChannelCourier, MailSettings
from notifications.mailbox import LocalMailbox


class _WithMailbox:
    """A courier to a mailbox of its own, both closed together."""

    def __init__(self, settings: Settings) -> None:
        with ExitStack() as opening:
            mailbox = opening.enter_context(LocalMailbox(settings.mailbox))
            self._courier = ChannelCourier(_mail(settings, mailbox.url), _secrets(settings))
            self._opened = opening.pop_all()

    def send(self, envelope: Envelope) -> None:
        self._courier.send(envelope)

    def close(self) -> None:
        self._courier.close()
        self._opened.close()


def courier_for(settings: Settings) -> ChannelCourier | _WithMailbox:
    """Return a courier to the relay that the settings name, else to a local mailbox under their home."""
    if settings.smtp_url:
        return ChannelCourier(_mail(settings, settings.smtp_url), _secrets(settings))
    return _WithMailbox(settings)


def _mail(settings: Settings, relay: str) -> MailSettings:
    return MailSettings(relay=relay, sender=settings.mail_from, sender_title="期日管理", reply_to=settings.reply_to)


def _secrets(settings: Settings) -> dict[str, str]:
    """Read the channels' secret addresses: a JSON object of names and URLs."""
    if settings.secrets_file is None:
        return {}
    try:
        found = json.loads(settings.secrets_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise InputError(f"KIJITSU_SECRETS_FILE={settings.secrets_file} をJSONとして読めません: {exc}") from exc
    return {str(name): str(url) for name, url in found.items()}
