"""Who is owed which word on a day. Due dates lie in June 2016, which has no holidays, unless said otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from kijitsu.domain.gates import Status, evaluate
from kijitsu.domain.history import Progress
from kijitsu.domain.periods import parse_length
from kijitsu.domain.plan import Milestone, Policy
from kijitsu.domain.reminders import Reminder, owed, recipients, upcoming
from tests.unit.worked import ISHINOMAKI, OFFICE, POLICIES, cancelled, completed, day, link, milestone, network, started

PLAIN = Policy(
    before=(parse_length("10wd"), parse_length("5wd"), parse_length("1wd")),
    every=parse_length("5wd"),
)


def due_on(
    on: str,
    *milestones: Milestone,
    progress: Mapping[str, Progress] | None = None,
    before: Mapping[str, Status] | None = None,
    policy: Policy = PLAIN,
) -> list[Reminder]:
    net = network(*milestones, policies={**POLICIES, "standard": policy})
    verdicts = evaluate(net, net.schedule(progress, day(on)), progress or {}, day(on))
    return owed(net.plan, verdicts, before or {}, day(on), OFFICE)


def told(reminders: list[Reminder]) -> list[tuple[str, str, str, bool]]:
    return [(each.rule, each.recipient, str(each.due_on), each.is_covered) for each in reminders]


# --- before ---

BY_THE_24TH = milestone("a", when="2016-05-02～2016-06-24")


def test_nothing_is_owed_before_the_first_offset() -> None:
    # Ten working days before Friday 24 June is Friday the 10th.
    assert due_on("2016-06-09", BY_THE_24TH) == []


def test_the_newest_offset_stands_for_the_older_ones() -> None:
    assert told(due_on("2016-06-10", BY_THE_24TH)) == [("before:10wd", "committee", "2016-06-10", False)]
    assert told(due_on("2016-06-23", BY_THE_24TH)) == [
        ("before:10wd", "committee", "2016-06-10", True),
        ("before:5wd", "committee", "2016-06-17", True),
        ("before:1wd", "committee", "2016-06-23", False),
    ]


def test_a_missed_reminder_is_still_owed_the_days_after() -> None:
    assert told(due_on("2016-06-15", BY_THE_24TH)) == [("before:10wd", "committee", "2016-06-10", False)]


def test_the_offsets_count_from_the_latest_safe_finish_not_from_the_own_due_day() -> None:
    reminders = due_on(
        "2016-06-10",
        milestone("a", when="平成28年6月"),
        milestone("b", "a", when="2016-06-01～", due="2016-06-30", duration="5wd"),
    )

    # b needs the five days from 6/24, so a must be over by 6/23: 5wd before is the 16th, 10wd the 9th.
    ours = [each for each in reminders if each.milestone == "a"]
    assert told(ours) == [("before:10wd", "committee", "2016-06-09", False)]
    assert ours[0].deadline == date(2016, 6, 23)


def test_calendar_offsets_move_earlier_from_a_closed_day() -> None:
    policy = Policy(before=tuple(map(parse_length, ("1m", "2w", "5d"))))

    # A month before the 24th is 5/24; five days before it Sunday the 19th, so Friday the 17th.
    assert [str(each.due_on) for each in due_on("2016-06-20", BY_THE_24TH, policy=policy)] == [
        "2016-05-24",
        "2016-06-10",
        "2016-06-17",
    ]
    # A month before 6/30 is Monday 5/30; before 6/29 it is Sunday 5/29, so Friday the 27th.
    by_the_29th = milestone("a", when="2016-05-02～2016-06-29")
    assert str(due_on("2016-06-01", by_the_29th, policy=policy)[0].due_on) == "2016-05-27"


def test_an_offset_from_a_due_day_on_a_closed_day_counts_from_the_open_day_before_it() -> None:
    reminders = due_on("2016-06-16", milestone("a", when="2016-05-02～2016-06-19"))

    assert told(reminders)[-1] == ("before:1wd", "committee", "2016-06-16", False)
    assert reminders[-1].deadline == date(2016, 6, 17)


# --- on the day ---


def test_on_the_day_is_owed_on_the_day() -> None:
    assert told(due_on("2016-06-24", BY_THE_24TH))[-1] == ("on_day", "committee", "2016-06-24", False)
    assert "on_day" not in {each.rule for each in due_on("2016-06-23", BY_THE_24TH)}


def test_on_the_day_moves_earlier_from_a_closed_day() -> None:
    sunday = milestone("a", when="2016-05-02～2016-06-19")

    reminder = due_on("2016-06-17", sunday)[-1]

    assert told([reminder]) == [("on_day", "committee", "2016-06-17", False)]
    assert reminder.deadline == date(2016, 6, 19)
    assert "on_day" not in {each.rule for each in due_on("2016-06-16", sunday)}


# --- after ---


def test_after_the_day_the_newest_is_owed_every_five_working_days() -> None:
    both = ["committee", "secretariat"]
    for on, number, due in [
        ("2016-06-27", 1, "2016-06-27"),
        ("2016-07-01", 1, "2016-06-27"),
        ("2016-07-04", 2, "2016-07-04"),
        ("2016-07-26", 5, "2016-07-26"),  # Marine Day lies between
    ]:
        assert told(due_on(on, BY_THE_24TH)) == [(f"after:{number}", to, due, False) for to in both], on
        assert {each.count for each in due_on(on, BY_THE_24TH)} == {number}
        assert {each.deadline for each in due_on(on, BY_THE_24TH)} == {date(2016, 6, 24)}


def test_nothing_is_owed_on_the_weekend_after_the_day() -> None:
    assert due_on("2016-06-25", BY_THE_24TH) == []


def test_a_policy_without_a_rhythm_says_nothing_after_the_day() -> None:
    assert due_on("2016-06-27", BY_THE_24TH, policy=Policy()) == []


def test_what_is_closed_is_not_reminded_of() -> None:
    for progress in (completed("2016-06-20"), cancelled("2016-06-20")):
        assert due_on("2016-07-04", BY_THE_24TH, progress={"a": progress}) == []


# --- blocked and unblocked ---

HELD = (milestone("root", when="平成28年5月"), milestone("b", "root", when="平成28年6月"))
BLOCKED = {"root": Status.OVERDUE, "b": Status.BLOCKED}


def rules_of(reminders: list[Reminder], id: str) -> list[tuple[str, str]]:
    return [(each.rule, each.recipient) for each in reminders if each.milestone == id]


def test_being_blocked_is_told_once_on_the_change() -> None:
    first = due_on("2016-06-01", *HELD, before={"root": Status.DUE_SOON, "b": Status.WAITING})
    again = due_on("2016-06-02", *HELD, before=BLOCKED)

    assert rules_of(first, "b") == [("blocked", "committee"), ("blocked", "secretariat")]
    assert [each.deadline for each in first if each.milestone == "b"] == [date(2016, 6, 1)] * 2
    assert rules_of(again, "b") == []


def test_a_block_dates_from_the_first_lapse_that_blocks() -> None:
    warned = (
        milestone("w", when="平成28年3月"),
        milestone("x", when="平成28年4月"),
        milestone("y", when="平成28年5月"),
    )
    held = milestone("b", link("w", lapse="warn"), "y", "x", when="平成28年6月")

    reminders = due_on("2016-06-01", *warned, held)

    assert {each.deadline for each in reminders if each.rule == "blocked"} == {date(2016, 5, 1)}


def test_being_free_again_is_told_once_on_the_change() -> None:
    done = {"root": completed("2016-06-02")}

    first = due_on("2016-06-02", *HELD, progress=done, before=BLOCKED)
    again = due_on("2016-06-03", *HELD, progress=done, before={"root": Status.DONE, "b": Status.READY})

    assert rules_of(first, "b") == [("unblocked", "committee"), ("unblocked", "secretariat")]
    assert rules_of(again, "b") == []


def test_what_was_finished_while_blocked_is_not_told_that_it_may_go_on() -> None:
    done = {"root": completed("2016-06-02"), "b": completed("2016-06-02")}

    assert due_on("2016-06-02", *HELD, progress=done, before=BLOCKED) == []


def test_a_blocked_milestone_is_not_asked_for_after_its_day_but_the_root_is() -> None:
    reminders = due_on("2016-07-04", *HELD, before=BLOCKED)

    assert rules_of(reminders, "b") == []
    assert rules_of(reminders, "root") == [("after:5", "committee"), ("after:5", "secretariat")]


def test_a_blocked_milestone_still_hears_of_its_day_ahead() -> None:
    assert rules_of(due_on("2016-06-23", *HELD, before=BLOCKED), "b")[-1] == ("before:5wd", "committee")


# --- provisional ---

VOTE = milestone("vote", when="平成28年6月")
SENDING = milestone("sending", "vote", due=("sending_to_mayor", "vote.finish"))


def test_nothing_is_owed_for_a_provisional_deadline() -> None:
    for on in ("2016-06-27", "2016-06-30"):
        assert rules_of(due_on(on, VOTE, SENDING), "sending") == []
    # The vote is late by now, and the estimate moves on every day.
    assert rules_of(due_on("2016-07-04", VOTE, SENDING, before={"sending": Status.BLOCKED}), "sending") == []


def test_once_the_event_has_happened_the_deadline_is_reminded_of() -> None:
    reminders = due_on("2016-06-29", VOTE, SENDING, progress={"vote": completed("2016-06-28")})

    assert rules_of(reminders, "sending") == [("before:10wd", "committee"), ("before:5wd", "committee")]


def test_what_waits_only_for_a_provisional_deadline_is_not_reminded_of_it_either() -> None:
    copy = milestone("copy", "vote")
    sending = milestone("sending", "copy", due=("sending_to_mayor", "vote.finish"))

    assert rules_of(due_on("2016-06-27", VOTE, copy, sending), "copy") == []


def test_a_provisional_milestone_hears_of_what_its_successors_firmly_need() -> None:
    session = milestone("session", link("sending"), when="2016-07-08", pinned=True)

    reminders = due_on("2016-06-30", VOTE, SENDING, session)

    assert rules_of(reminders, "sending") == [("before:10wd", "committee"), ("before:5wd", "committee")]
    assert reminders[-1].milestone in ("sending", "session")
    assert {each.deadline for each in reminders if each.milestone == "sending"} == {date(2016, 7, 7)}


# --- to whom ---


def test_whom_we_cannot_write_to_the_secretariat_stands_in_for() -> None:
    outside = next(body for body in ISHINOMAKI.bodies.values() if body.mail is None)

    assert recipients(ISHINOMAKI, outside.id, ("owner",)) == ["secretariat"]
    assert recipients(ISHINOMAKI, outside.id, ("owner", "superior", "secretariat")) == ["secretariat"]


def test_nobody_is_written_to_twice_and_a_superior_is_the_body_reported_to() -> None:
    assert recipients(ISHINOMAKI, "committee", ("owner", "superior", "secretariat", "owner")) == [
        "committee",
        "executive",
        "secretariat",
    ]
    assert recipients(ISHINOMAKI, "secretariat", ("owner", "secretariat")) == ["secretariat"]
    assert recipients(ISHINOMAKI, "headquarters", ("superior",)) == ["secretariat"]


def test_the_keys_of_one_day_are_unique() -> None:
    reminders = due_on("2016-06-24", BY_THE_24TH, *HELD, VOTE, SENDING, progress={"vote": started("2016-06-20")})

    assert len({each.key for each in reminders}) == len(reminders)


def test_a_milestone_names_its_own_policy() -> None:
    filing = milestone("a", when="2016-05-02～2016-06-24", reminders="filing", owner="general_affairs")

    reminders = due_on("2016-06-27", filing)

    superior = ISHINOMAKI.bodies["general_affairs"].reports_to
    assert [(each.rule, each.recipient) for each in reminders] == [
        ("after:1", to) for to in ("general_affairs", superior, "secretariat")
    ]


# --- ahead ---


def test_what_lies_ahead_is_each_offset_and_the_day_itself() -> None:
    net = network(BY_THE_24TH, SENDING, VOTE, policies={"standard": PLAIN})
    on = date(2016, 6, 17)

    ahead = list(upcoming(net.plan, net.schedule({}, on), {"vote": completed("2016-06-10")}, on, OFFICE))

    assert told(ahead) == [
        ("before:5wd", "committee", "2016-06-17", False),
        ("before:1wd", "committee", "2016-06-23", False),
        ("on_day", "committee", "2016-06-24", False),
    ]


def test_the_day_itself_is_ahead_until_it_is_over_and_moves_earlier_from_a_closed_day() -> None:
    net = network(BY_THE_24TH, milestone("sunday", when="2016-05-02～2016-06-26"), policies={"standard": PLAIN})
    on = date(2016, 6, 24)

    ahead = list(upcoming(net.plan, net.schedule({}, on), {}, on, OFFICE))

    assert [(each.milestone, each.rule, str(each.due_on)) for each in ahead] == [
        ("a", "on_day", "2016-06-24"),
        ("sunday", "on_day", "2016-06-24"),
    ]
