"""`apt list --installed`: NAME/SUITES VERSION ARCHITECTURE [STATE]."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from notifier.domain.components import BadRow, Found, Note
from notifier.inventory.formats.shared.installed_packages import Package, host, product
from notifier.inventory.terminal_noise import is_noise
from notifier.inventory.text import Text, first_lines

NAME = "apt"
SIGN = "most of its first lines are packages as `apt list --installed` prints them"
_ROW = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9.+-]+)/(?P<suites>\S+) (?P<version>(?:\d+:)?\d\S*) (?P<arch>[a-z0-9-]+)"
    r"(?: +\[(?P<state>.*)\])?"
)
_OLDER = re.compile(r"upgradable from: (\S+)|aktualisierbar von: (\S+)")
_TITLE = re.compile(r"[^/]*(?:\.\.\.|…)(?: ?\S+)?|WARNING: apt .*")
"""`Listing... Done` in any language."""
_GONE = re.compile(r"resid|conf|konf|настро|残|配置", re.IGNORECASE)
"""That only the configuration is left, in the languages in which apt says so."""
_SUITES = {
    "buster": "debian-10",
    "bullseye": "debian-11",
    "bookworm": "debian-12",
    "trixie": "debian-13",
    "xenial": "ubuntu-16.04",
    "bionic": "ubuntu-18.04",
    "focal": "ubuntu-20.04",
    "jammy": "ubuntu-22.04",
    "noble": "ubuntu-24.04",
    "plucky": "ubuntu-25.04",
    "questing": "ubuntu-25.10",
    "resolute": "ubuntu-26.04",
}
_LOOKED_AT = 400


def recognises(text: Text) -> bool:
    """Whether most of the first lines are rows of apt."""
    lines = [x.strip() for x in first_lines(text.head, 40) if not is_noise(x) and not _TITLE.fullmatch(x.strip())]
    return bool(lines) and len([x for x in lines if _ROW.fullmatch(x)]) * 5 > len(lines) * 4


def read(text: Text, host_name: str = "") -> Iterator[Found]:
    """The one host whose packages are listed, named `host_name`, because no list names it."""
    yield from host(_packages(text), host_name, "a list of packages", _distro(text.head))


def _distro(head: str) -> str:
    """The distribution by the suite that most packages of the list come from; "" if they come from none known."""
    rows = [m for x in first_lines(head, _LOOKED_AT) if (m := _ROW.fullmatch(x.strip()))]
    suites = Counter(_SUITES[base] for m in rows if (base := re.split(r"[-,]", m["suites"])[0]) in _SUITES)
    return suites.most_common(1)[0][0] if suites else ""


def _packages(text: Text) -> Iterator[Package | BadRow | Note]:
    for number, line in enumerate(text.lines(), 1):
        row = _ROW.fullmatch(line[:2000].strip())
        if row is None:
            continue
        name, state = row["name"], row["state"] or ""
        older = _OLDER.search(state)
        if _GONE.search(state):
            if product(name, "deb"):
                yield Note(f"{name} was removed; only its configuration is left")
        elif older or "install" in state.lower() or ",now" in f",{row['suites']}":
            version = next((v for v in older.groups() if v), "") if older else row["version"]
            yield Package(f"line {number}", name, version, "deb")
        elif product(name, "deb"):
            yield BadRow(
                f"line {number}", f"{name}: the list does not say that it is installed; use `apt list --installed`"
            )
