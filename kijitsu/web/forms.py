"""Forms that people send us: read within limits, and only from a page of ours that the same person was shown."""

from __future__ import annotations

import hmac
import shutil
import tempfile
import weakref
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from fastapi import Request
from python_multipart.exceptions import FormParserError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser

TOKEN = "csrf"  # noqa: S105 (the name of the field)
"""The hidden field that shows that the form was one of ours."""

MOST_FIELDS, MOST_FILES, MOST_TEXT = 500, 20, 64 * 1024
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Upload:
    """A file that came with a form: at `path` as long as this is kept, called `name` by its sender, `size` in bytes."""

    path: Path
    name: str
    size: int


@dataclass(frozen=True)
class Form:
    """A form's fields, the last value of each; every value of each in `lists`; its files, without the empty ones."""

    fields: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]
    files: Mapping[str, Upload]


def number_of(text: str) -> int | None:
    """Return the number that a field or an address holds, None where it holds none that could be one of ours."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


async def read_form(request: Request, csrf: str | None, most_bytes: int = 64 * 1024) -> Form:
    """Return a form, urlencoded or multipart, of `most_bytes` in all at the most.

    `csrf` is what its hidden field must hold; None for the sign-in forms, whose sender has no visit yet and which are
    taken from our own pages alone. Raises HTTPException: 403 for a form from elsewhere, 413 for one that is too long,
    400 for what is no form.
    """
    _require_own_page(request, csrf)
    form = await parse_form(request, most_bytes)
    if csrf is not None and not hmac.compare_digest(form.fields.get(TOKEN, "").encode(), csrf.encode()):
        raise _refused("ページが古くなっています。ページを読み込み直してから、もう一度送ってください。")
    return form


async def parse_form(request: Request, most_bytes: int, most_fields: int = MOST_FIELDS) -> Form:
    """Return a form from wherever it comes: only behind an address that nobody can guess, which is leave enough.

    Raises HTTPException: 413 for one that is too long, 400 for what is no form.
    """
    given = await _parsed(request, most_bytes, most_fields)
    texts = [(name, value) for name, value in given.multi_items() if isinstance(value, str)]
    files = [(name, value) for name, value in given.multi_items() if isinstance(value, UploadFile) and value.filename]
    lists = {name: tuple(value for each, value in texts if each == name) for name, _ in texts}
    return Form(dict(texts), lists, {name: await run_in_threadpool(_kept, file) for name, file in files})


def _require_own_page(request: Request, csrf: str | None) -> None:
    """Raise HTTPException where the browser says that another site's page sent the form.

    Our own pages send the origin `null`, for they tell nobody where they are (`Referrer-Policy: no-referrer`); then
    `Sec-Fetch-Site` decides, which a browser sends to loopback and over HTTPS, or else the hidden field alone.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        is_ours = site == "same-origin"
    elif origin is None or (origin == "null" and csrf is not None):
        is_ours = True
    else:
        base = request.app.state.office.settings.base_url
        is_ours = urlsplit(origin).netloc in {urlsplit(base).netloc, request.headers.get("host")} - {""}
    if not is_ours:
        raise _refused("ほかのサイトのページから送られたので、受け付けません。このサイトのページから送ってください。")


def _refused(said: str) -> HTTPException:
    return HTTPException(403, said)


async def _parsed(request: Request, most_bytes: int, most_fields: int) -> FormData:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    stream = _limited(request, most_bytes)
    parser: FormParser | MultiPartParser
    if kind == "multipart/form-data":
        parser = MultiPartParser(
            request.headers, stream, max_files=MOST_FILES, max_fields=most_fields, max_part_size=MOST_TEXT
        )
    else:
        parser = FormParser(request.headers, stream, max_fields=most_fields, max_part_size=MOST_TEXT)
    try:
        return await parser.parse()
    except MultiPartException as exc:
        raise HTTPException(413 if "maximum" in exc.message or "Maximum" in exc.message else 400) from exc
    except FormParserError as exc:
        raise HTTPException(400) from exc


async def _limited(request: Request, most_bytes: int) -> AsyncGenerator[bytes, None]:
    count = 0
    async for part in request.stream():
        count += len(part)
        if count > most_bytes:
            raise HTTPException(413)
        yield part


def _kept(file: UploadFile) -> Upload:
    folder = Path(tempfile.mkdtemp(prefix="kijitsu-"))
    # Browsers send the bare name; what else sends a path means its last part.
    name = PurePosixPath((file.filename or "").replace("\\", "/").replace("\0", "")).name
    # A file system counts bytes, of which a kanji has three.
    name = name.encode(errors="replace")[-_LONGEST_NAME:].decode(errors="ignore").removeprefix("..") or "file"
    upload = Upload(folder / name, name, file.size or 0)
    weakref.finalize(upload, shutil.rmtree, folder, ignore_errors=True)
    with upload.path.open("wb") as out:
        shutil.copyfileobj(file.file, out)
    file.file.close()
    return upload
