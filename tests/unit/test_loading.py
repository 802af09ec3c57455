"""A plan's file: every error at once, each with its place and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kijitsu.domain.errors import InputError, InvalidFile, Problem
from kijitsu.domain.periods import Length
from kijitsu.domain.plan import DueRule, Lapse, LinkType
from kijitsu.domain.reminders import policy_for
from kijitsu.located import parse_document
from kijitsu.plans import Library
from tests.unit.worked import LIBRARY, POLICIES, RULES, day

HEAD = """plan: small
title: 小さな計画
fiscal_year: H28
organisation: ishinomaki
milestones:
"""
GOOD = "  a: {title: 会議, kind: meeting, owner: committee, when: 平成28年5月}\n"

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str) -> Path:
        path = tmp_path / "plan.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def problems(path: Path) -> list[Problem]:
    with pytest.raises(InvalidFile) as caught:
        Library(LIBRARY.folder).plan(str(path))
    assert all(problem.file == str(path) for problem in caught.value.problems)
    return list(caught.value.problems)


def told(path: Path) -> list[tuple[int, int, str, str]]:
    return [(each.line, each.column, each.code, each.message) for each in problems(path)]


def only(path: Path) -> tuple[int, int, str, str]:
    [problem] = told(path)
    return problem


def test_a_good_plan_outside_the_folder_is_read_with_the_citys_organisation(write: Write) -> None:
    loaded = Library(LIBRARY.folder).plan(str(write(HEAD + GOOD)))

    assert (loaded.plan.id, loaded.plan.fiscal_year, loaded.plan.organisation.title) == ("small", 2016, "石巻市")
    assert loaded.warnings == ()
    assert str(loaded.network.schedule()["a"].earliest_start) == "2016-05-02"


def test_every_key_of_a_milestone_reaches_the_plan(write: Write) -> None:
    text = """
  pia: {title: 評価, kind: assessment, owner: general_affairs, when: 4月～5月, validity: {for: 1y, lapse: warn}}
  session: {title: 定例会, kind: meeting, owner: committee, when: 平成28年6月, duration: 13wd, pinned: true}
  notice:
    title: 告示
    kind: filing
    owner: committee
    after:
      - pia
      - {on: session, type: SS, lag: -7d, valid: true, lapse: warn}
    due: {rule: notice_of_session, from: session.start}
    assumed: [after]
    evidence: [告示]
    reminders: filing
  report: {title: 報告, kind: filing, owner: committee, after: [notice], due: 6月末}
"""
    plan = Library(LIBRARY.folder).plan(str(write(HEAD + text))).plan

    notice, link = plan.milestones["notice"], plan.milestones["notice"].after[1]
    assert (link.on, link.type, link.lag, link.valid) == ("session", LinkType.START_TO_START, Length(-7, "d"), True)
    assert (link.lapse, notice.after[0].lapse) == (Lapse.WARN, None)
    assert notice.due == DueRule(RULES["notice_of_session"], "session", "start")
    assert (notice.assumed, notice.evidence, notice.reminders) == (frozenset({"after"}), ("告示",), "filing")
    assert plan.milestones["session"].pinned
    assert plan.milestones["report"].due == day("2016-06-30")
    assert str(plan.milestones["pia"].window and plan.milestones["pia"].window.last) == "2016-05-31"


def test_every_error_is_told_at_once_with_its_place_and_the_nearest(write: Write) -> None:
    path = write(
        HEAD
        + """
  a:
    titel: 会議
    kind: meting
    owner: comittee
    when: 2016-09-31
    after: [secnd]
    reminders: filling
    duration: 3x
  second:
    title: 会議
    kind: meeting
    owner: committee
    when: 平成28年6月～平成28年5月
    due: {rule: notice_of_sesion, from: third.start}
    capacity: {per_day: 28, closures: resident}
    assumed: [duraton]
closures: [municipalty]
"""
    )

    found = [(line, column, code, message.partition("もしかして: ")[2]) for line, column, code, message in told(path)]

    assert found == [
        (7, 3, "missing-title", ""),
        (8, 5, "unknown-key", "title"),
        (9, 11, "bad-value", "meeting"),
        (10, 12, "unknown-body", "committee"),
        (11, 11, "bad-date", "2016-09-30"),
        (12, 13, "unknown-milestone", "second"),
        (13, 16, "unknown-policy", "filing"),
        (14, 15, "bad-length", ""),
        (19, 11, "bad-date", ""),
        (20, 17, "unknown-rule", "notice_of_session"),
        (20, 41, "unknown-milestone", ""),
        (21, 39, "unknown-closures", "residents"),
        (22, 15, "unknown-key", "duration"),
        (23, 12, "unknown-closures", "municipality"),
    ]


def test_a_problem_is_shown_as_file_line_column_code_and_message(write: Write) -> None:
    path = write(HEAD + GOOD + "  b: {title: 会議, kind: meeting, owner: committee, after: [aa]}\n")

    assert str(problems(path)[0]) == f"{path}:7:59: unknown-milestone: 「aa」という項目はありません。もしかして: a"


def test_a_ring_is_told_with_its_path_and_two_rings_are_told_both(write: Write) -> None:
    text = "".join(
        f"  {id}: {{title: 会議, kind: meeting, owner: committee, after: [{before}]}}\n"
        for id, before in [("a", "c"), ("b", "a"), ("c", "b"), ("x", "y"), ("y", "x"), ("z", "z")]
    )

    found = told(write(HEAD + text))

    assert {code for _, _, code, _ in found} == {"cycle"}
    messages = " ".join(message for *_, message in found)
    for path in ("b → c → a → b", "y → x → y", "z → z"):
        assert f"前提が循環しています: {path}。" in messages
    assert found[0][:2] == (7, 58)


@pytest.mark.parametrize("missing", ["title", "kind", "owner"])
def test_a_missing_key_is_told_with_an_example_at_its_milestone(write: Write, missing: str) -> None:
    keys = {"title": "会議", "kind": "meeting", "owner": "committee", "when": "平成28年5月"}
    text = ", ".join(f"{key}: {value}" for key, value in keys.items() if key != missing)

    line, column, code, message = only(write(f"{HEAD}  a: {{{text}}}\n"))

    assert (line, column, code) == (6, 3, f"missing-{missing}")
    assert f"例: {missing}: " in message


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ("title: ''", "bad-value", "「title」には文字を書いてください。"),
        ("pinned: たぶん", "bad-value", "true か false"),
        ("duration: 0wd", "bad-length", "1以上"),
        ("when: [平成28年5月]", "bad-date", "文字で書いてください"),
        ("after: b", "bad-shape", "もしかして: after: [b]"),
        ("assumed: duration", "bad-shape", "もしかして: assumed: [duration]"),
        ("validity: 1y", "bad-shape", "「validity」の形が違います"),
        ("due: 平成29年7月～", "bad-date", "終わりの日がありません"),
        ("due: {rule: promulgation, from: a}", "bad-value", "「a」はfromの書き方に合いません"),
        ("capacity: {per_day: 0, closures: residents}", "bad-number", "0より大きい数"),
        ("capacity: {per_day: 十, closures: residents}", "bad-number", "「十」は数ではありません"),
        ("when: 平成28年6月4日（金）", "bad-date", "もしかして: 平成28年6月4日（土）"),
        ("when: 9999-12-31", "bad-date", "西暦9999年"),
    ],
)
def test_one_wrong_value_is_one_error_in_japanese(write: Write, given: str, code: str, message: str) -> None:
    key = given.partition(":")[0]
    text = "".join(
        f"    {line}\n" for line in ("title: 会議", "kind: meeting", "owner: committee", "when: 平成28年5月")
    )
    kept = "".join(line for line in text.splitlines(keepends=True) if not line.strip().startswith(f"{key}:"))

    found = only(write(f"{HEAD}  a:\n{kept}    {given}\n"))

    assert found[2] == code
    assert message in found[3]


def test_an_id_that_is_none_is_told_with_the_rule_for_ids(write: Write) -> None:
    assert only(write(HEAD + GOOD.replace("a:", "First:", 1)))[:3] == (6, 3, "bad-id")


def test_a_milestone_needs_a_time_or_a_prerequisite(write: Write) -> None:
    line, _, code, message = only(write(HEAD + "  a: {title: 会議, kind: meeting, owner: committee}\n"))

    assert (line, code) == (6, "no-date")
    assert "未定なら when: 調整中" in message


def test_a_plan_without_any_date_is_refused(write: Write) -> None:
    path = write((HEAD + GOOD.replace("平成28年5月", "調整中")).replace("fiscal_year: H28\n", ""))

    with pytest.raises(InputError, match="日付が一つもありません"):
        Library(LIBRARY.folder).plan(str(path))


def test_a_missing_organisation_is_told_with_the_nearest(write: Write) -> None:
    assert only(write((HEAD + GOOD).replace("ishinomaki", "ishinomak"))) == (
        4,
        15,
        "missing-organisation",
        "organisations/ishinomak.yaml がありません。もしかして: ishinomaki",
    )


@pytest.mark.parametrize(
    "name", ["x" * 300, "../organisations/ishinomaki", "../../outside", "/etc/passwd", "a\\b", "石巻"]
)
def test_an_organisation_that_no_file_can_be_named_after_is_told_and_nothing_is_read(write: Write, name: str) -> None:
    (write("").parent.parent / "outside.yaml").write_text("organisation: outside\n", encoding="utf-8")

    told = problems(write((HEAD + GOOD).replace("ishinomaki", name)))

    assert {(each.line, each.column) for each in told} == {(4, 15)}
    assert "missing-organisation" in {each.code for each in told}


@pytest.mark.parametrize("name", ["x" * 300, "..", "fy28\x00"])
def test_a_plan_that_no_file_can_be_named_after_is_told(name: str) -> None:
    with pytest.raises(InputError, match="にありません。"):
        LIBRARY.find("plans", name)


def test_a_date_that_papers_of_the_time_wrote_is_a_warning_with_its_place(write: Write) -> None:
    loaded = Library(LIBRARY.folder).plan(str(write(HEAD + GOOD.replace("平成28年5月", "平成31年5月"))))

    [warning] = loaded.warnings
    assert (warning.line, warning.is_warning) == (6, True)
    assert "平成の終わった後です" in warning.message


# --- YAML itself ---


def test_a_key_said_twice_and_an_alias_are_told_with_everything_else(write: Write) -> None:
    path = write(HEAD + GOOD + GOOD + "  b: {title: &x 会議, kind: meetin, owner: committee, when: *x}\n")

    assert [(line, column, code) for line, column, code, _ in told(path)] == [
        (7, 3, "duplicate-key"),
        (8, 27, "bad-value"),
        (8, 59, "alias"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "code"),
    [
        ("", 1, 1, "empty-file"),
        ("# 何もない\n", 1, 1, "empty-file"),
        ("- a\n", 1, 1, "bad-shape"),
        (HEAD + GOOD + "]\n", 7, 1, "bad-yaml"),
        (HEAD + "  a: {title: 会議\n", 7, 1, "bad-yaml"),
        ("plan: small\n  title: x\n", 2, 8, "bad-yaml"),
        (HEAD + GOOD + "---\nplan: other\n", 7, 1, "second-document"),
        (HEAD + GOOD + "...\n}\n", 8, 1, "bad-yaml"),
        ("plan: small\ntitle: あ\x07\n", 2, 9, "bad-character"),
        ("? [a]\n: b\n", 1, 3, "bad-key"),
        ("[" * 3000, 1, 32, "too-deep"),
        ("a: " + "[" * 50 + "]" * 50, 1, 34, "too-deep"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_place(write: Write, text: str, line: int, column: int, code: str) -> None:
    assert only(write(text))[:3] == (line, column, code)


def test_a_file_that_is_not_there_or_not_utf8_is_told(tmp_path: Path) -> None:
    (tmp_path / "sjis.yaml").write_bytes("plan: 計画".encode("shift_jis"))

    for name, code in [("none.yaml", "missing-file"), ("sjis.yaml", "unreadable-file"), ("", "unreadable-file")]:
        with pytest.raises(InvalidFile) as caught:
            Library(LIBRARY.folder).plan(f"{tmp_path}/{name}")
        assert [problem.code for problem in caught.value.problems] == [code]


def test_scalars_are_kept_as_they_were_written() -> None:
    document = parse_document("a: 042021\nb: 2016-09-31\nc: yes\nd: ~\ne: '~'\nf: 1_000\ng: !!int 3\nh:\n", "x.yaml")

    assert document.data == {
        "a": "042021",
        "b": "2016-09-31",
        "c": "yes",
        "d": None,
        "e": "~",
        "f": "1_000",
        "g": "3",
        "h": None,
    }
    assert document.values["b",] == (2, 4)
    assert document.keys["b",] == (2, 1)


def test_a_plans_own_policy_changes_what_it_writes_and_keeps_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(
        """\
plan: own
title: 独自
fiscal_year: H28
organisation: ishinomaki
policies:
  filing: {before: {offsets: [3wd], to: [secretariat]}, escalate: []}
  gentle: {before: {offsets: [5wd]}}
reminders: {test: gentle}
milestones:
  a: {title: 試験, kind: test, owner: residents, when: 2016-06}
""",
        encoding="utf-8",
    )

    plan = LIBRARY.plan(str(file)).plan

    own, city = plan.policies["filing"], POLICIES["filing"]
    assert ([str(each) for each in own.before], own.to_before, own.tiers) == (["3wd"], ("secretariat",), ())
    assert (own.every, own.to_blocked, own.to_moved) == (city.every, city.to_blocked, city.to_moved)
    assert plan.policies["gentle"].every is None
    assert policy_for(plan, plan.milestones["a"]) == plan.policies["gentle"]
