"""Wrong input: every error at once, at its place, with what was probably meant; nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.support import ROOT, Desk, calendar_with

BAD = """\
plan: bad
title: 誤りだらけの計画
fiscal_year: H28
organisation: nowhere
closures: [municipality]
milestones:
  survey:
    title: 調査
    kind: milestone
    owner: general_affairs
    when: 2016-09-31
    after: [draft]
  draft:
    title: 案
    kind: ordinance
    owner: general_affairs
    when: 平成28年6月3日（土）
    after: [survey, hearing]
  review: {title: 審査, kind: meting, owner: general_affairs, after: [notice]}
  notice: {title: 周知, kind: publicity, after: [review], whn: 2016-06-03}
  public_hearing: {title: 公聴会, kind: meeting, owner: residents, when: 2016-06-03}
"""

FOUND = [
    (4, 15, "missing-organisation"),
    (11, 11, "bad-date"),
    (17, 11, "bad-date"),
    (18, 12, "cycle"),
    (18, 21, "unknown-milestone"),
    (19, 29, "bad-value"),
    (20, 3, "missing-owner"),
    (20, 47, "cycle"),
    (20, 57, "unknown-key"),
]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk without a home of its own: whatever is written would appear in the working directory."""
    monkeypatch.chdir(tmp_path)
    return Desk(None)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD, encoding="utf-8")
    return path


def test_check_gives_every_error_of_a_file_at_once_with_its_place(desk: Desk, bad: Path) -> None:
    done = desk("check", bad, "--json", code=1)

    assert [(p["line"], p["column"], p["code"]) for p in done.json] == FOUND
    assert all(set(p) == {"file", "line", "column", "code", "message", "warning"} for p in done.json)
    assert all(p["file"] == "bad.yaml" and not p["warning"] for p in done.json)
    assert done.err.splitlines() == [
        f"{p['file']}:{p['line']}:{p['column']}: {p['code']}: {p['message']}" for p in done.json
    ]


def test_each_error_says_what_is_wrong_and_what_was_probably_meant(desk: Desk, bad: Path) -> None:
    said = desk("check", bad, code=1).err

    for words in (
        "organisations/nowhere.yaml がありません",
        "もしかして: 2016-09-30",
        "もしかして: 平成28年6月3日（金）",
        "前提が循環しています: draft → survey → draft",
        "もしかして: public_hearing",
        "もしかして: meeting",
        "「owner」がありません",
        "前提が循環しています: notice → review → notice",
        "もしかして: when",
    ):
        assert words in said


@pytest.mark.parametrize(
    "command",
    [
        ("check",),
        ("schedule",),
        ("status",),
        ("why", "survey"),
        ("plan", "adopt"),
        ("export",),
        ("replay", "--out", "out"),
        ("move", "survey", "--to", "2016-09-30"),
    ],
)
def test_no_command_makes_anything_of_a_plan_with_errors(command: tuple[str, ...], desk: Desk, bad: Path) -> None:
    words = [*command[:1], bad, *command[1:]] if command[0] != "plan" else [*command, bad]

    done = desk(*words, code=1)

    assert len(done.err.splitlines()) == len(FOUND)
    assert done.out == ""
    assert [path.name for path in bad.parent.iterdir()] == ["bad.yaml"]


def test_adopting_a_plan_with_errors_as_a_process_leaves_the_folder_as_it_was(bad: Path) -> None:
    done = Desk(None).spawn("plan", "adopt", bad, code=1, cwd=bad.parent)

    assert len(done.err.splitlines()) == len(FOUND)
    assert [path.name for path in bad.parent.iterdir()] == ["bad.yaml"]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("schedule", "fy82"), "もしかして: fy28"),
        (("why", "fy28", "notificaton"), "もしかして: notification"),
        (("period", "notice_of_sesion", "--from", "2016-06-10"), "もしかして: notice_of_session"),
        (("status", "fy28", "--history", "fy28-late-pai"), "もしかして: fy28-late-pia"),
        (("period", "--length", "8d", "--calendar", "municipalty", "--from", "2016-06-10"), "もしかして: municipality"),
        (("schema", "plna"), "もしかして: plan"),
        (("move", "fy28", "piaa", "--to", "平成28年8月"), "もしかして: pia"),
        (("move", "fy28", "pia", "--to", "平成28年8月", "--cascade", "pusch"), "もしかして: push"),
        (("move", "fy28", "pia", "--to", "2016-06-31"), "もしかして: 2016-06-30"),
        (("status", "fy28", "--as-of", "平成28年6月3日（土）"), "もしかして: 平成28年6月3日（金）"),
    ],
)
def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(
    words: tuple[str, ...], meant: str, desk: Desk
) -> None:
    done = desk(*words, code=1)

    assert meant in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("period", "notice_of_session"), "--from"),
        (("period", "--from", "2016-06-10"), "--length"),
        (("period", "notice_of_session", "--length", "8d", "--from", "2016-06-10"), "--length"),
        (("waive", "fy28", "pia"), "--reason"),
        (("move", "fy28", "pia"), "--to"),
        (("move", "fy28", "pia", "--to", "平成28年8月", "--apply", "--as-of", "2016-06-03"), "--as-of"),
        (("wach",), "watch"),
    ],
)
def test_a_command_that_is_not_understood_ends_as_misuse_and_names_the_option(
    words: tuple[str, ...], option: str, desk: Desk
) -> None:
    done = desk(*words, code=2)

    assert option in done.err
    assert done.out == ""


def test_a_wrong_role_kind_or_name_of_an_address_is_told_what_may_stand_there(tmp_path: Path) -> None:
    plan = (ROOT / "calendar/plans/fy28.yaml").read_text(encoding="utf-8")
    wrong = "reminders: {meetng: gentle}\npolicies: {gentle: {on_day: {to: [tantou]}}}\n"
    calendar = calendar_with(tmp_path / "calendar", fy28=plan + wrong)
    organisation = calendar / "organisations" / "ishinomaki.yaml"
    secret = "https://hooks.example/T0/B0/secret"
    text = organisation.read_text(encoding="utf-8")
    organisation.write_text(
        text.replace(
            "\nbodies:\n",
            f"\nbodies:\n  chat: {{title: 雑談, kind: department, channel: slack, address: '{secret}'}}\n",
        ),
        encoding="utf-8",
    )

    said = Desk(tmp_path / "home", calendar=calendar)("check", code=1).err

    assert "種別「meetng」はありません。もしかして: meeting" in said
    assert "to に「tantou」は書けません。使えるのは owner、superior、secretariat です。" in said
    assert "address は英数字と「.」「_」「-」だけで書いてください" in said
    assert secret not in said


def test_check_goes_on_after_a_plan_that_it_cannot_even_find(desk: Desk, bad: Path, tmp_path: Path) -> None:
    far = tmp_path / "far.yaml"
    far.write_text(
        "plan: far\ntitle: 遠い\norganisation: ishinomaki\nmilestones:\n"
        "  a: {title: ア, kind: meeting, owner: committee, when: 2016-06-03}\n"
        "  b: {title: イ, kind: meeting, owner: committee, after: [{on: a, lag: 9999wd}]}\n",
        encoding="utf-8",
    )

    done = desk("check", "fy82", far, bad, "--json", code=1)

    codes = [(p["file"], p["code"]) for p in done.json]
    assert ("fy82", "unusable-plan") in codes
    assert (str(far), "unusable-plan") in codes
    assert len(codes) == len(FOUND) + 2


def test_check_of_everything_reads_the_histories_too(tmp_path: Path) -> None:
    plan = (ROOT / "calendar/plans/fy28.yaml").read_text(encoding="utf-8")
    calendar = calendar_with(tmp_path / "calendar", fy28=plan)
    history = calendar / "histories" / "bad.yaml"
    history.write_text(
        "history: bad\nplan: fy28\ntitle: 誤り\nkind: scenario\nevents:\n  - {on: 2016-04-31, complete: piaa}\n",
        encoding="utf-8",
    )

    done = Desk(tmp_path / "home", calendar=calendar)("check", "--json", code=1)

    assert [(p["line"], p["code"]) for p in done.json] == [(6, "bad-date"), (6, "unknown-milestone")]


def test_check_of_a_folder_without_plans_is_no_success(tmp_path: Path) -> None:
    done = Desk(tmp_path / "home", calendar=calendar_with(tmp_path / "calendar"))("check", code=1)

    assert "KIJITSU_CALENDAR" in done.err


def test_a_plan_whose_file_has_another_name_is_told_so(tmp_path: Path) -> None:
    plan = (ROOT / "calendar/plans/fy28.yaml").read_text(encoding="utf-8")
    desk = Desk(tmp_path / "home", calendar=calendar_with(tmp_path / "calendar", fy29=plan))

    done = desk("plan", "adopt", "fy29", code=1)

    assert "fy29.yaml:1:7: wrong-id" in done.err
    assert not (tmp_path / "home").exists()


def test_check_of_the_repositorys_own_calendar_finds_nothing(desk: Desk) -> None:
    assert desk("check", "--json").json == []
    assert "誤りはありません" in desk("check").out
