"""How cards leave the house over real HTTPS, and how little of it any log tells."""

from __future__ import annotations

import json
import logging
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from traceback import format_exception

import pytest

from kijitsu.messages import DeliveryFailure, Envelope, PermanentFailure, TransientFailure, Unreachable, Wording
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
    """A certificate that everybody trusts."""
    path = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def courier(url: str, timeout: float = 5) -> closing[ChannelCourier]:
    mail = MailSettings("smtp://relay.example", "kijitsu@city.example")
    return closing(ChannelCourier(mail, {"somu": url}, timeout=timeout))


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


def test_one_connection_serves_many_cards(pem: Path) -> None:
    with webhook(pem) as there, courier(there.url) as out:
        answers = {out.send(ENVELOPE) for _ in range(20)}

    assert answers == {"HTTP 202"}
    assert len(there.bodies) == 20
    assert len(there.connections) == 1


def test_a_connection_that_the_webhook_ended_is_replaced(pem: Path) -> None:
    with webhook(pem, (202, {"Connection": "close"})) as there, courier(there.url) as out:
        out.send(ENVELOPE)
        out.send(ENVELOPE)

    assert len(there.bodies) == 2
    assert len(there.connections) == 2


def test_after_close_a_courier_opens_a_new_connection(pem: Path) -> None:
    with webhook(pem) as there, courier(there.url) as out:
        out.send(ENVELOPE)
        out.close()
        out.send(ENVELOPE)

    assert len(there.bodies) == 2
    assert len(there.connections) == 2


def test_a_long_answer_is_not_taken_for_the_next_one(pem: Path) -> None:
    with webhook(pem, (202, {"Content-Length": "10000000"}), 400) as there, courier(there.url, timeout=1) as out:
        out.send(ENVELOPE)
        with pytest.raises(PermanentFailure, match="HTTP 400"):
            out.send(ENVELOPE)


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with (
        webhook(certificate(tmp_path)) as there,
        courier(there.url) as out,
        pytest.raises(Unreachable, match="「somu」に接続できません: サーバーの証明書"),
    ):
        out.send(ENVELOPE)


def test_power_automates_own_address_works_as_well(pem: Path) -> None:
    with webhook(pem) as there:
        before, _, after = there.url.partition("/workflows/")
        with courier(f"{before}/powerautomate/automations/direct/cu/07/workflows/{after}") as out:
            out.send(ENVELOPE)

    path, _, query = there.paths[0].partition("?")
    assert path == "/powerautomate/automations/direct/cu/07/workflows/0123abcd/triggers/manual/paths/invoke"
    assert set(query.split("&")) == {
        "api-version=2016-06-01",
        "sp=%2Ftriggers%2Fmanual%2Frun",
        "sv=1.0",
        "sig=HIMITSU-sig",
    }


class _Tunnel(BaseHTTPRequestHandler):
    """A proxy that notes what it is asked for and lets nobody through."""

    asked: list[tuple[str, str]]

    def do_CONNECT(self) -> None:
        self.asked.append((self.path, self.headers["Proxy-Authorization"]))
        self.send_error(403)

    def log_message(self, *args: object) -> None:
        pass


def test_a_proxy_that_the_environment_names_is_used(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    tunnel = type("Tunnel", (_Tunnel,), {"asked": asked})
    with HTTPServer(("127.0.0.1", 0), tunnel) as proxy:
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("HTTPS_PROXY", f"http://u:p@127.0.0.1:{proxy.server_port}")
        thread = threading.Thread(target=proxy.handle_request)
        thread.start()
        with (
            courier("workflows://teams.example/0123abcd/HIMITSU-sig/") as out,
            pytest.raises(Unreachable, match="「somu」に接続できません"),
        ):
            out.send(ENVELOPE)
        thread.join()

    assert asked == [("teams.example:443", "Basic dTpw")]


@pytest.mark.parametrize(
    ("retry_after", "at_least", "at_most"),
    [
        ("120", 120, 120),
        ("0", 0, 0),
        ("999999999999999999999", 86400, 86400),
        (format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True), 6000, 7200),
        (format_datetime(datetime.now(UTC) - timedelta(hours=2), usegmt=True), 0, 0),
    ],
    ids=["seconds", "none", "too long", "a time to come", "a time past"],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_webhook_that_is_too_busy_is_left_alone_as_long_as_it_asks(
    status: int, retry_after: str, at_least: int, at_most: int, pem: Path
) -> None:
    with (
        webhook(pem, (status, {"Retry-After": retry_after})) as there,
        courier(there.url) as out,
        pytest.raises(TransientFailure) as failure,
    ):
        out.send(ENVELOPE)

    assert failure.value.retry_after is not None
    assert at_least <= failure.value.retry_after.total_seconds() <= at_most


@pytest.mark.parametrize("retry_after", ["", "soon", "-1", "１２", "Fri, 99 Foo 2016 08:30:00 GMT"])
def test_a_time_to_wait_that_is_none_is_left_to_us(retry_after: str, pem: Path) -> None:
    with (
        webhook(pem, (429, {"Retry-After": retry_after.encode().decode("latin-1")})) as there,
        courier(there.url) as out,
        pytest.raises(TransientFailure) as failure,
    ):
        out.send(ENVELOPE)

    assert failure.value.retry_after is None


@pytest.mark.parametrize("deed", ["hangs", "closes", "drips"])
def test_a_webhook_that_does_not_answer_to_the_end_is_unreachable(deed: str, pem: Path) -> None:
    with webhook(pem, deed) as there, courier(there.url, timeout=1) as out:
        with pytest.raises(Unreachable, match="「somu」に接続できません" + ("" if deed == "closes" else ": 待っても")):
            out.send(ENVELOPE)
        assert out.send(ENVELOPE) == "HTTP 202"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (408, TransientFailure),
        (425, TransientFailure),
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
        with pytest.raises(kind, match=f"「somu」が受け付けませんでした: HTTP {status}") as failure:
            out.send(ENVELOPE)
        assert failure.type is kind
        out.send(ENVELOPE)

    assert len(there.bodies) == 2


def test_a_webhook_that_is_away_is_unreachable() -> None:
    with (
        courier(f"workflows://{unused_place()}/0123abcd/HIMITSU-sig/") as out,
        pytest.raises(Unreachable, match="「somu」に接続できません"),
    ):
        out.send(ENVELOPE)


def test_a_name_without_a_url_is_a_permanent_failure() -> None:
    with (
        courier("workflows://relay.example/a/b") as out,
        pytest.raises(PermanentFailure, match=r"「zeimu」のURLが設定にありません.*KIJITSU_SECRETS_FILE"),
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


def test_no_log_tells_the_url_or_the_card(pem: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    with webhook(pem, 400, "closes", "hangs", 202) as there, courier(there.url, timeout=1) as out:
        told = [repr(out)]
        for _ in range(3):
            with pytest.raises(DeliveryFailure) as failure:
                out.send(ENVELOPE)
            told += format_exception(failure.value)
        told.append(out.send(ENVELOPE))

    assert len(there.bodies) == 4
    for secret in ("HIMITSU", "0123abcd", "条例"):
        assert secret not in caplog.text
        assert secret not in "".join(told)


def test_a_url_that_is_none_is_told_to_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    with courier("workflows://relay.example/HIMITSU!/HIMITSU?/") as out, pytest.raises(PermanentFailure) as failure:
        out.send(ENVELOPE)

    assert "HIMITSU" not in caplog.text + "".join(format_exception(failure.value))
