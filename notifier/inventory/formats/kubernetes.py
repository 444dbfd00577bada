"""`kubectl get nodes`, as JSON and as the table of `-o wide`: the container runtime of each node.

Kubernetes loses a zero: 17.3.2 is Docker Engine 17.03.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from feeds.core.errors import NavtexError
from feeds.versions.products import ENGINE_MODULE, numbering
from notifier.domain.components import BadRow, Found, Host, Observed, Tally, component, host_name
from notifier.inventory.formats import kubernetes_pods
from notifier.inventory.formats.shared import daemon_reports
from notifier.inventory.formats.shared.distributions import of_pretty
from notifier.inventory.text import Item, Text, obj, seq, word

NAME = "kubernetes"
SIGN = "JSON of the kind Node or NodeList, or a table with CONTAINER-RUNTIME"
_WIDE = re.compile(r"^NAME +STATUS +.*?(?P<system>OS-IMAGE +)?(?:KERNEL-VERSION +)?CONTAINER-RUNTIME *$", re.MULTILINE)
_PRODUCTS = {"docker": "engine", "containerd": "containerd"}


def recognises(text: Text) -> bool:
    """Whether it is a node, or a list with one among its first items, or with none at all."""
    if text.sample is None:
        return _WIDE.search(text.head) is not None
    value = obj(text.sample)
    if _flat(value):
        return True
    if word(value, "kind") in ("List", "NodeList") and value.get("items") == []:
        return True
    return any(_is_node(v) for v in (seq(value, "items")[:1000] or [value])) or word(value, "kind") == "NodeList"


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The nodes that run Docker or containerd; a note on those that run something else."""
    del host  # every node has a name
    others = Tally()
    if text.sample is None:
        for where, node in _table(text):
            yield from of_node(node, where, others)
        yield from others.notes()
        return
    for item in text.items():
        if not isinstance(item, Item):
            yield item
        elif nodes := _flat(obj(item.value)):
            for number, node in enumerate(nodes):
                yield from of_node(nested(node), f"cluster.nodes[{number}]", others)
        elif isinstance(items := obj(item.value).get("items"), list):
            for number, node in enumerate(items):
                # `kubectl get nodes,pods` gives others, too
                if "kind" not in obj(node) or _is_node(node):
                    yield from of_node(node, f"items[{number}]", others)
            yield from kubernetes_pods.of_pods((f"items[{n}]", v) for n, v in enumerate(items))
        else:
            yield from of_node(item.value, item.where, others)
    yield from others.notes()


def _table(text: Text) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of `kubectl get nodes -o wide`: the name first, the runtime last, the system below its title."""
    header: re.Match[str] | None = None
    for number, line in enumerate(text.lines(), 1):
        words = line.split()
        if found := _WIDE.match(line):
            header = found
        elif header and len(words) > 2 and "://" in words[-1]:
            system = line[header.start("system") : header.end("system")].strip() if header["system"] else ""
            kernel = words[-2] if header["system"] else ""
            yield (
                f"line {number}",
                nested(
                    {
                        "name": words[0],
                        "container_runtime_version": words[-1],
                        "os_image": system,
                        "kernel_version": kernel,
                    }
                ),
            )


def _flat(value: dict[str, Any]) -> list[Any]:
    """The nodes of a KBOM of its own form (RAD's), which are rows."""
    nodes = seq(value, "cluster", "nodes")
    return nodes if any("container_runtime_version" in obj(n) for n in nodes[:1]) else []


def nested(row: dict[str, Any]) -> dict[str, Any]:
    """A node that is a row of names with underscores, as the API writes it."""
    info = {
        "containerRuntimeVersion": word(row, "container_runtime_version"),
        "osImage": word(row, "os_image"),
        "kernelVersion": word(row, "kernel_version"),
        "operatingSystem": word(row, "operating_system"),
        "systemUUID": word(row, "system_uuid"),
        "machineID": word(row, "machine_id"),
    }
    return {"metadata": {"name": word(row, "node") or word(row, "name")}, "status": {"nodeInfo": info}}


def _is_node(value: object) -> bool:
    return word(value, "kind") == "Node" or "nodeInfo" in obj(value, "status")


def of_node(node: object, where: str, others: Tally) -> Iterator[Found]:
    """The host of one node's object; what runs no runtime that is followed is counted in `others`."""
    name = word(node, "metadata", "name")
    told = obj(node, "status", "nodeInfo")
    runtime = word(told, "containerRuntimeVersion")
    kind, separator, version = runtime.partition("://")
    if not separator:
        yield BadRow(where, f"{name[:60] or 'the node'} shows no container runtime")
        return
    product = _PRODUCTS.get(kind.lower())
    if product is None:
        others.add(f"the container runtime {kind[:60]} is not followed", name)
        return
    if product == "engine" and numbering(product, version) == ENGINE_MODULE:
        others.add(f"docker {version[:60]} is a version of Azure's Moby, not the engine's", name)
        return
    windows = word(told, "operatingSystem").lower() == "windows"
    distro = "windows" if windows else of_pretty(word(told, "osImage"), word(told, "kernelVersion"))
    machine = word(told, "systemUUID") or word(told, "machineID")
    try:
        made = component(product, daemon_reports.zero_kept(version) if product == "engine" else version, "", distro)
        identity = f"machine:{machine[:200].lower()}" if machine else ""
        yield Host(host_name(name), (made,), view=Observed.RUNNING, identity=identity)
    except (NavtexError, ValueError) as error:
        yield BadRow(where, f"{name[:60]}: {error}" if name else str(error))
