"""The reference describes every command, option, setting, source and format, and no other."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import click
import msgspec
import pytest

import feeds
from feeds.advisories import corrections
from feeds.advisories.records import PRODUCTS, Kind, Rank, Severity
from feeds.sources.all_sources import SOURCES
from feeds.sources.base import RequestContext
from feeds.sources.docker_blog import RULES
from feeds.sources.health import SourceHealth
from feeds.verdicts.weighing import Status
from notifier.config import Config, MappingPaths, SourceSettings, example
from notifier.inventory import FORMATS
from tests.conftest import ROOT
from tests.support.pages import (
    COMMANDS,
    DOCS,
    REFERENCE,
    blocks,
    code,
    options,
    rows,
    sections,
)


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    described = {h for h in sections(REFERENCE / "commands.md") if h.startswith("navtex ")}
    assert described == COMMANDS.keys()


@pytest.mark.every
@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_described_and_no_other(name: str) -> None:
    section = sections(REFERENCE / "commands.md")[name]
    described = {code(cells[0])[0].split()[0] for cells in rows(section) if code(cells[0])}
    assert described == options(COMMANDS[name]).keys()
    usage = re.search(r"^    (navtex .+)$", section, re.MULTILINE)
    assert usage is not None
    assert usage[1].startswith(name)
    arguments = [p for p in COMMANDS[name].params if isinstance(p, click.Argument)]
    shown = usage[1].split(" --")[0].removeprefix(name).split()
    assert len(shown) == len(arguments)
    assert all(re.fullmatch(r"\[?[A-Z@|]+\]?(?:\.\.\.)?", word) for word in shown)


def test_the_options_of_a_reading_command_that_are_said_once_are_everywhere_the_same() -> None:
    words = sections(REFERENCE / "commands.md")["Words"]
    for option in ("--host", "--tag", "--product", "--format"):
        assert f"- `{option} " in words


def test_the_words_of_options_are_those_of_the_program() -> None:
    said = {cells[0]: code(cells[1]) for cells in rows(sections(REFERENCE / "commands.md")["Words"])}
    assert said["product"] == list(PRODUCTS)
    assert said["kind"] == [k.value for k in Kind]
    assert said["severity"][:-1] == [s.value for s in Severity]
    assert said["verdict"] == [s.value for s in Status]
    assert said["source's state"] == [*(s.value for s in SourceHealth), "disabled"]


def test_every_verdict_and_every_rank_is_explained_the_strongest_first() -> None:
    page = (DOCS / "explanation" / "how-verdicts-are-made.md").read_text(encoding="utf-8")
    assert [code(cells[0])[0] for cells in rows(page.split("\n## ")[0])] == [s.value for s in Status]
    ranks = rows(sections(DOCS / "explanation" / "how-verdicts-are-made.md")["Ranks"])
    assert [code(cells[0])[0] for cells in ranks] == [r.name.lower() for r in sorted(Rank, reverse=True)]


def test_the_changelog_speaks_of_this_version_and_of_every_command() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert feeds.__version__ in text
    groups = {name.split()[1] for name in COMMANDS}
    assert not {g for g in groups if f"`{g}`" not in text}


def settings(struct: type[msgspec.Struct], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(struct):
        name = f"{prefix}{field.name}"
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            found |= settings(field.type, f"{name}.")
        elif name == "sources":
            found |= settings(SourceSettings, "sources.NAME.")
        elif name == "inventory.mapping":
            found |= settings(MappingPaths, "inventory.mapping.NAME.")
        else:
            factory = field.default_factory
            found[name] = field.default if factory is msgspec.NODEFAULT else factory()
    return found


def test_every_setting_is_described_with_its_default_and_no_other() -> None:
    said = {code(cells[0])[0]: cells[1] for cells in rows(sections(REFERENCE / "configuration.md")["The file"])}
    known = settings(Config)
    assert said.keys() == known.keys()
    for name, default in known.items():
        if name != "database":
            assert said[name] == f"`{json.dumps(default)}`", name


def test_every_setting_stands_in_the_file_that_config_init_writes() -> None:
    text = example()
    assert not {n for n in settings(Config) if not re.search(rf"\b{n.rpartition('.')[2]}\b", text)}


def test_every_variable_that_the_program_reads_is_described() -> None:
    read_in_code = set()
    for path in [*(ROOT / "feeds").rglob("*.py"), *(ROOT / "notifier").rglob("*.py")]:
        code_of = path.read_text(encoding="utf-8")
        read_in_code |= set(re.findall(r'environ(?:ment)?(?:\.get\(|\[)\s*"(\w+)"', code_of))
        for name in re.findall(r'from_environment\([\w.]+, "(\w+)"\)', code_of):
            read_in_code |= {name, f"{name}_FILE"}
    assert {"NAVTEX_CONFIG", "NAVTEX_DATABASE_URL", "NAVTEX_MIRROR", "GITHUB_TOKEN"} <= read_in_code
    described = {
        name for cells in rows(sections(REFERENCE / "configuration.md")["The environment"]) for name in code(cells[0])
    }
    assert not read_in_code - described
    assert {n for n in described if n.startswith("NAVTEX_")} <= read_in_code


def test_every_address_of_every_source_is_described_with_its_robots_policy() -> None:
    text = (REFERENCE / "sources.md").read_text(encoding="utf-8").split("\n## ")[0]
    said = {(*(code(c)[0] for c in cells[:3]), cells[3]) for cells in rows(text)}
    known = set()
    for source in SOURCES:
        governed = {a.form: a.robots for a in source.requests(RequestContext(cves=frozenset({"CVE-2024-41110"})))}
        for form, url in source.urls.items():
            known.add((source.name, form, url, "obeyed" if governed.get(form) else "exempt"))
    assert said == known


def test_every_source_is_described() -> None:
    described = {name for part in sections(REFERENCE / "sources.md").values() for name in code(part)}
    described |= sections(REFERENCE / "sources.md").keys()
    assert not {s.name for s in SOURCES} - described


def test_the_rules_of_the_blog_are_described_in_their_order() -> None:
    said = [(cells[0], cells[2]) for cells in rows(sections(REFERENCE / "sources.md")["docker-blog"])]
    assert said == [(rule.kind.value, rule.reason) for rule in RULES]


def test_every_field_of_a_correction_is_described_and_the_example_is_one() -> None:
    page = REFERENCE / "corrections.md"
    said = {code(cells[0])[0] for cells in rows(sections(page)["The form"])}
    assert said == {f.name for f in msgspec.structs.fields(corrections.Correction)}
    (example_of_one,) = blocks(page.read_text(encoding="utf-8"), "corrections")
    (read_of_it,) = corrections.read(example_of_one.text, "corrections.md", date(2026, 5, 1))
    assert read_of_it.fixed == ("25.0.16",)


def test_every_inventory_format_is_described_and_offered() -> None:
    page = (REFERENCE / "inventory-formats.md").read_text(encoding="utf-8")
    names = [f.NAME for f in FORMATS]
    assert sorted(code(cells[0])[0] for cells in rows(page.split("\n## ")[0])) == sorted(names)
    assert set(names) <= sections(REFERENCE / "inventory-formats.md").keys()
    (row,) = [r for r in rows(sections(REFERENCE / "commands.md")["navtex inventory import"]) if "--from" in r[0]]
    assert sorted(code(row[1])) == sorted(names)
    help_of_from = options(COMMANDS["navtex inventory import"])["--from"].help or ""
    assert not [n for n in names if n not in help_of_from]


def test_every_format_of_an_exposure_is_described() -> None:
    forms = options(COMMANDS["navtex exposure"])["--format"].type
    assert isinstance(forms, click.Choice)
    page = REFERENCE / "exports.md"
    assert {code(cells[0])[0] for cells in rows(page.read_text(encoding="utf-8").split("\n## ")[0])} == set(
        forms.choices
    )
    assert set(forms.choices) - {"table", "json"} <= sections(page).keys()
    (row,) = [r for r in rows(sections(REFERENCE / "commands.md")["navtex exposure"]) if "--format" in r[0]]
    assert set(forms.choices) <= set(code(row[1]))
