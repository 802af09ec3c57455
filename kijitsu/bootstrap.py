"""The wiring: which database, which words and which channels this installation uses."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from kijitsu import telemetry
from kijitsu.messages import Courier, Renderer
from kijitsu.office import Office
from kijitsu.plans import Library
from kijitsu.settings import Settings, read_settings

if TYPE_CHECKING:
    from kijitsu.links import Links
    from kijitsu.store.rows import AuditRow
    from kijitsu.store.work import UnitOfWork


def open_office(settings: Settings | None = None, flow_run: str = "") -> Office:
    """Return the office as the settings want it. Nothing is opened or loaded before it is needed.

    `flow_run` is Prefect's id of the run on whose behalf it is opened.
    """
    chosen = settings or read_settings()

    @cache
    def engine():  # type: ignore[no-untyped-def]
        from kijitsu.store.engine import connect, require_current_schema

        opened = connect(chosen.database)
        require_current_schema(opened)
        return opened

    def open_work(municipality: str, readonly: bool) -> UnitOfWork:
        from kijitsu.store.work import UnitOfWork

        return UnitOfWork(engine(), municipality, readonly=readonly, flow_run=flow_run, tell=tell_audit)

    def tell_audit(entry: AuditRow) -> None:
        telemetry.tell_audit(chosen.logs, entry)

    def upgrade_database() -> None:
        from kijitsu.store.engine import connect, upgrade

        upgrade(connect(chosen.database))

    def make_renderer() -> Renderer:
        from notifications.render import LetterRenderer

        return LetterRenderer()

    def open_courier() -> Courier:
        from notifications.courier import courier_for

        return courier_for(chosen)

    def open_links() -> Links | None:
        from kijitsu.links import KeyFile, Links

        # Letters that leave this machine are read where its loopback leads nowhere.
        base = chosen.base_url or ("" if chosen.smtp_url else f"http://127.0.0.1:{chosen.board_port}")
        return Links(KeyFile(chosen.home).keys, base, chosen.link_days) if base else None

    def tell_operator(at: datetime, title: str, text: str) -> tuple[str, ...]:
        from notifications.operator import tell

        return tell(chosen.logs / "alarms.log", chosen.operator_url, at, title, text)

    return Office(
        chosen,
        Library(chosen.calendar),
        open_work,
        open_courier,
        make_renderer,
        upgrade_database,
        open_office,
        open_links,
        tell_operator,
        flow_run=flow_run,
    )
