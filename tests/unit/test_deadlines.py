"""Deadlines that a statutory rule counts from another milestone, before and after that has happened."""

from __future__ import annotations

from datetime import date

from tests.unit.worked import cancelled, completed, ends, latest, link, milestone, scheduled, started, waived

SESSION = milestone("session", when="2016-06-10～2016-06-28", duration="13wd")


def test_a_notice_is_due_before_the_session_and_hurries_what_it_rests_on() -> None:
    slots = scheduled(
        milestone("draft", when="2016-05-16～", duration="5wd"),
        milestone("notice", "draft", due=("notice_of_session", "session.start")),
        milestone("session", link("notice", "SS", "7d"), when="2016-06-10～2016-06-28", duration="13wd"),
    )

    notice = slots["notice"]
    assert (notice.due, notice.due_kind, notice.is_provisional) == (date(2016, 6, 3), "deadline", False)
    assert notice.deadline and notice.deadline.explanation[-2] == "7日目: 平成28年6月3日（金）"
    assert latest(slots["draft"]) == ("2016-05-27", "2016-06-02")
    assert slots["draft"].slack == 9


def test_the_session_comes_on_its_day_whether_or_not_the_notice_is_ready() -> None:
    slots = scheduled(milestone("notice", due=("notice_of_session", "session.start")), SESSION, as_of="2016-06-20")
    assert ends(slots["session"])[0] == "2016-06-20"
    assert slots["notice"].due == date(2016, 6, 3)


VOTED = (
    milestone("vote", when="平成28年6月"),
    milestone("copy", "vote"),
    milestone("sending", "copy", due=("sending_to_mayor", "vote.finish")),
)


def test_a_deadline_after_an_event_to_come_is_provisional_and_does_not_hurry_the_event() -> None:
    slots = scheduled(*VOTED, as_of="2016-06-20")

    assert (slots["sending"].due, slots["sending"].is_provisional) == (date(2016, 6, 23), True)
    assert slots["sending"].firm_finish is None
    # What lies between knows it, the vote does not.
    assert latest(slots["copy"]) == ("2016-06-22", "2016-06-22")
    assert slots["copy"].firm_finish is None
    assert latest(slots["vote"]) == ("2016-06-30", "2016-06-30")
    assert slots["vote"].firm_finish == date(2016, 6, 30)


def test_the_earlier_of_a_firm_and_a_provisional_need_is_the_latest_safe_day() -> None:
    vote, _, sending = VOTED

    later = scheduled(vote, milestone("copy", "vote", due="2016-06-24"), sending, as_of="2016-06-20")["copy"]
    earlier = scheduled(vote, milestone("copy", "vote", due="2016-06-21"), sending, as_of="2016-06-20")["copy"]

    assert (latest(later), later.firm_finish) == (("2016-06-22", "2016-06-22"), date(2016, 6, 24))
    assert (latest(earlier), earlier.firm_finish) == (("2016-06-21", "2016-06-21"), date(2016, 6, 21))


def test_a_provisional_deadline_moves_with_the_estimate() -> None:
    slots = scheduled(*VOTED, as_of="2016-07-11")

    assert slots["sending"].due == date(2016, 7, 14)
    assert slots["vote"].slack == -7


def test_a_deadline_after_an_event_that_has_happened_is_firm() -> None:
    slots = scheduled(*VOTED, as_of="2016-07-04", progress={"vote": completed("2016-06-28")})

    assert (slots["sending"].due, slots["sending"].is_provisional) == (date(2016, 7, 1), False)
    assert slots["sending"].firm_finish == date(2016, 7, 1)
    assert ends(slots["sending"]) == ("2016-07-05", "2016-07-05")
    assert slots["sending"].slack == -2


def test_a_deadline_from_a_start_is_firm_once_the_start_was_made() -> None:
    report = milestone("report", due=("sending_to_mayor", "session.start"), when="2016-06-01～")

    before = scheduled(SESSION, report, as_of="2016-06-10")["report"]
    after = scheduled(SESSION, report, as_of="2016-06-13", progress={"session": started("2016-06-10")})["report"]

    assert (before.due, before.is_provisional) == (date(2016, 6, 13), True)
    assert (after.due, after.is_provisional) == (date(2016, 6, 13), False)


def test_a_deadline_counted_from_what_was_cancelled_falls_back_to_the_target() -> None:
    notice = milestone("notice", due=("notice_of_session", "session.start"), when="平成28年6月")

    slot = scheduled(notice, SESSION, progress={"session": cancelled("2016-05-01")})["notice"]

    assert (slot.due, slot.due_kind) == (date(2016, 6, 30), "target")


def test_a_rule_counts_on_its_own_calendar() -> None:
    slots = scheduled(
        milestone("filing", due=("ppc_window_lead", "start.start")), milestone("start", when="2017-07-18")
    )

    assert slots["filing"].due == date(2016, 9, 18)
    assert latest(slots["filing"])[1] == "2016-09-16"  # 9/18 is a Sunday


RECEIVED = (
    milestone("receipt", when="2016-06-28"),
    milestone("promulgation", "receipt", due=("promulgation", "receipt.finish", "reconsideration")),
)


def test_a_period_stands_still_while_the_milestone_that_stops_it_runs() -> None:
    # Received on 6/28; put to the assembly again from 7/1 to 7/10: ten days that do not count, 7/18 becomes 7/28.
    again = milestone("reconsideration", link("receipt", "FS"), when="2016-07-01～2016-07-10", duration="10d")

    slot = scheduled(*RECEIVED, again, progress={"receipt": completed("2016-06-28")})["promulgation"]

    assert slot.due == date(2016, 7, 28)
    assert slot.deadline
    assert "止まる間: 平成28年7月1日（金）から平成28年7月10日（日）までの10日は数えません" in slot.deadline.explanation


def test_what_is_undecided_or_called_off_stops_no_period_until_it_has_begun() -> None:
    undecided = milestone("reconsideration", "receipt", when="調整中", duration="10d")
    received = {"receipt": completed("2016-06-28")}

    for progress, due in (
        (received, "2016-07-18"),
        (received | {"reconsideration": cancelled("2016-07-01")}, "2016-07-18"),
        (received | {"reconsideration": waived("2016-07-01")}, "2016-07-18"),
        (received | {"reconsideration": started("2016-07-01")}, "2016-07-28"),
        (received | {"reconsideration": completed("2016-07-05", started_on="2016-07-01")}, "2016-07-23"),
    ):
        assert str(scheduled(*RECEIVED, undecided, progress=progress)["promulgation"].due) == due


def test_a_period_stands_still_for_as_long_as_what_stops_it_is_under_way() -> None:
    undecided = milestone("reconsideration", "receipt", when="調整中")
    progress = {"receipt": completed("2016-06-28"), "reconsideration": started("2016-07-04")}

    # Five days were counted, up to 7/3; from 7/4 on it stands still, so fifteen are left after any of these days.
    for today, due in (("2016-07-04", "2016-07-19"), ("2016-07-15", "2016-07-30"), ("2016-07-21", "2016-08-05")):
        slots = scheduled(*RECEIVED, undecided, progress=progress, as_of=today)
        assert (str(slots["promulgation"].due), slots["promulgation"].is_provisional) == (due, True)


def test_a_deadline_back_from_a_day_that_is_only_derived_does_not_hurry_what_that_rests_on() -> None:
    slots = scheduled(
        milestone("opening", when="平成28年6月"),
        milestone("closing", link("opening", "SS", "18d")),
        milestone("vote", link("opening", "SS", "18d"), due=("vote_within_session", "closing.finish")),
    )

    assert slots["vote"].due == date(2016, 6, 20)
    # Nothing but its own month holds the opening; closing and vote go with it.
    assert (latest(slots["opening"])[1], slots["vote"].slack) == ("2016-06-30", 0)
