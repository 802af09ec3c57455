"""What an installation stands on: the machine's clock and disk, Prefect, the operator's path, its backups."""

from __future__ import annotations

import json
import os
import shutil
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kijitsu.domain.errors import KijitsuError
from kijitsu.domain.plan import Organisation
from kijitsu.located import read_document
from kijitsu.office import Office
from kijitsu.services import heartbeat
from kijitsu.services.heartbeat import Cause
from kijitsu.settings import PROJECT

LEAST_FREE, SCARCE = 200 << 20, 1 << 30
"""Bytes of free disk below which an installation is not fine, and below which that is said."""
MOST_ASKEW = timedelta(minutes=1)
OLDEST_BACKUP = timedelta(days=2)
SECONDS = 3


@dataclass(frozen=True)
class Finding:
    """One thing looked at, what was found, and what mends it."""

    what: str
    found: str
    is_fine: bool = True
    remedy: str = ""


def surroundings(office: Office) -> Iterator[Finding]:
    """Look at what is around the program; nothing is changed."""
    yield _operator(office)
    yield from _pass(office)
    yield from _prefect(office)
    yield from _clock(office)
    yield from _disk(office)
    yield _backup(office)


def _operator(office: Office) -> Finding:
    what, urls = "運用担当への警報", office.settings.operator_url.split()
    if urls:
        return Finding(what, f"{len(urls)}つの経路へ送ります（試すには kijitsu heartbeat --test）")
    wanted = "。本番では KIJITSU_OPERATOR_URL を設定してください" if office.settings.smtp_url else ""
    return Finding(what, f"経路がないので {office.settings.logs / 'alarms.log'} に書くだけです{wanted}")


def _pass(office: Office) -> Iterator[Finding]:
    beat = heartbeat.examine(office)
    if beat.cause is not Cause.DATABASE:  # said of the database
        remedy = f"{beat.found}{heartbeat.REMEDIES[Cause.PASS]}"
        yield Finding("きょうの監視", beat.found, beat.cause is None, remedy)


# --- Prefect ---


def _prefect(office: Office) -> Iterator[Finding]:
    """Ask Prefect over plain HTTP, for to import it takes longer than everything else here.

    It may well not run beside a command line, unless PREFECT_API_URL says where it does.
    """
    what, given = "Prefect", os.environ.get("PREFECT_API_URL", "")
    api = given or f"http://127.0.0.1:{office.settings.prefect_port}/api"
    try:
        deployments = _ask(api, "/deployments/filter", {})
        found = {each["name"]: each for each in deployments if "kijitsu" in each["tags"]}
        pools = sorted({each["work_pool_name"] for each in found.values() if each["work_pool_name"]})
        workers = {pool: _ask(api, f"/work_pools/{pool}/workers/filter", {}) for pool in pools}
        paused = [pool for pool in pools if _ask(api, f"/work_pools/{pool}")["is_paused"]]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        said = f"{_place(api)} につながりません（{exc}）"
        remedy = f"Prefectサーバーが動いているかと PREFECT_API_URL を確かめてください。{said}"
        yield Finding(what, said if given else "動いていません（kijitsu up で動きます）", not given, remedy)
        return
    if not found and not given:
        yield Finding(what, f"{_place(api)} で動いていますが、期日のものではありません")
        return
    yield Finding(what, f"{_place(api)} で動いています")
    yield _deployments(found)
    for pool in pools:
        yield _pool(pool, workers[pool], pool in paused)


def _deployments(found: dict[str, Any]) -> Finding:
    declared = [each["name"] for each in read_document(PROJECT / "prefect.yaml").data["deployments"]]
    missing = [name for name in declared if name not in found]
    stopped = [name for name in declared if name in found and found[name]["paused"]]
    remedies = [
        f"登録がありません: {'、'.join(missing)}。kijitsu up を動かし直すか、prefect deploy --all を実行してください。",
        f"一時停止しています: {'、'.join(stopped)}。ダッシュボードの Deployments で再開してください。",
    ]
    wrong = [remedy for remedy, names in zip(remedies, (missing, stopped), strict=True) if names]
    return Finding("デプロイメント", f"{len(declared)}件のうち{len(found)}件が登録済み", not wrong, "".join(wrong))


def _pool(pool: str, workers: list[Any], is_paused: bool) -> Finding:
    online = [each["name"] for each in workers if each["status"] == "ONLINE"]
    remedy = f"ワークプール {pool} が一時停止しています。prefect work-pool resume {pool} で再開してください。"
    if not online:
        remedy = (
            f"ワークプール {pool} で動くワーカーがいません。prefect worker start --pool {pool} で動かしてください。"
        )
    return Finding("ワークプール", f"{pool}（ワーカー {len(online)}）", bool(online) and not is_paused, remedy)


def _place(api: str) -> str:
    """Return an address without what may be a password in it."""
    return urlsplit(api)._replace(netloc=urlsplit(api).netloc.rpartition("@")[2]).geturl()


def _ask(api: str, path: str, given: dict[str, Any] | None = None) -> Any:
    """Return Prefect's answer. Raises OSError where there is none, ValueError for what is no JSON."""
    headers = {"Content-Type": "application/json"}
    if secret := os.environ.get("PREFECT_API_AUTH_STRING"):
        headers["Authorization"] = f"Basic {b64encode(secret.encode()).decode()}"
    body = None if given is None else json.dumps(given).encode()
    request = urllib.request.Request(f"{api.rstrip('/')}{path}", body, headers)  # noqa: S310 (the operator's setting)
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
        return json.load(answer)


# --- the machine ---


def _clock(office: Office) -> Iterator[Finding]:
    """Compare this machine's clock with the newest entry of the audit log and with the database server's clock."""
    if office.settings.today:
        yield Finding("時計", f"予行のため {office.settings.today} に止めています（KIJITSU_TODAY）")
        return
    try:
        for organisation in office.library.organisations():
            yield _zone(organisation)
            with office.open_work(organisation.municipality, True) as work:
                newest, other, now = work.figures.newest_entry(), work.figures.clock(), office.clock()
            yield _clock_finding(organisation, now, newest, other)
    except KijitsuError:
        return  # said of the content and the database


def _zone(organisation: Organisation) -> Finding:
    try:
        ZoneInfo(organisation.zone)
    except ZoneInfoNotFoundError:
        remedy = f"{organisation.zone} の時刻帯のデータがありません。pip install tzdata を実行してください。"
        return Finding("時刻帯", f"{organisation.zone} が使えません", False, remedy)
    return Finding("時刻帯", organisation.zone)


def _clock_finding(
    organisation: Organisation, now: datetime, newest: datetime | None, other: datetime | None
) -> Finding:
    found = f"{now.astimezone(ZoneInfo(organisation.zone)):%Y-%m-%d %H:%M:%S}"
    mend = "時計の同期（NTP）を確かめてください。"
    if newest and newest > now:
        remedy = (
            f"時計が、監査記録の最後の時刻（{newest.astimezone(ZoneInfo(organisation.zone)):%Y-%m-%d %H:%M:%S}）より"
        )
        return Finding("時計", f"{found}（遅れています）", False, f"{remedy}遅れています。{mend}")
    if other and abs(other - now) > MOST_ASKEW:
        seconds = int(abs((other - now).total_seconds()))
        return Finding("時計", found, False, f"時計がデータベースのサーバーと{seconds}秒ずれています。{mend}")
    return Finding("時計", found)


def _disk(office: Office) -> Iterator[Finding]:
    """Look at the free space where we write; of a database server's disk nothing can be known from here."""
    places = {"空き容量": office.settings.home}
    if office.settings.database.startswith("sqlite:///"):
        file = Path(office.settings.database.removeprefix("sqlite:///"))
        if file.parent.resolve() != office.settings.home.resolve():
            places["空き容量（データベース）"] = file.parent
    for what, place in places.items():
        there = next(each for each in (place.resolve(), *place.resolve().parents) if each.exists())
        free = shutil.disk_usage(there).free
        found = f"{free / (1 << 30):.1f} GiB（{there}）" + ("。残りが少なくなっています" if free < SCARCE else "")
        remedy = f"{there} の空き容量が足りません。古いバックアップや logs/ を片付けるか、容量を増やしてください。"
        yield Finding(what, found, free >= LEAST_FREE, remedy)


def _backup(office: Office) -> Finding:
    what, files = "バックアップ", list((office.settings.home / "backups").glob("*.zip"))
    if not files:
        return Finding(what, "まだありません（kijitsu backup で作ります）")
    newest = max(files, key=lambda file: file.stat().st_mtime)
    age = office.clock() - datetime.fromtimestamp(newest.stat().st_mtime, UTC)
    old = f"。{age.days}日前のものです。「保守」が動いているか確かめてください" if age > OLDEST_BACKUP else ""
    return Finding(what, f"{newest.name}{old}")
