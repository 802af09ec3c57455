"""The layout that design section 2 fixes, and what may not be in a committed file."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from kijitsu.domain.plan import Kind

ROOT = Path(__file__).parents[2]


def python(code: str, *arguments: str, folder: Path = ROOT) -> str:
    """Run some Python in a process of its own and return what it printed."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def imports(path: Path) -> Iterator[str]:
    """Yield the top-level package of everything that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


# --- the calendar folder ---


def test_the_calendar_folder_holds_no_python() -> None:
    assert [path for path in (ROOT / "calendar").rglob("*") if path.suffix in {".py", ".pyi", ".pyc"}] == []
    assert not list((ROOT / "calendar").rglob("__pycache__"))


def test_the_standard_librarys_calendar_is_imported_where_the_root_is_on_the_path() -> None:
    said = python("import calendar, email.utils, http.cookiejar, sys; print('' in sys.path, calendar.__file__)")

    is_on_path, _, file = said.strip().partition(" ")
    assert is_on_path == "True"
    assert Path(file).parent == Path(ast.__file__).parent


# --- the engine knows nothing of any plan ---


def words_of_plans() -> set[str]:
    """The ids and titles of every plan, history and milestone, but for ids that are kinds of milestones as well."""
    words: set[str] = set()
    for path in [*(ROOT / "calendar/plans").glob("*.yaml"), *(ROOT / "calendar/histories").glob("*.yaml")]:
        document = YAML(typ="safe", pure=True).load(path)
        milestones = document.get("milestones", {})
        words |= {path.stem, document["title"], *milestones, *(each["title"] for each in milestones.values())}
    return words - set(Kind)


def test_no_word_of_any_plan_stands_in_the_product() -> None:
    # An id is a word of its own, in code as in 日本語; a title may stand anywhere.
    words = [
        rf"(?<![a-z0-9_-]){word}(?![a-z0-9_-])" if word.isascii() else re.escape(word) for word in words_of_plans()
    ]
    pattern = re.compile("|".join(words), re.IGNORECASE)
    files = [path for path in (ROOT / "kijitsu").rglob("*") if path.is_file() and path.suffix != ".pyc"]

    found = [
        f"{path.relative_to(ROOT)}:{number}: {word}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        for word in pattern.findall(line)
    ]

    assert len(words) > 100
    assert {path.suffix for path in files} >= {".py", ".html"}
    assert found == []


# --- imports ---


def test_the_domain_loads_the_standard_library_only() -> None:
    code = """
import sys
before = set(sys.modules)
import pkgutil, importlib, kijitsu.domain
for module in pkgutil.walk_packages(kijitsu.domain.__path__, "kijitsu.domain."):
    importlib.import_module(module.name)
print(*sorted({name for name in set(sys.modules) - before}))
"""

    loaded = python(code).split()

    assert {"kijitsu.domain.schedule", "kijitsu.domain.gates", "kijitsu.domain.reminders"} <= set(loaded)
    ours = {name for name in loaded if name.startswith("kijitsu")}
    assert {name for name in ours if not name.startswith("kijitsu.domain")} == {"kijitsu"}
    assert {name.partition(".")[0] for name in set(loaded) - ours} <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("words", [("--help",), ("schedule", "fy28", "--json"), ("status", "fy28", "--json")])
def test_a_command_that_needs_no_prefect_does_not_load_it(words: tuple[str, ...], tmp_path: Path) -> None:
    code = """
import os, sys
os.environ["KIJITSU_HOME"], words = sys.argv[1], sys.argv[2:]
sys.argv = ["kijitsu", *words]
from kijitsu.cli import main
try:
    main()
finally:
    print("\\n", *sorted({name.partition(".")[0] for name in sys.modules}))
"""

    loaded = set(python(code, str(tmp_path), *words).splitlines()[-1].split())

    assert "kijitsu" in loaded
    assert not loaded & {"prefect", "apprise", "alembic", "sqlalchemy", "aiosmtpd"}


def test_imports_point_one_way() -> None:
    layers = ("flows", "tasks", "notifications", "kijitsu")
    wrong = []
    for number, layer in enumerate(layers):
        for path in sorted((ROOT / layer).rglob("*.py")):
            above = set(layers[:number])
            if path == ROOT / "kijitsu" / "bootstrap.py":
                above.remove("notifications")
            wrong += [f"{path.relative_to(ROOT)} imports {name}" for name in sorted(above & set(imports(path)))]

    assert wrong == []


def test_only_the_bootstrap_wires_the_notifications_in() -> None:
    importers = {path.name for path in (ROOT / "kijitsu").rglob("*.py") if "notifications" in imports(path)}

    assert importers == {"bootstrap.py"}


def test_no_module_of_flows_or_tasks_is_named_like_one_of_the_standard_library() -> None:
    names = {path.stem for folder in ("flows", "tasks") for path in (ROOT / folder).glob("*.py")}

    assert not names & set(sys.stdlib_module_names)


# --- deployments ---


@cache
def deployments() -> list[dict[str, object]]:
    found = YAML(typ="safe").load(ROOT / "prefect.yaml")["deployments"]
    assert isinstance(found, list)
    return found


def test_every_entrypoint_loads_to_a_flow_from_its_module(tmp_path: Path) -> None:
    code = """
import importlib, os, sys
os.environ |= {"PREFECT_HOME": sys.argv[1], "KIJITSU_HOME": sys.argv[1], "DO_NOT_TRACK": "1"}
from prefect import Flow
for entrypoint in sys.argv[2:]:
    module, _, name = entrypoint.partition(":")
    found = getattr(importlib.import_module(module), name)
    print(entrypoint, isinstance(found, Flow), bool(found.description))
"""
    entrypoints = [str(deployment["entrypoint"]) for deployment in deployments()]

    said = python(code, str(tmp_path), *entrypoints).splitlines()

    assert said == [f"{entrypoint} True True" for entrypoint in entrypoints]
    assert all(re.fullmatch(r"flows\.[a-z_]+:[a-z_]+", entrypoint) for entrypoint in entrypoints)


def test_deployments_are_described_in_japanese_and_the_morning_is_tokyos() -> None:
    by_name = {str(deployment["name"]): deployment for deployment in deployments()}

    assert len(by_name) == len(deployments())
    assert all(re.search(r"[ぁ-んァ-ヶ一-龠]", str(deployment["description"])) for deployment in by_name.values())
    (morning,) = by_name["毎朝"]["schedules"]  # type: ignore[misc, attr-defined]
    assert (morning["cron"], morning["timezone"]) == ("30 8 * * *", "Asia/Tokyo")
    every = [schedule for each in by_name.values() for schedule in each.get("schedules", [])]  # type: ignore[attr-defined]
    assert {schedule["timezone"] for schedule in every} == {"Asia/Tokyo"}


# --- what is committed ---

NAMESPACES = {"www.w3.org", "json-schema.org", "www.apache.org", "adaptivecards.io"}
HOST = re.compile(r"\b[a-z][a-z0-9+.-]*://(?:[^\s/@\"'<>]*@)?([A-Za-z0-9.-]+)")
MAIL = re.compile(r"[A-Za-z0-9.+-]+@((?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,})\b")
ADDRESS = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?![\w.])")
REGISTRY = re.compile(r"(?:pypi|pythonhosted|npmjs|unpkg|jsdelivr|artifactory|anaconda)\.[a-z]|--(?:extra-)?index-url")
MACHINE = re.compile(r"(?<![\w.])/(?:home|root|work|Users)/\w")


@cache
def committed() -> dict[str, str]:
    """The text of every file that git knows."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in names.split("\0") if name]
    return {
        str(path.relative_to(ROOT)): content.decode()
        for path in paths
        if path.is_file() and b"\0" not in (content := path.read_bytes())
    }


def places(pattern: re.Pattern[str], is_fine: frozenset[str] = frozenset()) -> list[str]:
    """Return where a pattern is found, but for fine values of its first group."""
    return [
        f"{name}:{number}: {found.group()}"
        for name, text in committed().items()
        for number, line in enumerate(text.splitlines(), start=1)
        for found in pattern.finditer(line)
        if not (found.groups() and _is_ours(found.group(1), is_fine))
    ]


def _is_ours(host: str, fine: frozenset[str]) -> bool:
    host = host.lower().rstrip(".")
    is_local = host in {"localhost", ""} or host.startswith("127.") or "." not in host
    # RFC 2606, and example.jp by JPRS: names that nobody can have.
    is_reserved = host.endswith(".example") or host in {"example.com", "example.org", "example.net", "example.jp"}
    return is_local or is_reserved or host in fine


def test_no_committed_file_names_a_host_outside() -> None:
    assert places(HOST, frozenset(NAMESPACES)) == []
    assert places(MAIL) == []


def test_no_committed_file_names_a_network_address_but_loopback() -> None:
    # 192.0.2.0/24 is there for documentation (RFC 5737).
    found = [place for place in places(ADDRESS) if ": 192.0.2." not in place and ": 0.0.0.0" not in place]

    assert found == []


def test_no_committed_file_names_a_package_registry_or_a_path_of_a_machine() -> None:
    assert places(REGISTRY) == []
    assert places(MACHINE) == []


def test_the_lock_pins_every_package_with_hashes_and_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^\s*#.*\n", "", text).strip())
    pinned = {}
    for block in blocks:
        first, *rest = block.replace("\\\n", "\n").splitlines()
        found = re.match(r"([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==(\S+)", first)
        assert found, block
        pinned[found[1]] = found[2]
        assert any(re.fullmatch(r"\s*--hash=sha256:[0-9a-f]{64}\s*", line) for line in rest), first
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {
        re.match(r"[A-Za-z0-9.-]+", each)[0].lower().replace(".", "-")  # type: ignore[index]
        for each in [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    }

    assert "://" not in text
    assert wanted <= set(pinned)
