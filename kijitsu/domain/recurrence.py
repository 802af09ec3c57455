"""Duties that come again: one milestone of a plan, and the occurrences that it expands to.

The first occurrence keeps the milestone's id, the second is `id-2`, and so on. Each is a milestone like any other:
scheduled, reminded of, completed by itself. What asks for the duty to be *valid* looks at the occurrence that was
completed last (see `gates`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import count

from kijitsu.domain.errors import InputError
from kijitsu.domain.periods import Length, Rule, months_of
from kijitsu.domain.plan import Dependency, DueRule, Lapse, Milestone, occurrence_id
from kijitsu.domain.windows import Window, add_months, shifted_days, shifted_months

# Nobody plans so many; a rhythm of days up to a far year is a slip of the pen.
_MOST = 400


class RecurrenceError(InputError):
    """A duty cannot come again as its plan says; `milestone` is its id."""

    def __init__(self, milestone: str, message: str) -> None:
        self.milestone = milestone
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """How a duty comes again, in one of three ways.

    `every` so long, counted from the planned window, or `from_completion` of the occurrence before (a yearly review is
    due a year after the last one was done), while the window so counted ends by `until`. Or at the further windows of
    `at`. Or once for each occurrence of `alongside`: references to that milestone and to others alongside it go to
    their occurrence of the same number. `moved` are windows that were moved since, by number; the others stay.
    """

    every: Length | None = None
    from_completion: bool = False
    until: date | None = None
    at: tuple[Window, ...] = ()
    alongside: str | None = None
    moved: Mapping[int, Window] = field(default_factory=dict)


def expanded(milestones: Mapping[str, Milestone]) -> dict[str, Milestone]:
    """Return the milestones with every occurrence after the one before it.

    Raises RecurrenceError where an occurrence would take the id of another milestone, or a rhythm cannot be counted.
    """
    rhythms = {id: [m.window, *_further(m)] for id, m in milestones.items() if m.recurs and not m.recurs.alongside}
    found: dict[str, Milestone] = {}
    for id, milestone in milestones.items():
        recurs = milestone.recurs
        if recurs is None:
            found[id] = milestone
            continue
        for number, window in enumerate(rhythms[recurs.alongside or id], start=1):
            own = occurrence_id(id, number)
            if own != id and own in milestones:
                message = f"第{number}回のIDは {own} ですが、同じIDの項目があります。名前を変えてください。"
                raise RecurrenceError(id, message)
            if recurs.alongside:
                each = _titled(_alongside(milestone, milestones, number), window, number)
            elif number == 1:
                each = _titled(milestone, window, number) if recurs.at else milestone
            else:
                assert window is not None
                each = _again(milestone, number, window)
                each = _titled(each, each.window, number)
            # What was moved is in the windows; the rhythm is the same for all.
            now = recurs.moved.get(number, each.window)
            found[own] = replace(each, window=now, recurs=replace(recurs, moved={}))
    for milestone in found.values():
        for id in _named_by(milestone):
            if id not in found:
                raise RecurrenceError(milestone.occurrence_of or milestone.id, f"「{id}」という回はありません。")
    return found


def _named_by(milestone: Milestone) -> Iterator[str]:
    yield from (link.on for link in milestone.after)
    if isinstance(milestone.due, DueRule):
        yield from (milestone.due.milestone, *milestone.due.suspended)


def _further(milestone: Milestone) -> Iterator[Window]:
    """Yield the windows of the second occurrence and those after it."""
    recurs, window = milestone.recurs, milestone.window
    assert recurs is not None
    if recurs.at:
        yield from recurs.at
        return
    if window is None or not (window.first or window.last):
        raise RecurrenceError(
            milestone.id, "時期が決まっていないので every では繰り返せません。when を書いてください。"
        )
    assert recurs.every is not None and recurs.until is not None
    for times in count(1):
        later = _later(window, recurs.every, times)
        end = later.last or later.first
        assert end is not None
        if end > recurs.until:
            return
        if times == _MOST:
            message = f"{_MOST}回を超えて繰り返します。every と until を確かめてください。"
            raise RecurrenceError(milestone.id, message)
        yield later


def _later(window: Window, every: Length, times: int) -> Window:
    if every.unit in ("m", "y"):
        return shifted_months(window, months_of(every) * times)
    return shifted_days(window, every.number * times * (7 if every.unit == "w" else 1))


def _again(milestone: Milestone, number: int, window: Window) -> Milestone:
    """Return a further occurrence, which follows the one before it."""
    recurs = milestone.recurs
    assert recurs is not None
    before, due = occurrence_id(milestone.id, number - 1), milestone.due
    if recurs.from_completion:
        assert recurs.every is not None
        basis = milestone.validity.basis if milestone.validity else milestone.basis
        due = DueRule(Rule("", f"{milestone.title}（次の回）", basis, recurs.every), before, "finish")
    elif isinstance(due, date):
        due = _due_again(due, recurs, milestone.window, window)
    return replace(
        milestone,
        id=occurrence_id(milestone.id, number),
        window=None if recurs.from_completion else window,
        after=(Dependency(before, lapse=Lapse.WARN),),
        due=due,
        occurrence_of=milestone.id,
        number=number,
        done=None,
    )


def _due_again(due: date, recurs: Recurrence, first: Window | None, window: Window) -> date:
    """Return a fixed deadline of a further occurrence: as far on as its window is."""
    old, new = (each and (each.first or each.last) for each in (first, window))
    if not (old and new):
        return due
    if recurs.every and recurs.every.unit in ("m", "y"):
        return add_months(due, (new.year - old.year) * 12 + new.month - old.month)
    return due + (new - old)


def _alongside(milestone: Milestone, milestones: Mapping[str, Milestone], number: int) -> Milestone:
    """Return the occurrence that goes with its leader's of the same number."""
    recurs = milestone.recurs
    assert recurs is not None

    def same(id: str) -> str:
        other = milestones[id].recurs if id in milestones else None  # a certain occurrence stays that one
        goes_along = id == recurs.alongside or (other is not None and other.alongside == recurs.alongside)
        return occurrence_id(id, number) if goes_along else id

    due = milestone.due
    if isinstance(due, DueRule):
        due = replace(due, milestone=same(due.milestone), suspended=tuple(map(same, due.suspended)))
    return replace(
        milestone,
        id=occurrence_id(milestone.id, number),
        after=tuple(replace(link, on=same(link.on)) for link in milestone.after),
        due=due,
        occurrence_of=milestone.id if number > 1 else None,
        number=number,
    )


def _titled(milestone: Milestone, window: Window | None, number: int) -> Milestone:
    """Say which occurrence it is: by the wording of its time, else by its number."""
    label = window.wording if window and window.wording else f"第{number}回"
    return replace(milestone, title=f"{milestone.title}（{label}）")
