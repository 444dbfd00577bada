"""`rpm -qa`: NAME-VERSION-RELEASE.ARCH, or with --qf the columns that people ask it for, the epoch among them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from notifier.domain.components import BadRow, Found, Note
from notifier.inventory.formats.shared.installed_packages import Package, host
from notifier.inventory.terminal_noise import is_noise
from notifier.inventory.text import Text, first_lines

NAME = "rpm"
SIGN = "most of its first lines are packages as `rpm -qa` prints them"
ARCHITECTURES = frozenset(
    {"x86_64", "aarch64", "noarch", "i386", "i486", "i586", "i686", "ppc64", "ppc64le", "s390x", "armv7hl", "riscv64"}
    | {"src", "(none)"}
)
_NEVRA = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.+-]*)-(?P<epoch>(?:\d+|\(none\)):)?(?P<version>[^-:\s]+)-(?P<release>[^-:\s]+)"
)
_EPOCH_FIRST = re.compile(r"^((?:\d+|\(none\)):)([A-Za-z][\w.+-]*-)(?=[^-:\s]+-[^-:\s]+$)")
_EVR = re.compile(r"(?:(?:\d+|\(none\)):)?[^-:\s]+-[^-:\s]+")
_ABSENT = re.compile(r"package [\w.+-]+ is not installed")
_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*")
_PART = re.compile(r"[A-Za-z0-9._+~^]+")


def recognises(text: Text) -> bool:
    """Whether most of the first lines are packages as rpm names them."""
    lines = first_lines(text.head, 40)
    if lines and all(_ABSENT.fullmatch(x.strip()) for x in lines):
        return True
    lines = [x for x in lines if not _ABSENT.fullmatch(x.strip()) and not is_noise(x)]
    return len([x for x in lines if package(x, "")]) * 5 > len(lines) * 4 and any(_of_rpm(x) for x in lines)


def read(text: Text, host_name: str = "") -> Iterator[Found]:
    """The one host whose packages are listed, named `host_name`, because no list names it."""
    yield from host(_packages(text), host_name, "a list of packages")


def _packages(text: Text) -> Iterator[Package | BadRow | Note]:
    for number, line in enumerate(text.lines(), 1):
        found = package(line[:2000], f"line {number}")
        if found:
            yield found


def package(line: str, where: str) -> Package | None:
    """The package that a line names; None if it names none."""
    line = _EPOCH_FIRST.sub(r"\2\1", line.strip())
    words = [w.strip("'\"") for w in re.split(r"[\s,;|]+", line.strip()) if w]
    alone = without_architecture(words[0]) if words else ""
    # with a date behind it, as `rpm -qa --last` says it, it is still alone
    match = _NEVRA.fullmatch(alone) if len(words) == 1 or (words and alone != words[0]) else None
    made = match and _made(where, match["name"], match["epoch"] or "", match["version"], match["release"])
    if made or len(words) == 1:
        return made
    if not words or not _NAME.fullmatch(words[0]):
        return None
    name, rest = words[0], words[1:]
    if _EVR.fullmatch(without_architecture(rest[0])):
        epoch, colon, version = without_architecture(rest[0]).rpartition(":")
        version, _, release = version.rpartition("-")
        return _made(where, name, epoch + colon, version, release)
    if len(rest) > 2 and re.fullmatch(r"\d+|\(none\)", rest[0]) and rest[2] not in ARCHITECTURES:
        return _made(where, name, f"{rest[0]}:", rest[1], rest[2])
    return _made(where, name, "", rest[0], rest[1]) if len(rest) > 1 else None


def without_architecture(word: str) -> str:
    """A word without the architecture after its last dot."""
    head, dot, last = word.rpartition(".")
    return head if dot and last in ARCHITECTURES else word


def _made(where: str, name: str, epoch: str, version: str, release: str) -> Package | None:
    release = without_architecture(release)
    if not (re.match(r"\d", version) and _PART.fullmatch(version) and _PART.fullmatch(release)):
        return None
    epoch = "" if epoch in ("(none):", "0:") else epoch
    return Package(where, name, f"{epoch}{version}-{release}", "rpm")


def _of_rpm(line: str) -> bool:
    """Whether a line has what only rpm writes: an architecture in its words, or a release that says its system."""
    words = re.split(r"[\s,;|]+", line.strip())
    ends = {w.rpartition(".")[2] for w in words} | set(words)
    return bool(ends & ARCHITECTURES) or re.search(r"\.(?:el|fc|amzn|cm|azl|ph|mga|lp)\d+|\d{6}\.\d", line) is not None
