"""The letters shown in docs/letters are those that are written today."""

from __future__ import annotations

import re
from pathlib import Path

from notifications.previews import letters, main, previews

LETTERS = Path(__file__).parents[2] / "docs" / "letters"


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_committed_previews_are_what_is_written_now() -> None:
    assert contents(LETTERS) == previews(), "run `make docs`"


def test_the_index_links_to_every_preview() -> None:
    index = (LETTERS / "README.md").read_text(encoding="utf-8")

    assert sorted(re.findall(r"\]\(([^)]+)\)", index)) == sorted(set(contents(LETTERS)) - {"README.md"})


def test_the_previews_are_small_and_name_no_address_but_made_up_ones() -> None:
    files = contents(LETTERS)

    assert sum(len(text.encode()) for text in files.values()) < 480_000
    whole = "\n".join(text.replace("\n ", "") if name.endswith(".ics") else text for name, text in files.items())
    assert set(re.findall(r"(?:@|://)([\w.-]+)", whole)) == {"city.example", "k.example"}


def test_writing_them_again_leaves_nothing_old_behind(tmp_path: Path) -> None:
    (tmp_path / "ja").mkdir()
    (tmp_path / "ja" / "gone.html").write_text("old")

    main(tmp_path)

    assert contents(tmp_path) == previews()


def test_every_kind_is_shown_in_both_languages() -> None:
    assert [name for name, _, _ in letters("ja")] == [name for name, _, _ in letters("en")]
