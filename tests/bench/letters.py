"""Letters: durable mails and cards per second, beside Apprise's own plugins and the standard library's bare client.

All go to the same servers on loopback, which run in a process of their own. Ours is all that production does: render,
write letter and reminders to the outbox, claim, send, mark. A peer is handed the finished words and only sends.
"""

from __future__ import annotations

import os
import smtplib
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import certifi
from apprise import Apprise, AppriseAsset, NotifyFormat

from kijitsu.bootstrap import open_office
from kijitsu.messages import Envelope, Item, Letter, Topic, Wording
from kijitsu.services import delivering
from kijitsu.settings import Settings
from kijitsu.store.rows import ReminderRow, ReminderState
from notifications.channels import ChannelCourier, MailSettings
from notifications.mime import compose
from tests.integration.smtp_relays import certificate

from . import plans
from .measure import Row, beside, in_turn

RUNS, LETTERS, BY_MAILTO, BY_WORKFLOWS = 5, 300, 15, 10
MORNING, TODAY = datetime(2016, 6, 2, 23, 30, tzinfo=UTC), date(2016, 6, 3)
SENDER = "kijitsu@city.example"
CARD = """{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":%s}]}"""


def measure() -> list[Row]:
    """Measure everything and return the rows."""
    with TemporaryDirectory() as folder, sinks(Path(folder)) as (relay, webhook):
        return [*mails(Path(folder), relay), *cards(Path(folder), webhook)]


@contextmanager
def sinks(folder: Path) -> Iterator[tuple[int, int]]:
    """Yield the ports of the mail relay and the webhook; everybody here trusts the webhook's certificate.

    It is added to the authorities that Python's requests brings along, so that reading them costs what it always does.
    """
    pem, trusted = certificate(folder), folder / "trusted.pem"
    trusted.write_bytes(Path(certifi.where()).read_bytes() + pem.read_bytes())
    os.environ |= {"SSL_CERT_FILE": str(trusted), "REQUESTS_CA_BUNDLE": str(trusted), "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-m", "tests.bench.sinks", str(pem)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        relay, webhook = map(int, process.stdout.readline().split())
        try:
            yield relay, webhook
        finally:
            process.stdin.close()


# --- what is sent ---


def letter(number: int, channel: str = "mail") -> Letter:
    """Return a digest of three things: one overdue, one of today, one of next week."""
    items = [
        Item(
            topic,
            f"m{number}-{place}",
            f"独自利用条例（{number}）の{title}",
            "市民課",
            True,
            due,
            "",
            None,
            left,
            place,
        )
        for place, (topic, title, due, left) in enumerate(
            [
                (Topic.AFTER, "例規審査", date(2016, 6, 1), -2),
                (Topic.ON_DAY, "議案送付", TODAY, 0),
                (Topic.BEFORE, "公布", date(2016, 6, 10), 5),
            ]
        )
    ]
    return Letter(
        "石巻市",
        "fy28",
        "平成28年度 番号制度 対応計画",
        TODAY,
        "residents",
        "市民課",
        False,
        items,
        "総務課",
        SENDER,
        municipality_code="042021",
        revision=3,
        changed_at=MORNING,
        channel=channel,
    )


def envelope(name: str, wording: Wording) -> Envelope:
    """Return the wording on its way to one of thirty departments."""
    department = f"department{sum(name.encode()) % 30}@city.example"
    return Envelope(name, "mail", department, "市民課", f"<{name}@city.example>", MORNING, wording, SENDER)


class Town:
    """An installation on SQLite with its mail going to the relay."""

    def __init__(self, home: Path, relay: int) -> None:
        settings = Settings(home=home, smtp_url=f"smtp://127.0.0.1:{relay}", mail_from=SENDER)
        self.office = open_office(settings).at(lambda: MORNING)
        self.office.upgrade()
        self.organisation = plans.ORGANISATION
        self._runs = count()

    def write(self) -> None:
        """Render the letters and put them and their reminders into the database, in one transaction."""
        run = next(self._runs)
        envelopes, reminders = [], []
        for number in range(LETTERS):
            one = letter(number)
            sent = envelope(f"fy28.{run}.{number}", self.office.renderer(one))
            envelopes.append(sent)
            reminders += [
                ReminderRow(
                    "fy28",
                    item.milestone,
                    f"rule{run}",
                    "residents",
                    item.due,
                    item.due,
                    "mail",
                    ReminderState.PENDING,
                    sent.key,
                    TODAY,
                )
                for item in one.items
            ]
        with self.office.open_work(self.organisation.municipality, False) as work:
            work.reminders.add(reminders)
            work.outbox.add(envelopes, MORNING)
            work.commit()

    def send(self) -> None:
        """Claim, send and mark whatever is due, as every dispatch does."""
        report = delivering.dispatch(self.office, self.organisation)
        assert report == delivering.DispatchReport(sent=LETTERS), report

    def write_and_send(self) -> None:
        """Do all of it."""
        self.write()
        self.send()


# --- mail ---


def mails(folder: Path, relay: int) -> list[Row]:
    """Send letters by mail."""
    town = Town(folder / "home", relay)
    wording = town.office.renderer(letter(0))
    calls: dict[str, tuple[int, Callable[[], object]]] = {
        "Kijitsu": (LETTERS, town.write_and_send),
        "Apprise mailto://, unthrottled": (BY_MAILTO, by_mailto(relay, wording)),
        "smtplib and EmailMessage, kept connection": (LETTERS, lambda: by_smtplib(relay, wording)),
    }
    taken = each_of(calls, lambda: mails_taken(relay))
    print_rates("mails", taken)
    _, mailto, bare = calls
    rows = beside("a durable mail: rendered, claimed, sent, marked", taken, at_least={mailto: 20, bare: 0.6})
    # The peer gets its words for nothing; so here, where they were written before.
    worded = {"Kijitsu": sending_alone(town), mailto: taken[mailto]}
    rows += beside("a durable mail already worded: claimed, sent, marked", worded, at_least={mailto: 20})
    return rows + parts_of_a_mail(town, relay, wording)


def sending_alone(town: Town) -> float:
    """Return what a letter that waits in the outbox takes."""
    taken = []
    for _ in range(RUNS):
        town.write()
        begin = time.perf_counter()
        town.send()
        taken.append((time.perf_counter() - begin) / LETTERS)
    return median(taken)


class Nobody:
    """A courier that takes everything and does nothing."""

    def send(self, envelope: Envelope) -> str:
        return "250"

    def close(self) -> None:
        pass


def parts_of_a_mail(town: Town, relay: int, wording: Wording) -> list[Row]:
    """Tell what a mail's time is made of."""
    settings = MailSettings(f"smtp://127.0.0.1:{relay}", SENDER, "期日管理")
    one = envelope("fy28.part", wording)
    with closing(ChannelCourier(settings)) as courier:
        parts: dict[str, Callable[[], object]] = {
            "rendered": lambda: town.office.renderer(letter(0)),
            "put together": lambda: compose(settings, one, wording.subject, wording.text),
            "put together and sent through Apprise": lambda: courier.send(one),
        }
        taken = {what: in_turn(RUNS, {"": call}, LETTERS)[""] for what, call in parts.items()}
    marking = []
    for _ in range(RUNS):
        town.write()
        begin = time.perf_counter()
        delivering.dispatch(town.office, town.organisation, Nobody())
        marking.append((time.perf_counter() - begin) / LETTERS)
    taken["claimed and marked"] = median(marking)
    return [Row(f"of it, {what}", seconds) for what, seconds in taken.items()]


def mails_taken(relay: int) -> int:
    """Ask the relay how many messages it took."""
    with smtplib.SMTP("127.0.0.1", relay) as client:
        return int(client.noop()[1])


def by_mailto(relay: int, wording: Wording) -> Callable[[], None]:
    """Return what sends the text and HTML by Apprise's plugin for mail."""
    hub = Apprise(asset=AppriseAsset(async_mode=False))
    hub.add(f"mailto://127.0.0.1:{relay}?mode=insecure&from={SENDER}&to=department1@city.example&format=html")
    hub[0].request_rate_per_sec = 0

    def send() -> None:
        for _ in range(BY_MAILTO):
            assert hub.notify(title=wording.subject, body=wording.html, body_format=NotifyFormat.HTML)

    return send


def by_smtplib(relay: int, wording: Wording) -> None:
    """Send the text, HTML and dates by the standard library, on one connection."""
    with smtplib.SMTP("127.0.0.1", relay, "city.example") as client:
        for number in range(LETTERS):
            one = envelope(f"bare.{number}", wording)
            message = EmailMessage()
            message["From"], message["To"] = f"期日管理 <{SENDER}>", f"{one.recipient_title} <{one.address}>"
            message["Subject"], message["Date"] = wording.subject, format_datetime(MORNING)
            message["Message-ID"], message["Reply-To"] = one.message_id, one.reply_to
            message["Auto-Submitted"] = "auto-generated"
            message.set_content(wording.text)
            message.add_alternative(wording.html, subtype="html")
            if wording.calendar:
                message.add_attachment(wording.calendar, subtype="calendar", filename="期日.ics")
            client.send_message(message)


# --- cards ---


def cards(folder: Path, webhook: int) -> list[Row]:
    """Post cards to Teams."""
    wording = open_office(Settings(home=folder)).renderer(letter(0, "teams"))
    template = folder / "card.json"
    template.write_text(CARD % wording.card, encoding="utf-8")
    hub = Apprise(asset=AppriseAsset(async_mode=False))
    hub.add(f"workflows://127.0.0.1:{webhook}/0123abcd/0123abcd/?image=no&template={template}")
    hub[0].request_rate_per_sec = 0

    def by_workflows() -> None:
        for _ in range(BY_WORKFLOWS):
            assert hub.notify(title=wording.subject, body=wording.text)

    secrets = {"somu": f"workflows://127.0.0.1:{webhook}/0123abcd/0123abcd/"}
    one = replace(envelope("fy28.card", wording), channel="teams", address="somu")
    with closing(ChannelCourier(MailSettings("smtp://127.0.0.1", SENDER), secrets)) as courier:

        def ours() -> None:
            for _ in range(LETTERS):
                assert courier.send(one) == "HTTP 202"

        calls = {"Kijitsu": (LETTERS, ours), "Apprise workflows://, unthrottled": (BY_WORKFLOWS, by_workflows)}
        taken = each_of(calls, lambda: cards_taken(webhook))
    print_rates("cards", taken)
    return beside("a card to Teams", taken, at_least={"Apprise workflows://, unthrottled": 20})


def cards_taken(webhook: int) -> int:
    """Ask the webhook how many messages it took."""
    with urlopen(f"https://127.0.0.1:{webhook}/", context=ssl.create_default_context()) as answer:
        return int(answer.read())


# --- both ---


def each_of(calls: dict[str, tuple[int, Callable[[], object]]], taken: Callable[[], int]) -> dict[str, float]:
    """Return what one message takes by each way, after making sure that every one of them arrived."""
    before = taken()
    seconds = in_turn(RUNS, {name: call for name, (_, call) in calls.items()})
    sent = (RUNS + 1) * sum(messages for messages, _ in calls.values())
    if (arrived := taken() - before) != sent:
        raise SystemExit(f"{sent} messages were sent and {arrived} arrived")
    return {name: seconds[name] / messages for name, (messages, _) in calls.items()}


def print_rates(what: str, taken: dict[str, float]) -> None:
    """Print how many a second."""
    print(f"{what} a second: " + ", ".join(f"{name} {1 / each:.0f}" for name, each in taken.items()), flush=True)
