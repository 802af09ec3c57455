"""Changing an adopted plan: everything a change does, and doing it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from kijitsu.domain.changes import Cascade, Preview, preview_move
from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import InputError
from kijitsu.domain.history import NOTHING_YET
from kijitsu.domain.reminders import Key, Reminder, told_of_move, upcoming
from kijitsu.domain.windows import parse_window
from kijitsu.located import Document
from kijitsu.office import Actor, Json, Office
from kijitsu.plans import Loaded
from kijitsu.services import reading
from kijitsu.services.reading import Standing
from kijitsu.services.watching import adopted, organisation_of
from kijitsu.services.writing import tell

if TYPE_CHECKING:
    from kijitsu.store.work import UnitOfWork


@dataclass(frozen=True)
class Move:
    """A move, previewed or applied. `revision` is the one it was reckoned on, 0 for a plan file."""

    standing: Standing
    preview: Preview
    milestone: str
    to: str
    reason: str
    cascade: Cascade
    cancelled: tuple[Key, ...]
    created: tuple[Key, ...]
    applied_as: int | None = None

    @property
    def redated(self) -> list[str]:
        """The milestones, not closed, whose window or deadline is another now."""
        changed = [*(each.id for each in self.preview.moved), *self.preview.redated]
        return [id for id in changed if not self.standing.progress.get(id, NOTHING_YET).is_closed]

    @property
    def notified(self) -> list[str]:
        """Who is told: of a date that moves, at once; of a reminder that changes, when it is due. Each once."""
        plan = self.preview.plan
        written_to = [each.recipient for id in self.redated for each in told_of_move(plan, id, "", date.max, date.max)]
        reached = [key[2] for key in (*self.cancelled, *self.created)]
        return list(dict.fromkeys([*written_to, *reached]))

    def as_json(self) -> Json:
        """Return the move as `kijitsu move --json` shows it."""
        change = {
            "plan": self.preview.plan.id,
            "milestone": self.milestone,
            "to": self.to,
            "reason": self.reason,
            "cascade": self.cascade,
            "revision": self.applied_as,
        }
        return {
            "change": change,
            "moved": [
                {"id": moved.id, "old": moved.old.wording if moved.old else None, "new": moved.new.wording}
                for moved in self.preview.moved
            ],
            "breached": list(self.preview.breached),
            "lapsing": list(self.preview.lapsing),
            "reminders": {"cancelled": _keys(self.cancelled), "created": _keys(self.created)},
            "notified": self.notified,
            "redated": [{"id": id, "old": old, "new": new} for id, (old, new) in self.preview.redated.items()],
        }


def _keys(keys: tuple[Key, ...]) -> list[dict[str, Any]]:
    return [{"milestone": m, "rule": rule, "recipient": to, "deadline": day} for m, rule, to, day in keys]


def preview(office: Office, plan: str, id: str, to: str, reason: str, cascade: Cascade, on: date | None) -> Move:
    """Return all that moving a date would do, and do nothing."""
    day = on or reading.today_of(office, plan)
    return _reckoned(reading.standing(office, plan, day), id, to, reason, cascade, day)


def move(office: Office, plan: str, id: str, to: str, reason: str, cascade: Cascade, actor: Actor) -> Move:
    """Move a date of an adopted plan: a revision, its audit entry and the reminders it overtakes, all or nothing."""
    if not reason.strip():
        raise InputError("日程の変更には理由が要ります。--reason に書いてください。")
    with office.open_work(organisation_of(office, plan).municipality, False) as work:
        first = adopted(office, work, plan, None)
        on = office.today(first.plan.organisation)
        now = office.now(first.plan.organisation)
        reckoned = _reckoned(adopted(office, work, plan, on), id, to, reason, cascade, on)
        document = _moved_document(office, reckoned)
        change = reckoned.as_json()
        stored = _plain({**change, "was": _former(reckoned)})
        revision = work.plans.add(plan, document, reason, actor.name, stored, now, first.revision)
        _tell(office, work, adopted(office, work, plan, on), reckoned, on)
        details = {"revision": revision.number, "to": to, "reason": reason, **_plain(change)}
        work.audit.append(now, actor.name, actor.authenticated_by, "move", f"{plan}/{id}", details)
        work.commit()
    return Move(
        reckoned.standing,
        reckoned.preview,
        id,
        to,
        reason,
        cascade,
        reckoned.cancelled,
        reckoned.created,
        revision.number,
    )


def _reckoned(standing: Standing, id: str, to: str, reason: str, cascade: Cascade, on: date) -> Move:
    id = standing.milestone(id)
    window = parse_window(to, standing.plan.fiscal_year)
    done = preview_move(standing.network, id, window, cascade, standing.progress, on)
    changed = standing.loaded.network_of(done.plan)
    old = {r.key for r in upcoming(standing.network, standing.slots, standing.progress, on)}
    new = {r.key for r in upcoming(changed, done.after, standing.progress, on)}
    return Move(standing, done, id, to, reason, cascade, tuple(sorted(old - new)), tuple(sorted(new - old)))


def _former(reckoned: Move) -> Json:
    """Return the windows and due dates before the move, of all that it changes: the letters tell them."""
    preview = reckoned.preview
    windows = {each.id: each.old for each in preview.moved}
    return {
        id: {"window": window.wording if (window := windows.get(id)) else None, "due": preview.before[id].due}
        for id in (*windows, *preview.redated)
    }


def _tell(office: Office, work: UnitOfWork, standing: Standing, done: Move, on: date) -> None:
    """Take back what speaks of a date that is no more, and write 日程変更 to those whose dates have changed."""
    told: list[Reminder] = []
    for id in done.redated:
        slot, window = standing.slots[id], standing.plan.milestones[id].window
        deadline = slot.due or (window and (window.last or window.first)) or on
        told += told_of_move(standing.plan, id, str(standing.revision), deadline, on)
    tell(office, work, standing, on, ["moved"], told)


def _moved_document(office: Office, reckoned: Move) -> Json:
    """Return the plan's text with the new windows, checked as any file is."""
    document = copy.deepcopy(dict(reckoned.standing.loaded.document))
    for moved in reckoned.preview.moved:
        milestone = reckoned.preview.plan.milestones[moved.id]
        written = document["milestones"][milestone.occurrence_of or moved.id]
        if milestone.recurs:
            # One occurrence moves; the rhythm, and with it the others, stays.
            written["recurs"].setdefault("moved", {})[str(milestone.number)] = moved.new.wording
        else:
            written["when"] = moved.new.wording
    checked: Loaded = office.library.plan_from(Document("変更後の計画", document))
    return dict(checked.document)


def _plain(value: Any) -> Any:
    """Return a value as JSON carries it: dates as text, tuples as lists."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def describe(done: Move) -> Iterator[str]:
    """Yield a move in sentences: what moves, what breaks, what stops, which reminders change, who is told."""
    plan, preview = done.preview.plan, done.preview
    verb = (
        f"第{done.applied_as}版として変更しました" if done.applied_as else "変更した場合の影響（まだ変更していません）"
    )
    yield f"{plan.milestones[done.milestone].title} → {done.to}: {verb}"
    for moved in preview.moved:
        before, after = preview.before[moved.id], preview.after[moved.id]
        yield (
            f"  {plan.milestones[moved.id].title}: {moved.old.wording if moved.old else '－'} → {moved.new.wording}"
            f"（余裕 {_slack(before.slack)} → {_slack(after.slack)}）"
        )
    for id, (old, new) in preview.redated.items():
        dates = f"{show_date(old) if old else '－'} → {show_date(new) if new else '－'}"
        yield f"  {plan.milestones[id].title}: 期限 {dates}（連れて変わります）"
    for id in preview.breached:
        slot = preview.after[id]
        kind = "動かせない日程" if plan.milestones[id].pinned else "法定・確定の期限"
        basis = f"、{slot.deadline.rule.basis}" if slot.deadline else ""
        day = f"{show_date(slot.due)}" if slot.due else ""
        yield f"  ！{kind}を守れません: {plan.milestones[id].title}（{day}{basis}）"
    for id in preview.lapsing:
        yield f"  ■新たに停止します: {plan.milestones[id].title}"
    for id in preview.freed:
        yield f"  □停止が解けます: {plan.milestones[id].title}"
    yield f"  督促: 取消 {len(done.cancelled)}件、新規 {len(done.created)}件"
    bodies = plan.organisation.bodies
    yield f"  新しい期限の督促が届く先: {'、'.join(bodies[id].title for id in done.notified) or 'なし'}"
    if not done.applied_as:
        yield "  実際に変更するには --reason 理由 --apply を付けて、もう一度実行してください。"


def _slack(slack: int | None) -> str:
    return "－" if slack is None else f"{slack}開庁日"
