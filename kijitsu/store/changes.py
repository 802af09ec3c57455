"""Changes that wait for approval, and the names that revisions were given."""

from __future__ import annotations

from sqlalchemy import bindparam

from kijitsu.store import tables
from kijitsu.store.repository import Repository, insert_new, rows_of, upsert, values
from kijitsu.store.rows import Baseline, Proposal

_PROPOSALS = (
    rows_of(tables.proposals, Proposal)
    .where(tables.proposals.c.plan == bindparam("plan"))
    .order_by(tables.proposals.c.number)
)
_PROPOSAL = _PROPOSALS.where(tables.proposals.c.number == bindparam("number"))
_BASELINES = (
    rows_of(tables.baselines, Baseline)
    .where(tables.baselines.c.plan == bindparam("plan"))
    .order_by(tables.baselines.c.revision, tables.baselines.c.made_at, tables.baselines.c.name)
)


class Proposals(Repository):
    """Every change that was proposed, decided or not."""

    def all(self, plan: str) -> list[Proposal]:
        """Return a plan's proposals, the first one first."""
        return [Proposal(*row) for row in self._rows(_PROPOSALS, plan=plan)]

    def everywhere(self) -> list[Proposal]:
        """Return the proposals of every plan."""
        return [Proposal(*row) for row in self._rows(rows_of(tables.proposals, Proposal))]

    def get(self, plan: str, number: int) -> Proposal | None:
        """Return a proposal by its number, None where there is none."""
        row = self._run(_PROPOSAL, plan=plan, number=number).first()
        return Proposal(*row) if row else None

    def put(self, proposal: Proposal) -> None:
        """Write a proposal over its former state. Whoever writes has the turn (`Audit.take_turn`)."""
        self._write(upsert(self._dialect, tables.proposals), [values(proposal)])


class Baselines(Repository):
    """The named revisions."""

    def all(self, plan: str) -> list[Baseline]:
        """Return a plan's baselines, by revision."""
        return [Baseline(*row) for row in self._rows(_BASELINES, plan=plan)]

    def add(self, baseline: Baseline) -> bool:
        """Give a revision a name; False where the name is taken."""
        return bool(self._write(insert_new(self._dialect, tables.baselines), [values(baseline)]).first())
