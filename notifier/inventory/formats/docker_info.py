"""`docker info`, as JSON and as text, and the answer of the engine's API (/info).

It names the host, the engine's version, and of containerd and runc only commits, which tell a version
where it was built from a tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from notifier.domain.components import BadRow, Found, Note
from notifier.inventory.formats import daemons
from notifier.inventory.formats.distros import of_pretty
from notifier.inventory.formats.packages import named
from notifier.inventory.text import Item, Text, obj, word

NAME = "docker-info"
_NO_SERVER = Note("no server answered: it shows a client only, and a client is no engine")
_NO_VERSION = "before Docker 1.9 `docker info` does not tell the engine's version; `docker version` does"
_NERDCTL = Note("it is of nerdctl: the version in it is containerd's; `nerdctl version` tells it and runc's")
_BEGINS = re.compile(r"^(?:Client:|Containers:)", re.MULTILINE)
_VERSION = re.compile(r"API version|ApiVersion|^ containerd:$", re.MULTILINE)
_PODMAN = re.compile(r"^host:\n(?:  .*\n)*?  buildahVersion: ", re.MULTILINE)
_TEXT = re.compile(
    r"^ ?(?:Server Version|Execution Driver|Default Runtime|Server): ?|^ ?Debug Mode(?: \(client\))?: ", re.MULTILINE
)


def recognises(text: Text) -> bool:
    """Whether it is what `docker info` prints, or the API answers; Podman's and nerdctl's, too, to say so."""
    if text.sample is not None:
        said = obj(text.sample)
        told = "ServerVersion" in said and ("Containers" in said or "Driver" in said or "OperatingSystem" in said)
        return told or "ServerErrors" in said or "ClientInfo" in said or daemons.is_podman_info(said)
    begins = _BEGINS.search(text.head) is not None and not _VERSION.search(text.head)
    return (begins and bool(_TEXT.search(text.head))) or _PODMAN.search(text.head) is not None


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The host that it describes, and by the name that it says; each of them where several follow each other."""
    if text.sample is None:
        whole = text.whole()
        starts = [m.start() for m in _BEGINS.finditer(whole)] or [0]
        for number, (start, end) in enumerate(pairwise([*starts, len(whole)]), 1):
            yield from _from_text(whole[start:end], host, "the text" if len(starts) == 1 else f"answer {number}")
        return
    for item in text.items():
        if isinstance(item, Item):
            yield from of_info(obj(item.value), host, item.where)
        else:
            yield item


def of_info(said: dict[str, object], host: str = "", where: str = "the document") -> Iterator[Found]:
    """The host of one answer to /info."""
    name, version, distro, parts = daemons.info(said)
    if daemons.is_podman_info(said):
        yield daemons.no_docker("Podman")
    elif daemons.is_nerdctl_info(said):
        yield _NERDCTL
    elif not version:
        yield _NO_SERVER
    else:
        yield from daemons.engine(name or named(host, "`docker info`"), version, distro, where, parts)
        if word(said, "OperatingSystem") == "Docker Desktop":
            yield Note(f"{name}: `docker info` does not tell Docker Desktop's own version; `docker version` does")


def _from_text(text: str, host: str, where: str) -> Iterator[Found]:
    said = {
        key: match[1].strip()
        for key in ("Server Version", "Name", "Operating System", "containerd version", "runc version")
        if (match := re.search(rf"^ ?{key}: ?(.*)$", text, re.MULTILINE))
    }
    if _PODMAN.search(text) or re.search(r"^ *Storage: ", text, re.MULTILINE):
        yield daemons.no_docker("Podman") if _PODMAN.search(text) else _NERDCTL
        return
    if not said.get("Server Version"):
        told = re.search(r"^ ?Storage Driver: ", text, re.MULTILINE)
        yield BadRow(where, f"{said.get('Name', '')[:60]}: {_NO_VERSION}".lstrip(": ")) if told else _NO_SERVER
        return
    parts = [(p, said.get(f"{p} version", "").split(" ")[0]) for p in ("containerd", "runc")]
    name = said.get("Name") or named(host, "`docker info`")
    distro = of_pretty(said.get("Operating System", ""))
    yield from daemons.engine(name, said["Server Version"], distro, where, parts)
    if said.get("Operating System") == "Docker Desktop":
        yield Note(f"{name}: `docker info` does not tell Docker Desktop's own version; `docker version` does")
