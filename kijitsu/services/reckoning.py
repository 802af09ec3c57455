"""What a change would do: a request, reckoned on a plan as it stands, without doing anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

from kijitsu.domain.advice import Advice, Remedy, advise
from kijitsu.domain.changes import Breach, Cascade, Effects, Outlook, cascaded
from kijitsu.domain.closures import Closures
from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import InputError, InvalidFile
from kijitsu.domain.history import NOTHING_YET, Event, Progress, after_event
from kijitsu.domain.plan import Milestone, Plan
from kijitsu.domain.reminders import Key, told_of_move, upcoming
from kijitsu.domain.schedule import Slot
from kijitsu.editing import DEEDS, SHOWN, Edit, EditKind, Text, edit_of, edited
from kijitsu.located import Document
from kijitsu.office import Json, Office
from kijitsu.plans import Loaded
from kijitsu.services import reading
from kijitsu.services.reading import Standing


@dataclass(frozen=True)
class Request:
    """What somebody wants changed, why, and what is to become of what comes after."""

    edits: tuple[Edit, ...]
    reason: str = ""
    cascade: Cascade = Cascade.PUSH

    def as_json(self) -> Json:
        """Return the request as it is stored with a revision or a proposal."""
        return {"edits": [edit.as_json() for edit in self.edits], "reason": self.reason, "cascade": self.cascade.value}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Request:
        """Return the request that `as_json` wrote."""
        return cls(tuple(map(edit_of, stored["edits"])), stored["reason"], Cascade(stored["cascade"]))


def mended(request: Request, remedy: Remedy) -> Request:
    """Return a request together with a remedy for what it breaks."""
    moves = (Edit(EditKind.MOVE, id, window.wording) for id, window in remedy.windows.items())
    shorter = (Edit(EditKind.DURATION, id, str(length)) for id, length in remedy.durations.items())
    return replace(request, edits=(*request.edits, *moves, *shorter))


def move_request(id: str, to: str, reason: str, cascade: Cascade) -> Request:
    """Return the request to move one date."""
    return Request((Edit(EditKind.MOVE, id, to),), reason, cascade)


@dataclass(frozen=True)
class Plot:
    """What a request comes to before anything moves along: the plan's text, and what is recorded as done.

    `deeds` are waivers, cancellations and reinstatements, each with its day; one that takes another back holds that
    as `was`.
    """

    text: Text
    deeds: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Altered:
    """One key of a plan's text that a change makes otherwise, as the file says it; None where it is not there.

    `id` is the milestone's, "" for a key of the plan itself.
    """

    id: str
    key: str
    old: Any
    new: Any


def _altered(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Altered]:
    for key in dict.fromkeys([*old, *new]):
        if key != "milestones" and old.get(key) != new.get(key):
            yield Altered("", key, old.get(key), new.get(key))
    for id, text in new["milestones"].items():
        former = old["milestones"].get(id)
        if former is None or former == text:
            continue
        for key in dict.fromkeys([*former, *text]):
            if key != "when" and former.get(key) != text.get(key):
                yield Altered(id, key, former.get(key), text.get(key))


@dataclass(frozen=True)
class Change:
    """A change, previewed or done. `standing` is what it was reckoned on, its revision 0 for a plan file.

    `document` is the plan's text as it would be. `cancelled` and `created` are reminders that would no longer, or
    newly, go out. `applied_as` is the revision it became, `proposed_as` the proposal that waits for approval.
    """

    standing: Standing
    request: Request
    effects: Effects
    edited: Outlook
    document: Text
    deeds: tuple[Text, ...]
    loaded: Loaded
    cancelled: tuple[Key, ...] = ()
    created: tuple[Key, ...] = ()
    applied_as: int | None = None
    proposed_as: int | None = None
    asked: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def moves(self) -> list[str]:
        """The milestones whose window the request itself sets."""
        return [edit.subject for edit in self.request.edits if edit.kind is EditKind.MOVE]

    @cached_property
    def advice(self) -> Advice:
        """What could be done about it."""
        return advise(self.effects, self.edited, self.moves, self.request.cascade)

    @property
    def redated(self) -> list[str]:
        """The milestones, not closed, whose window, deadline or owner is another now."""
        former = self.effects.before.plan.milestones
        owners = [id for id in self.effects.common if former[id].owner != self.effects.plan.milestones[id].owner]
        changed = [*(each.id for each in self.effects.moved), *self.effects.redated, *owners]
        progress = self.effects.after.progress
        return [id for id in dict.fromkeys(changed) if not progress.get(id, NOTHING_YET).is_closed]

    @property
    def notified(self) -> list[str]:
        """Who is told: of a date that moves, at once; of a reminder that changes, when it is due. Each once."""
        plan = self.effects.plan
        written_to = [each.recipient for id in self.redated for each in told_of_move(plan, id, "", date.max, date.max)]
        reached = [key[2] for key in (*self.cancelled, *self.created)]
        return list(dict.fromkeys([*written_to, *reached]))

    @cached_property
    def altered(self) -> list[Altered]:
        """What of the plan's text is otherwise, its windows aside: each key of the plan or of a milestone."""
        return list(_altered(self.standing.loaded.document, self.document))

    @property
    def closures(self) -> tuple[dict[date, str], dict[date, str]]:
        """The days that the change closes, and that it opens, each with the reason that it is or was closed."""
        old, new = self.standing.network.calendar, self.effects.after.network.calendar
        days = old.differing(new)
        return _closed(new, days), _closed(old, days)

    def as_json(self) -> Json:
        """Return the change as `kijitsu move --json` shows it, and as it is stored."""
        effects = self.effects
        first = next((edit for edit in self.request.edits if edit.kind is EditKind.MOVE), None)
        closed, opened = self.closures
        return {
            "change": {
                "plan": effects.plan.id,
                "milestone": first and first.subject,
                "to": first and first.value,
                "reason": self.request.reason,
                "cascade": self.request.cascade.value,
                "edits": [edit.as_json() for edit in self.request.edits],
                "on": effects.before.on,
                "previewed": self.standing.revision,
                "revision": self.applied_as,
                "proposal": self.proposed_as,
            },
            "moved": [
                {"id": moved.id, "old": moved.old and moved.old.wording, "new": moved.new and moved.new.wording}
                for moved in effects.moved
            ],
            "breached": list(effects.breached),
            "lapsing": list(effects.lapsing),
            "reminders": {"cancelled": _keys(self.cancelled), "created": _keys(self.created)},
            "notified": self.notified,
            "redated": [{"id": id, "old": old, "new": new} for id, (old, new) in effects.redated.items()],
            "freed": list(effects.freed),
            "altered": [asdict(each) for each in self.altered],
            "added": list(effects.added),
            "dropped": list(effects.dropped),
            "breaches": [_breach_json(breach) for breach in effects.breaches],
            "milestones": [
                {"id": id, "before": _dates(effects.before.schedule[id]), "after": _dates(effects.after.schedule[id])}
                for id in effects.touched
            ],
            "closed": [[day, why] for day, why in closed.items()],
            "opened": [[day, why] for day, why in opened.items()],
            "deeds": list(self.deeds),
            "warnings": list(self.warnings),
        }

    def advice_json(self) -> Json:
        """Return what could be done about the change."""
        return {
            "reaches": [
                {
                    "id": reach.id,
                    "undisturbed": reach.undisturbed,
                    "latest": reach.latest and reach.latest.wording,
                    "is_free": reach.is_free,
                }
                for reach in self.advice.reaches
            ],
            "remedies": [
                {
                    "windows": {id: window.wording for id, window in remedy.windows.items()},
                    "durations": {id: str(length) for id, length in remedy.durations.items()},
                    "days": remedy.days,
                }
                for remedy in self.advice.remedies
            ],
        }


def _closed(calendar: Closures, days: Sequence[date]) -> dict[date, str]:
    return {day: why for day in days if (why := calendar.why_closed(day))}


def _keys(keys: tuple[Key, ...]) -> list[Json]:
    return [{"milestone": m, "rule": rule, "recipient": to, "deadline": day} for m, rule, to, day in keys]


def _breach_json(breach: Breach) -> Json:
    return {
        "id": breach.id,
        "due": breach.due,
        "finish": breach.finish,
        "late": breach.late,
        "late_before": breach.before,
        "pinned": breach.is_pinned,
        "basis": breach.basis,
    }


def _dates(slot: Slot) -> Json:
    return {
        "start": slot.earliest_start,
        "finish": slot.earliest_finish,
        "latest_finish": slot.latest_finish,
        "due": slot.due,
        "slack": slot.slack,
    }


# --- reckoning ---


def preview(office: Office, plan: str, request: Request, on: date | None = None, history: str | None = None) -> Change:
    """Return all that a change would do to a plan, adopted or a file, and do nothing.

    Raises InputError for an edit that cannot be made, or that would leave a plan `kijitsu check` refuses.
    """
    day = on or reading.today_of(office, plan, history)
    return reckon(office, reading.standing(office, plan, day, history), request)


def reckon(office: Office, standing: Standing, request: Request, plot: Plot | None = None) -> Change:
    """Return a change as it comes out on a standing; `plot` where the edits alone do not say what is wanted.

    Raises InputError as `preview` does, and where nothing would change.
    """
    plot = plot or _plotted(standing, request)
    years = [standing.as_of.year] if standing.as_of else []
    loaded = _sharing(_read(office, plot.text, years), standing.plan)
    progress = _after_deeds(standing, loaded, plot.deeds)
    before = Outlook(standing.network, standing.progress, standing.as_of)
    after = Outlook(loaded.network, progress, standing.as_of)
    moves = _moves(standing, request)
    windows = cascaded(before, after, moves, request.cascade)
    effects = Effects(before, after.with_windows(windows))
    document = edited(plot.text, [Edit(EditKind.MOVE, id, to.wording) for id, to in windows.items()], after.plan)
    change = Change(standing, request, effects, after, document, plot.deeds, loaded)
    if effects.plan == standing.plan and not plot.deeds and not any(change.closures):
        raise InputError(f"変わるところがありません。計画 {standing.plan.id} はすでにそのとおりです。")
    cancelled, created = _reminders(effects) if standing.as_of else ((), ())
    return replace(change, cancelled=cancelled, created=created, warnings=tuple(_warnings(change, moves)))


def _plotted(standing: Standing, request: Request) -> Plot:
    if not request.edits:
        raise InputError("何を変えるかがありません。")
    if len(request.edits) > 1 and any(edit.kind is EditKind.FILE for edit in request.edits):
        raise InputError("計画ファイルの取込みは、ほかの変更と一緒にはできません。")
    asked = [edit for edit in request.edits if edit.kind in DEEDS]
    if len({edit.subject for edit in asked}) < len(asked):
        raise InputError("一つの項目に、免除・中止・復活を一度に二つはできません。")
    deeds = [_deed(standing, edit) for edit in asked]
    if any(deed["to"] is None for deed in deeds):
        raise InputError("免除や中止は、いつからかで日程が変わります。--as-of か「ID=日」を書いてください。")
    return Plot(edited(standing.loaded.document, request.edits, standing.plan), tuple(deeds))


def _deed(standing: Standing, edit: Edit) -> Text:
    """Return what is recorded as done; a reinstatement counts from the day of what it takes back, and holds that."""
    done = standing.progress.get(edit.subject, NOTHING_YET)
    for kind, on in ((EditKind.WAIVE, done.waived_on), (EditKind.CANCEL, done.cancelled_on)):
        if edit.kind is EditKind.REINSTATE and on:
            was = {kind.value: edit.subject, "to": on.isoformat()}
            return {edit.kind.value: edit.subject, "to": on.isoformat(), "was": was}
    return {edit.kind.value: edit.subject, "to": edit.value or (standing.as_of and standing.as_of.isoformat())}


def _read(office: Office, text: Text, years: Sequence[int]) -> Loaded:
    try:
        return office.library.plan_from(Document("変更後の計画", text), years)
    except InvalidFile as exc:
        said = dict.fromkeys(problem.message for problem in exc.problems)
        raise InputError("この変更はできません。" + "\n".join(said)) from exc


def _sharing(loaded: Loaded, before: Plan) -> Loaded:
    """Return a plan as read, with the very milestones of before that are the same: they need no second look."""
    new = loaded.plan.milestones
    same = {id: old for id, old in before.milestones.items() if id in new and _is_same(old, new[id])}
    return replace(loaded, plan=replace(loaded.plan, milestones={**new, **same}))


def _is_same(old: Milestone, new: Milestone) -> bool:
    words = [each.window and each.window.wording for each in (old, new)]
    return old == new and words[0] == words[1]


def read_again(office: Office, change: Change) -> Loaded:
    """Return the plan that a change's text says, as it will be read from the database.

    What the preview reckoned and what is read are the same plan; were they ever not, nothing may be kept.
    """
    loaded = _read(office, change.document, [change.effects.before.on.year] if change.effects.before.on else [])
    if loaded.plan != change.effects.plan:
        raise AssertionError("the text of a change says another plan than its preview")
    return loaded


def _moves(standing: Standing, request: Request) -> list[str]:
    moves = [edit.subject for edit in request.edits if edit.kind is EditKind.MOVE]
    for id in moves:
        if standing.progress.get(id, NOTHING_YET).is_closed:
            raise InputError(f"「{standing.plan.milestones[id].title}」は終わっているので動かせません。")
    return moves


def _after_deeds(standing: Standing, loaded: Loaded, deeds: Sequence[Text]) -> Mapping[str, Progress]:
    """Return the progress with what the change records as done. Raises InputError for what cannot be."""
    progress = {id: done for id, done in standing.progress.items() if id in loaded.plan.milestones}
    if lost := [id for id in standing.progress if id not in loaded.plan.milestones]:
        titles = "、".join(standing.plan.milestones[id].title for id in lost)
        raise InputError(f"報告のある項目は計画から外せません: {titles}。やめるときは中止（cancel）にしてください。")
    for deed in deeds:
        edit = edit_of(deed)
        done, title = progress.get(edit.subject, NOTHING_YET), loaded.plan.milestones[edit.subject].title
        is_idle = bool(done.waived_on or done.cancelled_on)
        if edit.kind is EditKind.REINSTATE and not is_idle:
            raise InputError(f"「{title}」は免除も中止もされていません。")
        if edit.kind is not EditKind.REINSTATE and done.is_closed:
            day = done.finished_on or done.cancelled_on
            assert day
            raise InputError(f"「{title}」は{show_date(day)}に終わっています。{SHOWN[edit.kind]}はできません。")
        on = date.fromisoformat(edit.value)
        if standing.as_of and on > standing.as_of:
            raise InputError(f"{show_date(on)}は先の日です。{SHOWN[edit.kind]}は今日までの日で記録してください。")
        if edit.kind is not EditKind.REINSTATE and done.started_on and on < done.started_on:
            raise InputError(
                f"「{title}」は{show_date(done.started_on)}に着手しています。その日からの日で記録してください。"
            )
        progress[edit.subject] = after_event(done, Event(on, DEEDS[edit.kind], edit.subject))
    return progress


def _reminders(effects: Effects) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
    """Return the reminders ahead that a change takes away, and that it brings."""
    keys = []
    told = [(outlook.plan.policies, outlook.plan.policy_of_kind) for outlook in (effects.before, effects.after)]
    for outlook in (effects.before, effects.after):
        assert outlook.on
        # Another policy reaches everybody, wherever the dates stay.
        asked = effects.reached if told[0] == told[1] else outlook.plan.milestones
        among = [id for id in asked if id in outlook.plan.milestones]
        found = upcoming(outlook.network, outlook.schedule, outlook.progress, outlook.on, among)
        keys.append({reminder.key for reminder in found})
    before, after = keys
    return tuple(sorted(before - after)), tuple(sorted(after - before))


def _warnings(change: Change, moves: Sequence[str]) -> list[str]:
    """Return what is allowed, but most likely a slip."""
    on, plan = change.effects.before.on, change.effects.plan
    found = [str(problem.message) for problem in change.loaded.warnings]
    known = {problem.message for problem in change.standing.loaded.warnings}
    found = [message for message in found if message not in known]
    for id in moves:
        window = plan.milestones[id].window
        last = window and (window.last or window.first)
        if on and last and last < on:
            found.append(f"「{plan.milestones[id].title}」の新しい時期は過ぎた日です（{show_date(last)}）。")
    return found
