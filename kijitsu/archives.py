"""A backup as one file: a zip of a database, evidence files and keys, with a manifest that says what is in it.

Nothing is unpacked by the names of its members but into the places that are known here.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from kijitsu.domain.errors import InputError, OutsideError

DATABASE, KEYS, MANIFEST = "kijitsu.db", "link-keys", "manifest.json"
_EVIDENCE = re.compile(r"evidence/(?:(?P<first>[0-9a-f]{2})/(?P=first)[0-9a-f]{62}|[0-9a-f]{64}\.\w{1,16})", re.ASCII)
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Manifest:
    """What an archive holds: which program made it and when, of which schema its database is and how many rows its
    tables have, where each municipality's audit log ends (number and hash), and the SHA-256 of every other member."""

    version: str
    schema: str
    made_at: datetime
    rows: Mapping[str, int]
    heads: Mapping[str, tuple[int, str]]
    members: Mapping[str, str]

    @property
    def evidence(self) -> set[str]:
        """The SHA-256 by which each evidence file is called."""
        return {digest_of(name) for name in self.members if is_evidence(name)}

    def as_json(self) -> dict[str, Any]:
        """Return it as manifest.json and `kijitsu restore --json` show it."""
        return {**asdict(self), "made_at": self.made_at.isoformat()}


def is_evidence(name: str) -> bool:
    """Tell whether a path below the home, or a member's name, is that of a kept evidence file."""
    return _EVIDENCE.fullmatch(name) is not None


def is_ours(name: str) -> bool:
    """Tell whether a name is one that a member may have."""
    return name in (DATABASE, KEYS) or is_evidence(name)


def digest_of(name: str) -> str:
    """Return the SHA-256 by which an evidence file is called."""
    return name.rpartition("/")[2].partition(".")[0]


def altered(manifest: Manifest) -> list[str]:
    """Return what is wrong with evidence files whose content is not what they are called by, in sentences."""
    return [
        f"証拠書類 {name} の内容が、保管した後に変わっています。"
        for name, digest in manifest.members.items()
        if is_evidence(name) and digest != digest_of(name)
    ]


def write(file: Path, said: Manifest, members: Mapping[str, Path]) -> Manifest:
    """Write a new archive that only its owner can read, and have it on the disk; return its manifest.

    `members` are files by their names in it. Raises OutsideError where something cannot be read or written.
    """
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w+b") as out:
            with zipfile.ZipFile(out, "w") as archive:
                digests = {name: _put(archive, said, name, source) for name, source in members.items()}
                manifest = Manifest(**{**vars(said), "members": digests})
                text = json.dumps(manifest.as_json(), ensure_ascii=False, indent=1)
                archive.writestr(_info(said, MANIFEST), text)
            out.flush()
            os.fsync(out.fileno())
    except OSError as exc:
        raise OutsideError(
            f"バックアップを {file.parent} に書けません（{exc.strerror}）。空き容量と権限を確かめてください。"
        ) from exc
    return manifest


def _put(archive: zipfile.ZipFile, said: Manifest, name: str, source: Path) -> str:
    with source.open("rb") as file, archive.open(_info(said, name), "w", force_zip64=True) as member:
        return _copied(file, member)


def _info(said: Manifest, name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, said.made_at.timetuple()[:6])
    # Documents and pictures are packed already.
    info.compress_type = zipfile.ZIP_STORED if is_evidence(name) else zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


class Archive:
    """An archive that is open to be read, whose members are the ones that its manifest names.

    Raises InputError where it is none of ours or damaged.
    """

    def __init__(self, file: Path, packed: zipfile.ZipFile) -> None:
        self._file, self._packed = file, packed
        with _damaged(file):
            self.manifest = _manifest(packed)

    def extract(self, name: str, to: Path | None) -> None:
        """Write a member to a new file, or only look at it; raises InputError where it is not as it was packed."""
        with _damaged(self._file), self._packed.open(name) as member:
            if to is None:
                digest = _copied(member, None)
            else:
                to.parent.mkdir(parents=True, exist_ok=True)
                with to.open("xb") as out:
                    digest = _copied(member, out)
            if digest != self.manifest.members[name] or (is_evidence(name) and digest != digest_of(name)):
                raise ValueError(f"{name} の内容が変わっています")


@contextmanager
def opened(file: Path) -> Iterator[Archive]:
    """Open an archive. Raises InputError for what is none of ours."""
    try:
        with _damaged(file):
            packed = zipfile.ZipFile(file)
    except OSError as exc:
        raise InputError(f"{file} を読めません（{exc.strerror}）。パスと権限を確かめてください。") from exc
    with packed:
        yield Archive(file, packed)


@contextmanager
def _damaged(file: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, LookupError, TypeError, ValueError, RuntimeError) as exc:
        raise InputError(
            f"{file} は期日のバックアップではないか、壊れています（{exc}）。ほかのバックアップを使ってください。"
        ) from exc


def _manifest(packed: zipfile.ZipFile) -> Manifest:
    said: dict[str, Any] = json.loads(packed.read(MANIFEST))
    heads = {code: (int(number), str(digest)) for code, (number, digest) in said["heads"].items()}
    manifest = Manifest(**{**said, "made_at": datetime.fromisoformat(said["made_at"]), "heads": heads})
    names = [info.filename for info in packed.infolist()]
    if sorted(names) != sorted([*manifest.members, MANIFEST]) or DATABASE not in names:
        raise ValueError("目録と中身が合いません")
    for name in manifest.members:
        if not is_ours(name):
            raise ValueError(f"{name} は期日のファイルではありません")
    return manifest


def _copied(source: IO[bytes], target: IO[bytes] | None) -> str:
    digest = sha256()
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        if target is not None:
            target.write(chunk)
    return digest.hexdigest()
