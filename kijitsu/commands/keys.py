"""Commands on the keys that sign the links in letters."""

from __future__ import annotations

import typer

from kijitsu.commands import common
from kijitsu.domain.roles import Right

keys_app = typer.Typer(help="通知のリンクに署名する鍵を替えます。", no_args_is_help=True)


@keys_app.command("rotate")
def rotate_keys() -> None:
    """鍵を一つ足します。新しいリンクはその鍵で署名し、前の二つの鍵のリンクもしばらく使えます。"""
    from kijitsu.links import KeyFile

    opened = common.office()
    opened.actor().require(Right.ADMINISTER, "鍵の交替")
    kept = KeyFile(opened.settings.home).rotate()
    common.print_lines([f"鍵を替えました（{kept[-1].fingerprint}）。使える鍵は{len(kept)}個です。"])


@keys_app.command("list")
def list_keys(as_json: common.JsonOption = False) -> None:
    """鍵の指紋と作った日。鍵そのものは示しません。"""
    from kijitsu.links import KeyFile

    kept = KeyFile(common.office().settings.home).keys()
    if as_json:
        common.print_json([{"fingerprint": key.fingerprint, "made_on": key.made_on} for key in kept])
        return
    uses = ["以前のリンクの確認"] * (len(kept) - 1) + ["署名と確認"]
    rows = ([key.fingerprint, key.made_on.isoformat(), use] for key, use in zip(kept, uses, strict=True))
    common.print_table("通知のリンクの鍵", ("指紋", "作った日（UTC）", "使い道"), rows)
