"""How mail leaves the house over real SMTP, and what every refusal becomes."""

from __future__ import annotations

import email
import email.policy
import re
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest

from kijitsu.domain.errors import InputError
from kijitsu.messages import Envelope, PermanentFailure, TransientFailure, Wording
from notifications.channels import ChannelCourier, MailSettings
from tests.integration.smtp_relays import (
    Post,
    certificate,
    cut_off_in_the_middle,
    relay,
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
    settings = MailSettings(relay_url, "kijitsu@city.example", "石巻市 期日のお知らせ", "somu@city.example", timeout=5)
    return closing(ChannelCourier(replace(settings, **changed)))


def read(message: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    return parsed


def part(message: EmailMessage, subtype: str) -> str:
    body = message.get_body((subtype,))
    assert body is not None
    return str(body.get_content())


# --- the message ---


def test_a_mail_carries_both_parts_and_says_who_wrote_when_to_whom() -> None:
    with relay() as there, courier(f"smtp://{there.place}") as out:
        out.send(ENVELOPE)

    message = read(there.post.messages[0])
    assert there.post.senders == ["kijitsu@city.example"]
    assert there.post.recipients == ["residents@city.example"]
    assert str(message["From"]) == "石巻市 期日のお知らせ <kijitsu@city.example>"
    assert str(message["To"]) == "市民課 <residents@city.example>"
    assert str(message["Reply-To"]) == "somu@city.example"
    assert str(message["Date"]) == "Fri, 03 Jun 2016 08:30:00 +0900"
    assert str(message["Auto-Submitted"]) == "auto-generated"
    assert message["Subject"] == WORDING.subject
    assert message.get_all("Message-ID") == [ENVELOPE.message_id]
    assert message.get_content_type() == "multipart/alternative"
    assert part(message, "plain").splitlines() == WORDING.text.splitlines()
    assert part(message, "html").splitlines() == WORDING.html.splitlines()


def test_a_long_subject_is_folded_into_encoded_words_of_the_permitted_length() -> None:
    with relay() as there, courier(f"smtp://{there.place}") as out:
        out.send(ENVELOPE)

    head = there.post.messages[0].partition(b"\r\n\r\n")[0].decode("ascii")
    words = re.findall(r"=\?utf-8\?b\?\S+\?=", head)
    assert len(words) > 4
    assert max(map(len, words)) <= 75
    assert max(map(len, head.split("\r\n"))) <= 76
    assert max(map(len, there.post.messages[0].split(b"\r\n"))) <= 76


def test_the_same_envelope_gives_the_same_bytes() -> None:
    with relay() as there, courier(f"smtp://{there.place}") as out:
        out.send(ENVELOPE)
        out.send(ENVELOPE)

    first, second = there.post.messages
    assert first == second


@pytest.mark.parametrize(
    "hostile", ["件名\r\nBcc: a@b.example", "x\nBcc: a@b.example", "=?utf-8?q?x?=", "\ud800", "ab\r\n\r\n<p>"]
)
def test_nothing_in_a_subject_or_a_name_ends_its_header(hostile: str) -> None:
    envelope = replace(ENVELOPE, recipient_title=hostile, wording=replace(WORDING, subject=hostile))

    with relay() as there, courier(f"smtp://{there.place}") as out:
        out.send(envelope)

    message = read(there.post.messages[0])
    assert message["Bcc"] is None
    assert message["Subject"] == " ".join(hostile.replace("\ud800", "?").split())
    assert message["To"].addresses[0].addr_spec == "residents@city.example"
    assert part(message, "plain").splitlines() == WORDING.text.splitlines()


@pytest.mark.parametrize("address", ["", "residents", "a@b.example\r\nRCPT TO:<c@d.example>", "市民@city.example"])
def test_an_address_that_is_none_is_a_permanent_failure_and_bothers_no_relay(address: str) -> None:
    with courier(f"smtp://{unused_place()}") as out, pytest.raises(PermanentFailure, match="宛先のメールアドレス"):
        out.send(replace(ENVELOPE, address=address))


def test_an_empty_letter_is_a_permanent_failure() -> None:
    empty = replace(ENVELOPE, wording=Wording("", "", "", ""))

    with courier(f"smtp://{unused_place()}") as out, pytest.raises(PermanentFailure, match="空"):
        out.send(empty)


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


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with (
        relay(tls_context=tls(certificate(tmp_path))) as there,
        courier(f"smtp+starttls://{there.place}") as out,
        pytest.raises(TransientFailure, match=r"接続できません.*CERTIFICATE_VERIFY_FAILED"),
    ):
        out.send(ENVELOPE)


# --- refusals ---


@pytest.mark.parametrize(
    ("answers", "kind", "said"),
    [
        ({"MAIL": ["421 4.3.2 shutting down"]}, TransientFailure, "差出人.*421 4.3.2 shutting down"),
        ({"RCPT": ["450 4.2.1 mailbox busy"]}, TransientFailure, "宛先.*450 4.2.1 mailbox busy"),
        ({"DATA": ["452 4.3.1 disk full"]}, TransientFailure, "本文.*452 4.3.1 disk full"),
        ({"MAIL": ["553 5.1.8 sender refused"]}, PermanentFailure, "差出人.*553 5.1.8 sender refused"),
        ({"RCPT": ["550 5.1.1 no such user"]}, PermanentFailure, "宛先.*550 5.1.1 no such user"),
        ({"DATA": ["552 5.3.4 too big"]}, PermanentFailure, "本文.*552 5.3.4 too big"),
    ],
)
def test_what_a_relay_answers_decides_between_later_and_never(
    answers: dict[str, list[str]], kind: type[Exception], said: str
) -> None:
    with relay(Post(**answers)) as there, courier(f"smtp://{there.place}") as out:
        with pytest.raises(kind, match=said):
            out.send(ENVELOPE)
        out.send(ENVELOPE)

    assert len(there.post.messages) == 1


def test_a_relay_that_is_away_is_a_transient_failure() -> None:
    place = unused_place()

    with courier(f"smtp://{place}") as out, pytest.raises(TransientFailure, match=f"{place}.*接続できません"):
        out.send(ENVELOPE)


def test_a_relay_that_hangs_is_a_transient_failure() -> None:
    with (
        relay(Post(DATA=["hang"])) as there,
        courier(f"smtp://{there.place}", timeout=0.2) as out,
        pytest.raises(TransientFailure, match=r"0\.2秒待っても応答がありません"),
    ):
        out.send(ENVELOPE)


def test_a_relay_that_hangs_up_in_the_middle_is_a_transient_failure() -> None:
    with (
        cut_off_in_the_middle() as place,
        courier(f"smtp://{place}") as out,
        pytest.raises(TransientFailure, match="途切れました"),
    ):
        out.send(ENVELOPE)


def test_a_wrong_password_waits_for_the_settings_and_is_never_told() -> None:
    with (
        relay(**sign_in("right")) as there,
        courier(f"smtp://kijitsu:himitsu@{there.place}") as out,
        pytest.raises(TransientFailure, match="設定とサーバーの状態を確認") as failure,
    ):
        out.send(ENVELOPE)

    assert "535 5.7.8 **** is not the password" in str(failure.value)
    assert "himitsu" not in "".join(format_exception(failure.value))


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
