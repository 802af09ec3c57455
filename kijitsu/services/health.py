"""What an installation needs in order to work, looked at one by one."""

from __future__ import annotations

from dataclasses import dataclass

from kijitsu.domain.errors import KijitsuError
from kijitsu.office import Office
from kijitsu.services import ledger


@dataclass(frozen=True)
class Finding:
    """One thing looked at, what was found, and what mends it."""

    what: str
    found: str
    is_fine: bool = True
    remedy: str = ""


def examine(office: Office) -> list[Finding]:
    """Look at the content, the database and the way out for mail; nothing is changed."""
    return [_content(office), _database(office), _mail(office)]


def _content(office: Office) -> Finding:
    try:
        plans = [office.library.plan(id).plan.id for id in office.library.ids("plans")]
    except KijitsuError as exc:
        return Finding("計画ファイル", str(office.settings.calendar), False, str(exc))
    return Finding("計画ファイル", f"{'、'.join(plans)}（{office.settings.calendar}）")


def _database(office: Office) -> Finding:
    try:
        plans = [str(plan["plan"]) for plan in ledger.adopted_plans(office)]
    except KijitsuError as exc:
        return Finding("データベース", "使えません", False, str(exc))
    return Finding("データベース", f"使えます（採用した計画: {'、'.join(plans) or 'なし'}）")


def _mail(office: Office) -> Finding:
    if not office.settings.smtp_url:
        return Finding("メール", f"手元の郵便箱 {office.settings.mailbox}（本番では KIJITSU_SMTP_URL を設定）")
    return Finding("メール", "KIJITSU_SMTP_URL の中継サーバーへ送ります")
