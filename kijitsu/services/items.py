"""What a letter says of each milestone: its dates, why it is said, and what rests on it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from kijitsu import explain
from kijitsu.domain.gates import Status
from kijitsu.domain.history import NOTHING_YET, Progress
from kijitsu.domain.line import addressee, posts_above, present
from kijitsu.domain.plan import DueRule, Milestone
from kijitsu.domain.reminders import Reminder, resting_on_validity
from kijitsu.domain.windows import Precision
from kijitsu.links import Ticket
from kijitsu.messages import Item, Topic
from kijitsu.office import Office
from kijitsu.services.reading import Standing
from kijitsu.services.shifts import UNKNOWN, Shift

# These are told beside what else is said of the same milestone; of all others the gravest speaks alone.
_BESIDE = (Topic.ESTIMATE, Topic.EXPIRING, Topic.MOVED)


def items_of(
    office: Office,
    standing: Standing,
    reminders: Sequence[Reminder],
    on: date,
    shifts: Mapping[tuple[str, str], Shift],
) -> list[Item]:
    """Return the items of one recipient's letter, the gravest first."""
    recipients = {reminder.recipient for reminder in reminders}
    order, moves = list(Topic), _moves(reminders, shifts)
    items = [_item(office, standing, recipients, reminder, on, moves) for reminder in _told(reminders)]
    return sorted(items, key=lambda item: (order.index(item.topic), item.due or date.max))


def _moves(reminders: Sequence[Reminder], shifts: Mapping[tuple[str, str], Shift]) -> dict[str, Shift]:
    """Return what became of each moved milestone: from the date that its reader knows, for all the reasons since."""
    found: dict[str, Shift] = {}
    for reminder in sorted((r for r in reminders if r.topic == Topic.MOVED), key=_newest_first):
        if shift := shifts.get((reminder.milestone, reminder.rule)):
            first = found.setdefault(reminder.milestone, shift)
            causes = dict.fromkeys([*first.cause.split("／"), shift.cause])
            found[reminder.milestone] = Shift(first.was, first.was_window, "／".join(causes))
    return found


def _told(reminders: Sequence[Reminder]) -> list[Reminder]:
    """Choose what is said of each milestone: the first topic in the letter's order, and what stands beside it."""
    order = list(Topic)
    chosen: dict[tuple[str, Topic | None], Reminder] = {}
    for reminder in sorted(reminders, key=lambda r: (order.index(Topic(r.topic)), _newest_first(r))):
        topic = Topic(reminder.topic)
        chosen.setdefault((reminder.milestone, topic if topic in _BESIDE else None), reminder)
    return list(chosen.values())


def _newest_first(reminder: Reminder) -> tuple[int, str]:
    # Of several moves the oldest that was not told yet has the date that its reader knows.
    revision = reminder.revision
    return (-reminder.due_on.toordinal() if revision is None else revision, reminder.rule)


def _item(
    office: Office,
    standing: Standing,
    recipients: Collection[str],
    reminder: Reminder,
    on: date,
    moves: Mapping[str, Shift],
) -> Item:
    plan, verdict = standing.plan, standing.verdicts[reminder.milestone]
    milestone, slot = plan.milestones[reminder.milestone], standing.slots[reminder.milestone]
    calendar, topic = standing.network.calendar, Topic(reminder.topic)
    done = standing.progress.get(milestone.id, NOTHING_YET)
    nearest = min((day for day in (verdict.due, verdict.latest_safe_finish) if day), default=None)
    blocking = [reason for reason in verdict.reasons if reason.blocks]
    safe, own = verdict.latest_safe_finish, verdict.due and calendar.previous_open(verdict.due)
    shift = moves.get(milestone.id, UNKNOWN) if topic is Topic.MOVED else UNKNOWN
    is_of_itself = topic not in (Topic.MOVED, Topic.EXPIRING)
    return Item(
        topic=topic,
        milestone=reminder.milestone,
        title=milestone.title,
        owner=plan.organisation.bodies[milestone.owner].title,
        # Whom we cannot write to, the secretariat answers for.
        answers_for=addressee(plan.organisation, milestone.owner).id in recipients,
        due=verdict.due,
        window=milestone.window.wording if milestone.window else "",
        latest_safe=safe if own is None or (safe is not None and safe < own) else None,
        working_days_left=calendar.count(on, nearest) if nearest else None,
        count=reminder.count,
        basis=milestone.basis or (slot.deadline.rule.basis if slot.deadline else ""),
        evidence=_evidence(milestone, done, topic),
        reasons=tuple(explain.reason_sentences(plan, blocking)) if is_of_itself else (),
        holds_up=tuple(plan.milestones[id].title for id in _held_up(standing, milestone, topic)),
        due_at=slot.deadline.at if slot.deadline else None,
        was=shift.was,
        was_window=shift.was_window,
        cause=done.said if topic in (Topic.REJECTED, Topic.ESTIMATE) else shift.cause,
        estimate=done.estimate,
        valid_until=reminder.deadline if topic is Topic.EXPIRING else None,
        is_earliest=_is_earliest(standing, milestone),
        is_stopped=bool(blocking),
        in_place_of=_in_place_of(standing, milestone, reminder),
        link=_link(office, standing, reminder),
    )


def _evidence(milestone: Milestone, done: Progress, topic: Topic) -> tuple[str, ...]:
    """Return what a completion needs; of what was sent back, what was handed in."""
    if topic is Topic.REJECTED and done.evidence:
        return tuple(f"{kind}：{number}" for kind, number in done.evidence.items())
    return milestone.evidence


def _in_place_of(standing: Standing, milestone: Milestone, reminder: Reminder) -> str:
    """Return for whom the recipient stands in, who is absent or cannot be written to; "" for nobody."""
    organisation = standing.plan.organisation
    owner = organisation.bodies[milestone.owner]
    if reminder.topic == Topic.ESCALATED:
        line = list(posts_above(organisation, owner.id))
        stood_in = (title for title in line if present(organisation, title, reminder.due_on).id == reminder.recipient)
        return "" if reminder.recipient in line else next(stood_in, "")
    is_stand_in = owner.addressee is None and reminder.recipient == organisation.secretariat
    return owner.title if is_stand_in else ""


def _held_up(standing: Standing, milestone: Milestone, topic: Topic) -> list[str]:
    """Return what cannot go on because of a milestone, or along with it where it is stopped itself."""
    verdicts = standing.verdicts
    match topic:
        case Topic.EXPIRING:
            return resting_on_validity(standing.plan, milestone, verdicts)
        case Topic.MOVED:
            return []
        case Topic.AFTER | Topic.ASKED | Topic.ESCALATED | Topic.ESTIMATE:
            stopped = ((id, v.reasons) for id, v in verdicts.items() if v.status is Status.BLOCKED)
            return [id for id, reasons in stopped if any(r.blocks and r.root_cause == milestone.id for r in reasons)]
        case _:
            held = (id for reason in verdicts[milestone.id].reasons if reason.blocks for id in reason.holds_up)
            return [id for id in dict.fromkeys(held) if id != milestone.id]


def _is_earliest(standing: Standing, milestone: Milestone) -> bool:
    """Tell whether the deadline counts from a day that is known only by its month, quarter or year."""
    if not isinstance(milestone.due, DueRule):
        return False
    done = standing.progress.get(milestone.due.milestone, NOTHING_YET)
    window = standing.plan.milestones[milestone.due.milestone].window
    has_begun = done.started_on or done.finished_on
    return not has_begun and window is not None and window.precision is not Precision.DAY


def _link(office: Office, standing: Standing, reminder: Reminder) -> str:
    if office.links is None:
        return ""
    organisation = standing.plan.organisation
    ticket = Ticket(
        organisation.municipality, standing.plan.id, reminder.milestone, reminder.recipient, standing.revision
    )
    return office.links.url(ticket, office.now(organisation))
