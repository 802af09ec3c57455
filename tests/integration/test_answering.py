"""What the page behind a link shows to whom, and what it takes from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from kijitsu.domain.changes import Cascade
from kijitsu.domain.gates import Status
from kijitsu.domain.history import NOTHING_YET, Deed
from kijitsu.office import Office
from kijitsu.services import changing, reading, reporting
from kijitsu.services.answering import AnswerPage, ClosedMeanwhile, Dates, DatesMoved, Gone, answer, look
from kijitsu.services.reporting import BadReport, Report
from tests.acceptance.support import SMALL
from tests.at_once import at_once
from tests.board import CLERK, ISHINOMAKI, TODAY, end, installation, ticket

END_OF_MAY = Dates(date(2016, 5, 31), date(2016, 5, 31))
OUTSIDE = """\
  outside: {title: 議会の議決, kind: ordinance, owner: assembly, when: 平成28年6月}
"""


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return installation(tmp_path, SMALL + OUTSIDE)


def move(office: Office, id: str, to: str) -> None:
    changing.move(office, "small", id, to, "国の受付が延びたため", Cascade.NONE, CLERK)


def tell(office: Office, deed: Deed, id: str = "review", **details: object) -> bool:
    given = Report(deed, id, TODAY, **details)  # type: ignore[arg-type]
    return reporting.report(office, "small", given, CLERK)


def later(office: Office, day: str) -> Office:
    return office.reopen(replace(office.settings, today=day))


def say(office: Office, action: Deed, seen: Dates = END_OF_MAY, **fields: str) -> AnswerPage:
    """Answer as the owner of the review, and return the page as it is then."""
    answer(office, ticket(), action, {name.replace("_", "."): text for name, text in fields.items()}, seen)
    return look(office, ticket())


def events(office: Office) -> list[tuple[str, str, str]]:
    with office.open_work(ISHINOMAKI, True) as work:
        assert work.audit.verify() == []
        return [(row.kind, row.milestone, row.actor) for row in work.events.upto("small", None)]


# --- what is shown ---


def test_the_page_says_what_is_due_when_and_what_rests_on_it(office: Office) -> None:
    page = look(office, ticket())

    assert (page.city, page.plan, page.title) == ("石巻市", "小さな計画", "評価書の再評価")
    assert (page.owner, page.holder.name) == ("総務課", "総務課")
    assert (page.dates, page.was, page.status) == (END_OF_MAY, None, Status.READY)
    assert (page.due_in, page.safe_in) == (7, 7)  # 23 to 27, 30, 31 May
    assert page.rests_on == ["届出書の提出"]
    assert page.evidence == ("評価書",)
    assert (page.snooze_first, page.snooze_last) == (date(2016, 5, 23), date(2016, 5, 31))


def test_a_date_that_moved_since_the_letter_is_shown_with_what_it_was(office: Office) -> None:
    move(office, "review", "平成28年6月")

    page = look(office, ticket(revision=1))

    assert page.dates == Dates(date(2016, 6, 30), date(2016, 6, 30))
    assert page.was == END_OF_MAY
    assert look(office, ticket(revision=2)).was is None


def test_a_change_elsewhere_in_the_plan_is_no_change_of_these_dates(office: Office) -> None:
    move(office, "audience", "2016-10-21")

    assert look(office, ticket(revision=1)).was is None


def test_the_day_that_is_safe_counts_where_what_follows_needs_it_earlier(tmp_path: Path) -> None:
    tight = installation(tmp_path, SMALL.replace("when: 平成28年9月", "when: 2016-05-27～2016-05-27"))

    page = look(tight, ticket())

    assert page.dates == Dates(date(2016, 5, 31), date(2016, 5, 26))
    assert page.snooze_last == date(2016, 5, 26)


@pytest.mark.parametrize(
    ("id", "recipient", "actions"),
    [
        ("review", "general_affairs", "acknowledge complete estimate snooze start"),
        ("review", "secretariat", "excuse"),
        ("review", "総務課長", ""),
        ("review", "residents", ""),
        ("filing", "residents", "acknowledge complete estimate snooze start"),
        # The assembly cannot be written to: the secretariat answers for it.
        ("outside", "secretariat", "acknowledge complete estimate snooze start excuse"),
    ],
)
def test_the_owner_answers_the_secretariat_allows_and_whoever_got_a_copy_looks(
    id: str, recipient: str, actions: str, office: Office
) -> None:
    assert list(look(office, ticket(id, recipient)).actions) == actions.split()


def test_what_cannot_be_done_now_is_not_offered(office: Office) -> None:
    late = later(office, "2016-06-03")

    assert list(look(late, ticket()).actions) == ["acknowledge", "complete", "estimate", "start"]
    stopped = look(late, ticket("filing", "residents"))
    assert list(stopped.actions) == ["acknowledge", "estimate", "snooze"]
    assert "評価書の再評価" in stopped.reasons[0]
    end(late, Deed.WAIVE, "review", "対象なし")
    assert list(look(late, ticket()).actions) == []


@pytest.mark.parametrize(
    "gone",
    [
        ticket("reviews"),
        replace(ticket(), plan="large"),
        ticket(recipient="nobody"),
        replace(ticket(), municipality="1"),
    ],
)
def test_what_is_no_more_is_said_to_be_gone(gone: object, office: Office) -> None:
    with pytest.raises(Gone, match="事務局へ"):
        look(office, gone)  # type: ignore[arg-type]


# --- what is taken ---


def test_an_acknowledgement_keeps_the_day_that_was_shown(office: Office) -> None:
    page = say(office, Deed.ACKNOWLEDGE)

    assert page.progress.acknowledged_for == date(2016, 5, 31)
    assert "acknowledge" not in page.actions
    assert events(office) == [("acknowledge", "review", "総務課")]
    with office.open_work(ISHINOMAKI, True) as work:
        entry = work.audit.all()[-1]
    assert (entry.actor, entry.authenticated_by, entry.action) == ("総務課", "signed-link", "acknowledge")
    assert entry.details == {"on": "2016-05-20", "event": 1, "deadline": "2016-05-31"}


def test_an_estimate_goes_with_its_reason_in_one_line_without_control_characters(office: Office) -> None:
    page = say(office, Deed.ESTIMATE, until="2016-06-15", reason="国の様式が\r\n届かない\0ため\u202e")

    assert page.progress.estimate == date(2016, 6, 15)
    assert page.progress.said == "国の様式が 届かない ため"


def test_completion_takes_a_number_for_each_document(office: Office) -> None:
    with pytest.raises(BadReport) as refused:
        say(office, Deed.COMPLETE, on="2016-05-19", evidence_0="　")
    assert refused.value.field == "evidence.0"

    page = say(office, Deed.COMPLETE, on="平成28年5月19日", evidence_0="総第75号")

    assert page.is_closed
    assert page.progress.evidence == {"評価書": "総第75号"}
    assert page.answers == {Deed.COMPLETE: date(2016, 5, 19)}
    assert page.papers == ["評価書：総第75号"]


def test_a_finished_page_does_not_speak_of_reminders_any_more(office: Office) -> None:
    say(office, Deed.ACKNOWLEDGE)
    say(office, Deed.SNOOZE, until="2016-05-30")
    page = say(office, Deed.ESTIMATE, until="2016-06-15", reason="遅れ")
    assert {Deed.ACKNOWLEDGE, Deed.SNOOZE, Deed.ESTIMATE} == set(page.answers)

    assert set(say(office, Deed.COMPLETE, evidence_0="総第75号").answers) == {Deed.COMPLETE}


def test_an_acknowledgement_of_a_day_that_moved_counts_no_more(office: Office) -> None:
    say(office, Deed.ACKNOWLEDGE)
    move(office, "review", "平成28年6月")

    assert look(office, ticket()).answers == {}


def test_the_secretariats_link_allows_a_delay_and_the_owners_does_not(office: Office) -> None:
    fields = {"until": "2016-06-30", "reason": "国の様式が未定のため"}

    with pytest.raises(BadReport, match="リンクから"):
        answer(office, ticket(), Deed.EXCUSE, fields, END_OF_MAY)
    answer(office, ticket(recipient="secretariat"), Deed.EXCUSE, fields, END_OF_MAY)

    assert look(office, ticket()).progress.excused_until == date(2016, 6, 30)


@pytest.mark.parametrize("action", list(Deed))
def test_a_copys_link_answers_nothing(action: Deed, office: Office) -> None:
    fields = {"until": "2016-05-31", "reason": "理由", "evidence.0": "総第75号"}

    with pytest.raises(BadReport):
        answer(office, ticket(recipient="総務課長"), action, fields, END_OF_MAY)

    assert events(office) == []


@pytest.mark.parametrize(
    ("day", "until", "said"),
    [
        ("2016-05-20", "2016-06-01", "安全な完了の限度（平成28年5月31日（火））より後"),
        ("2016-05-20", "2016-05-20", "平成28年5月31日（火）までの開庁日"),
        ("2016-05-20", "2016-05-28", "閉庁日（土曜日）です。その後の開庁日は平成28年5月30日（月）"),
        ("2016-05-20", "", "開庁日を書いて"),
        ("2016-05-20", "五月のいつか", "五月のいつか"),
        ("2016-05-31", "2016-06-01", "安全な完了の限度（平成28年5月31日（火））に達して"),
        ("2016-06-01", "2016-06-02", "期限（平成28年5月31日（火））を過ぎて"),
    ],
)
def test_reminders_are_put_off_to_an_open_day_that_is_still_safe(
    day: str, until: str, said: str, office: Office
) -> None:
    with pytest.raises(BadReport) as refused:
        say(later(office, day), Deed.SNOOZE, until=until)

    assert said in refused.value.said
    assert say(office, Deed.SNOOZE, until="2016-05-31").progress.snoozed_until == date(2016, 5, 31)


@pytest.mark.parametrize(
    ("deed", "details", "field"),
    [
        (Deed.ESTIMATE, {"reason": "遅れ"}, "until"),
        (Deed.ESTIMATE, {"reason": "遅れ", "until": date(2016, 5, 19)}, "until"),
        (Deed.ESTIMATE, {"reason": "遅れ", "until": date(2026, 5, 19)}, "until"),
        (Deed.ESTIMATE, {"reason": " ", "until": date(2016, 6, 30)}, "reason"),
        (Deed.EXCUSE, {"reason": "遅れ", "until": date(2016, 5, 19)}, "until"),
        (Deed.EXCUSE, {"until": date(2016, 6, 30)}, "reason"),
        (Deed.REJECT, {}, "reason"),
        (Deed.REJECT, {"reason": "押印なし"}, ""),
        (Deed.COMPLETE, {"evidence": {"評価書": "1"}, "effective": date(1950, 1, 1)}, "effective"),
    ],
)
def test_a_report_that_cannot_be_taken_names_its_field(
    deed: Deed, details: dict[str, object], field: str, office: Office
) -> None:
    with pytest.raises(BadReport) as refused:
        tell(office, deed, **details)

    assert refused.value.field == field
    assert events(office) == []


def test_evidence_that_is_sent_back_undoes_the_completion_and_can_be_given_again(office: Office) -> None:
    say(office, Deed.COMPLETE, evidence_0="総第75号")

    tell(office, Deed.REJECT, reason="押印がない")

    page = look(office, ticket())
    assert (page.progress.rejected_on, page.progress.said, page.is_closed) == (TODAY, "押印がない", False)
    assert say(office, Deed.COMPLETE, evidence_0="総第75号の2").is_closed


def test_what_is_closed_takes_no_answer(office: Office) -> None:
    end(office, Deed.CANCEL, "review", "実施しない")

    for deed in (Deed.ACKNOWLEDGE, Deed.SNOOZE, Deed.ESTIMATE, Deed.EXCUSE, Deed.START):
        with pytest.raises(BadReport, match="中止されています"):
            tell(office, deed, reason="理由", until=date(2016, 5, 31))


# --- twice, and meanwhile ---


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        (Deed.ACKNOWLEDGE, {}),
        (Deed.SNOOZE, {"until": "2016-05-30"}),
        (Deed.ESTIMATE, {"until": "2016-06-30", "reason": "遅れ"}),
        (Deed.START, {}),
        (Deed.COMPLETE, {"evidence.0": "総第75号"}),
    ],
)
def test_a_click_that_is_repeated_at_once_or_later_counts_once(
    action: Deed, fields: dict[str, str], office: Office
) -> None:
    at_once(3, lambda number: answer(office.reopen(office.settings), ticket(), action, fields, END_OF_MAY))
    answer(office, ticket(), action, fields, END_OF_MAY)

    assert events(office) == [(action.value, "review", "総務課")]


def test_another_answer_is_another_and_the_last_one_counts(office: Office) -> None:
    for until in ("2016-06-15", "2016-06-30", "2016-06-15"):
        page = say(office, Deed.ESTIMATE, until=until, reason="遅れ")

    assert page.progress.estimate == date(2016, 6, 15)
    assert len(events(office)) == 3


def test_an_answer_is_given_again_after_the_evidence_was_sent_back(office: Office) -> None:
    assert tell(office, Deed.ESTIMATE, until=date(2016, 6, 15), reason="遅れ")
    assert not tell(office, Deed.ESTIMATE, until=date(2016, 6, 15), reason="遅れ")
    tell(office, Deed.COMPLETE, evidence={"評価書": "総第75号"})
    tell(office, Deed.REJECT, reason="押印がない")

    assert tell(office, Deed.ESTIMATE, until=date(2016, 6, 15), reason="遅れ")


@pytest.mark.parametrize("ending", [Deed.COMPLETE, Deed.WAIVE, Deed.CANCEL])
@pytest.mark.parametrize("action", [Deed.ACKNOWLEDGE, Deed.COMPLETE, Deed.ESTIMATE])
def test_an_answer_to_what_somebody_ended_meanwhile_records_nothing(action: Deed, ending: Deed, office: Office) -> None:
    seen = look(office, ticket()).dates
    if ending is Deed.COMPLETE:
        tell(office, ending, evidence={"評価書": "総第75号"})
    else:
        end(office, ending, "review", "対象なし")

    with pytest.raises(ClosedMeanwhile):
        say(office, action, seen, until="2016-06-15", reason="遅れ", evidence_0="総第80号")

    assert [kind for kind, _, _ in events(office)] == [ending]
    assert look(office, ticket()).closed_on == TODAY


@pytest.mark.parametrize("action", [Deed.ACKNOWLEDGE, Deed.COMPLETE])
def test_an_answer_to_dates_that_are_no_more_records_nothing(action: Deed, office: Office) -> None:
    seen = look(office, ticket()).dates
    move(office, "review", "平成28年6月")

    with pytest.raises(DatesMoved):
        say(office, action, seen, evidence_0="総第75号")

    assert events(office) == []
    assert reading.standing(office, "small", TODAY).progress.get("review", NOTHING_YET) == NOTHING_YET
