"""What an installation needs in order to work, looked at one by one."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from kijitsu.domain.errors import KijitsuError
from kijitsu.domain.plan import Body, Post
from kijitsu.domain.roles import RIGHTS, SHOWN, Right, Role
from kijitsu.office import Office
from kijitsu.people import Person
from kijitsu.services import accounts, ledger, reading
from kijitsu.services.surroundings import Finding, surroundings
from kijitsu.settings import read_secrets
from kijitsu.store.rows import OutboxState


def examine(office: Office) -> list[Finding]:
    """Look at the content, the database, the ways out, Prefect, the clock and the disk; nothing is changed."""
    looked_at = [_content(office), *_database(office), *_people(office)]
    return [*looked_at, _sign_in(office), _mail(office), *_channels(office), _links(office), *surroundings(office)]


def _content(office: Office) -> Finding:
    try:
        plans = [office.library.plan(id).plan.id for id in office.library.ids("plans")]
        meant = office.plan
    except KijitsuError as exc:
        return Finding("計画ファイル", str(office.settings.calendar), False, str(exc))
    return Finding("計画ファイル", f"{'、'.join(plans)}（{office.settings.calendar}、ふだんの計画は {meant}）")


def _database(office: Office) -> Iterator[Finding]:
    try:
        plans = [str(plan["plan"]) for plan in ledger.adopted_plans(office)]
        counts = [ledger.letters(office, organisation) for organisation in office.library.organisations()]
        dead = sum(count[OutboxState.DEAD] for count in counts)
        waiting = sum(count[OutboxState.PENDING] for count in counts)
        last = [f"{plan} {ledger.last_pass(office, plan) or 'まだ'}" for plan in plans]
    except KijitsuError as exc:
        yield Finding("データベース", "使えません", False, str(exc))
        return
    yield Finding("データベース", f"使えます（採用した計画: {'、'.join(plans) or 'なし'}）")
    yield Finding("最後の監視", "、".join(last) or "採用した計画がありません")
    remedy = "kijitsu outbox list で相手の返事を確かめ、直してから kijitsu outbox resend で送り直してください。"
    yield Finding("送信待ちの通知", f"{waiting}通")
    yield Finding("不達の通知", f"{dead}通", not dead, f"不達の通知が{dead}通あります。{remedy}")


def _people(office: Office) -> Iterator[Finding]:
    """Look whether the roles that others rest on have somebody, and say what the one who asks is."""
    what, path = "利用者と役割", office.settings.people
    try:
        people, actor = office.people(), office.actor()
    except KijitsuError as exc:
        yield Finding(what, "使えません", False, str(exc))
        return
    you = f"今の操作者は {actor.name}（{actor.shown_roles}）"
    if people is None:
        yield Finding(what, f"利用者ファイルがないので、{office.settings.home} の持ち主が何でもできます。{you}")
    else:
        held = {role for person in people.values() for role in person.roles}
        lacking = [SHOWN[each] for each in (Role.MANAGER, Role.SECRETARIAT, Role.ADMINISTRATOR) if each not in held]
        remedy = f"{'、'.join(lacking)}の役割を持つ人がいません。{path} の roles に書いてください。"
        yield Finding(what, f"{len(people)}人（{path}）。{you}", not lacking, remedy)
    yield from _approvers(office, (people or {}).values())


def _approvers(office: Office, people: Iterable[Person]) -> Iterator[Finding]:
    """Look whether somebody can approve changes to the adopted plans that ask for it."""
    approving = {
        post for each in people if any(Right.APPROVE in RIGHTS[role] for role in each.roles) for post in each.posts
    }
    try:
        adopted = ledger.adopted_plans(office) if office.settings.may_have_database else ()
        plans = [reading.standing(office, str(each["plan"])).plan for each in adopted]
    except KijitsuError:
        return  # said of the database
    asking = [plan for plan in plans if plan.approvers]
    stuck = [
        f"{plan.id}（{'、'.join(plan.approvers)}）" for plan in asking if not approving.intersection(plan.approvers)
    ]
    if asking:
        remedy = (
            f"変更を承認できる人がいません: {'、'.join(stuck)}。KIJITSU_PEOPLE の利用者ファイルで、"
            "その職（posts）の人に manager の役割を与えてください。"
        )
        yield Finding("変更の承認", f"承認の要る計画 {len(asking)}件", not stuck, remedy)


def _sign_in(office: Office) -> Finding:
    """Say how people sign in to the board, and whether it may listen where it should."""
    what, host = "画面のサインイン", office.settings.board_host
    try:
        ways = accounts.ways(office)
        accounts.require_ways(office)
    except KijitsuError as exc:
        return Finding(what, "使えません", False, str(exc))
    how = "、".join(ways) or "まだだれもできません（kijitsu account link で一度だけのリンクを作れます）"
    return Finding(what, f"{how}。{host}:{office.settings.board_port} で開きます")


def _mail(office: Office) -> Finding:
    """Look whether somebody listens where mail goes; nothing is sent."""
    if not office.settings.smtp_url:
        return Finding("メール", f"手元の郵便箱 {office.settings.mailbox}（本番では KIJITSU_SMTP_URL を設定）")
    try:
        relay = urlsplit(office.settings.smtp_url)
        place = (relay.hostname or "", relay.port or {"smtps": 465, "smtp+starttls": 587}.get(relay.scheme, 25))
        socket.create_connection(place, timeout=5).close()
    except (OSError, ValueError) as exc:
        # The URL is not repeated: it may hold a password.
        remedy = f"メールの中継サーバーにつながりません（{exc}）。KIJITSU_SMTP_URL とサーバーの状態を確かめてください。"
        return Finding("メール", "KIJITSU_SMTP_URL の中継サーバーにつながりません", False, remedy)
    return Finding("メール", f"中継サーバー {place[0]}:{place[1]} へ送ります")


def _channels(office: Office) -> Iterator[Finding]:
    """Look whether every webhook that somebody reads has its secret address; none is asked anything."""
    try:
        organisations = office.library.organisations()
        everybody: list[Body | Post] = [body for each in organisations for body in each.bodies.values()]
        everybody += [post for each in organisations for post in each.posts.values()]
        named = {
            f"{each.title}（{each.channel}）": each.address
            for each in everybody
            if each.channel in ("teams", "slack", "json")
        }
        known = read_secrets(office.settings)
    except KijitsuError as exc:
        yield Finding("通知の経路", "使えません", False, str(exc))
        return
    missing = [f"{who}: {name}" for who, name in named.items() if name not in known]
    if missing:
        remedy = f"秘密の宛先がありません: {'、'.join(missing)}。KIJITSU_SECRETS に名前とURLを書いてください。"
        yield Finding("通知の経路", f"メールのほか {len(named)}件", False, remedy)
    elif named:
        yield Finding("通知の経路", f"メールのほか {len(named)}件、宛先はそろっています")


def _links(office: Office) -> Finding:
    """Say whether letters hold links, and to where."""
    if office.settings.base_url:
        return Finding("回答のリンク", f"{office.settings.base_url} へのリンクを通知に付けます")
    if office.settings.smtp_url:
        return Finding("回答のリンク", "付けません（KIJITSU_BASE_URL を設定すると付きます）。回答はメールの返信です")
    return Finding("回答のリンク", f"この機械だけで開けるリンクを付けます（ポート {office.settings.board_port}）")
