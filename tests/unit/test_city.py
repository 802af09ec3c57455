"""city.yaml: which plan is meant where none is named, what the demonstration shows, and what is wrong with either."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.errors import InputError, InvalidFile
from kijitsu.plans import Library
from kijitsu.settings import Settings
from tests.acceptance.support import SMALL, Desk, calendar_with
from tests.unit.worked import LIBRARY

OTHER = SMALL.replace("plan: small", "plan: other")
HISTORY = "history: lived\nplan: small\ntitle: 一年\nkind: scenario\nevents: [{on: 2016-05-10, start: review}]\n"
DEMO = "{plan: small, history: lived, shown: 2016-06-02, blocked: filing, late: review, moved_to: 平成28年8月}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A calendar of two plans, one with a history, and no city.yaml."""
    folder = calendar_with(tmp_path / "calendar", small=SMALL, other=OTHER)
    (folder / "histories" / "lived.yaml").write_text(HISTORY, encoding="utf-8")
    return folder


def city(folder: Path, text: str) -> Library:
    (folder / "city.yaml").write_text(text, encoding="utf-8")
    return Library(folder)


# --- the plan that is meant ---


def test_the_citys_plan_is_meant_and_the_setting_wins_over_it(folder: Path) -> None:
    city(folder, "plan: other\n")

    assert open_office(Settings(calendar=folder)).plan == "other"
    assert open_office(Settings(calendar=folder, plan="small")).plan == "small"


@pytest.mark.parametrize("text", [None, "plan:\n", f"demo: {DEMO}\n"])
def test_where_the_city_names_no_plan_the_only_one_is_meant(folder: Path, text: str | None) -> None:
    (folder / "plans" / "other.yaml").unlink()
    library = city(folder, text) if text else Library(folder)

    assert library.plan_meant() == "small"


def test_of_two_plans_none_is_guessed(folder: Path) -> None:
    with pytest.raises(InputError, match=r"other、small.*city\.yaml に「plan: 計画のID」"):
        Library(folder).plan_meant()


def test_a_command_without_a_plan_takes_the_one_that_is_meant(folder: Path, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", calendar=folder, today="2016-05-06")
    assert "city.yaml" in desk("watch", code=1).err
    desk("plan", "adopt", "other")
    city(folder, "plan: other\n")

    assert desk("watch", "--json").json["plan"] == "other"
    assert "small" in desk("watch", code=1, plan="small").err


# --- what is wrong in it ---


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("plan: smal\n", "1:7: unknown-plan", "もしかして: small"),
        ("plam: small\n", "1:1: unknown-key", "もしかして: plan"),
        ("demo: {plan: small}\n", "missing-history", ""),
        (f"demo: {DEMO.replace('plan: small', 'plan: smalt')}\n", "1:14: unknown-plan", "もしかして: small"),
        (f"demo: {DEMO.replace('lived', 'livid')}\n", "1:30: unknown-history", "もしかして: lived"),
        (f"demo: {DEMO.replace('2016-06-02', '2016-06-31')}\n", "1:44: bad-date", "2016-06-30"),
        (f"demo: {DEMO.replace('blocked: filing', 'blocked: filling')}\n", "1:65: unknown-milestone", "filing"),
        (f"demo: {DEMO.replace('late: review', 'late: reviews')}\n", "1:79: unknown-milestone", "review"),
        ("- small\n", "1:1: bad-shape", ""),
    ],
)
def test_check_tells_what_is_wrong_in_it_with_its_place(folder: Path, text: str, place: str, said: str) -> None:
    city(folder, text)

    err = Desk(None, calendar=folder)("check", code=1).err

    assert "city.yaml:" in err
    assert place in err
    assert said in err


def test_check_finds_nothing_wrong_in_a_good_one(folder: Path) -> None:
    city(folder, f"plan: small\ndemo: {DEMO}\n")

    assert Desk(None, calendar=folder)("check").err == ""


def test_a_wrong_plan_in_it_is_no_reason_to_take_another(folder: Path) -> None:
    with pytest.raises(InvalidFile, match=r"city\.yaml:1:7: unknown-plan"):
        city(folder, "plan: smal\n").plan_meant()


def test_a_demo_that_nobody_described_is_refused_with_the_place_to_describe_it(folder: Path, tmp_path: Path) -> None:
    assert "city.yaml に demo: を" in Desk(tmp_path / "home", calendar=folder)("demo", code=1).err


# --- the days to live through ---


def test_the_first_plan_is_lived_through_to_the_month_of_its_last_date() -> None:
    # 29年度 of the city's own operation, to the end of March 2018, says no date to go on to.
    assert LIBRARY.plan("fy28").span == (date(2016, 4, 1), date(2017, 7, 31))


@pytest.mark.parametrize(
    ("year", "when", "span"),
    [
        ("H28", "平成28年9月", (date(2016, 4, 1), date(2017, 3, 31))),
        ("H28", "平成29年7月10日", (date(2016, 4, 1), date(2017, 7, 31))),
        ("H28", "調整中", (date(2016, 4, 1), date(2017, 3, 31))),
        ("", "平成28年9月5日", (date(2016, 9, 5), date(2016, 9, 30))),
        ("", "平成28年度", (date(2016, 4, 1), date(2017, 3, 31))),
    ],
)
def test_a_plan_is_lived_through_for_its_year_and_on_to_its_last_date(
    year: str, when: str, span: tuple[date, date], tmp_path: Path
) -> None:
    path = tmp_path / "short.yaml"
    path.write_text(
        "plan: short\ntitle: 短い計画\norganisation: ishinomaki\n"
        + (f"fiscal_year: {year}\n" if year else "")
        + f"milestones:\n  a: {{title: 会議, kind: meeting, owner: committee, when: {when}}}\n",
        encoding="utf-8",
    )

    assert LIBRARY.plan(str(path)).span == span
