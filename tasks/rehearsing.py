"""予行: the letters of the coming weeks as a table, under a stable key."""

from __future__ import annotations

from prefect import task
from prefect.artifacts import create_table_artifact

from kijitsu.domain.eras import show_date
from kijitsu.services.rehearsing import SHOWN, Assumption, Rehearsal, rehearse
from tasks.changes import literal
from tasks.office import served_office


@task(name="数週間の予行")
def live_ahead(plan: str, weeks: int, assumption: Assumption, body: str | None) -> Rehearsal:
    """Live through the coming weeks in a copy of the database."""
    return rehearse(served_office(), plan, weeks, assumption, body)


def publish_rehearsal(plan: str, found: Rehearsal) -> str:
    """Publish 予行: one row for each letter, the next one first; return the totals as a sentence."""
    span = f"{show_date(found.first)}から{show_date(found.last)}まで"
    totals = f"{span}の監視{found.passes}回で、通知{len(found.letters)}通が出ます（{SHOWN[found.assumption]}とき）。"
    rows = [
        {
            "日": show_date(each.on),
            "宛先": literal(each.recipient_title),
            "件名": literal(each.subject),
            "項目": literal(each.about),
        }
        for each in found.letters
    ]
    create_table_artifact(
        rows or [{"日": "－", "宛先": "出る通知はありません"}],
        key=f"{plan}-rehearsal",
        description=f"## 予行\n\n{totals}本番のデータは何も変えず、何も送っていません。",
    )
    return totals
