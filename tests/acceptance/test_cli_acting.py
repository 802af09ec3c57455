"""A plan's life at the command line: adopted, watched, reported on, moved, exported; on SQLite and PostgreSQL."""

from __future__ import annotations

import socket
from hashlib import sha256
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from sqlalchemy import text

from kijitsu.people import os_user
from tests.acceptance.support import SMALL, Desk, body, calendar_with, engine_of

FRIDAY, MONDAY, TUESDAY = "2016-06-03", "2016-06-06", "2016-06-07"


@pytest.fixture
def desk(empty_database: str, tmp_path: Path) -> Desk:
    calendar = calendar_with(tmp_path / "calendar", small=SMALL)
    return Desk(
        tmp_path / "home", calendar=calendar, database_url=empty_database, today=FRIDAY, actor="情報 太郎", plan="small"
    )


@pytest.fixture
def adopted(desk: Desk) -> Desk:
    desk("plan", "adopt", "small")
    return desk


def complete_review(desk: Desk) -> None:
    desk("complete", "small", "review", "--evidence", "評価書=総第75号")


def status(desk: Desk, id: str, **settings: str) -> str:
    verdicts = {verdict["id"]: verdict["status"] for verdict in desk("status", "small", "--json", **settings).json}
    return str(verdicts[id])


def test_a_plan_is_adopted_once_and_says_where_to_go_on(desk: Desk) -> None:
    before = desk("plan", "list", "--json") if "sqlite" in str(desk.variables["KIJITSU_DATABASE_URL"]) else None

    desk("plan", "adopt", "small")
    again = desk("plan", "adopt", "small", code=1)

    assert before is None or before.json == [{"plan": "small", "title": "小さな計画", "revision": None}]
    assert desk("plan", "list", "--json").json == [{"plan": "small", "title": "小さな計画", "revision": 1}]
    assert "第1版" in again.err
    assert "kijitsu move small" in again.err


def test_a_watch_writes_to_everybody_concerned_and_the_next_one_of_the_day_to_nobody(adopted: Desk) -> None:
    first = adopted("watch", "small", "--json")
    second = adopted("watch", "small", "--json")

    # 期限超過: 総務課, the 事務局; 停止: 市民課, its 部, the 事務局; 情報システム課, the 事務局.
    assert first.json == {
        "plan": "small",
        "on": FRIDAY,
        "open": True,
        "transitions": 4,
        "letters": 5,
        "calendars": [],
        "sent": 5,
        "waiting": 0,
        "dead": 0,
        "needs_action": ["review", "filing", "portal"],
    }
    assert (second.json["transitions"], second.json["letters"], second.json["sent"]) == (0, 0, 0)
    assert sorted(mail["To"].addresses[0].username for mail in adopted.mails) == [
        *("bangou-jimukyoku", "jouhou", "seikatsu-kankyou", "shimin", "soumu")
    ]


def test_a_letter_is_a_mail_that_says_why_and_by_which_law(adopted: Desk) -> None:
    adopted("watch", "small")

    (mail,) = [mail for mail in adopted.mails if mail["To"].addresses[0].username == "shimin"]
    assert str(mail["To"]) == "市民課 <shimin@city.ishinomaki.example>"
    assert mail["Subject"] == "【停止】「届出書の提出」について（通知）"
    assert mail["Date"].datetime.isoformat() == "2016-06-02T23:30:00+00:00"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    for part in ("plain", "html"):
        assert "届出書の提出" in body(mail, part)
        assert "「評価書の再評価」（担当：総務課）が期限までに終わっていません" in body(mail, part)
        assert "番号法第27条" in body(mail, part)
    ids = [mail["Message-ID"] for mail in adopted.mails]
    assert len(set(ids)) == 5
    assert all(id.startswith("<") and id.endswith("@city.example>") for id in ids)


def test_a_closed_day_is_only_looked_at(adopted: Desk) -> None:
    on_saturday = adopted("watch", "small", "--json", today="2016-06-04").json

    assert (on_saturday["open"], on_saturday["transitions"], on_saturday["letters"]) == (False, 0, 0)
    assert "閉庁日（土曜日）です" in adopted("watch", "small", today="2016-06-04").out
    assert adopted.mails == []
    (entry,) = adopted("audit", "list", "--json").json
    head = {"number": 1, "hash": entry["hash"]}
    assert adopted("audit", "verify", "--json").json == {"entries": 1, "head": head, "problems": []}


def test_a_watch_is_of_today_or_of_a_day_that_was_missed(adopted: Desk) -> None:
    assert "先の日です" in adopted("watch", "small", "--as-of", MONDAY, code=1).err

    assert adopted("watch", "small", "--as-of", "2016-06-02", "--json").json["on"] == "2016-06-02"
    assert adopted("watch", "small", "--json").json["on"] == FRIDAY
    assert "戻れません" in adopted("watch", "small", "--as-of", "2016-06-02", code=1).err


def test_completion_is_refused_without_evidence_ahead_of_its_day_and_twice(adopted: Desk) -> None:
    def refused(*words: str) -> str:
        return adopted("complete", "small", *words, code=1).err

    assert "--evidence 評価書=文書番号" in refused("review")
    assert "評価書=" in refused("review", "--evidence", "議事録=総第1号")
    assert "種類=文書番号" in refused("review", "--evidence", "評価書")
    assert "先の日です" in refused("review", "--evidence", "評価書=総第75号", "--on", MONDAY)
    assert "もしかして: review" in refused("reviw", "--evidence", "評価書=総第75号")
    assert "二つあります" in refused("review", "--evidence", "評価書=総第75号", "--evidence", "評価書=総第76号")
    assert status(adopted, "review") == "overdue"

    adopted("complete", "small", "review", "--evidence", "評価書=総第75号", "--on", "H28.6.2")
    assert "平成28年6月2日（木）に終わっています" in refused("review", "--evidence", "評価書=総第76号")

    assert status(adopted, "review") == "done"
    assert adopted("audit", "verify", "--json").json["entries"] == 2


def test_a_blocked_milestone_is_complete_only_with_a_reason_and_all_its_evidence(adopted: Desk) -> None:
    papers = ("--evidence", "届出書=総第90号")

    blocked = adopted("complete", "small", "filing", *papers, code=1)
    adopted("complete", "small", "review", "--evidence", "評価書=総第75号")
    half = adopted("complete", "small", "filing", *papers, code=1)
    adopted("complete", "small", "filing", *papers, "--evidence", "送付状=総第91号")

    assert "評価書の再評価" in blocked.err
    assert "--override" in blocked.err
    assert "--evidence 送付状=文書番号" in half.err
    assert status(adopted, "filing") == "done"


def test_a_completion_without_evidence_needs_a_reason_and_keeps_it(adopted: Desk) -> None:
    adopted("complete", "small", "review", "--override", "原本は県が保管")

    (_, entry) = adopted("audit", "list", "--json").json
    assert entry["action"] == "complete"
    assert entry["actor"] == "情報 太郎"
    assert entry["subject"] == "small/review"
    assert entry["details"]["override"] == "原本は県が保管"


def test_a_file_given_as_evidence_is_kept_under_its_sha256(adopted: Desk, tmp_path: Path) -> None:
    paper = tmp_path / "評価書.PDF"
    paper.write_bytes(b"%PDF-1.4 ...")
    digest = sha256(b"%PDF-1.4 ...").hexdigest()

    dates = ("--on", "6月2日", "--decided", "6月1日", "--received", "H28.6.2", "--expires", "3月31日")
    adopted("complete", "small", "review", "--evidence", "評価書=総第75号", "--file", f"評価書={paper}", *dates)

    assert adopted.home
    assert (adopted.home / "evidence" / digest[:2] / digest).read_bytes() == b"%PDF-1.4 ..."
    (entry,) = adopted("evidence", "list", "small", "review", "--json").json
    assert entry["file"]["sha256"] == digest
    # Without a year they are the plan's: fiscal 2016 ends in March 2017.
    assert [entry[name] for name in ("on", "decided", "received", "expires")] == [
        "2016-06-02",
        "2016-06-01",
        "2016-06-02",
        "2017-03-31",
    ]
    listed = adopted("evidence", "list", "small").out
    assert all(word in listed for word in ("総第75号", "決裁 2016-06-01", "評価書.PDF", "情報 太郎"))
    adopted("evidence", "save", "small", digest[:12], "--out", tmp_path / "out.pdf")
    assert (tmp_path / "out.pdf").read_bytes() == b"%PDF-1.4 ..."
    missing = adopted("complete", "small", "audience", "--file", tmp_path / "nowhere.pdf", code=1)
    assert "nowhere.pdf" in missing.err


def test_the_watch_after_the_completion_unblocks_and_tells_those_who_waited(adopted: Desk) -> None:
    adopted("watch", "small")
    complete_review(adopted)

    report = adopted("watch", "small", "--json", today=MONDAY).json

    assert (report["transitions"], report["letters"], report["sent"]) == (3, 4, 4)
    assert report["needs_action"] == []
    assert status(adopted, "filing", today=MONDAY) == "scheduled"
    told = {mail["To"].addresses[0].username: mail for mail in adopted.mails[5:]}
    assert set(told) == {"shimin", "seikatsu-kankyou", "jouhou", "bangou-jimukyoku"}
    assert told["shimin"]["Subject"] == "【停止解除】「届出書の提出」について（通知）"


def test_a_preview_shows_everything_and_changes_nothing(adopted: Desk) -> None:
    before = adopted("export", "small").out

    shown = adopted("move", "small", "filing", "--to", "平成29年2月", "--json").json
    said = adopted("move", "small", "filing", "--to", "平成29年2月").out

    # The filing cannot be over before February 1, so that the opening in January moves by whole months.
    assert list(shown)[:7] == ["change", "moved", "breached", "lapsing", "reminders", "notified", "redated"]
    assert shown["change"]["revision"] is None
    assert shown["moved"] == [
        {"id": "filing", "old": "平成28年9月", "new": "平成29年2月"},
        {"id": "portal", "old": "平成29年1月", "new": "平成29年2月"},
    ]
    assert list(shown["reminders"]) == ["cancelled", "created"]
    assert {"residents", "information_systems"} <= set(shown["notified"])
    assert "まだ変更していません" in said
    assert "--apply" in said
    assert adopted("export", "small").out == before
    assert adopted("plan", "list", "--json").json[0]["revision"] == 1
    assert adopted("audit", "verify", "--json").json["entries"] == 1


def test_a_move_without_a_reason_is_refused(adopted: Desk) -> None:
    for reason in ([], ["--reason", "　"]):
        refused = adopted("move", "small", "filing", "--to", "平成28年10月", "--apply", *reason, code=1)
        assert "理由が要ります" in refused.err

    assert adopted("plan", "list", "--json").json[0]["revision"] == 1


def test_a_move_makes_a_second_revision_and_new_reminders(adopted: Desk) -> None:
    complete_review(adopted)

    reason = ("--apply", "--reason", "国の受付が延びたため")
    done = adopted("move", "small", "filing", "--to", "平成28年10月", *reason, "--cascade", "none", "--json").json

    assert done["change"] == {
        "plan": "small",
        "milestone": "filing",
        "to": "平成28年10月",
        "reason": "国の受付が延びたため",
        "cascade": "none",
        "edits": [{"move": "filing", "to": "平成28年10月"}],
        "on": FRIDAY,
        "previewed": 1,
        "revision": 2,
        "proposal": None,
    }
    assert done["moved"] == [{"id": "filing", "old": "平成28年9月", "new": "平成28年10月"}]
    assert (done["breached"], done["lapsing"]) == ([], [])
    assert done["reminders"]["cancelled"] == [
        {"milestone": "filing", "rule": rule, "recipient": to, "deadline": "2016-09-30"}
        for rule, to in (
            *((f"before:{offset}wd", "residents") for offset in (10, 1, 20, 5)),
            ("on_day", "residents"),
            ("on_day", "secretariat"),
        )
    ]
    assert {each["deadline"] for each in done["reminders"]["created"]} == {"2016-10-31"}
    assert done["notified"] == ["residents", "secretariat"]
    assert adopted("plan", "list", "--json").json[0]["revision"] == 2
    assert adopted("audit", "list", "--json").json[-1]["details"]["reason"] == "国の受付が延びたため"
    assert "理由：国の受付が延びたため" in adopted("audit", "list").out


def test_reminders_are_what_was_sent_and_what_is_to_come(adopted: Desk) -> None:
    complete_review(adopted)
    adopted("move", "small", "filing", "--to", "平成28年10月", "--apply", "--reason", "国の受付が延びたため")
    adopted("watch", "small", "--json", today="2016-10-05")  # audience, a meeting, is 11 working days ahead
    adopted("watch", "small", "--json", today="2016-10-06")

    ledger = adopted("reminders", "small", "--json", today="2016-10-06").json

    assert all(
        list(each)
        == ["date", "milestone", "rule", "recipient", "channel", "deadline", "state", "title", "recipient_title"]
        for each in ledger
    )
    lines = [(each["date"], each["milestone"], each["rule"], each["recipient"], each["state"]) for each in ledger]
    # October 10 is 体育の日. 20 working days before October 31 was September 30, and it goes out late, once.
    assert lines == [
        ("2016-06-03", "filing", "moved:2", "residents", "sent"),
        ("2016-06-03", "filing", "moved:2", "secretariat", "sent"),
        ("2016-10-05", "audience", "before:15wd", "committee", "sent"),
        ("2016-10-05", "audience", "before:15wd", "secretariat", "sent"),
        ("2016-10-05", "filing", "before:20wd", "residents", "sent"),
        ("2016-10-13", "audience", "before:5wd", "committee", "upcoming"),
        ("2016-10-13", "audience", "before:5wd", "secretariat", "upcoming"),
        ("2016-10-17", "filing", "before:10wd", "residents", "upcoming"),
        ("2016-10-19", "audience", "before:1wd", "committee", "upcoming"),
        ("2016-10-19", "audience", "before:1wd", "secretariat", "upcoming"),
        ("2016-10-20", "audience", "on_day", "committee", "upcoming"),
        ("2016-10-24", "filing", "before:5wd", "residents", "upcoming"),
        ("2016-10-28", "filing", "before:1wd", "residents", "upcoming"),
        ("2016-10-31", "filing", "on_day", "residents", "upcoming"),
        ("2016-10-31", "filing", "on_day", "secretariat", "upcoming"),
        ("2017-01-17", "portal", "before:10wd", "information_systems", "upcoming"),
        ("2017-01-24", "portal", "before:5wd", "information_systems", "upcoming"),
        ("2017-01-30", "portal", "before:1wd", "information_systems", "upcoming"),
        ("2017-01-31", "portal", "on_day", "information_systems", "upcoming"),
    ]


def test_audit_verify_names_the_entry_that_somebody_changed(adopted: Desk, empty_database: str) -> None:
    adopted("watch", "small")
    complete_review(adopted)
    adopted("waive", "small", "portal", "--reason", "国が行うため")
    assert "4件" in adopted("audit", "verify").out

    with engine_of(empty_database).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        else:
            connection.execute(text("DROP TRIGGER audit_no_update"))
        connection.execute(text("UPDATE audit SET actor = '別の人' WHERE number = 3"))

    found = adopted("audit", "verify", code=1)
    assert "3番" in found.err
    assert "4番 の" not in found.err
    as_json = adopted("audit", "verify", "--json", code=1).json
    head = {"number": 4, "hash": adopted("audit", "list", "--json").json[-1]["hash"]}
    assert as_json == {"entries": 4, "head": head, "problems": found.err.splitlines()}


def test_export_gives_a_plan_that_check_accepts_in_the_order_it_was_written(adopted: Desk, tmp_path: Path) -> None:
    adopted("move", "small", "filing", "--to", "平成28年10月", "--apply", "--reason", "国の受付が延びたため")

    exported = tmp_path / "exported.yaml"
    exported.write_text(adopted("export", "small").out, encoding="utf-8")

    assert adopted("check", exported, "--json").json == []
    data = YAML(typ="safe").load(exported)
    assert list(data) == ["plan", "title", "fiscal_year", "organisation", "milestones"]
    assert list(data["milestones"]) == ["review", "filing", "audience", "portal"]
    assert data["milestones"]["filing"]["when"] == "平成28年10月"
    assert data["milestones"]["filing"]["evidence"] == ["届出書", "送付状"]
    assert adopted("schedule", exported, "--json").out == adopted("schedule", "small", "--json").out


def test_a_waived_milestone_stops_nothing_any_more(adopted: Desk) -> None:
    adopted("watch", "small")

    adopted("waive", "small", "review", "--reason", "対象の事務がないため")

    assert status(adopted, "review") == "waived"
    assert status(adopted, "filing") == "scheduled"
    twice = adopted("waive", "small", "review", "--reason", "対象の事務がないため", code=1)
    assert "終わっています。免除はできません" in twice.err
    assert "理由が要ります" in adopted("waive", "small", "portal", "--reason", " ", code=1).err


def test_doctor_finds_everything_in_order(adopted: Desk) -> None:
    assert "small" in adopted("doctor").out
    assert all(finding["is_fine"] for finding in adopted("doctor", "--json").json)


def test_doctor_names_the_relay_that_nobody_hears_and_the_webhook_that_has_no_address(
    adopted: Desk, tmp_path: Path
) -> None:
    organisation = tmp_path / "calendar" / "organisations" / "ishinomaki.yaml"
    text = organisation.read_text(encoding="utf-8")
    mail = "mail: jinji@city.ishinomaki.example"
    assert mail in text
    organisation.write_text(text.replace(mail, "channel: teams\n    address: jinji-teams"), encoding="utf-8")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers
        relay = f"smtp://127.0.0.1:{taken.getsockname()[1]}"
        done = adopted("doctor", code=3, smtp_url=relay)
    mended = adopted("doctor", secrets='{"jinji-teams": "https://hook.example/x"}')

    assert "× メール" in done.out
    assert "人事課（teams）: jinji-teams" in done.err
    assert "KIJITSU_SECRETS" in done.err
    assert "hook.example" not in mended.out


def test_an_adopted_plan_is_read_whatever_became_of_its_file(adopted: Desk, tmp_path: Path) -> None:
    file = tmp_path / "calendar" / "plans" / "small.yaml"
    before = adopted("status", "small", "--json").out

    for change in (lambda: file.write_text("plan: small\n", encoding="utf-8"), file.unlink):
        change()
        assert adopted("status", "small", "--json").out == before
        assert adopted("plan", "list", "--json").json == [{"plan": "small", "title": "小さな計画", "revision": 1}]
        adopted("watch", "small")
        adopted("move", "small", "filing", "--to", "平成28年10月")


def test_people_read_tables_and_sentences(adopted: Desk) -> None:
    adopted("watch", "small")

    assert "届出書の提出" in adopted("status", "small").out
    assert "送信済み" in adopted("reminders", "small").out
    assert "採用" in adopted("audit", "list", "small").out
    assert "評価書の再評価" in adopted("watch", "small").out
    assert "送信箱" in adopted("outbox", "list", "small").out
    assert adopted("outbox", "list", "small", "--json").json == []


def test_the_audit_log_is_in_the_citys_time_and_in_japanese(adopted: Desk) -> None:
    complete_review(adopted)

    shown, entries = adopted("audit", "list").out, adopted("audit", "list", "--json").json

    assert "時刻（Asia/Tokyo）" in shown
    assert [entry["at"] for entry in entries] == ["2016-06-02T23:30:00+00:00"] * 2
    assert shown.count("2016-06-03 08:30:00") == 2
    assert f"（設定・{os_user()}）" in shown
    assert "評価書：" in shown


def test_the_ledger_is_asked_in_the_words_that_it_shows(adopted: Desk) -> None:
    sent = adopted("watch", "small")

    assert "手元の郵便箱（" in sent.out
    assert (
        adopted("reminders", "--state", "送信済み", "--json").json
        == adopted("reminders", "--state", "sent", "--json").json
    )
    assert "不達の督促はありません。" in adopted("reminders", "--state", "dead").out
    assert adopted("reminders", "--state", "dead", "--json").json == []
    assert "もしかして: 送信待ち" in adopted("reminders", "--state", "送信待", code=1).err


def test_commands_without_a_plan_mean_the_one_of_the_settings(adopted: Desk) -> None:
    assert adopted("watch", "--json").json["plan"] == "small"
    assert adopted("reminders", "--json").json
    assert "kijitsu plan adopt fy28" in adopted("watch", plan="fy28", code=1).err
