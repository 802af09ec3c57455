"""The courier of an installation: its relay, or the mailbox that the program brings along."""

from __future__ import annotations

from contextlib import ExitStack

from kijitsu.messages import Courier, Envelope
from kijitsu.settings import Settings, read_secrets
from notifications.channels import ChannelCourier, MailSettings
from notifications.mailbox import LocalMailbox


class _WithMailbox:
    """A courier to a mailbox of its own, both closed together."""

    def __init__(self, settings: Settings) -> None:
        with ExitStack() as opening:
            mailbox = opening.enter_context(LocalMailbox(settings.mailbox))
            self._courier = _courier(settings, mailbox.url)
            self._opened = opening.pop_all()

    def send(self, envelope: Envelope) -> str:
        return self._courier.send(envelope)

    def close(self) -> None:
        self._courier.close()
        self._opened.close()


def courier_for(settings: Settings) -> Courier:
    """Return a courier to the relay that the settings name, else to a local mailbox under their home.

    Raises InputError where the settings cannot work.
    """
    return _courier(settings, settings.smtp_url) if settings.smtp_url else _WithMailbox(settings)


def _courier(settings: Settings, relay: str) -> ChannelCourier:
    mail = MailSettings(relay=relay, sender=settings.mail_from, sender_title="期日管理", reply_to=settings.reply_to)
    return ChannelCourier(mail, read_secrets(settings), settings.mailbox)
