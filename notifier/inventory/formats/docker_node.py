"""`docker node inspect` and `docker node ls`, as JSON and as a table: the nodes of a swarm."""

from __future__ import annotations

import re
from collections.abc import Iterator

from notifier.domain.components import BadRow, Found, Note
from notifier.inventory.formats.shared import daemon_reports
from notifier.inventory.text import Item, Text, obj, word

NAME = "docker-node"
SIGN = "JSON of a node, with its engine in `Description`, or the rows or table of `docker node ls`"
_HEADER = re.compile(
    r"^(?P<id>(?P<margin>[ \t]{0,20})ID +)(?P<host>HOSTNAME +)STATUS +.*?(?P<engine>ENGINE VERSION) *$", re.MULTILINE
)
_SYSTEM = Note("`docker node ls` does not show the nodes' systems; `docker node inspect` does")


def recognises(text: Text) -> bool:
    """Whether its first value is a node with an engine, or it is the table with the engines' versions."""
    if text.sample is None:
        return _HEADER.search(text.head) is not None
    node = obj(text.sample)
    return _is_listed(node) or "Engine" in obj(node, "Description") or ("ManagerStatus" in node and "Spec" in node)


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The nodes with their engines, also those that are down."""
    del host  # every node has a name
    if text.sample is None:
        yield from _table(text)
        return
    for item in text.items():
        if not isinstance(item, Item):
            yield item
            continue
        listed = _is_listed(obj(item.value))
        told = obj(item.value) if listed else obj(item.value, "Description")
        name, version = word(told, "Hostname"), word(told, *(() if listed else ("Engine",)), "EngineVersion")
        # the operating system is one word here: of Linux it says nothing, of Windows that it is Windows
        distro = "windows" if word(told, "Platform", "OS").lower() == "windows" else ""
        if version:
            node = word(item.value, "ID")
            identity = f"node:{node[:200]}" if node else ""
            yield from daemon_reports.engine(name, version, distro, item.where, identity=identity)
        else:
            yield BadRow(item.where, f"{name[:60] or 'the node'} shows no engine version")


def _is_listed(row: dict[str, object]) -> bool:
    """Whether it is a row of `docker node ls --format json`."""
    return "EngineVersion" in row and "Hostname" in row


def _table(text: Text) -> Iterator[Found]:
    """The nodes in tables, whose columns stand below their titles."""
    header: re.Match[str] | None = None
    seen = False
    for number, line in enumerate(text.lines(), 1):
        if found := _HEADER.match(line.rstrip()):
            header = found
            continue
        if header is None:
            continue
        node = line[len(header["margin"]) : header.end("id")].replace("*", "").strip()
        name = line[header.end("id") : header.end("host")].strip()
        version = line[header.start("engine") :].strip()
        if not re.fullmatch(r"[a-z0-9]+", node) or " " in name:
            # the table is at its end
            header = None
        elif version:
            seen = True
            yield from daemon_reports.engine(name, version, "", f"line {number}", identity=f"node:{node[:200]}")
        else:
            yield BadRow(f"line {number}", f"{name[:60] or 'the node'} shows no engine version")
    if seen:
        yield _SYSTEM
