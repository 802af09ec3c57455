"""The board over real HTTP: looking changes nothing, answering is taken once, and whatever comes gets a page."""

from __future__ import annotations

import logging
import re
import string
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from html import unescape

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kijitsu.bootstrap import open_office
from kijitsu.domain.changes import Cascade
from kijitsu.domain.history import Deed
from kijitsu.office import Office
from kijitsu.services import changing, reporting
from kijitsu.services.answering import look
from kijitsu.web.answer import MOST_BYTES
from tests.acceptance.support import SMALL
from tests.board import CLERK, TODAY, end, form, installation, link, rows, served, text, ticket

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A board for the tests that leave it as it is, or do not mind."""
    with served(installation(tmp_path_factory.mktemp("shared"))) as office:
        yield office


@pytest.fixture
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with served(installation(tmp_path_factory.mktemp("own"))) as office:
        yield office


def post(office: Office, action: str, **fields: str) -> httpx.Response:
    """Fill in a form of the page and send it."""
    page = httpx.get(link(office))
    given = {name.replace("_", "."): value for name, value in fields.items()}
    return httpx.post(link(office), data={**form(page.text, action), **given})


# --- looking ---


def test_looking_shows_the_page_and_changes_nothing(office: Office) -> None:
    before = rows(office)

    first, second = httpx.get(link(office)), httpx.get(link(office))
    head = httpx.head(link(office))
    options = httpx.options(link(office))

    assert (first.status_code, head.status_code, head.text, options.status_code) == (200, 200, "", 405)
    assert first.text == second.text
    assert "評価書の再評価" in text(first)
    assert "平成28年5月31日（火） あと7開庁日" in text(first)
    assert "届出書の提出" in text(first)
    assert rows(office) == before


@pytest.mark.parametrize("path", ["answer", "page", "", "static/answer.css", "healthz", "answer/none"])
def test_every_response_forbids_what_a_page_of_ours_never_needs(path: str, shared: Office) -> None:
    base = link(shared).partition("/answer/")[0]

    answer = httpx.get(link(shared) if path == "answer" else f"{base}/{path}")

    policy = answer.headers["content-security-policy"]
    assert {"default-src 'self'", "script-src 'none'", "form-action 'self'", "frame-ancestors 'none'"} <= set(
        policy.split("; ")
    )
    assert answer.headers["referrer-policy"] == "no-referrer"
    # What is the same for everybody may be kept for a while.
    assert answer.headers["cache-control"] == ("max-age=3600" if path.startswith("static/") else "no-store")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-robots-tag"] == "noindex"


def test_the_page_asks_nothing_of_anybody_else(shared: Office) -> None:
    page = httpx.get(link(shared)).text

    addresses = re.findall(r'(?:href|src|action)="([^"]+)"', page)
    assert sorted(addresses) == [
        "../static/answer.css",
        "../static/icon.svg",
        "?lang=en",
        "mailto:bangou-jimukyoku@city.ishinomaki.example",
    ]
    assert "<script" not in page
    assert "style=" not in page


def test_the_page_is_in_english_where_asked_or_where_its_reader_reads_it(shared: Office) -> None:
    english = httpx.get(link(shared), params={"lang": "en"})
    other = httpx.get(link(shared), params={"lang": "fr"})

    assert '<html lang="en">' in english.text
    assert "Tuesday 31 May 2016" in text(english)
    assert "It cannot be done in time" in text(english)
    assert '<html lang="ja">' in other.text


@pytest.mark.parametrize(
    "path", ["docs", "openapi.json", "redoc", "answer", "answer/", "answer/a/b", "static/../app.py"]
)
def test_there_is_no_other_page(path: str, shared: Office) -> None:
    answer = httpx.get(f"{link(shared).partition('/answer/')[0]}/{path}")

    assert answer.status_code == 404
    assert "ページがありません" in text(answer) or "リンクが正しくありません" in text(answer)


# --- answering ---


def test_an_answer_is_recorded_and_its_page_can_be_loaded_again(office: Office) -> None:
    answer = post(office, "estimate", until="2016-06-15", reason="国の様式が届かないため")

    assert (answer.status_code, answer.headers["location"]) == (303, "?done=estimate")
    after = rows(office)
    thanks = httpx.get(f"{link(office)}?done=estimate")
    assert "見込みの日を平成28年6月15日（水）として、事務局に知らせます" in text(thanks)
    assert "完了の見込みは平成28年6月15日（水）" in text(thanks)
    assert rows(office) == after


def test_nobody_is_thanked_for_what_was_not_answered(shared: Office) -> None:
    for done in ("complete", "snooze", "reject", SCRIPT):
        page = httpx.get(link(shared), params={"done": done})
        assert page.status_code == 200
        assert "受け付けました" not in text(page)


def test_a_double_click_is_one_answer_and_thanked_twice(office: Office) -> None:
    data = {**form(httpx.get(link(office)).text, "complete"), "evidence.0": "総第75号"}

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: httpx.post(link(office), data=data), range(4)))

    assert [(a.status_code, a.headers["location"]) for a in answers] == [(303, "?done=complete")] * 4
    assert sum('INSERT INTO "events"' in row for row in rows(office)) == 1


@pytest.mark.parametrize(
    ("action", "fields", "field", "said"),
    [
        (
            "snooze",
            {"until": "2016-06-01"},
            "until",
            "安全な完了の限度（平成28年5月31日（火））より後には先送りできません",
        ),
        ("estimate", {"until": "2016-06-15", "reason": " "}, "reason", "理由が要ります"),
        ("estimate", {"until": "いつか", "reason": "遅れ"}, "until", "いつか"),
        ("estimate", {"until": "2016-06-15", "reason": "字" * 1001}, "reason", "1000字まで"),
        ("complete", {"on": "2016-05-21", "evidence_0": "総第1号"}, "on", "先の日です"),
        ("complete", {"evidence_0": ""}, "evidence.0", "評価書の文書番号を書いてください"),
        ("start", {"on": "0001-01-01"}, "on", "年に誤りがないか"),
    ],
)
def test_what_cannot_be_taken_is_said_beside_its_field_and_what_was_entered_stays(
    action: str, fields: dict[str, str], field: str, said: str, shared: Office
) -> None:
    before = rows(shared)

    answer = post(shared, action, **fields)

    assert answer.status_code == 422
    beside = re.search(rf'<p class="error" id="{action}-{re.escape(field)}-error"[^>]*>([^<]+)<', answer.text)
    assert beside
    assert said in unescape(beside[1])
    assert f'aria-describedby="{action}-{field}-hint {action}-{field}-error"' in answer.text or (
        f'{action}-{field}-error"' in answer.text
    )
    assert '<details name="answer" open>' in answer.text
    for value in fields.values():
        assert value.strip() in unescape(answer.text)
    assert rows(shared) == before


@pytest.mark.parametrize(
    "data",
    [{}, {"action": "estimate"}, {"action": "move", "due": "", "safe": ""}, {"action": "x", "due": "", "safe": ""}],
)
def test_a_form_that_is_not_ours_records_nothing(data: dict[str, str], shared: Office) -> None:
    before = rows(shared)

    answer = httpx.post(link(shared), data=data)

    assert answer.status_code in (409, 422)
    assert rows(shared) == before


def test_dates_that_moved_while_the_page_was_open_are_shown_before_anything_is_recorded(office: Office) -> None:
    data = {**form(httpx.get(link(office)).text, "estimate"), "until": "2016-06-15", "reason": "国の様式が届かないため"}
    changing.move(open_office(office.settings), "small", "review", "平成28年6月", "国の延期", Cascade.NONE, CLERK)
    before = rows(office)

    stale = httpx.post(link(office), data=data)

    assert stale.status_code == 409
    assert "平成28年5月31日（火） → 平成28年6月30日（木）" in text(stale)
    assert "国の様式が届かないため" in stale.text
    assert rows(office) == before
    again = httpx.post(link(office), data={**data, **form(stale.text, "acknowledge"), "action": "estimate"})
    assert again.status_code == 303


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (
            Deed.COMPLETE,
            "完了が報告されました（平成28年5月20日）。お送りいただいた内容は記録していません。 （評価書：総第75号）",
        ),
        (Deed.WAIVE, "この項目の免除が報告されました（平成28年5月20日）"),
        (Deed.CANCEL, "この項目の中止が報告されました（平成28年5月20日）"),
    ],
)
def test_a_milestone_that_somebody_ended_while_the_page_was_open_is_shown_as_ended(
    deed: Deed, said: str, office: Office
) -> None:
    data = {**form(httpx.get(link(office)).text, "estimate"), "until": "2016-06-15", "reason": "国の様式が届かないため"}
    if deed is Deed.COMPLETE:
        given = reporting.Report(deed, "review", TODAY, evidence={"評価書": "総第75号"})
        reporting.report(open_office(office.settings), "small", given, CLERK)
    else:
        end(open_office(office.settings), deed, "review", "対象なし")
    before = rows(office)

    stale = httpx.post(link(office), data=data)

    assert stale.status_code == 409
    assert said in text(stale)
    assert "日程が変わりました" not in text(stale)
    assert rows(office) == before


def test_the_finished_page_shows_the_papers_that_were_handed_in(office: Office) -> None:
    assert "提出書類 評価書 " in text(httpx.get(link(office)))
    post(office, "acknowledge")
    assert "確認済み（平成28年5月31日まで督促を止めています）" in text(httpx.get(link(office)))
    post(office, "complete", evidence_0="総第75号")

    page = text(httpx.get(link(office)))
    assert "提出書類 評価書：総第75号" in page
    assert "確認済み" not in page


def test_what_is_overdue_is_not_asked_whether_it_will_be_in_time(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    late = installation(tmp_path_factory.mktemp("late"))
    with served(open_office(replace(late.settings, today="2016-06-03"))) as office:
        page = text(httpx.get(link(office)))
        post(office, "acknowledge")
        seen = text(httpx.get(link(office)))

    assert "まだ完了できません（見込みの日を知らせる）" in page
    assert "期限内の完了は困難です" not in page
    assert "これまでの回答 確認済み" in seen
    assert "督促を止めています" not in seen


def test_a_script_in_a_title_a_reason_or_a_field_stays_text(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("script")
    with served(installation(folder, SMALL.replace("評価書", f"評価書{SCRIPT}"))) as office:
        reason = reporting.Report(Deed.ESTIMATE, "review", TODAY, reason=SCRIPT, until=date(2016, 6, 15))
        reporting.report(office, "small", reason, CLERK)
        shown = httpx.get(link(office))
        refused = post(office, "estimate", until=f'"><img src=x>{SCRIPT}', reason=f"</textarea>{SCRIPT}")

    assert SCRIPT in unescape(shown.text)
    for page in (shown, refused):
        assert "<script" not in page.text
        assert "<img" not in page.text


# --- links that are none, and what fails ---


def test_a_forged_or_shortened_link_gets_a_page_and_no_plan(shared: Office) -> None:
    for url in (link(shared)[:-2], link(shared) + "A", f"{link(shared).rpartition('/')[0]}/{'x' * 3000}"):
        answer = httpx.get(url)
        assert answer.status_code == 404
        assert "リンクが正しくありません" in text(answer)
        assert "評価書" not in answer.text
        assert httpx.post(url, data={"action": "acknowledge"}).status_code == 404


def test_a_link_that_is_too_old_gets_a_page_and_records_nothing(office: Office) -> None:
    old = open_office(replace(office.settings, today="2016-01-04"))
    before = rows(office)

    shown, taken = httpx.get(link(old)), httpx.post(link(old), data={"action": "acknowledge", "due": "", "safe": ""})

    assert (shown.status_code, taken.status_code) == (410, 410)
    assert "期限が切れました" in text(shown)
    assert rows(office) == before


def test_a_milestone_that_is_no_more_gets_a_page(shared: Office) -> None:
    answer = httpx.get(link(shared, ticket("another")))

    assert answer.status_code == 404
    assert "今の計画にはありません" in text(answer)


@pytest.mark.parametrize(
    "content", [b"x" * (MOST_BYTES + 1), b"&".join(b"a=1" for _ in range(100))], ids=["bytes", "fields"]
)
def test_a_form_that_is_too_long_is_refused(content: bytes, shared: Office) -> None:
    answer = httpx.post(link(shared), content=content)

    assert answer.status_code == 413
    assert "長すぎます" in text(answer)


def test_a_failure_inside_shows_a_number_that_the_log_knows_and_nothing_else(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    url = link(office)
    plan = office.settings.calendar / "organisations" / "ishinomaki.yaml"
    plan.write_text("bodies: [", encoding="utf-8")

    with caplog.at_level(logging.ERROR, "kijitsu.web.app"):
        answer = httpx.get(url)

    assert answer.status_code == 500
    reference = re.search(r'class="reference">(\w{8})<', answer.text)
    assert reference
    assert f"reference {reference[1]}" in caplog.text
    assert "ishinomaki.yaml" not in answer.text
    assert url.rpartition("/")[2] not in caplog.text


def test_a_database_that_is_away_is_said_to_be_away_for_now(office: Office) -> None:
    url = link(office)
    (office.settings.home / "kijitsu.db").rename(office.settings.home / "elsewhere.db")

    answer = httpx.get(url)

    assert answer.status_code == 503
    assert "しばらくして" in text(answer)
    assert "kijitsu.db" not in answer.text


# --- anything at all ---

FIELD = st.sampled_from(["action", "due", "safe", "until", "reason", "on", "evidence.0", "evidence.1", "lang"])
VALUE = st.one_of(
    st.sampled_from(
        [*Deed, "2016-05-31", "2016-05-30", "2016-06-15", "9999-12-31", "0001-01-01", "平成28年5月31日", "平成０年"]
    ),
    st.dates().map(str),
    st.text(max_size=60),
    st.text(alphabet=string.printable, max_size=60),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.dictionaries(FIELD, VALUE), is_seen=st.booleans(), recipient=st.sampled_from(["residents", "secretariat"])
)
def test_whatever_is_sent_gets_a_page_and_leaves_a_plan_that_can_be_computed(
    fields: dict[str, str], is_seen: bool, recipient: str, shared: Office
) -> None:
    dates = look(shared, ticket("filing")).dates
    seen = {"due": str(dates.due), "safe": str(dates.safe)} if is_seen else {}
    url = link(shared, ticket("filing", recipient))

    answer = httpx.post(url, data={**seen, **fields})

    assert answer.status_code in (303, 409, 413, 422)
    assert look(shared, ticket("filing")).dates == dates


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=300),
    kind=st.sampled_from(["application/x-www-form-urlencoded", "multipart/form-data", "x"]),
)
def test_whatever_bytes_are_sent_get_a_page(content: bytes, kind: str, shared: Office) -> None:
    answer = httpx.post(link(shared), content=content, headers={"content-type": kind})

    assert answer.status_code in (409, 413, 422)
