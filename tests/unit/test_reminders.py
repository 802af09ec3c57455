"""Who is owed which word on a day. Due dates lie in June 2016, which has no holidays, unless said otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from kijitsu.domain.gates import evaluate
from kijitsu.domain.history import Progress
from kijitsu.domain.line import recipients
from kijitsu.domain.periods import parse_length
from kijitsu.domain.plan import Milestone, Policy
from kijitsu.domain.reminders import News, Reminder, owed, upcoming
from tests.unit.worked import ISHINOMAKI, POLICIES, cancelled, completed, day, link, milestone, network, started

PLAIN = Policy(
    before=(parse_length("10wd"), parse_length("5wd"), parse_length("1wd")),
    every=parse_length("5wd"),
)


def due_on(
    on: str,
    *milestones: Milestone,
    progress: Mapping[str, Progress] | None = None,
    stopped: Mapping[str, str] | None = None,
    freed: Mapping[str, str] | None = None,
    policy: Policy = PLAIN,
) -> list[Reminder]:
    net = network(*milestones, policies={**POLICIES, "standard": policy})
    verdicts = evaluate(net, net.schedule(progress, day(on)), progress or {}, day(on))
    stops, frees = ({id: day(text) for id, text in (given or {}).items()} for given in (stopped, freed))
    return owed(net, verdicts, progress or {}, News(stops, frees), day(on))


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


def rules_of(reminders: list[Reminder], id: str) -> list[tuple[str, str]]:
    return [(each.rule, each.recipient) for each in reminders if each.milestone == id]


def test_being_blocked_is_one_word_for_as_long_as_it_lasts() -> None:
    first, again = due_on("2016-06-01", *HELD), due_on("2016-06-02", *HELD, stopped={"b": "2016-06-01"})

    assert rules_of(first, "b") == [("blocked", "committee"), ("blocked", "secretariat")]
    assert [each.deadline for each in first if each.milestone == "b"] == [date(2016, 6, 1)] * 2
    assert [each.key for each in again if each.milestone == "b"] == [e.key for e in first if e.milestone == "b"]


def test_a_block_is_of_the_pass_that_found_it() -> None:
    reminders = due_on("2016-06-16", *HELD, stopped={"b": "2016-06-15"})

    assert {each.deadline for each in reminders if each.rule == "blocked"} == {date(2016, 6, 15)}


def test_being_free_again_is_one_word_and_no_news_after_a_month() -> None:
    done = {"root": completed("2016-06-02")}

    for on, is_news in [("2016-06-02", True), ("2016-06-03", True), ("2016-07-03", True), ("2016-07-04", False)]:
        reminders = due_on(on, *HELD, progress=done, freed={"b": "2016-06-02"})
        told = [("unblocked", "committee"), ("unblocked", "secretariat")]
        assert [rule for rule in rules_of(reminders, "b") if rule[0] == "unblocked"] == (told if is_news else []), on


def test_what_was_finished_while_blocked_is_not_told_that_it_may_go_on() -> None:
    done = {"root": completed("2016-06-02"), "b": completed("2016-06-02")}

    assert due_on("2016-06-02", *HELD, progress=done, freed={"b": "2016-06-02"}) == []


def test_a_blocked_milestone_is_not_asked_for_after_its_day_but_the_root_is() -> None:
    reminders = due_on("2016-07-04", *HELD)

    assert {rule for rule, _ in rules_of(reminders, "b")} == {"blocked"}
    assert rules_of(reminders, "root") == [("after:5", "committee"), ("after:5", "secretariat")]


def test_a_blocked_milestone_still_hears_of_its_day_ahead() -> None:
    assert rules_of(due_on("2016-06-23", *HELD), "b")[-1] == ("before:5wd", "committee")


# --- provisional ---

VOTE = milestone("vote", when="平成28年6月")
SENDING = milestone("sending", "vote", due=("sending_to_mayor", "vote.finish"))


def test_nothing_is_owed_for_a_provisional_deadline() -> None:
    for on in ("2016-06-27", "2016-06-30"):
        assert rules_of(due_on(on, VOTE, SENDING), "sending") == []
    # The vote is late by now, and the estimate moves on every day.
    assert {rule for rule, _ in rules_of(due_on("2016-07-04", VOTE, SENDING), "sending")} == {"blocked"}


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

    assert [(each.rule, each.recipient) for each in reminders] == [
        ("after:1", "general_affairs"),
        ("after:1", "secretariat"),
    ]


# --- ahead ---


def test_what_lies_ahead_is_each_offset_and_the_day_itself() -> None:
    net = network(BY_THE_24TH, SENDING, VOTE, policies={"standard": PLAIN})
    on = date(2016, 6, 17)

    ahead = list(upcoming(net, net.schedule({}, on), {"vote": completed("2016-06-10")}, on))

    assert told(ahead) == [
        ("before:5wd", "committee", "2016-06-17", False),
        ("before:1wd", "committee", "2016-06-23", False),
        ("on_day", "committee", "2016-06-24", False),
    ]


def test_the_day_itself_is_ahead_until_it_is_over_and_moves_earlier_from_a_closed_day() -> None:
    net = network(BY_THE_24TH, milestone("sunday", when="2016-05-02～2016-06-26"), policies={"standard": PLAIN})
    on = date(2016, 6, 24)

    ahead = list(upcoming(net, net.schedule({}, on), {}, on))

    assert [(each.milestone, each.rule, str(each.due_on)) for each in ahead] == [
        ("a", "on_day", "2016-06-24"),
        ("sunday", "on_day", "2016-06-24"),
    ]


# --- answers ---


def kinds(on: str, done: Progress, *milestones: Milestone, policy: Policy = PLAIN) -> list[str]:
    """The rules of what is said of `a`, nothing twice."""
    owed_then = due_on(on, *(milestones or (BY_THE_24TH,)), progress={"a": done}, policy=policy)
    return list(dict.fromkeys(each.rule for each in owed_then if each.milestone == "a"))


def test_acknowledged_it_is_quiet_until_the_latest_safe_day_and_not_longer() -> None:
    seen = Progress(acknowledged_for=date(2016, 6, 24))

    assert kinds("2016-06-10", seen) == kinds("2016-06-23", seen) == []
    assert kinds("2016-06-24", seen) == ["before:10wd", "before:5wd", "before:1wd", "on_day"]
    assert kinds("2016-06-27", seen) == ["after:1"]


def test_an_acknowledgement_of_another_deadline_is_none_of_this() -> None:
    for other in (date(2016, 6, 23), date(2016, 7, 1)):
        assert kinds("2016-06-10", Progress(acknowledged_for=other)) == ["before:10wd"]


def test_put_off_it_is_quiet_until_that_day_and_said_again_on_it() -> None:
    later = Progress(snoozed_until=date(2016, 6, 15))

    assert kinds("2016-06-14", later) == []
    assert kinds("2016-06-15", later) == ["before:10wd", "snoozed:2016-06-15"]
    assert kinds("2016-06-17", later) == ["before:10wd", "before:5wd", "snoozed:2016-06-15"]
    assert {each.topic for each in due_on("2016-06-15", BY_THE_24TH, progress={"a": later})} == {"before"}


def test_nobody_puts_off_the_latest_safe_day() -> None:
    assert kinds("2016-06-24", Progress(snoozed_until=date(2016, 6, 24)))[-2:] == ["snoozed:2016-06-24", "on_day"]
    # Put off to a day that was moved behind the deadline since.
    too_late = Progress(snoozed_until=date(2016, 7, 8))
    assert kinds("2016-06-23", too_late) == []
    assert kinds("2016-06-24", too_late) == ["before:10wd", "before:5wd", "before:1wd", "on_day"]


def test_of_an_estimate_the_secretariat_hears_and_its_owner_is_left_alone_until_then() -> None:
    late = {"a": Progress(estimate=date(2016, 7, 4))}

    assert told(due_on("2016-06-10", BY_THE_24TH, progress=late)) == [("estimate", "secretariat", "2016-06-10", False)]
    for on in ("2016-06-27", "2016-07-04"):
        after = [each.recipient for each in due_on(on, BY_THE_24TH, progress=late) if each.topic == "after"]
        assert after == ["secretariat"], on
    after = [each.recipient for each in due_on("2016-07-05", BY_THE_24TH, progress=late) if each.topic == "after"]
    assert after == ["committee", "secretariat"]


def test_an_estimate_before_the_latest_safe_day_changes_nothing_ahead() -> None:
    assert kinds("2016-06-10", Progress(estimate=date(2016, 6, 23))) == ["estimate", "before:10wd"]
    assert kinds("2016-06-10", Progress(estimate=date(2016, 6, 24))) == ["estimate"]


def test_the_secretariat_is_asked_though_it_stands_in_for_the_owner_who_gave_an_estimate() -> None:
    outside = milestone("a", when="2016-05-02～2016-06-24", owner="assembly")

    assert kinds("2016-06-27", Progress(estimate=date(2016, 7, 4)), outside) == ["estimate", "after:1"]


def test_while_a_delay_is_allowed_nothing_is_asked_and_its_last_day_is_included() -> None:
    policy = Policy(before=PLAIN.before, every=parse_length("5wd"), tiers=(parse_length("1wd"),))
    allowed = Progress(excused_until=date(2016, 6, 30))

    for on in ("2016-06-10", "2016-06-24", "2016-06-30"):
        assert kinds(on, allowed, policy=policy) == [], on
    assert kinds("2016-07-01", allowed, policy=policy) == ["after:1", "escalated:1"]


def test_evidence_that_was_sent_back_is_told_for_as_long_as_it_is_missing() -> None:
    back = Progress(rejected_on=date(2016, 6, 8))

    assert [each.key for each in due_on("2016-06-09", BY_THE_24TH, progress={"a": back})] == [
        ("a", "rejected", "committee", date(2016, 6, 8))
    ]
    assert kinds("2016-06-27", back) == ["rejected", "after:1"]


# --- up the line ---

TIERS = Policy(on_day=False, tiers=tuple(map(parse_length, ("2wd", "4wd", "6wd", "8wd"))))


def test_each_tier_is_told_from_its_own_day_on_and_the_lower_ones_stay_told() -> None:
    # 総務課's line: 課長, 部の次長, 部長, 副市長. Due on Friday, June 24.
    ours = milestone("a", when="2016-05-02～2016-06-24", owner="general_affairs")
    line = [
        ("escalated:1", "総務課長", "2016-06-28", False),
        ("escalated:2", "総務部次長", "2016-06-30", False),
        ("escalated:3", "総務部長", "2016-07-04", False),
        ("escalated:4", "副市長", "2016-07-06", False),
    ]

    for on, tiers in [("2016-06-27", 0), ("2016-06-28", 1), ("2016-06-29", 1), ("2016-07-04", 3), ("2016-07-29", 4)]:
        assert told(due_on(on, ours, policy=TIERS)) == line[:tiers], on


def test_a_blocked_or_provisional_milestone_is_not_told_up_the_line() -> None:
    assert {rule for rule, _ in rules_of(due_on("2016-07-29", *HELD, policy=TIERS), "b")} == {"blocked"}
    late = due_on("2016-07-29", VOTE, SENDING, policy=TIERS)
    assert not [rule for rule, _ in rules_of(late, "sending") if rule.startswith("escalated")]


# --- running out ---

FADES = Policy(expiring=tuple(map(parse_length, ("20wd", "5wd"))))
A_MONTH = milestone("a", when="平成28年5月", valid_for="1m")
NEEDS_IT = milestone("b", link("a", valid=True), when="平成28年6月")
# Completed on May 24, it is good until June 24.
GOOD = {"a": completed("2016-05-24")}


def expiring(on: str, *milestones: Milestone, progress: Mapping[str, Progress] = GOOD) -> list[tuple[str, str, bool]]:
    found = due_on(on, *milestones, progress=progress, policy=FADES)
    assert {each.deadline for each in found if each.topic == "expiring"} <= {date(2016, 6, 24)}
    return [(each.rule, each.recipient, each.is_covered) for each in found if each.topic == "expiring"]


def test_what_runs_out_is_told_until_its_last_day_while_something_rests_on_it() -> None:
    both = ["committee", "secretariat"]

    assert expiring("2016-05-26", A_MONTH, NEEDS_IT) == []
    assert expiring("2016-05-27", A_MONTH, NEEDS_IT) == [("expiring:20wd", to, False) for to in both]
    assert expiring("2016-06-24", A_MONTH, NEEDS_IT) == [
        *(("expiring:20wd", to, True) for to in both),
        *(("expiring:5wd", to, False) for to in both),
    ]
    assert expiring("2016-06-27", A_MONTH, NEEDS_IT) == []


def test_what_runs_out_and_is_needed_by_nobody_is_not_told() -> None:
    assert expiring("2016-06-20", A_MONTH, milestone("b", "a", when="平成28年6月")) == []
    assert expiring("2016-06-20", A_MONTH, NEEDS_IT, progress={**GOOD, "b": completed("2016-06-03")}) == []
    assert expiring("2016-06-20", A_MONTH, NEEDS_IT, progress={}) == []


def test_a_validity_that_ends_on_a_closed_day_is_counted_from_the_open_day_before_it() -> None:
    # Until Sunday, June 19: five working days before Friday the 17th.
    found = due_on("2016-06-10", A_MONTH, NEEDS_IT, progress={"a": completed("2016-05-19")}, policy=FADES)

    assert [(each.rule, str(each.due_on)) for each in found if each.topic == "expiring"][-1] == (
        "expiring:5wd",
        "2016-06-10",
    )
