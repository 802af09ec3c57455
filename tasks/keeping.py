"""保守: the night's backup, the look at the audit log, and what came of them as an artifact."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from prefect import get_client, task
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterEndTime
from prefect.settings import get_current_settings

from kijitsu.services import auditing, keeping
from kijitsu.services.auditing import Verification
from kijitsu.services.keeping import Backup
from tasks.changes import literal
from tasks.office import served_office


@task(name="監査記録の確認")
def look_at_audit() -> list[Verification]:
    """Verify the audit log of every organisation, with all that it speaks of."""
    office = served_office()
    return [auditing.verify(office, organisation) for organisation in office.library.organisations()]


@task(name="バックアップ")
def back_up() -> Backup:
    """Back up what could not be made again."""
    return keeping.backup(served_office(), keeping.MAINTENANCE)


_GRACE = timedelta(days=1)


def publish_maintenance(plan: str, made: Backup, verified: Sequence[Verification], problems: Sequence[str]) -> None:
    """Publish 保守: the backup, where the audit log ends, how many runs Prefect keeps, how much disk is left."""
    runs, stale, days = _runs()
    free = shutil.disk_usage(made.file.parent).free
    lines = [
        f"# 保守 {made.manifest.made_at:%Y-%m-%d %H:%M}",
        *(f"- **{literal(problem)}**" for problem in problems),
        "## バックアップ",
        f"- ファイル: `{made.file.resolve()}`",
        f"- 大きさ: {_mib(made.size)}（証拠書類 {len(made.manifest.evidence)}件を含む）",
        f"- 消した古いバックアップ: {len(made.removed)}件",
        "## 監査記録の最後",
        "控えておくと、後で切取りや作り直しがないか確かめられます（`kijitsu audit verify --head 番号:ハッシュ`）。",
        *(f"- `{each.head.number}:{each.head.hash}`（{each.entries}件）" for each in verified),
        "## Prefect の実行の記録",
        f"- {runs}件。終わって{days}日たったものは、Prefect が自動で消します。",
    ]
    if stale:
        lines.append(
            f"- **{stale}件が消えずに残っています。** サーバーの環境変数 "
            "`PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED` に `events,flow_runs` を指定してください。"
        )
    lines += ["## ディスク", f"- 空き: {_mib(free)}"]
    create_markdown_artifact("\n\n".join(lines), key=f"{plan}-maintenance", description="バックアップと監査記録の控え")


def _runs() -> tuple[int, int, int]:
    """Return how many flow runs the server knows, how many of them it should have removed, and after how many days."""
    kept_for = get_current_settings().server.services.db_vacuum.retention_period
    # The server looks each hour; a day later something is wrong.
    long_over = FlowRunFilterEndTime.model_validate({"before_": datetime.now(UTC) - kept_for - _GRACE})
    with get_client(sync_client=True) as client:
        stale = client.count_flow_runs(flow_run_filter=FlowRunFilter(end_time=long_over))
        return client.count_flow_runs(), stale, kept_for.days


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MiB"
