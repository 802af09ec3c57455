"""The people file and whom it makes of an operating system's user: who has which role, and who has none."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.errors import InvalidFile
from kijitsu.domain.roles import RIGHTS, Right, Role
from kijitsu.office import ALL_ROLES, Actor, NotAllowed, Office
from kijitsu.people import os_user, owns
from kijitsu.settings import Settings
from tests.acceptance.support import ROOT, SMALL, Desk, calendar_with
from tests.unit.worked import LIBRARY

SOMEBODY_ELSE = 65_534
PEOPLE = """\
people:
  tanaka: {title: 総務課長, roles: [manager], bodies: [general_affairs], posts: [総務課長]}
  CITY\\suzuki: {title: 総務課 係長, roles: [department], bodies: [general_affairs]}
  sato: {title: システム係, roles: [administrator, viewer]}
"""


def office_of(folder: Path, people: str | None = PEOPLE, actor: str = "") -> Office:
    """Return an office whose people file says this."""
    path = None
    if people is not None:
        path = folder / "people.yaml"
        path.write_text(people, encoding="utf-8")
    return open_office(Settings(home=folder, calendar=LIBRARY.folder, people=path, actor=actor))


# --- the file ---


def test_a_person_has_roles_bodies_and_posts_and_the_account_as_it_is_written(tmp_path: Path) -> None:
    people = office_of(tmp_path).people()

    assert people is not None
    assert list(people) == ["tanaka", "CITY\\suzuki", "sato"]
    tanaka = people["tanaka"]
    assert tanaka.shown == "総務課長 tanaka"
    assert (tanaka.roles, tanaka.bodies, tanaka.posts) == ({Role.MANAGER}, {"general_affairs"}, {"総務課長"})
    assert people["sato"].roles == {Role.ADMINISTRATOR, Role.VIEWER}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("a: {title: 課長, roles: [manger]}", "2:26: bad-value: roles に「manger」は書けません。もしかして: manager"),
        (
            "a: {title: 課長, roles: [manager], bodies: [general_affair]}",
            "2:45: unknown-body: 「general_affair」という組織はありません。もしかして: general_affairs",
        ),
        (
            "a: {title: 課長, roles: [manager], posts: [総務課]}",
            "2:44: unknown-post: 「総務課」という職はありません。もしかして: 総務課長",
        ),
        (
            "a: {title: 課長, roles: [manager], post: [総務課長]}",
            "2:36: unknown-key: 「post」というキーはありません。もしかして: posts",
        ),
        ("a: {title: 課長}", "2:3: missing-roles: 「roles」がありません。例: roles: [department]"),
        ("a: {title: 課長, roles: []}", "2:6: bad-shape: roles に役割を一つ以上書いてください。"),
        ("a: {title: 係, roles: [department]}", "2:6: missing-bodies: department（担当課）には bodies が要ります。"),
        (
            "a: {title: 課長, roles: [viewer]}\n  b: {title: 課長, roles: [viewer]}",
            "3:14: duplicate-id: 「課長」は a のことでもあります。",
        ),
        (
            "a: {title: 課長, roles: [viewer]}\n  b: {title: a, roles: [viewer]}",
            "3:14: duplicate-id: 「a」は a のことでもあります。",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_what_was_meant(tmp_path: Path, line: str, problem: str) -> None:
    with pytest.raises(InvalidFile) as told:
        office_of(tmp_path, f"people:\n  {line}\n").people()

    assert [str(each).partition("people.yaml:")[2][: len(problem)] for each in told.value.problems] == [problem]


@pytest.mark.parametrize("text", ["people: {}\n", "people:\n", ""])
def test_a_file_of_nobody_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidFile):
        office_of(tmp_path, text).people()


def test_check_looks_at_the_people_file_that_the_settings_name(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(PEOPLE.replace("manager", "chief"), encoding="utf-8")
    desk = Desk(tmp_path / "home", calendar=calendar_with(tmp_path / "calendar", small=SMALL))

    assert "bad-value: roles に「chief」は書けません" in desk("check", people=path, code=1).err
    assert "missing-file" in desk("check", people=tmp_path / "none.yaml", code=1).err
    assert "誤りはありません" in desk("check").out


# --- who acts ---


def test_the_operating_systems_user_is_looked_up_whatever_the_environment_calls_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = pwd.getpwuid(os.getuid()).pw_name
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, "tanaka")

    actor = office_of(tmp_path, PEOPLE.replace("sato", account)).actor()

    assert (actor.name, actor.authenticated_by) == (f"システム係 {account}", "operating-system")
    assert actor.roles == {Role.ADMINISTRATOR, Role.VIEWER}


def test_a_user_who_is_not_in_the_file_may_do_nothing_and_hears_whom_to_ask(tmp_path: Path) -> None:
    actor = office_of(tmp_path).actor()

    assert [right for right in Right if actor.may(right)] == []
    with pytest.raises(
        NotAllowed, match=rf"{os_user()}（役割なし）は閲覧を.*閲覧者.*管理者（システム係 sato）に確かめて"
    ):
        actor.require(Right.READ, "閲覧")


def test_whom_the_settings_name_is_known_together_with_the_user_who_typed(tmp_path: Path) -> None:
    actor = office_of(tmp_path, actor="総務課長").actor()

    assert (actor.name, actor.authenticated_by) == ("総務課長 tanaka", f"settings:{os_user()}")
    assert (actor.roles, actor.posts) == ({Role.MANAGER}, {"総務課長"})
    with pytest.raises(NotAllowed, match="「tanka」という人は登録されていません。もしかして: tanaka"):
        office_of(tmp_path, actor="tanka").actor()


def test_who_says_a_name_in_a_form_is_somebody_of_the_file(tmp_path: Path) -> None:
    office = office_of(tmp_path)

    by_account, by_title = (office.acting_as(name, "self-declared") for name in ("CITY\\suzuki", "総務課 係長"))

    assert by_account == by_title
    assert by_account.name == "総務課 係長 CITY\\suzuki"
    with pytest.raises(NotAllowed, match="もしかして: 総務課 係長。役割は管理者（システム係 sato）に確かめて"):
        office.acting_as("総務課 課長", "self-declared")


# --- without a file ---


def test_without_a_file_the_owner_of_the_home_folder_may_do_everything(tmp_path: Path) -> None:
    assert office_of(tmp_path, None).actor().roles == ALL_ROLES
    assert office_of(tmp_path / "new", None).acting_as("総務課", "self-declared") == Actor(
        "総務課", "self-declared", ALL_ROLES, ask=office_of(tmp_path / "new", None).actor().ask
    )


def test_without_a_file_nobody_else_may_do_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = office_of(tmp_path, None)
    monkeypatch.setattr("os.getuid", lambda: SOMEBODY_ELSE)

    for actor in (office.actor(), office.acting_as("総務課", "self-declared")):
        assert actor.roles == frozenset()
        with pytest.raises(NotAllowed, match=f"利用者ファイルがないときは、{tmp_path} の持ち主だけが操作できます"):
            actor.require(Right.READ, "閲覧")


def test_the_owner_of_a_folder_is_its_owner_root_or_who_is_to_make_it(tmp_path: Path) -> None:
    assert owns(tmp_path, os.getuid())
    assert owns(tmp_path, 0)
    assert owns(tmp_path / "not" / "yet", SOMEBODY_ELSE)
    assert not owns(tmp_path, SOMEBODY_ELSE)


# --- rights ---


def test_a_department_and_a_manager_report_on_the_milestones_of_their_own_bodies_only() -> None:
    for role in (Role.DEPARTMENT, Role.MANAGER):
        actor = Actor("係", "test", frozenset([role]), frozenset(["residents"]))

        assert actor.may(Right.REPORT, "residents")
        assert not actor.may(Right.REPORT, "general_affairs")
        with pytest.raises(NotAllowed, match="この項目の担当ではないので、完了の報告を行えません"):
            actor.require(Right.REPORT, "完了の報告", "general_affairs")
    assert Actor("事務局", "test", frozenset([Role.SECRETARIAT])).may(Right.REPORT, "general_affairs")


def test_every_right_is_given_by_some_role() -> None:
    assert {right for rights in RIGHTS.values() for right in rights} == set(Right)


def test_the_example_in_the_reference_is_a_people_file(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    example = text[text.index("```yaml\npeople:") + 8 :].partition("```")[0]

    assert office_of(tmp_path, example).people()
