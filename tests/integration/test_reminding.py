"""Reminding now: one letter a day, sent at once or waiting for the opening, and how it fared for each recipient."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.history import Deed
from kijitsu.domain.roles import Role
from kijitsu.messages import Envelope
from kijitsu.office import Actor, NotAllowed, Office
from kijitsu.services.delivering import dispatch
from kijitsu.services.ledger import reminders
from kijitsu.services.reminding import NobodyToAsk, asked_today, remind
from kijitsu.services.reporting import Report, report
from kijitsu.services.watching import adopted, watch
from kijitsu.store.rows import ReminderState
from tests.acceptance.support import Desk, body, read_mail
from tests.board import CLERK, ISHINOMAKI, installation
from tests.integration.smtp_relays import Post, Relay, relay

NOON = datetime(2016, 6, 3, 3, 0, tzinfo=UTC)
"""Noon of Friday 3 June 2016: the review, due on 31 May, is late, and the filing is stopped by it."""

EVENING = datetime(2016, 6, 3, 10, 0, tzinfo=UTC)
MONDAY = datetime(2016, 6, 5, 23, 30, tzinfo=UTC)
Opening = Callable[..., Office]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An installation to be copied: making the tables takes longer than a test."""
    return installation(tmp_path_factory.mktemp("made"))


@pytest.fixture
def running() -> Iterator[Relay]:
    with relay() as running:
        yield running


@pytest.fixture
def opened(made: Office, running: Relay, tmp_path: Path) -> Opening:
    """Opens the office at an instant; its mail goes to the relay."""
    shutil.copytree(made.settings.home, tmp_path / "home")
    settings = replace(made.settings, home=tmp_path / "home", smtp_url=f"smtp://{running.place}", today="")
    here = open_office(settings)
    return lambda at=NOON: here.at(lambda: at)


def ledger(office: Office) -> list[tuple[str, str]]:
    """Return the questions in the ledger, and what became of each."""
    return [(each["rule"], each["state"]) for each in reminders(office, "small") if each["rule"].startswith("asked:")]


def entries(office: Office) -> list[tuple[str, str, str]]:
    with office.open_work(ISHINOMAKI, True) as work:
        return [(each.actor, each.subject, each.details["on"]) for each in work.audit.of(["remind"])]


def send(office: Office) -> None:
    dispatch(office, office.library.organisations()[0])


def test_whoever_is_in_charge_is_asked_at_once(opened: Opening, running: Relay) -> None:
    office = opened()

    (word,) = remind(office, "small", "review", CLERK)

    assert (word.recipient, word.state, word.sent_at) == ("総務課", ReminderState.SENT, NOON)
    (mail,) = map(read_mail, running.post.messages)
    assert mail["Subject"] == "【至急の照会】【期限超過】「評価書の再評価」について"
    assert "状況を至急御回答ください" in body(mail, "plain")
    assert "「届出書の提出」" in body(mail, "plain"), "what it holds up"
    assert entries(office) == [("事務局 係員", "small/review", "2016-06-03")]
    assert ledger(office) == [("asked:2016-06-03", "sent")]


def test_two_clicks_send_one_letter(opened: Opening, running: Relay) -> None:
    office = opened()

    first, second = (remind(office, "small", "review", CLERK) for _ in range(2))

    assert first == second
    assert len(running.post.messages) == 1
    assert len(entries(office)) == 1


def test_another_day_may_ask_again(opened: Opening, running: Relay) -> None:
    remind(opened(), "small", "review", CLERK)

    remind(opened(MONDAY), "small", "review", CLERK)

    assert len(running.post.messages) == 2
    assert ledger(opened(MONDAY)) == [("asked:2016-06-03", "sent"), ("asked:2016-06-06", "sent")]


def test_out_of_office_hours_it_waits_for_the_opening_and_comes_with_the_letter_of_that_day(
    opened: Opening, running: Relay
) -> None:
    (word,) = remind(opened(EVENING), "small", "review", CLERK)

    assert (word.state, word.not_before, word.answer) == (ReminderState.PENDING, MONDAY, "")
    assert running.post.messages == []

    office = opened(MONDAY)
    watch(office, "small")
    send(office)
    asked = [each for each in map(read_mail, running.post.messages) if "至急の照会" in body(each, "plain")]
    assert len(asked) == 1
    assert body(asked[0], "plain").count("評価書の再評価") == 1, "the question stands for what the day would say"
    assert ledger(office) == [("asked:2016-06-03", "sent")]


def test_what_was_reported_meanwhile_is_not_asked_any_more(opened: Opening, running: Relay) -> None:
    remind(opened(EVENING), "small", "review", CLERK)
    done = Report(Deed.COMPLETE, "review", date(2016, 6, 3), evidence={"評価書": "総第1号"})
    report(opened(EVENING), "small", done, CLERK)

    office = opened(MONDAY)
    watch(office, "small")
    send(office)

    assert ledger(office) == [("asked:2016-06-03", "superseded")]
    assert not [each for each in map(read_mail, running.post.messages) if "至急の照会" in body(each, "plain")]


@pytest.mark.parametrize(
    ("answer", "state"),
    [("451 please wait", ReminderState.PENDING), ("550 no such mailbox", ReminderState.DEAD)],
    ids=["for-now", "for-good"],
)
def test_a_refusal_is_told_in_the_relays_words(answer: str, state: ReminderState, made: Office, tmp_path: Path) -> None:
    shutil.copytree(made.settings.home, tmp_path / "home")
    with relay(Post(RCPT=[answer])) as refusing:
        settings = replace(made.settings, home=tmp_path / "home", smtp_url=f"smtp://{refusing.place}", today="")
        (word,) = remind(open_office(settings).at(lambda: NOON), "small", "review", CLERK)

    assert word.state is state
    assert answer.partition(" ")[2] in word.answer
    assert (word.not_before is not None) == (state is ReminderState.PENDING)
    assert word.sent_at is None


def test_a_process_that_was_killed_before_it_sent_leaves_the_letter_to_the_next(
    opened: Opening, running: Relay
) -> None:
    class Killed(BaseException):
        pass

    class Dying:
        def send(self, envelope: Envelope) -> str:
            raise Killed

        def close(self) -> None:
            pass

    office = opened()
    with pytest.raises(Killed):
        remind(replace(office, open_courier=Dying), "small", "review", CLERK)
    assert running.post.messages == []

    send(opened(datetime(2016, 6, 3, 3, 6, tzinfo=UTC)))

    assert len(running.post.messages) == 1
    assert ledger(office) == [("asked:2016-06-03", "sent")]


def test_nobody_is_asked_who_cannot_act(opened: Opening, running: Relay) -> None:
    office = opened()

    with pytest.raises(NobodyToAsk, match="原因の「評価書の再評価」を督促してください"):
        remind(office, "small", "filing", CLERK)
    done = Report(Deed.COMPLETE, "review", date(2016, 6, 3), evidence={"評価書": "総第1号"})
    report(office, "small", done, CLERK)
    with pytest.raises(NobodyToAsk, match="「評価書の再評価」は終わっている"):
        remind(office, "small", "review", CLERK)

    assert running.post.messages == []
    assert entries(office) == []


def test_only_who_may_send_may_ask(opened: Opening) -> None:
    office = opened()
    department = Actor("総務課", "test", frozenset({Role.DEPARTMENT}), frozenset({"general_affairs"}))

    with pytest.raises(NotAllowed, match="督促を行えません"):
        remind(office, "small", "review", department)

    assert entries(office) == []


def test_a_date_without_a_deadline_can_be_asked_about(opened: Opening, running: Relay) -> None:
    office = opened()

    with office.open_work(ISHINOMAKI, True) as work:
        standing = adopted(office, work, "small", date(2016, 6, 3))
    remind(office, "small", "audience", CLERK)

    assert asked_today(office, standing).keys() == {"audience"}
    assert len(running.post.messages) == 1


def test_the_command_says_how_it_fared(made: Office, tmp_path: Path) -> None:
    shutil.copytree(made.settings.home, tmp_path / "home")
    desk = Desk(tmp_path / "home", calendar=made.settings.calendar, today="2016-06-03")

    said = desk("remind", "small", "review").out
    found = desk("remind", "small", "review", "--json").json
    wrong = desk("remind", "small", "reviw", code=1).err

    assert "総務課: 送信済み" in said
    assert [(each["recipient"], each["state"]) for each in found] == [("総務課", "sent")]
    assert len(desk.mails) == 1
    assert "もしかして: review" in wrong
