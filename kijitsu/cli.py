"""The `kijitsu` command: what can be done, and how errors end it (1 input, 2 usage, 3 something outside)."""

from __future__ import annotations

import sys

import typer

from kijitsu.commands import (
    account,
    act,
    audit,
    change,
    common,
    evidence,
    keep,
    keys,
    outbox,
    period,
    plan,
    read,
    report,
    run,
)
from kijitsu.domain.errors import KijitsuError

app = typer.Typer(
    name="kijitsu",
    help="期日（きじつ）: 自治体の例規・法定期限カレンダー。計画を読み、日程を組み、督促し、止まった理由を説明します。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (
    run.up,
    run.demo,
    read.check,
    read.schema,
    read.schedule,
    read.status,
    read.why,
    period.period,
    act.watch,
    run.replay,
    change.move,
    change.change,
    change.approve,
    change.undo,
    change.waive,
    change.cancel,
    report.start,
    report.complete,
    report.acknowledge,
    report.snooze,
    report.estimate,
    report.excuse,
    report.reject,
    act.remind,
    act.reminders,
    plan.export,
    keep.backup,
    keep.restore,
    run.heartbeat,
    run.doctor,
):
    app.command()(command)
app.command("import")(change.import_)
for name, group in (
    ("outbox", outbox.outbox_app),
    ("audit", audit.audit_app),
    ("plan", plan.plan_app),
    ("keys", keys.keys_app),
    ("account", account.account_app),
    ("evidence", evidence.evidence_app),
):
    app.add_typer(group, name=name)


def main() -> None:
    """Run the command line; every error we raise ends as a message on stderr and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    try:
        app()
    except KijitsuError as exc:
        sys.exit(common.complain(exc))
