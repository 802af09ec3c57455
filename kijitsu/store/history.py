"""A plan's states, what people did to it, and what the watch made of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, cast

from sqlalchemy import BindParameter, String, bindparam, func, insert, select, type_coerce

from kijitsu.domain.errors import InputError
from kijitsu.domain.gates import Status
from kijitsu.store import tables
from kijitsu.store.repository import Repository, insert_new, rows_of, upsert, values
from kijitsu.store.rows import EventRow, Head, KeptRevision, PassRow, Revision, Standing, TransitionRow
from kijitsu.store.tables import canonical

_PLAN: BindParameter[str] = bindparam("plan")

_REVISIONS = (
    rows_of(tables.plan_revisions, Revision)
    .where(tables.plan_revisions.c.plan == _PLAN)
    .order_by(tables.plan_revisions.c.number)
)
_LATEST_REVISION = _REVISIONS.order_by(None).order_by(tables.plan_revisions.c.number.desc()).limit(1)
_REVISION = _REVISIONS.where(tables.plan_revisions.c.number == bindparam("number"))
_HEAD = (
    select(*(tables.plan_revisions.c[name] for name in Head._fields))
    .where(tables.plan_revisions.c.municipality == bindparam("here"), tables.plan_revisions.c.plan == _PLAN)
    .order_by(tables.plan_revisions.c.number.desc())
    .limit(1)
)
# As the database holds them: a document that does not even parse is to be reported.
_DOCUMENTS = (
    select(
        tables.plan_revisions.c.plan,
        tables.plan_revisions.c.number,
        type_coerce(tables.plan_revisions.c.document, String).label("document"),
        tables.plan_revisions.c.sha256,
        tables.plan_revisions.c.reason,
        tables.plan_revisions.c.actor,
    )
    .where(tables.plan_revisions.c.municipality == bindparam("here"))
    .order_by(tables.plan_revisions.c.plan, tables.plan_revisions.c.number)
)
_ADOPTED_AT = select(tables.plan_revisions.c.made_at).where(
    tables.plan_revisions.c.municipality == bindparam("here"),
    tables.plan_revisions.c.plan == _PLAN,
    tables.plan_revisions.c.number == 1,
)
_CHANGE = select(tables.plan_revisions.c.change).where(
    tables.plan_revisions.c.municipality == bindparam("here"),
    tables.plan_revisions.c.plan == _PLAN,
    tables.plan_revisions.c.number == bindparam("number"),
)
_PLAN_IDS = (
    select(tables.plan_revisions.c.plan)
    .where(tables.plan_revisions.c.municipality == bindparam("here"))
    .distinct()
    .order_by(tables.plan_revisions.c.plan)
)
_ADD_EVENT = insert(tables.events).returning(tables.events.c.id)
_EVENTS = (
    rows_of(tables.events, EventRow)
    .where(tables.events.c.plan == _PLAN)
    .order_by(tables.events.c.occurred_on, tables.events.c.id)
)
_EVENTS_UPTO = _EVENTS.where(tables.events.c.occurred_on <= bindparam("day"))
_STANDINGS = rows_of(tables.standings, Standing).where(tables.standings.c.plan == _PLAN)
_STATUSES = select(tables.standings.c.milestone, tables.standings.c.status).where(
    tables.standings.c.municipality == bindparam("here"), tables.standings.c.plan == _PLAN
)
_BLOCKED_SINCE = select(tables.standings.c.milestone, tables.standings.c.since).where(
    tables.standings.c.municipality == bindparam("here"),
    tables.standings.c.plan == _PLAN,
    tables.standings.c.status == Status.BLOCKED,
)
_FREED = (
    select(tables.transitions.c.milestone, func.max(tables.transitions.c.occurred_on))
    .where(
        tables.transitions.c.municipality == bindparam("here"),
        tables.transitions.c.plan == _PLAN,
        tables.transitions.c.occurred_on.between(bindparam("first"), bindparam("last")),
        tables.transitions.c.before == Status.BLOCKED,
    )
    .group_by(tables.transitions.c.milestone)
)
_ADD_TRANSITIONS = insert(tables.transitions)
_TRANSITIONS = (
    rows_of(tables.transitions, TransitionRow)
    .where(tables.transitions.c.plan == _PLAN)
    .order_by(tables.transitions.c.occurred_on, tables.transitions.c.id)
)
_TRANSITIONS_ON = _TRANSITIONS.where(tables.transitions.c.occurred_on == bindparam("day"))
_LATEST_PASS = (
    rows_of(tables.passes, PassRow)
    .where(tables.passes.c.plan == _PLAN)
    .order_by(tables.passes.c.occurred_on.desc())
    .limit(1)
)


class StaleRevision(InputError):
    """Someone else changed the plan meanwhile; `latest` is what they made of it, None where there is none."""

    def __init__(self, plan: str, expected: int, latest: Revision | None) -> None:
        self.plan = plan
        self.expected = expected
        self.latest = latest
        if latest is None:
            what = f"計画 {plan} の第{expected}版はありません"
        elif not expected:
            what = f"計画 {plan} はすでに取り込まれています（現在は第{latest.number}版）"
        else:
            what = (
                f"計画 {plan} は、第{expected}版を読んだ後に第{latest.number}版へ改められています"
                f"（{latest.actor}: {latest.reason}）"
            )
        super().__init__(f"{what}。最新の計画を確かめて、もう一度操作してください。")


class Plans(Repository):
    """Every state of every plan, as numbered revisions."""

    def latest(self, plan: str) -> Revision | None:
        """Return the revision in force, None where the plan was never adopted."""
        row = self._run(_LATEST_REVISION, plan=plan).first()
        return Revision(*row) if row else None

    def head(self, plan: str) -> Head | None:
        """Return the revision in force without its document."""
        row = self._run(_HEAD, plan=plan).first()
        return Head(*row) if row else None

    def adopted_at(self, plan: str) -> datetime:
        """Return when an adopted plan became revision 1."""
        return cast("datetime", self._run(_ADOPTED_AT, plan=plan).scalar_one())

    def change(self, plan: str, number: int) -> dict[str, Any] | None:
        """Return what a revision changed, None for the first."""
        return cast("dict[str, Any] | None", self._run(_CHANGE, plan=plan, number=number).scalar())

    def revision(self, plan: str, number: int) -> Revision | None:
        """Return a revision by its number, None where there is none."""
        row = self._run(_REVISION, plan=plan, number=number).first()
        return Revision(*row) if row else None

    def revisions(self, plan: str) -> list[Revision]:
        """Return all revisions, the first one first."""
        return [Revision(*row) for row in self._rows(_REVISIONS, plan=plan)]

    def kept(self) -> dict[tuple[str, int], KeptRevision]:
        """Return what is kept of every revision, by plan and number; no hash where its document is another by now."""
        found = self._connection.execute(_DOCUMENTS, {"here": self._municipality}, execution_options={"yield_per": 10})
        return {
            (row.plan, row.number): KeptRevision(
                row.sha256 if _is_kept(row.document, row.sha256) else None, row.reason, row.actor
            )
            for row in found
        }

    def ids(self) -> list[str]:
        """Return the ids of the adopted plans, sorted."""
        return list(self._run(_PLAN_IDS).scalars())

    def add(
        self,
        plan: str,
        document: dict[str, Any],
        reason: str,
        actor: str,
        change: dict[str, Any] | None,
        made_at: datetime,
        expected: int,
    ) -> Revision:
        """Add the revision after number `expected` (0 where there is none yet); return it as it will be read.

        Raises StaleRevision where the latest number is another, even one written this very instant.
        """
        latest = self.latest(plan)
        if (latest.number if latest else 0) != expected:
            raise StaleRevision(plan, expected, latest)
        row = Revision(plan, expected + 1, document, _digest(document), reason, actor, change and dict(change), made_at)
        if not self._write(insert_new(self._dialect, tables.plan_revisions), [values(row)]).first():
            raise StaleRevision(plan, expected, self.latest(plan))
        added = self.latest(plan)
        assert added is not None
        return added


def _digest(document: Any) -> str:
    return sha256(canonical(document).encode()).hexdigest()


def _is_kept(text: str, digest: str) -> bool:
    try:
        return _digest(json.loads(text)) == digest
    except (TypeError, ValueError, RecursionError):
        return False


class Events(Repository):
    """What people did, in the order of the days it counts for."""

    def add(self, event: EventRow) -> int:
        """Record an event, whatever its `id`, and return the id it got."""
        fields = values(event)
        del fields["id"]
        return int(self._write(_ADD_EVENT, [fields]).scalar_one())

    def all(self) -> list[EventRow]:
        """Return everything that happened in any plan."""
        return [EventRow(*row) for row in self._rows(rows_of(tables.events, EventRow))]

    def upto(self, plan: str, day: date | None) -> list[EventRow]:
        """Return what happened until the end of `day` (all where None), by day and then as recorded."""
        found = self._rows(_EVENTS, plan=plan) if day is None else self._rows(_EVENTS_UPTO, plan=plan, day=day)
        return [EventRow(*row) for row in found]


class Standings(Repository):
    """The last known verdict on each milestone."""

    def all(self, plan: str) -> dict[str, Standing]:
        """Return the plan's standings by milestone."""
        return {row.milestone: Standing(*row) for row in self._rows(_STANDINGS, plan=plan)}

    def statuses(self, plan: str) -> dict[str, str]:
        """Return the last status of each of the plan's milestones."""
        return {row[0]: row[1] for row in self._rows(_STATUSES, plan=plan)}

    def blocked_since(self, plan: str) -> dict[str, date]:
        """Return the milestones that the last pass found blocked, and since which pass they are."""
        return {row[0]: row[1] for row in self._rows(_BLOCKED_SINCE, plan=plan)}

    def put(self, plan: str, standings: Sequence[Standing]) -> None:
        """Write these standings over the former ones of the same milestones."""
        self._write(upsert(self._dialect, tables.standings), [{"plan": plan, **values(s)} for s in standings])


class Transitions(Repository):
    """Every change of verdict."""

    def add(self, transitions: Sequence[TransitionRow]) -> None:
        """Record these transitions; their `id` is given by the database."""
        rows = [values(transition) for transition in transitions]
        for row in rows:
            del row["id"]
        self._write(_ADD_TRANSITIONS, rows)

    def freed(self, plan: str, on: date) -> dict[str, date]:
        """Return what ceased to be blocked in the year before a day, and when it last did."""
        first = on - timedelta(366)
        return {row[0]: row[1] for row in self._rows(_FREED, plan=plan, first=first, last=on)}

    def all(self, plan: str) -> list[TransitionRow]:
        """Return the plan's transitions, by day and then as recorded."""
        return [TransitionRow(*row) for row in self._rows(_TRANSITIONS, plan=plan)]

    def on(self, plan: str, day: date) -> list[TransitionRow]:
        """Return the plan's transitions of a day, as recorded."""
        return [TransitionRow(*row) for row in self._rows(_TRANSITIONS_ON, plan=plan, day=day)]


class Passes(Repository):
    """On which days a plan was watched."""

    def record(self, run: PassRow) -> None:
        """Record a pass over the former one of the same day."""
        self._write(upsert(self._dialect, tables.passes), [values(run)])

    def latest(self, plan: str) -> PassRow | None:
        """Return the pass of the newest day."""
        row = self._run(_LATEST_PASS, plan=plan).first()
        return PassRow(*row) if row else None
