"""Whatever a file says, it is loaded or told what is wrong: no other exception ever reaches a clerk."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kijitsu.domain.errors import InputError, InvalidFile
from kijitsu.located import parse_document, write_yaml
from kijitsu.plans import Library, Loaded
from tests.unit.worked import LIBRARY, day

CLOSURES, RULES = LIBRARY.closures(), LIBRARY.rules()


class ReadOnce(Library):
    """The city's library, its shared files not read anew for every example."""

    def closures(self, found: object = None):  # type: ignore[no-untyped-def]
        return CLOSURES

    def rules(self, found: object = None):  # type: ignore[no-untyped-def]
        return RULES


ONCE = ReadOnce(LIBRARY.folder)
HEAD = """plan: small
title: 小さな計画
fiscal_year: H28
organisation: ishinomaki
milestones:
  a: {title: 会議, kind: meeting, owner: committee, when: 平成28年5月}
"""
TEXTS = st.one_of(
    st.sampled_from(
        [
            *(
                "",
                "~",
                "a",
                "b",
                "a.start",
                "b.finish",
                "FS",
                "SF",
                "block",
                "warn",
                "true",
                "-1",
                "0",
                "99999y",
                "-99999d",
            ),
            *(
                "1wd",
                "30d",
                "12m",
                "5y",
                "0000-00-00",
                "9999-12-31",
                "平成28年6月",
                "平成9999年",
                "～",
                "調整中",
                "元年5月",
            ),
            *("H28", "1873-01-01", "2199-12-31", "municipality", "residents", "notice_of_session", "ppc_window_lead"),
            *("一" * 40, "a" * 61, "../plans/fy28", "ishinomaki", "committee", "state", "meeting", "💮", "\u202e"),
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
WHOLE = {
    "plan": "small",
    "title": "小さな計画",
    "fiscal_year": "H28",
    "organisation": "ishinomaki",
    "closures": ["municipality"],
    "due_soon": "5wd",
    "notes": [{"title": "注", "text": "文", "when": "28年度"}],
    "milestones": {
        "a": {
            "title": "評価",
            "kind": "assessment",
            "owner": "committee",
            "when": "4月～5月",
            "duration": "30d",
            "validity": {"for": "1y", "basis": "規則", "lapse": "warn"},
            "series": [{"on": "2016-04-15", "title": "申請", "value": "10", "unit": "件", "parts": {"x": "1"}}],
            "capacity": {"per_day": "28", "closures": "residents", "of": "申請", "done": "申請"},
            "recurs": {"every": "1y", "until": "平成30年3月", "from": "window", "moved": {"2": "平成29年9月"}},
        },
        "b": {
            "title": "告示",
            "kind": "filing",
            "owner": "state",
            "after": ["a", {"on": "a", "type": "SF", "lag": "-3wd", "valid": "true", "lapse": "block"}],
            "due": {"rule": "promulgation", "from": "a.start", "suspended": ["a"]},
            "pinned": "true",
            "assumed": ["after"],
            "evidence": ["告示"],
            "reminders": "filing",
            "recurs": {"with": "a"},
        },
    },
}


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """The whole plan with a few of its keys and values changed for others, as YAML."""
    chances = draw(st.integers(3, 40))

    def spoil(node: object) -> object:
        if draw(st.integers(0, chances)) == 0:
            return draw(
                st.one_of(TEXTS, st.none(), st.lists(TEXTS, max_size=2), st.dictionaries(TEXTS, TEXTS, max_size=2))
            )
        if isinstance(node, dict):
            return {
                (draw(TEXTS) if draw(st.integers(0, 3 * chances)) == 0 else key): spoil(value)
                for key, value in node.items()
            }
        return [spoil(value) for value in node] if isinstance(node, list) else node

    return write_yaml(spoil(WHOLE))  # type: ignore[arg-type]


def loaded_or_told(text: str) -> None:
    try:
        loaded = ONCE.plan_from(parse_document(text, "plan.yaml"))
    except InvalidFile as exc:
        assert exc.problems
        assert all(problem.code and problem.line >= 1 for problem in exc.problems)
        return
    except InputError as exc:
        assert "日付が一つもありません" in str(exc)
        return
    assert isinstance(loaded, Loaded)
    try:
        loaded.network.schedule(as_of=day("2016-06-01"))
    except InputError as exc:
        assert "。" in str(exc)


def test_the_whole_plan_is_good() -> None:
    assert set(ONCE.plan_from(parse_document(write_yaml(WHOLE), "plan.yaml")).plan.milestones) == {
        "a",
        "a-2",
        "b",
        "b-2",
    }


@given(spoilt())
@settings(deadline=None, max_examples=300)
def test_a_spoilt_plan_is_loaded_or_told_and_never_breaks_anything(text: str) -> None:
    loaded_or_told(text)


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_a_plan_with_broken_text_is_loaded_or_told_and_never_breaks_anything(data: st.DataObject) -> None:
    text = HEAD + "  b: {title: '会議', kind: meeting, owner: committee, after: [{on: a, lag: 5wd}]}\n"
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 6))
        text = (
            text[:at]
            + data.draw(st.text(max_size=4) | st.text("{}[]:,&*!|>'\"%@`#-? \n\t", max_size=4))
            + text[at + length :]
        )

    loaded_or_told(text)
