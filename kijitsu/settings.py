"""Settings: every `KIJITSU_…` environment variable, typed, with the embedded defaults."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, fields, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from kijitsu.domain.errors import InputError, did_you_mean
from kijitsu.domain.windows import parse_day

Network = IPv4Network | IPv6Network

PROJECT = Path(__file__).resolve().parents[1]


# What each number is, and the greatest it may be.
_NUMBERS = {
    "prefect_port": ("ポート番号", 65535),
    "board_port": ("ポート番号", 65535),
    "link_days": ("日数", 3650),
    "evidence_mib": ("大きさ（MiB）", 2000),
}


def _calendar() -> Path:
    here = Path("calendar")
    return here if (here / "plans").is_dir() else PROJECT / "calendar"


@dataclass(frozen=True, slots=True)
class Settings:
    """How this installation runs; each field is `KIJITSU_` and its name in capitals.

    `home` holds all that is written; `calendar` is the content folder. `database_url` empty means SQLite in `home`.
    `smtp_url` empty means the built-in mailbox in `home`; `smtp://`, `smtp+starttls://` or `smtps://` with user and
    password reach a real relay. `today` (2016-07-12) stands in for the clock in rehearsals. `plan` is the plan that is
    meant where none is named; empty means the one that the content folder says (`Office.plan`). `secrets` is a JSON
    object of names and secret addresses, like what the file `secrets_file` holds; it comes before the file. `base_url`
    is the address under which departments reach the board, for the links in letters; empty means this machine's where
    mail stays on it, else no links. A link works for `link_days`. An evidence file may have `evidence_mib` MiB.
    `people` is the file that says who may do what; without one, whoever owns `home` may do everything. `actor` is whom
    the command line acts as, in place of the operating system's user. `operator_url` holds Apprise URLs, separated by
    spaces: the ways to whoever runs the installation, for what must not wait; never through the city's relay. The board
    listens on `board_host`. A proxy at one of the addresses and networks of `proxy_from` says in the header
    `proxy_user_header` who somebody is; so does the OpenID provider `oidc_issuer`, to whom we are `oidc_client_id`, in
    the claim `oidc_claim`.
    """

    home: Path = field(default_factory=lambda: Path("var"))
    calendar: Path = field(default_factory=_calendar)
    database_url: str = ""
    smtp_url: str = ""
    mail_from: str = "kijitsu@city.example"
    reply_to: str = ""
    secrets: str = field(default="", repr=False)
    secrets_file: Path | None = None
    base_url: str = ""
    board_port: int = 4280
    link_days: int = 90
    evidence_mib: int = 20
    today: str = ""
    actor: str = ""
    people: Path | None = None
    board_host: str = "127.0.0.1"
    proxy_user_header: str = ""
    proxy_from: str = ""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_claim: str = "preferred_username"
    operator_url: str = field(default="", repr=False)
    plan: str = ""
    prefect_port: int = 4200
    dashboard_url: str = ""

    @property
    def database(self) -> str:
        """The database's URL, the embedded SQLite file where none is set."""
        return self.database_url or f"sqlite:///{self.home / 'kijitsu.db'}"

    @property
    def dashboard(self) -> str:
        """Where people open Prefect's dashboard."""
        return self.dashboard_url.rstrip("/") or f"http://127.0.0.1:{self.prefect_port}"

    @property
    def board(self) -> str:
        """Where people open the board."""
        return self.base_url.rstrip("/") or f"http://127.0.0.1:{self.board_port}"

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks whose word on who somebody is is believed. Raises InputError."""
        try:
            return tuple(ip_network(each) for each in self.proxy_from.replace(",", " ").split())
        except ValueError as exc:
            raise InputError(
                f"KIJITSU_PROXY_FROM={self.proxy_from} は、IPアドレスを空白で区切って書いてください（{exc}）。"
            ) from exc

    @property
    def mailbox(self) -> Path:
        """Where the built-in mailbox keeps what arrives."""
        return self.home / "mailbox"

    @property
    def logs(self) -> Path:
        """Where logs are kept: of the processes, of alarms, of what happened."""
        return self.home / "logs"

    @property
    def evidence(self) -> Path:
        """Where the evidence files are kept."""
        return self.home / "evidence"

    @property
    def may_have_database(self) -> bool:
        """False only where the database is an SQLite file that does not exist: there is nothing to open then."""
        prefix = "sqlite:///"
        return not self.database.startswith(prefix) or Path(self.database.removeprefix(prefix)).exists()

    def rehearsal(self, home: Path, today: str = "") -> Settings:
        """Return the settings of a rehearsal: its data in a folder of its own, no relay, nobody outside."""
        return replace(
            self,
            home=home,
            today=today,
            database_url="",
            smtp_url="",
            reply_to="",
            secrets="",
            secrets_file=None,
            people=None,
            board_host="127.0.0.1",
            proxy_user_header="",
            proxy_from="",
            oidc_issuer="",
            base_url="",
            operator_url="",
        )

    def environment(self) -> dict[str, str]:
        """Return the settings as the environment of a child process."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            f"KIJITSU_{name.upper()}": str(value.resolve() if isinstance(value, Path) else value)
            for name, value in values.items()
            if value not in (None, "")
        }


def read_settings(environment: dict[str, str] | None = None) -> Settings:
    """Read the settings from the environment. Raises InputError for an unknown or unreadable one."""
    given = os.environ if environment is None else environment
    known = {f"KIJITSU_{each.name.upper()}": each.name for each in fields(Settings)}
    values: dict[str, object] = {}
    for key, text in given.items():
        if not key.startswith("KIJITSU_") or not text:
            continue
        if key not in known:
            raise InputError(f"{key} という設定はありません。{did_you_mean(key, known)}")
        name = known[key]
        if name in ("home", "calendar", "secrets_file", "people"):
            values[name] = Path(text)
        elif name in _NUMBERS:
            what, most = _NUMBERS[name]
            if not text.isdecimal() or not 0 < int(text) <= most:
                raise InputError(f"{key}={text} は{what}ではありません。1から{most}の数にしてください。")
            values[name] = int(text)
        else:
            values[name] = _day(key, text) if name == "today" else text
    settings = Settings(**values)  # type: ignore[arg-type]
    if bool(settings.proxy_user_header) != bool(settings.proxies):
        raise InputError("KIJITSU_PROXY_USER_HEADER と KIJITSU_PROXY_FROM は、両方を設定してください。")
    if bool(settings.oidc_issuer) != bool(settings.oidc_client_id):
        raise InputError("KIJITSU_OIDC_ISSUER と KIJITSU_OIDC_CLIENT_ID は、両方を設定してください。")
    return settings


def _day(key: str, text: str) -> str:
    try:
        return parse_day(text).isoformat()
    except InputError as exc:
        raise InputError(f"{key}: {exc}") from exc


def read_secrets(settings: Settings) -> dict[str, str]:
    """Return the secret addresses by name: those of the environment, then those of the file.

    Raises InputError, which repeats nothing of what it could not read.
    """
    secrets: dict[str, str] = {}
    if settings.secrets_file is not None:
        place = f"KIJITSU_SECRETS_FILE={settings.secrets_file}"
        try:
            text = settings.secrets_file.read_text(encoding="utf-8-sig")
        except OSError as exc:
            raise InputError(f"{place} を読めません: {exc.strerror}") from exc
        except UnicodeDecodeError:
            raise InputError(f"{place} の文字コードがUTF-8ではありません") from None
        secrets |= _named(place, text)
    if settings.secrets:
        secrets |= _named("KIJITSU_SECRETS", settings.secrets)
    return secrets


def _named(place: str, text: str) -> dict[str, str]:
    """Read a JSON object of names and addresses."""
    try:
        found = json.loads(text)
    except ValueError as exc:
        where = f"{exc.lineno}行{exc.colno}字目" if isinstance(exc, json.JSONDecodeError) else "数値"
        raise InputError(f"{place} をJSONとして読めません（{where}）") from None
    if not isinstance(found, dict) or not all(isinstance(url, str) for url in found.values()):
        raise InputError(f'{place} は {{"名前": "URL", …}} の形のJSONにしてください')
    return found
