"""Slips from a baseline: which day counts, worked by hand; and every sum against a walk from day to day."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kijitsu.domain.closures import Closures
from kijitsu.domain.gates import evaluate
from kijitsu.domain.history import Progress
from kijitsu.domain.schedule import Network
from kijitsu.domain.slips import HAPPENED, Cause, Slip, Step, Tally, days_of, happened, slips, tally
from tests.unit.worked import CALENDARS, OFFICE, day, milestone, plan

# July 15 2016 is a Friday, and Monday the 18th is 海の日.
SECOND, THIRD = Cause(2, "国の都合"), Cause(3, "取り戻す")


def revision(cause: Cause, **days: str | None) -> Step:
    return Step(cause, {id: text and day(text) for id, text in days.items()})


def slip_of(baseline: Step, *since: Step, reached: str | None = None) -> Slip:
    """Return the slip of the milestone `a`."""
    found = slips(baseline.days, since, {"a": day(reached)} if reached else {}, OFFICE)
    return next(each for each in found if each.id == "a")


def test_the_day_of_a_milestone_is_its_due_date_or_else_its_earliest_finish_as_meant() -> None:
    small = plan(
        milestone("target", when="2016-07-11～2016-07-15"),
        milestone("deadline", when="平成28年7月", due="2016-07-29"),
        milestone("placed", "target"),
        milestone("past", done="平成27年9月"),
        milestone("after_past", "past", when="2016-07-04～"),
        milestone("open", when="調整中"),
    )

    assert days_of(Network(small, OFFICE, CALENDARS)) == {
        "target": date(2016, 7, 15),
        "deadline": date(2016, 7, 29),
        "placed": date(2016, 7, 12),
        "past": date(2015, 9, 30),
        "after_past": date(2016, 7, 4),
        "open": None,
    }


def test_a_slip_over_a_long_weekend_is_one_open_day_and_four_days() -> None:
    slip = slip_of(revision(HAPPENED, a="2016-07-15"), revision(SECOND, a="2016-07-19"))

    assert (slip.open_days, slip.days) == (1, 4)
    assert slip.parts == ((SECOND, 1),)


def test_each_cause_answers_for_the_open_days_that_it_moved() -> None:
    # 19 20 21 22; back over 22 and 21; then 21, 22 and, after the weekend, 25.
    slip = slip_of(
        revision(HAPPENED, a="2016-07-15"),
        revision(SECOND, a="2016-07-22"),
        revision(THIRD, a="2016-07-20"),
        reached="2016-07-25",
    )

    assert slip.parts == ((SECOND, 4), (THIRD, -2), (HAPPENED, 3))
    assert (slip.baseline, slip.now) == (date(2016, 7, 15), date(2016, 7, 20))
    assert (slip.open_days, slip.days) == (5, 10)
    assert slip.is_off


def test_what_is_done_early_slips_backward_and_is_not_off() -> None:
    slip = slip_of(revision(HAPPENED, a="2016-07-20"), reached="2016-07-15")

    assert (slip.open_days, slip.days, slip.parts) == (-2, -5, ((HAPPENED, -2),))
    assert not slip.is_off


def test_a_change_that_leaves_a_day_alone_is_no_cause() -> None:
    slip = slip_of(revision(HAPPENED, a="2016-07-15"), revision(SECOND, a="2016-07-15"))

    assert (slip.open_days, slip.parts) == (0, ())


def test_the_added_and_the_dropped_have_no_slip_but_name_the_revision() -> None:
    baseline = revision(HAPPENED, a="2016-07-15", b="2016-07-15")
    since = [revision(SECOND, c="2016-07-19", b="2016-07-15"), revision(THIRD, c="2016-07-20", d="2016-07-20")]

    found = {slip.id: slip for slip in slips(baseline.days, since, {"c": date(2016, 7, 25)}, OFFICE)}

    assert list(found) == ["c", "d", "a", "b"]
    assert {id: (slip.added, slip.dropped) for id, slip in found.items()} == {
        "a": (None, 2),
        "b": (None, 3),
        "c": (2, None),
        "d": (3, None),
    }
    assert all(slip.open_days is None and slip.parts == () and slip.is_off for slip in found.values())


def test_a_date_that_was_undecided_for_a_while_slips_when_it_is_decided_again() -> None:
    baseline, again = revision(HAPPENED, a="2016-07-15"), revision(THIRD, a="2016-07-20")

    assert slip_of(baseline, revision(SECOND, a=None)).open_days is None
    assert slip_of(baseline, revision(SECOND, a=None), again).parts == ((THIRD, 2),)
    assert slip_of(baseline, revision(SECOND), again).parts == ((THIRD, 2),)


def test_what_is_overdue_has_come_as_far_as_today_and_what_is_waived_or_cancelled_nowhere() -> None:
    ids = ("done", "late", "waived", "cancelled")
    small = plan(*(milestone(id, when="2016-07-15") for id in ids), milestone("later", when="2016-07-29"))
    network, on = Network(small, OFFICE, CALENDARS), date(2016, 7, 20)
    progress = {
        "done": Progress(completed_on=date(2016, 7, 14)),
        "waived": Progress(waived_on=date(2016, 7, 19)),
        "cancelled": Progress(cancelled_on=date(2016, 7, 19)),
    }
    verdicts = evaluate(network, network.schedule(progress, on), progress, on)

    reached = happened(days_of(network), progress, verdicts, on)

    assert reached == {"done": date(2016, 7, 14), "late": on}


def test_what_was_early_makes_up_for_nothing_that_is_late() -> None:
    assert tally([3, 0, -2, 10, -5]) == Tally(milestones=2, greatest=10, sum=13, earlier=-7)
    assert tally([]) == Tally(0, 0, 0, 0)


# --- against a walk from day to day ---

FIRST, LAST = date(2016, 1, 1), date(2016, 12, 31)
DAYS = st.dates(date(2016, 3, 1), date(2016, 10, 31))


def walked(after: date, until: date, closed: set[date]) -> int:
    """Count the open days on the way from one day to another, on fingers."""
    step, count, at = (1, 0, after) if after <= until else (-1, 0, until)
    end = max(after, until)
    while at < end:
        at += timedelta(1)
        count += at.weekday() < 5 and at not in closed
    return count * step


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), st.none() | DAYS), min_size=1, max_size=6),
    st.dictionaries(st.sampled_from("abc"), DAYS),
    st.sets(DAYS, max_size=40),
)
def test_the_parts_of_every_slip_add_up_to_what_a_walk_from_day_to_day_counts(
    states: list[dict[str, date | None]], happenings: dict[str, date], closed: set[date]
) -> None:
    calendar = Closures("office", "窓口", FIRST, LAST, dict.fromkeys(closed, "休み"))
    since = [Step(Cause(number, "変更"), days) for number, days in enumerate(states[1:], 2)]
    reached = {id: each for id, each in happenings.items() if id in states[-1]}

    found = slips(states[0], since, reached, calendar)

    assert {slip.id for slip in found} == {id for days in states for id in days}
    for slip in found:
        begin, end = states[0].get(slip.id), reached.get(slip.id) or states[-1].get(slip.id)
        if begin and end:
            assert slip.open_days == walked(begin, end, closed) == sum(moved for _, moved in slip.parts)
            assert slip.days == (end - begin).days
        else:
            assert (slip.open_days, slip.days, slip.parts) == (None, None, ())
    apart = tally(moved for slip in found for _, moved in slip.parts)
    whole = tally(slip.open_days or 0 for slip in found)
    assert apart.sum + apart.earlier == whole.sum + whole.earlier
