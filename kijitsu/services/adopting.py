"""Taking a plan file into the database, and reading one that somebody hands in."""

from __future__ import annotations

from kijitsu.domain.errors import InputError, InvalidFile, Problem
from kijitsu.domain.roles import Right
from kijitsu.located import Document, parse_document
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


def read_edited(office: Office, name: str, content: bytes) -> Document:
    """Return the plan in a file that somebody hands in, called `name`, read as `kijitsu check` reads it.

    Raises InvalidFile with every problem and its place.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as exc:
        message = "読めません（UTF-8のYAMLで保存してください）。"
        raise InvalidFile([Problem(name, 0, 0, "unreadable-file", message)]) from exc
    document = parse_document(text, name)
    office.library.plan_from(document)
    return document
