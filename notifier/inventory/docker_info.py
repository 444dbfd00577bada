"""`docker info`, as JSON and as text, and the answer of the engine's API (/info).

It names the host, the engine's version, and of containerd and runc only commits, which tell a version
where it was built from a tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from notifier.inventory import daemons
from notifier.inventory.distros import of_pretty
from notifier.inventory.model import Found, Note
from notifier.inventory.packages import named
from notifier.inventory.text import Item, Text, obj, word

NAME = "docker-info"
_NO_SERVER = Note("no server answered: it shows a client only, and a client is no engine")
_TEXT = re.compile(r"^ ?(?:Server Version|Default Runtime|Server): ?|^ ?Debug Mode(?: \(client\))?: ", re.MULTILINE)


def recognises(text: Text) -> bool:
    """Whether it is what `docker info` prints, or the API answers."""
    if text.sample is not None:
        said = obj(text.sample)
        told = "ServerVersion" in said and ("Containers" in said or "Driver" in said or "OperatingSystem" in said)
        return told or "ServerErrors" in said or "ClientInfo" in said or daemons.is_podman_info(said)
    begins = re.match(r"Client:|Server:|Containers:", text.head.lstrip()) is not None
    return begins and bool(_TEXT.search(text.head)) and "API version" not in text.head


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The host that it describes, and by the name that it says; each of them where several follow each other."""
    if text.sample is None:
        yield from _from_text(text.whole(), host)
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
    elif not version:
        yield _NO_SERVER
    else:
        yield from daemons.engine(name or named(host, "`docker info`"), version, distro, where, parts)
        if word(said, "OperatingSystem") == "Docker Desktop":
            yield Note(f"{name}: `docker info` does not tell Docker Desktop's own version; `docker version` does")


def _from_text(text: str, host: str) -> Iterator[Found]:
    said = {
        key: match[1].strip()
        for key in ("Server Version", "Name", "Operating System", "containerd version", "runc version")
        if (match := re.search(rf"^ ?{key}: ?(.*)$", text, re.MULTILINE))
    }
    if not said.get("Server Version"):
        yield _NO_SERVER
        return
    parts = [(p, said.get(f"{p} version", "").split(" ")[0]) for p in ("containerd", "runc")]
    name = said.get("Name") or named(host, "`docker info`")
    distro = of_pretty(said.get("Operating System", ""))
    yield from daemons.engine(name, said["Server Version"], distro, "the text", parts)
    if said.get("Operating System") == "Docker Desktop":
        yield Note(f"{name}: `docker info` does not tell Docker Desktop's own version; `docker version` does")
