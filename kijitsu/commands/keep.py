"""Commands that keep the data: backup and restore."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kijitsu.commands import common
from kijitsu.domain.errors import InputError

if TYPE_CHECKING:
    from kijitsu.archives import Manifest


def backup(
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR|FILE", help="置く場所、または .zip の名前（省けば var/backups）"),
    ] = None,
    keep: Annotated[int, typer.Option("--keep", metavar="N", min=1, help="この場所に残す数。古いものから消す")] = 14,
    as_json: common.JsonOption = False,
) -> None:
    """データベース・証拠書類・リンクの鍵を、一つのファイルに写します。動かしたままで構いません。"""
    from kijitsu.services import keeping

    opened = common.office()
    made = keeping.backup(opened, opened.actor(), out, keep)
    if as_json:
        common.print_json(made.as_json())
    else:
        common.print_lines(
            [
                f"バックアップを作りました: {made.file}（{made.size:,} バイト）",
                *_said(made.manifest),
                *(f"古いバックアップを消しました: {path.name}" for path in made.removed),
            ]
        )
    if made.problems:
        raise InputError(
            "\n".join(
                [*made.problems, "このバックアップは残しますが、復元には使えません。古いバックアップは消していません。"]
            )
        )


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="バックアップのファイル")],
    check: Annotated[bool, typer.Option("--check", help="確かめるだけで、復元しない")] = False,
    as_json: common.JsonOption = False,
) -> None:
    """バックアップを、データのない場所に復元します。中身と監査記録を確かめてから置きます。"""
    from kijitsu.services import keeping

    opened = common.office()
    manifest = keeping.check(file) if check else keeping.restore(opened, opened.actor(), file)
    if as_json:
        common.print_json(manifest.as_json())
        return
    common.print_lines(
        [
            "バックアップに欠けや改ざんはありません。" if check else f"復元しました: {opened.settings.home.resolve()}",
            *_said(manifest),
        ]
    )


def _said(manifest: Manifest) -> Iterator[str]:
    yield f"作った日時: {manifest.made_at:%Y-%m-%d %H:%M:%S}、証拠書類 {len(manifest.evidence)}件"
    for number, digest in manifest.heads.values():
        yield f"監査記録の最後は {number}:{digest} です。"
