"""Duties that come again: their occurrences, and what their validity does to what rests on them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from kijitsu.domain.changes import Cascade, moving
from kijitsu.domain.gates import Code, Status, evaluate
from kijitsu.domain.history import Progress
from kijitsu.domain.periods import parse_length
from kijitsu.domain.plan import Milestone
from kijitsu.domain.recurrence import Recurrence, RecurrenceError, expanded
from kijitsu.domain.schedule import Network
from kijitsu.domain.windows import parse_window
from tests.unit.worked import CALENDARS, OFFICE, completed, day, link, milestone, plan

YEARLY = Recurrence(parse_length("1y"), until=day("2018-05-31"))


def occurrences(*milestones: Milestone) -> dict[str, Milestone]:
    return expanded({each.id: each for each in milestones})


def network(*milestones: Milestone) -> Network:
    return Network(plan(*occurrences(*milestones).values()), OFFICE, CALENDARS)


def windows(found: Mapping[str, Milestone]) -> dict[str, str | None]:
    return {id: each.window and each.window.wording for id, each in found.items()}


# --- the occurrences ---


def test_a_yearly_duty_comes_again_in_the_same_months_until_its_last_year() -> None:
    found = occurrences(milestone("roster", when="平成28年4月～5月", recurs=YEARLY))

    assert windows(found) == {
        "roster": "平成28年4月～5月",
        "roster-2": "平成29年4月～平成29年5月",
        "roster-3": "平成30年4月～平成30年5月",
    }
    assert [each.title for each in found.values()] == [
        "roster",
        "roster（平成29年4月～平成29年5月）",
        "roster（平成30年4月～平成30年5月）",
    ]


def test_an_occurrence_that_would_end_after_the_last_day_is_left_out() -> None:
    until = Recurrence(parse_length("3m"), until=day("2016-12-30"))

    assert windows(occurrences(milestone("a", when="平成28年6月", recurs=until))) == {
        "a": "平成28年6月",
        "a-2": "平成28年9月",
    }


@pytest.mark.parametrize(
    ("every", "when", "second"),
    [
        ("1m", "平成28年6月上旬", "平成28年7月上旬"),
        ("3m", "平成28年度第1四半期", "平成28年度第2四半期"),
        ("1y", "28年度", "平成29年度"),
        ("2w", "2016-06-03", "平成28年6月17日（金）"),
        ("30d", "2016-06-03", "平成28年7月3日（日）"),
        ("1m", "2016-01-31～2016-01-31", "平成28年2月29日（月）～平成28年2月29日（月）"),
        ("1m", "～平成28年6月", "～平成28年7月"),
        ("1m", "平成28年6月～", "平成28年7月～"),
    ],
)
def test_every_rhythm_keeps_the_sort_of_window(every: str, when: str, second: str) -> None:
    recurs = Recurrence(parse_length(every), until=day("2018-03-31"))

    assert windows(occurrences(milestone("a", when=when, recurs=recurs)))["a-2"] == second


def test_a_fixed_deadline_goes_on_with_the_window() -> None:
    found = occurrences(milestone("a", when="平成28年5月", due="2016-05-31", recurs=YEARLY))

    assert [str(each.due) for each in found.values()] == ["2016-05-31", "2017-05-31", "2018-05-31"]


def test_an_occurrence_follows_the_one_before_and_only_warns_of_it() -> None:
    found = occurrences(
        milestone("before", when="2016-04-01"), milestone("a", "before", when="平成28年5月", recurs=YEARLY)
    )

    assert [(each.on, each.lapse) for each in found["a"].after] == [("before", None)]
    assert [(each.on, each.lapse) for each in found["a-2"].after] == [("a", "warn")]
    assert [(each.on, each.lapse) for each in found["a-3"].after] == [("a-2", "warn")]


def test_a_duty_counted_from_completion_is_due_so_long_after_it_was_done() -> None:
    recurs = Recurrence(parse_length("1y"), from_completion=True, until=day("2018-03-31"))
    net = network(milestone("review", when="28年度", recurs=recurs))

    before, after = net.schedule(), net.schedule({"review": completed("2016-09-30")})

    # 民法140条、143条: 2016-09-30 is not counted, a year ends on the day before 2017-10-01.
    assert (str(after["review-2"].due), after["review-2"].is_provisional) == ("2017-09-30", False)
    assert before["review-2"].is_provisional
    assert list(after) == ["review", "review-2"]


def test_the_further_windows_may_be_named_one_by_one() -> None:
    recurs = Recurrence(at=(parse_window("平成28年9月"), parse_window("平成28年12月")))

    found = occurrences(milestone("session", when="平成28年6月", recurs=recurs))

    assert windows(found) == {"session": "平成28年6月", "session-2": "平成28年9月", "session-3": "平成28年12月"}
    assert found["session"].title == "session（平成28年6月）"


def test_what_recurs_with_another_rests_on_its_occurrence_of_the_same_number() -> None:
    sessions = Recurrence(at=(parse_window("2016-09-07～2016-09-28"),))
    along = Recurrence(alongside="session")
    net = network(
        milestone("office", when="2016-04-01"),
        milestone("session", when="2016-06-10～2016-06-28", duration="13wd", recurs=sessions),
        milestone("notice", "office", due=("notice_of_session", "session.start"), when="2016-04-01～", recurs=along),
        milestone("vote", link("session", "SS"), "notice", recurs=along),
    )

    slots = net.schedule()

    assert [str(slots[id].due) for id in ("notice", "notice-2")] == ["2016-06-03", "2016-08-31"]
    assert [each.on for each in net.plan.milestones["vote-2"].after] == ["session-2", "notice-2"]
    assert [each.on for each in net.plan.milestones["notice-2"].after] == ["office"]
    assert net.plan.milestones["vote-2"].title == "vote（2016-09-07～2016-09-28）"


def test_a_milestone_may_rest_on_a_certain_occurrence() -> None:
    sessions = Recurrence(at=(parse_window("平成28年9月"),))
    accounts = milestone("accounts", "session-2", due=("accounts_to_mayor", "session-2.finish"))

    found = occurrences(milestone("session", when="平成28年6月", recurs=sessions), accounts)

    assert [each.on for each in found["accounts"].after] == ["session-2"]
    with pytest.raises(RecurrenceError, match="「session-3」という回はありません") as caught:
        occurrences(milestone("session", when="平成28年6月", recurs=sessions), milestone("accounts", "session-3"))
    assert caught.value.milestone == "accounts"


def test_a_moved_occurrence_leaves_the_others_where_they_were() -> None:
    recurs = Recurrence(parse_length("1y"), until=day("2018-05-31"), moved={1: parse_window("平成28年9月")})

    found = windows(occurrences(milestone("roster", when="平成28年4月～5月", recurs=recurs)))

    assert (found["roster"], found["roster-2"]) == ("平成28年9月", "平成29年4月～平成29年5月")
    net = network(milestone("roster", when="平成28年4月～5月", recurs=YEARLY))
    moved = moving(net, "roster-2", parse_window("平成29年6月"), Cascade.NONE, {}).plan
    assert windows(moved.milestones)["roster-3"] == "平成30年4月～平成30年5月"


def test_a_taken_id_a_missing_time_and_an_endless_rhythm_are_refused_by_name() -> None:
    daily = Recurrence(parse_length("1d"), until=day("2050-01-01"))
    undecided: dict[str, Any] = {"when": "調整中", "recurs": YEARLY}

    for milestones, message in (
        ([milestone("a", when="平成28年5月", recurs=YEARLY), milestone("a-2", when="2016-06-01")], "a-2 ですが"),
        ([milestone("a", **undecided)], "時期が決まっていない"),
        ([milestone("a", when="2016-06-01", recurs=daily)], "400回を超えて"),
    ):
        with pytest.raises(RecurrenceError, match=message) as caught:
            occurrences(*milestones)
        assert caught.value.milestone == "a"


# --- validity ---

ROSTER = milestone("roster", when="平成28年4月～5月", valid_for="1y", recurs=YEARLY, basis="番号法第12条")
ACCESS = milestone("access", link("roster", valid=True), when="2017-06-01～")


def verdict(on: str, progress: dict[str, Progress], *milestones: Milestone) -> tuple[Status, list[tuple[Code, str]]]:
    net = network(*(milestones or (ROSTER, ACCESS)))
    found = evaluate(net, net.schedule(progress, day(on)), progress, day(on))["access"]
    return found.status, [(reason.code, reason.prerequisite) for reason in found.reasons]


def test_the_next_occurrence_is_waited_for_while_it_is_planned_in_time() -> None:
    status, reasons = verdict("2017-05-16", {"roster": completed("2016-05-13")})

    assert (status, reasons) == (Status.WAITING, [(Code.UNMET, "roster-2")])


def test_once_the_next_occurrence_is_overdue_the_ended_validity_stops_what_rests_on_it() -> None:
    status, reasons = verdict("2017-06-01", {"roster": completed("2016-05-13")})

    assert (status, reasons) == (Status.BLOCKED, [(Code.VALIDITY_ENDED, "roster")])


def test_the_occurrence_completed_last_renews_the_validity() -> None:
    progress = {"roster": completed("2016-05-13"), "roster-2": completed("2017-04-21")}

    assert verdict("2017-06-01", progress) == (Status.READY, [])
    assert verdict("2018-04-20", progress) == (Status.READY, [])
    # A year from 2017-04-21 is over; what could begin today cannot wait for the third time.
    assert verdict("2018-04-23", progress) == (Status.BLOCKED, [(Code.VALIDITY_ENDED, "roster-2")])


def test_validity_runs_from_the_evidences_day_and_not_from_when_it_was_entered() -> None:
    entered_late = {"roster": completed("2016-05-31", valid_from="2016-04-11")}

    # A year from 2016-04-11 ends on 2017-04-11; what is needed on 4-12 is planned before roster-2 is.
    soon = milestone("access", link("roster", valid=True), when="2017-04-12～")
    early = Recurrence(parse_length("1y"), until=day("2016-12-31"))
    only = milestone("roster", when="平成28年4月～5月", valid_for="1y", recurs=early)

    assert verdict("2017-04-11", entered_late, only, soon)[1] == [(Code.VALIDITY_WILL_END, "roster")]
    assert verdict("2017-04-12", entered_late, only, soon) == (Status.BLOCKED, [(Code.VALIDITY_ENDED, "roster")])
    assert verdict("2017-04-12", {"roster": completed("2016-05-31")}, only, soon) == (Status.READY, [])


def test_a_validity_that_only_warns_stops_nothing() -> None:
    fading = milestone("roster", when="平成28年4月～5月", valid_for="1y", fading="warn", recurs=YEARLY)

    status, reasons = verdict("2017-06-01", {"roster": completed("2016-05-13")}, fading, ACCESS)

    assert (status, reasons) == (Status.READY, [(Code.VALIDITY_ENDED, "roster")])


def test_everything_that_rests_on_the_duty_is_told_as_held_up_by_a_later_occurrence() -> None:
    net = network(ROSTER, ACCESS)
    progress = {"roster": completed("2016-05-13"), "roster-2": completed("2017-04-21")}
    on = date(2018, 6, 1)

    found = evaluate(net, net.schedule(progress, on), progress, on)["access"]

    assert [(reason.root_cause, "access" in reason.holds_up) for reason in found.reasons] == [("roster-2", True)]
