"""Who is who: the people file, and the operating system's user, whom it maps to roles."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kijitsu import schemas as shape
from kijitsu.checks import unknown, validated
from kijitsu.domain.errors import InvalidFile, Problem
from kijitsu.domain.plan import Organisation
from kijitsu.domain.roles import Role
from kijitsu.located import Document, read_document


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the people file.

    `bodies` are those for whose milestones a department or a manager reports, `posts` the offices that they hold.
    """

    account: str
    title: str
    roles: frozenset[Role]
    bodies: frozenset[str]
    posts: frozenset[str]

    @property
    def shown(self) -> str:
        """What the audit log calls them: 総務課長 tanaka."""
        return f"{self.title} {self.account}"


def read_people(path: Path, organisations: Iterable[Organisation]) -> Mapping[str, Person]:
    """Read the people file, by account. Raises InvalidFile with every problem: ids that no organisation has, too."""
    document = read_document(path)
    found: list[Problem] = []
    parsed = validated(shape.PeopleDocument, document, found)
    if parsed is not None:
        bodies = {id for each in organisations for id in each.bodies}
        posts = {title for each in organisations for title in each.posts}
        for account, person in parsed.people.items():
            at = ("people", account)
            for key, what, given, known in (
                ("bodies", "body", person.bodies, bodies),
                ("posts", "post", person.posts, posts),
            ):
                found += [
                    unknown(document, (*at, key, number), what, name, known)
                    for number, name in enumerate(given)
                    if name not in known
                ]
        found += _called_alike(document, parsed)
    if found or parsed is None:
        raise InvalidFile(set(found))
    return {
        account: Person(account, each.title, frozenset(each.roles), frozenset(each.bodies), frozenset(each.posts))
        for account, each in parsed.people.items()
    }


def _called_alike(document: Document, parsed: shape.PeopleDocument) -> Iterable[Problem]:
    """Yield the titles that mean somebody else too: a form takes an account or a title."""
    meant = {account: account for account in parsed.people}
    for account, person in parsed.people.items():
        other = meant.setdefault(person.title, account)
        if other != account:
            message = f"「{person.title}」は {other} のことでもあります。どちらか分かる名にしてください。"
            yield document.problem(("people", account, "title"), "duplicate-id", message)


def os_user() -> str:
    """Return the account that this process runs as: the kernel's word, for USER and LOGNAME are the caller's own."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"


def owns(home: Path, uid: int) -> bool:
    """Tell whether a user owns the folder that everything is written to, or will, as it is still to be made.

    They can write its files with or without us, and so can root.
    """
    try:
        return uid in (0, home.stat().st_uid)
    except FileNotFoundError:
        return True
    except OSError:
        return False
