"""Evidence files: kept under the SHA-256 of their content, outside of the database; never executed, never shown inline.

`<folder>/<first two digits>/<SHA-256>` has no suffix, so that nothing opens it by its name, and may be read only. The
first files were kept in the folder itself, as `<SHA-256>.<suffix>`; they are still found there.
"""

from __future__ import annotations

import codecs
import os
import re
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from kijitsu.domain.errors import InputError, OutsideError

_CHUNK = 1 << 20
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Form:
    """A form of document that is taken: `media` is its type, `suffixes` how a name of it may end."""

    title: str
    media: str
    suffixes: tuple[str, ...]


_SIGNATURES = {
    b"%PDF-": Form("PDF", "application/pdf", (".pdf",)),
    b"\xff\xd8\xff": Form("JPEG", "image/jpeg", (".jpg", ".jpeg")),
    b"\x89PNG\r\n\x1a\n": Form("PNG", "image/png", (".png",)),
    b"II*\x00": (tiff := Form("TIFF", "image/tiff", (".tif", ".tiff"))),
    b"MM\x00*": tiff,
}
_OOXML, _ODF = "application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument."
# By what the package says of its main part, and by its `mimetype`.
_PACKAGES = {
    b"wordprocessingml.document.main+xml": Form("Word", f"{_OOXML}wordprocessingml.document", (".docx",)),
    b"spreadsheetml.sheet.main+xml": Form("Excel", f"{_OOXML}spreadsheetml.sheet", (".xlsx",)),
    b"presentationml.presentation.main+xml": Form("PowerPoint", f"{_OOXML}presentationml.presentation", (".pptx",)),
}
_OPEN_DOCUMENTS = {
    f"{_ODF}{name}".encode(): Form("OpenDocument", f"{_ODF}{name}", (suffix,))
    for name, suffix in (("text", ".odt"), ("spreadsheet", ".ods"), ("presentation", ".odp"))
}
# Text has no signature: its name says which it is.
_TEXTS = {
    ".txt": Form("テキスト", "text/plain", (".txt",)),
    ".csv": Form("CSV", "text/csv", (".csv",)),
    ".eml": Form("電子メール", "message/rfc822", (".eml",)),
}
FORMS = tuple(dict.fromkeys([*_SIGNATURES.values(), *_PACKAGES.values(), *_OPEN_DOCUMENTS.values(), *_TEXTS.values()]))
"""Every form that is taken; whatever else there is, is refused."""

_MACROS = re.compile(r"vbaProject|(?:^|/)(?:Basic|Scripts)/", re.IGNORECASE)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\x0c\r\x1b"))  # ISO-2022-JP shifts with ESC
_MARKUP = re.compile(rb"\s*(?:<|#!|\{\\rtf)")


@dataclass(frozen=True, slots=True)
class Paper:
    """A file as an event names it: what it was called (only ever text), its type, and its size in bytes."""

    sha256: str
    name: str
    type: str
    size: int

    def as_json(self) -> dict[str, Any]:
        """Return it as the event keeps it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A checked copy of a file under a name of the moment."""

    paper: Paper
    folder: Path
    part: Path

    def keep(self) -> None:
        """Put the copy where it stays, over the same content where that is kept already. Raises OutsideError."""
        target = self.folder / self.paper.sha256[:2] / self.paper.sha256
        with _writing(self.folder):
            self.part.replace(target)
            for changed in (target.parent, self.folder):
                _sync(changed)


@contextmanager
def incoming(folder: Path, file: Path, most: int) -> Iterator[Incoming]:
    """Take a checked copy of a file, which is gone at the end unless it was kept.

    Raises InputError for what is no plain file, is empty, has more than `most` bytes or a form that is not taken, and
    OutsideError where the folder cannot be written.
    """
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(".part", ".", folder)
    part, digest, size = Path(made), sha256(), 0
    try:
        with _writing(folder), os.fdopen(handle, "wb") as copy:
            for chunk in _chunks(file, most):
                digest.update(chunk)
                size += copy.write(chunk)
            copy.flush()
            os.fchmod(copy.fileno(), 0o440)
            os.fsync(copy.fileno())
        # Made now, so that to keep it takes no more than a new name.
        with _writing(folder):
            (folder / digest.hexdigest()[:2]).mkdir(exist_ok=True)
        name = _name(file)
        # The copy is looked at, not the file: what was checked is what is kept.
        yield Incoming(Paper(digest.hexdigest(), name, _form(part, name).media, size), folder, part)
    finally:
        part.unlink(missing_ok=True)


def find(folder: Path, digest: str) -> Path | None:
    """Return where a content is kept, None where it is not."""
    if not re.fullmatch("[0-9a-f]{64}", digest):
        return None
    kept = folder / digest[:2] / digest
    return kept if kept.is_file() else next(folder.glob(f"{digest}*"), None)


def is_intact(kept: Path, digest: str) -> bool:
    """Tell whether a kept file still has its content. Raises OutsideError where it cannot be read."""
    try:
        with kept.open("rb") as file:
            return file_digest(file, "sha256").hexdigest() == digest
    except OSError as exc:
        raise OutsideError(f"証拠書類 {kept} を読めません（{exc.strerror}）。読む権限を確かめてください。") from exc


def copy_out(kept: Path, digest: str, out: Path) -> None:
    """Write a kept content to a new file, which is there whole and checked or not at all.

    Raises InputError where `out` exists or cannot be made, OutsideError for a content that was altered or a full disk.
    """
    try:
        copy = out.open("xb")
    except OSError as exc:
        why = "既にあります" if isinstance(exc, FileExistsError) else f"作れません（{exc.strerror}）"
        raise InputError(f"{out} は{why}。別の --out を指定してください。") from exc
    found = sha256()
    try:
        with copy, kept.open("rb") as file:
            while chunk := file.read(_CHUNK):
                found.update(chunk)
                copy.write(chunk)
        if found.hexdigest() != digest:
            raise OutsideError(
                f"証拠書類 {kept} の内容が、保管した後に変わっています。"
                "バックアップから同じ名のファイルを戻してください。"
            )
    except BaseException as exc:
        out.unlink(missing_ok=True)
        if isinstance(exc, OSError):
            raise OutsideError(
                f"証拠書類を {out} に取り出せません（{exc.strerror}）。空き容量と権限を確かめてください。"
            ) from exc
        raise


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise OutsideError(
            f"証拠書類を {folder} に保管できません（{exc.strerror}）。空き容量と、書き込む権限を確かめてから、"
            "もう一度報告してください。今の報告は記録していません。"
        ) from exc


def _chunks(file: Path, most: int) -> Iterator[bytes]:
    """Yield a file's content."""
    size = 0
    try:
        if not file.is_file():
            raise InputError(f"証拠書類 {file} がないか、ふつうのファイルではありません。パスを確かめてください。")
        with file.open("rb") as source:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if size > most:
                    raise InputError(
                        f"証拠書類「{_name(file)}」は大きすぎます。"
                        f"{most >> 20} MiB までです（設定 KIJITSU_EVIDENCE_MIB）。"
                    )
                yield chunk
    except OSError as exc:
        raise InputError(f"証拠書類 {file} を読めません（{exc.strerror}）。パスと権限を確かめてください。") from exc
    if not size:
        raise InputError(f"証拠書類「{_name(file)}」は空です。ファイルを確かめてください。")


def _sync(folder: Path) -> None:
    """Have a folder's entries on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _name(file: Path) -> str:
    """Return what a file is called, in one line and not too long."""
    # Format characters go too: one of them shows exe.pdf where fdp.exe is written.
    text = "".join(" " if unicodedata.category(each)[0] == "C" else each for each in file.name)
    name = Path(" ".join(unicodedata.normalize("NFC", text).split()))
    return f"{name.stem[:_LONGEST_NAME]}{name.suffix}"


def _form(part: Path, name: str) -> Form:
    """Return the form of a content. Raises InputError where it is not taken, or the name promises another."""
    suffix = Path(name).suffix.lower()
    with part.open("rb") as file:
        head = file.read(1024)
    form = next((form for mark, form in _SIGNATURES.items() if head.startswith(mark)), None)
    if form is None and head.startswith(b"PK\x03\x04"):
        form = _package(part)
    elif form is None and _is_text(part, head):
        form = _TEXTS.get(suffix)
    if form is None:
        taken = "、".join(f"{title}（{'、'.join(ends)}）" for title, ends in _shown().items())
        raise InputError(
            f"「{name}」は証拠書類として受け取れない形式です。受け取れるのは {taken} です。"
            "プログラム、HTML、マクロ付きの文書、圧縮ファイル、パスワードで開く文書は受け取れません。PDFにして付けてください。"
        )
    if suffix not in form.suffixes:
        raise InputError(
            f"「{name}」の中身は{form.title}ですが、名前がそうなっていません。"
            f"ファイルを確かめ、名前の終わりを {form.suffixes[0]} にして付けてください。"
        )
    return form


def _shown() -> dict[str, list[str]]:
    """Return the forms that are taken with how their names end."""
    found: dict[str, list[str]] = {}
    for form in FORMS:
        found.setdefault(form.title, []).extend(form.suffixes)
    return found


def _package(part: Path) -> Form | None:
    """Return what a zip is as an office document, None for any other and where it holds macros."""
    try:
        with zipfile.ZipFile(part) as archive:
            names = archive.namelist()
            if any(map(_MACROS.search, names)):
                return None
            if "mimetype" in names:
                return _OPEN_DOCUMENTS.get(_member(archive, "mimetype"))
            types = _member(archive, "[Content_Types].xml")
    except Exception:  # noqa: BLE001 (a zip that is none can fail in any way)
        return None
    found = [form for mark, form in _PACKAGES.items() if mark in types]
    return found[0] if len(found) == 1 and b"macro" not in types.lower() else None


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Read a member that is small in every document. Raises ValueError for one that is not."""
    if archive.getinfo(name).file_size > _CHUNK:
        raise ValueError(name)
    return archive.read(name)


def _is_text(part: Path, head: bytes) -> bool:
    """Tell whether a content is text in UTF-8 or Shift_JIS, neither markup nor a script."""
    return not _MARKUP.match(head.removeprefix(codecs.BOM_UTF8)) and any(
        _decodes(part, encoding) for encoding in ("utf-8", "cp932")
    )


def _decodes(part: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with part.open("rb") as file:
            while chunk := file.read(_CHUNK):
                if len(chunk.translate(None, _CONTROLS)) < len(chunk):
                    return False
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
