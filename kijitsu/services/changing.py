"""Changing an adopted plan: at once, or after somebody else has approved; and taking a change back.

A change is reckoned anew in the transaction that makes it, on the revision in force; where that is not the one that was
previewed, nothing happens and whoever asked sees what changed meanwhile and what their change would do now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from kijitsu.domain.changes import Cascade
from kijitsu.domain.errors import InputError
from kijitsu.domain.history import NOTHING_YET
from kijitsu.domain.line import able
from kijitsu.domain.plan import Organisation
from kijitsu.domain.reminders import Reminder, told_of_move
from kijitsu.domain.roles import Right
from kijitsu.editing import DEEDS, Edit, EditKind, Overtaken, edit_of, taken_back
from kijitsu.located import Document, read_document
from kijitsu.office import Actor, Json, NotAllowed, Office, day_of
from kijitsu.plans import is_path
from kijitsu.services.asking import ask
from kijitsu.services.describing import describe
from kijitsu.services.reading import Standing
from kijitsu.services.reckoning import Change, Plot, Request, move_request, read_again, reckon
from kijitsu.services.reckoning import preview as preview_request
from kijitsu.services.recomputing import take_over
from kijitsu.services.watching import adopted, organisation_of
from kijitsu.services.writing import tell
from kijitsu.store import rows
from kijitsu.store.work import UnitOfWork


class StalePreview(InputError):
    """The plan changed since it was previewed; `fresh` is what the change would do now, None where it cannot be."""

    def __init__(self, seen: int, since: Sequence[rows.Revision], fresh: Change | None, refused: str = "") -> None:
        what = "、".join(f"第{each.number}版（{each.actor}: {each.reason}）" for each in since)
        now = [*describe(fresh)] if fresh else [f"この変更は、もうできません。{refused}"]
        super().__init__("\n".join([f"第{seen}版で影響を確かめた後に、計画が変わりました: {what}。", *now]))
        self.fresh, self.since = fresh, since


def preview(office: Office, plan: str, request: Request, on: date | None = None) -> Change:
    """Return all that a change would do, and do nothing; also of a change that takes another back."""
    if request.edits and request.edits[0].kind is EditKind.UNDO and not is_path(plan):
        with office.open_work(organisation_of(office, plan).municipality, True) as work:
            standing = adopted(office, work, plan, on or _today(office, plan))
            return _reckoned(office, work, standing, request)
    return preview_request(office, plan, request, on)


def move(office: Office, plan: str, id: str, to: str, reason: str, cascade: Cascade, actor: Actor) -> Change:
    """Move a date of an adopted plan; see `change`."""
    return change(office, plan, move_request(id, to, reason, cascade), actor)


def change(
    office: Office, plan: str, request: Request, actor: Actor, seen: int | None = None, *, approved: bool = False
) -> Change:
    """Make a change: revision, events, audit entry, letters and the reminders it overtakes, all or nothing.

    Where the plan asks for approval, and this is not `approved` already, the change becomes a proposal that waits for
    it. `seen` is the revision on which the change was previewed. Raises StalePreview where it is no longer in force,
    NotAllowed for an actor who may not change plans, InputError as a preview does and for a missing reason.
    """
    actor.require(Right.CHANGE, "計画の変更")
    if not request.reason.strip():
        raise InputError("計画の変更には理由が要ります。")
    with office.open_work(organisation_of(office, plan).municipality, False) as work:
        work.audit.take_turn()
        standing = _in_force(office, work, plan, request, seen)
        reckoned = _reckoned(office, work, standing, request)
        if standing.plan.approvers and not approved:
            done = _propose(office, work, reckoned, actor)
        else:
            done = _apply(office, work, reckoned, actor, actor.name, {})
        work.commit()
    return done


def undo_request(office: Office, plan: str, number: int | None, reason: str) -> Request:
    """Return the request to take a revision of an adopted plan back, the latest where none is named."""
    if number is None:
        with office.open_work(organisation_of(office, plan).municipality, True) as work:
            number = adopted(office, work, plan, None).revision
    return Request((Edit(EditKind.UNDO, str(number)),), reason, Cascade.NONE)


def file_request(plan: str, file: str, reason: str) -> Request:
    """Return the request to make an adopted plan what an edited file says. Raises InvalidFile where that is no YAML."""
    from pathlib import Path

    return document_request(plan, read_document(Path(file)), reason)


def document_request(plan: str, document: Document, reason: str) -> Request:
    """Return the request to make an adopted plan what an edited document says. Raises InputError for no plan at all."""
    if not isinstance(document.data, dict):
        raise InputError(
            f"{document.path} は計画のファイルではありません。kijitsu export {plan} の形で書いてください。"
        )
    return Request((Edit(EditKind.FILE, plan, document.data),), reason, Cascade.NONE)


# --- approval ---


def proposals(office: Office, plan: str) -> list[rows.Proposal]:
    """Return every change of an adopted plan that was proposed, the first one first."""
    with office.open_work(organisation_of(office, plan).municipality, True) as work:
        adopted(office, work, plan, None)
        return work.proposals.all(plan)


def look_at(office: Office, plan: str, number: int) -> Change:
    """Return what a proposed change would do now, and do nothing."""
    with office.open_work(organisation_of(office, plan).municipality, True) as work:
        proposal = _pending(work, plan, number)
        standing = adopted(office, work, plan, _today(office, plan))
        return _reckoned(office, work, standing, Request.from_json(proposal.request))


def approve(office: Office, plan: str, number: int, actor: Actor, reason: str = "", seen: int | None = None) -> Change:
    """Approve a proposed change and make it, in one transaction.

    `seen` is the revision on which its effects were looked at, the one it was proposed on where None. Raises
    StalePreview where that is no longer in force; NotAllowed for whoever proposed it, and for everybody who neither
    holds one of the plan's approving posts nor stands in for one.
    """
    organisation = organisation_of(office, plan)
    with office.open_work(organisation.municipality, False) as work:
        work.audit.take_turn()
        proposal = _pending(work, plan, number)
        request = Request.from_json(proposal.request)
        standing = _in_force(office, work, plan, request, proposal.revision if seen is None else seen)
        post = _approving_post(organisation, standing.plan.approvers, proposal, actor, _today(office, plan))
        reckoned = _reckoned(office, work, standing, request)
        details = {"proposal": number, "proposed_by": proposal.actor, "as": post, "decision": reason}
        done = _apply(office, work, reckoned, actor, proposal.actor, details)
        now = office.now(organisation)
        work.proposals.put(_decided(proposal, rows.ProposalState.APPLIED, actor, now, reason, done.applied_as))
        work.commit()
    return done


def turn_down(office: Office, plan: str, number: int, actor: Actor, reason: str) -> rows.Proposal:
    """Turn a proposed change down, or withdraw one's own; the plan stays as it is."""
    if not reason.strip():
        raise InputError("却下や取下げには理由が要ります。")
    organisation = organisation_of(office, plan)
    with office.open_work(organisation.municipality, False) as work:
        work.audit.take_turn()
        proposal = _pending(work, plan, number)
        is_own = is_author(proposal, actor)
        if not is_own:
            approvers = adopted(office, work, plan, None).plan.approvers
            _approving_post(organisation, approvers, proposal, actor, _today(office, plan))
        state = rows.ProposalState.WITHDRAWN if is_own else rows.ProposalState.REJECTED
        now = office.now(organisation)
        decided = _decided(proposal, state, actor, now, reason, None)
        work.proposals.put(decided)
        details = {"proposal": number, "proposed_by": proposal.actor, "reason": reason}
        action = "withdraw" if is_own else "turn-down"
        work.audit.append(now, actor.name, actor.authenticated_by, action, plan, details)
        work.commit()
    return decided


def why_not_decide(standing: Standing, proposal: rows.Proposal, actor: Actor) -> str:
    """Return why somebody may not approve a proposed change, or turn it down; "" where they may."""
    assert standing.as_of
    plan = standing.plan
    try:
        _approving_post(plan.organisation, plan.approvers, proposal, actor, standing.as_of)
    except NotAllowed as exc:
        return str(exc)
    return ""


# Numbers beyond this no database counts to.
_GREATEST = 2**31 - 1


def _pending(work: UnitOfWork, plan: str, number: int) -> rows.Proposal:
    proposal = work.proposals.get(plan, number) if 0 < number <= _GREATEST else None
    if proposal is None:
        waiting = [str(each.number) for each in work.proposals.all(plan) if each.state is rows.ProposalState.PENDING]
        raise InputError(f"計画 {plan} に変更案 {number} はありません。承認待ちの番号: {'、'.join(waiting) or 'なし'}")
    if proposal.state is not rows.ProposalState.PENDING:
        raise InputError(f"変更案 {number} は、{proposal.decided_by} が{SHOWN_STATES[proposal.state]}にしています。")
    return proposal


SHOWN_STATES: Mapping[rows.ProposalState, str] = {
    rows.ProposalState.PENDING: "承認待ち",
    rows.ProposalState.APPLIED: "承認",
    rows.ProposalState.REJECTED: "却下",
    rows.ProposalState.WITHDRAWN: "取下げ",
}


def _approving_post(
    organisation: Organisation, approvers: Sequence[str], proposal: rows.Proposal, actor: Actor, on: date
) -> str:
    """Return the approving post that somebody holds or stands in for. Raises NotAllowed for anybody else.

    A deputy stands in for a post that is absent, and for whoever holds it and made the proposal.
    """
    own = set(proposal.request.get("posts", ()))
    posts = {post: list(able(organisation, post, on, {post} & own)) for post in approvers}
    acting = "、".join(dict.fromkeys(each[-1] for each in posts.values()))
    if is_author(proposal, actor):
        raise NotAllowed(f"自分の変更案は承認できません。承認するのは {acting} です。")
    actor.require(Right.APPROVE, "変更の承認")
    if not approvers:
        return ""  # the plan has ceased to ask since: anybody else who may approve
    for post, holders in posts.items():
        if any(each in actor.posts for each in holders):
            return post
    raise NotAllowed(f"{actor.name} はこの計画の変更を承認できません。承認するのは {acting} です。")


def _account(actor: Actor) -> str:
    """Return what tells one person from another: the account, or the name where there is no people file."""
    return actor.account or actor.name


def is_author(proposal: rows.Proposal, actor: Actor) -> bool:
    """Tell whether a change is somebody's own proposal."""
    return bool(proposal.request["account"] == _account(actor))


def _decided(
    proposal: rows.Proposal, state: rows.ProposalState, actor: Actor, at: datetime, reason: str, revision: int | None
) -> rows.Proposal:
    return replace(proposal, state=state, decided_by=actor.name, decided_at=at, decision=reason, applied_as=revision)


def _propose(office: Office, work: UnitOfWork, reckoned: Change, actor: Actor) -> Change:
    """Keep a change as a proposal, and ask those who may approve it."""
    plan, organisation = reckoned.standing.plan.id, reckoned.standing.plan.organisation
    now, known = office.now(organisation), work.proposals.all(plan)
    number = max((each.number for each in known), default=0) + 1
    proposed = replace(reckoned, proposed_as=number)
    request = {**reckoned.request.as_json(), "account": _account(actor), "posts": sorted(actor.posts)}
    for each in known:
        # A form that is sent twice, say.
        if each.state is rows.ProposalState.PENDING and each.request == request:
            raise InputError(f"同じ変更案 {each.number} が、すでに承認を待っています。")
    reason, revision = reckoned.request.reason, reckoned.standing.revision
    effects = plain(proposed.as_json())
    proposal = rows.Proposal(plan, number, revision, request, effects, reason, actor.name, actor.authenticated_by, now)
    work.proposals.put(proposal)
    on = day_of(organisation, now)
    asked = ask(office, work, reckoned.standing, proposal, [*describe(proposed)], on)
    details = {"proposal": number, "revision": revision, "reason": reason, "request": request, "asked": asked}
    work.audit.append(now, actor.name, actor.authenticated_by, "propose", plan, details)
    return replace(proposed, asked=tuple(asked))


# --- making it ---


def _today(office: Office, plan: str) -> date:
    return office.today(organisation_of(office, plan))


def _in_force(office: Office, work: UnitOfWork, plan: str, request: Request, seen: int | None) -> Standing:
    """Return where the plan stands in this transaction. Raises StalePreview where it is no longer what was seen."""
    standing = adopted(office, work, plan, _today(office, plan))
    if seen is None or seen == standing.revision:
        return standing
    since = [each for each in work.plans.revisions(plan) if each.number > seen]
    if not since:
        raise InputError(f"計画 {plan} に第{seen}版はまだありません（いまは第{standing.revision}版です）。")
    try:
        fresh = _reckoned(office, work, standing, request)
    except InputError as exc:
        raise StalePreview(seen, since, None, str(exc)) from exc
    raise StalePreview(seen, since, fresh)


def _reckoned(office: Office, work: UnitOfWork, standing: Standing, request: Request) -> Change:
    undone = [edit for edit in request.edits if edit.kind is EditKind.UNDO]
    if not undone:
        return reckon(office, standing, request)
    if len(request.edits) > 1:
        raise InputError("取消しは、ほかの変更と一緒にはできません。")
    return reckon(office, standing, request, _plot_of_undo(work, standing, undone[0]))


def _plot_of_undo(work: UnitOfWork, standing: Standing, edit: Edit) -> Plot:
    plan, number = standing.plan.id, int(edit.subject)
    is_countable = 0 < number <= _GREATEST
    older = work.plans.revision(plan, number - 1) if is_countable else None
    newer = work.plans.revision(plan, number) if is_countable else None
    if newer is None:
        raise InputError(f"計画 {plan} に第{number}版はありません（いまは第{standing.revision}版です）。")
    if older is None:
        raise InputError("第1版は計画を採り入れたときのもので、取り消せません。")
    deeds = tuple(map(_taken_back_deed, (newer.change or {}).get("deeds", ())))
    try:
        text = taken_back(older.document, newer.document, standing.loaded.document)
    except Overtaken as exc:
        raise InputError(_overtaken(work, standing, number, exc)) from exc
    return Plot(text, deeds)


def _overtaken(work: UnitOfWork, standing: Standing, number: int, conflict: Overtaken) -> str:
    """Say which later revision changed what is to be taken back."""
    plan, path = standing.plan, conflict.path
    found, before = "その後の版", work.plans.revision(plan.id, number)
    assert before
    for later in work.plans.revisions(plan.id)[number:]:
        if _at(later.document, path) != _at(before.document, path):
            found = f"第{later.number}版（{later.actor}: {later.reason}）"
            break
    id = str(path[1]) if path[:1] == ("milestones",) and len(path) > 1 else ""
    what = f"「{plan.milestones[id].title}」の {path[-1]}" if id in plan.milestones else ".".join(map(str, path))
    return (
        f"第{number}版だけを取り消すことはできません。{what} は{found}でも変わっています。"
        "新しい版から順に取り消すか、move などで改めて変えてください。"
    )


def _at(document: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        if not isinstance(document, dict):
            return None
        document = document.get(part)
    return document


def _taken_back_deed(deed: Mapping[str, Any]) -> Json:
    """Return the deed that takes another back."""
    edit = edit_of(deed)
    if edit.kind is EditKind.REINSTATE:
        return dict(deed["was"])
    return {EditKind.REINSTATE.value: edit.subject, "to": edit.value, "was": dict(deed)}


def _apply(
    office: Office, work: UnitOfWork, reckoned: Change, actor: Actor, author: str, details: Mapping[str, Any]
) -> Change:
    """Make the change in an open transaction: revision, events, letters, audit entry."""
    plan, on = reckoned.standing.plan.id, reckoned.standing.as_of
    assert on
    now = office.now(reckoned.standing.plan.organisation)
    loaded = read_again(office, reckoned)
    done = replace(reckoned, applied_as=reckoned.standing.revision + 1)
    stored = plain({**done.as_json(), "request": done.request.as_json(), "was": _former(done), **details})
    reason = done.request.reason
    revision = work.plans.add(plan, done.document, reason, author, stored, now, reckoned.standing.revision)
    events = {}
    for deed in done.deeds:
        edit = edit_of(deed)
        counted = {"reason": reason, "revision": revision.number}
        day = date.fromisoformat(edit.value)
        id = work.events.add(rows.EventRow(plan, day, DEEDS[edit.kind], edit.subject, counted, actor.name, now))
        events[str(id)] = deed
    take_over(work, loaded.plan, reckoned.standing.loaded.calendars, loaded.calendars)
    standing = adopted(office, work, plan, on)
    progress = done.effects.after.progress
    if late := [id for id in progress if standing.progress.get(id, NOTHING_YET) != progress[id]]:
        titles = "、".join(loaded.plan.milestones[id].title for id in late)
        raise InputError(f"その日より後の記録と合いません: {titles}。その後の日で記録してください。")
    tell(office, work, standing, on, ["moved"], _told(standing, done, on))
    entry = {**stored, "revision": revision.number, "reason": reason, "sha256": revision.sha256, "events": events}
    work.audit.append(now, actor.name, actor.authenticated_by, _action(done, details), _subject(done), entry)
    return done


def _subject(done: Change) -> str:
    """Return what a change is about: a milestone, where it asks for one only, else the plan."""
    plan = done.standing.plan
    subjects = {edit.subject for edit in done.request.edits}
    return f"{plan.id}/{subjects.pop()}" if len(subjects) == 1 and subjects <= plan.milestones.keys() else plan.id


def _action(done: Change, details: Mapping[str, Any]) -> str:
    if "proposal" in details:
        return "approve"
    return "undo" if done.request.edits[0].kind is EditKind.UNDO else "change"


def _told(standing: Standing, done: Change, on: date) -> list[Reminder]:
    """Return the words 日程変更 that are owed to those whose dates, or whose tasks, have changed."""
    told: list[Reminder] = []
    for id in done.redated:
        slot, window = standing.slots[id], standing.plan.milestones[id].window
        deadline = slot.due or (window and (window.last or window.first)) or on
        told += told_of_move(standing.plan, id, str(standing.revision), deadline, on)
    return told


def _former(done: Change) -> Json:
    """Return the windows, due dates and owners before the change, of all that is told of: the letters say them."""
    before, plan, former = done.effects.before, done.effects.plan, {}
    windows = {each.id: each.old for each in done.effects.moved}
    bodies = plan.organisation.bodies
    for id in done.redated:
        if milestone := before.plan.milestones.get(id):
            window = windows.get(id)
            told = {"window": window and window.wording, "due": before.schedule[id].due, "owner": milestone.owner}
            if milestone.owner != plan.milestones[id].owner:
                owners = (bodies[each.milestones[id].owner].title for each in (before.plan, plan))
                told["cause"] = f"担当の変更（{' → '.join(owners)}）。{done.request.reason}"
            former[id] = told
    return former


def plain(value: Any) -> Any:
    """Return a value as JSON carries it: dates as text, tuples as lists."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value
