"""Taking a plan file into the database."""

from __future__ import annotations

from kijitsu.domain.errors import InputError
from kijitsu.domain.roles import Right
from kijitsu.office import Actor, Office
from kijitsu.services.recomputing import remember
from kijitsu.store import rows


def adopt(office: Office, plan: str, actor: Actor) -> rows.Revision:
    """Take a plan file into the database as revision 1. Raises InvalidFile, or InputError where it is there."""
    actor.require(Right.ADOPT, "計画の採用")
    loaded = office.library.plan(plan)
    organisation = loaded.plan.organisation
    now = office.now(organisation)
    with office.open_work(organisation.municipality, False) as work:
        if head := work.plans.head(loaded.plan.id):
            raise InputError(
                f"計画 {loaded.plan.id} は採り入れてあります（第{head[0]}版）。"
                "そのファイルの日程と督促の方針は、もう読みません。"
                f"日程は kijitsu move {loaded.plan.id} で動かし、"
                f"今の版は kijitsu export {loaded.plan.id} で見てください。"
            )
        revision = work.plans.add(loaded.plan.id, dict(loaded.document), "採用", actor.name, None, now, 0)
        remember(work, loaded.plan, loaded.calendars)
        details = {"revision": 1, "sha256": revision.sha256}
        work.audit.append(now, actor.name, actor.authenticated_by, "adopt", loaded.plan.id, details)
        work.commit()
    return revision
