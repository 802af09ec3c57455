"""The mailbox on this machine: what arrives is a file, whole, in order, once more where it came once more."""

from __future__ import annotations

import re
import smtplib
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kijitsu.messages import Envelope, TransientFailure, Wording
from notifications.channels import ChannelCourier, MailSettings
from notifications.mailbox import LocalMailbox

ENVELOPE = Envelope(
    key="fy28/2016-06-03/residents",
    channel="mail",
    address="residents@city.example",
    recipient_title="市民課",
    message_id="<a.042021@city.example>",
    written_at=datetime(2016, 6, 2, 23, 30, tzinfo=ZoneInfo("UTC")),
    wording=Wording("件名", "本文\n.\n以上", "<p>本文</p>", "{}"),
)


def courier(box: LocalMailbox) -> closing[ChannelCourier]:
    return closing(ChannelCourier(MailSettings(box.url, "kijitsu@city.example")))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def box(tmp_path: Path) -> Iterator[LocalMailbox]:
    with LocalMailbox(tmp_path / "inbox") as opened:
        yield opened


def test_a_message_becomes_a_file_named_by_arrival_day_recipient_and_message_id(box: LocalMailbox) -> None:
    with courier(box) as out:
        out.send(ENVELOPE)

    # 23:30 UTC is the next morning in Japan; 9947a9ff4061 opens the SHA-256 of the Message-ID.
    assert names(box.folder) == ["000001_2016-06-03_residents_9947a9ff4061.eml"]


def test_a_message_that_comes_again_is_seen_as_the_same_by_its_name(box: LocalMailbox) -> None:
    other = replace(ENVELOPE, message_id="<b.042021@city.example>", address="somu@city.example")

    with courier(box) as out:
        for envelope in (ENVELOPE, other, ENVELOPE, ENVELOPE):
            out.send(envelope)

    assert [re.sub(r"_2016-06-03_|\.eml", " ", name).split() for name in names(box.folder)] == [
        ["000001", "residents_9947a9ff4061"],
        ["000002", "somu_f71f5903b6ab"],
        ["000003", "residents_9947a9ff4061-2"],
        ["000004", "residents_9947a9ff4061-3"],
    ]


def test_a_mailbox_opened_again_goes_on_counting(tmp_path: Path) -> None:
    for _ in range(2):
        with LocalMailbox(tmp_path) as box, courier(box) as out:
            out.send(ENVELOPE)

    assert names(tmp_path) == [
        "000001_2016-06-03_residents_9947a9ff4061.eml",
        "000002_2016-06-03_residents_9947a9ff4061-2.eml",
    ]


def test_two_mailboxes_on_one_folder_lose_nothing(tmp_path: Path) -> None:
    def fill(box: LocalMailbox) -> None:
        with courier(box) as out:
            for number in range(30):
                out.send(replace(ENVELOPE, message_id=f"<{number}.{box.url[-5:]}@city.example>"))

    with LocalMailbox(tmp_path) as one, LocalMailbox(tmp_path) as two:
        threads = [threading.Thread(target=fill, args=(box,)) for box in (one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(names(tmp_path)) == 60
    assert all(name.endswith(".eml") for name in names(tmp_path))


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b".\r\n",
        b"Subject: x\r\n\r\n.\r\n..\r\n.x\r\nabc.\r\n",
        "件名: 八ビット\r\n\r\n本文\r\n".encode(),
        b"x" * 100_000 + b"\r\n",
    ],
)
def test_the_file_is_what_was_sent_byte_for_byte(message: bytes, box: LocalMailbox) -> None:
    host, port = box.url.removeprefix("smtp://").split(":")

    with smtplib.SMTP(host, int(port)) as client:
        client.sendmail("a@city.example", ["b@city.example"], message)

    (stored,) = box.folder.iterdir()
    assert stored.read_bytes() == (message or b"\r\n")


def test_a_recipient_can_not_choose_a_place_outside_the_folder(box: LocalMailbox) -> None:
    with courier(box) as out:
        out.send(replace(ENVELOPE, address="../../etc/passwd@city.example"))

    (stored,) = box.folder.iterdir()
    assert stored.name.startswith("000001_2016-06-03_..-..-etc-passwd_")


def test_a_folder_that_cannot_be_written_is_a_transient_failure(box: LocalMailbox) -> None:
    box.folder.rmdir()

    with courier(box) as out, pytest.raises(TransientFailure, match="452"):
        out.send(ENVELOPE)


def test_a_closed_mailbox_takes_nothing_more_and_leaves_no_thread(tmp_path: Path) -> None:
    with LocalMailbox(tmp_path) as box, courier(box) as out:
        out.send(ENVELOPE)
        url = box.url
    running = {thread.name for thread in threading.enumerate()}

    late = ChannelCourier(MailSettings(url, "kijitsu@city.example"))
    with pytest.raises(TransientFailure, match="接続できません"):
        late.send(ENVELOPE)
    assert "kijitsu-mailbox" not in running


def test_a_mailbox_closes_while_a_client_is_still_connected(tmp_path: Path) -> None:
    with LocalMailbox(tmp_path) as box:
        host, port = box.url.removeprefix("smtp://").split(":")
        client = smtplib.SMTP(host, int(port))

    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        client.noop()
    client.close()
