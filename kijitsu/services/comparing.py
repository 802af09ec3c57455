"""Whether the other tables still say what the audit log says of them: revisions, reports and decisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kijitsu.editing import DEEDS, edit_of
from kijitsu.store.rows import AuditRow, EventRow, Proposal, ProposalState
from kijitsu.store.work import UnitOfWork

_DECIDED = {
    "propose": ProposalState.PENDING,
    "approve": ProposalState.APPLIED,
    "turn-down": ProposalState.REJECTED,
    "withdraw": ProposalState.WITHDRAWN,
}
"""What an entry on a proposal leaves it as, by its action."""

Place = tuple[str, int]


class Comparison:
    """Called with every entry of the log, in order; then it has the `problems`, in sentences naming what is wrong."""

    def __init__(self, work: UnitOfWork) -> None:
        self._revisions = work.plans.kept()
        self._events = {event.id: event for event in work.events.all()}
        self._proposals = {(each.plan, each.number): each for each in work.proposals.everywhere()}
        self._named: set[Place] = set()
        self._reported: set[int] = set()
        self._wrong: dict[str, None] = {}
        self._decided: dict[Place, AuditRow] = {}
        for (plan, number), kept in self._revisions.items():
            if kept.sha256 is None:
                self._say(f"計画 {plan} の第{number}版の文書が、記録した後に書き換えられています。")

    def __call__(self, entry: AuditRow) -> None:
        """Compare what one entry tells of."""
        details = entry.details
        plan = entry.subject.partition("/")[0]
        # What only speaks of a revision, as a proposal of its base, holds no hash; nor did moves in their first year.
        if isinstance(details.get("revision"), int) and ("sha256" in details or entry.action == "move"):
            self._compare_revision(entry, (plan, details["revision"]))
        if isinstance(details.get("event"), int):
            told = {key: value for key, value in details.items() if key not in ("on", "event", "flow_run")}
            self._compare_event(entry, details["event"], (entry.action, entry.subject, details.get("on")), told)
        for id, deed in (details.get("events") or {}).items():
            edit = edit_of(deed)
            self._compare_event(entry, int(id), (DEEDS[edit.kind].value, f"{plan}/{edit.subject}", edit.value))
        if entry.action in _DECIDED and isinstance(details.get("proposal"), int):
            self._decided[plan, details["proposal"]] = entry

    def problems(self) -> Iterator[str]:
        """Yield what is wrong, once every entry was compared."""
        for plan, number in sorted(self._revisions.keys() - self._named):
            self._say(f"計画 {plan} の第{number}版を記した監査記録がありません。")
        for id in sorted(self._events.keys() - self._reported):
            event = self._events[id]
            self._say(f"{_shown(event)}を記した監査記録がありません。")
        for place in sorted(self._proposals.keys() | self._decided.keys()):
            self._compare_proposal(place, self._proposals.get(place), self._decided.get(place))
        yield from self._wrong

    def _compare_revision(self, entry: AuditRow, place: Place) -> None:
        plan, number = place
        self._named.add(place)
        kept = self._revisions.get(place)
        if kept is None:
            self._say(f"計画 {plan} の第{number}版がありません。監査記録 {entry.number}番 が名指す版です。")
            return
        digest = entry.details.get("sha256")
        if digest is not None and kept.sha256 not in (None, digest):
            self._say(f"計画 {plan} の第{number}版が、監査記録 {entry.number}番 と違います。書き換えられています。")
        if entry.action == "baseline":
            return  # a name was given; whoever gave it need not have made the revision
        said = (entry.details.get("reason", kept.reason), entry.details.get("proposed_by", entry.actor))
        if said != (kept.reason, kept.actor):
            self._say(f"計画 {plan} の第{number}版の理由か変更した人が、監査記録 {entry.number}番 と違います。")

    def _compare_event(
        self, entry: AuditRow, id: int, said: tuple[str, str, Any], told: Mapping[str, Any] | None = None
    ) -> None:
        self._reported.add(id)
        event = self._events.get(id)
        if event is None:
            self._say(f"監査記録 {entry.number}番（{entry.subject}）の報告が、データベースにありません。")
            return
        kept = (event.kind.value, f"{event.plan}/{event.milestone}", event.occurred_on.isoformat())
        if kept != said or (told is not None and dict(event.details) != dict(told)) or event.actor != entry.actor:
            self._say(f"{_shown(event)}が、監査記録 {entry.number}番 と違います。書き換えられています。")

    def _compare_proposal(self, place: Place, kept: Proposal | None, entry: AuditRow | None) -> None:
        name = f"計画 {place[0]} の変更案 {place[1]}"
        if entry is None:
            self._say(f"{name} を記した監査記録がありません。")
        elif kept is None:
            self._say(f"{name} がありません。監査記録 {entry.number}番 が名指すものです。")
        else:
            state = _DECIDED[entry.action]
            decided_by = None if state is ProposalState.PENDING else entry.actor
            if (kept.state, kept.decided_by) != (state, decided_by):
                self._say(f"{name} の決定が、監査記録 {entry.number}番 と違います。書き換えられています。")

    def _say(self, problem: str) -> None:
        self._wrong[problem] = None


def _shown(event: EventRow) -> str:
    return f"{event.plan}/{event.milestone} の{event.occurred_on}の報告（{event.id}番）"
