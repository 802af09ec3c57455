"""Signed links and their keys: what is ours is read, nothing else, for as long as it may be."""

from __future__ import annotations

import stat
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kijitsu.domain.errors import OutsideError
from kijitsu.links import BadLink, ExpiredLink, KeyFile, Links, Ticket
from tests.at_once import at_once

AT = datetime(2016, 5, 20, 0, 30, tzinfo=UTC)
TICKET = Ticket("042021", "small", "review", "総務部次長", 3)
BASE = "https://kijitsu.city.example/board/"


def links(home: Path) -> Links:
    return Links(KeyFile(home).keys, BASE, days=90)


def token(url: str) -> str:
    return url.rpartition("/")[2]


def secrets(home: Path) -> list[str]:
    kept = KeyFile(home).keys()
    return [key.secret for key in kept]


def test_a_link_gives_back_its_ticket_and_is_the_same_each_time(tmp_path: Path) -> None:
    url = links(tmp_path).url(TICKET, AT)

    assert url.startswith("https://kijitsu.city.example/board/answer/")
    assert url == links(tmp_path).url(TICKET, AT)
    assert links(tmp_path).read(token(url), AT + timedelta(days=90)) == TICKET


def test_a_link_expires_after_its_days_and_one_from_a_clock_that_is_ahead_does_not(tmp_path: Path) -> None:
    here = links(tmp_path)

    with pytest.raises(ExpiredLink, match="期限が切れました"):
        here.read(token(here.url(TICKET, AT)), AT + timedelta(days=90, seconds=1))

    assert here.read(token(here.url(TICKET, AT)), AT - timedelta(hours=1)) == TICKET


@given(text=st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_what_we_did_not_sign_is_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    here = links(tmp_path_factory.getbasetemp() / "refused")

    with pytest.raises(BadLink):
        here.read(text, AT)


def test_a_link_with_any_character_changed_is_refused(tmp_path: Path) -> None:
    here = links(tmp_path)
    ours = token(here.url(TICKET, AT))

    # The last character of base64 holds bits that count for nothing.
    for place in range(len(ours) - 1):
        other = "A" if ours[place] != "A" else "B"
        with pytest.raises(BadLink):
            here.read(ours[:place] + other + ours[place + 1 :], AT)


def test_another_installations_link_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadLink, match="正しくありません"):
        links(tmp_path / "a").read(token(links(tmp_path / "b").url(TICKET, AT)), AT)


def test_a_new_key_signs_at_once_and_the_two_before_it_still_open(tmp_path: Path) -> None:
    running = links(tmp_path)
    old = token(running.url(TICKET, AT))

    KeyFile(tmp_path).rotate()
    newer = token(running.url(TICKET, AT))

    assert newer != old
    KeyFile(tmp_path).rotate()
    assert running.read(old, AT) == running.read(newer, AT) == TICKET
    KeyFile(tmp_path).rotate()
    with pytest.raises(BadLink):
        running.read(old, AT)
    assert running.read(newer, AT) == TICKET


def test_only_the_owner_may_read_the_keys(tmp_path: Path) -> None:
    KeyFile(tmp_path).rotate()
    KeyFile(tmp_path).rotate()

    assert stat.S_IMODE((tmp_path / "link-keys").stat().st_mode) == 0o600


def test_threads_and_processes_that_ask_first_get_the_same_key(tmp_path: Path) -> None:
    by_threads = at_once(8, lambda number: secrets(tmp_path / "threads"))
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        by_processes = list(pool.map(secrets, [tmp_path / "processes"] * 8))

    assert by_threads == [secrets(tmp_path / "threads")] * 8
    assert by_processes == [secrets(tmp_path / "processes")] * 8
    assert by_threads != by_processes


def test_keys_added_at_the_same_time_are_all_added(tmp_path: Path) -> None:
    first = secrets(tmp_path)

    at_once(2, lambda number: KeyFile(tmp_path).rotate())

    kept = secrets(tmp_path)
    assert kept[:1] == first
    assert len(set(kept)) == 3


@pytest.mark.parametrize("content", ["", "no key\n", "2016-05-20\n", "\xff\n"])
def test_a_broken_key_file_is_told_with_its_remedy_and_left_alone(content: str, tmp_path: Path) -> None:
    file = tmp_path / "link-keys"
    file.write_text(content, encoding="latin-1")

    with pytest.raises(OutsideError, match="退けて"):
        KeyFile(tmp_path).keys()

    assert file.read_text(encoding="latin-1") == content
