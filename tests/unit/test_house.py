"""The house keeps its rules: rooms that contracts name are there, stores stay light, kept verdicts know their code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

from notifier.storage.verdicts import _JUDGES
from tests.conftest import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
SHELLS = {"feeds.services", "notifier.services", "notifier.cli", "notifier.web", "notifier.worker", "notifier.config"}


def rooms(package: str) -> set[str]:
    """The folders and modules directly below a package."""
    found = [p for p in (ROOT / package).iterdir() if (p / "__init__.py").is_file() or p.suffix == ".py"]
    return {p.stem for p in found} - {"__init__"}


def contract(name: str) -> dict[str, list[str]]:
    (found,) = [c for c in CONTRACTS if c["name"] == name]
    return dict(found)


def layers(package: str) -> set[str]:
    (found,) = [c for c in CONTRACTS if c.get("containers") == [package]]
    return {name.strip() for layer in found["layers"] for name in layer.split("|")}


@pytest.mark.parametrize("package", ["feeds", "notifier"])
def test_every_room_has_its_place_in_the_layers_and_no_other_has(package: str) -> None:
    assert layers(package) == rooms(package)


def test_every_room_is_either_pure_or_an_edge_or_a_shell() -> None:
    pure = contract("pure modules import only pure modules")
    named = set(pure["source_modules"]) | set(pure["forbidden_modules"])
    every = {f"{package}.{room}" for package in ("feeds", "notifier") for room in rooms(package)}
    assert every - named <= SHELLS | {"notifier.security"}
    assert set(contract("pure modules touch no edge")["source_modules"]) == set(pure["source_modules"])


def loads(module: str, unwanted: Iterable[str]) -> set[str]:
    """Which of these modules a fresh interpreter has loaded after it imported a module."""
    code = f"import {module}, sys; print(*({set(unwanted)!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["notifier.storage", "notifier.storage.outbox", "feeds.storage"])
def test_a_store_loads_neither_templates_nor_an_http_client(module: str) -> None:
    assert loads(module, {"jinja2", "urllib3", "apprise", "smtplib", "scrapy", "http.client"}) == set()


def test_a_module_that_is_loaded_is_found() -> None:
    assert loads("notifier.rendering.messages", {"jinja2", "scrapy"}) == {"jinja2"}


def test_kept_verdicts_depend_on_every_module_that_judges() -> None:
    """A verdict is kept with a fingerprint of the code; code that is missing from it would leave stale verdicts."""
    graph = grimp.build_graph("feeds", "notifier", cache_dir=None)
    inside = graph.find_descendants("notifier.assessment")
    closure = set().union(*(graph.find_upstream_modules(m) for m in inside)) | inside
    judging = {f"{Path(package).parent.name}.{room}" for package, names in _JUDGES for room in names}
    outside = {m for m in closure if ".".join(m.split(".")[:2]) not in judging}
    assert outside <= {"feeds", "notifier"}
    assert {"feeds.versions.products", "feeds.advisories.merging", "feeds.verdicts.weighing"} <= closure


@pytest.mark.parametrize("package", ["feeds", "notifier"])
def test_whoever_loads_the_tables_has_all_of_the_schema(package: str) -> None:
    folder = ROOT / package / "storage"
    tables = re.compile(r"sa\.Table\(\s*\"\w+\",\s*metadata,")
    defining = {p.stem for p in folder.glob("*.py") if tables.search(p.read_text(encoding="utf-8"))} - {"tables"}
    tree = ast.parse((folder / "tables.py").read_text(encoding="utf-8"))
    named = {
        a.name.rpartition(".")[2] for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names
    }
    assert defining
    assert defining <= named


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph("feeds", "notifier", cache_dir=None)
    TopologicalSorter({m: graph.find_modules_directly_imported_by(m) for m in graph.modules}).prepare()


def test_a_package_s_own_module_only_imports_and_names() -> None:
    """What is done stands in a module with a name, so that a package can be imported for one of its parts."""
    for file in [p for package in ("feeds", "notifier") for p in (ROOT / package).rglob("__init__.py")]:
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            names = [t.id for t in node.targets if isinstance(t, ast.Name)] if isinstance(node, ast.Assign) else []
            docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            assert docstring or isinstance(node, ast.ImportFrom) or names in (["__all__"], ["__version__"]), file


LONG = {
    "feeds/advisories/records.py": "the words of the field, which belong together",
    "notifier/alerts/digest.py": "the values of a digest, and nothing else",
    "notifier/assessment/upgrade_choices.py": "one decision, whose steps share what they know of a component",
    "notifier/storage/importing.py": "one import, whose steps share its chunk",
    "notifier/storage/tables.py": "tables are read beside each other",
}
"""Modules that may be longer than 320 lines, each with the reason."""


def test_modules_are_short_but_for_those_with_a_reason() -> None:
    """About 300 lines: what is longer is split where a reader gains, or has its reason here."""
    files = [p for package in ("feeds", "notifier") for p in (ROOT / package).rglob("*.py")]
    lines = {p.relative_to(ROOT).as_posix(): len(p.read_text(encoding="utf-8").splitlines()) for p in files}
    assert {name for name, number in lines.items() if number > 320} == LONG.keys()


def test_the_page_of_the_architecture_has_every_room_and_no_module_that_is_gone() -> None:
    text = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:feeds|notifier)(?:\.\w+)+)`", text))
    assert {f"{package}.{room}" for package in ("feeds", "notifier") for room in rooms(package)} <= named
    for name in named:
        path = ROOT / name.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").is_file(), name


def strings(source: str) -> Iterator[str]:
    """The strings of a module that are not docstrings."""
    tree = ast.parse(source)
    said = {
        id(node.value)
        for body in (getattr(n, "body", None) for n in ast.walk(tree))
        for node in (body if isinstance(body, list) else ())
        if isinstance(node, ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


@pytest.mark.parametrize("package", ["feeds", "notifier"])
def test_messages_point_to_the_manual_and_never_to_a_file_of_the_checkout(package: str) -> None:
    topics = {page.stem for page in (ROOT / "docs").glob("*/*.md")}
    for file in (ROOT / package).rglob("*.py"):
        for text in strings(file.read_text(encoding="utf-8")):
            assert not re.search(r"\bdocs/|README|SECURITY\.md|CONTRIBUTING|\bdeploy/", text), (file, text)
            assert set(re.findall(r"navtex help ([a-z][a-z-]+)", text)) <= topics, (file, text)


def transactions(source: str) -> list[int]:
    """The lines that open a connection or a transaction."""
    calls = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
    return sorted(n.lineno for n in calls if isinstance(n.func, ast.Attribute) and n.func.attr in ("connect", "begin"))


def test_no_command_opens_a_transaction() -> None:
    assert transactions("with opened() as d, d.connect() as c:\n  pass\nd.engine.begin()\nbegin()") == [1, 3]
    found = {p.stem for p in (ROOT / "notifier" / "cli").glob("*.py") if transactions(p.read_text(encoding="utf-8"))}
    assert found == set()


@pytest.mark.parametrize("package", ["feeds", "notifier"])
def test_no_pattern_repeats_a_group_possessively(package: str) -> None:
    """Python before 3.11.5 matches such a group wrongly (gh-106052), and Debian 12 has 3.11.2."""
    possessive = re.compile(r"(?<!\\)\)(?:[*+?]|\{\d*,?\d*\})\+")
    assert possessive.search(r"(?:\.\d)*+")
    assert not possessive.search(r"(?>(?:\.\d++)*)")
    for file in (ROOT / package).rglob("*.py"):
        for text in strings(file.read_text(encoding="utf-8")):
            assert not possessive.search(text), (file, text)
