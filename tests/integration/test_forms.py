"""Forms as browsers send them: read whole, within their limits, files and all."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request

from kijitsu.settings import Settings
from kijitsu.web.forms import MOST_FIELDS, read_form

KIB = 1024
NAMELESS = b"--a\r\nContent-Disposition: form-data\r\n\r\nx\r\n--a--\r\n"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A page that tells what it was sent."""
    app = FastAPI()
    app.state.office = SimpleNamespace(settings=Settings(base_url="https://kijitsu.city.example/portal"))

    @app.post("/")
    async def tell(request: Request) -> dict[str, object]:
        form = await read_form(request, "the token", 300 * KIB)
        files = {
            name: {"name": each.name, "size": each.size, "text": each.path.read_text("utf-8"), "path": str(each.path)}
            for name, each in form.files.items()
        }
        return {"fields": dict(form.fields), "lists": {k: list(v) for k, v in form.lists.items()}, "files": files}

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def test_a_field_that_comes_again_is_a_list(url: str) -> None:
    given = {"csrf": "the token", "reason": "国の様式が届かないため", "milestone": ["review", "filing"]}

    told = httpx.post(url, data=given).json()

    assert told["fields"] == {"csrf": "the token", "reason": "国の様式が届かないため", "milestone": "filing"}
    assert told["lists"]["milestone"] == ["review", "filing"]
    assert told["files"] == {}


def test_a_file_is_on_the_disk_by_its_own_name_until_the_form_is_done_with(url: str) -> None:
    files = {
        "paper": ("C:\\fakepath\\決裁 文書.txt", "起案の理由".encode() * 9000),
        "sly": ("../../etc/passwd", b"x"),
        "none": ("", b""),
    }
    told = httpx.post(url, data={"csrf": "the token", "on": "2016-06-03"}, files=files).json()

    paper, sly = told["files"]["paper"], told["files"]["sly"]
    assert told["fields"]["on"] == "2016-06-03"
    assert (paper["name"], paper["size"], paper["text"]) == ("決裁 文書.txt", 135000, "起案の理由" * 9000)
    assert (sly["name"], Path(sly["path"]).name) == ("passwd", "passwd")
    assert "none" not in told["files"]
    gc.collect()
    assert not Path(paper["path"]).parent.exists()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"data": {"csrf": "the token", "text": "あ" * 9000}}, 413),
        ({"data": {"csrf": "the token", **{f"f{number}": "" for number in range(MOST_FIELDS)}}}, 413),
        ({"data": {"csrf": "the token"}, "files": {"paper": ("a.bin", b"x" * 301 * KIB)}}, 413),
        ({"data": {"csrf": "the token"}, "files": {f"p{number}": ("a", b"x") for number in range(21)}}, 413),
        ({"content": b"no form", "headers": {"Content-Type": "multipart/form-data"}}, 400),
        ({"content": NAMELESS, "headers": {"Content-Type": "multipart/form-data; boundary=a"}}, 400),
        ({"content": b"\xff\xfe=%zz&csrf=a", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 403),
        ({"content": b"", "headers": {"Content-Type": "application/json"}}, 403),
        ({"data": {"csrf": "the tokens"}}, 403),
        ({"data": {"csrf": "the token"}, "headers": {"Origin": "https://kijitsu.city.example"}}, 200),
        ({"data": {"csrf": "the token"}, "headers": {"Origin": "https://kijitsu.city.example.evil.example"}}, 403),
    ],
    ids=[
        *(
            "long-text",
            "many-fields",
            "long-file",
            "many-files",
            "no-boundary",
            "nameless",
            "bytes",
            "no-form",
            "token",
        ),
        *("through-the-proxy", "elsewhere"),
    ],
)
def test_what_is_too_much_or_no_form_of_ours_is_refused(sent: dict[str, object], status: int, url: str) -> None:
    assert httpx.post(url, **sent).status_code == status  # type: ignore[arg-type]
