"""The courier of an installation: its relay, or the mailbox that the program brings along, and its secret addresses."""

from __future__ import annotations

import json
from contextlib import ExitStack

from kijitsu.domain.errors import InputError
from kijitsu.messages import Courier, Envelope
from kijitsu.settings import Settings
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


def read_secrets(settings: Settings) -> dict[str, str]:
    """Return the secret addresses by name: those of the environment, then those of the file.

    Raises InputError, which repeats nothing of what it could not read.
    """
    secrets: dict[str, str] = {}
    if settings.secrets_file is not None:
        place = f"KIJITSU_SECRETS_FILE={settings.secrets_file}"
        try:
            text = settings.secrets_file.read_text(encoding="utf-8-sig")
        except OSError as exc:
            raise InputError(f"{place} を読めません: {exc.strerror}") from exc
        except UnicodeDecodeError:
            raise InputError(f"{place} の文字コードがUTF-8ではありません") from None
        secrets |= _named(place, text)
    if settings.secrets:
        secrets |= _named("KIJITSU_SECRETS", settings.secrets)
    return secrets


def _named(place: str, text: str) -> dict[str, str]:
    """Read a JSON object of names and addresses."""
    try:
        found = json.loads(text)
    except ValueError as exc:
        where = f"{exc.lineno}行{exc.colno}字目" if isinstance(exc, json.JSONDecodeError) else "数値"
        raise InputError(f"{place} をJSONとして読めません（{where}）") from None
    if not isinstance(found, dict) or not all(isinstance(url, str) for url in found.values()):
        raise InputError(f'{place} は {{"名前": "URL", …}} の形のJSONにしてください')
    return found
