"""`apk info -v` and `apk list --installed`: NAME-VERSION-rN."""

from __future__ import annotations

import re
from collections.abc import Iterator

from notifier.domain.components import BadRow, Found, Note
from notifier.inventory.formats.shared.installed_packages import Package, host
from notifier.inventory.text import Text, first_lines

NAME = "apk"
SIGN = "most of its first lines are packages as `apk info -v` or `apk list` prints them"
_NAME_VERSION = r"(?P<name>[A-Za-z0-9][\w.+-]*?)-(?P<version>\d[\w.]*-r\d+)"
_PLAIN = re.compile(rf"{_NAME_VERSION}(?: - .*)?")
_LISTED = re.compile(rf"{_NAME_VERSION} \S+ \{{[^}}]*\}} \(.*?\)(?P<state>.*)")
_FROM = re.compile(r"\[upgradable from: (?P<package>\S+)\]")


def recognises(text: Text) -> bool:
    """Whether most of the first lines are packages as apk names them."""
    lines = first_lines(text.head, 40)
    rows = [x for x in lines if len(x) < 2000 and (_PLAIN.fullmatch(x.strip()) or _LISTED.fullmatch(x.strip()))]
    return bool(rows) and len(rows) * 5 > len(lines) * 4


def read(text: Text, host_name: str = "") -> Iterator[Found]:
    """The one host whose packages are listed, named `host_name`, because no list names it."""
    yield from host(_packages(text), host_name, "a list of packages")


def _packages(text: Text) -> Iterator[Package | BadRow | Note]:
    for number, line in enumerate(text.lines(), 1):
        line = line[:2000].strip()  # noqa: PLW2901 - the line as it is read
        listed = _LISTED.fullmatch(line)
        older = _FROM.search(listed["state"]) if listed else None
        if listed and not older and "[installed]" not in listed["state"]:
            continue
        found = _PLAIN.fullmatch(older["package"]) if older else listed or _PLAIN.fullmatch(line)
        if found:
            yield Package(f"line {number}", found["name"], found["version"], "apk")
