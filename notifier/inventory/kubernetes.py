"""`kubectl get nodes -o json`: nodes, and the container runtime that each kubelet talks to.

Kubernetes loses a zero: 17.3.2 is Docker Engine 17.03.2.
"""

from __future__ import annotations

from collections.abc import Iterator

from feeds.errors import NavtexError
from notifier.inventory import daemons
from notifier.inventory.distros import of_pretty
from notifier.inventory.model import BadRow, Found, Host, Tally, View, component, host_name
from notifier.inventory.text import Item, Text, obj, word

NAME = "kubernetes"
_PRODUCTS = {"docker": "engine", "containerd": "containerd"}


def recognises(text: Text) -> bool:
    """Whether it is a node, or a list whose first item is one."""
    value = obj(text.sample)
    items = value.get("items")
    first = items[0] if isinstance(items, list) and items else value
    return word(first, "kind") == "Node" or "nodeInfo" in obj(first, "status") or word(value, "kind") == "NodeList"


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The nodes that run Docker or containerd; a note on those that run something else."""
    del host  # every node has a name
    others = Tally()
    for item in text.items():
        if not isinstance(item, Item):
            yield item
        elif isinstance(items := obj(item.value).get("items"), list):
            for number, node in enumerate(items):
                yield from _node(node, f"items[{number}]", others)
        else:
            yield from _node(item.value, item.where, others)
    yield from others.notes()


def _node(node: object, where: str, others: Tally) -> Iterator[Found]:
    name = word(node, "metadata", "name")
    told = obj(node, "status", "nodeInfo")
    runtime = word(told, "containerRuntimeVersion")
    kind, separator, version = runtime.partition("://")
    if not separator:
        yield BadRow(where, f"{name[:60] or 'the node'} tells no container runtime")
        return
    product = _PRODUCTS.get(kind.lower())
    if product is None:
        others.add(f"the container runtime {kind[:60]} is not followed", name)
        return
    windows = word(told, "operatingSystem").lower() == "windows"
    distro = "windows" if windows else of_pretty(word(told, "osImage"))
    try:
        made = component(product, daemons.zero_kept(version) if product == "engine" else version, "", distro)
        yield Host(host_name(name), (made,), view=View.RUNNING)
    except (NavtexError, ValueError) as error:
        yield BadRow(where, f"{name[:60]}: {error}" if name else str(error))
