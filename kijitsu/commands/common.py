"""What every command shares: how a day is read, how JSON and tables are written, how errors end a command."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kijitsu.domain.errors import KijitsuError
from kijitsu.domain.roles import Right
from kijitsu.domain.windows import parse_day, parse_window

if TYPE_CHECKING:
    from kijitsu.domain.plan import Organisation
    from kijitsu.office import Office
    from kijitsu.services.delivering import DispatchReport
    from kijitsu.services.reading import Standing

PlanArgument = Annotated[str, typer.Argument(metavar="PLAN", help="計画のIDまたはファイルのパス")]
MilestoneArgument = Annotated[str, typer.Argument(metavar="ID", help="項目のID")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSONで標準出力へ")]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", metavar="D", help="この日の状態（例: 2016-07-12、H28.7.12）")
]
HistoryOption = Annotated[
    str | None, typer.Option("--history", metavar="H", help="履歴のIDまたはパス。データベースは使いません")
]


def office() -> Office:
    """Return the office of this process's settings. It is wired here, so that help and usage errors load nothing."""
    from kijitsu.bootstrap import open_office

    return open_office()


def reader(plan: str = "", history: str | None = None) -> Office:
    """Return the office to somebody who may read from its database, where there is one that the command reads.

    With a history, or a plan named by path, only files are read, and whoever can open them may. Raises NotAllowed.
    """
    from kijitsu.plans import is_path

    opened = office()
    if history is None and not is_path(plan) and opened.settings.may_have_database:
        opened.actor().require(Right.READ, "採り入れた計画の閲覧")
    return opened


OnOption = Annotated[str | None, typer.Option("--on", metavar="D", help="その日付（省けば今日）")]
PlanOption = Annotated[
    str,
    typer.Argument(
        metavar="[PLAN]",
        help="計画のID（省けば KIJITSU_PLAN か city.yaml の計画）",
        default_factory=lambda: office().plan,
        show_default=False,
    ),
]


def organisation(opened: Office, plan: str) -> Organisation:
    """Return the organisation that adopted a plan. Raises InputError where none did."""
    from kijitsu.services.watching import organisation_of

    return organisation_of(opened, plan)


def where_mail_went(opened: Office, sent: DispatchReport) -> Iterator[str]:
    """Say that mail stays on this machine, where something was sent and no relay is set."""
    if sent.sent and not opened.settings.smtp_url:
        yield (
            f"メールは手元の郵便箱（{opened.settings.mailbox.resolve()}）に保存しました。"
            "メールの中継サーバーは設定されていません（KIJITSU_SMTP_URL）。"
        )


def day(text: str | None, fiscal_year: int | None = None) -> date | None:
    """Read an option's day; what was accepted all the same, such as an era that had ended, is told on stderr.

    `fiscal_year` gives the year where the words leave it out.
    """
    if text is None:
        return None
    found = parse_day(text, fiscal_year)
    for warning in parse_window(text, fiscal_year).warnings:
        sys.stderr.write(f"注意: {warning}\n")
    return found


def standing_today(opened: Office, plan: str, as_of: str | None, history: str | None) -> Standing:
    """Return where a plan stands on the given day, today where none is given."""
    from kijitsu.services import reading

    on = day(as_of) or reading.today_of(opened, plan, history)
    standing = reading.standing(opened, plan, on, history)
    if history is None and not standing.revision:
        where = opened.settings.home.resolve()
        sys.stderr.write(f"採り入れた計画がないので、計画ファイルのままの状態を示します（データの場所: {where}）。\n")
    return standing


def _plain(value: object) -> str:
    """Return what JSON has no form for: days and instants in ISO, anything else as text."""
    return value.isoformat() if isinstance(value, date) else str(value)


def print_json(value: Any) -> None:
    """Write a value as JSON: dates in ISO, Japanese unescaped."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=_plain) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table to the terminal, or plain text where there is none."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on stderr while long work runs, none where that is no terminal; call it (done, of)."""
    if not sys.stderr.isatty():
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def print_lines(lines: Iterable[str]) -> None:
    """Write sentences, one a line."""
    for line in lines:
        sys.stdout.write(line + "\n")


def complain(error: KijitsuError) -> int:
    """Write an error to stderr and return the exit code it asks for."""
    sys.stderr.write(f"{error}\n")
    return error.exit_code
