"""What the documents say is what the program does.

A block marked ```console is run: below `$ command` (and its `> more`) stands what it prints.  `...`
stands for anything, within a line or, alone, for any lines; runs of blanks count as one.
"""

from __future__ import annotations

import json
import logging
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import click
import msgspec
import pytest

import feeds
from feeds.advisories import corrections
from feeds.advisories.records import PRODUCTS, Kind, Rank, Severity
from feeds.mirror.server import Mirror
from feeds.sources import SOURCES
from feeds.sources.base import RequestContext
from feeds.sources.docker_blog import RULES
from feeds.sources.health import SourceHealth
from feeds.verdicts.evidence import Status
from notifier import inventory
from notifier.channels import expand
from notifier.cli import cli
from notifier.config import Config, SourceSettings, example, read
from notifier.domain.components import gathered
from notifier.inventory import FORMATS
from notifier.services import subscription_files
from tests.conftest import DEMO, ROOT, Program
from tests.support.samples import NOW

DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), DEMO / "README.md"])
RUN = [
    ROOT / "README.md",
    DOCS / "how-to" / "import-an-inventory.md",
    DOCS / "how-to" / "monitor.md",
    DOCS / "how-to" / "upgrade.md",
    DOCS / "tutorial" / "first-digest.md",
]
SCHEMAS = REFERENCE / "schemas"


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


# reading Markdown


class Block(NamedTuple):
    kind: str
    text: str


def blocks(text: str, kind: str = "") -> list[Block]:
    found = []
    for match in re.finditer(r"^( *)```([a-z]*)\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL):
        lines = [line.removeprefix(match[1]) for line in match[3].splitlines()]
        found.append(Block(match[2], "\n".join(lines)))
    return [b for b in found if not kind or b.kind == kind]


def prose(text: str) -> str:
    """The text without its blocks."""
    return re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.MULTILINE | re.DOTALL)


def sections(path: Path) -> dict[str, str]:
    """The text under each heading of the second level."""
    parts = re.split(r"^## (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, headers and rules left out."""
    found = []
    for table in re.findall(r"^\|.*?(?=^[^|]|\Z)", prose(text) + "\n", re.MULTILINE | re.DOTALL):
        lines = table.strip().splitlines()[2:]
        found += [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    return found


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}


# links


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = prose(page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        at = (page.parent / file).resolve() if file else page
        assert at.is_relative_to(ROOT), target
        assert at.exists(), target
        if anchor:
            assert anchor in anchors(at.read_text(encoding="utf-8")), target


def test_the_index_leads_to_every_page() -> None:
    linked = re.findall(r"\]\(([^)#]+)", (DOCS / "README.md").read_text(encoding="utf-8"))
    pages = {str(p.relative_to(DOCS)) for p in DOCS.rglob("*.md")} - {"README.md"}
    assert pages == {x for x in linked if "://" not in x}


# commands


def commands(command: click.Command = cli, name: str = "navtex") -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None, child
            yield from commands(found, f"{name} {child}")
    else:
        yield name, command


COMMANDS = dict(commands())


def options(command: click.Command) -> dict[str, click.Option]:
    return {max(p.opts, key=len): p for p in command.params if isinstance(p, click.Option)}


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    described = {h for h in sections(REFERENCE / "commands.md") if h.startswith("navtex ")}
    assert described == COMMANDS.keys()


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


def test_the_help_in_the_readme_is_that_of_the_program(program_with: Callable[..., Program]) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = [b.text for b in blocks(text, "console") if b.text.startswith("$ navtex --help\n")]
    assert shown == f"$ navtex --help\n{program_with()('--help').stdout.rstrip()}"


def test_the_changelog_speaks_of_this_version_and_of_every_command() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert feeds.__version__ in text
    groups = {name.split()[1] for name in COMMANDS}
    assert not {g for g in groups if f"`{g}`" not in text}


# configuration


def settings(struct: type[msgspec.Struct], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(struct):
        name = f"{prefix}{field.name}"
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            found |= settings(field.type, f"{name}.")
        elif name == "sources":
            found |= settings(SourceSettings, "sources.NAME.")
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


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p.read_text(encoding="utf-8"), "toml")], ids=name_of)
def test_every_configuration_that_is_shown_is_one(page: Path, tmp_path: Path) -> None:
    sources = {s.name: s for s in SOURCES}
    for number, block in enumerate(blocks(page.read_text(encoding="utf-8"), "toml")):
        assert tomllib.loads(block.text)
        file = tmp_path / f"{number}.toml"
        file.write_text(block.text, encoding="utf-8")
        if "subscriptions" in tomllib.loads(block.text):
            assert subscription_files.read(block.text, page.name, NOW)
            continue
        for name, source in read(file).sources.items():
            assert source.urls.keys() <= sources[name].urls.keys()


# sources, formats, channels


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


def test_every_csv_that_is_shown_is_recognised_and_taken_whole() -> None:
    shown = [b.text for p in PAGES for b in blocks(p.read_text(encoding="utf-8"), "csv")]
    assert shown
    for text in shown:
        found = gathered(inventory.read(text))
        assert found.hosts
        assert not found.bad


def test_every_channel_address_that_is_shown_is_understood() -> None:
    found = []
    for page in PAGES:
        for block in blocks(page.read_text(encoding="utf-8"), "sh"):
            words = shlex.split(block.text, comments=True)
            found += [words[i + 1] for i, word in enumerate(words) if word == "--to"]
    assert len(found) > 5
    for address in found:
        assert expand(address)


def test_every_command_in_running_text_exists_with_its_options() -> None:
    seen = set()
    for page in PAGES:
        for line in re.findall(r"`(navtex [a-z][^`]*)`", prose(page.read_text(encoding="utf-8"))):
            words = [w for w in line.split() if not re.fullmatch(r"[A-Z.\[\]|-]+", w)]
            known = next((n for n in COMMANDS if f"{' '.join(words)} ".startswith(f"{n} ")), None)
            if known is None:
                # a group is named, or the options that stand before a command
                assert words[1].startswith("--log-") or any(n.startswith(f"{' '.join(words)} ") for n in COMMANDS), (
                    f"{name_of(page)}: {line}"
                )
                continue
            seen.add(known)
            for option in re.findall(r"(?<= )--[a-z-]+", line):
                assert option in (*options(COMMANDS[known]), "--help"), f"{name_of(page)}: {line}"
    assert len(seen) > 15


ALIASES = ("navtex", "navtex-as", "navtex-in")
BEFORE = (
    r"sudo (?:-H -u \w+ |(?=navtex-as ))",
    r"docker compose run --rm (?=navtex )",
    r"\w+=\S+ ",
    r"(?:/opt/navtex|~/.venvs/navtex)/bin/(?=navtex )",
)


def shown_calls(text: str) -> Iterator[str]:
    """The calls of the program in a shell script, each from its name to its end."""
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        lexer = shlex.shlex(line.removeprefix("$ "), posix=False, punctuation_chars=True)
        lexer.whitespace_split = True
        call = ""
        for word in [*lexer, ";"]:
            if set(word) <= set("|;&()<>"):
                yield re.sub(f"^(?:{'|'.join(BEFORE)})+", "", call)
                call = ""
            else:
                call += f"{word} "


def parse(arguments: list[str], command: click.Command = cli, parent: click.Context | None = None) -> None:
    """Let the program take arguments apart, and not do what they say; click.UsageError where it does not take them."""
    context = command.make_context(str(command.name), list(arguments), parent)
    if isinstance(command, click.Group):
        left = [*context._protected_args, *context.args]
        _, found, rest = command.resolve_command(context, left)
        assert found is not None
        parse(rest, found, context)


@pytest.fixture
def as_it_was() -> Iterator[None]:
    """Restores the handlers of the root logger, which `--log-level` replaces."""
    root = logging.getLogger()
    kept, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = kept, level


@pytest.mark.usefixtures("as_it_was")
def test_every_call_in_a_block_is_one_that_the_program_takes() -> None:
    seen = 0
    for page in PAGES:
        for block in blocks(page.read_text(encoding="utf-8")):
            if block.kind not in ("sh", "console"):
                continue
            # in a console what is typed stands behind a prompt, and the rest is printed
            lines = [x for x in block.text.splitlines() if block.kind == "sh" or x.startswith("$ ")]
            for call in shown_calls("\n".join(lines)):
                words = shlex.split(call)
                if words and words[0] in ALIASES and words[1:]:
                    seen += 1
                    try:
                        parse(words[1:])
                    except click.exceptions.Exit:
                        pass  # --help
                    except click.UsageError as error:
                        pytest.fail(f"{name_of(page)}: {call}: {error.format_message()}")
    assert seen > 50


@pytest.mark.parametrize(
    "wrong", ["rnu", "run --frobnicate", "subscription add ops", "exposure --severity awful", "poll --log-level loud"]
)
@pytest.mark.usefixtures("as_it_was")
def test_a_call_that_the_program_does_not_take_is_found(wrong: str) -> None:
    (call, *_) = [c for c in shown_calls(f"sudo -u navtex A=b /opt/navtex/bin/navtex {wrong} > x  # why") if c]
    with pytest.raises(click.UsageError):
        parse(shlex.split(call)[1:])


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p.read_text(encoding="utf-8"), "sh")], ids=name_of)
def test_every_shell_block_is_valid_shell(page: Path) -> None:
    for block in blocks(page.read_text(encoding="utf-8"), "sh"):
        done = subprocess.run(["sh", "-n"], input=block.text, capture_output=True, text=True, check=False)
        assert done.stderr == "", block.text


def test_every_file_of_the_checkout_that_a_shell_block_names_is_there() -> None:
    found = set()
    for page in PAGES:
        for block in blocks(page.read_text(encoding="utf-8"), "sh"):
            found |= set(re.findall(r"(?<![\w/])(?:deploy|locks|scripts|benchmarks)/[\w./-]+", block.text))
    assert len(found) > 5
    assert [path for path in found if not (ROOT / path).exists()] == []


# Python that is shown


def test_the_example_of_a_source_works_as_it_is_shown() -> None:
    text = (DOCS / "how-to" / "add-a-source.md").read_text(encoding="utf-8")
    module = ModuleType("example_bulletins")
    for block in blocks(text, "python"):
        exec(compile(block.text, "add-a-source.md", "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - our own page
    module.__dict__["test_a_bulletin_is_a_vulnerability_with_its_range"]()
    for body in (b"[]", b"{}", b"<html>gone</html>"):
        module.__dict__["test_a_document_without_bulletins_is_a_failure_not_silence"](body)


# JSON

_TYPES: Mapping[str, Callable[[object], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "null": lambda v: v is None,
}
_UNDERSTOOD = {"$schema", "title", "description", "type", "enum", "pattern", "minimum", "maximum", "items"} | {
    "required",
    "properties",
    "additionalProperties",
}


def problems(value: Any, schema: Mapping[str, Any], at: str = "$") -> Iterator[str]:
    """Where a value departs from a schema; a field that the schema does not name is a departure, too."""
    assert schema.keys() <= _UNDERSTOOD, f"{at}: the test does not understand {schema.keys() - _UNDERSTOOD}"
    kinds = schema.get("type", list(_TYPES))
    if not any(_TYPES[k](value) for k in ([kinds] if isinstance(kinds, str) else kinds)):
        yield f"{at}: {value!r} is no {kinds}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{at}: {value!r} does not match {schema['pattern']}"
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{at}: {value} is out of bounds"
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from problems(item, schema.get("items", {}), f"{at}[{number}]")
    if isinstance(value, dict):
        yield from (f"{at}.{name} is missing" for name in schema.get("required", ()) if name not in value)
        for name, item in value.items():
            known = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if known is None:
                yield f"{at}.{name} is not described"
            else:
                yield from problems(item, known, f"{at}.{name}")


def schema_of(command: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / f"{command.replace(' ', '-')}.json").read_text(encoding="utf-8"))
    return found


ASKED = {
    "exposure": ["exposure --verdict all"],
    "exposure by-advisory": ["exposure --group-by advisory --verdict all"],
    "exposure by-version": ["exposure --group-by version --verdict all"],
    "exposure by-host": ["exposure --group-by host --verdict all"],
    "check": ["check engine 25.0.5 --verdict all", "check desktop 4.33.0"],
    "explain": ["explain web-2 CVE-2026-41567", "explain engine@25.0.5 CVE-2024-41110"],
    "plan": ["plan"],
    "advisory list": ["advisory list"],
    "advisory show": [f"advisory show {name}" for name in ("CVE-2026-41567", "docker-security-advisory-authz")],
    "inventory list": ["inventory list"],
    "inventory show": ["inventory show web-2"],
    "source list": ["source list"],
    "subscription list": ["subscription list"],
    "notification list": ["notification list"],
    "subscription show": ["subscription show all"],
    "notification explain": ["notification explain demo CVE-2024-41110"],
    "silence list": ["silence list --all"],
    "doctor": ["doctor"],
}


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
    assert answering == {p.stem.replace("-", " ", 1) for p in SCHEMAS.glob("*.json")}
    assert answering == ASKED.keys()
    assert {f"navtex {name}" for name in answering} <= sections(REFERENCE / "json.md").keys()


def test_what_the_commands_print_is_what_their_schemas_say(program_with: Callable[..., Program]) -> None:
    home = program_with().home
    program = program_with(NAVTEX_DATABASE_URL=f"sqlite:///{home / 'navtex-demo' / 'navtex.db'}")
    program("demo")
    filters = "--severity high --kind vulnerability --product engine --tag env=prod --host web-* --keyword plugin"
    filters += " --epss 0.0 --schedule daily"
    program("subscription", "add", "all", "--to", f"file://{home}/x", "--everything", *filters.split())
    for name in ("CVE-2024-41110", "CVE-2026-41567"):
        program("silence", "add", name, "--reason", "a reason", "--until", "2999-12-31", "--host", "edge-*")
    program("advisory", "acknowledge", "CVE-2026-41567", "--owner", "Ann", "--due", "2999-12-31", "--tag", "env=prod")
    for command, asked in ASKED.items():
        for arguments in asked:
            printed = program.json(*arguments.split())
            assert list(problems(printed, schema_of(command))) == [], arguments
            assert any(printed[name] for name in printed if isinstance(printed[name], list)), arguments


def test_the_demo_touches_nothing_outside_of_its_folder(program_with: Callable[..., Program]) -> None:
    program = program_with()
    program("demo")
    assert [p.name for p in program.home.iterdir()] == ["navtex-demo"]


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


# the blocks that run


class Step(NamedTuple):
    command: str
    shown: list[str]


def steps(text: str) -> list[Step]:
    found: list[Step] = []
    for block in blocks(text, "console"):
        for line in block.text.splitlines():
            if line.startswith("$ "):
                found.append(Step(line[2:], []))
            elif line.startswith("> ") and not found[-1].shown:
                found[-1] = Step(f"{found[-1].command}\n{line[2:]}", [])
            else:
                found[-1].shown.append(line)
    return found


def squeezed(line: str) -> str:
    return re.sub(r"─+", "─", " ".join(line.split()))


def pattern(shown: list[str]) -> str:
    """What is shown as a regular expression over squeezed lines, each with its end."""
    lines = []
    for line in shown:
        if line.strip() == "...":
            lines.append(r"(?:[^\n]*\n)*?")
        else:
            lines.append(r"[^\n]*?".join(re.escape(part) for part in squeezed(line).split("...")) + r"\n")
    return "".join(lines)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a b", "a   b", True),
        ("a", "a\nb", False),
        ("a\n...", "a\nb\nc", True),
        ("...\nc", "a\nb", False),
        ("a ... c", "a b\nc", False),
        ("a ... c", "a 1 2 c", True),
        ("", "a", False),
        ("...", "", True),
    ],
)
def test_what_is_shown_is_compared_line_by_line(shown: str, printed: str, same: bool) -> None:
    assert matches(shown.splitlines(), printed) is same


def matches(shown: list[str], printed: str) -> bool:
    lines = "".join(f"{squeezed(line)}\n" for line in printed.splitlines())
    return re.fullmatch(pattern(shown), lines) is not None


@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_what_is_shown_below_a_command_is_what_it_prints(page: Path, program_with: Callable[..., Program]) -> None:
    with Mirror(DEMO / "day-1", DEMO / "day-2") as mirror:
        program = program_with(NAVTEX_MIRROR=mirror.url)
        shell = f'navtex() {{ {shlex.quote(sys.executable)} -m notifier.cli "$@"; }}\n'
        todo = steps(page.read_text(encoding="utf-8"))
        assert len(todo) > 2
        for step in todo:
            done = subprocess.run(
                ["sh", "-c", shell + step.command],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                cwd=program.home,
                env=program.environment,
                timeout=180,
            )
            assert done.returncode == 0, f"$ {step.command}\n{done.stdout}"
            assert matches(step.shown, done.stdout), f"$ {step.command}\nprints\n{done.stdout}\nand not\n" + "\n".join(
                step.shown
            )


def test_only_those_pages_have_blocks_that_run() -> None:
    assert [p for p in PAGES if blocks(p.read_text(encoding="utf-8"), "console")] == sorted(RUN)
