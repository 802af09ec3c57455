"""Who is told up the line, and who stands in for whom: ladders worked by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from kijitsu.domain.line import addressee, recipients, up_the_line
from kijitsu.domain.plan import Body, Organisation, Post
from tests.unit.worked import ISHINOMAKI, day

# Five working days apart from Monday 6 June 2016, of which none is a holiday.
MONDAYS = [date(2016, 6, 6), date(2016, 6, 13), date(2016, 6, 20), date(2016, 6, 27), date(2016, 7, 4)]


def post(title: str, *, mail: str | None = "", deputy: str | None = None, absent: str = "") -> Post:
    """A post whose mail is its title where none is given; `absent` is one span, 2016-06-13～2016-06-17."""
    spans = [tuple(map(day, span.split("～"))) for span in absent.split()]
    address = f"{title}@city.example" if mail == "" else mail
    return Post(title, address, deputy=deputy, absent=tuple((first, last) for first, last in spans))


def body(id: str, *line: str, reports_to: str | None = None, mail: str | None = "", kind: str = "department") -> Body:
    address = f"{id}@city.example" if mail == "" else mail
    return Body(id, id, kind, reports_to, address, line=line)


def city(*of: Body | Post) -> Organisation:
    """An organisation of these, and a secretariat."""
    office = body("secretariat", kind="council")
    bodies = {each.id: each for each in (*of, office) if isinstance(each, Body)}
    posts = {each.title: each for each in of if isinstance(each, Post)}
    return Organisation("made-up", "000001", "ある市", "secretariat", bodies, posts=posts)


def ladder(organisation: Organisation, owner: str, tiers: int = len(MONDAYS)) -> list[str]:
    return list(up_the_line(organisation, owner, MONDAYS[:tiers]))


# --- the levels ---

SIX_LEVELS = city(
    body("section", "係長", "課長", reports_to="department"),
    body("department", "次長", "部長", reports_to="city_hall"),
    body("city_hall", "副市長"),
    *map(post, ("係長", "課長", "次長", "部長", "副市長")),
)


def test_each_tier_is_one_level_up_from_the_person_in_charge_to_the_deputy_mayor() -> None:
    assert ladder(SIX_LEVELS, "section") == ["係長", "課長", "次長", "部長", "副市長"]


@pytest.mark.parametrize("tiers", range(6))
def test_fewer_tiers_are_the_lower_levels_and_none_is_skipped(tiers: int) -> None:
    assert ladder(SIX_LEVELS, "section", tiers) == ["係長", "課長", "次長", "部長", "副市長"][:tiers]


def test_the_line_ends_where_nobody_is_above() -> None:
    assert ladder(SIX_LEVELS, "city_hall") == ["副市長"]
    assert ladder(SIX_LEVELS, "secretariat") == []


def test_bodies_that_report_to_each_other_are_climbed_once() -> None:
    round_about = city(body("a", "甲", reports_to="b"), body("b", "乙", reports_to="a"), *map(post, ("甲", "乙")))

    assert ladder(round_about, "a") == ["甲", "乙"]


# --- Ishinomaki ---


def test_in_ishinomaki_a_section_climbs_through_its_department_to_the_deputy_mayor() -> None:
    assert ladder(ISHINOMAKI, "general_affairs") == ["総務課長", "総務部次長", "総務部長", "副市長"]
    assert ladder(ISHINOMAKI, "general_affairs_department") == ["総務部次長", "総務部長", "副市長"]


def test_in_ishinomaki_the_committee_climbs_over_the_executive_to_the_headquarters() -> None:
    # Who presides over each: 委員長, 幹事長, 本部長.
    assert ladder(ISHINOMAKI, "committee") == ["総務部次長", "総務部長", "市長"]
    assert ladder(ISHINOMAKI, "executive") == ["総務部長", "市長"]


def test_in_ishinomaki_no_executing_agency_climbs_into_the_citys_own_line() -> None:
    agencies = [each for each in ISHINOMAKI.bodies.values() if each.kind == "agency"]
    of_the_city = {title for each in ISHINOMAKI.bodies.values() if each.kind == "department" for title in each.line}

    assert ladder(ISHINOMAKI, "education_general") == [
        "教育総務課長",
        "教育委員会事務局次長",
        "教育委員会事務局長",
        "教育長",
    ]
    assert len(agencies) >= 5
    for agency in agencies:
        assert not of_the_city & set(ladder(ISHINOMAKI, agency.id)), agency.id


def test_in_ishinomaki_nobody_is_told_twice_whosever_milestone_it_is() -> None:
    for owner in ISHINOMAKI.bodies:
        line = ladder(ISHINOMAKI, owner)
        addresses = [addressee(ISHINOMAKI, owner).address, *(addressee(ISHINOMAKI, each).address for each in line)]
        assert len(set(addresses)) == len(addresses), owner


# --- two seats ---


def test_who_sits_on_two_bodies_is_told_once_and_the_next_level_on_the_next_tier() -> None:
    both_chairs = city(
        body("committee", "次長", reports_to="executive", kind="council"),
        body("executive", "次長", "部長", reports_to="headquarters", kind="council"),
        body("headquarters", "部長", "市長", kind="council"),
        *map(post, ("次長", "部長", "市長")),
    )

    assert ladder(both_chairs, "committee") == ["次長", "部長", "市長"]
    # The headquarters' is the third tier's, not the second's and not the fourth's.
    assert ladder(both_chairs, "committee", 2) == ["次長", "部長"]


def test_one_address_under_two_names_is_one_person() -> None:
    shared = city(
        body("section", "課長", "課長補佐", "部長"),
        post("課長", mail="shared@city.example"),
        post("課長補佐", mail="shared@city.example"),
        post("部長"),
    )

    assert ladder(shared, "section") == ["課長", "部長"]


def test_a_head_whose_address_is_the_bodys_own_has_been_told_as_its_owner() -> None:
    small = city(
        body("branch", "支所長", "部長", mail="branch@city.example"),
        post("支所長", mail="branch@city.example"),
        post("部長"),
    )

    assert ladder(small, "branch") == ["部長"]


def test_the_same_address_on_another_channel_is_another_place() -> None:
    section = replace(body("section", "課長"), mail=None, channel="teams", address="soumu")

    assert ladder(city(section, post("課長", mail="soumu")), "section") == ["課長"]


# --- deputies ---


def with_absences(absent: Mapping[str, str]) -> Organisation:
    deputies = {"課長": "課長補佐", "課長補佐": "係長"}
    titles = ("係長", "課長補佐", "課長", "部長")
    return city(
        body("section", "課長", "部長"),
        *(post(title, deputy=deputies.get(title), absent=absent.get(title, "")) for title in titles),
    )


def test_who_is_absent_on_the_tiers_day_is_stood_in_for() -> None:
    away = with_absences({"課長": "2016-06-06～2016-06-06"})

    assert ladder(away, "section") == ["課長補佐", "部長"]


@pytest.mark.parametrize("absent", ["2016-05-30～2016-06-05", "2016-06-07～2016-06-10"])
def test_who_was_absent_only_before_or_is_only_after_the_tiers_day_is_told(absent: str) -> None:
    assert ladder(with_absences({"課長": absent}), "section")[0] == "課長"


def test_any_of_several_absences_counts_from_its_first_to_its_last_day() -> None:
    for span in ("2016-06-06～2016-06-10", "2016-06-01～2016-06-06"):
        assert ladder(with_absences({"課長": f"2016-05-02～2016-05-06 {span}"}), "section")[0] == "課長補佐"


def test_a_deputys_deputy_stands_in_where_both_are_away() -> None:
    away = with_absences(dict.fromkeys(("課長", "課長補佐"), "2016-06-01～2016-06-10"))

    assert ladder(away, "section") == ["係長", "部長"]


def test_where_all_are_away_the_letter_waits_for_the_post_itself() -> None:
    away = with_absences(dict.fromkeys(("課長", "課長補佐", "係長"), "2016-06-01～2016-06-10"))

    assert ladder(away, "section") == ["課長", "部長"]


def test_deputies_of_each_other_who_are_both_away_end_with_the_post_itself() -> None:
    pair = city(
        body("section", "甲"),
        post("甲", deputy="乙", absent="2016-06-01～2016-06-30"),
        post("乙", deputy="甲", absent="2016-06-01～2016-06-30"),
    )

    assert ladder(pair, "section") == ["甲"]


def test_who_was_told_as_a_deputy_is_not_told_again_at_their_own_level() -> None:
    line = city(
        body("section", "課長", "次長", "部長"),
        post("課長", deputy="次長", absent="2016-06-06～2016-06-06"),
        post("次長"),
        post("部長"),
    )

    assert ladder(line, "section") == ["次長", "部長"]


def test_whoever_is_away_on_one_tiers_day_is_back_for_the_others() -> None:
    # Away on the first tier's day only: the second is the department's head, away on the third's day only.
    line = city(
        body("section", "課長", "部長"),
        post("課長", deputy="課長補佐", absent="2016-06-06～2016-06-10"),
        post("課長補佐"),
        post("部長", deputy="次長", absent="2016-06-20～2016-06-24"),
        post("次長"),
    )

    assert ladder(line, "section") == ["課長補佐", "部長"]


def test_the_first_tiers_are_the_same_people_however_many_days_are_asked_about() -> None:
    absent = {"課長": "2016-06-06～2016-06-10", "次長": "2016-06-13～2016-06-13", "部長": "2016-06-27～2016-06-30"}
    line = city(
        body("section", "係長", "課長", reports_to="department"),
        body("department", "次長", "部長"),
        *(post(title, deputy="係長", absent=absent.get(title, "")) for title in ("係長", "課長", "次長", "部長")),
    )

    whole = ladder(line, "section")

    assert [ladder(line, "section", tiers) for tiers in range(6)] == [whole[:tiers] for tiers in range(6)]


# --- whom we cannot write to ---


def test_for_a_post_without_an_address_the_secretariat_is_told_once() -> None:
    line = city(body("section", "課長", "次長", "部長"), post("課長", mail=None), post("部長"))

    # 次長 is in no list of posts at all; the secretariat has been told of it as of 課長.
    assert ladder(line, "section") == ["secretariat", "部長"]


def test_a_deputy_with_an_address_stands_in_for_a_post_without_one() -> None:
    line = city(body("section", "課長"), post("課長", mail=None, deputy="課長補佐"), post("課長補佐"))

    assert ladder(line, "section") == ["課長補佐"]


def test_an_owner_without_an_address_leaves_the_secretariat_told() -> None:
    outside = city(body("section", "課長", "部長", mail=None), post("課長", mail=None), post("部長"))

    assert ladder(outside, "section") == ["部長"]


def test_the_ledgers_name_of_whoever_left_since_is_the_secretariats_to_answer() -> None:
    assert addressee(SIX_LEVELS, "nobody").id == "secretariat"
    assert addressee(SIX_LEVELS, "課長").address == "課長@city.example"
    assert addressee(SIX_LEVELS, "section").address == "section@city.example"


# --- roles ---


def test_bodies_with_one_address_are_one_recipient_under_the_first_name() -> None:
    shared = city(
        body("section", reports_to="department", mail="one@city.example"), body("department", mail="one@city.example")
    )

    assert recipients(shared, "section", ("owner", "superior", "secretariat")) == ["section", "secretariat"]
    assert recipients(shared, "section", ("superior", "owner")) == ["department"]
