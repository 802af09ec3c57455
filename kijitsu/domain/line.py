"""Whom to write to: the bodies behind a role, and the people up the line of whoever leaves something undone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import date

from kijitsu.domain.plan import Addressee, Body, Organisation, Place, Post


def addressee(organisation: Organisation, id: str) -> Addressee:
    """Return the body or post that the ledger calls `id`; the secretariat stands in for whom we cannot write to."""
    found: Body | Post | None = organisation.bodies.get(id) or organisation.posts.get(id)
    return (found.addressee if found else None) or _secretariat(organisation)


def recipients(organisation: Organisation, owner: str, roles: tuple[str, ...]) -> list[str]:
    """Return the ids behind some roles (owner, superior, secretariat), nobody twice, not by two names either."""
    found: dict[Place, str] = {}
    for role in roles:
        body = organisation.bodies[owner]
        superior = body.reports_to or organisation.secretariat
        chosen = addressee(organisation, {"owner": owner, "superior": superior}.get(role, organisation.secretariat))
        found.setdefault(chosen.place, chosen.id)
    return list(found.values())


def up_the_line(organisation: Organisation, owner: str, days: Sequence[date]) -> Iterator[str]:
    """Yield who is told on each of some days, one level up each time, until there is nobody above.

    A post that is absent on its day is stood in for by its deputy, one that cannot be written to by the secretariat.
    Who sits on several bodies, or deputises for one, is told once; their second seat is passed over, not their level.
    """
    posts, told = posts_above(organisation, owner), {addressee(organisation, owner).place}
    for day in days:
        for post in posts:
            chosen = present(organisation, post, day)
            if chosen.place not in told:
                told.add(chosen.place)
                yield chosen.id
                break
        else:
            return


def posts_above(organisation: Organisation, owner: str) -> Iterator[str]:
    """Yield the posts of an owner's own line and then of those above it, the nearest first; one may come twice."""
    seen: set[str] = set()
    id: str | None = owner
    while id is not None and id not in seen:
        seen.add(id)
        body = organisation.bodies[id]
        yield from body.line
        above = organisation.bodies[body.reports_to] if body.reports_to else None
        # A separate executing agency takes no orders from the city's departments.
        id = above.id if above and (body.kind != "agency" or above.kind == "agency") else None


def present(organisation: Organisation, title: str, on: date) -> Addressee:
    """Return the post, or the first of its deputies that is there; the post itself where none of them is."""
    asked: list[str] = []
    name: str | None = title
    while name is not None and name not in asked:
        asked.append(name)
        post = organisation.posts.get(name)
        if post and post.addressee and not post.is_absent(on):
            return post.addressee
        name = post.deputy if post else None
    return addressee(organisation, title)


def able(organisation: Organisation, title: str, on: date, unable: AbstractSet[str]) -> Iterator[str]:
    """Yield a post and whoever stands in for it on a day: while a post is absent or `unable`, its deputy.

    The last is whoever has to act.
    """
    yield title
    asked: set[str] = set()
    name: str | None = title
    while name is not None and name not in asked:
        asked.add(name)
        post = organisation.posts.get(name)
        if post is None or not (name in unable or post.is_absent(on)):
            return
        name = post.deputy
        if name is not None:
            yield name


def _secretariat(organisation: Organisation) -> Addressee:
    found = organisation.secretariat_body.addressee
    assert found, "the secretariat has an address: the organisation's file is refused without one"
    return found
