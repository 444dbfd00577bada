"""`pacman -Q` and `pacman -Qs`: NAME [EPOCH:]VERSION-REL, of Arch Linux and what is made from it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from notifier.domain.components import BadRow, Found, Note
from notifier.inventory.formats.shared.installed_packages import Package, host
from notifier.inventory.terminal_noise import is_noise
from notifier.inventory.text import Text, first_lines

NAME = "pacman"
SIGN = "all of its first lines are NAME VERSION-RELEASE, as `pacman -Q` prints them"
# pacman forbids a hyphen in a version, and Debian's own marks are no part of Arch's
_ROW = re.compile(
    r"(?:local/)?(?P<name>[a-z0-9@_+][a-z0-9@._+-]{0,199}) (?P<version>(?:\d+:)?[A-Za-z0-9._+]+-\d+(?:\.\d+)?)"
    r"(?: \(.*\))?"
)
_OF_DEBIAN = re.compile(
    r"^(?:docker\.io|docker-ce|docker-ce-cli|containerd\.io|docker-(?:compose|buildx)-plugin|libc6|dpkg|apt|adduser"
    r"|base-files|base-passwd|moby-\w+) "
    r"|ubuntu|[+~]deb\d|dfsg|[+~]ds\d?|~|build\d|\+b\d|\.(?:el|fc|amzn|cm|azl|ph|mga)\d|-r\d+$"
)


def recognises(text: Text) -> bool:
    """Whether all of the first lines have pacman's form, and none has a mark of Debian or of rpm."""
    lines = [x.rstrip() for x in first_lines(text.head, 400) if not is_noise(x)]
    if lines and lines[0].startswith("local/"):
        # what `pacman -Qs` says of each stands below it
        lines = [x for x in lines if not x.startswith("    ")]
    return bool(lines) and all(_ROW.fullmatch(x) and not _OF_DEBIAN.search(x) for x in lines)


def read(text: Text, host_name: str = "") -> Iterator[Found]:
    """The one host whose packages are listed, named `host_name`, because no list names it."""
    yield from host(_packages(text), host_name, "a list of packages", "arch")


def _packages(text: Text) -> Iterator[Package | BadRow | Note]:
    for number, line in enumerate(text.lines(), 1):
        if row := _ROW.fullmatch(line[:2000].strip()):
            yield Package(f"line {number}", row["name"], row["version"], "pacman")
