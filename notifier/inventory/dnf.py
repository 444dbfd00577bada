"""`dnf list --installed`, `yum list installed`: NAME.ARCH, [EPOCH:]VERSION-RELEASE and the repository."""

from __future__ import annotations

import re
from collections.abc import Iterator

from notifier.inventory.model import BadRow, Found, Note
from notifier.inventory.packages import Package, host
from notifier.inventory.rpm import ARCHITECTURES, package
from notifier.inventory.text import Text, first_lines

NAME = "dnf"
_TITLE = re.compile(r"(?:Installed|Available|Updated|Upgraded|Recently|Extra|Obsoleting) [Pp]ackages", re.IGNORECASE)
_ROW = re.compile(r"(?P<name>[A-Za-z0-9][\w.+-]*)\.(?P<arch>[a-z0-9_]+)\s+(?P<evr>(?:\d+:)?[^-:\s]+-[^-:\s]+)(?:\s|$)")


def recognises(text: Text) -> bool:
    """Whether a title says so, or the first lines are of its form."""
    lines = first_lines(text.head, 40)
    rows = [m for x in lines if (m := _ROW.match(x)) and m["arch"] in ARCHITECTURES]
    return any(_TITLE.match(x) for x in lines) or (bool(rows) and len(rows) * 2 > len(lines))


def read(text: Text, host_name: str = "") -> Iterator[Found]:
    """The one host whose packages are listed, named `host_name`, because no list names it."""
    yield from host(_packages(text), host_name, "a list of packages")


def _packages(text: Text) -> Iterator[Package | BadRow | Note]:
    installed, first = True, ""
    for number, line in enumerate(text.lines(), 1):
        words = line[:2000].split()
        if title := _TITLE.match(line):
            # what is available is not there yet
            installed = title[0].lower().startswith("installed")
            continue
        if first and line[:1].isspace():
            words = [first, *words]
        first = ""
        if len(words) == 1 and words[0].rpartition(".")[2] in ARCHITECTURES:
            # yum breaks a line after a long name
            first = words[0]
        row = _ROW.match(" ".join(words[:2]))
        if installed and row and row["arch"] in ARCHITECTURES:
            found = package(f"{row['name']} {row['evr']}", f"line {number}")
            if found:
                yield found
