"""What an auditor is told: an altered plan, and a copy of the log to take along."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from kijitsu.domain.errors import InputError
from kijitsu.domain.history import Deed
from kijitsu.domain.plan import Organisation
from kijitsu.editing import Edit, EditKind
from kijitsu.office import ALL_ROLES, Actor, Office
from kijitsu.services import auditing, changing, reading, reporting, slipping
from kijitsu.services.reckoning import Request
from tests.integration.test_weekly import CLERK, ISHINOMAKI, office, on

__all__ = ["office"]


def organisation_of(office: Office) -> Organisation:
    found = reading.adopter_of(office, "small")
    assert found
    return found


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("document = replace(document, '素案', '別案')", "第1版の文書が、記録した後に書き換えられて"),
        ("sha256 = 'x'", "第1版の文書が、記録した後に書き換えられて"),
        ("document = 'x'", "第1版の文書が、記録した後に書き換えられて"),
        (
            "document = '1', sha256 = '6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b'",
            "監査記録 1番 と違",
        ),
        ("number = 2", "第2版を記した監査記録がありません"),
    ],
)
def test_an_altered_plan_document_is_named(office: Office, change: str, problem: str) -> None:
    organisation = organisation_of(office)
    assert auditing.verify(office, organisation).problems == []
    with create_engine(office.settings.database).begin() as connection:
        connection.execute(text(f"UPDATE plan_revisions SET {change}"))  # noqa: S608

    assert any(problem in each for each in auditing.verify(office, organisation).problems)


def test_an_export_is_an_entry_guards_its_cells_and_overwrites_nothing(office: Office, tmp_path: Path) -> None:
    office, organisation = on(office, "2016-06-03"), organisation_of(office)
    with office.open_work(ISHINOMAKI, False) as work:
        work.audit.append(office.now(organisation), "=1+1", "test", "unheard-of", "small/draft", {"新しい": "<b>"})
        work.commit()

    count = auditing.export(office, organisation, CLERK, auditing.Format.CSV, tmp_path / "a.csv")
    auditing.export(office, organisation, CLERK, auditing.Format.HTML, tmp_path / "a.html")

    rows = list(csv.DictReader((tmp_path / "a.csv").open(encoding="utf-8-sig")))
    assert (count, [row["action"] for row in rows]) == (3, ["adopt", "unheard-of", "export"])
    assert rows[1]["actor"] == "'=1+1"
    assert rows[1]["at"].endswith("+09:00")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "「素案」（draft）のunheard-ofを記録しました。" in page
    assert "&lt;b&gt;" in page
    assert "<script" not in page
    with pytest.raises(InputError, match="もうあります"):
        auditing.export(office, organisation, CLERK, auditing.Format.HTML, tmp_path / "a.html")
    assert {path.name for path in tmp_path.glob("*a.*")} == {"a.csv", "a.html"}


@pytest.mark.parametrize("typed", ["3:4f2a91c00b7d55e1", "３番: 4F2A 91c0-0b7d 55e1"])
def test_a_head_is_read_as_it_is_typed_from_a_letter(typed: str) -> None:
    assert auditing.witness(typed) == (3, "4f2a91c00b7d55e1")


@pytest.mark.parametrize("typed", ["", "3", "3:4f2a", "0:4f2a91c00b7d55e1", "3:4f2a91c00b7d55eg"])
def test_half_a_head_is_refused(typed: str) -> None:
    with pytest.raises(InputError, match="番号:ハッシュ"):
        auditing.witness(typed)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "UPDATE events SET occurred_on = '2016-06-01' WHERE kind = 'start'",
            "の2016-06-01の報告（1番）が、監査記録 2番 と違",
        ),
        ("DELETE FROM events WHERE kind = 'cancel'", "監査記録 3番（small）の報告が、データベースにありません"),
        ("UPDATE plan_revisions SET reason = '偽' WHERE number = 2", "第2版の理由か変更した人が、監査記録 3番 と違"),
        ("UPDATE plan_revisions SET actor = '山田' WHERE number = 1", "第1版の理由か変更した人が、監査記録 1番 と違"),
        (
            "UPDATE events SET id = 9 WHERE kind = 'start'",
            "の2016-06-03の報告（9番）を記した監査記録がありません",
        ),
    ],
)
def test_what_the_other_tables_say_is_compared_with_the_log(office: Office, statement: str, problem: str) -> None:
    organisation, today = organisation_of(office), on(office, "2016-06-03")
    with office.open_work(ISHINOMAKI, True) as work:
        revision = work.plans.latest("small")
    assert revision
    first, *_, last = revision.document["milestones"]
    reporting.report(today, "small", reporting.Report(Deed.START, first, date(2016, 6, 3)), CLERK)
    edits = (Edit(EditKind.OWNER, first, "residents"), Edit(EditKind.CANCEL, last))
    changing.change(today, "small", Request(edits, "事務分掌の変更"), CLERK, approved=True)
    # Somebody else gives the revision a name.
    slipping.baseline(today, "small", "見直し前", 1, Actor("総務課長", "test", ALL_ROLES))
    assert auditing.verify(office, organisation).problems == []
    with create_engine(office.settings.database).begin() as connection:
        connection.execute(text(statement))

    assert any(problem in each for each in auditing.verify(office, organisation).problems)


def test_a_decision_that_was_altered_is_named(office: Office) -> None:
    organisation, today = organisation_of(office), on(office, "2016-06-03")
    with office.open_work(ISHINOMAKI, True) as work:
        revision = work.plans.latest("small")
    assert revision
    first = next(iter(revision.document["milestones"]))
    changing.change(
        today, "small", Request((Edit(EditKind.OWNER, first, "information_systems"),), "事務分掌の変更"), CLERK
    )
    changing.turn_down(today, "small", 1, CLERK, "取りやめ")
    assert auditing.verify(office, organisation).problems == []
    with create_engine(office.settings.database).begin() as connection:
        connection.execute(text("UPDATE proposals SET decided_by = '別の人'"))

    assert any(
        "変更案 1 の決定が、監査記録 3番 と違" in each for each in auditing.verify(office, organisation).problems
    )
