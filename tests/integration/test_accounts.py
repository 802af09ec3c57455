"""Accounts from the command line, the first sign-in of an installation, and where the board may listen."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from kijitsu.bootstrap import open_office
from kijitsu.domain.errors import InputError
from kijitsu.hosting.processes import Host, free_port
from kijitsu.hosting.up import door as first_door
from kijitsu.office import ALL_ROLES, Actor, NotAllowed, Office
from kijitsu.people import os_user
from kijitsu.services import accounts, health, passwords
from kijitsu.settings import Settings, read_settings
from tests.acceptance.support import Desk
from tests.board import CLERK, ISHINOMAKI, installation, served
from tests.integration.browsers import PASSWORD, PEOPLE

LINK = re.compile(r"http://127\.0\.0\.1:4280/sign-in/([\w-]{43})\n")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An installation with people, in the name of its administrator sato."""
    (tmp_path / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    return installation(tmp_path, people=tmp_path / "people.yaml", actor="sato")


def desk(office: Office) -> Desk:
    settings = office.settings
    return Desk(settings.home, calendar=settings.calendar, today=settings.today, people=settings.people, actor="sato")


def with_password(office: Office, account: str) -> None:
    visit = accounts.sign_in_by_link(office, accounts.make_link(office, CLERK, account))
    accounts.set_password(office, visit, "", PASSWORD, "127.0.0.1")


def actions(office: Office) -> list[tuple[str, str, str]]:
    with office.open_work(ISHINOMAKI, True) as work:
        return [(each.actor, each.action, each.subject) for each in work.audit.all() if each.action != "adopt"]


# --- the command ---


def test_an_administrator_makes_links_and_locks_and_lists(office: Office) -> None:
    kijitsu = desk(office)

    link = kijitsu("account", "link", "tanaka").out
    kijitsu("account", "lock", "tanaka")
    refused = kijitsu("account", "link", "tanaka", code=1).err
    locked = json.loads(kijitsu("account", "list", "--json").out)
    kijitsu("account", "unlock", "tanaka")
    shown = kijitsu("account", "list").out

    found = LINK.fullmatch(link)
    assert found
    with pytest.raises(accounts.BadSignInLink):  # the lock ended it
        accounts.sign_in_by_link(office, found[1])
    assert "kijitsu account unlock tanaka" in refused
    assert locked == [{"account": "tanaka", "roles": ["manager"], "has_password": False, "is_locked": True}]
    assert all(word in shown for word in ("tanaka", "管理職", "まだ", "使える"))
    who = "情報システム課 係員 sato"
    assert actions(office) == [
        (who, "account-link", "accounts/tanaka"),
        (who, "account-lock", "accounts/tanaka"),
        (who, "account-unlock", "accounts/tanaka"),
    ]
    told = kijitsu("audit", "list").out
    assert "サインインのリンクの発行" in told
    assert found[1] not in told


def test_nobody_else_makes_a_link_and_nobody_unknown_gets_one(office: Office) -> None:
    kijitsu = desk(office)

    refused = kijitsu("account", "link", "suzuki", code=1, actor="suzuki").err
    unknown = kijitsu("account", "link", "tanak", code=1).err
    nowhere = kijitsu("account", "lock", "suzuki", code=1).err

    assert "サインインのリンクの発行を行えません" in refused
    assert "もしかして: tanaka" in unknown
    assert "アカウント suzuki はありません" in nowhere
    for act in (accounts.lock, accounts.unlock):
        with pytest.raises(NotAllowed):
            act(office, Actor("だれか", "test"), "tanaka")


def test_a_lock_ends_what_is_open_and_keeps_the_password_for_later(office: Office) -> None:
    with_password(office, "tanaka")
    visit = accounts.sign_in(office, "tanaka", PASSWORD, "127.0.0.1")

    with office.open_work(ISHINOMAKI, True) as work:
        (row,) = work.accounts.all()
    accounts.lock(office, CLERK, "tanaka")
    during = accounts.visit(office, visit)
    with pytest.raises(passwords.WrongPassword):
        accounts.sign_in(office, "tanaka", PASSWORD, "127.0.0.1")
    accounts.unlock(office, CLERK, "tanaka")

    assert row.password_hash
    assert row.password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert during is None
    assert accounts.visit(office, visit) is None
    assert accounts.visit(office, accounts.sign_in(office, "tanaka", PASSWORD, "127.0.0.1"))


def test_all_addresses_of_an_ipv6_network_are_counted_together(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MOST_FROM_AN_ADDRESS", 2)

    def guess(address: str) -> type[Exception]:
        with pytest.raises(InputError) as refusal:
            accounts.sign_in(office, f"name {address}", "x", address)
        return refusal.type

    refusals = [guess(address) for address in ("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1")]

    assert refusals == [passwords.WrongPassword, passwords.LockedOut, passwords.LockedOut, passwords.WrongPassword]


# --- the first time ---


def test_the_first_start_gives_the_owner_one_link_and_all_roles(tmp_path: Path) -> None:
    with served(installation(tmp_path)) as office:
        host = Host(office.settings)
        host.settings = office.settings  # the board is up; nothing else need be
        first = first_door(office, host)
        second = first_door(office, host)
        link = re.search(rf"http://127\.0\.0\.1:{office.settings.board_port}/sign-in/[\w-]+", first)
        assert link
        with httpx.Client(follow_redirects=True) as browser:
            page = browser.post(link[0])

    assert "30分以内に一度だけ" in first
    assert "sign-in/" not in second
    assert "kijitsu account link" in second
    assert (page.status_code, page.url.path) == (200, "/account")
    assert "管理職、事務局、管理者" in page.text
    assert office.known_as(os_user(), "password").roles == ALL_ROLES
    assert office.known_as("somebody", "password").roles == frozenset()
    with pytest.raises(InputError, match="KIJITSU_PEOPLE の利用者ファイルに書いてください"):
        accounts.make_link(office, CLERK, "somebody")


def test_there_is_no_first_link_for_who_may_not_or_where_others_say_who_somebody_is(office: Office) -> None:
    proxied = replace(office, settings=replace(office.settings, proxy_user_header="X-User", proxy_from="127.0.0.1"))

    assert accounts.first_link(office, office.acting_as("suzuki", "test")) is None
    assert accounts.first_link(office, Actor("root", "test", ALL_ROLES)) is None
    assert accounts.first_link(proxied, office.actor()) is None
    assert accounts.first_link(office, office.actor())


# --- where the board listens ---


def variables(settings: Settings) -> dict[str, str]:
    return {**settings.environment(), "PYTHONUTF8": "1"}


def test_the_board_stays_on_this_machine_until_people_can_sign_in(office: Office) -> None:
    outside = replace(office.settings, board_host="0.0.0.0", board_port=free_port(0))  # noqa: S104 (it is refused)
    commands = (["-m", "kijitsu.web"], ["-m", "kijitsu", "up"])

    done = [
        subprocess.run([sys.executable, *each], env=variables(outside), capture_output=True, text=True, timeout=60)
        for each in commands
    ]

    assert [each.returncode for each in done] == [1, 1]
    for each in done:
        assert "サインインの手段がないので、画面を KIJITSU_BOARD_HOST=0.0.0.0 では開けません" in each.stderr
        assert "kijitsu account link" in each.stderr
        assert "HTTPS は、前に置く中継（リバースプロキシ）" in each.stderr


@pytest.mark.parametrize(
    "given",
    [{"oidc_issuer": "https://login.city.example"}, {"proxy_user_header": "X-Remote-User", "proxy_from": "127.0.0.1"}],
    ids=["oidc", "proxy"],
)
def test_a_way_of_signing_in_needs_the_people_file_too(given: dict[str, str], office: Office) -> None:
    def at(settings: Settings) -> Office:
        return replace(office, settings=replace(settings, board_host="192.0.2.1", **given))

    accounts.require_ways(at(office.settings))
    with pytest.raises(InputError, match="利用者ファイル（KIJITSU_PEOPLE）がない"):
        accounts.require_ways(at(replace(office.settings, people=None)))


def test_with_a_password_the_board_listens_where_it_is_told_and_on_loopback(office: Office) -> None:
    with_password(office, "tanaka")
    settings = replace(office.settings, board_host="127.0.0.5", board_port=free_port(0))
    board = subprocess.Popen([sys.executable, "-m", "kijitsu.web"], env=variables(settings))
    transport = httpx.HTTPTransport(retries=20)
    try:
        with httpx.Client(transport=transport) as browser:
            said = [
                browser.get(f"http://{host}:{settings.board_port}/healthz").text for host in ("127.0.0.1", "127.0.0.5")
            ]
    finally:
        board.terminate()
        board.wait(30)

    assert said == ["ok\n", "ok\n"]
    accounts.lock(office, CLERK, "tanaka")
    with pytest.raises(InputError, match="サインインの手段がない"):
        accounts.require_ways(open_office(settings))


def test_an_address_that_cannot_be_listened_on_is_named(office: Office) -> None:
    with_password(office, "tanaka")
    settings = replace(office.settings, board_host="192.0.2.1", board_port=free_port(0))

    done = subprocess.run(
        [sys.executable, "-m", "kijitsu.web"], env=variables(settings), capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, "KIJITSU_BOARD_HOST と KIJITSU_BOARD_PORT" in done.stderr) == (3, True), done.stderr


# --- what is said of it ---


def test_doctor_says_how_people_sign_in(office: Office) -> None:
    def said(**given: str) -> tuple[bool, str]:
        here = replace(office, settings=replace(office.settings, **given))
        (finding,) = (each for each in health.examine(here) if each.what == "画面のサインイン")
        return finding.is_fine, finding.found if finding.is_fine else finding.remedy

    nobody, refused = said(), said(board_host="192.0.2.1")
    with_password(office, "tanaka")
    proxied = said(proxy_user_header="X-Remote-User", proxy_from="127.0.0.1", board_host="192.0.2.1")

    assert (nobody[0], "まだだれもできません" in nobody[1]) == (True, True)
    assert (refused[0], "KIJITSU_PROXY_USER_HEADER" in refused[1]) == (False, True)
    assert proxied == (
        True,
        "中継の X-Remote-User ヘッダー（127.0.0.1 から）、パスワード（1人）。192.0.2.1:4280 で開きます",
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"KIJITSU_PROXY_USER_HEADER": "X-Remote-User"}, "KIJITSU_PROXY_FROM は、両方を"),
        (
            {"KIJITSU_PROXY_USER_HEADER": "X-User", "KIJITSU_PROXY_FROM": "proxy.city.example"},
            "IPアドレスを空白で区切って",
        ),
        ({"KIJITSU_OIDC_ISSUER": "https://login.city.example"}, "KIJITSU_OIDC_CLIENT_ID は、両方を"),
    ],
)
def test_half_a_setting_is_refused_with_its_other_half(given: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_settings(given)


def test_a_rehearsal_believes_no_proxy_and_no_provider() -> None:
    settings = Settings(
        proxy_user_header="X-User", proxy_from="127.0.0.1", oidc_issuer="https://login.city.example", oidc_client_id="k"
    )

    rehearsal = settings.rehearsal(Path("elsewhere"))

    assert (rehearsal.proxy_user_header, rehearsal.proxies, rehearsal.oidc_issuer) == ("", (), "")
