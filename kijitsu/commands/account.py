"""Commands on who may sign in to the board."""

from __future__ import annotations

from typing import Annotated

import typer

from kijitsu.commands import common
from kijitsu.domain.roles import SHOWN, Role

account_app = typer.Typer(help="画面にサインインする人のリンクを作り、アカウントを止めます。", no_args_is_help=True)

AccountArgument = Annotated[str, typer.Argument(metavar="ACCOUNT", help="利用者ファイルのアカウント")]


@account_app.command("link")
def link_account(account: AccountArgument) -> None:
    """30分以内に一度だけ使えるサインインのリンクを作ります。初めての人と、パスワードを忘れた人に渡します。"""
    from kijitsu.services import accounts

    opened = common.office()
    token = accounts.make_link(opened, opened.actor(), account)
    common.print_lines([f"{opened.settings.board}/sign-in/{token}"])


@account_app.command("lock")
def lock_account(account: AccountArgument) -> None:
    """アカウントを止めます。サインインしている画面もすべて終わります。"""
    from kijitsu.services import accounts

    opened = common.office()
    accounts.lock(opened, opened.actor(), account)
    common.print_lines([f"アカウント {account} を止めました。"])


@account_app.command("unlock")
def unlock_account(account: AccountArgument) -> None:
    """止めたアカウントや、続けて間違えて待たされているアカウントを、また使えるようにします。"""
    from kijitsu.services import accounts

    opened = common.office()
    accounts.unlock(opened, opened.actor(), account)
    common.print_lines([f"アカウント {account} を使えるようにしました。"])


@account_app.command("list")
def list_accounts(as_json: common.JsonOption = False) -> None:
    """アカウントと、その人の役割。パスワードは示しません。"""
    from kijitsu.services import accounts

    opened = common.reader()
    found = accounts.listed(opened)
    if as_json:
        common.print_json([each.as_json() for each in found])
        return
    rows = (
        [
            each.account,
            "、".join(SHOWN[role] for role in Role if role in each.roles) or "なし",
            "あり" if each.has_password else "まだ",
            "止めてある" if each.is_locked else "使える",
        ]
        for each in found
    )
    common.print_table("画面のアカウント", ("アカウント", "役割", "パスワード", "状態"), rows)
