"""What a release is made of: its locks, its licences, and that anybody can make the same bytes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.licenses import canonicalize_license_expression
from packaging.markers import Marker
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

LOCKS = [ROOT / "requirements.lock", *sorted((ROOT / "locks").glob("*.lock"))]

# Licences under which a dependency may be used and shipped with what is under Apache-2.0. The LGPL's are of libraries
# that stay files of their own, which anybody can replace.
ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "PSF-2.0",
    "Python-2.0",
    "Unlicense",
    "ZPL-2.1",
}
# What those say that do not say it as an SPDX expression: their classifier or the words of their old field.
WORDS = {
    "Apache License 2.0": "Apache-2.0",
    "Apache-2.0 AND BSD-3-Clause AND MIT": "Apache-2.0 AND BSD-3-Clause AND MIT",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "BSD-2-Clause": "BSD-2-Clause",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "ISC License (ISCL)": "ISC",
    "LGPLv3+": "LGPL-3.0-or-later",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "Zope Public License": "ZPL-2.1",
}


def pins(lock: Path) -> dict[str, tuple[str, str, frozenset[str]]]:
    """What a lock pins: by name its version, the marker that says where, and its hashes."""
    found: dict[str, tuple[str, str, frozenset[str]]] = {}
    text = lock.read_text(encoding="utf-8")
    for name, version, marker, rest in re.findall(
        r"^([\w.-]+)(?:\[[^]]*\])?==(\S+)(?: ; ([^\\\n]+?))? \\\n((?:    --hash=\S+(?: \\)?\n)+)", text, re.MULTILINE
    ):
        found[canonicalize_name(name)] = version, marker, frozenset(re.findall(r"sha256:[0-9a-f]{64}", rest))
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda p: p.name)
def test_a_lock_has_hashes_for_everything_and_names_no_index(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert not re.findall(r"^\s*(?:-i|--index-url|--extra-index-url|--find-links|--trusted-host)\b", text, re.MULTILINE)
    assert not re.findall(r"https?://\S+", text)
    names = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==", text, re.MULTILINE)
    assert len(names) > 4
    assert pins(lock).keys() == {canonicalize_name(n) for n in names}


@pytest.mark.parametrize("name", ["runtime", "build"])
def test_what_runs_and_what_builds_is_pinned_as_it_was_tested(name: str) -> None:
    tested = pins(ROOT / "requirements.lock")
    shipped = pins(ROOT / "locks" / f"{name}.lock")
    assert {n: p for n, p in shipped.items() if tested.get(n, ("", "", frozenset()))[::2] != p[::2]} == {}


def test_the_lock_of_what_runs_has_every_dependency_and_no_tool_of_ours() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["postgresql"]]
    names = {canonicalize_name(re.split(r"[\[<>=]", one)[0]) for one in wanted}
    shipped = pins(ROOT / "locks" / "runtime.lock").keys()
    assert names <= shipped
    assert not shipped & {"pytest", "mypy", "ruff", "hypothesis", "uv", "hatchling"}


def licence(name: str) -> str:
    """What a distribution that is installed says of its licence, as SPDX writes it; "" where it says nothing known."""
    said: Any = metadata.metadata(name)  # a message, which it is not typed as
    if expression := said.get("License-Expression"):
        return str(canonicalize_license_expression(expression))
    classified = [c.rpartition(" :: ")[2] for c in said.get_all("Classifier", ()) if c.startswith("License :: OSI")]
    first = (said.get("License") or "").strip().partition("\n")[0]
    for words in (*classified, first):
        known = WORDS.get(words, words if words in ALLOWED else "")
        if known:
            return known
    return ""


def test_every_dependency_that_runs_has_a_licence_that_is_allowed() -> None:
    installed = 0
    elsewhere: list[str] = []
    bad: dict[str, str] = {}
    for name, (_, marker, _) in pins(ROOT / "locks" / "runtime.lock").items():
        if marker and not Marker(marker).evaluate():
            elsewhere.append(name)  # of another platform or version of Python
            continue
        found = licence(name)
        installed += 1
        # of an "OR" one is enough, of an "AND" all are needed
        if not any(
            {w for w in re.split(r" AND |[()]", way) if w.strip()} <= ALLOWED for way in found.split(" OR ") if way
        ):
            bad[name] = found or "unknown"
    assert bad == {}
    assert installed > 50
    assert len(elsewhere) < 8


@pytest.mark.parametrize("words", ["GPL-3.0-only", "AGPL-3.0-or-later", "SSPL-1.0", "", "MIT AND GPL-2.0-only"])
def test_other_licences_are_not_allowed(words: str) -> None:
    assert not set(words.split(" AND ")) <= ALLOWED


SOURCE = ["feeds", "notifier", "alembic", "templates", "demo", "docs", "pyproject.toml", "README.md", "LICENSE"]


def checkout(folder: Path, *, at: int) -> Path:
    """A copy of the sources, every file of which is of a moment of its own, and readable as it happens to be."""
    for name in SOURCE:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), copy_function=shutil.copyfile)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    for number, path in enumerate(sorted(folder.rglob("*"))):
        os.utime(path, (at + number, at + number))
    return folder


@pytest.mark.long
def test_a_wheel_and_an_sdist_are_the_same_bytes_wherever_and_whenever_they_are_made(tmp_path: Path) -> None:
    made: list[dict[str, bytes]] = []
    for place, at, umask in (("one", 1_600_000_000, 0o022), ("another/place", 1_700_000_000, 0o077)):
        before = os.umask(umask)
        try:
            source = checkout(tmp_path / place, at=at)
            done = subprocess.run(
                [sys.executable, "-m", "hatchling", "build", "-d", tmp_path / place / "dist"],
                cwd=source,
                env={
                    "PATH": os.environ["PATH"],
                    "SOURCE_DATE_EPOCH": "1750000000",
                    "TZ": "Asia/Tokyo" if made else "UTC",
                },
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            os.umask(before)
        assert done.returncode == 0, done.stderr
        made.append({p.name: p.read_bytes() for p in sorted((tmp_path / place / "dist").iterdir())})
    assert len(made[0]) == 2
    assert made[0] == made[1]
