"""A desk at the city hall: the command line as people use it, and what it leaves behind."""

from __future__ import annotations

import email
import email.policy
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cache
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from sqlalchemy import Engine

from kijitsu.cli import main
from kijitsu.hosting.processes import free_port
from kijitsu.store.engine import connect

ROOT = Path(__file__).parents[2]
UP_SECONDS = 240

HEAD = """\
plan: small
title: 小さな計画
fiscal_year: H28
organisation: ishinomaki
"""
"""How the file of a small plan begins."""

# The letters of these three are few enough to be counted by hand. May 31 2016 is a Tuesday.
SMALL = (
    HEAD
    + """\
milestones:
  review:
    title: 評価書の再評価
    kind: assessment
    owner: general_affairs
    when: 平成28年4月～5月
    evidence: [評価書]
    reminders: filing
    basis: 番号法第27条
  filing:
    title: 届出書の提出
    kind: filing
    owner: residents
    when: 平成28年9月
    after: [review]
    evidence: [届出書, 送付状]
    reminders: filing
  audience: {title: 公聴, kind: meeting, owner: committee, when: 2016-10-20}
  portal: {title: 窓口の開始, kind: service, owner: information_systems, when: 平成29年1月, after: [filing]}
"""
)


@dataclass(frozen=True)
class Done:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Desk:
    """Runs commands with settings of its own; a keyword such as `today` is a `KIJITSU_…` variable for one of them."""

    def __init__(self, home: Path | None, **settings: object) -> None:
        self.home = home
        # A Prefect of its own: at the usual port there may be another test's, or that of somebody's `make run`.
        self._settings = {"prefect_port": free_port(0), **({} if home is None else {"home": home}), **settings}

    def __call__(self, *words: object, code: int = 0, **settings: object) -> Done:
        """Run a command in this process, through the program's own entry; fail where it ends with another code."""
        out, err = (TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        ended: object = 0
        with pytest.MonkeyPatch.context() as here:
            for name in [name for name in os.environ if name.startswith("KIJITSU_")]:
                here.delenv(name)
            for name, value in self._variables(settings).items():
                here.setenv(name, value)
            here.setattr(sys, "argv", ["kijitsu", *map(str, words)])
            here.setattr(sys, "stdout", out)
            here.setattr(sys, "stderr", err)
            try:
                main()
            except SystemExit as exc:
                ended = exc.code or 0
        return self._ended(Done(int(str(ended)), _said(out), _said(err)), code)

    def spawn(self, *words: object, code: int = 0, cwd: Path = ROOT, **settings: object) -> Done:
        """Run a command as a process of its own."""
        done = subprocess.run(**self._process(words, cwd, settings), capture_output=True, text=True, encoding="utf-8")
        return self._ended(Done(done.returncode, done.stdout, done.stderr), code)

    def start(self, *words: object, cwd: Path = ROOT, **settings: object) -> subprocess.Popen[bytes]:
        """Start a command as a process, and leave it running."""
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(**self._process(words, cwd, settings), **quiet)

    @contextmanager
    def up(self) -> Iterator[tuple[subprocess.Popen[str], str]]:
        """Keep `kijitsu up` running within the block; give the process and what it said until it was ready."""
        process = subprocess.Popen(
            **self._process(("up",), ROOT, {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        try:
            assert process.stdout
            said = ""
            while "Ctrl-C" not in said:
                line = process.stdout.readline()
                assert line, process.communicate(timeout=UP_SECONDS)[1]
                said += line
            yield process, said
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(UP_SECONDS)

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables that this desk sets."""
        return self._variables({})

    @property
    def mails(self) -> list[EmailMessage]:
        """What arrived in the mailbox of this desk's home, the first one first."""
        assert self.home
        return read_mails(self.home / "mailbox")

    def _process(self, words: tuple[object, ...], cwd: Path, settings: dict[str, object]) -> dict[str, Any]:
        outside = {name: value for name, value in os.environ.items() if not name.startswith("KIJITSU_")}
        command = [Path(sys.executable).with_name("kijitsu"), *map(str, words)]
        return {"args": command, "cwd": cwd, "env": outside | self._variables(settings)}

    def _variables(self, settings: dict[str, object]) -> dict[str, str]:
        return {f"KIJITSU_{name.upper()}": str(value) for name, value in {**self._settings, **settings}.items()}

    def _ended(self, done: Done, code: int) -> Done:
        assert done.code == code, f"ended with {done.code}\n{done.out}\n{done.err}"
        return done


def _said(stream: TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, BytesIO)
    return buffer.getvalue().decode()


def read_mails(folder: Path) -> list[EmailMessage]:
    """Read the .eml files of a folder, in the order of their names."""
    return [read_mail(path.read_bytes()) for path in sorted(folder.glob("*.eml"))]


def read_mail(content: bytes) -> EmailMessage:
    """Read one message as a mail program does."""
    return email.message_from_bytes(content, policy=email.policy.default)


def body(mail: EmailMessage, kind: str) -> str:
    """Return the plain or html part of a message."""
    part = mail.get_body((kind,))
    assert part is not None
    text = part.get_content()
    assert isinstance(text, str)
    return text


@cache
def engine_of(url: str) -> Engine:
    """Return an engine for raw SQL on a test's database."""
    return connect(url)


def calendar_with(folder: Path, **plans: str) -> Path:
    """Make a calendar folder with the city's organisation, closures and rules, and these plans."""
    for kind in ("organisations", "closures", "rules"):
        shutil.copytree(ROOT / "calendar" / kind, folder / kind)
    (folder / "histories").mkdir()
    (folder / "plans").mkdir()
    for id, text in plans.items():
        (folder / "plans" / f"{id}.yaml").write_text(text, encoding="utf-8")
    return folder


def close_day(file: Path, on: str, why: str) -> None:
    """Write one more closed day into a closures file, as a clerk does."""
    yaml = YAML()
    document = yaml.load(file)
    document.setdefault("closed", []).append({"on": on, "why": why})
    yaml.dump(document, file)
