"""`kijitsu backup` and `kijitsu restore`, and the coming weeks with `kijitsu reminders --weeks`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from email.utils import parseaddr
from pathlib import Path

import pytest

from tests.acceptance.support import SMALL, Desk, calendar_with, engine_of
from tests.integration.test_store_audit import tamper
from tests.integration.test_store_copying import rows

FRIDAY = date(2016, 5, 20)
CLOSED_PORT = "smtp://127.0.0.1:9"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk where the small plan is adopted, on Friday; no pass has run."""
    calendar = calendar_with(tmp_path / "calendar", small=SMALL)
    desk = Desk(tmp_path / "home", calendar=calendar, plan="small", today=FRIDAY)
    desk("plan", "adopt", "small")
    return desk


def archive(desk: Desk) -> Path:
    return Path(desk("backup", "--json").json["file"])


def test_a_backup_says_where_it_is_and_what_to_note_down_and_a_restore_the_same(desk: Desk, tmp_path: Path) -> None:
    desk("watch")

    made = desk("backup").out
    [file] = (tmp_path / "home" / "backups").glob("kijitsu-042021-20160520-083000.zip")
    restored = desk("restore", file, home=tmp_path / "new").out

    [head] = re.findall(r"監査記録の最後は (\S+) です", made)
    assert f"バックアップを作りました: {file}" in made
    assert f"復元しました: {tmp_path / 'new'}" in restored
    assert head in restored
    assert "控えの2番と一致します" in desk("audit", "verify", "--head", head, home=tmp_path / "new").out
    assert "復元" in desk("audit", "list", home=tmp_path / "new").out


def test_an_archive_is_checked_without_being_restored(desk: Desk, tmp_path: Path) -> None:
    file = archive(desk)

    said = desk("restore", file, "--check", home=tmp_path / "new").out
    manifest = desk("restore", file, "--check", "--json", home=tmp_path / "new").json

    assert "欠けや改ざんはありません" in said
    assert manifest["rows"]["plan_revisions"] == 1
    assert not (tmp_path / "new").exists()


def test_a_restore_where_there_is_data_is_refused_with_what_to_do(desk: Desk) -> None:
    refused = desk("restore", archive(desk), code=1).err

    assert "既にデータ（データベース）があるので、復元しません" in refused
    assert "KIJITSU_HOME" in refused


def test_a_backup_of_an_altered_log_ends_with_the_sentences(desk: Desk, tmp_path: Path) -> None:
    tamper(engine_of(f"sqlite:///{tmp_path / 'home' / 'kijitsu.db'}"), "UPDATE audit SET actor = '別人'")

    done = desk("backup", code=1)

    assert "監査記録 1番 の内容が、記録した後に書き換えられています" in done.err
    assert "古いバックアップは消していません" in done.err


def test_without_a_database_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    done = Desk(tmp_path / "home")("backup", code=3)

    assert "まだありません" in done.err
    assert not (tmp_path / "home").exists()


# --- the coming weeks ---


def lived(desk: Desk, last: date) -> Iterator[tuple[str, str, str]]:
    """Live through the weekdays, and yield each letter that arrives: day, recipient's address, subject."""
    seen = len(desk.mails)
    for day in (FRIDAY + timedelta(number) for number in range((last - FRIDAY).days + 1)):
        if day.weekday() < 5:
            desk("watch", today=day)
            for mail in desk.mails[seen:]:
                yield day.isoformat(), parseaddr(mail["To"])[1], str(mail["Subject"])
            seen = len(desk.mails)


def test_what_is_rehearsed_is_what_then_happens(empty_database: str, tmp_path: Path) -> None:
    calendar = calendar_with(tmp_path / "calendar", small=SMALL)
    desk = Desk(tmp_path / "home", calendar=calendar, plan="small", today=FRIDAY, database_url=empty_database)
    desk("plan", "adopt", "small")
    before = rows(engine_of(empty_database))

    told = desk("reminders", "--weeks", "2", "--json", smtp_url=CLOSED_PORT).json

    assert rows(engine_of(empty_database)) == before
    assert list((tmp_path / "home").glob("*/*.eml")) == []
    happened = sorted(lived(desk, FRIDAY + timedelta(weeks=2)))
    assert sorted((each["on"], each["address"], each["subject"]) for each in told["letters"]) == happened
    assert (told["from"], told["to"], told["passes"]) == ("2016-05-20", "2016-06-03", 11)
    assert told["letters"][0]["milestones"] == [{"id": "review", "title": "評価書の再評価"}]
    assert {"期限超過", "週報"} <= {word for each in happened for word in re.findall(r"【(期限超過|週報)", each[2])}


def test_letters_that_wait_go_out_in_a_rehearsal_and_go_on_waiting(desk: Desk) -> None:
    desk("watch", smtp_url=CLOSED_PORT, code=3)
    waiting = desk("outbox", "list", "--json").json

    told = desk("reminders", "--weeks", "1", "--json").json

    assert (told["letters"][0]["on"], told["letters"][0]["subject"]) == ("2016-05-23", waiting[0]["subject"])
    assert told["from"] == "2016-05-21", "the pass of Friday is over"
    assert desk("outbox", "list", "--json").json == waiting
    assert desk.mails == []


def test_where_everything_is_done_on_time_nobody_is_called_late(desk: Desk) -> None:
    late, on_time = (desk("reminders", "--weeks", "26", *option, "--json").json for option in ([], ["--on-time"]))

    assert [late["assuming"], on_time["assuming"]] == ["nothing", "on-time"]
    assert any("【期限超過】" in each["subject"] for each in late["letters"])
    assert not any("【期限超過】" in each["subject"] for each in on_time["letters"])
    assert any("届出書の提出" in each["subject"] for each in on_time["letters"]), (
        "its turn comes once the review is done"
    )


def test_a_rehearsal_is_read_as_a_table(desk: Desk, tmp_path: Path) -> None:
    said = desk("reminders", "--weeks", "1").out

    assert "平成28年5月20日（金）から平成28年5月27日（金）までに出る通知" in said
    assert "だれも報告しない" in said
    assert "【5月31日期限】「評価書の再評価」について（照会）" in said
    assert not (tmp_path / "home" / "rehearsal").exists()
