"""A manager's work at the command line: look at what a change does, make it, have it approved, take it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.acceptance.support import HEAD, ROOT, Desk, calendar_with

FRIDAY = "2016-06-03"
PLAN = (
    HEAD
    + """\
milestones:
  draft: {title: 案の作成, kind: milestone, owner: general_affairs, when: 2016-06-06～2016-06-17, duration: 10wd}
  bill: {title: 議案の提出, kind: ordinance, owner: general_affairs, after: [draft], when: 2016-06-20～2016-06-22}
  vote: {title: 議決, kind: meeting, owner: committee, after: [bill], when: 2016-06-28, pinned: true}
  sending:
    title: 議決書の送付
    kind: filing
    owner: general_affairs
    after: [vote]
    due: {rule: sending_to_mayor, from: vote.finish}
  notice: {title: 届出, kind: filing, owner: residents, after: [sending], due: 2016-09-30, basis: 番号法第19条}
  opening: {title: 窓口の開始, kind: service, owner: information_systems, after: [notice], when: 平成28年10月}
"""
)
PEOPLE = """\
people:
  kachou: {title: 総務課長, roles: [manager], bodies: [general_affairs], posts: [総務課長]}
  buchou: {title: 総務部長, roles: [manager], posts: [総務部長]}
  jichou: {title: 総務部次長, roles: [manager], posts: [総務部次長]}
  kakari: {title: 総務課係員, roles: [department], bodies: [general_affairs]}
  jimu: {title: 事務局員, roles: [secretariat]}
"""


def desk_with(folder: Path, plan: str = PLAN, **settings: object) -> Desk:
    calendar = calendar_with(folder / "calendar", small=plan)
    desk = Desk(folder / "home", calendar=calendar, today=FRIDAY, plan="small", **settings)
    desk("plan", "adopt", "small", **({"actor": "jimu"} if "people" in settings else {}))
    return desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desk_with(tmp_path)


@pytest.fixture
def on_each_database(empty_database: str, tmp_path: Path) -> Desk:
    return desk_with(tmp_path, database_url=empty_database)


@pytest.fixture
def with_approval(empty_database: str, tmp_path: Path) -> Desk:
    people = tmp_path / "people.yaml"
    people.write_text(PEOPLE, encoding="utf-8")
    plan = PLAN.replace("organisation: ishinomaki\n", "organisation: ishinomaki\napprovers: [総務部長]\n")
    return desk_with(tmp_path, plan, database_url=empty_database, people=people, actor="kachou")


def revision(desk: Desk) -> int:
    return int(
        desk("plan", "list", "--json", **({"actor": "jimu"} if "KIJITSU_PEOPLE" in desk.variables else {})).json[0][
            "revision"
        ]
    )


def dates(desk: Desk) -> Any:
    return desk("schedule", "small", "--json").json


def text(desk: Desk, id: str) -> dict[str, Any]:
    milestone: dict[str, Any] = YAML(typ="safe").load(desk("export", "small").out)["milestones"][id]
    return milestone


def verified(desk: Desk, entries: int) -> None:
    assert desk("audit", "verify", "--json").json["entries"] == entries


# --- one request, several edits ---


def test_one_request_holds_several_edits_and_makes_one_revision(on_each_database: Desk) -> None:
    desk = on_each_database
    edits = (
        *("--duration", "draft=12wd", "--owner", "notice=general_affairs", "--due", "notice=2016-10-07"),
        *(
            "--after",
            "opening=notice:FS+3wd",
            "--move",
            "opening=平成28年11月",
            "--close",
            "2016-06-07=台風による臨時閉庁",
        ),
    )

    previewed = desk("change", "small", *edits, "--json").json
    assert revision(desk) == 1
    applied = desk("change", "small", *edits, "--reason", "国の延期", "--revision", 1, "--apply", "--json").json

    assert {key: value for key, value in previewed.items() if key not in ("change", "advice")} == {
        key: value for key, value in applied.items() if key != "change"
    }
    assert (applied["change"]["revision"], revision(desk)) == (2, 2)
    # Twelve open days from June 6 without the 7th end on the 22nd, and the bill of the 20th cannot be before the 23rd.
    assert [(each["id"], each["new"]) for each in applied["moved"]] == [
        ("draft", "平成28年6月6日（月）～平成28年6月22日（水）"),
        ("bill", "平成28年6月21日（火）～平成28年6月23日（木）"),
        ("opening", "平成28年11月"),
    ]
    assert text(desk, "notice")["owner"] == "general_affairs"
    assert text(desk, "opening")["after"] == [{"on": "notice", "lag": "3wd", "type": "FS"}]
    assert applied["closed"] == [["2016-06-07", "台風による臨時閉庁"]]
    entry = desk("audit", "list", "--json").json[-1]
    assert (entry["action"], entry["details"]["reason"], entry["details"]["revision"]) == ("change", "国の延期", 2)
    verified(desk, 2)


def test_a_closed_day_of_the_plan_itself_is_not_told_again_by_the_next_pass(desk: Desk) -> None:
    desk("watch", "small")
    desk("change", "small", "--close", "2016-06-20=臨時閉庁", "--reason", "台風", "--apply")

    assert desk("watch", "small", "--json", today="2016-06-06").json["calendars"] == []
    assert desk("watch", "small", "--json", today="2016-06-20").json["open"] is False
    desk("undo", "small", "--reason", "台風がそれた", "--apply", today="2016-06-06")
    assert desk("watch", "small", "--json", today="2016-06-20").json["open"] is True


def test_what_cannot_be_is_refused_and_nothing_is_left(desk: Desk) -> None:
    cases = {
        ("--move", "bil=平成28年7月"): "もしかして: bill",
        ("--move", "bill=2016-06-31"): "2016-06-31",
        ("--duration", "draft=0wd"): "1以上",
        ("--owner", "notice=resident"): "もしかして: residents",
        ("--after", "draft=opening"): "循環",
        ("--after", "draft=vote:XX"): "--after",
        ("--drop", "vote=draft"): "今の前提: bill",
        ("--due", "bill=なし"): "move で",
        ("--due", "bill=no_rule:vote.finish"): "no_rule",
        ("--move", "bill"): "項目のID=平成28年9月",
        ("--reinstate", "bill"): "免除も中止もされていません",
        ("--move", "bill=2016-06-20～2016-06-22"): "変わるところがありません",
        ("--cancel", "bill=2016-06-10"): "先の日です",
        (): "何を変えるか",
    }
    for edits, said in cases.items():
        assert said in desk("change", "small", *edits, "--reason", "試し", "--apply", code=1).err, edits
    assert "理由" in desk("change", "small", "--move", "bill=平成28年7月", "--apply", code=1).err
    assert revision(desk) == 1
    verified(desk, 1)


def test_a_date_in_the_past_is_warned_of(desk: Desk) -> None:
    assert "過ぎた日です" in desk("move", "small", "bill", "--to", "2016-05-20").out


def test_what_a_new_owner_takes_over_is_told_to_them(desk: Desk) -> None:
    desk("change", "small", "--owner", "notice=general_affairs", "--reason", "事務分掌の変更", "--apply")
    desk("watch", "small")

    [told] = [mail for mail in desk.mails if "soumu" in mail["To"].addresses[0].username]
    said = told.get_body(("plain",)).get_content()
    assert "担当の変更（市民課 → 総務課）" in said
    assert "事務分掌の変更" in said


# --- what breaks, and what can still be done ---


def test_a_broken_pinned_date_and_deadline_are_named_with_the_article_and_what_would_mend_it(desk: Desk) -> None:
    said = desk("move", "small", "bill", "--to", "2016-07-11").out
    found = desk("move", "small", "bill", "--to", "2016-07-11", "--json").json

    # The vote of June 28 can be on July 12 at the earliest: ten open days later.
    [vote] = found["breaches"]
    assert vote == {
        "id": "vote",
        "due": "2016-06-28",
        "finish": "2016-07-12",
        "late": 10,
        "late_before": 0,
        "pinned": True,
        "basis": "",
    }
    assert "動かせない日程を守れません: 議決（平成28年6月28日（火））" in said
    [reach] = found["advice"]["reaches"]
    assert reach["latest"] == "平成28年6月27日（月）"
    [remedy] = found["advice"]["remedies"]
    assert remedy == {"windows": {"vote": "平成28年7月12日（火）"}, "durations": {}, "days": 10}
    statutory = desk("move", "small", "notice", "--to", "2016-10-03", "--json").json["breaches"]
    assert [(each["id"], each["late"], each["basis"]) for each in statutory] == [("notice", 1, "番号法第19条")]


def test_shortening_a_work_is_proposed_where_that_saves_the_date(desk: Desk) -> None:
    found = desk("change", "small", "--move", "draft=2016-06-15～2016-06-28", "--json").json

    assert found["breached"] == ["vote"]
    remedies = {str(each["durations"] or each["windows"]) for each in found["advice"]["remedies"]}
    assert remedies == {"{'draft': '8wd'}", "{'vote': '平成28年6月30日（木）'}"}
    shorter = ("--move", "draft=2016-06-15～2016-06-28", "--duration", "draft=8wd")
    assert desk("change", "small", *shorter, "--json").json["breached"] == []


def test_a_what_if_on_a_file_needs_no_database_and_leaves_none(tmp_path: Path) -> None:
    calendar = calendar_with(tmp_path / "calendar", small=PLAN)
    desk = Desk(tmp_path / "home", calendar=calendar, today=FRIDAY)
    file = calendar / "plans" / "small.yaml"

    plain = {slot["id"]: slot for slot in desk("schedule", file, "--json").json}
    moved = {slot["id"]: slot for slot in desk("schedule", file, "--move", "bill=2016-07-11", "--json").json}
    shown = desk("schedule", file, "--move", "bill=2016-07-11").out

    assert plain["vote"]["earliest_finish"] == "2016-06-28"
    assert moved["vote"]["earliest_finish"] == "2016-07-12"
    assert list(moved["vote"]) == list(plain["vote"])
    assert "変えた場合" in shown
    assert not (tmp_path / "home").exists()


# --- a plan that changed meanwhile ---


def test_a_stale_preview_is_refused_with_what_changed_and_a_fresh_one(on_each_database: Desk) -> None:
    desk = on_each_database
    desk("move", "small", "bill", "--to", "平成28年7月", "--reason", "審査の延長", "--apply", actor="山田")

    stale = desk(
        "move",
        "small",
        "draft",
        "--to",
        "2016-06-20～2016-07-01",
        "--reason",
        "人手",
        "--revision",
        1,
        "--apply",
        code=1,
    )

    assert "第2版（山田: 審査の延長）" in stale.err
    assert "第2版で確かめました" in stale.err
    assert revision(desk) == 2
    desk("move", "small", "draft", "--to", "2016-06-20～2016-07-01", "--reason", "人手", "--revision", 2, "--apply")
    assert (
        "第9版はまだありません"
        in desk(
            "move", "small", "draft", "--to", "平成28年8月", "--reason", "人手", "--revision", 9, "--apply", code=1
        ).err
    )


# --- taking back ---


def test_undo_puts_every_date_back_as_a_new_revision_and_can_be_undone(on_each_database: Desk) -> None:
    desk = on_each_database
    before, exported = dates(desk), desk("export", "small").out
    desk("move", "small", "draft", "--to", "2016-07-04～2016-07-15", "--reason", "人手", "--apply")
    after = dates(desk)
    assert after != before

    looked = desk("undo", "small", "--json").json
    assert (dates(desk), revision(desk)) == (after, 2)
    desk("undo", "small", "--reason", "人手が戻った", "--apply")

    # What was pushed along comes back too.
    assert {each["id"] for each in looked["moved"]} == {"draft", "bill"}
    assert (dates(desk), desk("export", "small").out, revision(desk)) == (before, exported, 3)
    desk("undo", "small", "--reason", "やはり", "--apply")
    assert dates(desk) == after
    assert desk("audit", "list", "--json").json[-1]["action"] == "undo"
    assert "第1版" in desk("undo", "small", 1, "--reason", "試し", "--apply", code=1).err


def test_an_older_change_is_taken_back_alone_unless_a_later_one_touched_the_same(desk: Desk) -> None:
    desk("move", "small", "opening", "--to", "平成28年11月", "--reason", "一", "--apply")
    desk("change", "small", "--owner", "opening=residents", "--reason", "二", "--apply")

    desk("undo", "small", 2, "--reason", "戻す", "--apply")

    assert (text(desk, "opening")["when"], text(desk, "opening")["owner"]) == ("平成28年10月", "residents")
    assert "変わるところがありません" in desk("undo", "small", 2, "--reason", "もう一度", "--apply", code=1).err
    desk("move", "small", "opening", "--to", "平成28年12月", "--reason", "三", "--apply")
    refused = desk("undo", "small", 4, "--reason", "戻す", "--apply", code=1).err
    assert "第5版" in refused
    assert "窓口の開始" in refused


def test_a_waiver_and_a_cancellation_are_taken_back_with_their_change(desk: Desk) -> None:
    before = dates(desk)
    desk("change", "small", "--waive", "draft", "--cancel", "opening", "--reason", "対象なし", "--apply")
    states = {each["id"]: each["status"] for each in desk("status", "small", "--json").json}
    assert (states["draft"], states["opening"]) == ("waived", "cancelled")

    desk("undo", "small", "--reason", "対象があった", "--apply")

    assert dates(desk) == before
    desk("undo", "small", "--reason", "やはりない", "--apply")
    states = {each["id"]: each["status"] for each in desk("status", "small", "--json").json}
    assert (states["draft"], states["opening"]) == ("waived", "cancelled")


# --- an edited file ---


def test_an_edited_file_comes_in_as_a_change_like_any_other(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "edited.yaml"
    added = "  review: {title: 見直し, kind: milestone, owner: general_affairs, after: [opening], when: 平成29年3月}\n"
    policies = "policies:\n  standard: {before: {offsets: [3wd]}}\nmilestones:\n"
    exported = desk("export", "small").out.replace("milestones:\n", policies, 1)
    file.write_text(exported.replace("平成28年10月", "平成28年11月") + added, encoding="utf-8")

    looked = desk("import", "small", file, "--json").json
    assert revision(desk) == 1
    desk("import", "small", file, "--reason", "年度途中の見直し", "--apply")

    assert looked["added"] == ["review"]
    assert [each["id"] for each in looked["moved"]] == ["opening"]
    created = {each["milestone"] for each in looked["reminders"]["created"] if each["rule"] == "before:3wd"}
    assert {"draft", "opening", "review"} <= created
    assert text(desk, "review")["title"] == "見直し"
    file.write_text(exported.replace("owner: residents", "owner: resident"), encoding="utf-8")
    assert f"{file}:" in desk("import", "small", file, "--reason", "試し", "--apply", code=1).err
    file.write_text(exported.replace("plan: small", "plan: other"), encoding="utf-8")
    assert "計画「other」" in desk("import", "small", file, "--reason", "試し", "--apply", code=1).err


def test_what_was_reported_on_cannot_be_dropped_from_the_plan(desk: Desk, tmp_path: Path) -> None:
    desk("start", "small", "draft")
    file = tmp_path / "edited.yaml"
    exported = YAML(typ="safe").load(desk("export", "small").out)
    del exported["milestones"]["draft"]
    exported["milestones"]["bill"].pop("after")
    with file.open("w", encoding="utf-8") as out:
        YAML(typ="safe").dump(exported, out)

    assert "案の作成" in desk("import", "small", file, "--reason", "試し", "--apply", code=1).err


# --- two persons ---


def test_a_change_waits_for_somebody_else_and_is_made_when_they_approve(with_approval: Desk) -> None:
    desk = with_approval
    proposed = desk(
        "move", "small", "opening", "--to", "平成28年11月", "--reason", "国の延期", "--apply", "--json"
    ).json

    assert (proposed["change"]["revision"], proposed["change"]["proposal"]) == (None, 1)
    assert revision(desk) == 1
    assert [each["state"] for each in desk("approve", "small", "--json").json] == ["pending"]
    assert "自分の変更案" in desk("approve", "small", 1, "--apply", code=1).err
    assert "承認できません" in desk("approve", "small", 1, "--apply", code=1, actor="jichou").err
    assert "行えません" in desk("approve", "small", 1, "--apply", code=1, actor="jimu").err
    assert "まだ変更していません" in desk("approve", "small", 1, actor="buchou").out

    done = desk("approve", "small", 1, "--apply", "--reason", "了承", "--json", actor="buchou").json

    assert done["change"]["revision"] == 2
    assert text(desk, "opening")["when"] == "平成28年11月"
    entry = desk("audit", "list", "--json").json[-1]
    assert (entry["action"], entry["actor"]) == ("approve", "総務部長 buchou")
    assert (entry["details"]["proposed_by"], entry["details"]["as"]) == ("総務課長 kachou", "総務部長")
    assert "承認にしています" in desk("approve", "small", 1, "--apply", code=1, actor="buchou").err


def test_the_approver_is_asked_by_mail_and_a_deputy_stands_in_for_their_own_change(with_approval: Desk) -> None:
    desk = with_approval
    desk("move", "small", "opening", "--to", "平成28年12月", "--reason", "国の延期", "--apply")
    desk("move", "small", "opening", "--to", "平成28年11月", "--reason", "国の延期", "--apply", actor="buchou")
    desk("outbox", "send", actor="jimu")

    assert [mail["To"].addresses[0].username for mail in desk.mails] == ["buchou.soumubu", "jichou.soumubu"]
    said = desk.mails[0].get_body(("plain",)).get_content()
    assert "kijitsu approve small 1" in said
    assert "窓口の開始" in said
    desk("approve", "small", 2, "--apply", actor="jichou")
    assert text(desk, "opening")["when"] == "平成28年11月"


def test_a_proposal_is_turned_down_with_a_reason_or_withdrawn_by_its_author(with_approval: Desk) -> None:
    desk = with_approval
    for month in (11, 12):
        desk("move", "small", "opening", "--to", f"平成28年{month}月", "--reason", "国の延期", "--apply")

    assert "理由" in desk("approve", "small", 1, "--reject", code=1, actor="buchou").err
    assert "却下" in desk("approve", "small", 1, "--reject", "--reason", "時期尚早", actor="buchou").out
    assert "取下げ" in desk("approve", "small", 2, "--reject", "--reason", "重複").out

    assert revision(desk) == 1
    assert [each["state"] for each in desk("approve", "small", "--json").json] == ["rejected", "withdrawn"]
    assert "変更案 3 はありません" in desk("approve", "small", 3, code=1).err


def test_what_is_approved_is_what_was_proposed_on(with_approval: Desk) -> None:
    desk = with_approval
    for id, to in (("opening", "平成28年11月"), ("bill", "2016-06-21～2016-06-23")):
        desk("move", "small", id, "--to", to, "--reason", "国の延期", "--apply")
    desk("approve", "small", 2, "--apply", actor="buchou")

    stale = desk("approve", "small", 1, "--apply", code=1, actor="buchou").err
    assert "計画が変わりました: 第2版" in stale
    desk("approve", "small", 1, "--revision", 2, "--apply", actor="buchou")

    assert revision(desk) == 3
    verified(desk, 5)


def test_nobody_without_the_role_changes_a_plan(with_approval: Desk) -> None:
    for actor in ("kakari", "jimu", "nobody"):
        refused = with_approval(
            "move", "small", "bill", "--to", "平成28年7月", "--reason", "試し", "--apply", code=1, actor=actor
        )
        assert "計画の変更" in refused.err or "登録されていません" in refused.err
    assert revision(with_approval) == 1


# --- the real case ---


def test_the_portal_moves_to_july_2017_and_the_bill_falls_to_the_september_session(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", calendar=ROOT / "calendar", today="2016-05-13")
    desk("plan", "adopt", "fy28")

    delay = ("--move", "portal_establishment=平成29年7月めど", "--move", "portal=平成29年7月～", "--cascade", "none")
    portal = desk("change", "fy28", *delay, "--json").json
    desk("change", "fy28", *delay, "--reason", "国の情報連携とマイナポータルの延期", "--revision", 1, "--apply")

    assert [(each["id"], each["new"]) for each in portal["moved"]] == [
        ("portal_establishment", "平成29年7月めど"),
        ("portal", "平成29年7月～"),
    ]
    assert (portal["breached"], portal["lapsing"]) == ([], [])

    # June's session does not vote; September's ends on the 28th.
    fallen = ("move", "fy28", "independent_use_ordinance", "--to", "平成28年9月28日")
    found, said = desk(*fallen, "--json").json, desk(*fallen).out

    late = {each["id"]: (each["due"], each["late"], each["pinned"]) for each in found["breaches"]}
    # The commission takes the checklist in July and the notification in September: neither is ours to move.
    assert late == {
        "precheck": ("2016-07-31", 42, True),
        "notification": ("2016-09-30", 12, True),
        "notification_education": ("2016-09-30", 12, True),
    }
    redated = {each["id"]: each["new"] for each in found["redated"]}
    assert redated["ordinance_promulgation"] == "2016-10-19"
    slots = {each["id"]: each for each in desk("schedule", "fy28", "--as-of", "2016-05-13", "--json").json}
    after = {each["id"]: each["after"] for each in found["milestones"]}
    # The go-live of July 2017 stands: nothing of it is touched.
    assert "linkage" not in after or after["linkage"]["finish"] == slots["linkage"]["earliest_finish"]
    [reach] = found["advice"]["reaches"]
    assert reach["latest"] == "平成28年7月27日（水）"
    [remedy] = found["advice"]["remedies"]
    assert remedy["windows"] == {
        "precheck": "平成28年9月",
        "notification": "平成28年10月",
        "notification_education": "平成28年10月",
    }
    assert "相手方と調整して" in said

    # What the manager can still do, done: the commission agrees, and the change breaks nothing.
    agreed = [word for id, to in remedy["windows"].items() for word in ("--move", f"{id}={to}")]
    whole = ("--move", "independent_use_ordinance=平成28年9月28日", *agreed)
    assert desk("change", "fy28", *whole, "--json").json["breached"] == []
    desk("change", "fy28", *whole, "--reason", "6月定例会で議決に至らなかったため", "--revision", 2, "--apply")
    desk("undo", "fy28", "--reason", "臨時会で議決されたため", "--apply")
    assert {each["id"]: each for each in desk("schedule", "fy28", "--as-of", "2016-05-13", "--json").json} == slots
