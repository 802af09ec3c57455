"""`python -m kijitsu.web`: the board on this machine's loopback; the city's reverse proxy serves it to others."""

import uvicorn

from kijitsu.bootstrap import open_office
from kijitsu.web.app import create_app


def main() -> None:
    """Serve until asked to end."""
    office = open_office()
    # A link is a password: no log of who asked for which address.
    uvicorn.run(
        create_app(office),
        host="127.0.0.1",
        port=office.settings.board_port,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
