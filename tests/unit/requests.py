"""Random plans as their files say them, what happened to them, and random requests to change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import Cascade
from kijitsu.domain.eras import show_date
from kijitsu.domain.errors import InputError
from kijitsu.domain.history import Progress
from kijitsu.editing import Edit, EditKind, Text, typed_edit
from kijitsu.located import Document
from kijitsu.plans import Library, Loaded
from kijitsu.services.reading import Standing
from kijitsu.services.reckoning import Change, Request, reckon
from kijitsu.settings import Settings
from tests.unit.worked import LIBRARY

TODAY = date(2016, 6, 3)
FIRST = date(2016, 5, 2)
_CLOSURES, _RULES = LIBRARY.closures(), LIBRARY.rules()


class ReadOnce(Library):
    """A library whose shared files are the city's, not read anew for every example."""

    def closures(self, found: object = None):  # type: ignore[no-untyped-def]
        return _CLOSURES

    def rules(self, found: object = None):  # type: ignore[no-untyped-def]
        return _RULES


OFFICE = replace(open_office(Settings()), library=ReadOnce(LIBRARY.folder))

# --- plans ---

DAYS = st.integers(0, 120).map(lambda n: FIRST + timedelta(n))
MONTHS = st.integers(5, 9)
RANGES = st.tuples(DAYS, st.integers(0, 25)).map(lambda each: (each[0], each[0] + timedelta(each[1])))
CLOSED = st.one_of(
    DAYS.map(str),
    DAYS.map(show_date),
    RANGES.map(lambda ends: f"{ends[0]}～{ends[1]}"),
    MONTHS.map(lambda month: f"平成28年{month}月"),
    MONTHS.map(lambda month: f"平成28年{month}月～{month + 1}月"),
)
"""Windows with a first and a last day."""
WINDOWS = st.one_of(
    CLOSED,
    MONTHS.map(lambda month: f"平成28年{month}月下旬"),
    MONTHS.map(lambda month: f"平成28年{month}月めど"),
    MONTHS.map(lambda month: f"平成28年{month}月～"),
    DAYS.map(lambda day: f"{day}～"),
    DAYS.map(lambda day: f"～{day}"),
    st.just("調整中"),
)
WORKING = st.integers(1, 8).map(lambda number: f"{number}wd")
DURATIONS = st.one_of(WORKING, WORKING, st.integers(1, 30).map(lambda number: f"{number}d"), st.just("1m"))
LAGS = st.one_of(st.just("0wd"), st.integers(-4, 6).map(lambda n: f"{n}wd"), st.integers(-6, 12).map(lambda n: f"{n}d"))
OWNERS = st.sampled_from(["residents", "general_affairs", "committee", "assembly", "secretariat"])
TYPES = st.sampled_from(["FS", "FS", "FS", "SS", "FF", "SF"])
RULED = st.sampled_from(["promulgation", "sending_to_mayor", "notice_of_session"])


@st.composite
def milestones(draw: st.DrawFn, number: int, is_simple: bool) -> Text:
    """One milestone; a simple one has a closed window, working days, and neither validity, rule nor rhythm."""
    chance = st.integers(0, 9)
    before = [f"m{each}" for each in range(number)]
    given: Text = {"title": f"項目{number}", "kind": "meeting", "owner": draw(OWNERS)}
    given["duration"] = draw(WORKING if is_simple else DURATIONS)
    after: list[Any] = []
    for on in draw(st.lists(st.sampled_from(before), max_size=2, unique=True)) if before else ():
        link: Text = {"on": on, "lag": draw(st.integers(0, 5).map(lambda n: f"{n}wd") if is_simple else LAGS)}
        if not is_simple:
            link["type"] = draw(TYPES)
            link |= draw(st.sampled_from([{}, {}, {"valid": "true"}, {"lapse": "warn"}]))
        after.append(on if link["lag"] == "0wd" and len(link) == 2 else link)
    if after:
        given["after"] = after
    if is_simple or not after or draw(chance) < 8:
        given["when"] = draw(CLOSED if is_simple else WINDOWS)
    match draw(chance):
        case 0 | 1:
            given["due"] = str(draw(DAYS) + timedelta(30))
        case 2 if before and not is_simple:
            given["due"] = {"rule": draw(RULED), "from": f"{draw(st.sampled_from(before))}.finish"}
        case 3 if "when" in given and given["when"] != "調整中":
            given["pinned"] = "true"
        case 4 if not is_simple:
            given["validity"] = {"for": draw(st.sampled_from(["1m", "20d", "1y"])), "basis": "規則第1条"}
        case 5 if not is_simple and "～" not in str(given.get("when", "～")) and given["when"] != "調整中":
            given["recurs"] = {"every": "1m", "until": "平成28年9月"}
    return given


@st.composite
def plans(draw: st.DrawFn, is_simple: bool = False) -> Text:
    """A plan of two to six milestones m0, m1, …, each resting on earlier ones, as the values of its file."""
    found = {f"m{number}": draw(milestones(number, is_simple)) for number in range(draw(st.integers(2, 6)))}
    plan: Text = {"plan": "small", "title": "小さな計画", "fiscal_year": "H28", "organisation": "ishinomaki"}
    if draw(st.integers(0, 5)) == 0:
        plan["closed"] = [{"on": "2016-06-10", "why": "開庁記念日"}]
    return {**plan, "milestones": found}


def loaded(text: Text) -> Loaded:
    """Read a plan from its values. Raises InvalidFile."""
    return OFFICE.library.plan_from(Document("small.yaml", text), [TODAY.year])


@st.composite
def happened(draw: st.DrawFn, ids: list[str], is_simple: bool = False) -> dict[str, dict[str, date]]:
    """What became of some milestones by TODAY, as the fields of their progress."""
    found: dict[str, dict[str, date]] = {}
    for id in ids:
        at = FIRST + timedelta(draw(st.integers(0, 32)))
        match draw(st.integers(0, 11)):
            case 0:
                found[id] = {"started_on": at}
            case 1:
                found[id] = {"completed_on": at, "valid_from": at}
            case 2:
                found[id] = {"started_on": at, "completed_on": TODAY, "valid_from": TODAY}
            case 3 if not is_simple:
                found[id] = {"cancelled_on": at}
            case 4:
                found[id] = {"waived_on": at}
    return found


# --- requests ---

MOVED = st.one_of(CLOSED, CLOSED, WINDOWS, st.sampled_from(["28年度", "29年度", "平成29年1月", "２０１６年７月１日"]))


@st.composite
def edits(draw: st.DrawFn, ids: list[str], is_simple: bool = False) -> Edit:
    """Any one thing that could be asked of a plan with these milestones; not all of it can be done."""
    kind = draw(st.sampled_from([EditKind.MOVE] * 4 + [each for each in EditKind if each is not EditKind.UNDO]))
    id, other = draw(st.sampled_from(ids)), draw(st.sampled_from(ids))
    match kind:
        case EditKind.MOVE:
            return Edit(kind, id, draw(MOVED))
        case EditKind.DURATION:
            return Edit(kind, id, draw(WORKING if is_simple else DURATIONS))
        case EditKind.OWNER:
            return Edit(kind, id, draw(OWNERS))
        case EditKind.DUE:
            ruled = {"rule": draw(RULED), "from": f"{other}.start"}
            return Edit(kind, id, draw(st.sampled_from([None, ruled, str(draw(DAYS)), str(draw(DAYS))])))
        case EditKind.AFTER:
            return Edit(kind, id, {"on": other, "type": draw(TYPES), "lag": draw(LAGS)})
        case EditKind.DROP:
            return Edit(kind, id, other)
        case EditKind.CLOSE | EditKind.OPEN:
            return Edit(kind, str(draw(DAYS)), "臨時")
        case EditKind.FILE:
            return Edit(kind, "small", draw(plans(is_simple)))
        case _:
            return Edit(kind, id, draw(st.sampled_from([None, str(TODAY), "2016-05-20"])))


NONSENSE = st.one_of(
    st.sampled_from(
        [
            *(
                "",
                "=",
                "＝",
                "m0",
                "m9",
                "m0-1",
                "m1-2",
                "m0-999",
                "small",
                "なし",
                "none",
                "調整中",
                "～",
                "9999wd",
                "0wd",
            ),
            *(
                "-3wd",
                "99999y",
                "1wd",
                "9999-12-31",
                "0001-01-01",
                "2050-12-31",
                "1955-01-01",
                "平成9999年",
                "２９年度",
            ),
            *("2016-07-05～2016-06-01", "2016-02-30", "平成29年13月", "m0:SS-999wd", "m1:FF+9999d", "m0:XX", "m0:FS+5"),
            *(
                "promulgation:m0.finish",
                "promulgation:m0.end",
                "nothing:m1.start",
                "committee",
                "市長",
                "../plans/fy28",
            ),
            *("<script>alert(1)</script>", "{{ 7*7 }}", "'; DROP TABLE events; --", "\u202e", "一" * 300, "💮", "ｍ０"),
            *(
                "true",
                "null",
                "~",
                "[m0]",
                "{a: b}",
                "- x",
                "#",
                "&a",
                "*a",
                "!!python/object:os.system",
                "1e400",
                "nan",
            ),
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    MOVED,
    LAGS,
    DURATIONS,
    DAYS.map(str),
)
REASONS = st.one_of(st.sampled_from(["延期", "<script>alert(1)</script>", "", " ", "理由" * 2000, "\u0007"]), NONSENSE)


@st.composite
def typed(draw: st.DrawFn, ids: list[str]) -> list[tuple[EditKind, str]]:
    """What somebody types as the options of a change, sense and nonsense, not all of which is even an edit."""
    subject = st.one_of(st.sampled_from(ids), st.sampled_from(ids), st.sampled_from(ids), DAYS.map(str), NONSENSE)
    value = st.one_of(NONSENSE, NONSENSE, st.sampled_from(ids))
    kinds = st.sampled_from([kind for kind in EditKind if kind not in (EditKind.FILE, EditKind.UNDO)])
    found = st.tuples(kinds, st.tuples(subject, value).map("=".join) | subject)
    return draw(st.lists(found, min_size=1, max_size=3))


def request_of(options: list[tuple[EditKind, str]], reason: str, cascade: Cascade) -> Request:
    """Return the request that the command line makes of its options. Raises InputError."""
    return Request(tuple(typed_edit(kind, text) for kind, text in options), reason, cascade)


# --- both ---


@dataclass(frozen=True)
class Scene:
    """A plan, what happened to it by TODAY, and what somebody wants changed."""

    text: Text
    happened: dict[str, dict[str, date]]
    request: Request

    @cached_property
    def standing(self) -> Standing:
        found = loaded(self.text)
        progress = {id: Progress(**days) for id, days in self.happened.items()}
        return Standing(found, found.network, progress, TODAY, 1)

    @cached_property
    def change(self) -> Change:
        """What comes of it. Raises InputError where it cannot be done."""
        return self.trying(self.request)

    def trying(self, request: Request) -> Change:
        return reckon(OFFICE, self.standing, request)


@st.composite
def scenes(
    draw: st.DrawFn,
    cascades: Sequence[Cascade] = tuple(Cascade),
    is_simple: bool = False,
    has_one_move: bool = False,
) -> Scene:
    """A change that can be made; with one move only, where that is wanted."""
    text = draw(plans(is_simple))
    ids = list(text["milestones"])
    id = draw(st.sampled_from(ids))
    one, some = st.builds(Edit, st.just(EditKind.MOVE), st.just(id), MOVED), edits(ids, is_simple)
    wanted = [draw(one)] if has_one_move else draw(st.lists(some, min_size=1, max_size=3))
    scene = Scene(text, draw(happened(ids, is_simple)), Request(tuple(wanted), "延期", draw(st.sampled_from(cascades))))
    try:
        assert scene.change
    except InputError:
        reject()
    return scene
