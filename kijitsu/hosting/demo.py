"""`kijitsu demo`: a whole year replayed, then the dashboard on a day when something is blocked."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from kijitsu.commands import common
from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import InputError, OutsideError
from kijitsu.hosting.processes import Host, free_port
from kijitsu.links import Ticket
from kijitsu.office import Office
from kijitsu.schemas import DemoShape
from kijitsu.services import accounts, reading
from kijitsu.services.replaying import rehearsal, replay
from kijitsu.settings import Settings


def run(office: Office, once: bool, out: TextIO) -> None:
    """Replay a plan, bring a second database to the shown day, start the dashboard and one watch run in it.

    Which plan, history and day, city.yaml says; InputError where it does not.
    Everything is under `demo` in the home folder and made anew each time. Ends with Ctrl-C, or by itself where `once`.
    """
    demo = office.library.demo()
    if demo is None:
        where = office.settings.calendar / "city.yaml"
        raise InputError(
            f"見せるものが決まっていません。{where} に demo: を書いてください（docs/reference.md の City file）。"
        )
    home = office.settings.home / "demo"
    with _alone(home):
        _run(office, demo, home, once, out)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Hold a lock while the demonstration runs: a second one would take the first one's data away."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OutsideError(
                f"{home} では別の demo が動いています。"
                "その端末で Ctrl-C を押して止めるか、KIJITSU_HOME に別の場所を指定してください。"
            ) from None
        yield


def _run(office: Office, demo: DemoShape, home: Path, once: bool, out: TextIO) -> None:
    out.write(f"1/3 計画 {demo.plan} を再生しています（{demo.history}）…\n")
    out.flush()
    with common.progress("再生中") as on_day:
        totals = replay(office, demo.plan, demo.history, None, None, home / "replay", on_day)
    out.write(
        f"    監視 {totals.passes}日、状態の変化 {totals.transitions}件、"
        f"停止のあった日 {totals.blocked_days}日、通知 {totals.messages}通\n"
        f"2/3 {show_date(demo.shown)}の状態を用意しています…\n"
    )
    out.flush()
    stage = home / "today"
    # Chosen now: the letters of the days before hold the board's address.
    office = office.reopen(replace(office.settings, board_port=free_port(office.settings.board_port)))
    _until_shown_day(office, demo, stage)
    settings = replace(office.settings.rehearsal(stage, demo.shown.isoformat()), plan=demo.plan)
    out.write("3/3 Prefectサーバーを起動し、その朝の監視を動かしています…\n")
    out.flush()
    with Host(settings) as host:
        run_url = _watch_once(host)
        out.write(_where_to_look(host, office.reopen(settings), demo, run_url, totals.out))
        if not once:
            out.write("終えるには Ctrl-C を押します。\n")
            out.flush()
            host.run_until_interrupted()
    out.write("止めました。もう一度見るには make run を実行します。\n")


def _until_shown_day(office: Office, demo: DemoShape, folder: Path) -> None:
    """Live through the days up to the one before the shown one, in a database that stays."""
    shutil.rmtree(folder, ignore_errors=True)
    loaded = office.library.plan(demo.plan)
    history = office.library.history(demo.history, loaded.plan)
    first, evening_before = loaded.span[0], demo.shown - timedelta(1)
    with rehearsal(office, folder) as stage:
        stage.start(demo.plan, first)
        for _ in stage.run(history, first, evening_before, lambda day, days: None):
            pass


def _watch_once(host: Host) -> str:
    """Run the served 毎朝 deployment once and return the address of its run in the dashboard."""
    arguments = [sys.executable, "-m", "flows.run_once", "毎朝の監視/毎朝"]
    done = subprocess.run(arguments, env=host.environment, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        host.require_alive()
        log = host.settings.home / "logs" / "serve.log"
        raise OutsideError(f"監視の実行に失敗しました。記録: {log}\n{done.stderr.strip()[-1500:]}")
    return f"{host.url}/runs/flow-run/{done.stdout.strip()}"


def _link(office: Office, demo: DemoShape) -> str:
    """Return the link by which the owner of the late milestone answers."""
    standing = reading.standing(office, demo.plan, demo.shown)
    organisation = standing.plan.organisation
    owner = standing.plan.milestones[demo.late].owner
    assert office.links  # a rehearsal's mail stays on this machine
    ticket = Ticket(organisation.municipality, standing.plan.id, demo.late, owner, standing.revision)
    return office.links.url(ticket, office.now(organisation))


def _sign_in(office: Office) -> str:
    """Return where to sign in to the board: by a link that works once, for its database is made anew each time."""
    token = accounts.first_link(office, office.actor())
    return f"{office.settings.board}/sign-in/{token}（30分以内に一度だけ）" if token else office.settings.board


def _where_to_look(host: Host, office: Office, demo: DemoShape, run_url: str, replayed: str) -> str:
    stage, plan, port = host.settings.home, demo.plan, host.settings.board_port
    home = (
        f"KIJITSU_HOME={stage}" if port == Settings().board_port else f"KIJITSU_BOARD_PORT={port} KIJITSU_HOME={stage}"
    )
    prefix = f"{home} KIJITSU_TODAY={demo.shown}"
    return f"""
見るところ
  期日の画面           {_sign_in(office)}
  ダッシュボード        {host.url}
  けさの監視（止まった所）  {run_url}
  本日の要対応・停止の連鎖  {host.url}/artifacts
  一年の図              {replayed}/report.html
  届いた通知            {stage / "mailbox"}
  通知に答えるページ       {_link(office, demo)}

試すこと（別の端末で）
  なぜ止まっているか      {prefix} .venv/bin/kijitsu why {plan} {demo.blocked}
  日程を動かすと         {prefix} .venv/bin/kijitsu move {plan} {demo.late} --to {demo.moved_to.wording}
  完了を報告する         {prefix} .venv/bin/kijitsu complete {plan} {demo.late} --override デモ
  次の朝にする          {home} KIJITSU_TODAY={demo.shown + timedelta(1)} .venv/bin/kijitsu watch {plan}
  日程の変更と完了の報告は、ダッシュボードの Deployments の「日程変更」「完了報告」からもできます。
"""
