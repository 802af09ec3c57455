"""How mail leaves the house over real SMTP, and what every refusal becomes."""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest

from kijitsu.domain.errors import InputError
from kijitsu.messages import DeliveryFailure, Envelope, PermanentFailure, TransientFailure, Unreachable, Wording
from notifications.channels import ChannelCourier, MailSettings
from tests.integration.smtp_relays import (
    Post,
    certificate,
    relay,
    scripted,
    sign_in,
    tls,
    unused_place,
)

JST = timezone(timedelta(hours=9))
WORDING = Wording(
    subject="【期限超過】【再依頼】「行政手続における特定の個人を識別するための番号の利用等に関する条例の制定」について",
    text="市民課　御中\n\n:smile: &amp; \\n <b>\n.\n..二つの点\n以上",
    html="<p>市民課　御中</p>\n<p>&lt;b&gt;</p>",
    card="{}",
)
ENVELOPE = Envelope(
    key="fy28/2016-06-03/residents",
    channel="mail",
    address="residents@city.example",
    recipient_title="市民課",
    message_id="<0123456789abcdef0123456789abcdef.042021@city.example>",
    written_at=datetime(2016, 6, 3, 8, 30, tzinfo=JST),
    wording=WORDING,
)


def courier(relay_url: str, **changed: Any) -> closing[ChannelCourier]:
    usual = MailSettings(relay_url, "kijitsu@city.example", "石巻市 期日のお知らせ", "somu@city.example", timeout=5)
    return closing(ChannelCourier(replace(usual, **changed)))


# --- the connection ---


def test_one_connection_serves_many_messages() -> None:
    with relay() as there, courier(f"smtp://{there.place}") as out:
        for number in range(20):
            out.send(replace(ENVELOPE, address=f"department{number}@city.example"))

    assert len(there.post.messages) == 20
    assert len(there.post.sessions) == 1


def test_a_connection_that_the_relay_dropped_is_replaced() -> None:
    with relay() as there, courier(f"smtp://{there.place}") as out:
        out.send(ENVELOPE)
        there.hang_up()
        out.send(ENVELOPE)

    assert len(there.post.messages) == 2
    assert len(there.post.sessions) == 2


def test_a_kept_connection_that_the_relay_tires_of_is_replaced() -> None:
    with relay(Post(MAIL=["", "421 4.4.2 idle for too long"])) as there, courier(f"smtp://{there.place}") as out:
        out.send(ENVELOPE)
        out.send(ENVELOPE)

    assert len(there.post.messages) == 2
    assert len(there.post.sessions) == 2


def test_a_refused_recipient_does_not_cost_the_next_one_the_connection() -> None:
    with relay(Post(RCPT=["550 5.1.1 no such user"])) as there, courier(f"smtp://{there.place}") as out:
        with pytest.raises(PermanentFailure):
            out.send(ENVELOPE)
        out.send(ENVELOPE)

    assert len(there.post.messages) == 1
    assert len(there.post.sessions) == 1


def test_after_close_a_courier_opens_a_new_connection() -> None:
    with relay() as there, courier(f"smtp://{there.place}") as out:
        out.send(ENVELOPE)
        out.close()
        out.send(ENVELOPE)

    assert len(there.post.messages) == 2


@pytest.mark.parametrize("scheme", ["smtp", "smtp+starttls", "smtps"])
def test_a_courier_signs_in_and_secures_the_connection_as_the_url_says(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    options = sign_in("p@ss/word")
    if scheme == "smtp+starttls":
        options |= {"tls_context": tls(pem), "require_starttls": True}
    if scheme == "smtps":
        options |= {"ssl_context": tls(pem)}

    with relay(**options) as there, courier(f"{scheme}://kijitsu:p%40ss%2Fword@{there.place}") as out:
        out.send(ENVELOPE)

    assert len(there.post.messages) == 1


def test_a_relay_that_takes_commands_together_gets_them_together_and_the_message_after_its_yes() -> None:
    with scripted("PIPELINING", "SIZE 1000000") as there, courier(f"smtp://{there.place}") as out:
        for _ in range(3):
            out.send(ENVELOPE)

    assert len(there.messages) == 3
    assert there.commands == [["EHLO", *["MAIL", "RCPT", "DATA"] * 3, "QUIT"]]


# --- answers ---


def test_the_relays_answer_is_handed_back_in_one_line() -> None:
    with scripted(MESSAGE=["250-2.0.0 taken\r\n250 queued as 4711"]) as there, courier(f"smtp://{there.place}") as out:
        assert out.send(ENVELOPE) == "250 2.0.0 taken queued as 4711"


REFUSALS = [
    ("MAIL", "421 4.3.2 shutting down", Unreachable),
    ("RCPT", "421 4.3.2 shutting down", Unreachable),
    ("DATA", "421 4.3.2 shutting down", Unreachable),
    ("MESSAGE", "421 4.3.2 shutting down", Unreachable),
    ("MAIL", "530 5.7.0 sign in first", Unreachable),
    ("MAIL", "451 4.3.0 later", TransientFailure),
    ("RCPT", "450 4.2.1 mailbox busy", TransientFailure),
    ("DATA", "451 4.3.0 later", TransientFailure),
    ("MESSAGE", "452 4.3.1 disk full", TransientFailure),
    ("MAIL", "553 5.1.8 sender refused", PermanentFailure),
    ("RCPT", "550 5.1.1 no such user", PermanentFailure),
    ("DATA", "554 5.5.1 no valid recipients", PermanentFailure),
    ("MESSAGE", "552 5.3.4 too big", PermanentFailure),
]
STAGES = {"MAIL": "差出人", "RCPT": "宛先", "DATA": "本文", "MESSAGE": "本文"}


@pytest.mark.parametrize("extensions", [[], ["PIPELINING"]], ids=["one by one", "together"])
@pytest.mark.parametrize(("stage", "answer", "kind"), REFUSALS)
def test_what_a_relay_answers_decides_between_later_and_never(
    stage: str, answer: str, kind: type[Exception], extensions: list[str]
) -> None:
    with scripted(*extensions, **{stage: [answer]}) as there, courier(f"smtp://{there.place}") as out:
        with pytest.raises(DeliveryFailure, match=f"{STAGES[stage]}.*{answer}") as failure:
            out.send(ENVELOPE)
        taken_before = len(there.messages)
        out.send(ENVELOPE)

    assert failure.type is kind
    assert len(there.messages) == taken_before + 1


@pytest.mark.parametrize("extensions", [[], ["PIPELINING"]], ids=["one by one", "together"])
@pytest.mark.parametrize("deed", ["hangs", "closes", "drips"])
@pytest.mark.parametrize("stage", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "MESSAGE"])
def test_a_relay_that_does_not_answer_to_the_end_is_unreachable_in_good_time(
    stage: str, deed: str, extensions: list[str]
) -> None:
    with (
        scripted(*extensions, **{stage: [deed]}) as there,
        courier(f"smtp://{there.place}", timeout=30, limit=60 if deed == "closes" else 0.3) as out,
        pytest.raises(Unreachable, match=r"Connection unexpectedly closed" if deed == "closes" else r"0\.3秒以内"),
    ):
        out.send(ENVELOPE)


def test_a_relay_that_keeps_silent_is_not_waited_for_until_the_very_end() -> None:
    with (
        scripted(RCPT=["hangs"]) as there,
        courier(f"smtp://{there.place}", timeout=0.2, limit=600) as out,
        pytest.raises(Unreachable, match=r"0\.2秒待っても応答がありません"),
    ):
        out.send(ENVELOPE)


def test_after_every_trouble_the_next_mail_goes_out() -> None:
    trouble = {"GREETING": ["closes"], "MAIL": ["", "hangs"], "MESSAGE": ["closes", "drips"]}

    with scripted(**trouble) as there, courier(f"smtp://{there.place}", timeout=0.5, limit=2) as out:
        for _ in range(4):
            with pytest.raises(Unreachable):
                out.send(ENVELOPE)
        taken = len(there.messages)
        out.send(ENVELOPE)

    assert len(there.messages) == taken + 1


@pytest.mark.parametrize(
    "trouble",
    [
        {"GREETING": ["421 4.3.2 too busy"]},
        {"GREETING": ["554 5.3.2 nobody here"]},
        {"EHLO": ["421 4.3.2 bye"], "HELO": ["421 4.3.2 bye"]},
    ],
)
def test_a_relay_that_turns_us_away_at_the_door_is_unreachable(trouble: dict[str, list[str]]) -> None:
    with (
        scripted(**trouble) as there,
        courier(f"smtp://{there.place}") as out,
        pytest.raises(Unreachable, match=r"に接続できません.*(421|554)"),
    ):
        out.send(ENVELOPE)


@pytest.mark.parametrize(
    ("user", "scheme", "extensions", "answers", "said"),
    [
        ("", "smtp+starttls", ["STARTTLS"], {"STARTTLS": ["454 4.7.0 no TLS for now"]}, "接続できません.*454"),
        ("", "smtp+starttls", [], {}, "接続できません.*STARTTLS"),
        ("u:p@", "smtp", ["AUTH PLAIN"], {"AUTH": ["454 4.7.0 no sign-in for now"]}, "接続できません.*454"),
        (
            "u:p@",
            "smtp",
            ["AUTH PLAIN"],
            {"AUTH": ["535 5.7.8 wrong"]},
            "サインインを拒みました.*KIJITSU_SMTP_URL.*535",
        ),
        ("u:p@", "smtp", [], {}, "接続できません.*AUTH"),
    ],
)
def test_a_relay_that_does_not_let_us_in_is_unreachable_and_no_letters_fault(
    user: str, scheme: str, extensions: list[str], answers: dict[str, list[str]], said: str
) -> None:
    with (
        scripted(*extensions, **answers) as there,
        courier(f"{scheme}://{user}{there.place}") as out,
        pytest.raises(Unreachable, match=said),
    ):
        out.send(ENVELOPE)


def test_a_relay_that_is_away_is_unreachable() -> None:
    place = unused_place()

    with courier(f"smtp://{place}") as out, pytest.raises(Unreachable, match=f"{place}.*接続できません"):
        out.send(ENVELOPE)


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with (
        relay(tls_context=tls(certificate(tmp_path))) as there,
        courier(f"smtp+starttls://{there.place}") as out,
        pytest.raises(Unreachable, match=r"証明書を確かめられません.*CERTIFICATE_VERIFY_FAILED"),
    ):
        out.send(ENVELOPE)


def test_a_wrong_password_waits_for_the_settings_and_is_never_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echoed = "AGtpaml0c3UAaGltaXRzdQ=="  # what AUTH PLAIN makes of it

    with (
        scripted("AUTH PLAIN", AUTH=[f"535 5.7.8 himitsu or {echoed} is not the password"]) as there,
        courier(f"smtp://kijitsu:himitsu@{there.place}") as out,
        pytest.raises(Unreachable) as failure,
    ):
        out.send(ENVELOPE)

    assert "535 5.7.8 **** or **** is not the password" in str(failure.value)
    for secret in ("himitsu", echoed):
        assert secret not in "".join(format_exception(failure.value)) + caplog.text + repr(out)


def test_an_answer_that_tells_the_password_is_masked() -> None:
    greeting = "235 welcome"
    with (
        scripted("AUTH PLAIN", AUTH=[greeting], MESSAGE=["250 queued for himitsu"]) as there,
        courier(f"smtp://kijitsu:himitsu@{there.place}") as out,
    ):
        assert out.send(ENVELOPE) == "250 queued for ****"


@pytest.mark.parametrize(
    "relay_url", ["", "relay.example", "http://u:himitsu@relay.example", "smtp://", "smtp://u:himitsu@relay.example:x"]
)
def test_settings_that_cannot_work_are_refused_without_telling_the_password(relay_url: str) -> None:
    with pytest.raises(InputError, match="中継サーバー") as refusal:
        courier(relay_url)

    assert "himitsu" not in str(refusal.value)


def test_mail_settings_do_not_show_the_password() -> None:
    assert "himitsu" not in repr(MailSettings("smtp://u:himitsu@relay.example", "kijitsu@city.example"))


def test_a_sender_that_is_no_address_is_refused() -> None:
    with pytest.raises(InputError, match="差出人"):
        courier("smtp://relay.example", sender="期日")


def test_a_fault_of_our_own_is_not_taken_for_a_failed_delivery() -> None:
    with courier(f"smtp://{unused_place()}") as out, pytest.raises(AttributeError):
        out.send(replace(ENVELOPE, written_at=None))  # type: ignore[arg-type]


def test_an_unknown_channel_is_a_permanent_failure() -> None:
    with courier(f"smtp://{unused_place()}") as out, pytest.raises(PermanentFailure, match="「fax」はありません"):
        out.send(replace(ENVELOPE, channel="fax"))
