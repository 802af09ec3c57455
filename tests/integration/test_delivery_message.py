"""What a mail is made of: headers, threads, both bodies, the dates; as the standard library's parser reads it."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from kijitsu.messages import Envelope, PermanentFailure, Wording
from notifications.channels import MailSettings
from notifications.mime import compose
from tests.integration.smtp_relays import relay, unused_place
from tests.integration.test_delivery import ENVELOPE, WORDING, courier


def read(message: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    return parsed


def part(message: EmailMessage, subtype: str) -> str:
    body = message.get_body((subtype,))
    assert body is not None
    return str(body.get_content())


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


def sent(envelope: Envelope) -> EmailMessage:
    with relay() as there, courier(f"smtp://{there.place}") as out:
        out.send(envelope)
    return read(there.post.messages[0])


def test_a_mail_about_one_milestone_is_an_answer_in_its_thread() -> None:
    message = sent(replace(ENVELOPE, in_reply_to="<pia.fy28@city.example>"))

    assert message["In-Reply-To"] == "<pia.fy28@city.example>"
    assert message["References"] == "<pia.fy28@city.example>"


def test_a_mail_about_many_milestones_answers_all_their_threads_and_refers_to_none() -> None:
    threads = [f"<milestone{number}.fy28@city.example>" for number in range(40)]

    message = sent(replace(ENVELOPE, in_reply_to=" ".join(threads)))

    assert message["In-Reply-To"].split() == threads
    assert message["References"] is None


def test_a_mail_about_no_milestone_answers_nothing() -> None:
    message = sent(ENVELOPE)

    assert message["In-Reply-To"] is None
    assert message["References"] is None


@pytest.mark.parametrize("threads", ["<a@b.example>\r\nBcc:<c@d.example>", "<a@b.example> pia"])
def test_a_thread_that_is_none_is_a_permanent_failure(threads: str) -> None:
    with courier(f"smtp://{unused_place()}") as out, pytest.raises(PermanentFailure, match="Message-ID"):
        out.send(replace(ENVELOPE, in_reply_to=threads))


CALENDAR = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Kijitsu//JA\r\nMETHOD:PUBLISH\r\nBEGIN:VEVENT\r\nUID:pia@fy28\r\n"
    "SUMMARY:特定個人情報保護評価\r\nDTSTAMP:20160602T233000Z\r\nDTSTART;VALUE=DATE:20160610\r\nEND:VEVENT\r\n"
    "END:VCALENDAR\r\n"
)


def test_dates_are_attached_as_a_calendar_file_after_both_bodies() -> None:
    message = sent(replace(ENVELOPE, wording=replace(WORDING, calendar=CALENDAR)))

    assert message.get_content_type() == "multipart/mixed"
    bodies, attached = message.iter_parts()
    assert bodies.get_content_type() == "multipart/alternative"
    assert part(message, "plain").splitlines() == WORDING.text.splitlines()
    assert part(message, "html").splitlines() == WORDING.html.splitlines()
    assert attached.get_content_type() == "text/calendar"
    assert dict(attached["Content-Type"].params) == {"charset": "utf-8", "method": "PUBLISH"}
    assert attached.get_content_disposition() == "attachment"
    assert attached.get_filename() == "期日.ics"
    assert attached.get_payload(decode=True) == CALENDAR.encode()
    (event,) = Calendar.from_ical(attached.get_payload(decode=True)).events
    assert event["SUMMARY"] == "特定個人情報保護評価"


def test_a_mail_says_its_language_as_its_page_does() -> None:
    english = replace(WORDING, html='<!doctype html>\n<html lang="en">\n<p>To whom it may concern</p>')

    assert sent(ENVELOPE)["Content-Language"] == "ja"
    assert sent(replace(ENVELOPE, wording=english))["Content-Language"] == "en"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=120), st.text(max_size=60))
def test_every_subject_and_name_arrives_as_it_was_written_in_lines_of_the_permitted_length(
    subject: str, title: str
) -> None:
    envelope = replace(ENVELOPE, recipient_title=title)

    message = compose(MailSettings("", "kijitsu@city.example", title), envelope, subject, "本文")

    # By the older parser: the newer one puts a space between the encoded words of a name.
    parsed = email.message_from_bytes(message)
    unfolded = {name: (parsed[name] or "").replace("\r\n", "") for name in ("Subject", "To")}
    decoded = {name: str(make_header(decode_header(header))) for name, header in unfolded.items()}
    shown = [" ".join(text.split()).encode("utf-8", "replace").decode() for text in (subject, title)]
    assert decoded == {
        "Subject": shown[0],
        "To": f"{shown[1]} <residents@city.example>" if shown[1] else ENVELOPE.address,
    }
    assert max(map(len, message.split(b"\r\n"))) <= 76
    assert message.isascii()


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
