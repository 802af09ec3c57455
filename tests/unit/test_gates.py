"""The state of a milestone on a day, and what its gate has against it."""

from __future__ import annotations

from datetime import date

import pytest

from kijitsu.domain.gates import Code, Reason, Status, Verdict, evaluate, valid_until
from kijitsu.domain.history import Progress
from kijitsu.domain.plan import Lapse, Milestone
from tests.unit.worked import (
    cancelled,
    completed,
    day,
    judged,
    link,
    milestone,
    network,
    plan,
    started,
    waived,
)


def alone(on: str, *, progress: Progress | None = None, **given: str) -> Verdict:
    return judged(milestone("a", **given), on=on, progress={"a": progress} if progress else {})["a"]


def only(verdict: Verdict) -> Reason:
    [reason] = verdict.reasons
    return reason


# --- each state in isolation ---


@pytest.mark.parametrize(
    ("given", "on", "progress", "expected"),
    [
        ({"when": "平成28年6月"}, "2016-06-13", completed("2016-06-10"), "done"),
        ({"when": "平成28年6月"}, "2016-07-13", completed("2016-07-10"), "done"),
        ({"when": "平成28年6月"}, "2016-06-13", waived("2016-06-10"), "waived"),
        ({"when": "平成28年6月"}, "2016-06-13", cancelled("2016-06-10"), "cancelled"),
        ({"when": "平成28年6月"}, "2016-07-01", None, "overdue"),
        ({"when": "平成28年6月"}, "2016-06-23", None, "due_soon"),
        ({"when": "平成28年6月"}, "2016-06-13", started("2016-06-10"), "active"),
        ({"when": "平成28年6月"}, "2016-06-13", None, "ready"),
        ({"when": "平成28年6月"}, "2016-05-31", None, "scheduled"),
        ({"when": "調整中"}, "2016-05-31", None, "undecided"),
        ({"when": "2016-04-01～"}, "2020-05-29", None, "ready"),
    ],
)
def test_a_milestone_on_its_own_has_one_state(
    given: dict[str, str], on: str, progress: Progress | None, expected: str
) -> None:
    assert alone(on, progress=progress, **given).status == expected


def test_a_milestone_waits_for_a_prerequisite_that_is_not_yet_met() -> None:
    verdicts = judged(milestone("a", when="平成28年6月"), milestone("b", "a"), on="2016-06-01")

    assert verdicts["b"].facts == (Status.WAITING,)
    assert only(verdicts["b"]).code is Code.UNMET
    assert not only(verdicts["b"]).blocks


def test_the_first_in_order_is_the_status_and_all_are_facts() -> None:
    verdict = judged(
        milestone("a", when="平成28年5月"),
        milestone("b", when="平成28年6月"),
        milestone("c", "a", "b", when="2016-06-10～2016-07-01", due="2016-05-20"),
        on="2016-06-06",
    )["c"]

    assert verdict.status is Status.BLOCKED
    assert verdict.facts == (
        Status.BLOCKED,
        Status.OVERDUE,
        Status.DUE_SOON,
        Status.WAITING,
        Status.SCHEDULED,
    )


def test_overdue_stands_before_active_and_what_is_done_has_no_other_fact() -> None:
    late = alone("2016-07-01", when="平成28年6月", progress=started("2016-06-10"))
    done = alone("2016-07-01", when="平成28年6月", progress=Progress(day("2016-06-10"), day("2016-07-01")))

    assert late.facts == (Status.OVERDUE, Status.DUE_SOON, Status.ACTIVE)
    assert done.facts == (Status.DONE,)
    assert done.is_closed


# --- overdue and due soon ---


def test_a_month_is_overdue_only_from_the_first_day_of_the_next() -> None:
    assert Status.OVERDUE not in alone("2016-06-30", when="平成28年6月").facts
    assert alone("2016-07-01", when="平成28年6月").status is Status.OVERDUE
    # July ends on a Sunday: due on the 31st all the same.
    assert Status.OVERDUE not in alone("2016-07-31", when="平成28年7月").facts
    assert alone("2016-08-01", when="平成28年7月").status is Status.OVERDUE


def test_due_soon_is_within_five_working_days_of_the_latest_safe_finish() -> None:
    # After 4/26 five days are open until 5/9: 4/27, 4/28, 5/2, 5/6 and 5/9 itself.
    assert alone("2016-04-25", when="～2016-05-09").status is Status.READY
    assert alone("2016-04-26", when="～2016-05-09").status is Status.DUE_SOON


def test_due_soon_counts_to_what_successors_need_not_to_the_own_due_day() -> None:
    verdicts = judged(
        milestone("a", when="平成28年6月"), milestone("b", "a", duration="5wd", due="2016-06-17"), on="2016-06-06"
    )

    assert verdicts["a"].due == date(2016, 6, 30)
    assert verdicts["a"].latest_safe_finish == date(2016, 6, 10)
    assert verdicts["a"].status is Status.DUE_SOON


def test_a_plan_can_say_when_soon_is() -> None:
    june = milestone("a", when="平成28年6月")

    assert judged(june, on="2016-06-23", due_soon=4)["a"].status is Status.READY
    assert judged(june, on="2016-06-24", due_soon=4)["a"].status is Status.DUE_SOON


def test_a_provisional_deadline_is_neither_soon_nor_missed() -> None:
    vote = milestone("vote", when="平成28年6月")
    sending = milestone("sending", "vote", due=("sending_to_mayor", "vote.finish"))

    before = judged(vote, sending, on="2016-06-28")["sending"]
    after = judged(vote, sending, on="2016-07-04", progress={"vote": completed("2016-06-28")})["sending"]

    assert (before.is_provisional, before.facts) == (True, (Status.WAITING,))
    assert (after.is_provisional, after.facts) == (False, (Status.OVERDUE, Status.DUE_SOON, Status.READY))


# --- lapses ---

CHAIN = (
    milestone("pia", when="平成28年5月", owner="general_affairs", basis="番号法第27条", title="評価"),
    milestone("system", "pia", when="平成28年6月"),
    milestone("test", "system", when="平成28年8月"),
    milestone("other", when="平成28年6月"),
)


def test_an_overdue_prerequisite_blocks_all_that_rests_on_it_with_one_root_cause() -> None:
    verdicts = judged(*CHAIN, on="2016-06-06")

    assert [verdicts[id].status for id in ("pia", "system", "test", "other")] == [
        Status.OVERDUE,
        Status.BLOCKED,
        Status.BLOCKED,
        Status.READY,
    ]
    direct, through = only(verdicts["system"]), only(verdicts["test"])
    assert (direct.code, direct.prerequisite, direct.root_cause) == (Code.OVERDUE, "pia", "pia")
    assert (through.code, through.prerequisite, through.root_cause) == (Code.BLOCKED, "system", "pia")
    for reason in (direct, through):
        assert reason.root_code is Code.OVERDUE
        assert reason.since == date(2016, 6, 1)
        assert reason.basis == "番号法第27条"
        assert reason.holds_up == ("system", "test")
        assert reason.blocks


def test_the_root_stays_the_root_when_what_it_blocks_is_overdue_as_well() -> None:
    verdicts = judged(*CHAIN, on="2016-09-05")

    assert verdicts["test"].facts[:2] == (Status.BLOCKED, Status.OVERDUE)
    assert only(verdicts["test"]).root_cause == "pia"


def test_two_roots_are_two_reasons_and_a_diamond_has_one() -> None:
    verdicts = judged(
        milestone("a", when="平成28年4月"),
        milestone("z", when="平成28年5月"),
        milestone("b", "a", "z"),
        milestone("c", "a"),
        milestone("d", "b", "c"),
        on="2016-06-06",
    )

    assert [(r.prerequisite, r.root_cause) for r in verdicts["b"].reasons] == [("a", "a"), ("z", "z")]
    assert [(r.prerequisite, r.root_cause) for r in verdicts["d"].reasons] == [("b", "a"), ("b", "z"), ("c", "a")]
    assert verdicts["d"].reasons[0].holds_up == ("b", "c", "d")


def test_completing_the_root_opens_everything_again() -> None:
    verdicts = judged(*CHAIN, on="2016-06-06", progress={"pia": completed("2016-06-03")})

    assert verdicts["system"].status is Status.READY
    assert verdicts["test"].facts == (Status.WAITING, Status.SCHEDULED)


def test_a_lapse_that_only_warns_does_not_block() -> None:
    verdicts = judged(
        milestone("budget", when="平成28年5月"),
        milestone("bill", link("budget", lapse="warn"), when="平成28年6月"),
        milestone("vote", "bill", when="平成28年6月"),
        on="2016-06-06",
    )

    assert verdicts["bill"].status is Status.READY
    assert (only(verdicts["bill"]).code, only(verdicts["bill"]).lapse) == (Code.OVERDUE, Lapse.WARN)
    assert not only(verdicts["bill"]).blocks
    assert only(verdicts["bill"]).holds_up == ()
    assert verdicts["vote"].facts == (Status.WAITING,)


def test_a_cancelled_prerequisite_blocks_and_a_waived_one_satisfies() -> None:
    blocked = judged(*CHAIN, on="2016-05-16", progress={"pia": cancelled("2016-05-10")})["system"]
    passed = judged(*CHAIN, on="2016-06-06", progress={"pia": waived("2016-05-10")})["system"]

    assert blocked.status is Status.BLOCKED
    assert (only(blocked).code, only(blocked).since) == (Code.CANCELLED, date(2016, 5, 10))
    assert (passed.status, passed.reasons) == (Status.READY, ())


# --- validity ---


def resting_on_a_year(valid: bool = True, lapse: str | None = None, fading: str = "block") -> tuple[Milestone, ...]:
    return (
        milestone("pia", when="平成27年5月", valid_for="1y", fading=fading),
        milestone("golive", link("pia", valid=valid, lapse=lapse), when="平成28年7月"),
    )


FADED = {"pia": completed("2015-06-10")}


def test_validity_is_counted_from_the_evidences_effective_day_else_from_completion() -> None:
    [pia, _] = resting_on_a_year()
    net = network(pia)

    assert valid_until(pia, completed("2015-06-10"), net) == date(2016, 6, 10)
    assert valid_until(pia, completed("2015-06-10", valid_from="2015-06-30"), net) == date(2016, 6, 30)
    assert valid_until(pia, completed("2015-06-10", expires_on="2016-03-31"), net) == date(2016, 3, 31)
    assert valid_until(milestone("x", when="平成28年6月"), completed("2015-06-10"), net) is None


def test_a_validity_that_ended_blocks_from_the_day_after() -> None:
    verdicts = judged(*resting_on_a_year(), on="2016-07-01", progress=FADED)

    assert verdicts["pia"].status is Status.DONE
    assert verdicts["golive"].status is Status.BLOCKED
    reason = only(verdicts["golive"])
    assert (reason.code, reason.since, reason.basis) == (Code.VALIDITY_ENDED, date(2016, 6, 11), "規則第14条")


def test_it_is_still_valid_on_its_last_day() -> None:
    golive = milestone("golive", link("pia", valid=True), when="平成28年6月")
    [pia, _] = resting_on_a_year()

    assert judged(pia, golive, on="2016-06-10", progress=FADED)["golive"].status is Status.READY
    assert judged(pia, golive, on="2016-06-11", progress=FADED)["golive"].status is Status.BLOCKED


def test_a_validity_that_nobody_asked_for_does_not_block() -> None:
    verdicts = judged(*resting_on_a_year(valid=False), on="2016-07-01", progress=FADED)

    assert (verdicts["golive"].status, verdicts["golive"].reasons) == (Status.READY, ())


def test_a_validity_that_will_end_before_the_planned_start_makes_the_dependent_wait() -> None:
    verdict = judged(*resting_on_a_year(), on="2016-06-06", progress=FADED)["golive"]

    assert verdict.facts == (Status.WAITING, Status.SCHEDULED)
    assert only(verdict).code is Code.VALIDITY_WILL_END


@pytest.mark.parametrize("given", [{"lapse": "warn"}, {"fading": "warn"}])
def test_a_faded_validity_that_only_warns_holds_nothing(given: dict[str, str]) -> None:
    after = judged(*resting_on_a_year(**given), on="2016-07-01", progress=FADED)["golive"]  # type: ignore[arg-type]
    ahead = judged(*resting_on_a_year(**given), on="2016-06-06", progress=FADED)["golive"]  # type: ignore[arg-type]

    assert (after.status, only(after).code) == (Status.READY, Code.VALIDITY_ENDED)
    assert ahead.facts == (Status.SCHEDULED,)


def test_the_link_says_more_than_the_validity() -> None:
    milestones = resting_on_a_year(lapse="block", fading="warn")

    assert judged(*milestones, on="2016-07-01", progress=FADED)["golive"].status is Status.BLOCKED


def test_a_lapsed_validity_never_undoes_what_is_done_but_stops_what_is_under_way() -> None:
    done = judged(*resting_on_a_year(), on="2016-07-01", progress={**FADED, "golive": completed("2016-06-01")})
    begun = judged(*resting_on_a_year(), on="2016-07-01", progress={**FADED, "golive": started("2016-06-01")})

    assert (done["golive"].status, done["golive"].reasons) == (Status.DONE, ())
    assert begun["golive"].facts == (Status.BLOCKED, Status.ACTIVE)


# --- the other links ---


def test_a_start_to_start_link_is_met_once_the_start_was_made() -> None:
    milestones = (milestone("a", when="平成28年5月"), milestone("b", link("a", "SS"), when="平成28年6月"))

    assert judged(*milestones, on="2016-06-06")["b"].status is Status.BLOCKED
    assert judged(*milestones, on="2016-06-06", progress={"a": started("2016-06-03")})["b"].status is Status.READY


def test_a_finish_link_lets_its_dependent_begin() -> None:
    milestones = (milestone("a", when="平成28年6月"), milestone("b", link("a", "FF"), when="平成28年6月"))

    assert judged(*milestones, on="2016-06-06")["b"].status is Status.READY
    assert judged(*milestones, on="2016-07-04")["b"].status is Status.BLOCKED


def test_a_lag_must_have_run_out() -> None:
    milestones = (milestone("a", when="平成28年6月"), milestone("b", link("a", lag="7d"), when="平成28年6月"))
    progress = {"a": completed("2016-06-03")}

    running = judged(*milestones, on="2016-06-10", progress=progress)["b"]
    over = judged(*milestones, on="2016-06-13", progress=progress)["b"]

    assert (running.facts, only(running).code) == ((Status.WAITING,), Code.LAG)
    assert (over.status, over.reasons) == (Status.READY, ())


def test_without_a_lag_the_gate_opens_on_the_day_of_completion() -> None:
    milestones = (milestone("a", when="平成28年6月"), milestone("b", "a", when="平成28年6月"))

    assert judged(*milestones, on="2016-06-03", progress={"a": completed("2016-06-03")})["b"].status is Status.READY


def test_a_lag_between_finishes_holds_no_start() -> None:
    milestones = (milestone("a", when="平成28年6月"), milestone("b", link("a", "FF", "7d"), when="平成28年6月"))

    assert judged(*milestones, on="2016-06-06", progress={"a": completed("2016-06-03")})["b"].reasons == ()


def test_five_thousand_in_a_row_behind_one_overdue_are_judged_without_recursion() -> None:
    row = [milestone("m0", when="平成28年5月"), *(milestone(f"m{n}", link(f"m{n - 1}", "SS")) for n in range(1, 5000))]
    net = network(*row)
    assert len(plan(*row).milestones) == 5000

    verdicts = evaluate(net, net.schedule({}, day("2016-06-06")), {}, day("2016-06-06"))

    assert only(verdicts["m4999"]).root_cause == "m0"
    assert len(only(verdicts["m4999"]).holds_up) == 4999
