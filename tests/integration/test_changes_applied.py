"""Random requests through the services: what is previewed is done, what is undone is gone, what is refused leaves no
trace, and what is kept is a plan that a file may hold."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import Cascade
from kijitsu.domain.errors import InputError
from kijitsu.domain.gates import evaluate
from kijitsu.domain.history import Deed, Progress
from kijitsu.editing import DEEDS, EditKind, Text
from kijitsu.located import read_document, write_yaml
from kijitsu.office import ALL_ROLES, Actor, Office
from kijitsu.plans import Library
from kijitsu.services import adopting, changing, reading
from kijitsu.services.describing import describe
from kijitsu.services.reading import Standing
from kijitsu.services.reckoning import Change, Request
from kijitsu.services.watching import watch
from kijitsu.settings import Settings
from kijitsu.store.engine import connect, upgrade
from kijitsu.store.rows import EventRow
from kijitsu.store.tables import metadata
from kijitsu.store.work import UnitOfWork
from tests.acceptance.support import calendar_with
from tests.unit import worked
from tests.unit.requests import REASONS, TODAY, ReadOnce, Scene, edits, happened, plans, request_of, scenes, typed

CLERK = Actor("総務課 係員", "test", ALL_ROLES)
ISHINOMAKI = "042021"
HAPPENED = {
    "started_on": Deed.START,
    "completed_on": Deed.COMPLETE,
    "waived_on": Deed.WAIVE,
    "cancelled_on": Deed.CANCEL,
}
# CHANGES=5000 tries more than the suite does.
EXAMPLES = int(os.environ.get("CHANGES", "30"))
many = settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
NOW = datetime(2016, 6, 2, 23, 30, tzinfo=UTC)
BASE = worked.OFFICE


class City:
    """Adopts one plan after the other, each in a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.calendar, self._empty = calendar_with(folder / "calendar"), folder / "empty.db"
        here = Settings(home=folder, calendar=self.calendar, today=str(TODAY), database_url=f"sqlite:///{self._empty}")
        self._office = replace(open_office(here), library=ReadOnce(self.calendar))
        fresh = connect(here.database)
        upgrade(fresh)
        fresh.dispose()
        self._renderer, self._file = self._office.make_renderer(), folder / "kijitsu.db"
        self._engine = connect(f"sqlite:///{self._file}")

    def adopt(self, plan: Text, done: dict[str, dict[str, date]]) -> Office:
        """Return an office that adopted a plan, and knows what happened to it. Raises InputError for no plan."""
        self._engine.dispose()
        for left in self._file.parent.glob("kijitsu.db*"):
            left.unlink()
        shutil.copy(self._empty, self._file)
        self._engine = engine = connect(f"sqlite:///{self._file}")
        (self.calendar / "plans" / "small.yaml").write_text(write_yaml(plan), encoding="utf-8")
        office = replace(
            self._office,
            open_work=lambda here, readonly: UnitOfWork(engine, here, readonly=readonly),
            make_renderer=lambda: self._renderer,
            revisions={},
        )
        adopting.adopt(office, "small", CLERK)
        with office.open_work(ISHINOMAKI, False) as work:
            for id, days in done.items():
                for name, on in days.items():
                    if name in HAPPENED:
                        work.events.add(EventRow("small", on, HAPPENED[name], id, {}, CLERK.name, NOW))
            work.commit()
        return office

    def rows(self) -> dict[str, list[Any]]:
        """Return everything that the database holds."""
        with self._engine.connect() as connection:
            return {table.name: connection.execute(table.select()).fetchall() for table in metadata.sorted_tables}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    return City(tmp_path_factory.mktemp("city"))


def now(office: Office) -> Standing:
    """Where the plan stands, read by somebody who knows nothing yet."""
    return reading.standing(replace(office, revisions={}), "small", TODAY)


def dates(standing: Standing) -> tuple[object, ...]:
    """All that a plan says of its dates on the day."""
    windows = {id: (each.window, each.window and each.window.wording) for id, each in standing.plan.milestones.items()}
    return windows, {**standing.slots}, standing.verdicts, standing.network.calendar.differing(BASE)


def effects(change: Change) -> object:
    """A change as it is shown, without what it became."""
    shown = change.as_json()
    return {**shown, "change": {**shown["change"], "revision": None, "proposal": None}}


def is_accepted_by_check(city: City, standing: Standing) -> bool:
    """Write the plan as `kijitsu export` does, and read the file as `kijitsu check` does. Raises what is wrong."""
    exported = city.calendar / "exported.yaml"
    exported.write_text(write_yaml(dict(standing.loaded.document)), encoding="utf-8")
    return Library.plan_from(ReadOnce(city.calendar), read_document(exported), [TODAY.year]).plan == standing.plan


@given(scene=scenes())
@many
def test_what_is_applied_is_what_was_previewed_and_an_undo_takes_all_of_it_back(city: City, scene: Scene) -> None:
    office = city.adopt(scene.text, scene.happened)
    at_first = now(office)
    untouched = city.rows()

    seen = changing.preview(office, "small", scene.request)
    assert city.rows() == untouched
    done = changing.change(office, "small", scene.request, CLERK, 1)

    assert effects(done) == effects(seen)
    changed = now(office)
    assert changed.plan == seen.effects.plan
    assert changed.slots == seen.effects.after.schedule
    after = seen.effects.after
    assert changed.verdicts == evaluate(after.network, after.schedule, after.progress, TODAY)
    assert {id: each for id, each in changed.progress.items() if each != Progress()} == {
        id: each for id, each in seen.effects.after.progress.items() if each != Progress()
    }
    assert changed.loaded.document == done.document
    assert is_accepted_by_check(city, changed)

    # Taken back, and that taken back.
    undone = changing.change(office, "small", changing.undo_request(office, "small", None, "誤り"), CLERK)
    assert undone.applied_as == 3
    assert dates(now(office)) == dates(at_first)
    assert now(office).loaded.document == at_first.loaded.document
    changing.change(office, "small", changing.undo_request(office, "small", 3, "やはり"), CLERK)
    assert dates(now(office)) == dates(changed)
    assert now(office).loaded.document == changed.loaded.document
    with office.open_work(ISHINOMAKI, True) as work:
        assert work.audit.verify() == []
        assert [entry.action for entry in work.audit.all()] == ["adopt", "change", "undo", "undo"]


@given(data=st.data())
@many
def test_taking_an_older_change_back_keeps_the_later_ones_or_names_the_one_in_the_way(
    city: City, data: st.DataObject
) -> None:
    scene = data.draw(scenes([Cascade.NONE]))
    ids = list(scene.text["milestones"])
    office = city.adopt(scene.text, scene.happened)
    changing.change(office, "small", scene.request, CLERK)
    wanted = data.draw(edits(ids))
    assume(wanted.kind is not EditKind.FILE)
    try:
        changing.change(office, "small", Request((wanted,), "別件", Cascade.NONE), CLERK)
    except InputError:
        reject()
    older, newer = (edited_places(office, number) for number in (2, 3))
    before = city.rows()

    try:
        changing.change(office, "small", changing.undo_request(office, "small", 2, "誤り"), CLERK)
    except InputError as exc:
        said = str(exc)
        assert city.rows() == before
        # What is in the way is named; or without it there would be no plan, or nothing that is otherwise. What is
        # recorded as done has no place in the text.
        is_empty = "変わるところがありません" in said or "この変更はできません" in said
        is_of_deeds = any(edit.kind in DEEDS for edit in (*scene.request.edits, wanted))
        assert is_empty or is_of_deeds or (older & newer and "第3版（総務課 係員: 別件）" in said)
        return

    document = now(office).loaded.document
    with office.open_work(ISHINOMAKI, True) as work:
        first, third = work.plans.revision("small", 1), work.plans.revision("small", 3)
    assert first
    assert third
    for place in older | newer:
        assert at(document, place) == at((third if place in newer else first).document, place)


Place = tuple[str, ...]


def at(document: Any, place: Place) -> Any:
    for part in place:
        document = document.get(part) if isinstance(document, dict) else None
    return document


def edited_places(office: Office, number: int) -> set[Place]:
    """Return the places of a plan's text that a revision made different: a top key, or a key of a milestone."""
    with office.open_work(ISHINOMAKI, True) as work:
        old, new = work.plans.revision("small", number - 1), work.plans.revision("small", number)
    assert old
    assert new
    milestones = {*old.document["milestones"], *new.document["milestones"]}
    keys = {
        ("milestones", id, key)
        for id in milestones
        for each in (old, new)
        for key in each.document["milestones"].get(id, {})
    }
    places: set[Place] = {(key,) for key in {*old.document, *new.document} if key != "milestones"} | keys
    return {place for place in places if at(old.document, place) != at(new.document, place)}


@given(data=st.data())
@many
def test_nonsense_is_refused_without_a_trace_or_leaves_a_plan_that_check_accepts(
    city: City, data: st.DataObject
) -> None:
    plan = data.draw(plans())
    ids = [*plan["milestones"], *(f"{id}-2" for id, each in plan["milestones"].items() if "recurs" in each)]
    try:
        office = city.adopt(plan, data.draw(happened(list(plan["milestones"]))))
    except InputError:
        reject()
    options, reason = data.draw(typed(ids)), data.draw(REASONS)
    before = city.rows()

    try:
        request = request_of(options, reason, data.draw(st.sampled_from(Cascade)))
        done = changing.change(office, "small", request, CLERK)
    except InputError as exc:
        assert str(exc)
        assert city.rows() == before
        return

    changed = now(office)
    assert changed.plan == done.effects.plan
    assert is_accepted_by_check(city, changed)
    assert [*describe(done)]
    assert changed.verdicts.keys() == changed.plan.milestones.keys()
    watch(office, "small")
