"""Moving a date, and everything the move does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kijitsu.domain.changes import Cascade, Effects, moving, replayed
from kijitsu.domain.errors import InputError
from kijitsu.domain.history import Deed, Event, Progress
from kijitsu.domain.plan import Milestone, Plan
from kijitsu.domain.windows import Window, parse_window
from tests.unit.worked import OFFICE, completed, day, link, milestone, network, started

PUSH, SHIFT, NONE = Cascade.PUSH, Cascade.SHIFT, Cascade.NONE


def moved(
    *milestones: Milestone, id: str, to: str, cascade: Cascade = PUSH, progress: Mapping[str, Progress] | None = None
) -> Plan:
    return moving(network(*milestones), id, parse_window(to, 2016), cascade, progress or {}).plan


def previewed(
    *milestones: Milestone,
    id: str,
    to: str,
    on: str,
    cascade: Cascade = PUSH,
    progress: Mapping[str, Progress] | None = None,
) -> Effects:
    return moving(network(*milestones), id, parse_window(to, 2016), cascade, progress or {}, day(on))


def wording(plan: Plan, id: str) -> str:
    window = plan.milestones[id].window
    assert window
    return window.wording


CHAIN = (
    milestone("a", when="2016-06-01"),
    milestone("b", "a", when="2016-06-08～2016-06-10"),
    milestone("c", "b", when="平成28年6月"),
    milestone("d", "c", when="平成28年7月"),
)


# --- push ---


def test_a_push_moves_only_what_cannot_stay() -> None:
    plan = moved(*CHAIN, id="a", to="2016-06-09")

    assert wording(plan, "a") == "2016-06-09"
    assert [plan.milestones[id] for id in "bcd"] == [each for each in CHAIN if each.id in "bcd"]


def test_a_push_moves_as_little_as_possible() -> None:
    plan = moved(*CHAIN, id="a", to="2016-06-14")

    # b follows on the 15th: its window ends five days later than before; c and d still fit into their months.
    assert wording(plan, "b") == "平成28年6月13日（月）～平成28年6月15日（水）"
    assert plan.milestones["c"] is CHAIN[2]
    assert plan.milestones["d"] is CHAIN[3]


def test_a_push_moves_months_by_whole_months() -> None:
    plan = moved(*CHAIN, id="a", to="2016-06-29")

    assert wording(plan, "b") == "平成28年6月28日（火）～平成28年6月30日（木）"
    # c cannot follow before 1 July, and d not before the 4th, which July still has.
    assert wording(plan, "c") == "平成28年7月"
    assert plan.milestones["d"] is CHAIN[3]


def test_a_push_goes_on_for_as_long_as_something_cannot_stay() -> None:
    plan = moved(*CHAIN, id="a", to="2016-07-28")

    assert wording(plan, "b") == "平成28年7月27日（水）～平成28年7月29日（金）"
    assert (wording(plan, "c"), wording(plan, "d")) == ("平成28年8月", "平成28年8月")


def test_a_pushed_window_keeps_its_working_days_over_a_weekend() -> None:
    # Two working days in a window of Thursday and Friday; the prerequisite now ends on Thursday the 9th.
    plan = moved(
        milestone("a", when="2016-06-01"),
        milestone("b", "a", when="2016-06-02～2016-06-03", duration="2wd"),
        id="a",
        to="2016-06-09",
    )

    assert wording(plan, "b") == "平成28年6月10日（金）～平成28年6月13日（月）"
    assert network(*plan.milestones.values()).schedule()["b"].slack == 0


def test_a_pushed_window_with_elapsed_time_can_be_met() -> None:
    # Ten days from Friday the 10th end on Sunday the 19th: done by Monday.
    plan = moved(
        milestone("a", when="2016-06-01"),
        milestone("b", "a", when="2016-06-02～2016-06-11", duration="10d"),
        id="a",
        to="2016-06-09",
    )

    assert wording(plan, "b") == "平成28年6月10日（金）～平成28年6月20日（月）"
    assert network(*plan.milestones.values()).schedule()["b"].earliest_finish == date(2016, 6, 19)


def test_what_did_not_fit_before_the_move_stays_as_far_behind_as_it_was() -> None:
    tight = milestone("b", "a", when="2016-06-08", duration="3wd")

    unmoved = moved(milestone("a", when="2016-06-01"), tight, id="a", to="2016-06-07")
    later = moved(milestone("a", when="2016-06-01"), tight, id="a", to="2016-06-08")

    assert unmoved.milestones["b"] is tight
    assert wording(later, "b") == "平成28年6月9日（木）"


def test_a_push_to_an_earlier_day_pulls_nothing() -> None:
    plan = moved(*CHAIN, id="b", to="2016-06-02")

    assert [plan.milestones[id] for id in "acd"] == [each for each in CHAIN if each.id in "acd"]


# --- shift and none ---


def test_a_shift_moves_everything_after_it_as_far() -> None:
    plan = moved(*CHAIN, id="a", to="2016-07-06", cascade=SHIFT)

    assert wording(plan, "b") == "平成28年7月13日（水）～平成28年7月15日（金）"
    assert (wording(plan, "c"), wording(plan, "d")) == ("平成28年7月", "平成28年8月")


def test_a_shift_within_the_month_leaves_whole_months_alone() -> None:
    plan = moved(*CHAIN, id="a", to="2016-06-08", cascade=SHIFT)

    assert wording(plan, "b") == "平成28年6月15日（水）～平成28年6月17日（金）"
    assert plan.milestones["c"].window == CHAIN[2].window


def test_a_shift_back_moves_back_across_the_year() -> None:
    plan = moved(
        milestone("a", when="平成29年1月"),
        milestone("b", "a", when="平成29年2月"),
        id="a",
        to="平成28年11月",
        cascade=SHIFT,
    )

    assert wording(plan, "b") == "平成28年12月"


def test_a_day_shifted_from_an_open_to_a_closed_day_goes_on_to_the_next_open_one() -> None:
    plan = moved(
        milestone("a", when="2016-06-01"),
        milestone("b", "a", when="2016-06-06"),
        milestone("fair", "a", when="2016-06-12"),
        id="a",
        to="2016-06-06",
        cascade=SHIFT,
    )

    assert wording(plan, "b") == "平成28年6月13日（月）"  # not Saturday the 11th
    assert wording(plan, "fair") == "平成28年6月17日（金）"


def test_a_window_open_at_one_end_shifts_by_the_end_it_has() -> None:
    until = milestone("a", when="～平成28年6月")
    others = (
        milestone("from", "a", when="2016-06-06～"),
        milestone("by", "a", when="～2016-06-10"),
        milestone("month", "a", when="平成28年7月～"),
    )

    plan = moved(until, *others, id="a", to="～平成28年7月", cascade=SHIFT)
    saturday = moved(milestone("a", when="2016-06-01～"), others[0], id="a", to="2016-06-06～", cascade=SHIFT)

    # From 30 June to 31 July are 31 days, and one month.
    assert [wording(plan, id) for id in ("from", "by", "month")] == [
        "平成28年7月7日（木）～",
        "～平成28年7月11日（月）",
        "平成28年8月～",
    ]
    assert wording(saturday, "from") == "平成28年6月11日（土）～"


def test_without_a_cascade_nothing_else_moves() -> None:
    plan = moved(*CHAIN, id="a", to="平成28年9月", cascade=NONE)

    assert wording(plan, "a") == "平成28年9月"
    assert [plan.milestones[id] for id in "bcd"] == [each for each in CHAIN if each.id in "bcd"]


# --- what stays ---

FIXED = (
    milestone("a", when="2016-06-01"),
    milestone("pinned", "a", when="2016-06-08", pinned=True),
    milestone("done", "a", when="2016-06-08"),
    milestone("free", "pinned", "done", when="2016-06-09"),
    milestone("placed", "a"),
    milestone("open", "a", when="調整中"),
)


@pytest.mark.parametrize("cascade", [PUSH, SHIFT])
def test_what_is_pinned_or_finished_stays(cascade: Cascade) -> None:
    plan = moved(*FIXED, id="a", to="2016-06-15", cascade=cascade, progress={"done": completed("2016-06-08")})

    assert [id for id, each in plan.milestones.items() if each is not next(f for f in FIXED if f.id == id)] == [
        "a",
        "free",
    ]


def test_a_pinned_date_can_be_moved_itself() -> None:
    plan = moved(*FIXED, id="pinned", to="2016-06-15", cascade=NONE)

    assert wording(plan, "pinned") == "2016-06-15"
    assert plan.milestones["pinned"].pinned


def test_what_cannot_be_moved_says_why() -> None:
    with pytest.raises(InputError, match=r"「pined」という項目は計画 small にありません。もしかして: pinned"):
        moved(*FIXED, id="pined", to="2016-06-15")
    with pytest.raises(InputError, match="終わっているので動かせません"):
        moved(*FIXED, id="done", to="2016-06-15", progress={"done": completed("2016-06-08")})
    for id, to in (("placed", "2016-06-15"), ("a", "調整中")):
        with pytest.raises(InputError, match="shift は使えません"):
            moved(*FIXED, id=id, to=to, cascade=SHIFT)


# --- the preview ---


def test_the_preview_lists_old_and_new_windows_and_schedules() -> None:
    preview = previewed(*CHAIN, id="a", to="2016-06-14", on="2016-05-30")

    assert [(each.id, each.old and each.old.wording, each.new.wording) for each in preview.moved] == [
        ("a", "2016-06-01", "2016-06-14"),
        ("b", "2016-06-08～2016-06-10", "平成28年6月13日（月）～平成28年6月15日（水）"),
    ]
    assert preview.before.schedule["b"].earliest_finish == date(2016, 6, 8)
    assert preview.after.schedule["b"].earliest_finish == date(2016, 6, 15)
    assert (preview.breached, preview.lapsing) == ((), ())


def test_a_pinned_date_and_a_deadline_that_are_newly_broken_are_breached() -> None:
    preview = previewed(
        milestone("a", when="2016-06-01"),
        milestone("pinned", "a", when="2016-06-08", pinned=True),
        milestone("statutory", "a", when="2016-06-02～", due="2016-06-10"),
        milestone("target", "a", when="2016-06-08"),
        milestone("broken_before", "a", due="2016-05-31"),
        milestone("kept", "a", due="2016-06-16"),
        id="a",
        to="2016-06-15",
        on="2016-05-30",
        cascade=NONE,
    )

    assert [(each.id, each.is_pinned, each.before, each.late) for each in preview.breaches] == [
        ("pinned", True, 0, 6),
        ("statutory", False, 0, 4),
        # Missed before already, and by more now.
        ("broken_before", False, 2, 12),
    ]


def test_what_is_newly_blocked_is_lapsing() -> None:
    milestones = (milestone("a", when="2016-06-17"), milestone("b", "a", when="平成28年7月"), milestone("c", "b"))

    preview = previewed(*milestones, id="a", to="2016-06-03", on="2016-06-06", cascade=NONE)
    back = previewed(*preview.plan.milestones.values(), id="a", to="2016-06-17", on="2016-06-06", cascade=NONE)

    assert preview.lapsing == ("b", "c")
    assert back.lapsing == ()


def test_an_actual_start_keeps_what_has_begun_where_it_is() -> None:
    plan = moved(*CHAIN, id="a", to="2016-06-14", progress={"b": started("2016-06-08")})

    assert plan.milestones["b"] is CHAIN[1]


# --- a history of moves ---


def test_moves_are_replayed_up_to_the_day_asked_for() -> None:
    net = network(*CHAIN)
    events = (
        Event(day("2016-05-20"), Deed.MOVE, "a", details={"to": "2016-06-14", "cascade": "push"}),
        Event(day("2016-06-14"), Deed.COMPLETE, "a"),
        Event(day("2016-06-20"), Deed.MOVE, "d", details={"to": "8月", "cascade": "none"}),
    )

    early, nothing = replayed(net, events, day("2016-05-19"))
    later, done = replayed(net, events, day("2016-06-14"))
    last, _ = replayed(net, events, None)

    assert (early.plan, nothing) == (net.plan, {})
    assert wording(later.plan, "b") == "平成28年6月13日（月）～平成28年6月15日（水）"
    assert done["a"].completed_on == date(2016, 6, 14)
    assert later.plan.milestones["d"] is CHAIN[3]
    assert wording(last.plan, "d") == "8月"


def test_an_event_on_what_the_plan_does_not_have_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"「aa」という項目は計画 small にありません。もしかして: a"):
        replayed(network(*CHAIN), (Event(day("2016-06-14"), Deed.COMPLETE, "aa"),), None)


# --- for any move ---


@given(st.dates(date(2016, 4, 1), date(2017, 3, 31)), st.booleans())
@settings(deadline=None, max_examples=60)
def test_after_a_push_everything_unpinned_meets_its_window_and_a_second_push_moves_nothing(
    to: date, is_exact: bool
) -> None:
    window = Window.on(OFFICE.next_open(to)) if is_exact else parse_window(f"{to.year}-{to.month}")

    plan = moving(network(*CHAIN), "a", window, PUSH, {}).plan

    slots = network(*plan.milestones.values()).schedule()
    assert all(slot.slack is None or slot.slack >= 0 for slot in slots.values())
    again = moving(network(*plan.milestones.values()), "a", window, PUSH, {}).plan
    assert {id: each.window for id, each in again.milestones.items()} == {
        id: each.window for id, each in plan.milestones.items()
    }
    for each in CHAIN[1:]:
        new = plan.milestones[each.id].window
        assert new and new.first and each.window and each.window.first
        assert new.first >= each.window.first
        if each.window.moves_by_months:
            assert new.moves_by_months


def test_a_thousand_in_a_row_are_pushed_in_one_pass() -> None:
    days = [OFFICE.add(date(2016, 4, 1), n) for n in range(1000)]
    row = [milestone(f"m{n}", *([link(f"m{n - 1}")] if n else []), when=str(at)) for n, at in enumerate(days)]

    plan = moved(*row, id="m0", to="2016-04-08")

    last = plan.milestones["m999"].window
    assert last and last.first == OFFICE.add(days[999], 5)
    assert network(*plan.milestones.values()).schedule()["m999"].slack == 0
