"""`docker node inspect` and `docker node ls --format json`: the nodes of a swarm."""

from __future__ import annotations

from collections.abc import Iterator

from notifier.domain.components import BadRow, Found
from notifier.inventory.formats import daemons
from notifier.inventory.text import Item, Text, obj, word

NAME = "docker-node"


def recognises(text: Text) -> bool:
    """Whether its first value is a node with an engine."""
    node = obj(text.sample)
    return _is_listed(node) or "Engine" in obj(node, "Description") or ("ManagerStatus" in node and "Spec" in node)


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The nodes with their engines, those that are down, too: they still have what they had."""
    del host  # every node has a name
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
            yield from daemons.engine(name, version, distro, item.where, identity=identity)
        else:
            yield BadRow(item.where, f"{name[:60] or 'the node'} tells no version of its engine")


def _is_listed(row: dict[str, object]) -> bool:
    """Whether it is a row of `docker node ls --format json`."""
    return "EngineVersion" in row and "Hostname" in row
