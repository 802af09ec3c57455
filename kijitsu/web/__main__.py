"""`python -m kijitsu.web`: the board on this machine's loopback; the city's reverse proxy serves it to others."""

import socket
import sys

import uvicorn

from kijitsu.bootstrap import open_office
from kijitsu.commands.common import complain
from kijitsu.domain.errors import KijitsuError, OutsideError
from kijitsu.services import accounts
from kijitsu.settings import Settings
from kijitsu.web.app import create_app


def main() -> None:
    """Serve until asked to end. Beyond this machine only where people have a way to sign in."""
    try:
        office = open_office()
        accounts.require_ways(office)
        listening = _listening(office.settings)
    except KijitsuError as exc:
        sys.exit(complain(exc))
    # A link is a password: no log of who asked for which address. Who a proxy speaks for is ours to decide: access.py.
    config = uvicorn.Config(
        create_app(office),
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(config).run(sockets=listening)


def _listening(settings: Settings) -> list[socket.socket]:
    """Return what the board listens on: loopback in any case, for whoever watches it on this machine."""
    hosts = dict.fromkeys(["127.0.0.1", settings.board_host])
    if settings.board_host == "0.0.0.0":  # noqa: S104 (loopback is among them; nobody but the settings chose it)
        del hosts["127.0.0.1"]
    try:
        listening = [
            socket.create_server(
                (host, settings.board_port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
            )
            for host in hosts
        ]
    except OSError as exc:
        raise OutsideError(
            f"画面を {'、'.join(hosts)} のポート {settings.board_port} で開けません（{exc.strerror or exc}）。"
            "KIJITSU_BOARD_HOST と KIJITSU_BOARD_PORT を確かめてください。"
        ) from exc
    for each in listening:
        # asyncio does not see that these are TCP; a small page would wait 40 ms for the reader's acknowledgement.
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


if __name__ == "__main__":
    main()
