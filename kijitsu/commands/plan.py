"""Commands on plans as a whole: adopt one, list them, write one out again."""

from __future__ import annotations

import typer

from kijitsu.commands import common

plan_app = typer.Typer(help="計画をデータベースに採り入れ、版を見ます。", no_args_is_help=True)


@plan_app.command()
def adopt(plan: common.PlanArgument) -> None:
    """計画ファイルをデータベースに第1版として採り入れます（データベースがなければ作ります）。"""
    from kijitsu.services import adopting

    opened = common.office()
    opened.library.plan(plan)  # a file with errors makes no database
    opened.upgrade()
    revision = adopting.adopt(opened, plan, opened.actor())
    common.print_lines(
        [f"計画 {revision.plan} を第{revision.number}版として採り入れました（{opened.settings.database}）。"]
    )


@plan_app.command("list")
def list_plans(as_json: common.JsonOption = False) -> None:
    """計画と、その版を並べます。"""
    from kijitsu.services import ledger

    found = ledger.plans(common.office())
    if as_json:
        common.print_json(found)
        return
    rows = ([each["plan"], each["title"], str(each["revision"] or "未採用")] for each in found)
    common.print_table("計画", ("ID", "名称", "版"), rows)


def export(plan: common.PlanArgument) -> None:
    """採り入れた計画の今の版を、YAMLとして標準出力へ出します。"""
    from kijitsu.located import write_yaml
    from kijitsu.services import reading

    standing = reading.standing(common.office(), plan)
    common.print_lines([write_yaml(dict(standing.loaded.document)).rstrip()])
