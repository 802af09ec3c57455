"""What events make of a milestone by a given day."""

from __future__ import annotations

from datetime import date

import pytest

from kijitsu.domain.errors import InputError
from kijitsu.domain.history import Deed, Event, Progress, progress_of
from tests.unit.worked import day, milestone, plan

PLAN = plan(
    milestone("a", when="平成28年6月"), milestone("b", when="平成28年6月"), milestone("old", when="H27.9", done="H27.9")
)


def event(on: str, deed: str, id: str = "a", **given: object) -> Event:
    return Event(day(on), Deed(deed), id, **given)  # type: ignore[arg-type]


def after(*events: Event, as_of: str | None = None) -> Progress:
    return progress_of(PLAN, events, day(as_of) if as_of else None).get("a", Progress())


def test_what_the_plan_calls_done_counts_from_the_last_day_of_its_window() -> None:
    assert progress_of(PLAN, (), day("2015-09-29")) == {}
    assert progress_of(PLAN, (), day("2015-09-30"))["old"].completed_on == date(2015, 9, 30)


def test_only_what_has_happened_by_the_day_counts_in_the_order_of_days() -> None:
    events = (event("2016-06-20", "complete"), event("2016-06-01", "start"), event("2016-06-08", "start"))

    assert after(*events, as_of="2016-05-31") == Progress()
    assert after(*events, as_of="2016-06-19") == Progress(started_on=date(2016, 6, 1))
    assert after(*events, as_of="2016-06-20").finished_on == date(2016, 6, 20)


def test_a_completion_is_valid_from_its_evidences_effective_day_else_from_itself() -> None:
    assert after(event("2016-06-20", "complete")).valid_from == date(2016, 6, 20)

    effective = after(event("2016-06-20", "complete", effective=day("2016-06-10"), expires=day("2017-03-31")))
    assert (effective.valid_from, effective.expires_on) == (date(2016, 6, 10), date(2017, 3, 31))


def test_a_second_completion_renews_the_validity_and_adds_to_the_evidence() -> None:
    renewed = after(
        event("2016-06-20", "complete", evidence={"評価書": "総第1号"}, expires=day("2016-12-31")),
        event("2017-01-10", "complete", evidence={"再評価書": "総第9号"}),
    )

    assert (renewed.completed_on, renewed.valid_from, renewed.expires_on) == (
        date(2017, 1, 10),
        date(2017, 1, 10),
        None,
    )
    assert renewed.evidence == {"評価書": "総第1号", "再評価書": "総第9号"}


@pytest.mark.parametrize("deed", ["start", "cancel"])
@pytest.mark.parametrize("end", ["complete", "waive"])
def test_what_is_done_is_not_undone_by_a_later_start_or_cancellation(deed: str, end: str) -> None:
    assert after(event("2016-06-10", end), event("2016-06-20", deed)) == after(event("2016-06-10", end))


def test_what_was_cancelled_can_still_be_completed_or_waived() -> None:
    for deed in ("complete", "waive"):
        done = after(event("2016-06-10", "cancel"), event("2016-06-20", deed))
        assert (done.cancelled_on, done.finished_on) == (None, date(2016, 6, 20))


def test_an_acknowledgement_changes_nothing() -> None:
    assert after(event("2016-06-10", "acknowledge")) == Progress()


def test_an_event_on_what_the_plan_does_not_have_names_the_nearest() -> None:
    with pytest.raises(InputError, match="「odl」という項目は計画 small にありません。もしかして: old"):
        progress_of(PLAN, (event("2016-06-10", "start", "odl"),))
