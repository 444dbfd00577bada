"""`dnf list --installed`, `yum list installed`: NAME.ARCH, [EPOCH:]VERSION-RELEASE and the repository.

`@` before the repository says that a package is installed, in any language. dnf 5 leaves it out, and
says it in the title alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from notifier.domain.components import BadRow, Found, Note
from notifier.inventory.formats.rpm import ARCHITECTURES, package
from notifier.inventory.formats.shared.installed_packages import Package, host, interesting
from notifier.inventory.terminal_noise import is_noise
from notifier.inventory.text import Text, first_lines

NAME = "dnf"
SIGN = "a title such as `Installed Packages`, or lines NAME.ARCH VERSION REPOSITORY"
_TITLE = re.compile(
    r"(?:(?P<installed>Installed)|Available|Updated|Upgraded|Recently Added|Extra|Obsoleting)"
    r" (?:packages|upgrades)\s*$",
    re.IGNORECASE,
)
_ROW = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.+-]*)\.(?P<arch>[a-z0-9_]+)\s+(?P<evr>(?:\d+:)?[^-:\s]+-[^-:\s]+)(?:\s+(?P<from>\S+))?\s*$"
)


class _Row(NamedTuple):
    """A package, the repository it is from, and what the title above says: that it is installed, or not, or nothing."""

    package: Package
    source: str
    installed: bool | None


def recognises(text: Text) -> bool:
    """Whether a title says so, or the first lines are of its form."""
    lines = [x for x in first_lines(text.head, 40) if not is_noise(x)]
    rows = [m for x in lines if (m := _ROW.match(x)) and m["arch"] in ARCHITECTURES]
    return any(_TITLE.match(x) for x in lines) or (bool(rows) and len(rows) * 3 >= len(lines))


def read(text: Text, host_name: str = "") -> Iterator[Found]:
    """The one host whose packages are listed, named `host_name`, because no list names it."""
    yield from host(_packages(text), host_name, "a list of packages")


def _packages(text: Text) -> Iterator[Package | BadRow | Note]:
    rows = list(_rows(text))
    marked = any(_is_marked(row) for row in rows)
    for row in rows:
        told = _is_marked(row) if marked else row.installed
        if told is None and not row.source:
            # without a repository it is what rpm says, and not dnf
            told = True
        if told:
            yield row.package
        elif told is None:
            yield BadRow(
                row.package.where,
                f"{row.package.name}: nothing says that it is installed; use `LC_ALL=C dnf list --installed`",
            )


def _is_marked(row: _Row) -> bool:
    return row.source.startswith("@") or row.source == "installed"


def _rows(text: Text) -> Iterator[_Row]:
    """The packages that matter, and one of the others that is marked as installed."""
    installed: bool | None = None
    before, marked = "", False
    for number, (line, following) in enumerate(_with_next(text), 1):
        if title := _TITLE.match(line):
            # what is available is not there yet
            installed = title["installed"] is not None
            continue
        words = line[:2000].split()
        if before and line[:1].isspace():
            words = [before, *words]
        # yum breaks a line after a long name, and before a repository
        before = words[0] if len(words) == 1 and words[0].rpartition(".")[2] in ARCHITECTURES else ""
        if len(words) == 2 and following[:1].isspace() and len(following.split()) == 1:
            words = [*words, following.strip()]
        row = _ROW.match(" ".join(words[:3]))
        found = (
            package(f"{row['name']} {row['evr']}", f"line {number}") if row and row["arch"] in ARCHITECTURES else None
        )
        if row is None or found is None:
            continue
        made = _Row(found, row["from"] or "", installed)
        if interesting(found.name, "rpm") or (_is_marked(made) and not marked):
            marked = marked or _is_marked(made)
            yield made


def _with_next(text: Text) -> Iterator[tuple[str, str]]:
    """Each line, and the one after it."""
    before: str | None = None
    for line in text.lines():
        if before is not None:
            yield before, line
        before = line
    if before is not None:
        yield before, ""
