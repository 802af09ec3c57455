"""The channels Slack, JSON and file, and where the secret addresses come from."""

from __future__ import annotations

import email
import email.policy
import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from traceback import format_exception
from urllib.parse import urlunsplit

import pytest

from kijitsu.domain.errors import InputError
from kijitsu.messages import DeliveryFailure, Envelope, PermanentFailure, TransientFailure, Unreachable, Wording
from kijitsu.settings import Settings, read_secrets
from notifications.channels import ChannelCourier, MailSettings
from notifications.courier import courier_for
from tests.integration.smtp_relays import certificate, unused_place, webhook

ENVELOPE = Envelope(
    key="fy28/2016-06-03/somu",
    channel="json",
    address="somu",
    recipient_title="総務課",
    message_id="<1@city.example>",
    written_at=datetime(2016, 6, 2, 23, 30, tzinfo=UTC),
    wording=Wording("【依頼】「条例」について", "総務課　御中\n\n*期限* <b> &amp; {{x}}\n以上", "<p>御中</p>", "{}"),
)
TOKENS = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
SLACK = f"slack://{TOKENS}"
SLACK_ITSELF = urlunsplit(("https", "hooks.slack.com", f"/services/{TOKENS}", "", ""))


@pytest.fixture(autouse=True)
def nobody_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network without a way out: Slack's host is fixed in Apprise."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HTTPS_PROXY", f"http://{unused_place()}")


def courier(url: str, mailbox: Path = Path("mailbox"), timeout: float = 5) -> closing[ChannelCourier]:
    mail = MailSettings("smtp://relay.example", "kijitsu@city.example", "期日管理")
    return closing(ChannelCourier(mail, {"somu": url}, mailbox, timeout))


# --- JSON and Slack ---


def test_a_json_webhook_gets_the_subject_and_the_text() -> None:
    with webhook(None, 200) as there, courier(f"json://{there.place}/kijitsu?:city=042021") as out:
        assert out.send(ENVELOPE) == "HTTP 2xx"

    body = json.loads(there.bodies[0])
    assert there.paths == ["/kijitsu"]
    assert body["title"] == ENVELOPE.wording.subject
    assert body["message"].splitlines() == ENVELOPE.wording.text.splitlines()
    assert body["city"] == "042021"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, TransientFailure), (500, TransientFailure), (302, PermanentFailure), (400, PermanentFailure)],
)
def test_the_status_decides_between_later_and_never(status: int, kind: type[Exception]) -> None:
    with webhook(None, status) as there, courier(f"json://{there.place}/") as out:
        with pytest.raises(
            DeliveryFailure, match=f"JSONの送り先「somu」が受け付けませんでした: HTTP {status}"
        ) as failure:
            out.send(ENVELOPE)
        out.send(ENVELOPE)

    assert failure.type is kind
    assert len(there.bodies) == 2


def test_a_certificate_is_checked_whatever_the_address_says(tmp_path: Path) -> None:
    with (
        webhook(certificate(tmp_path), 200) as there,
        courier(f"jsons://{there.place}/?verify=no") as out,
        pytest.raises(Unreachable, match="接続できません"),
    ):
        out.send(ENVELOPE)

    assert there.bodies == []


@pytest.mark.parametrize("deed", ["hangs", "closes"])
def test_a_service_that_does_not_answer_is_unreachable(deed: str) -> None:
    with (
        webhook(None, deed) as there,
        courier(f"json://{there.place}/", timeout=1) as out,
        pytest.raises(Unreachable, match="JSONの送り先「somu」に接続できません"),
    ):
        out.send(ENVELOPE)


def test_a_service_that_is_away_is_unreachable() -> None:
    with courier(f"json://{unused_place()}/") as out, pytest.raises(Unreachable, match="接続できません"):
        out.send(ENVELOPE)


def test_the_status_is_known_however_little_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="apprise")

    with (
        webhook(None, 400) as there,
        courier(f"json://{there.place}/") as out,
        pytest.raises(PermanentFailure, match="HTTP 400"),
    ):
        out.send(ENVELOPE)

    assert logging.getLogger("apprise").level == logging.CRITICAL


def test_no_log_tells_the_address_or_the_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    with webhook(None, 400, "closes", 200) as there, courier(f"json://u:HIMITSU@{there.place}/HIMITSU") as out:
        told = [repr(out)]
        for _ in range(2):
            with pytest.raises(DeliveryFailure) as failure:
                out.send(ENVELOPE)
            told += format_exception(failure.value)
        told.append(out.send(ENVELOPE))

    assert len(there.bodies) == 3
    for secret in ("HIMITSU", there.place, "御中"):
        assert secret not in caplog.text
        assert secret not in "".join(told)


@pytest.mark.parametrize(
    ("channel", "url"),
    [
        ("slack", "json://127.0.0.1/HIMITSU"),
        ("slack", "mailto://u:HIMITSU@a.example"),
        ("slack", "slack://HIMITSU"),
        ("slack", f"{SLACK}/#somu/#HIMITSU"),
        ("slack", f"{SLACK}, slack://HIMITSU"),
        ("slack", f"https://HIMITSU.example/services/{TOKENS}"),
        ("json", SLACK),
        ("json", "http://127.0.0.1/HIMITSU"),
        ("json", "xml://127.0.0.1/HIMITSU"),
        ("json", "HIMITSU"),
        ("json", ""),
    ],
)
def test_a_channel_takes_one_address_of_its_own_kind_only(
    channel: str, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    with courier(url) as out, pytest.raises(PermanentFailure, match="「somu」のURLが正しくありません") as failure:
        out.send(replace(ENVELOPE, channel=channel))

    assert "HIMITSU" not in caplog.text + str(failure.value)


@pytest.mark.parametrize(
    "url",
    [SLACK, f"{SLACK}/#somu", SLACK_ITSELF, "slack://xoxb-1-a-b/#c"],
)
def test_an_address_of_slack_is_taken_as_slack_and_as_apprise_writes_it(url: str) -> None:
    with courier(url) as out, pytest.raises(Unreachable, match="Slackの送り先「somu」に接続できません"):
        out.send(replace(ENVELOPE, channel="slack"))


@pytest.mark.parametrize("channel", ["slack", "json", "teams"])
def test_a_name_without_an_address_says_where_to_add_it(channel: str) -> None:
    with (
        courier(SLACK) as out,
        pytest.raises(
            PermanentFailure, match=r"「zeimu」のURLが設定にありません.*KIJITSU_SECRETS_FILE.*「zeimu」を加え"
        ),
    ):
        out.send(replace(ENVELOPE, channel=channel, address="zeimu"))


# --- file ---


def test_a_message_becomes_a_file_in_the_folder_of_its_name(tmp_path: Path) -> None:
    envelope = replace(ENVELOPE, channel="file", address="somu.kakari-1")

    with courier("", tmp_path) as out:
        names = [out.send(envelope), out.send(envelope)]

    # 8f4104ada16e opens the SHA-256 of the Message-ID.
    assert names == [
        "000001_2016-06-03_somu.kakari-1_8f4104ada16e.eml",
        "000002_2016-06-03_somu.kakari-1_8f4104ada16e-2.eml",
    ]
    assert sorted(path.name for path in (tmp_path / "somu.kakari-1").iterdir()) == names
    message = email.message_from_bytes(
        (tmp_path / "somu.kakari-1" / names[0]).read_bytes(), policy=email.policy.default
    )
    assert message["Subject"] == ENVELOPE.wording.subject
    assert message["To"] == "総務課 <somu.kakari-1@localhost>"
    assert message["Message-ID"] == ENVELOPE.message_id
    assert not message.defects


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "../x", "a\\b", "総務", "a\n", "C:x", "a" * 65])
def test_a_name_that_leads_elsewhere_is_a_permanent_failure(name: str, tmp_path: Path) -> None:
    box = tmp_path / "mailbox"

    with courier("", box) as out, pytest.raises(PermanentFailure, match="フォルダーの名前"):
        out.send(replace(ENVELOPE, channel="file", address=name))

    assert list(tmp_path.rglob("*")) == []


def test_a_folder_that_cannot_be_made_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "somu").write_text("a file where the folder should be")

    with courier("", tmp_path) as out, pytest.raises(Unreachable, match=r"フォルダー「.*somu」に書けません"):
        out.send(replace(ENVELOPE, channel="file"))


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as on a full disk."""
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_message_that_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    with courier("", tmp_path) as out:
        with at_most(100), pytest.raises(Unreachable, match="に書けません"):
            out.send(replace(ENVELOPE, channel="file"))
        left = os.listdir(tmp_path / "somu")  # noqa: PTH208
        out.send(replace(ENVELOPE, channel="file"))

    assert left == []
    assert len(list((tmp_path / "somu").iterdir())) == 1


def test_couriers_that_write_to_one_folder_at_once_lose_nothing(tmp_path: Path) -> None:
    def fill(who: int) -> None:
        with courier("", tmp_path) as out:
            for number in range(20):
                out.send(replace(ENVELOPE, channel="file", message_id=f"<{number}.{who}@city.example>"))

    threads = [threading.Thread(target=fill, args=(who,)) for who in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(list((tmp_path / "somu").glob("0*.eml"))) == 60


# --- secrets ---


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text('{"somu": "from the file", "zeimu": "from the file"}', encoding="utf-8-sig")

    assert read_secrets(Settings(secrets='{"somu": "from here"}', secrets_file=file)) == {
        "somu": "from here",
        "zeimu": "from the file",
    }
    assert read_secrets(Settings()) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"somu": "HIMITSU"', "1行19字目"),
        ('"HIMITSU"', "名前"),
        ('["HIMITSU"]', "名前"),
        ('{"somu": {"HIMITSU": 1}}', "名前"),
        ('{"somu": HIMITSU}', "1行10字目"),
    ],
)
@pytest.mark.parametrize("place", ["KIJITSU_SECRETS", "KIJITSU_SECRETS_FILE"])
def test_secrets_that_cannot_be_read_are_named_and_not_told(place: str, text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(text, encoding="utf-8")
    settings = Settings(secrets=text) if place == "KIJITSU_SECRETS" else Settings(secrets_file=file)

    with pytest.raises(InputError, match=f"^{place}.*{said}") as refusal:
        courier_for(replace(settings, smtp_url="smtp://relay.example"))

    assert "HIMITSU" not in "".join(format_exception(refusal.value))


def test_a_secrets_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"

    with pytest.raises(InputError, match=f"KIJITSU_SECRETS_FILE={file} を読めません"):
        read_secrets(Settings(secrets_file=file))
    file.write_bytes(b'{"somu": "HIMITSU\xff"}')
    with pytest.raises(InputError, match=f"KIJITSU_SECRETS_FILE={file} の文字コード") as refusal:
        read_secrets(Settings(secrets_file=file))

    assert "HIMITSU" not in "".join(format_exception(refusal.value))


def test_an_installation_without_a_relay_has_its_mailbox_and_its_secrets(tmp_path: Path) -> None:
    with webhook(None, 200) as there:
        secrets = json.dumps({"somu": f"json://{there.place}/"})
        with closing(courier_for(Settings(home=tmp_path, secrets=secrets))) as out:
            assert out.send(ENVELOPE) == "HTTP 2xx"
            assert out.send(replace(ENVELOPE, channel="mail", address="a@b.example")).startswith("250 000001_")
            out.send(replace(ENVELOPE, channel="file"))

    assert [path.parent.name for path in sorted(tmp_path.rglob("*.eml"))] == ["mailbox", "somu"]
