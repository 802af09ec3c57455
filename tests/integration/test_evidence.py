"""What is reported and what proves it: files kept by their content, and clear answers to what cannot be."""

from __future__ import annotations

import os
import stat
import zipfile
from dataclasses import replace
from datetime import date
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given as for_all
from hypothesis import settings as how
from hypothesis import strategies as st

from kijitsu import evidence
from kijitsu.domain.errors import InputError, OutsideError
from kijitsu.domain.history import Deed
from kijitsu.domain.plan import Organisation
from kijitsu.domain.roles import Role
from kijitsu.office import ALL_ROLES, Actor, NotAllowed, Office
from kijitsu.services import evidencing, reading
from kijitsu.services.reporting import BadReport, Report, report
from kijitsu.store import rows
from tests.acceptance.support import HEAD
from tests.at_once import at_once
from tests.board import CLERK, ISHINOMAKI, TODAY, installation

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
PAPER = {"評価書": "総第75号"}

# Friday 20 May 2016. The study is overdue since April; the survey is not, and nobody reported it.
PLAN = (
    HEAD
    + """\
milestones:
  review: {title: 評価書の再評価, kind: assessment, owner: general_affairs, when: 平成28年4月～5月, evidence: [評価書]}
  both: {title: 二つの証拠, kind: assessment, owner: general_affairs, when: 平成28年5月, evidence: [議事録, 名簿]}
  study: {title: 調査, kind: assessment, owner: residents, when: 平成28年4月}
  stopped: {title: 止まるもの, kind: filing, owner: residents, after: [study]}
  survey: {title: 照会, kind: assessment, owner: residents, when: 平成28年6月}
  later: {title: 照会の後, kind: filing, owner: residents, after: [survey]}
  along: {title: 照会と並ぶもの, kind: filing, owner: residents, after: [{on: survey, type: SS}]}
  ending: {title: 照会と終わるもの, kind: filing, owner: residents, after: [{on: survey, type: FF}]}
  ahead: {title: 照会に先立つもの, kind: filing, owner: residents, after: [{on: survey, type: SF, lag: -20d}]}
  warned: {title: 注意だけのもの, kind: filing, owner: residents, after: [{on: survey, lapse: warn}]}
  meeting: {title: 会議, kind: meeting, owner: committee, when: 2016-05-10～2016-05-31}
  minutes: {title: 会議の記録, kind: filing, owner: general_affairs, after: [meeting]}
  waited: {title: 会議の10日後, kind: filing, owner: general_affairs, after: [{on: meeting, lag: 10d}]}
  duty:
    title: 名簿の更新
    kind: roster
    owner: residents
    when: 2016-04-01～2016-05-31
    recurs: {every: 1y, until: 平成30年3月}
"""
)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return installation(tmp_path, PLAN)


def done(office: Office, id: str = "review", on: date = TODAY, actor: Actor = CLERK, **given: object) -> None:
    given.setdefault("evidence", PAPER if id == "review" else {})
    report(office, "small", Report(Deed.COMPLETE, id, on, **given), actor)  # type: ignore[arg-type]


def paper(folder: Path, name: str = "評価書.pdf", content: bytes = PDF) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def kept(office: Office) -> list[Path]:
    """Return every file in the evidence folder, whatever it is called."""
    return sorted(path for path in office.settings.evidence.rglob("*") if path.is_file())


def organisation(office: Office) -> Organisation:
    (found,) = office.library.organisations()
    return found


def entries(office: Office) -> list[rows.AuditRow]:
    with office.open_work(ISHINOMAKI, True) as work:
        return list(work.audit.all())


def package(*members: tuple[str, str]) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members:
            archive.writestr(name, text)
    return content.getvalue()


def ooxml(kind: str, *more: tuple[str, str]) -> bytes:
    return package(("[Content_Types].xml", f'<Types><Override ContentType="application/{kind}"/></Types>'), *more)


WORD = ooxml("vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml", ("word/document.xml", "<w/>"))
ODT = package(("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", "<x/>"))


# --- reporting ---


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office in which some things were done; what is refused changes nothing, so that many tests share it."""
    office = installation(tmp_path_factory.mktemp("lived"), PLAN)
    done(office, "meeting", date(2016, 5, 18))
    report(office, "small", Report(Deed.START, "both", date(2016, 5, 12)), CLERK)
    done(office, "duty", date(2016, 5, 13))
    return office


@pytest.mark.parametrize(
    ("id", "given", "said"),
    [
        ("review", {"on": date(2016, 5, 23)}, "平成28年5月23日（月）は先の日です。「評価書の再評価」は今日"),
        ("review", {"decided": date(2016, 5, 21)}, "「決裁日」は今日"),
        ("review", {"received": date(2016, 5, 21)}, "「収受日」は今日"),
        ("review", {"decided": date(1916, 5, 20)}, "年に誤りがないか"),
        ("review", {"expires": date(2016, 5, 19)}, "完了した日（平成28年5月20日（金））より前"),
        (
            "review",
            {"effective": date(2016, 6, 1), "expires": date(2016, 5, 31)},
            "効力の始まる日（平成28年6月1日（水））より前",
        ),
        ("review", {"evidence": {}}, "評価書 が要ります"),
        ("review", {"evidence": {"評価所": "総第75号"}}, "もしかして: 評価書"),
        ("review", {"evidence": {"評価所": "総第75号"}, "override": "急ぐため"}, "もしかして: 評価書"),
        ("both", {"on": date(2016, 5, 11)}, "着手（平成28年5月12日（木））より前"),
        ("meeting", {}, "平成28年5月18日（水）に終わっています。二度は報告できません"),
        ("duty", {}, "次の回は duty-2"),
        ("stopped", {}, "停止しています。「調査」（担当：市民課）が期限までに終わっていません"),
        ("later", {}, "前提「照会」（担当：市民課）の完了がまだ報告されていません"),
        ("along", {}, "前提「照会」（担当：市民課）の着手がまだ報告されていません"),
        ("ending", {}, "前提「照会」（担当：市民課）の完了がまだ報告されていません"),
        ("minutes", {"on": date(2016, 5, 17)}, "前提「会議」は平成28年5月18日（水）に済んだ"),
        ("waited", {}, "所定の間隔がまだ過ぎていません"),
        ("duty-2", {}, "時期は平成29年4月1日（土）からで、平成28年5月20日（金）はその前です。前の回は duty（"),
    ],
)
def test_a_completion_that_cannot_be_is_refused_in_words_that_help(
    id: str, given: dict[str, object], said: str, lived: Office
) -> None:
    before = len(entries(lived))

    with pytest.raises(BadReport) as refused:
        done(lived, id, **given)  # type: ignore[arg-type]

    assert said in str(refused.value)
    assert len(entries(lived)) == before


@pytest.mark.parametrize("id", ["later", "along", "stopped", "waited", "duty-2"])
def test_a_start_waits_for_what_a_completion_waits_for(id: str, lived: Office) -> None:
    with pytest.raises(BadReport, match="事務局だけが理由を付けて"):
        report(lived, "small", Report(Deed.START, id, TODAY), CLERK)


def test_what_only_warns_runs_ahead_or_happened_in_order_is_taken(office: Office) -> None:
    done(office, "warned")
    done(office, "ahead")
    report(office, "small", Report(Deed.START, "ending", TODAY), CLERK)
    # Both reported on the 20th, in the order of their days.
    done(office, "meeting", date(2016, 5, 18))
    done(office, "minutes", date(2016, 5, 19))

    progress = reading.standing(office, "small", TODAY).progress
    assert {id for id, each in progress.items() if each.completed_on} == {"warned", "ahead", "meeting", "minutes"}


def test_what_an_override_set_aside_stands_in_the_audit_entry_with_its_reason(office: Office) -> None:
    done(office, "stopped", override="県の指示")
    done(office, "both", override="原本は県が保管")
    done(office, "duty-2", override="前倒し")

    assert [(entry.details["override"], entry.details["overridden"]) for entry in entries(office)[-3:]] == [
        ("県の指示", [{"code": "prerequisite_overdue", "milestone": "study"}]),
        ("原本は県が保管", [{"code": "evidence_missing", "milestone": "both"}]),
        ("前倒し", [{"code": "before_window", "milestone": "duty-2"}]),
    ]


@pytest.mark.parametrize(
    ("roles", "bodies", "id", "given", "is_taken"),
    [
        ({Role.DEPARTMENT}, {"general_affairs"}, "review", {}, True),
        ({Role.MANAGER}, {"general_affairs"}, "review", {}, True),
        ({Role.SECRETARIAT}, set(), "review", {"override": "急ぐため"}, True),
        ({Role.DEPARTMENT}, {"residents"}, "review", {}, False),
        ({Role.DEPARTMENT}, {"general_affairs"}, "review", {"override": "急ぐため"}, False),
        ({Role.VIEWER}, {"general_affairs"}, "review", {}, False),
        ({Role.ADMINISTRATOR}, {"general_affairs"}, "review", {}, False),
        (set(), {"general_affairs"}, "review", {}, False),
    ],
)
def test_a_department_reports_on_its_own_and_the_secretariat_alone_overrides(
    roles: set[Role], bodies: set[str], id: str, given: dict[str, str], is_taken: bool, office: Office
) -> None:
    actor = Actor("係員", "test", frozenset(roles), frozenset(bodies))
    refused = None
    try:
        done(office, id, actor=actor, **given)
    except NotAllowed as exc:
        refused = str(exc)

    assert (refused is None) == is_taken
    assert bool(reading.standing(office, "small", TODAY).progress.get(id)) == is_taken


@pytest.mark.parametrize(("deed", "allowed"), [(Deed.EXCUSE, Role.SECRETARIAT), (Deed.REJECT, Role.SECRETARIAT)])
def test_a_delay_is_allowed_and_evidence_sent_back_by_the_secretariat(
    deed: Deed, allowed: Role, office: Office
) -> None:
    if deed is Deed.REJECT:
        done(office)
    given = Report(deed, "review", TODAY, "押印がないため", until=date(2016, 6, 10))

    with pytest.raises(NotAllowed):
        report(office, "small", given, Actor("課長", "test", ALL_ROLES - {allowed}, frozenset({"general_affairs"})))

    assert report(office, "small", given, Actor("係員", "test", frozenset({allowed})))


# --- files ---


def test_a_file_is_kept_once_by_its_content_read_only_and_the_event_says_what_it_is(
    office: Office, tmp_path: Path
) -> None:
    digest = sha256(PDF).hexdigest()
    dates = {"decided": date(2016, 5, 17), "received": date(2016, 5, 18), "expires": date(2017, 3, 31)}

    done(office, files={"": paper(tmp_path)}, **dates)
    done(
        office,
        "both",
        evidence={"議事録": "総第1号", "名簿": "総第2号", "写真": "総第3号"},
        files={"名簿": paper(tmp_path, "名簿.docx", WORD), "議事録": paper(tmp_path, "同じ.pdf")},
    )

    assert {path.name for path in kept(office)} == {digest, sha256(WORD).hexdigest()}
    path = office.settings.evidence / digest[:2] / digest
    assert stat.S_IMODE(path.stat().st_mode) == 0o440
    first, *others = evidencing.papers(office, "small")
    assert (first["kind"], first["number"], first["actor"]) == ("評価書", "総第75号", "事務局 係員")
    assert {name: first[name] for name in dates} == dates
    assert first["file"] == {"sha256": digest, "name": "評価書.pdf", "type": "application/pdf", "size": len(PDF)}
    assert [(each["kind"], each["file"] and each["file"]["name"]) for each in others] == [
        ("議事録", "同じ.pdf"),
        ("名簿", "名簿.docx"),
        ("写真", None),
    ]
    assert evidencing.verify_files(office, organisation(office)) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("文書.docx", WORD),
        ("表.xlsx", ooxml("vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml")),
        ("資料.pptx", ooxml("vnd.openxmlformats-officedocument.presentationml.presentation.main+xml")),
        ("文書.odt", ODT),
        ("写真.JPG", b"\xff\xd8\xff\xe0\x00\x10JFIF"),
        ("図.png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
        ("走査.tif", b"MM\x00*\x00\x00\x00\x08"),
        ("記録.txt", "議事録です。".encode("cp932")),
        ("記録.csv", "\ufeff番号,件名\r\n1,通知\r\n".encode()),
        ("通知.eml", b"From: a@city.example\r\nSubject: x\r\n\r\n\x1b$B5D\x1b(B\r\n"),
    ],
)
def test_a_document_is_taken_by_what_it_contains(name: str, content: bytes, tmp_path: Path) -> None:
    with evidence.incoming(tmp_path / "kept", paper(tmp_path, name, content), 1 << 20) as taken:
        taken.keep()

    assert taken.paper.name == name
    assert evidence.is_intact(tmp_path / "kept" / taken.paper.sha256[:2] / taken.paper.sha256, taken.paper.sha256)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("評価書.pdf", b"MZ\x90\x00\x03\x00\x00\x00"),
        ("評価書.pdf", b"\x7fELF\x02\x01\x01"),
        ("評価書.exe", PDF),
        ("評価書", PDF),
        ("評価書.txt", b"#!/bin/sh\nrm -r /\n"),
        ("評価書.txt", b"\xef\xbb\xbf \n<!DOCTYPE html><script></script>"),
        ("評価書.txt", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
        ("評価書.txt", b"a\x00b"),
        ("評価書.txt", b"\xff\xfe\xff\xfe\x81"),
        ("評価書.bat", b"del *.*\r\n"),
        ("評価書.html", b"text"),
        ("評価書.docx", package(("a.txt", "x"))),
        ("評価書.docx", package(("mimetype", "application/epub+zip"))),
        ("評価書.docx", ooxml("vnd.ms-word.document.macroEnabled.main+xml")),
        (
            "評価書.docx",
            ooxml("vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml", ("word/vbaProject.bin", "x")),
        ),
        ("評価書.odt", package(("mimetype", "application/vnd.oasis.opendocument.text"), ("Basic/script-lc.xml", "x"))),
        ("評価書.docx", WORD[:-30]),
        ("評価書.xlsx", WORD),
        ("評価書.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
        ("評価書.pdf", b""),
        ("評価書.pdf", PDF + bytes(1 << 20)),
    ],
)
def test_what_could_run_or_cannot_be_read_is_refused_and_leaves_nothing(
    name: str, content: bytes, lived: Office, tmp_path: Path
) -> None:
    small = replace(lived, settings=replace(lived.settings, evidence_mib=1))

    with pytest.raises(InputError, match="評価書"):
        done(small, files={"": paper(tmp_path, name, content)})

    assert kept(lived) == []
    assert evidencing.papers(lived, "small") == []


def test_only_a_plain_file_is_read(office: Office, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pdf")
    (tmp_path / "folder.pdf").mkdir()
    (tmp_path / "loop.pdf").symlink_to("loop.pdf")
    (tmp_path / "link.pdf").symlink_to(paper(tmp_path))

    for name in ("pipe.pdf", "folder.pdf", "loop.pdf", "nowhere.pdf"):
        with pytest.raises(InputError, match=name):
            done(office, files={"": tmp_path / name})
    done(office, files={"": tmp_path / "link.pdf"})

    assert [path.is_symlink() for path in kept(office)] == [False]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"files": {"": "a"}}, "どの証拠のファイルか決まりません"),
        ({"files": {"議事禄": "a"}}, "もしかして: 議事録"),
        ({"files": {"議事録": "a"}, "evidence": {}}, "議事録、名簿 が要ります"),
    ],
)
def test_a_report_that_is_refused_leaves_no_file(
    given: dict[str, dict[str, object]], said: str, office: Office, tmp_path: Path
) -> None:
    given.setdefault("evidence", {"議事録": "総第1号", "名簿": "総第2号"})
    given["files"] = dict.fromkeys(given["files"], paper(tmp_path))

    with pytest.raises(BadReport, match=said):
        done(office, "both", **given)

    assert kept(office) == []


def test_of_two_who_report_the_same_file_at_once_the_refused_one_takes_nothing_away(
    office: Office, tmp_path: Path
) -> None:
    file = paper(tmp_path)

    def tell(number: int) -> bool:
        try:
            done(installed(office), files={"": file})
        except BadReport:
            return False
        return True

    assert sorted(at_once(4, tell)) == [False, False, False, True]
    assert [path.name for path in kept(office)] == [sha256(PDF).hexdigest()]
    assert evidencing.verify_files(office, organisation(office)) == []


def installed(office: Office) -> Office:
    return office.reopen(office.settings)


def test_a_folder_that_cannot_be_written_is_an_error_outside_and_nothing_is_recorded(
    office: Office, tmp_path: Path
) -> None:
    office.settings.evidence.write_text("これはフォルダーではありません")

    with pytest.raises(OutsideError, match=r"保管できません.*空き容量"):
        done(office, files={"": paper(tmp_path)})

    assert evidencing.papers(office, "small") == []


def test_a_disk_that_fills_up_is_an_error_outside_and_leaves_nothing(office: Office, tmp_path: Path) -> None:
    import resource
    import signal

    file = paper(tmp_path, content=PDF + bytes(64 << 10))
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        # Beyond this size the system refuses to write, as a full disk does.
        resource.setrlimit(resource.RLIMIT_FSIZE, (32 << 10, limits[1]))
        with (
            pytest.raises(OutsideError, match="保管できません"),
            evidence.incoming(office.settings.evidence, file, 1 << 20),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)

    assert kept(office) == []


@how(max_examples=60, deadline=None)
@for_all(
    name=st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=60),
    content=st.one_of(st.binary(max_size=200), st.binary(max_size=60).map(PDF.__add__), st.text().map(str.encode)),
)
def test_no_name_and_no_content_leads_out_of_the_folder(
    name: str, content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    file = folder / "given" / f"{name}.pdf"
    file.parent.mkdir()
    file.write_bytes(content)
    found = None
    try:
        with evidence.incoming(folder / "kept", file, 1 << 20) as taken:
            found = taken.paper
            taken.keep()
    except InputError:
        assert not content.startswith(b"%PDF-") or found is None

    here = {path for path in folder.rglob("*") if path.is_file()} - {file}
    if found is None:
        assert here == set()
    else:
        digest = sha256(content).hexdigest()
        assert here == {folder / "kept" / digest[:2] / digest}
        assert found.name.isprintable() or "\u3000" in found.name
        assert "/" not in found.name
        assert len(found.name) <= 104


# --- taking it out ---


def test_a_file_comes_out_as_it_went_in_over_nothing_and_not_executable(office: Office, tmp_path: Path) -> None:
    done(office, files={"": paper(tmp_path)})
    digest, out = sha256(PDF).hexdigest(), tmp_path / "out.pdf"

    evidencing.save(office, "small", digest[:8], out)

    assert out.read_bytes() == PDF
    assert not out.stat().st_mode & 0o111
    for sha, to, said in (
        (digest, out, "既にあります"),
        (digest, tmp_path / "no" / "where.pdf", "作れません"),
        (digest[:7], tmp_path / "b.pdf", "8桁以上"),
        ("0" * 64, tmp_path / "b.pdf", "ありません"),
        ("../../../etc/passwd", tmp_path / "b.pdf", "ありません"),
    ):
        with pytest.raises(InputError, match=said):
            evidencing.save(office, "small", sha, to)
    assert not (tmp_path / "b.pdf").exists()


def test_a_file_that_was_altered_or_lost_is_named_and_does_not_come_out(office: Office, tmp_path: Path) -> None:
    done(office, files={"": paper(tmp_path)})
    (path,) = kept(office)
    digest, out = path.name, tmp_path / "out.pdf"

    path.chmod(0o640)
    path.write_bytes(PDF + b" ")

    (problem,) = evidencing.verify_files(office, organisation(office))
    assert all(word in problem for word in ("small", "評価書の再評価", "「評価書」", digest, "変わっています"))
    with pytest.raises(OutsideError, match="変わっています"):
        evidencing.save(office, "small", digest, out)
    assert not out.exists()

    path.unlink()

    (problem,) = evidencing.verify_files(office, organisation(office))
    assert "ありません" in problem
    with pytest.raises(OutsideError, match="バックアップ"):
        evidencing.save(office, "small", digest, out)


def test_what_was_kept_before_kinds_and_types_were_is_still_found(office: Office, tmp_path: Path) -> None:
    digest = sha256(PDF).hexdigest()
    office.settings.evidence.mkdir()
    (office.settings.evidence / f"{digest}.pdf").write_bytes(PDF)
    with office.open_work(ISHINOMAKI, False) as work:
        details = {"evidence": PAPER, "file": f"sha256:{digest}"}
        now = office.now(organisation(office))
        work.events.add(rows.EventRow("small", TODAY, Deed.COMPLETE, "review", details, CLERK.name, now))
        work.commit()

    (found,) = evidencing.papers(office, "small", "review")
    evidencing.save(office, "small", digest, tmp_path / "out.pdf")

    assert (found["kind"], found["file"]["sha256"]) == ("評価書", digest)
    assert evidencing.verify_files(office, organisation(office)) == []
    assert (tmp_path / "out.pdf").read_bytes() == PDF


def test_evidence_that_was_sent_back_stays_in_the_list_with_the_day(office: Office) -> None:
    done(office)
    report(office, "small", Report(Deed.REJECT, "review", TODAY, "押印がないため"), CLERK)
    done(office, evidence={"評価書": "総第76号"})

    found = evidencing.papers(office, "small")

    assert [(each["number"], each["rejected"]) for each in found] == [("総第75号", TODAY), ("総第76号", None)]
