"""`dpkg -l` and `dpkg-query -W`, with the columns that people ask it for.

A package that was removed and left its configuration (`rc`, `deinstall ok config-files`) is not installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from notifier.domain.components import BadRow, Found, Note
from notifier.inventory.formats.shared.installed_packages import Package, host, names, product
from notifier.inventory.terminal_noise import is_noise
from notifier.inventory.text import Text, first_lines

NAME = "dpkg"
SIGN = "most of its first lines are packages with the states, architectures or versions of dpkg"
_LISTED = re.compile(r"[uihrp][ncHUFWti][ R] (?:\s*)\S")
_NAME = re.compile(r"(?P<name>[a-z0-9][a-z0-9.+-]{1,199})(?::(?P<arch>[a-z0-9-]+))?")
_VERSION = re.compile(r"(?:\d+:)?\d[A-Za-z0-9.+~:-]*")
_ARCHITECTURES = frozenset(
    {"all", "amd64", "arm64", "armel", "armhf", "i386", "ppc64el", "riscv64", "s390x", "mips64el", "loong64"}
)
_STATES = ("not-installed", "config-files", "half-installed", "unpacked", "half-configured", "triggers-awaited")
_STATUS = re.compile(
    rf"(?:[a-z]+ [a-z]+ )?(?P<state>{'|'.join(_STATES)}|triggers-pending|installed)|[uihrp][ncHUFWti] ?R?"
)
_WIDTHS = re.compile(r"\+\+\+-(=+)-(=+)(?:-(=+))?-(=+)")
_CANDIDATES = re.compile(r" *\S+ \| \S+ \| \w+:/")
_PACMAN = re.compile(r"(?:pacman|archlinux-keyring) \S|docker (?:\d:)?(?:1[7-9]|[2-9]\d)\.")
_GONE = frozenset({"not-installed", "config-files", "half-installed"})
_OWN_WORDS = re.compile(r"ubuntu|[+~]deb\d|[+~](?:dfsg|ds|bpo)|\+b\d|~(?:debian|ubuntu)|build\d")
_OWN_NAMES = frozenset({"docker.io", "libc6", "dpkg", "apt", "adduser", "base-files"})
_EXCLUSIVE = (
    frozenset({"docker-ce", "docker.io", "docker-engine", "docker-ee", "lxc-docker", "moby-engine"}),
    frozenset({"docker-ce-cli", "docker-cli", "docker-ee-cli", "moby-cli"}),
    frozenset({"containerd.io", "containerd", "moby-containerd"}),
    frozenset({"containerd.io", "runc", "moby-runc"}),
)
"""Packages that conflict: where a list has two of a group, one was removed and left its configuration."""


def recognises(text: Text) -> bool:
    """Whether most of the first lines are packages as dpkg lists them, and some as dpkg alone does."""
    if text.head.lstrip().startswith("Desired=Unknown/Install"):
        return True
    lines = [x for x in first_lines(text.head, 40) if not is_noise(x)]
    if any(_WIDTHS.fullmatch(x.strip()) for x in lines):
        return True
    # what apt could install; pip's versions; Arch, where docker is the engine
    if any(_CANDIDATES.match(x) or "==" in x or _PACMAN.match(x) for x in lines):
        return False
    packages = [p for line in lines if isinstance(p := _package(line, ""), Package | Note)]
    return len(packages) * 2 > len(lines) and any(_of_dpkg(line) for line in lines)


def read(text: Text, host_name: str = "") -> Iterator[Found]:
    """The one host whose packages are listed, named `host_name`, because no list names it."""
    yield from host(_sure(_packages(text)), host_name, "a list of packages")


def _sure(found: Iterator[Package | BadRow | Note]) -> Iterator[Package | BadRow | Note]:
    """The packages, without those that a list without states cannot hold at once."""
    held: dict[str, Package] = {}
    for one in found:
        if isinstance(one, Package) and not one.state_known and any(one.name in group for group in _EXCLUSIVE):
            held[one.name] = one
        else:
            yield one
    for name, one in held.items():
        others = sorted({n for g in _EXCLUSIVE if name in g for n in g & held.keys()} - {name})
        if not others:
            yield one
            continue
        yield BadRow(
            one.where,
            f"{name} conflicts with {', '.join(others)}, so one was removed and this list does not show which; use "
            "`dpkg-query -W -f '${Package} ${Version} ${Status}\\n'`",
        )


def _packages(text: Text) -> Iterator[Package | BadRow | Note]:
    widths = _Widths()
    for number, line in enumerate(text.lines(), 1):
        if line.startswith("+++-") and (ruler := _WIDTHS.fullmatch(line.strip())):
            widths = _Widths(*(len(w or "") for w in ruler.groups()))
        found = _package(line[:2000], f"line {number}")
        if isinstance(found, Package) and widths.cut:
            found = _if_whole(found, line, widths)
        if found:
            yield found


class _Widths(NamedTuple):
    """How wide `dpkg -l` made its columns."""

    name: int = 0
    version: int = 0
    architecture: int = 0
    description: int = 0

    @property
    def cut(self) -> bool:
        """Whether they are as on a screen, where longer words are cut; elsewhere they are as wide as need be."""
        if not self.architecture:
            # before dpkg 1.16
            wider = self.name - 14
            return self.name == self.version and self.description == 44 + 2 * wider >= 44
        wider = self.description - 33
        grown = 14 + wider // 2, 12 + wider // 4, 12 + wider // 4
        return wider >= 0 and grown == (self.name, self.version, self.architecture)


def _if_whole(found: Package, line: str, widths: _Widths) -> Package | BadRow | None:
    """A package whose name and version were not cut to the screen's width; a bad row if they may have been."""
    name, version = [*line[3:].split(), "", ""][:2]
    whole = len(name) < widths.name and len(version) < widths.version
    followed = any(p.startswith(found.name) for p in names("deb"))
    if whole or not followed:
        return found
    reason = f"{name} {version} may be cut to the width of the screen; use `dpkg -l | cat`"
    return BadRow(found.where, reason)


def _package(line: str, where: str) -> Package | Note | BadRow | None:
    """The package that a line lists; a note if it is not installed; None if it is not a package's line."""
    state_known = _LISTED.match(line) is not None
    if state_known:
        words = line[3:].split()
        # columns that are cut to the screen's width lose the end of a version
        name, version, state = words[0], words[1] if len(words) > 1 else "", line[1]
        gone = state in "ncH"
    else:
        words = [
            w.strip().strip("'\"") for w in re.split(r"[\t,;|=]+| {1,}(?=[^ ])", _joined(line.strip())) if w.strip()
        ]
        if len(words) > 2 and _STATUS.fullmatch(words[0].replace("_", " ")):
            words = [words[1], *words[2:], words[0]]
        name, rest = (words[0], words[1:]) if words else ("", [])
        status = next((m for w in rest if (m := _STATUS.fullmatch(w.replace("_", " ")))), None)
        columns = [w for w in rest if w not in _ARCHITECTURES][:1]
        version = columns[0] if columns and _VERSION.fullmatch(columns[0]) else ""
        state_known = status is not None
        gone = status is not None and (status["state"] in _GONE or (not status["state"] and status[0][1] in "ncH"))
        if not version and not gone:
            return None
    known = _NAME.fullmatch(name)
    if known is None:
        return None
    if gone:
        return (
            Note(f"{known['name']} was removed; only its configuration is left")
            if product(known["name"], "deb")
            else None
        )
    if not _VERSION.fullmatch(version):
        return (
            BadRow(where, f"{known['name']}: {version[:60]!r} is not a version")
            if product(known["name"], "deb")
            else None
        )
    return Package(where, known["name"], version, "deb", state_known=state_known)


def _joined(line: str) -> str:
    """The line with the three words of a status as one."""
    return re.sub(r"\b(install|deinstall|purge|hold|unknown) (ok|reinstreq) ([a-z-]+)", r"\1_\2_\3", line)


def _of_dpkg(line: str) -> bool:
    """Whether a line has what only dpkg writes."""
    if _LISTED.match(line) or "\t" in line or " ok " in line:
        return True
    words = re.split(r"[\s,;|=]+", line.strip())
    if words[0].partition(":")[0] in _OWN_NAMES:
        return True
    return any(w in _ARCHITECTURES for w in words[1:]) or any(_OWN_WORDS.search(w) for w in words[1:])
