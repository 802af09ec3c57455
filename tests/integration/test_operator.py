"""The operator is told at once, by every path that is set, and a line is kept whatever comes of it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.errors import OutsideError
from kijitsu.office import Office
from kijitsu.settings import Settings
from notifications.operator import tell
from tests.integration.smtp_relays import unused_place, webhook


def office(home: Path, *urls: str) -> Office:
    """An office without a database and a relay, whose operator is reached by these URLs."""
    return open_office(Settings(home=home, operator_url=" ".join(urls), smtp_url=f"smtp://{unused_place()}"))


def test_every_path_is_told_and_the_log_gets_one_line(tmp_path: Path) -> None:
    with webhook(None, 200, 200) as there:
        here = office(tmp_path, f"json://{there.place}/a", f"json://{there.place}/b")
        took = here.alarm("監視なし", "一行目\n二行目")

    assert took == ("1: json", "2: json")
    assert sorted(there.paths) == ["/a", "/b"]
    assert {(said["title"], said["message"]) for said in map(json.loads, there.bodies)} == {
        ("監視なし", "一行目\n二行目")
    }
    (line,) = (tmp_path / "logs" / "alarms.log").read_text(encoding="utf-8").splitlines()
    assert line.endswith(" 監視なし: 一行目 二行目")


def test_without_a_path_there_is_still_the_log(tmp_path: Path) -> None:
    assert office(tmp_path).alarm("監視なし", "本文") == ()

    assert "監視なし: 本文" in (tmp_path / "logs" / "alarms.log").read_text(encoding="utf-8")


def test_one_path_that_refuses_keeps_no_other_from_being_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    gone = f"json://operator:hunter2@{unused_place()}/token-of-ours"

    with webhook(None, 200) as there, pytest.raises(OutsideError, match=r"（1: json、2: nonsense）") as failure:
        office(tmp_path, gone, "nonsense://hunter2", f"json://{there.place}/").alarm("監視なし", "本文")

    assert len(there.bodies) == 1
    everything = "".join([str(failure.value), caplog.text, *capfd.readouterr(), repr(office(tmp_path, gone).settings)])
    assert "hunter2" not in everything
    assert "token-of-ours" not in everything


def test_a_path_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with webhook(None, "hangs") as there, pytest.raises(OutsideError, match="1: json"):
        tell(tmp_path / "alarms.log", f"json://{there.place}/", open_office().clock(), "監視なし", "本文", seconds=0.3)


def test_a_log_that_cannot_be_written_keeps_nobody_from_being_told(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder belongs")

    with webhook(None, 200) as there, pytest.raises(OutsideError, match=r"alarms\.log に書けません"):
        office(tmp_path, f"json://{there.place}/").alarm("監視なし", "本文")

    assert len(there.bodies) == 1


def test_a_rehearsal_alarms_nobody(tmp_path: Path) -> None:
    real = Settings(home=tmp_path, operator_url=f"json://{unused_place()}/")

    assert open_office(real.rehearsal(tmp_path / "stage")).alarm("予行", "本文") == ()
