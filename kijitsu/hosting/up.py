"""`kijitsu up`: the dashboard and the morning pass, kept running on this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TextIO

from kijitsu.domain.errors import OutsideError
from kijitsu.hosting.processes import Host
from kijitsu.office import Office
from kijitsu.services import accounts, adopting, heartbeat, ledger
from kijitsu.services.heartbeat import Cause


def run(office: Office, out: TextIO) -> None:
    """Serve the dashboard until Ctrl-C. The plan that is meant is adopted where it is not yet."""
    settings, plan = office.settings, office.plan
    if not settings.may_have_database:
        office.upgrade()
    adopted = {each["plan"] for each in ledger.plans(office) if each["revision"]}
    if plan not in adopted:
        adopting.adopt(office, plan, office.actor())
        out.write(f"計画 {plan} を採り入れました。\n")
    accounts.require_ways(office)
    out.write("Prefectサーバーを起動しています…\n")
    out.flush()
    with Host(settings) as host:
        out.write(
            f"ダッシュボード: {host.url}\n"
            f"本日の要対応・停止の連鎖: {host.url}/artifacts\n"
            f"{door(office, host)}"
            f"{board(office, host)}"
            "毎朝8時30分（日本時間）に「毎朝の監視」が動きます。"
            "今すぐ動かすには Deployments の「毎朝」で Run を押します。\n"
            f"{mail(office)}"
            "終えるには Ctrl-C を押します。\n"
        )
        out.flush()
        with heart(office):
            host.run_until_interrupted(lambda: beat(office))
    out.write("止めました。データは残っています。\n")


@contextmanager
def heart(office: Office) -> Iterator[None]:
    """Alarm the operator where what runs within ends by a failure, before that is raised."""
    try:
        yield
    except OutsideError as exc:
        with _without_alarm():
            heartbeat.raise_alarm(office, Cause.PROCESS, str(exc))
        raise


def beat(office: Office) -> None:
    """Ask whether the pass is there, without Prefect, and alarm the operator where it is not."""
    # Opened anew: what was read of the content and the database may have changed or gone since.
    office = replace(office.reopen(office.settings), clock=office.clock)
    with _without_alarm():
        heartbeat.recovered(office, "kijitsu up は動いています。", Cause.PROCESS)
        heartbeat.tell(office, heartbeat.examine(office))


@contextmanager
def _without_alarm() -> Iterator[None]:
    """Go on where a path to the operator fails: whoever reads our log is told, and the other paths took it."""
    try:
        yield
    except OutsideError as exc:
        sys.stderr.write(f"{exc}\n")


def door(office: Office, host: Host) -> str:
    """Return where the board is and how to sign in to it, as lines for people; the first time with a link that does."""
    here = host.settings.board
    token = accounts.first_link(office, office.actor())
    if token:
        return f"期日の画面: {here}\n初めてのサインイン（30分以内に一度だけ）: {here}/sign-in/{token}\n"
    return f"期日の画面: {here}（サインインのリンクを作るには kijitsu account link アカウント）\n"


def board(office: Office, host: Host) -> str:
    """Return where the pages behind the links in letters are, as lines for people."""
    lines = f"返事のページ: {host.board_url}（通知のリンクから開きます）\n"
    if base := office.settings.base_url:
        return (
            f"{lines}通知のリンクは {base} です。庁内の中継（リバースプロキシ）から上のアドレスへつないでください。\n"
        )
    if office.settings.smtp_url:
        return f"{lines}KIJITSU_BASE_URL がないので、通知にリンクは付きません。\n"
    if host.settings.board_port != office.settings.board_port:
        port = f"KIJITSU_BOARD_PORT={host.settings.board_port}"
        return f"{lines}ほかの端末で kijitsu を使うときは、リンクが合うように {port} を付けてください。\n"
    return lines


def mail(office: Office) -> str:
    """Return where mail goes, as a line for people."""
    if office.settings.smtp_url:
        return "通知は KIJITSU_SMTP_URL の中継サーバーへ送ります。\n"
    return f"通知は手元の郵便箱に届きます: {office.settings.mailbox}\n"
