"""Backups: everything that people and passes wrote, in one file; and the way back into an empty place."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from kijitsu import archives
from kijitsu.archives import DATABASE, KEYS, Archive, Manifest
from kijitsu.domain.errors import InputError, OutsideError
from kijitsu.domain.roles import Right
from kijitsu.folders import own_folder
from kijitsu.office import ALL_ROLES, Actor, Json, Office
from kijitsu.services.auditing import verify_log
from kijitsu.services.evidencing import named_files
from kijitsu.store.copying import content, copy_database, is_empty, municipalities, opened
from kijitsu.store.engine import require_current_schema, upgrade
from kijitsu.store.rows import AuditHead
from kijitsu.store.work import UnitOfWork

if TYPE_CHECKING:
    from sqlalchemy import Engine

KEPT = 14
"""How many backups stay in their folder."""

MAINTENANCE = Actor("kijitsu", "maintenance", ALL_ROLES)
"""The nightly maintenance, which is nobody's act."""

_NAME = re.compile(r"kijitsu-(?P<code>\d{6})-(?P<at>\d{8}-\d{6})(?:-(?P<again>\d+))?\.zip", re.ASCII)


@dataclass(frozen=True)
class Backup:
    """A backup that was made: the file, its size in bytes, what it holds and what is wrong with that, in sentences.

    `removed` are the older ones that went to make room; none does where anything is wrong.
    """

    file: Path
    size: int
    manifest: Manifest
    problems: list[str]
    removed: list[Path]

    def as_json(self) -> Json:
        """Return it as `kijitsu backup --json` shows it."""
        return {
            "file": str(self.file),
            "size": self.size,
            "manifest": self.manifest.as_json(),
            "problems": self.problems,
            "removed": [str(path) for path in self.removed],
        }


def backup(office: Office, actor: Actor, out: Path | None = None, keep: int = KEPT) -> Backup:
    """Write what could not be made again into a new archive: the database, the evidence files, the keys of the links.

    It shows one moment, whoever writes meanwhile, and is there as a whole or not at all. `out` is a folder, whose
    newest `keep` backups stay (by default `backups` in the home), or a new file whose name ends in .zip. Raises
    InputError where that is there, OutsideError where the database or the disk fails.
    """
    actor.require(Right.ADMINISTER, "バックアップ")
    with opened(office.settings.database) as engine:
        require_current_schema(engine)
    organisation = office.library.organisations()[0]
    now = office.now(organisation).astimezone(ZoneInfo(organisation.zone))
    out = out or office.settings.home / "backups"
    is_file = out.suffix == ".zip" and not out.is_dir()
    folder = out.parent if is_file else out
    with own_folder(folder / ".backup") as part:
        manifest, problems = _pack(office, part, now)
        target = out if is_file else _free_name(folder, f"kijitsu-{organisation.municipality}-{now:%Y%m%d-%H%M%S}")
        if target.exists():
            raise InputError(f"{target} はもうあります。上書きはしません。別の --out を指定してください。")
        with _disk(folder):
            (part / "archive").rename(target)
            removed = [] if is_file or problems else _make_room(folder, organisation.municipality, target, keep)
    return Backup(target, target.stat().st_size, manifest, problems, removed)


def check(file: Path) -> Manifest:
    """Return what an archive holds, all of which was looked at. Raises InputError with what is wrong with it."""
    with tempfile.TemporaryDirectory() as part, archives.opened(file) as archive:
        _unpack(archive, Path(part), whole=False)
    return archive.manifest


def restore(office: Office, actor: Actor, file: Path) -> Manifest:
    """Put an archive in place where there is no data yet, and return what it holds.

    All of it is looked at before, and the database comes last, in one transaction: after a failure the same command
    goes on. Each municipality's audit log gets an entry. Raises InputError where there is data, or the archive is
    damaged; OutsideError where the database or the disk fails.
    """
    actor.require(Right.ADMINISTER, "バックアップからの復元")
    home = office.settings.home
    with archives.opened(file) as archive, own_folder(home / ".restore") as part:
        manifest = archive.manifest
        _refuse_data(office, manifest)
        _unpack(archive, part, whole=True)
        _enter(office, actor, part / DATABASE, file, manifest)
        with _disk(home):
            for name in manifest.members.keys() - {DATABASE}:
                (part / name).chmod(0o600 if name == KEYS else 0o440)
                (home / name).parent.mkdir(parents=True, exist_ok=True)
                (part / name).replace(home / name)
        copy_database(f"sqlite:///{part / DATABASE}", office.settings.database)
    return manifest


def _pack(office: Office, part: Path, now: datetime) -> tuple[Manifest, list[str]]:
    """Write the archive into a folder of the moment; return its manifest, and what is wrong with what it holds."""
    home, copy = office.settings.home, part / DATABASE
    held = copy_database(office.settings.database, f"sqlite:///{copy}")
    # After the database: a file that an event of the copy names was there before it, and none is ever taken away.
    kept = {str(path.relative_to(home)): path for path in [home / KEYS, *office.settings.evidence.rglob("*")]}
    members = {name: path for name, path in sorted(kept.items()) if path.is_file() and archives.is_ours(name)}
    with opened(f"sqlite:///{copy}") as engine:
        said = Manifest(version("kijitsu"), held.schema, now, held.rows, _heads(engine), {})
        manifest = archives.write(part / "archive", said, {DATABASE: copy, **members})
        return manifest, [*archives.altered(manifest), *_problems(engine, manifest)]


def _unpack(archive: Archive, part: Path, *, whole: bool) -> None:
    """Look at everything in an archive; leave the database in a folder, brought to this program's schema.

    With `whole` the other members, too. Raises InputError where anything is not as it was.
    """
    for name in archive.manifest.members:
        archive.extract(name, part / name if whole or name == DATABASE else None)
    with opened(f"sqlite:///{part / DATABASE}") as engine:
        upgrade(engine)
        if problems := list(_problems(engine, archive.manifest)):
            raise InputError("\n".join(["このバックアップは復元に使えません。ほかのものを使ってください。", *problems]))


def _problems(engine: Engine, manifest: Manifest) -> Iterator[str]:
    """Yield what is wrong with an archive's database: rows, audit logs, evidence without its file."""
    with engine.connect() as connection:
        rows = content(connection).rows
    yield from (
        f"表 {name} の件数が目録と違います。" for name, count in manifest.rows.items() if rows.get(name) != count
    )
    for code, (number, digest) in manifest.heads.items():
        with UnitOfWork(engine, code, readonly=True) as work:
            yield from verify_log(work, AuditHead(number, digest) if number else None).problems
            lost = named_files(work) - manifest.evidence
        yield from (f"証拠書類 {digest} がバックアップにありません。" for digest in sorted(lost))


def _heads(engine: Engine) -> dict[str, tuple[int, str]]:
    """Return where each municipality's audit log ends."""
    heads = {}
    with engine.connect() as connection:
        codes = municipalities(connection)
    for code in codes:
        with UnitOfWork(engine, code, readonly=True) as work:
            head = work.audit.head()
            heads[code] = head.number, head.hash
    return heads


def _enter(office: Office, actor: Actor, copy: Path, file: Path, manifest: Manifest) -> None:
    """Let the audit logs of what is restored say so, before it is put in place: the entry comes with the rows."""
    now = office.now(office.library.organisations()[0])
    with opened(f"sqlite:///{copy}") as engine:
        for code, (number, digest) in manifest.heads.items():
            details = {
                "made_at": manifest.made_at.isoformat(),
                "version": manifest.version,
                "head": f"{number}:{digest}",
            }
            with UnitOfWork(engine, code) as work:
                work.audit.append(now, actor.name, actor.authenticated_by, "restore", file.name, details)
                work.commit()


def _refuse_data(office: Office, manifest: Manifest) -> None:
    settings = office.settings
    found = []
    if settings.may_have_database and not is_empty(settings.database):
        found.append("データベース")
    evidence = (path.relative_to(settings.home) for path in settings.evidence.rglob("*") if path.is_file())
    if any(str(path) not in manifest.members for path in evidence):
        found.append("証拠書類")
    keys = settings.home / KEYS
    if keys.exists() and sha256(keys.read_bytes()).hexdigest() != manifest.members.get(KEYS):
        found.append("リンクの鍵")
    if found:
        raise InputError(
            f"{settings.home.resolve()} には既にデータ（{'、'.join(found)}）があるので、復元しません。"
            "今のデータを別の場所へ移すか、KIJITSU_HOME（PostgreSQL では KIJITSU_DATABASE_URL も）で空の場所を"
            "指定してから、もう一度実行してください。"
        )


def _free_name(folder: Path, stem: str) -> Path:
    """Return a name that no file has: a clock may stand still, or be put back."""
    names = (folder / f"{stem}{f'-{again}' if again > 1 else ''}.zip" for again in count(1))
    return next(name for name in names if not name.exists())


def _make_room(folder: Path, municipality: str, newest: Path, keep: int) -> list[Path]:
    """Remove the oldest backups of a municipality but for so many, the one just made included; return those removed."""
    found = {path: match for path in folder.iterdir() if (match := _NAME.fullmatch(path.name)) and path != newest}
    ours = [path for path, match in found.items() if match["code"] == municipality]
    ours.sort(key=lambda path: (found[path]["at"], int(found[path]["again"] or 1)), reverse=True)
    for path in ours[keep - 1 :]:
        path.unlink()
    return ours[keep - 1 :]


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise OutsideError(f"{folder} に書けません（{exc.strerror}）。空き容量と権限を確かめてください。") from exc
