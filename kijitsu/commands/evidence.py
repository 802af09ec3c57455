"""Commands on the evidence that was given: list it, take a file out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from kijitsu.commands import common
from kijitsu.domain.eras import show_date

evidence_app = typer.Typer(help="報告に付いた証拠（文書番号と書類）を見て、取り出します。", no_args_is_help=True)

_DAYS = {"decided": "決裁", "received": "収受", "effective": "発効", "expires": "期限"}


@evidence_app.command("list")
def list_evidence(
    plan: common.PlanArgument,
    id: Annotated[str | None, typer.Argument(metavar="[ID]", help="項目のID（省けばすべて）")] = None,
    as_json: common.JsonOption = False,
) -> None:
    """証拠を報告の順に並べます。だれがいつ報告したか、文書番号、日付、書類の名前と大きさとSHA-256。"""
    from kijitsu.services import evidencing

    opened = common.reader()
    found = evidencing.papers(opened, plan, id)
    if as_json:
        common.print_json(found)
        return
    zone = ZoneInfo(common.organisation(opened, plan).zone)
    rows = []
    for each in found:
        sent_back = f"\n差戻し {show_date(each['rejected'])}" if each["rejected"] else ""
        days = [f"{shown} {each[name]}" for name, shown in _DAYS.items() if each[name]]
        file = each["file"]
        kept = f"{file['name']}\n{_size(file['size'])}\n{file['sha256']}" if file else ""
        rows.append(
            [
                f"{each['title']}\n{each['milestone']}",
                f"{each['kind']}\n{each['number']}{sent_back}",
                "\n".join([f"完了 {each['on']}", *days]),
                f"{each['actor']}\n{each['at'].astimezone(zone):%Y-%m-%d %H:%M}",
                kept.strip(),
            ]
        )
    common.print_table("証拠", ("項目", "種類と文書番号", "日付", "報告した人と時刻", "書類"), rows)


@evidence_app.command("save")
def save_evidence(
    plan: common.PlanArgument,
    sha256: Annotated[str, typer.Argument(metavar="SHA256", help="書類のSHA-256（8桁以上）")],
    out: Annotated[Path, typer.Option(help="書き出す先。既にあるファイルには書きません")],
) -> None:
    """証拠書類を取り出します。保管した時のままであることを確かめ、新しいファイルに書きます。"""
    from kijitsu.services import evidencing

    file = evidencing.save(common.reader(), plan, sha256, out)
    what = f"（{file['name']}）" if file["name"] else ""
    common.print_lines([f"{out} に取り出しました{what}。内容は保管した時のままです。"])


def _size(size: int | None) -> str:
    return "" if size is None else f"{size:,} バイト"
