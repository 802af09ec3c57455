"""Backups and the way back: whole, consistent while others write, and refused where anything is not as it was."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from kijitsu import archives
from kijitsu.archives import DATABASE, KEYS, MANIFEST, Manifest
from kijitsu.bootstrap import open_office
from kijitsu.domain.errors import InputError, OutsideError
from kijitsu.domain.history import Deed
from kijitsu.links import KeyFile
from kijitsu.office import Office
from kijitsu.services import auditing, evidencing, keeping
from kijitsu.services.delivering import dispatch
from kijitsu.services.keeping import backup, check, restore
from kijitsu.services.reporting import Report, report
from kijitsu.services.watching import watch
from kijitsu.store.engine import connect
from kijitsu.store.rows import AuditHead, AuditRow, OutboxState
from kijitsu.store.work import UnitOfWork
from tests.at_once import at_once
from tests.board import CLERK, ISHINOMAKI, TODAY, installation
from tests.integration.test_dispatch_killed import in_a_process, was_killed
from tests.integration.test_store_audit import tamper
from tests.migration.test_upgrade import upgrade_to

MONDAY = "2016-05-23"
PDF = b"%PDF-1.7\n" + b"x" * 100_000
DIGEST = sha256(PDF).hexdigest()


def prepared(folder: Path, url: str = "") -> Office:
    """Return an office on Monday: Friday's letters were sent, Monday's wait; evidence and keys are kept."""
    friday = installation(folder, database_url=url)
    watch(friday, "small")
    dispatch(friday, friday.library.organisations()[0])
    (folder / "評価書.pdf").write_bytes(PDF)
    done = Report(Deed.COMPLETE, "review", TODAY, evidence={"評価書": "総第75号"}, files={"": folder / "評価書.pdf"})
    report(friday, "small", done, CLERK)
    KeyFile(friday.settings.home).rotate()
    monday = open_office(replace(friday.settings, today=MONDAY))
    watch(monday, "small")
    return monday


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return prepared(tmp_path)


@pytest.fixture
def elsewhere(office: Office, tmp_path: Path) -> Office:
    """An office where nothing is yet."""
    return open_office(replace(office.settings, home=tmp_path / "elsewhere"))


@pytest.fixture(params=["sqlite to postgresql", "postgresql to sqlite"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Office, Office]]:
    """An office with data on one kind of database, and one without any on the other."""
    with ExitStack() as stack:
        server = stack.enter_context(request.getfixturevalue("postgres").database())
        urls = (server, "") if request.param.startswith("postgresql") else ("", server)
        here = prepared(tmp_path, urls[0])
        yield here, open_office(replace(here.settings, home=tmp_path / "there", database_url=urls[1]))


def outbox(office: Office) -> dict[str, OutboxState]:
    with office.open_work(ISHINOMAKI, True) as work:
        return {row.key: row.state for row in work.outbox.all()}


def audit_of(office: Office) -> list[AuditRow]:
    with office.open_work(ISHINOMAKI, True) as work:
        assert work.audit.verify() == []
        return work.audit.all()


def test_what_is_restored_is_what_was_backed_up_on_the_other_kind_of_database_too(both: tuple[Office, Office]) -> None:
    here, there = both
    before, letters = audit_of(here), outbox(here)
    made = backup(here, CLERK)

    restored = restore(there, CLERK, made.file)

    assert (made.problems, made.manifest) == ([], restored)
    *kept, last = audit_of(there)
    assert kept == before
    assert audit_of(here) == before, "a backup writes nothing"
    head = AuditHead(before[-1].number, before[-1].hash)
    assert (last.action, last.actor, last.subject) == ("restore", CLERK.name, made.file.name)
    assert last.details["head"] == f"{head.number}:{head.hash}"
    organisation = there.library.organisations()[0]
    assert auditing.verify(there, organisation, head).problems == []
    assert outbox(there) == letters
    assert [each["file"]["sha256"] for each in evidencing.papers(there, "small")] == [DIGEST]
    assert KeyFile(there.settings.home).keys() == KeyFile(here.settings.home).keys()


def test_a_restored_office_sends_what_waited_and_not_again_what_was_sent(office: Office, elsewhere: Office) -> None:
    waiting = {key for key, state in outbox(office).items() if state is OutboxState.PENDING}
    restore(elsewhere, CLERK, backup(office, CLERK).file)

    watch(elsewhere, "small")
    sent = dispatch(elsewhere, elsewhere.library.organisations()[0])

    assert waiting
    assert sent.sent == len(waiting) == len(list(elsewhere.settings.mailbox.glob("*.eml")))
    assert set(outbox(elsewhere)) == set(outbox(office)), "the day's pass was in the backup"


def test_only_the_owner_reads_a_backup_and_what_is_restored_from_it(office: Office, elsewhere: Office) -> None:
    made = backup(office, CLERK)
    restore(elsewhere, CLERK, made.file)

    modes = [made.file, elsewhere.settings.home / KEYS, elsewhere.settings.evidence / DIGEST[:2] / DIGEST]

    assert [oct(stat.S_IMODE(path.stat().st_mode)) for path in modes] == ["0o600", "0o600", "0o440"]


def test_backups_during_reports_show_one_moment(empty_database: str, tmp_path: Path) -> None:
    office = prepared(tmp_path, empty_database)
    made: list[keeping.Backup] = []

    def act(number: int) -> None:
        mine = open_office(office.settings)
        if number == 0:
            made.extend(backup(mine, CLERK) for _ in range(2))
        else:
            for day in range(24, 28):
                said = Report(Deed.ESTIMATE, "portal", TODAY, f"その{number}の{day}", until=TODAY.replace(day=day))
                report(mine, "small", said, CLERK)

    at_once(3, act)

    # An event without its entry, or an entry without its event, is a problem.
    assert [each.problems for each in made] == [[], []]
    assert [check(each.file) for each in made] == [each.manifest for each in made]


def test_only_the_newest_stay_and_only_what_is_ours_goes(office: Office, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    foreign = [
        "kijitsu-041009-20100101-083000.zip",
        "kijitsu-042021-古い.zip",
        "kijitsu-042021-20100101-083000.zip.txt",
    ]
    for name in [*foreign, "kijitsu-042021-20100101-083000.zip", "kijitsu-042021-20200101-083000-2.zip"]:
        (folder / name).touch()

    made = [backup(office, CLERK, folder, keep=3) for _ in range(3)]

    stamp = "kijitsu-042021-20160523-083000"
    assert [each.file.name for each in made] == [f"{stamp}.zip", f"{stamp}-2.zip", f"{stamp}-3.zip"]
    assert [path.name for each in made for path in each.removed] == [
        "kijitsu-042021-20100101-083000.zip",
        f"{stamp}.zip",
    ]
    kept = {path.name for path in folder.glob("kijitsu*")}
    assert kept == {*foreign, "kijitsu-042021-20200101-083000-2.zip", f"{stamp}-2.zip", f"{stamp}-3.zip"}


def test_a_named_file_is_not_written_over_and_nothing_goes_for_it(office: Office, tmp_path: Path) -> None:
    made = backup(office, CLERK, tmp_path / "移行.zip", keep=1)
    before = made.file.read_bytes()

    with pytest.raises(InputError, match="もうあります"):
        backup(office, CLERK, tmp_path / "移行.zip")

    assert made.file.read_bytes() == before


def test_a_log_that_was_altered_is_told_and_pushes_no_good_backup_out(office: Office) -> None:
    good = backup(office, CLERK, keep=1)
    engine = connect(office.settings.database)
    tamper(engine, "UPDATE audit SET actor = '別人' WHERE number = 2")
    engine.dispose()

    bad = backup(office, CLERK, keep=1)

    assert bad.problems == ["監査記録 2番 の内容が、記録した後に書き換えられています。"]
    assert (bad.removed, good.file.exists()) == ([], True)
    with pytest.raises(InputError, match="復元に使えません"):
        check(bad.file)


def test_evidence_that_is_altered_or_gone_is_told(office: Office) -> None:
    kept = office.settings.evidence / DIGEST[:2] / DIGEST
    kept.chmod(0o640)
    kept.write_bytes(b"%PDF-1.7 altered")
    altered = backup(office, CLERK).problems
    kept.unlink()
    gone = backup(office, CLERK).problems

    assert altered == [f"証拠書類 evidence/{DIGEST[:2]}/{DIGEST} の内容が、保管した後に変わっています。"]
    assert gone == [f"証拠書類 {DIGEST} がバックアップにありません。"]


# --- what is not restored ---


def rewritten(file: Path, change: Callable[[dict[str, bytes]], None], *, honest: bool = True) -> Path:
    """Change the members of an archive; an honest one has a manifest that fits."""
    with zipfile.ZipFile(file) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    change(members)
    if honest:
        manifest = json.loads(members.pop(MANIFEST))
        manifest["members"] = {name: sha256(content).hexdigest() for name, content in members.items()}
        members[MANIFEST] = json.dumps(manifest).encode()
    with zipfile.ZipFile(file, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return file


def flip(members: dict[str, bytes]) -> None:
    members[KEYS] = members[KEYS].swapcase()


def replace_evidence(members: dict[str, bytes]) -> None:
    members[f"evidence/{DIGEST[:2]}/{DIGEST}"] = b"%PDF-1.7 other"


def cut(file: Path) -> Path:
    os.truncate(file, file.stat().st_size // 2)
    return file


DAMAGES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "cut": (cut, "not a zip file"),
    "another file": (lambda file: (file.write_text("メモ"), file)[1], "not a zip file"),
    "another zip": (lambda file: rewritten(file, dict.clear, honest=False), "There is no item named"),
    "a member altered": (lambda file: rewritten(file, flip, honest=False), "link-keys の内容が変わっています"),
    "evidence replaced": (lambda file: rewritten(file, replace_evidence), "の内容が変わっています"),
    "a member more": (lambda file: rewritten(file, lambda m: m.update(x=b""), honest=False), "目録と中身が合いません"),
    "a member less": (lambda file: rewritten(file, lambda m: m.pop(KEYS), honest=False), "目録と中身が合いません"),
    "a path out": (
        lambda file: rewritten(file, lambda m: m.update({"../x": b"x"})),
        "../x は期日のファイルではありません",
    ),
    "an absolute path": (lambda file: rewritten(file, lambda m: m.update({"/tmp/x": b"x"})), "/tmp/x は期日の"),
    "evidence outside": (
        lambda file: rewritten(file, lambda m: m.update({f"evidence/{DIGEST[:2]}/../{DIGEST}": b""})),
        "期日のファイルではありません",
    ),
    "evidence lost": (
        lambda file: rewritten(file, lambda m: m.pop(f"evidence/{DIGEST[:2]}/{DIGEST}")),
        f"証拠書類 {DIGEST} がバックアップにありません",
    ),
    "no database": (lambda file: rewritten(file, lambda m: m.pop(DATABASE)), "目録と中身が合いません"),
    "no backup": (lambda file: (file.unlink(), file)[1], "を読めません"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_archive_is_refused_and_nothing_is_put_in_place(
    damage: str, pristine: tuple[Office, bytes], tmp_path: Path
) -> None:
    office, content = pristine
    elsewhere = open_office(replace(office.settings, home=tmp_path / "a" / "home"))
    (tmp_path / "backup.zip").write_bytes(content)
    how, said = DAMAGES[damage]
    file = how(tmp_path / "backup.zip")

    for act in (lambda: check(file), lambda: restore(elsewhere, CLERK, file)):
        with pytest.raises(InputError) as refusal:
            act()
        assert said in str(refusal.value)

    assert {path.name for path in tmp_path.rglob("*")} <= {"backup.zip", "a", "home", ".restore.lock"}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Office, bytes]:
    """An office, and an archive of it."""
    office = prepared(tmp_path_factory.mktemp("pristine"))
    return office, backup(office, CLERK).file.read_bytes()


@pytest.mark.parametrize(
    ("what", "leave"),
    [
        ("データベース", lambda home: installation(home.parent / "other", home=home)),
        ("証拠書類", lambda home: _write(home / "evidence" / "ab" / ("ab" * 32))),
        ("リンクの鍵", lambda home: KeyFile(home).keys()),
    ],
    ids=["database", "evidence", "keys"],
)
def test_where_there_is_data_nothing_is_restored(
    what: str, leave: Callable[[Path], object], pristine: tuple[Office, bytes], tmp_path: Path
) -> None:
    office, content = pristine
    (tmp_path / "backup.zip").write_bytes(content)
    home = tmp_path / "home"
    leave(home)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and path.suffix != ".db-shm"}

    with pytest.raises(InputError, match=rf"既にデータ（{what}）があるので、復元しません.*KIJITSU_HOME"):
        restore(open_office(replace(office.settings, home=home)), CLERK, tmp_path / "backup.zip")

    assert {path: path.read_bytes() for path in before} == before
    assert not (home / "evidence" / DIGEST[:2]).exists()


def _write(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")


def test_a_backup_of_an_older_program_is_brought_to_this_ones_schema(office: Office, tmp_path: Path) -> None:
    made_at = datetime(2016, 4, 1, tzinfo=UTC)
    old = connect(f"sqlite:///{tmp_path / DATABASE}")
    upgrade_to(old, "0001")
    with UnitOfWork(old, ISHINOMAKI) as work:
        revision = work.plans.add("small", {"plan": "small"}, "採用", "情報 太郎", None, made_at, 0)
        details = {"revision": 1, "sha256": revision.sha256}
        entry = work.audit.append(made_at, "情報 太郎", "proxy", "adopt", "small", details)
        work.commit()
    old.dispose()
    said = Manifest("0.1.0", "0001", made_at, {"audit": 1}, {ISHINOMAKI: (1, entry.hash)}, {})
    archives.write(tmp_path / "old.zip", said, {DATABASE: tmp_path / DATABASE})
    there = open_office(replace(office.settings, home=tmp_path / "there"))

    restore(there, CLERK, tmp_path / "old.zip")

    with there.open_work(ISHINOMAKI, True) as work:
        assert work.plans.latest("small") == revision
    assert [each.action for each in audit_of(there)] == ["adopt", "restore"]


# --- what fails on the way ---


def dies(act: Callable[[], object], module: object, name: str) -> bool:
    """Do something in a process that is killed where it comes to call this; tell whether it was."""

    def work() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
            act()

    return was_killed(in_a_process(work))


@pytest.mark.parametrize(
    ("module", "name"),
    [(os, "fsync"), (keeping, "_problems"), (keeping, "_free_name")],
    ids=["writing", "looking", "naming"],
)
def test_a_killed_backup_leaves_no_archive_and_the_next_one_clears_up(
    office: Office, module: object, name: str
) -> None:
    folder = office.settings.home / "backups"

    assert dies(lambda: backup(open_office(office.settings), CLERK), module, name)

    assert list(folder.glob("*.zip")) == []
    made = backup(office, CLERK)
    assert check(made.file) == made.manifest
    assert {path.name for path in folder.iterdir()} == {made.file.name, ".backup.lock"}


@pytest.mark.parametrize("name", ["_enter", "copy_database"])
def test_a_killed_restore_is_done_again(office: Office, elsewhere: Office, name: str) -> None:
    made = backup(office, CLERK)

    assert dies(lambda: restore(open_office(elsewhere.settings), CLERK, made.file), keeping, name)

    assert not elsewhere.settings.may_have_database
    restore(elsewhere, CLERK, made.file)
    assert outbox(elsewhere) == outbox(office)
    assert not (elsewhere.settings.home / ".restore").exists()


def test_a_full_disk_leaves_no_archive_and_is_told(office: Office) -> None:
    """A limit on the size of files stands in for the full disk: the archive is larger than it, the database is not."""

    def work() -> None:
        most = office.settings.home / "kijitsu.db"
        resource.setrlimit(resource.RLIMIT_FSIZE, (most.stat().st_size + (1 << 20),) * 2)
        with pytest.raises(OutsideError, match=r"空き容量と権限を確かめてください"):
            backup(open_office(office.settings), CLERK)

    extra = os.urandom(3 << 20)
    digest = sha256(extra).hexdigest()
    (office.settings.evidence / digest[:2]).mkdir()
    (office.settings.evidence / digest[:2] / digest).write_bytes(extra)

    assert not was_killed(in_a_process(work))
    assert [path.name for path in (office.settings.home / "backups").iterdir()] == [".backup.lock"]
