"""The files of docs/deploy agree with each other and with what `kijitsu up` sets; tests/cluster.py runs them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from prefect.events.schemas.automations import AutomationCore
from prefect.settings import Settings as PrefectSettings
from ruamel.yaml import YAML

from kijitsu.hosting.processes import prefect_environment
from kijitsu.settings import Settings, read_settings
from tests.cluster import DEPLOY, ROOT, UNITS, read_environment, read_unit
from tests.debian import needed, program

ENVIRONMENT = read_environment(DEPLOY / "kijitsu.env")
SECRETS = read_environment(DEPLOY / "secrets.env.example")
INSTANCES = {"kijitsu-api@.service": "4201", "kijitsu-worker@.service": "1"}


def compose() -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe", pure=True).load(DEPLOY / "compose.yaml")
    return document


def words(lines: list[str]) -> list[str]:
    """Return command lines without the folders of the programs and what only one of the two places needs."""
    return [re.sub(r"^-|/opt/kijitsu/\.venv/bin/|/usr/sbin/", "", line).strip() for line in lines]


# --- the environment ---


def test_every_setting_of_the_environment_file_is_one_that_its_reader_knows() -> None:
    known = {name.lower() for name in _names(PrefectSettings)}
    # Those of Redis are the package's own; those of handlers are the keys of Prefect's logging.yml.
    prefect = [name for name in ENVIRONMENT | SECRETS if re.match(r"PREFECT_(?!REDIS_|LOGGING_HANDLERS_)", name)]

    assert [name for name in prefect if name.lower() not in known] == []
    assert read_settings({**ENVIRONMENT, **SECRETS}).home == Path("/var/lib/kijitsu")


def _names(kind: Any) -> set[str]:
    """Return every environment variable that Prefect's settings are read from."""
    return {name for setting in kind.model_fields.values() for name in _of(setting)} | {
        f"{kind.model_config['env_prefix']}{name}" for name in kind.model_fields
    }


def _of(field: Any) -> set[str]:
    alias = field.validation_alias
    names = {choice for choice in getattr(alias, "choices", ()) if isinstance(choice, str)}
    inner = field.annotation
    return names | (_names(inner) if hasattr(inner, "model_fields") else set())


def test_prefect_is_set_up_as_on_one_machine() -> None:
    embedded = prefect_environment(Settings(home=Path("/nowhere")), 4200)
    places = {"PREFECT_HOME", "PREFECT_SERVER_API_PORT", "PREFECT_SERVER_UI_STATIC_DIRECTORY"}
    wanted = {name: value for name, value in embedded.items() if name.startswith(("PREFECT_", "DO_NOT"))}

    assert {name: ENVIRONMENT.get(name) for name in wanted if name not in places} == {
        name: value for name, value in wanted.items() if name not in places
    }


def test_no_secret_is_in_a_file_and_none_is_set_twice() -> None:
    assert not any(SECRETS.values())
    assert not SECRETS.keys() & ENVIRONMENT.keys()
    assert not re.search(r"://[^/\s:]+:[^@\s]+@", (DEPLOY / "kijitsu.env").read_text(encoding="utf-8"))


# --- systemd ---


def _analyze() -> Path | None:
    found = shutil.which("systemd-analyze")
    return Path(found) if found else None


def test_the_units_hold_before_systemd(tmp_path: Path) -> None:
    with needed():
        analyze = program(_analyze, "systemd")
    shutil.copytree(UNITS, tmp_path, dirs_exist_ok=True)
    for path in tmp_path.rglob("kijitsu*.*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8").replace(
                "/opt/kijitsu/.venv/bin/", f"{Path(sys.executable).parent}/"
            )
            path.write_text(text.replace("/usr/sbin/haproxy", sys.executable), encoding="utf-8")
    units = [
        tmp_path / path.name.replace("@", f"@{INSTANCES.get(path.name, '')}")
        for path in sorted(tmp_path.glob("k*.*e*"))
    ]

    checked = subprocess.run(
        [analyze, "verify", "--man=no", *(unit for unit in units if not unit.is_dir())],
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
    )

    assert [line for line in checked.stderr.splitlines() if "kijitsu" in line] == []
    assert checked.returncode == 0, checked.stderr


def test_what_stays_is_started_again_and_every_service_reads_both_environment_files() -> None:
    for path in sorted(UNITS.glob("*.service")):
        unit = read_unit(path.name)
        once = unit.get("Type") == ["oneshot"]
        assert once or unit["Restart"] == ["always"], path.name
        assert unit["EnvironmentFile"] == ["/etc/kijitsu/kijitsu.env", "/etc/kijitsu/secrets.env"], path.name


# --- containers ---


def test_containers_run_the_commands_of_the_units() -> None:
    told = {
        "prepare": "kijitsu-prepare.service",
        "api-1": "kijitsu-api@.service",
        "api-2": "kijitsu-api@.service",
        "services": "kijitsu-services.service",
        "register": "kijitsu-register.service",
        "worker-1": "kijitsu-worker@.service",
        "worker-2": "kijitsu-worker@.service",
        "board": "kijitsu-board.service",
    }
    services = compose()["services"]
    assert set(services) == {*told, "postgres", "redis", "balancer"}

    for name, unit in told.items():
        instance = name.rpartition("-")[2] if "worker" in name else "4201"
        command = services[name]["command"]
        lines = command[2].splitlines() if command[0] == "sh" else [" ".join(command)]
        assert [line.removesuffix(" || true") for line in lines] == words(read_unit(unit, instance)["ExecStart"]), name


def test_containers_differ_from_machines_in_places_only() -> None:
    services = compose()["services"]
    ours = [each for each in services.values() if each.get("image", "").startswith("kijitsu")]

    assert len(ours) == 8
    for each in ours:
        assert each["env_file"] == ["kijitsu.env", "secrets.env"]
        assert set(each["environment"]) <= set(ENVIRONMENT)
        assert {name.rpartition("_")[2] for name in each["environment"]} <= {"URL", "HOST"}
    assert set(services["balancer"]["environment"]) <= set(ENVIRONMENT)


def test_containers_wait_for_what_is_there_and_nothing_is_published_beyond_loopback() -> None:
    document = compose()
    services, volumes = document["services"], document["volumes"]

    for name, each in services.items():
        waits = each.get("depends_on", {})
        assert set(waits) <= set(services), name
        healthy = [other for other, how in waits.items() if how["condition"] == "service_healthy"]
        assert all("healthcheck" in services[other] for other in healthy), name
        assert all(port.startswith("127.0.0.1:") for port in each.get("ports", ())), name
        mounted = [volume.split(":")[0] for volume in each.get("volumes", ())]
        assert all((DEPLOY / place).exists() if place.startswith(".") else place in volumes for place in mounted), name
        assert "/" not in each["image"], "no registry's name"


def test_the_image_gets_all_that_the_program_is_made_of() -> None:
    copied = re.findall(r"^COPY (.+) \S+$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    let_in = re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8"), re.MULTILINE)

    sources = [source for line in copied for source in line.split()]
    assert sorted(sources) == sorted(let_in)
    assert {"kijitsu", "notifications", "tasks", "flows", "calendar", "prefect.yaml"} <= set(sources)
    assert all((ROOT / source).exists() for source in sources)


# --- the rest ---


def test_the_automation_is_one_that_prefect_takes() -> None:
    automation = AutomationCore.model_validate(YAML(typ="safe", pure=True).load(DEPLOY / "automations.yaml"))

    assert automation.trigger.type == "event"
    beats = int(ENVIRONMENT["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"])
    assert automation.trigger.within.total_seconds() >= 3 * beats
    assert f"delete {automation.name}" in (UNITS / "kijitsu-register.service").read_text(encoding="utf-8")
