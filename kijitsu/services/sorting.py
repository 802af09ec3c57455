"""Which reminders a day writes, which it takes back, and which share a letter.

A letter that nobody has tried to send yet gives its reminders to a newer one to the same place, so that a recipient
finds one letter that is true today and not several that were true once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from kijitsu.domain.line import addressee
from kijitsu.domain.plan import Addressee, Place
from kijitsu.domain.reminders import Reminder, policy_for
from kijitsu.services.reading import Standing
from kijitsu.services.shifts import shifts_of
from kijitsu.store.rows import ReminderKey, ReminderRow, ReminderState
from kijitsu.store.work import UnitOfWork


@dataclass(frozen=True)
class Draft:
    """A letter before it is worded: what it carries, and the keys of the letters in whose place it stands.

    `carried_on` are those of its reminders that an older letter brought along.
    """

    to: Addressee
    reminders: Sequence[Reminder]
    carried_on: Collection[ReminderKey]
    replaces: Sequence[str]


@dataclass(frozen=True)
class Mail:
    """What a day asks for: reminders new to the ledger, those overtaken with what becomes of them, and letters."""

    new: Sequence[Reminder] = ()
    overtaken: Mapping[ReminderKey, ReminderState] = field(default_factory=dict)
    drafts: Sequence[Draft] = ()


def mail_of(
    work: UnitOfWork,
    standing: Standing,
    all_owed: Sequence[Reminder],
    on: date,
    *,
    told: Collection[str] = (),
    topics: Collection[str] | None = None,
    hold: bool = True,
) -> Mail:
    """Return what a day asks for, and write nothing.

    `told` are the recipients whose letter of the day is out: only what is urgent goes to them still. With `topics`,
    only new reminders on these are written. `hold` keeps others from sending the letters that are to be replaced.
    """
    plan = standing.plan.id
    truth = {ReminderKey(plan, *reminder.key): reminder for reminder in all_owed}
    # A stop that just ended may have begun a year ago; what else is owed is looked up from its deadline on.
    since = min((reminder.deadline for reminder in all_owed), default=on)
    milestones = {reminder.milestone for reminder in all_owed}
    states = work.reminders.states(plan, milestones, min(since, on - timedelta(366)))
    waiting = work.reminders.waiting(plan, hold)
    sorting = _Sorting(work, standing, on, truth, states, waiting, told, topics)
    return Mail(sorting.new, sorting.overtaken, list(sorting.drafts()))


@dataclass(frozen=True)
class _Sorting:
    """What is owed (`truth`) against what the ledger knows (`states`) and what still waits to be sent."""

    work: UnitOfWork
    standing: Standing
    on: date
    truth: Mapping[ReminderKey, Reminder]
    states: Mapping[ReminderKey, ReminderState]
    waiting: Sequence[tuple[ReminderRow, bool]]
    told: Collection[str]
    topics: Collection[str] | None

    @cached_property
    def untried(self) -> list[ReminderRow]:
        """The reminders in letters that nobody has tried to send."""
        return [row for row, is_untried in self.waiting if is_untried]

    @cached_property
    def overtaken(self) -> dict[ReminderKey, ReminderState]:
        """What waits and is no longer so, or is stood for by a newer word."""
        found: dict[ReminderKey, ReminderState] = {}
        for row, _ in self.waiting:
            now = self.truth.get(row.key)
            if now is None and not self._stands(row):
                found[row.key] = ReminderState.SUPERSEDED
            elif now is not None and now.is_covered:
                found[row.key] = ReminderState.COVERED
        back = {row.key for row in self.untried if row.key in self._taken_back}
        return found | dict.fromkeys(back, ReminderState.SUPERSEDED)

    @cached_property
    def new(self) -> list[Reminder]:
        """What the ledger does not know yet, or took back before it was sent."""
        return [
            reminder
            for key, reminder in self._unwritten.items()
            if key not in self._taken_back and not self._ends_unheard(reminder)
        ]

    def drafts(self) -> Iterator[Draft]:
        """Yield a letter to each place where there is something to tell."""
        fresh: dict[Place, list[Reminder]] = {}
        for reminder in self.new:
            if not reminder.is_covered:
                fresh.setdefault(self._place(reminder.recipient), []).append(reminder)
        # Besides those who are told something new: whose letter says what is no longer so, or has grown old.
        stale = {
            self._place(row.recipient) for row in self.untried if row.key in self.overtaken or not self._is_new(row)
        }
        for where in sorted(fresh.keys() | stale):
            mine = [row for row in self.untried if self._place(row.recipient) == where]
            kept = {row.key: _reminder(row) for row in mine if row.key not in self.overtaken}
            if reminders := [*fresh.get(where, ()), *kept.values()]:
                to = addressee(self.standing.plan.organisation, reminders[0].recipient)
                yield Draft(to, reminders, kept.keys(), self._replaced(mine, fresh.get(where, ())))

    def _replaced(self, mine: Sequence[ReminderRow], fresh: Sequence[Reminder]) -> list[str]:
        # Whoever took a reminder back withdrew its letter: written again, it must not be that letter once more.
        again = (ReminderKey(self.standing.plan.id, *each.key) for each in fresh)
        taken = self.work.reminders.carriers(key for key in again if key in self.states)
        return sorted({row.message_key for row in mine if row.message_key} | taken)

    def _stands(self, row: ReminderRow) -> bool:
        """Tell whether a word that was written for its own day is still so: of a move, and of what is still open."""
        if row.rule.startswith("asked:"):
            verdict = self.standing.verdicts.get(row.milestone)
            return verdict is not None and not verdict.is_closed
        return row.rule.startswith("moved:")

    def _place(self, recipient: str) -> Place:
        return addressee(self.standing.plan.organisation, recipient).place

    def _is_new(self, row: ReminderRow) -> bool:
        """Tell whether the letter that carries a reminder was written today."""
        return (row.message_key or "").startswith(f"{row.plan}/{self.on}/")

    @cached_property
    def _unwritten(self) -> dict[ReminderKey, Reminder]:
        unwritten = (None, ReminderState.SUPERSEDED)
        return {k: r for k, r in self.truth.items() if self.states.get(k) in unwritten and self._is_timely(r)}

    @cached_property
    def _told(self) -> set[Place]:
        """The places whose letter of the day is out and cannot be written anew."""
        return {self._place(to) for to in self.told} - {self._place(row.recipient) for row in self.untried}

    def _is_timely(self, reminder: Reminder) -> bool:
        if self.topics is not None:
            return reminder.topic in self.topics
        plan = self.standing.plan
        is_urgent = reminder.topic in policy_for(plan, plan.milestones[reminder.milestone]).urgent
        return is_urgent or self._place(reminder.recipient) not in self._told

    @cached_property
    def _taken_back(self) -> set[ReminderKey]:
        """The untold words on moves that leave a date as its reader knows it."""
        plan, moves = self.standing.plan, dict[tuple[str, str], list[Reminder]]()
        for reminder in (*self._unwritten.values(), *map(_reminder, self.untried)):
            if reminder.revision is not None:
                moves.setdefault((reminder.milestone, reminder.recipient), []).append(reminder)
        found: set[ReminderKey] = set()
        for (id, _), untold in moves.items():
            oldest = min(untold, key=lambda r: r.revision or 0)
            window, owner = plan.milestones[id].window, plan.milestones[id].owner
            now = (self.standing.slots[id].due, window.wording if window else "", owner)
            for was in shifts_of(self.work, plan.id, [oldest]).values():
                if (was.was, was.was_window or now[1], was.owner or owner) == now:
                    found |= {ReminderKey(plan.id, *each.key) for each in untold}
        return found

    def _ends_unheard(self, reminder: Reminder) -> bool:
        """Tell whether a word speaks of the end of a stop that its recipient never heard of."""
        if reminder.topic != "unblocked":
            return False
        stop = (reminder.milestone, "blocked", reminder.recipient)
        stops = [key for key in self.states if (key.milestone, key.rule, key.recipient) == stop]
        last = max(stops, key=lambda key: key.deadline, default=None)
        if last is None:
            return False
        is_waiting = any(row.key == last for row in self.untried)
        return self.states[last] is ReminderState.SUPERSEDED or (is_waiting and last in self.overtaken)


def _reminder(row: ReminderRow) -> Reminder:
    return Reminder(row.milestone, row.rule, row.recipient, row.deadline, row.due_on)
