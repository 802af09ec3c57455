"""Every role against everything that is written: what no role gives is refused, and who did what is told apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import Cascade
from kijitsu.domain.history import Deed
from kijitsu.domain.roles import Role
from kijitsu.office import NotAllowed, Office
from kijitsu.people import os_user
from kijitsu.services import (
    adopting,
    changing,
    delivering,
    health,
    keeping,
    ledger,
    reporting,
    slipping,
    trial,
    watching,
)
from kijitsu.settings import Settings
from kijitsu.store.rows import AuditRow
from tests.acceptance.support import SMALL, Desk
from tests.board import CLERK, ISHINOMAKI, TODAY, installation

VIEWER, DEPARTMENT, MANAGER, SECRETARIAT, ADMINISTRATOR = Role
NOBODY = "nobody"
ACCOUNTS = {
    Role.VIEWER: "title: 市民課 係員",
    Role.DEPARTMENT: "title: 総務課 係員, bodies: [general_affairs]",
    Role.MANAGER: "title: 総務課長, bodies: [general_affairs], posts: [総務課長]",
    Role.SECRETARIAT: "title: 事務局 係員",
    Role.ADMINISTRATOR: "title: 情報システム課 係員",
}
LINES = [f"  {role}: {{{said}, roles: [{role}]}}" for role, said in ACCOUNTS.items()]
PEOPLE = "\n".join(["people:", *LINES, ""])


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An installation with a person of each role, a plan for each of them to adopt, and an audience that was held."""
    folder = tmp_path_factory.mktemp("permissions")
    (folder / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    here = installation(folder, people=folder / "people.yaml")
    for name in [*Role, NOBODY]:
        plan = here.library.folder / "plans" / f"of-{name}.yaml"
        plan.write_text(SMALL.replace("plan: small", f"plan: of-{name}"), encoding="utf-8")
    reporting.report(here, "small", reporting.Report(Deed.COMPLETE, "audience", TODAY), CLERK)
    return here


@pytest.fixture
def desk(office: Office) -> Desk:
    settings = office.settings
    return Desk(settings.home, calendar=settings.calendar, people=settings.people, today=TODAY, plan="small")


def acting(office: Office, account: str) -> Office:
    """Return the same office, at whose command line somebody else sits."""
    return replace(office, settings=replace(office.settings, actor=account))


def report(office: Office, deed: Deed, milestone: str = "review", **given: object) -> None:
    # The reason tells the answers of two people apart: the same one twice is recorded once.
    words = {"reason": f"{office.settings.actor}の理由", "until": TODAY, **given}
    reporting.report(office, "small", reporting.Report(deed, milestone, TODAY, **words), office.actor())  # type: ignore[arg-type]


def complete(office: Office, **given: object) -> None:
    """Report the review done, and let the secretariat send it back for the next who tries."""
    report(office, Deed.COMPLETE, **given)
    reporting.report(office, "small", reporting.Report(Deed.REJECT, "review", TODAY, "試し"), CLERK)


def restore_elsewhere(office: Office) -> None:
    """Restore a backup that another one made into a home of this person's own."""
    settings = office.settings
    file = keeping.backup(office, keeping.MAINTENANCE).file
    keeping.restore(office.reopen(replace(settings, home=settings.home / settings.actor)), office.actor(), file)


ACTS: list[tuple[str, Callable[[Office], object], set[Role]]] = [
    ("adopt", lambda o: adopting.adopt(o, f"of-{o.settings.actor}", o.actor()), {SECRETARIAT, ADMINISTRATOR}),
    ("answer for one's own", lambda o: report(o, Deed.ESTIMATE), {DEPARTMENT, MANAGER, SECRETARIAT}),
    ("answer for others", lambda o: report(o, Deed.ESTIMATE, "portal"), {SECRETARIAT}),
    ("complete", lambda o: complete(o, evidence={"評価書": "石総第1号"}), {DEPARTMENT, MANAGER, SECRETARIAT}),
    ("complete without the evidence", lambda o: complete(o, override="紛失"), {SECRETARIAT}),
    ("excuse", lambda o: report(o, Deed.EXCUSE), {SECRETARIAT}),
    ("send back", lambda o: report(o, Deed.REJECT, "audience"), {SECRETARIAT}),
    (
        "move",
        lambda o: changing.move(o, "small", "portal", "平成29年2月", "試し", Cascade.NONE, o.actor()),
        {MANAGER},
    ),
    (
        "name a baseline",
        lambda o: slipping.baseline(o, "small", f"基準{o.settings.actor}", None, o.actor()),
        {MANAGER, SECRETARIAT, ADMINISTRATOR},
    ),
    ("watch", lambda o: watching.watch(o, "small", actor=o.actor()), {SECRETARIAT, ADMINISTRATOR}),
    ("send now", lambda o: delivering.send_now(o, o.library.organisations()[0]), {SECRETARIAT, ADMINISTRATOR}),
    (
        "send again",
        lambda o: delivering.resend(o, o.library.organisations()[0], o.actor(), "small"),
        {SECRETARIAT, ADMINISTRATOR},
    ),
    ("back up", lambda o: keeping.backup(o, o.actor()), {ADMINISTRATOR}),
    ("restore", restore_elsewhere, {ADMINISTRATOR}),
    ("send a trial", lambda o: trial.send_trial(o, "small", "general_affairs"), {SECRETARIAT, ADMINISTRATOR}),
]


@pytest.mark.parametrize(("act", "allowed"), [pytest.param(act, allowed, id=id) for id, act, allowed in ACTS])
def test_who_may(office: Office, act: Callable[[Office], object], allowed: set[Role]) -> None:
    """Whoever is not refused does it: anything else that went wrong would rise here."""
    before = written(office)
    done = set()
    for account in [*(role for role in Role if role not in allowed), NOBODY, *allowed]:
        try:
            act(acting(office, account))
        except NotAllowed:
            assert account not in allowed
            assert written(office) == before, "somebody was refused, and something was written"
        else:
            done.add(account)

    assert done == allowed


def written(office: Office) -> tuple[int, list[str]]:
    """Return how many audit entries there are, and the adopted plans."""
    return len(audit_of(office)), [each["plan"] for each in ledger.adopted_plans(office)]


def audit_of(office: Office) -> list[AuditRow]:
    with office.open_work(ISHINOMAKI, True) as work:
        return work.audit.all()


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (["status", "small"], set(Role)),
        (["schedule", "small"], set(Role)),
        (["export", "small"], set(Role)),
        (["reminders"], set(Role)),
        (["outbox", "list"], set(Role)),
        (["audit", "list"], set(Role)),
        (["plan", "list"], set(Role)),
        (["backup"], {ADMINISTRATOR}),
        (["keys", "rotate"], {ADMINISTRATOR}),
        (["doctor", "--upgrade"], {ADMINISTRATOR}),
    ],
    ids=lambda given: " ".join(sorted(given) if isinstance(given, set) else given),
)
def test_who_may_at_the_command_line(desk: Desk, words: list[str], allowed: set[Role]) -> None:
    # One who may is enough where everybody of the file may: the rest is in the table of roles.
    for account in [NOBODY, next(iter(allowed)), *(role for role in (Role.MANAGER,) if role not in allowed)]:
        if account in allowed:
            desk(*words, actor=account)
        else:
            assert "管理者（情報システム課 係員 administrator）に確かめて" in desk(*words, actor=account, code=1).err


def test_a_file_is_read_by_whoever_can_open_it(desk: Desk, office: Office) -> None:
    path = office.library.find("plans", "small")

    assert "評価書の再評価" in desk("status", path, actor=NOBODY).out
    assert "評価書の再評価" in desk("schedule", path, actor=NOBODY).out


def test_who_may_not_adopt_makes_no_database(office: Office, tmp_path: Path) -> None:
    settings = office.settings
    desk = Desk(tmp_path / "home", calendar=settings.calendar, people=settings.people, actor="viewer")

    assert "市民課 係員 viewer（閲覧者）は計画の採用を行えません" in desk("plan", "adopt", "small", code=1).err
    assert not (tmp_path / "home").exists()


def test_every_entry_of_the_audit_log_names_the_actor_and_how_they_are_known(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text(PEOPLE.replace("  secretariat:", f"  {os_user()}:"), encoding="utf-8")
    office = installation(tmp_path, people=tmp_path / "people.yaml")
    watching.watch(office, "small")
    trial.send_trial(office, "small", "general_affairs")
    report(acting(office, "department"), Deed.ACKNOWLEDGE, reason="", until=None)
    told = reporting.Report(Deed.EXCUSE, "review", TODAY, "議会の日程", until=TODAY)
    reporting.report(office, "small", told, office.acting_as("事務局 係員", "self-declared"))

    entries = audit_of(office)

    assert [(each.action, each.actor, each.authenticated_by) for each in entries] == [
        ("adopt", "事務局 係員", "test"),
        ("watch", "kijitsu", "pass"),
        ("trial", f"事務局 係員 {os_user()}", "operating-system"),
        ("acknowledge", "総務課 係員 department", f"settings:{os_user()}"),
        ("excuse", f"事務局 係員 {os_user()}", "self-declared"),
    ]


# --- what doctor says of it ---


def people_found(office: Office) -> dict[str, health.Finding]:
    return {each.what: each for each in health.examine(office) if each.what in ("利用者と役割", "変更の承認")}


def test_doctor_says_who_one_is_and_which_role_nobody_has(office: Office, tmp_path: Path) -> None:
    fine = people_found(acting(office, "manager"))["利用者と役割"]
    (tmp_path / "people.yaml").write_text("\n".join(["people:", *LINES[:3], ""]), encoding="utf-8")
    few = open_office(replace(office.settings, people=tmp_path / "people.yaml", actor="manager"))
    lacking = people_found(few)["利用者と役割"]

    assert fine.is_fine
    assert "5人" in fine.found
    assert "今の操作者は 総務課長 manager（管理職）" in fine.found
    assert not lacking.is_fine
    assert "事務局、管理者の役割を持つ人がいません" in lacking.remedy


def test_doctor_says_when_nobody_can_approve_what_a_plan_asks_approval_for(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    asking = SMALL.replace("milestones:", "approvers: [総務課長, 総務部長]\nmilestones:")
    office = installation(tmp_path, asking, people=tmp_path / "people.yaml", actor="viewer")
    held = people_found(office)["変更の承認"]
    (tmp_path / "people.yaml").write_text(PEOPLE.replace("posts: [総務課長]", "posts: [市民課長]"), encoding="utf-8")
    vacant = people_found(office)["変更の承認"]
    alone = people_found(open_office(Settings(**{**settings_of(office), "people": None})))["変更の承認"]

    assert held.is_fine
    assert (vacant.is_fine, alone.is_fine) == (False, False)
    assert "small（総務課長、総務部長）" in vacant.remedy


def settings_of(office: Office) -> dict[str, object]:
    return {name: getattr(office.settings, name) for name in ("home", "calendar", "people", "today")}
