"""Signing in to the board over real HTTP: who gets in, for how long, and who does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from kijitsu.services import accounts, passwords
from tests.at_once import at_once
from tests.board import CLERK, rows, served, text
from tests.integration.browsers import PASSWORD, Door, csrf, door, is_in, sign_in


@pytest.fixture(scope="module", autouse=True)
def cheap() -> Iterator[None]:
    """Passwords that take a fiftieth of the work: some hundred are looked at here."""
    with pytest.MonkeyPatch.context() as here:
        here.setattr(passwords, "_hasher", lambda: PasswordHash((Argon2Hasher(1, 1024, 1),)))
        yield


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A board whose tanaka has a password, for the tests that leave its clock and its accounts alone."""
    with door(tmp_path_factory.mktemp("shared")) as here:
        here.with_password()
        yield here


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Door]:
    with door(tmp_path) as here:
        here.with_password()
        yield here


# --- the way in ---


def test_without_signing_in_a_page_leads_to_the_sign_in_and_then_back(shared: Door) -> None:
    with shared.browser() as browser:
        turned_away = browser.get("/plans/small/today?lang=en")
        where = turned_away.headers["location"]
        page = browser.get(httpx.URL(f"{shared.url}/plans/small/today").join(where))
        answer = sign_in(browser, wanted="plans/small/today?lang=en")

    assert (turned_away.status_code, where) == (303, "../../sign-in?next=plans%2Fsmall%2Ftoday%3Flang%3Den")
    assert 'name="next" value="plans/small/today?lang=en"' in page.text
    assert (answer.status_code, answer.headers["location"]) == (303, "./plans/small/today?lang=en")


def test_a_form_that_is_sent_without_signing_in_is_not_taken(shared: Door) -> None:
    with shared.browser() as browser:
        answers = [browser.post(path, data={"csrf": ""}) for path in ("/account", "/sign-out")]

    assert [(each.status_code, "サインインしてください" in each.text) for each in answers] == [(401, True)] * 2


def test_a_part_of_a_page_is_loaded_again_as_a_whole_where_the_sign_in_is_over(shared: Door) -> None:
    with shared.browser() as browser:
        answer = browser.get("/plans/small/today", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["hx-refresh"], answer.text) == (401, "true", "")


ELSEWHERE = [
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example/plans",
    "https:evil.example",
    "%2F%2Fevil.example",
    "plans//evil.example/../..",
    "plans/../../evil.example",
    "plans\n/evil",
    "javascript:alert(1)",
    "sign-out",
    "@evil.example",
    "plans@evil.example",
    "plans?x=\r\nSet-Cookie: a=b",
]


def test_a_sign_in_leads_to_no_page_but_ours(shared: Door) -> None:
    with shared.browser() as browser:
        pages = {wanted: browser.get("/sign-in", params={"next": wanted}).text for wanted in ELSEWHERE}
        answers = [sign_in(browser, wanted=wanted) for wanted in ELSEWHERE[:3]]

    assert [wanted for wanted, page in pages.items() if 'name="next" value=""' not in page] == []
    assert {(each.status_code, each.headers["location"]) for each in answers} == {(303, "./")}


def test_whoever_is_not_in_the_people_file_any_more_has_no_role(own: Door) -> None:
    with own.entered("suzuki") as browser:
        before = browser.get("/plans/small/today")
        people = own.office.settings.people
        assert people
        people.write_text(people.read_text(encoding="utf-8").replace("suzuki", "kato"), encoding="utf-8")
        after, account = browser.get("/plans/small/today"), browser.get("/account")

    assert (before.status_code, after.status_code) == (200, 403)
    assert "役割なし" in text(account)
    assert "情報システム課 係員 sato" in text(account)


# --- one-time links ---


def test_looking_at_a_link_changes_nothing_and_its_button_works_once(shared: Door) -> None:
    token = accounts.make_link(shared.office, CLERK, "suzuki")
    before = rows(shared.office)
    with shared.browser() as scanner, shared.browser() as browser, shared.browser() as late:
        looked = [scanner.get(f"/sign-in/{token}"), scanner.head(f"/sign-in/{token}"), scanner.get(f"/sign-in/{token}")]
        after = rows(shared.office)
        answer, again = browser.post(f"/sign-in/{token}"), late.post(f"/sign-in/{token}")
        seen = (is_in(browser), is_in(late))

    assert [each.status_code for each in looked] == [200, 200, 200]
    assert "suzuki としてサインインします" in text(looked[0])
    assert after == before
    assert (answer.status_code, answer.headers["location"]) == (303, "../account")
    assert (again.status_code, "使われたか、期限が切れたか" in again.text) == (410, True)
    assert seen == (True, False)


def test_a_link_is_good_for_half_an_hour_and_until_the_next_one(own: Door) -> None:
    first = accounts.make_link(own.office, CLERK, "suzuki")
    second = accounts.make_link(own.office, CLERK, "suzuki")
    with own.browser() as browser:
        replaced, good = browser.get(f"/sign-in/{first}"), browser.get(f"/sign-in/{second}")
        own.clock.advance(minutes=30)
        old, sent = browser.get(f"/sign-in/{second}"), browser.post(f"/sign-in/{second}")

    assert [each.status_code for each in (replaced, good, old, sent)] == [410, 200, 410, 410]


def test_whoever_came_by_a_link_chooses_a_password_without_an_old_one(shared: Door) -> None:
    with shared.entered("suzuki") as browser:
        page = browser.get("/account")
        shared.with_password("suzuki", "夏は夜月のころはさらなり")
        answer = sign_in(browser, "suzuki", "夏は夜月のころはさらなり")

    assert 'id="old"' not in page.text
    assert answer.status_code == 303


# --- passwords ---


def test_a_wrong_password_and_an_unknown_account_are_told_the_same(shared: Door) -> None:
    with shared.browser("127.0.0.9") as browser:
        answers = [
            sign_in(browser, "suzuki", "まちがったパスワードです"),
            sign_in(browser, "nobody", "まちがったパスワードです"),
            sign_in(browser, "nul\0l", ""),
        ]

    assert {each.status_code for each in answers} == {403}
    assert all("アカウントかパスワードが違います。" in text(each) for each in answers)
    pages = [each.text.replace(name, "?") for each, name in zip(answers[:2], ("suzuki", "nobody"), strict=True)]
    assert pages[0] == pages[1]


def test_a_password_is_taken_in_any_width_of_the_keyboard(shared: Door) -> None:
    shared.with_password("suzuki", "Tsurezure-19・つれづれ")
    with shared.browser() as browser:
        answer = sign_in(browser, "ｓｕｚｕｋｉ", "Ｔｓｕｒｅｚｕｒｅ－１９・つれづれ")

    assert answer.status_code == 303


def test_another_password_needs_the_present_one_and_ends_every_other_sign_in(own: Door) -> None:
    new = "秋は夕暮れ夕日のさして山の端"
    with own.browser() as here, own.browser() as elsewhere:
        sign_in(here), sign_in(elsewhere)
        former, token = here.cookies["kijitsu-session"], csrf(here)
        wrong = here.post("/account", data={"csrf": token, "old": "ちがうパスワードです", "new": new, "again": new})
        differs = here.post("/account", data={"csrf": token, "old": PASSWORD, "new": new, "again": "ちがう"})
        short = here.post("/account", data={"csrf": token, "old": PASSWORD, "new": "みじかい", "again": "みじかい"})
        named = here.post("/account", data={"csrf": token, "old": PASSWORD, "new": "tanaka" * 3, "again": "tanaka" * 3})
        both_in = is_in(here), is_in(elsewhere)
        answer = here.post("/account", data={"csrf": token, "old": PASSWORD, "new": new, "again": new})
        thanks = here.get("/account", params={"said": "password"})
        after = is_in(here), is_in(elsewhere)
        old, fresh = sign_in(elsewhere), sign_in(elsewhere, password=new)
        latter = here.cookies["kijitsu-session"]

    assert [each.status_code for each in (wrong, differs, short, named)] == [403, 422, 422, 422]
    assert "今のパスワードが違います" in text(wrong)
    assert "12文字以上" in text(short)
    assert both_in == (True, True)
    assert (answer.status_code, answer.headers["location"]) == (303, "?said=password")
    assert "パスワードを変えました" in text(thanks)
    assert after == (True, False)
    assert former != latter
    assert (old.status_code, fresh.status_code) == (403, 303)
    assert ("password", "accounts/tanaka") in own.actions("password")


# --- how long ---


def test_a_sign_in_ends_when_idle_and_at_last_in_any_case(own: Door) -> None:
    with own.browser() as idle, own.browser() as busy, own.browser() as left_open:
        for each in (idle, busy, left_open):
            sign_in(each)
        seen = []
        for _ in range(12):
            own.clock.advance(minutes=59)
            polled = left_open.get("/account", headers={"HX-Request": "true"}).status_code
            seen.append((is_in(busy), polled))
        idle_after = is_in(idle)
        own.clock.advance(minutes=12)
        at_last = is_in(busy)

    # What a page asks by itself keeps nobody signed in.
    assert seen == [(True, 200)] * 2 + [(True, 401)] * 10
    assert (idle_after, at_last) == (False, False)


def test_a_sign_out_ends_it_for_whoever_has_the_cookie(shared: Door) -> None:
    with shared.browser() as browser, shared.browser() as thief:
        sign_in(browser)
        thief.cookies.update(browser.cookies)
        answer = browser.post("/sign-out", data={"csrf": csrf(browser)})
        after = is_in(browser), is_in(thief)

    assert (answer.status_code, answer.headers["location"]) == (303, "./sign-in")
    assert "kijitsu-session" not in browser.cookies
    assert after == (False, False)
    assert shared.actions("sign-in", "sign-out")[-2:] == [
        ("sign-in", "accounts/tanaka"),
        ("sign-out", "accounts/tanaka"),
    ]


def test_each_sign_in_has_a_cookie_of_its_shared_and_ends_the_browsers_former_one(shared: Door) -> None:
    with shared.browser() as browser, shared.browser() as planted:
        planted.headers["Cookie"] = "kijitsu-session=chosen-by-somebody-else"
        given = sign_in(planted).headers["set-cookie"]
        sign_in(browser)
        first = browser.cookies["kijitsu-session"]
        sign_in(browser)
        second = browser.cookies["kijitsu-session"]
        with shared.browser() as former:
            former.cookies.set("kijitsu-session", first)
            seen = is_in(former), is_in(browser)

    assert "chosen-by-somebody-else" not in given
    assert first != second
    assert seen == (False, True)


@pytest.mark.parametrize(("base_url", "is_secure"), [("", False), ("https://kijitsu.city.example", True)])
def test_the_cookie_is_for_our_pages_alone(base_url: str, is_secure: bool, tmp_path: Path) -> None:
    with door(tmp_path, base_url=base_url) as here, here.browser() as browser:
        answer = browser.post(f"/sign-in/{accounts.make_link(here.office, CLERK, 'tanaka')}")

    name, *flags = answer.headers["set-cookie"].split("; ")
    assert name.startswith("kijitsu-session=")
    assert set(flags) == {"HttpOnly", "Path=/", "SameSite=lax"} | ({"Secure"} if is_secure else set())


# --- guessing ---


def test_after_five_failures_an_account_waits_longer_each_time_over_a_restart(own: Door) -> None:
    def tries(board: str, count: int, typed: str = "ちがうパスワードです") -> list[int]:
        with httpx.Client(base_url=board) as browser:
            return [sign_in(browser, password=typed).status_code for _ in range(count)]

    first = tries(own.url, 5)
    with httpx.Client(base_url=own.url) as browser:
        told = sign_in(browser)
    with served(own.office, own.clock) as restarted:
        waiting = tries(f"http://127.0.0.1:{restarted.settings.board_port}", 1, PASSWORD)
        own.clock.advance(seconds=61)
        sixth = tries(f"http://127.0.0.1:{restarted.settings.board_port}", 1)
        own.clock.advance(seconds=61)
        still = tries(f"http://127.0.0.1:{restarted.settings.board_port}", 1, PASSWORD)
        own.clock.advance(seconds=61)
        good = tries(f"http://127.0.0.1:{restarted.settings.board_port}", 1, PASSWORD)

    assert first == [403, 403, 403, 403, 429]
    assert "10:01まで（あと1分）サインインできません" in text(told)
    assert (waiting, sixth, still, good) == ([429], [429], [429], [303])
    assert own.actions("lock-out") == [("lock-out", "accounts/tanaka")] * 2


def test_an_account_that_is_not_there_is_locked_out_alike_and_not_named(own: Door) -> None:
    with own.browser() as browser:
        answers = [sign_in(browser, "my-password-by-mistake", "x") for _ in range(6)]

    assert [each.status_code for each in answers] == [403] * 4 + [429] * 2
    assert own.actions("lock-out") == [("lock-out", "accounts")]
    assert not [row for row in rows(own.office) if "my-password-by-mistake" in row]


def test_an_address_that_tries_many_accounts_waits_and_no_other_does(
    own: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "MOST_FROM_AN_ADDRESS", 6)
    with own.browser("127.0.0.7") as guesser, own.browser("127.0.0.8") as other:
        answers = [sign_in(guesser, f"name-{number}", "x").status_code for number in range(7)]
        mine, others = sign_in(guesser).status_code, sign_in(other).status_code

    assert answers == [403] * 5 + [429] * 2
    assert (mine, others) == (429, 303)


def test_an_administrators_link_ends_the_wait(own: Door) -> None:
    with own.browser() as browser:
        for _ in range(5):
            sign_in(browser, password="x")
        waiting = sign_in(browser)
        with own.entered():
            pass
        answer = sign_in(browser)

    assert (waiting.status_code, answer.status_code) == (429, 303)


def test_many_guesses_at_once_are_counted_one_by_one(empty_database: str, tmp_path: Path) -> None:
    with door(tmp_path, database_url=empty_database) as here:
        here.with_password()

        def guess(number: int) -> int:
            with here.browser() as browser:
                return sign_in(browser, password=f"すいりょう {number}").status_code

        answers = at_once(8, guess)
        locked = here.actions("lock-out")

    assert sorted(answers) == [403] * 4 + [429] * 4
    assert locked == [("lock-out", "accounts/tanaka")]


# --- forms from elsewhere ---


@pytest.mark.parametrize(
    ("headers", "is_taken"),
    [
        ({}, True),
        ({"Origin": "{url}"}, True),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "null"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "http://127.0.0.1.evil.example"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site", "Origin": "{url}"}, False),
    ],
)
def test_a_sign_in_form_is_taken_from_our_own_page_only(headers: dict[str, str], is_taken: bool, shared: Door) -> None:
    given = {name: value.format(url=shared.url) for name, value in headers.items()}
    with shared.browser() as browser:
        answer = browser.post("/sign-in", data={"account": "tanaka", "password": PASSWORD}, headers=given)

    assert answer.status_code == (303 if is_taken else 403)


def test_a_form_without_the_token_of_its_own_session_changes_nothing(shared: Door) -> None:
    with shared.browser() as browser, shared.browser() as other:
        sign_in(browser), sign_in(other)
        foreign, ours = csrf(other), csrf(browser)
        answers = [
            browser.post("/sign-out"),
            browser.post("/sign-out", data={"csrf": foreign}),
            browser.post("/sign-out", data={"csrf": ours}, headers={"Origin": "https://evil.example"}),
            browser.post("/sign-out", files={"csrf": ("csrf", ours.encode())}),
        ]
        still = is_in(browser)
        good = browser.post("/sign-out", data={"csrf": ours}, headers={"Origin": "null"})

    assert [each.status_code for each in answers] == [403] * 4
    assert foreign != ours
    assert (still, good.status_code) == (True, 303)


# --- the city's proxy ---


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A board that believes what 127.0.0.2 says in X-Remote-User."""
    with door(
        tmp_path_factory.mktemp("proxied"), proxy_user_header="X-Remote-User", proxy_from="127.0.0.2 192.0.2.0/24"
    ) as here:
        yield here


def named(account: str) -> dict[str, str]:
    return {"X-Remote-User": account, "X-Forwarded-For": "192.0.2.99"}


def test_the_proxys_word_is_believed_from_its_address_only(proxied: Door) -> None:
    with proxied.browser("127.0.0.2") as proxy, proxied.browser("127.0.0.3") as other:
        believed = proxy.get("/account", headers=named("tanaka"))
        without, ignored = proxy.get("/account"), other.get("/account", headers=named("tanaka"))
        claimed = other.get("/account", headers={**named("tanaka"), "X-Forwarded-For": "127.0.0.2"})

    assert (believed.status_code, "総務課長 tanaka" in text(believed)) == (200, True)
    assert [each.status_code for each in (without, ignored, claimed)] == [303, 303, 303]


def test_the_proxys_account_must_be_in_the_people_file_and_said_once(proxied: Door) -> None:
    with proxied.browser("127.0.0.2") as proxy:
        unknown = proxy.get("/account", headers=named("root"))
        title = proxy.get("/account", headers=named("sato" * 2))
        twice = proxy.get("/account", headers=[("X-Remote-User", "sato"), ("X-Remote-User", "tanaka")])

    assert [each.status_code for each in (unknown, title, twice)] == [403, 403, 303]
    assert "「root」では、この画面を使えません" in text(unknown)


def test_whom_the_proxy_names_sends_forms_with_a_token_and_signs_out_there(proxied: Door) -> None:
    with proxied.browser("127.0.0.2") as proxy:
        tokens = []
        for account in ("tanaka", "sato"):
            proxy.headers.update(named(account))
            tokens.append(csrf(proxy))
        foreign, own = (proxy.post("/sign-out", data={"csrf": token}) for token in tokens)

    assert (foreign.status_code, own.status_code) == (403, 409)
    assert "そちらでサインアウトしてください" in text(own)


def test_a_locked_account_is_locked_for_the_proxy_too(tmp_path: Path) -> None:
    with door(tmp_path, proxy_user_header="X-Remote-User", proxy_from="127.0.0.2") as here:
        accounts.make_link(here.office, CLERK, "suzuki")
        with here.browser("127.0.0.2") as proxy:
            before = proxy.get("/account", headers=named("suzuki"))
            accounts.lock(here.office, CLERK, "suzuki")
            after = proxy.get("/account", headers=named("suzuki"))

    assert (before.status_code, after.status_code) == (200, 403)


def test_behind_the_proxy_guesses_are_counted_for_each_of_its_clients(
    proxied: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "MOST_FROM_AN_ADDRESS", 3)
    with proxied.browser("127.0.0.2") as proxy:
        proxy.headers["X-Forwarded-For"] = "192.0.2.11, 192.0.2.7"
        for number in range(3):
            last = sign_in(proxy, f"name-{number}", "x")
        proxy.headers["X-Forwarded-For"] = "192.0.2.7, 192.0.2.8"
        other = sign_in(proxy, "name-9", "x")

    assert (last.status_code, other.status_code) == (429, 403)


# --- what is kept ---


def test_no_token_and_no_password_is_kept_or_written_anywhere(shared: Door) -> None:
    link = accounts.make_link(shared.office, CLERK, "tanaka")
    secrets = [link, PASSWORD, "ちがうパスワードです"]
    with shared.browser() as browser:
        sign_in(browser)
        secrets += [browser.cookies["kijitsu-session"], csrf(browser)]
        sign_in(browser, password="ちがうパスワードです")
        browser.post(f"/sign-in/{link}")
        secrets.append(browser.cookies["kijitsu-session"])

    home = shared.office.settings.home
    written = "".join(rows(shared.office)) + "".join(
        path.read_text(encoding="utf-8", errors="replace") for path in home.rglob("*") if path.is_file()
    )
    assert len(set(secrets)) == 6
    assert [each for each in secrets if each in written] == []
    assert "$argon2id$" in written
