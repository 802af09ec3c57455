"""Who may do what: people have roles, roles give rights, and what no role gives is refused."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Right(StrEnum):
    """One thing that takes permission."""

    READ = "read"
    REPORT = "report"
    OVERRIDE = "override"
    EXCUSE = "excuse"
    REJECT = "reject"
    CHANGE = "change"
    APPROVE = "approve"
    ADOPT = "adopt"
    BASELINE = "baseline"
    SEND = "send"
    ADMINISTER = "administer"


class Role(StrEnum):
    """What somebody is to the calendar; the order is from the least to the most technical."""

    VIEWER = "viewer"
    DEPARTMENT = "department"
    MANAGER = "manager"
    SECRETARIAT = "secretariat"
    ADMINISTRATOR = "administrator"


RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.READ}),
    Role.DEPARTMENT: frozenset({Right.READ, Right.REPORT}),
    Role.MANAGER: frozenset({Right.READ, Right.REPORT, Right.CHANGE, Right.APPROVE, Right.BASELINE}),
    Role.SECRETARIAT: frozenset(
        {Right.READ, Right.REPORT, Right.OVERRIDE, Right.EXCUSE, Right.REJECT, Right.ADOPT, Right.BASELINE, Right.SEND}
    ),
    Role.ADMINISTRATOR: frozenset({Right.READ, Right.ADOPT, Right.BASELINE, Right.SEND, Right.ADMINISTER}),
}
"""The rights of each role. A department and a manager report on the milestones of their own bodies only."""

SHOWN: Mapping[Role, str] = {
    Role.VIEWER: "閲覧者",
    Role.DEPARTMENT: "担当課",
    Role.MANAGER: "管理職",
    Role.SECRETARIAT: "事務局",
    Role.ADMINISTRATOR: "管理者",
}


def holders_of(right: Right) -> str:
    """Return the roles that give a right, in Japanese."""
    return "、".join(SHOWN[role] for role, rights in RIGHTS.items() if right in rights)
