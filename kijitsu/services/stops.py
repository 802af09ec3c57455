"""What is stopped and by what, what is late, and what is soon due: whom to ask, the gravest first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kijitsu.domain.gates import Reason, Status
from kijitsu.explain import reason_sentences, remedy_sentence
from kijitsu.services.reading import Standing
from kijitsu.services.reminding import why_not_ask
from kijitsu.services.today import Concern, concern, concerns, is_soon

STATES = ("blocked", "overdue", "soon")
"""What the page can be narrowed to, in its order."""

Named = tuple[str, str]
"""A milestone's id and title."""

# What each root cause stops, and why: the reasons by the id of what is stopped.
_Stopped = Mapping[str, Sequence[Reason]]


@dataclass(frozen=True)
class Stopped:
    """A milestone that is stopped, through which of its prerequisites (titles) and by which causes, and what cannot go
    on because it is: all that rests on it."""

    concern: Concern
    through: Sequence[str]
    causes: Sequence[Named]
    holds_up: Sequence[Named]


@dataclass(frozen=True)
class Cause:
    """What somebody leaves undone. `said` are sentences on what lapsed, `remedy` what would help, "" where it stops
    nothing.

    `stopped` are the milestones that are told here, `also` those that it stops and a graver cause has told already.
    `refusal` is why nobody can be asked about it, "" where somebody can.
    """

    concern: Concern
    said: Sequence[str]
    remedy: str
    refusal: str
    stopped: Sequence[Stopped] = ()
    also: Sequence[Named] = ()

    @property
    def stops(self) -> int:
        """How many milestones it stops."""
        return len(self.stopped) + len(self.also)


@dataclass(frozen=True)
class Chain:
    """From the causes to what they stop: titles by id, prerequisites first, the links between them, and the causes."""

    titles: Mapping[str, str]
    links: Sequence[tuple[str, str]]
    roots: Sequence[str]


@dataclass(frozen=True)
class Stops:
    """The page: the causes by how much they stop, what is late besides, what is soon due, and the chain.

    `overdue` leaves out what stands among the causes, and `soon` what stands before it.
    """

    causes: Sequence[Cause]
    overdue: Sequence[Cause]
    soon: Sequence[Concern]
    chain: Chain


def stops(standing: Standing, state: str = "", owner: str = "") -> Stops:
    """Return what is stopped, late and soon due, of one of `STATES` or of one body where these are given.

    To a body belongs what it owns, and with that the causes that stop it, and all that is stopped by it.
    """
    open_ones = concerns(standing)
    mine = [each for each in open_ones if not owner or standing.plan.milestones[each.verdict.id].owner == owner]
    by_root = _by_root(standing, {each.verdict.id for each in mine}, owner) if state in ("", "blocked") else {}
    causes = _causes(standing, {each.verdict.id: each for each in open_ones}, by_root)
    told = {each.concern.verdict.id for each in causes} | {id for stopped in by_root.values() for id in stopped}
    late = [each for each in mine if each.verdict.status is Status.OVERDUE and each.verdict.id not in told]
    if state not in ("", "overdue"):
        late = []
    told |= {each.verdict.id for each in late}
    soon = [each for each in mine if is_soon(each) and each.verdict.id not in told]
    return Stops(
        causes,
        [_cause(standing, each, ()) for each in late],
        soon if state in ("", "soon") else [],
        _chain(standing, by_root),
    )


def _by_root(standing: Standing, mine: Collection[str], owner: str) -> dict[str, _Stopped]:
    """Return what each root cause stops, the cause that stops most first."""
    found: dict[str, dict[str, list[Reason]]] = {}
    for id in standing.network.order:
        for reason in standing.verdicts[id].reasons:
            if reason.blocks:
                found.setdefault(reason.root_cause, {}).setdefault(id, []).append(reason)
    if owner:
        owned = {root for root in found if standing.plan.milestones[root].owner == owner}
        found = {
            root: {id: each for id, each in stopped.items() if root in owned or id in mine}
            for root, stopped in found.items()
        }
    rank = standing.network.rank
    held = {root: stopped for root, stopped in found.items() if stopped}
    return dict(sorted(held.items(), key=lambda each: (-len(each[1]), rank(each[0]))))


def _causes(standing: Standing, open_ones: Mapping[str, Concern], by_root: Mapping[str, _Stopped]) -> list[Cause]:
    found, told = [], set[str]()
    for root, stopped in by_root.items():
        new = [id for id in stopped if id not in told]
        told.update(new)
        found.append(
            _cause(
                standing,
                # What has lapsed may be done, or not to be done any more.
                open_ones.get(root) or concern(standing, standing.verdicts[root]),
                [reason for reasons in stopped.values() for reason in reasons],
                [_stopped(standing, open_ones[id]) for id in new],
                _named(standing, (id for id in stopped if id not in new)),
            )
        )
    return found


def _cause(
    standing: Standing,
    of: Concern,
    reasons: Sequence[Reason],
    stopped: Sequence[Stopped] = (),
    also: Sequence[Named] = (),
) -> Cause:
    plan, id = standing.plan, of.verdict.id
    # One that its dependents know at first hand says most simply what lapsed.
    direct = [each for each in reasons if each.prerequisite == id] or reasons[:1]
    said = dict.fromkeys(sentence for each in direct for sentence in reason_sentences(plan, [each]))
    remedy = remedy_sentence(plan, reasons[0]) if reasons else ""
    return Cause(of, list(said), remedy, why_not_ask(standing, id), stopped, also)


def _stopped(standing: Standing, of: Concern) -> Stopped:
    resting = standing.network.downstream(of.verdict.id)
    held = [id for id in resting if id != of.verdict.id and not standing.verdicts[id].is_closed]
    through = dict.fromkeys(each.prerequisite for each in of.verdict.reasons if each.blocks)
    titles = [title for _, title in _named(standing, through)]
    return Stopped(of, titles, of.roots, _named(standing, held))


def _named(standing: Standing, ids: Iterable[str]) -> list[Named]:
    return [(id, standing.plan.milestones[id].title) for id in ids]


def _chain(standing: Standing, by_root: Mapping[str, _Stopped]) -> Chain:
    links = {
        (reason.prerequisite, id)
        for stopped in by_root.values()
        for id, reasons in stopped.items()
        for reason in reasons
    }
    # Narrowed to one body, what lies between may be left out, and its links lead nowhere.
    shown = {id for stopped in by_root.values() for id in stopped} | by_root.keys()
    links = {(before, after) for before, after in links if before in shown}
    rank = standing.network.rank
    ordered = standing.network.in_order(shown)
    return Chain(
        dict(_named(standing, ordered)),
        sorted(links, key=lambda link: (rank(link[0]), rank(link[1]))),
        list(by_root),
    )
