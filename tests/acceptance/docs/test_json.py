"""The JSON of every command is what its published schema says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click
import pytest

from feeds.advisories.records import Kind, Rank, Severity
from tests.conftest import DEMO, Program
from tests.support.images import inspected
from tests.support.pages import (
    COMMANDS,
    REFERENCE,
    SCHEMAS,
    blocks,
    options,
    sections,
)
from tests.support.schemas import problems


def schema_of(command: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / f"{command.replace(' ', '-')}.json").read_text(encoding="utf-8"))
    return found


ASKED = {
    "exposure": ["exposure --verdict all"],
    "exposure by-advisory": ["exposure --group-by advisory --verdict all"],
    "exposure by-version": ["exposure --group-by version --verdict all"],
    "exposure by-host": ["exposure --group-by host --verdict all"],
    "check": ["check engine 25.0.5 --verdict all", "check desktop 4.33.0"],
    "explain": [
        "explain web-2 CVE-2026-41567",
        "explain engine@25.0.5 CVE-2024-41110",
        "explain web-2 cis-docker-benchmark-1.6.0",
    ],
    "plan": ["plan"],
    "trend": ["trend"],
    "advisory list": ["advisory list"],
    "advisory show": [f"advisory show {name}" for name in ("CVE-2026-41567", "docker-security-advisory-authz")],
    "benchmark audits": ["benchmark audits --all"],
    "benchmark list": ["benchmark list"],
    "benchmark show": ["benchmark show cis-docker-1.13-benchmark-1.0.0"],
    "inventory import": [f"inventory import {DEMO / 'inventory.csv'} --explain"],
    "inventory collect": ["inventory collect --local"],
    "image base list": ["image base list"],
    "image list": ["image list"],
    "image plan": ["image plan"],
    "image show": ["image show shop.example.org/api:2"],
    "inventory list": ["inventory list"],
    "inventory show": ["inventory show web-2"],
    "source list": ["source list"],
    "subscription list": ["subscription list"],
    "notification list": ["notification list"],
    "notification show": ["notification show 1"],
    "subscription show": ["subscription show all"],
    "notification explain": ["notification explain demo CVE-2024-41110"],
    "silence list": ["silence list --all"],
    "token list": ["token list"],
    "user list": ["user list"],
    "inventory unanswered": [],  # needs a worker, too
    "job list": [],  # needs PostgreSQL: tests/integration/notifier/worker
    "config show": ["config show"],
    "doctor": ["doctor"],
}
STATUS = {"inventory collect": 1}
"""Commands that do not end with 0."""


def test_every_command_that_can_answer_in_json_has_its_schema() -> None:
    answering = {
        name.removeprefix("navtex ")
        for name, command in COMMANDS.items()
        if (form := options(command).get("--format"))
        and isinstance(form.type, click.Choice)
        and "json" in form.type.choices
    }
    groups = options(COMMANDS["navtex exposure"])["--group-by"].type
    assert isinstance(groups, click.Choice)
    answering |= {f"exposure by-{group}" for group in groups.choices}
    answers = {p.stem.replace("-", " ", 1) for p in SCHEMAS.glob("*.json")}
    assert answering == {a.replace("image base-list", "image base list") for a in answers}
    assert answering == ASKED.keys()
    assert {f"navtex {name}" for name in answering} <= sections(REFERENCE / "json.md").keys()


@pytest.mark.long
def test_what_the_commands_print_is_what_their_schemas_say(program_with: Callable[..., Program]) -> None:
    home = program_with().home
    database = f"sqlite:///{home / 'navtex-demo' / 'navtex.db'}"
    program = program_with(NAVTEX_DATABASE_URL=database, DOCKER_HOST=f"unix://{home}/none.sock")
    program("demo")
    filters = "--severity high --kind vulnerability --product engine --tag env=prod --host web-* --keyword plugin"
    filters += " --epss 0.0 --schedule daily"
    program("subscription", "add", "all", "--to", f"file://{home}/x", "--everything", *filters.split())
    for name in ("CVE-2024-41110", "CVE-2026-41567"):
        program("silence", "add", name, "--reason", "a reason", "--until", "2999-12-31", "--host", "edge-*")
    program("advisory", "assign", "CVE-2026-41567", "--owner", "Ann", "--due", "2999-12-31", "--tag", "env=prod")
    program("user", "add", "ada", "--no-password", "--tag", "env=prod")
    program("token", "add", "agents", "--scope", "inventory:push", "--hosts", "web-*")
    images = {"debian:12": ("os", "c"), "shop.example.org/api:2": ("os api", "cc")}
    (home / "images.json").write_text(inspected({"api": "shop.example.org/api:2"}, images))
    program("inventory", "import", "--host", "web-1", f"{home}/images.json")
    for command, asked in ASKED.items():
        for arguments in asked:
            printed = program.json(*arguments.split(), status=STATUS.get(command, 0))
            assert list(problems(printed, schema_of(command))) == [], arguments
            assert any(printed[name] for name in printed if isinstance(printed[name], list | dict)), arguments


@pytest.mark.parametrize("command", ASKED)
def test_the_json_that_is_shown_is_what_its_schema_says(command: str) -> None:
    for block in blocks(sections(REFERENCE / "json.md")[f"navtex {command}"], "json"):
        assert list(problems(json.loads(block.text), schema_of(command))) == []


def values(schema: Mapping[str, Any], name: str) -> Iterator[list[Any]]:
    """The enumerations of every field of a name."""
    for key, child in schema.get("properties", {}).items():
        if key == name and "enum" in child:
            yield child["enum"]
        yield from values(child, name)
    if "items" in schema:
        yield from values(schema["items"], name)


@pytest.mark.parametrize(
    ("field", "known"),
    [
        ("severity", [*(s.value for s in Severity), None]),
        ("kind", [k.value for k in Kind]),
        ("rank", [r.name.lower() for r in sorted(Rank, reverse=True)]),
    ],
)
def test_the_words_of_the_schemas_are_those_of_the_program(field: str, known: list[str | None]) -> None:
    found = [v for p in SCHEMAS.glob("*.json") for v in values(json.loads(p.read_text(encoding="utf-8")), field)]
    assert found
    assert all(v == known for v in found)
