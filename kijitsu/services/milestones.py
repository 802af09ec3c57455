"""One milestone as its page shows it: dates with their reasoning, what it rests on, evidence, history, reminders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path

from kijitsu import evidence
from kijitsu.domain.counts import forecast
from kijitsu.domain.errors import InputError, OutsideError
from kijitsu.domain.gates import Status, Verdict
from kijitsu.domain.history import NOTHING_YET, Deed, Progress
from kijitsu.domain.line import addressee
from kijitsu.domain.plan import Dependency, Lapse, LinkType, Milestone
from kijitsu.domain.reminders import upcoming
from kijitsu.domain.schedule import Slot
from kijitsu.explain import KEYS, due_sentences, forecast_sentences, reason_sentences, remedy_sentence, rule_words
from kijitsu.office import Actor, Json, Office
from kijitsu.services import entries, evidencing, reminding
from kijitsu.services.reading import Standing
from kijitsu.services.reminding import Word
from kijitsu.services.reporting import against_today, may_report, snooze_limit
from kijitsu.services.today import Concern, concern
from kijitsu.store.rows import AuditRow, EntriesWanted

SHOWN_TYPES = {
    LinkType.FINISH_TO_START: "完了してから着手",
    LinkType.START_TO_START: "着手してから着手",
    LinkType.FINISH_TO_FINISH: "完了してから完了",
    LinkType.START_TO_FINISH: "着手してから完了",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A milestone that this one rests on, or that rests on it; `how` says in Japanese in which way,
    "" where this one begins after that one has ended and there is no more to it."""

    id: str
    title: str
    owner: str
    status: Status
    how: str
    due: date | None


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing of the milestone's history: what was done when, by whom ("" for a pass), and the facts of it."""

    at: datetime
    what: str
    who: str
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Ahead:
    """A reminder that will be written on a day if nothing changes."""

    on: date
    about: str
    recipient: str


@dataclass(frozen=True)
class MilestonePage:
    """Everything the page shows of a milestone.

    `due` are sentences on how the deadline comes about, `reasons` on what stands in the way and `remedies` on what
    would help; `against` on what stands against a completion that is reported today, all evidence given. `missing` are
    the kinds of evidence that are asked for and nobody handed in. `deeds` are those that somebody may report now,
    `snooze_last` the last day to which reminders may be put off. `refusal` is why nobody can be reminded of it now.
    """

    concern: Concern
    milestone: Milestone
    slot: Slot
    progress: Progress
    due: Sequence[str]
    reasons: Sequence[str]
    remedies: Sequence[str]
    forecast: Sequence[str]
    assumed: Sequence[str]
    drivers: Sequence[tuple[str, str]]
    rests_on: Sequence[Link]
    holds_up: Sequence[Link]
    papers: Sequence[Json]
    missing: Sequence[str]
    history: Sequence[Happened]
    told: Sequence[Word]
    ahead: Sequence[Ahead]
    against: Sequence[str]
    deeds: Sequence[Deed]
    snooze_last: date | None
    refusal: str

    @property
    def verdict(self) -> Verdict:
        """Its state."""
        return self.concern.verdict


def look(office: Office, standing: Standing, id: str, actor: Actor) -> MilestonePage:
    """Return what the page of a milestone of an adopted plan shows to somebody today, and change nothing.

    Raises InputError with the nearest ones for a milestone that the plan does not have.
    """
    plan, network = standing.plan, standing.network
    milestone, verdict = plan.milestones[standing.milestone(id)], standing.verdicts[id]
    slot, done = standing.slots[id], standing.progress.get(id, NOTHING_YET)
    blocking = [reason for reason in verdict.reasons if reason.blocks]
    found = None if verdict.is_closed else forecast(milestone, slot.due, network.closures)
    papers = evidencing.papers(office, plan.id, id)
    handed_in = {each["kind"] for each in papers if each["rejected"] is None}
    assert standing.as_of
    return MilestonePage(
        concern=concern(standing, verdict, _stopped_by(standing, id)),
        milestone=milestone,
        slot=slot,
        progress=done,
        due=[] if verdict.is_closed else list(due_sentences(network, slot)),
        reasons=reason_sentences(plan, verdict.reasons),
        remedies=list(dict.fromkeys(remedy_sentence(plan, reason) for reason in blocking)),
        forecast=list(forecast_sentences(found)) if found else [],
        assumed=[KEYS.get(key, key) for key in sorted(milestone.assumed)],
        drivers=[] if verdict.is_closed else [(each, plan.milestones[each].title) for each in slot.drivers],
        rests_on=[_link(standing, each.on, each) for each in milestone.after],
        holds_up=[_link(standing, each, link) for each, link in _dependents(standing, id)],
        papers=papers,
        missing=[kind for kind in milestone.evidence if kind not in handed_in],
        history=history(office, standing, id),
        told=reminding.words_on(office, standing, id),
        ahead=_ahead(office, standing, id),
        against=[] if verdict.is_closed else against_today(standing, Deed.COMPLETE, id),
        deeds=_deeds(standing, id, actor),
        snooze_last=snooze_limit(standing, id, standing.as_of),
        refusal=reminding.why_not_ask(standing, id),
    )


def nearest(standing: Standing, id: str) -> list[tuple[str, str]]:
    """Return the milestones that somebody may have meant who wrote an id, or a title, that there is not."""
    titles = {each.id: each.title for each in standing.plan.milestones.values()}
    known = {word: each for each, title in titles.items() for word in (title, each)}
    near = get_close_matches(id, known, n=5, cutoff=0.5)
    return [(each, titles[each]) for each in dict.fromkeys(known[word] for word in near)]


def _stopped_by(standing: Standing, id: str) -> list[str]:
    """Return the titles of what is stopped because of a milestone."""
    stopped = (
        each
        for each, verdict in standing.verdicts.items()
        if any(reason.blocks and reason.root_cause == id for reason in verdict.reasons)
    )
    return [standing.plan.milestones[each].title for each in stopped]


def _dependents(standing: Standing, id: str) -> Iterator[tuple[str, Dependency]]:
    for each in standing.network.dependents(id):
        yield from ((each, link) for link in standing.plan.milestones[each].after if link.on == id)


def _link(standing: Standing, id: str, link: Dependency) -> Link:
    plan, verdict = standing.plan, standing.verdicts[id]
    milestone = plan.milestones[id]
    is_plain = link.type is LinkType.FINISH_TO_START and not link.lag.number
    how = [] if is_plain else [SHOWN_TYPES[link.type]]
    if link.lag.number:
        how.append(f"{link.lag.shown}{'前' if link.lag.number < 0 else '後'}")
    if link.valid:
        how.append("有効期間内であること")
    if link.lapse is Lapse.WARN:
        how.append("注意のみ")
    owner = plan.organisation.bodies[milestone.owner].title
    return Link(id, milestone.title, owner, verdict.status, "、".join(how), verdict.due)


def _deeds(standing: Standing, id: str, actor: Actor) -> list[Deed]:
    """Return what somebody may report on a milestone as it is now, what is asked for most first."""
    owner, verdict = standing.plan.milestones[id].owner, standing.verdicts[id]
    done = standing.progress.get(id, NOTHING_YET)
    if verdict.is_closed:
        possible = [Deed.REJECT] if done.completed_on else []
    else:
        is_asked = bool(verdict.firm_finish or verdict.due)
        assert standing.as_of
        open_ones = {
            Deed.COMPLETE: True,
            Deed.START: not done.started_on,
            Deed.ESTIMATE: is_asked,
            Deed.ACKNOWLEDGE: is_asked and (verdict.firm_finish or verdict.due) != done.acknowledged_for,
            Deed.SNOOZE: snooze_limit(standing, id, standing.as_of) is not None,
            Deed.EXCUSE: is_asked,
        }
        possible = [deed for deed, can_be in open_ones.items() if can_be]
    return [deed for deed in possible if may_report(actor, deed, owner)]


def _ahead(office: Office, standing: Standing, id: str) -> list[Ahead]:
    """Return the reminders to come. What the ledger has already is not to come."""
    plan, on = standing.plan, standing.as_of
    assert on
    with office.open_work(plan.organisation.municipality, True) as work:
        known = {tuple(row.key) for row in work.reminders.all(plan.id)}
    found = [
        Ahead(each.due_on, rule_words(each.rule), addressee(plan.organisation, each.recipient).title)
        for each in upcoming(standing.network, standing.slots, standing.progress, on, [id])
        if (plan.id, *each.key) not in known
    ]
    return sorted(found, key=lambda each: each.on)


# --- history ---

MOST = 100
"""So many entries of the history are shown, the newest first; the audit log has them all."""


def history(office: Office, standing: Standing, id: str) -> list[Happened]:
    """Return what happened to a milestone, the newest first: what people did, and what that made of it."""
    plan = standing.plan
    titles = {plan.id: entries.PlanTitles(plan.title, {each.id: each.title for each in plan.milestones.values()})}
    with office.open_work(plan.organisation.municipality, True) as work:
        rows = work.audit.page(EntriesWanted(plan=plan.id, milestone=id), MOST)
    return [_happened(standing, id, row, entries.told(row, row.at, titles)) for row in rows]


def _happened(standing: Standing, id: str, row: AuditRow, told: entries.Told) -> Happened:
    title = standing.plan.milestones[id].title
    is_of_itself = row.subject == f"{row.subject.partition('/')[0]}/{id}"
    changes = [
        (each.what, f"{each.before} → {each.after}") for each in told.changes if each.subject == f"{title}（{id}）"
    ]
    reason = [fact for fact in told.facts if is_of_itself or fact[0] == entries.FACTS["reason"]]
    by = "" if row.authenticated_by == "pass" else told.row.actor
    return Happened(row.at, told.action, by, [*changes, *reason])


# --- evidence ---


class NoPaper(InputError):
    """A document was asked for that nobody handed in with this milestone."""


def paper(office: Office, standing: Standing, id: str, digest: str) -> tuple[Path, Json]:
    """Return where a document of a milestone is kept, whole and as it was handed in, and what the event says of it.

    Raises NoPaper, and OutsideError where it is not kept any more or was altered.
    """
    files = [each["file"] for each in evidencing.papers(office, standing.plan.id, standing.milestone(id))]
    file = next((each for each in files if each and each["sha256"] == digest), None)
    if file is None:
        raise NoPaper("この項目には、そのような証拠書類はありません。一覧から開いてください。")
    kept = evidence.find(office.settings.evidence, digest)
    if kept is None or not evidence.is_intact(kept, digest):
        raise OutsideError(f"証拠書類 {digest} がないか、変わっています。バックアップから戻してください。")
    return kept, dict(file)
