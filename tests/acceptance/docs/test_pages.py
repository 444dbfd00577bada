"""What the pages show is right: links, calls, shell, configuration, CSV, addresses, Python."""

from __future__ import annotations

import importlib.util
import logging
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from feeds.sources.all_sources import SOURCES
from notifier import inventory
from notifier.channels import expand
from notifier.config import read
from notifier.domain.components import gathered
from notifier.services.subscriptions import subscription_files
from tests.conftest import ROOT
from tests.support.pages import (
    COMMANDS,
    DOCS,
    PAGES,
    anchors,
    blocks,
    name_of,
    options,
    parse,
    prose,
)
from tests.support.samples import NOW


@pytest.mark.every
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


def test_every_module_that_the_architecture_names_exists() -> None:
    text = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:feeds|notifier)\.[a-z_.]+)`", text))
    assert len(named) > 30
    assert not {n for n in named if importlib.util.find_spec(n) is None}


def test_the_index_leads_to_every_page() -> None:
    linked = re.findall(r"\]\(([^)#]+)", (DOCS / "README.md").read_text(encoding="utf-8"))
    pages = {str(p.relative_to(DOCS)) for p in DOCS.rglob("*.md")} - {"README.md"}
    assert pages == {x for x in linked if "://" not in x}


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


def test_everything_that_is_said_to_be_installed_comes_from_the_checkout_and_exists() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    code = (p for folder in ("feeds", "notifier", "deploy") for p in (ROOT / folder).rglob("*") if p.suffix != ".pyc")
    named = set()
    for file in (*PAGES, *filter(Path.is_file, code)):
        text = file.read_text(encoding="utf-8")
        assert file.name == "CHANGELOG.md" or not re.search(
            r"navtex\[[a-z.]|pip install (?:--upgrade )?navtex", text
        ), file
        named |= {extra for found in re.findall(r"'\.\[([a-z,]+)\]'", text) for extra in found.split(",")}
    assert named == extras.keys()


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


def test_the_example_of_a_source_works_as_it_is_shown() -> None:
    text = (DOCS / "how-to" / "add-a-source.md").read_text(encoding="utf-8")
    module = ModuleType("example_bulletins")
    for block in blocks(text, "python"):
        exec(compile(block.text, "add-a-source.md", "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - our own page
    module.__dict__["test_a_bulletin_is_a_vulnerability_with_its_range"]()
    for body in (b"[]", b"{}", b"<html>gone</html>"):
        module.__dict__["test_a_document_without_bulletins_is_a_failure_not_silence"](body)
