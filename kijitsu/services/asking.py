"""Asking for approval: a letter 承認依頼 to everybody who may approve a change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from kijitsu.domain.line import able, present
from kijitsu.domain.plan import Addressee, Place
from kijitsu.messages import Approval, Revised
from kijitsu.office import Office
from kijitsu.services.reading import Standing
from kijitsu.services.writing import addressed, letter_to
from kijitsu.store import rows
from kijitsu.store.work import UnitOfWork


def ask(
    office: Office,
    work: UnitOfWork,
    standing: Standing,
    proposal: rows.Proposal,
    effects_lines: Sequence[str],
    on: date,
) -> list[str]:
    """Write a letter to each post that approves changes of a plan, and return the recipients. The caller commits.

    A deputy is asked for a post that is absent, or that the change's own author holds; each address once.
    `effects_lines` are sentences on what the change does.
    """
    organisation = standing.plan.organisation
    own = set(proposal.request.get("posts", ()))
    asked: dict[Place, Addressee] = {}
    for post in standing.plan.approvers:
        *_, acting = able(organisation, post, on, own)
        to = present(organisation, acting, on)
        asked.setdefault(to.place, to)
    revised = Revised(proposal.number, proposal.reason, proposal.actor)
    page = f"{office.settings.board}/plans/{standing.plan.id}/changes/proposals/{proposal.number}"
    effects = tuple(line for line in effects_lines if line.strip())
    approval = Approval(revised, effects, page if office.links else "")
    envelopes = [
        addressed(
            office,
            organisation,
            to,
            f"{standing.plan.id}/approval/{proposal.number}/{to.id}",
            letter_to(to, standing, on, message="approval", approval=approval),
        )
        for to in asked.values()
    ]
    work.outbox.add(envelopes, office.opening(organisation, office.now(organisation)))
    return [to.id for to in asked.values()]
