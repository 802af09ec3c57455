"""How cards leave the house over real HTTPS, and how little of it any log tells."""

from __future__ import annotations

import json
import logging
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kijitsu.messages import Envelope, PermanentFailure, TransientFailure, Wording
from notifications.channels import ChannelCourier, MailSettings
from tests.integration.smtp_relays import certificate, unused_place, webhook

CARD = {
    "type": "AdaptiveCard",
    "version": "1.4",
    "body": [
        {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": '「条例」{{ app_title }} {{APP_BODY}} \\"'}]}
    ],
}
ENVELOPE = Envelope(
    key="fy28/2016-06-03/residents",
    channel="teams",
    address="somu",
    recipient_title="総務課",
    message_id="<1@city.example>",
    written_at=datetime(2016, 6, 2, 23, 30, tzinfo=UTC),
    wording=Wording("件名", "本文", "<p>本文</p>", json.dumps(CARD, ensure_ascii=False)),
)


@pytest.fixture
def pem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate that the HTTP library trusts."""
    path = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return path


def courier(url: str) -> closing[ChannelCourier]:
    mail = MailSettings("smtp://relay.example", "kijitsu@city.example")
    return closing(ChannelCourier(mail, {"somu": url}))


def test_a_card_arrives_as_it_was_written(pem: Path) -> None:
    with webhook(pem) as there, courier(there.url) as out:
        out.send(ENVELOPE)

    body = json.loads(there.bodies[0])
    assert body["type"] == "message"
    assert [a["contentType"] for a in body["attachments"]] == ["application/vnd.microsoft.card.adaptive"]
    assert body["attachments"][0]["content"] == CARD
    assert "sig=HIMITSU-sig" in there.paths[0]


def test_a_url_in_the_form_of_apprise_works_as_well(pem: Path) -> None:
    with webhook(pem) as there, courier(f"workflows://127.0.0.1:{there.server_port}/0123abcd/HIMITSU-sig/") as out:
        out.send(ENVELOPE)

    assert there.paths[0].startswith("/workflows/0123abcd/triggers/manual/paths/invoke?")
    assert json.loads(there.bodies[0])["attachments"][0]["content"] == CARD


def test_many_cards_are_not_slowed_down(pem: Path) -> None:
    with webhook(pem) as there, courier(there.url) as out:
        started = datetime.now(UTC)
        for _ in range(5):
            out.send(ENVELOPE)
        took = datetime.now(UTC) - started

    assert len(there.bodies) == 5
    assert took.total_seconds() < 5.5  # what Apprise would put between two cards of one instance


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, TransientFailure),
        (500, TransientFailure),
        (503, TransientFailure),
        (302, PermanentFailure),
        (400, PermanentFailure),
        (401, PermanentFailure),
        (404, PermanentFailure),
    ],
)
def test_the_status_decides_between_later_and_never(status: int, kind: type[Exception], pem: Path) -> None:
    with webhook(pem, status) as there, courier(there.url) as out:
        with pytest.raises(kind, match=f"「somu」が受け付けませんでした: HTTP {status}"):
            out.send(ENVELOPE)
        out.send(ENVELOPE)

    assert len(there.bodies) == 2


def test_a_webhook_that_is_away_is_a_transient_failure() -> None:
    with (
        courier(f"workflows://{unused_place()}/0123abcd/HIMITSU-sig/") as out,
        pytest.raises(TransientFailure, match="「somu」に接続できません"),
    ):
        out.send(ENVELOPE)


def test_a_name_without_a_url_is_a_permanent_failure() -> None:
    with (
        courier("workflows://relay.example/a/b") as out,
        pytest.raises(PermanentFailure, match="「zeimu」のURLが設定にありません"),
    ):
        out.send(replace(ENVELOPE, address="zeimu"))


@pytest.mark.parametrize(
    "url", ["", "HIMITSU", "https://HIMITSU.example/x", "workflows://relay.example", "mailto://u:HIMITSU@a.example"]
)
def test_a_url_that_is_none_is_a_permanent_failure(url: str) -> None:
    with courier(url) as out, pytest.raises(PermanentFailure, match="「somu」のURLが正しくありません") as failure:
        out.send(ENVELOPE)

    assert "HIMITSU" not in str(failure.value)


def test_a_card_that_is_too_large_is_a_permanent_failure() -> None:
    card = json.dumps({**CARD, "fallbackText": "大" * 6000})

    with (
        courier(f"workflows://{unused_place()}/0123abcd/HIMITSU-sig/") as out,
        pytest.raises(PermanentFailure, match="28KB"),
    ):
        out.send(replace(ENVELOPE, wording=replace(ENVELOPE.wording, card=card)))


def test_a_card_that_is_no_json_is_a_permanent_failure() -> None:
    envelope = replace(ENVELOPE, wording=replace(ENVELOPE.wording, card="カード"))

    with courier("workflows://relay.example/a/b") as out, pytest.raises(PermanentFailure, match="JSON"):
        out.send(envelope)


def test_the_status_is_known_however_little_is_logged(pem: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="apprise")

    with webhook(pem, 400) as there, courier(there.url) as out, pytest.raises(PermanentFailure, match="HTTP 400"):
        out.send(ENVELOPE)

    assert logging.getLogger("apprise").level == logging.CRITICAL


def test_no_log_tells_the_url_or_the_card(pem: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    with webhook(pem, 400, 202) as there, courier(there.url) as out:
        with pytest.raises(PermanentFailure) as failure:
            out.send(ENVELOPE)
        out.send(ENVELOPE)

    assert len(there.bodies) == 2
    for secret in ("HIMITSU", "0123abcd", "条例"):
        assert secret not in caplog.text
        assert secret not in str(failure.value)
