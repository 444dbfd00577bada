"""`kubectl get pods -A -o json`: which image runs on which node.

`imageID` has four shapes: `docker-pullable://NAME@DIGEST`, `docker://CONFIG`, `NAME@DIGEST` (of an index or a manifest,
as containerd pulled it), and a bare digest. `spec` has the name that was asked for; `status` may show another tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from feeds.images.references import digest, reference
from notifier.domain.components import BadRow, Found, host_name
from notifier.domain.images import HostImages, ImageUse
from notifier.inventory.text import Item, Text, obj, seq, word

NAME = "kubernetes-pods"
SIGN = "one of its first items is a pod, and none is a node"
_STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")


def recognises(text: Text) -> bool:
    """Whether it is a pod, or a list with one among its first items and no node."""
    value = obj(text.sample)
    first = seq(value, "items")[:1000] or [value]
    return any(is_pod(v) for v in first) and not any(word(v, "kind") == "Node" for v in first)


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The images of each node."""
    del host  # every pod names its node
    pods: list[tuple[str, Any]] = []
    for item in text.items():
        if not isinstance(item, Item):
            yield item
        elif isinstance(items := obj(item.value).get("items"), list):
            pods += [(f"items[{n}]", v) for n, v in enumerate(items)]
        else:
            pods.append((item.where, item.value))
    yield from of_pods(pods)


def of_pods(pods: Iterable[tuple[str, Any]]) -> Iterator[Found]:
    """The images of each node that some pods name; other objects are left out."""
    nodes: dict[str, set[ImageUse]] = {}
    for where, pod in pods:
        node = word(pod, "spec", "nodeName")
        if not is_pod(pod) or not node:
            continue  # it waits for a node
        try:
            nodes.setdefault(host_name(node), set()).update(_uses(pod))
        except ValueError as error:
            yield BadRow(where, str(error))
    for name, uses in sorted(nodes.items()):
        yield HostImages(name, tuple(sorted(uses)))


def is_pod(value: object) -> bool:
    """Whether an object is a pod."""
    return word(value, "kind") == "Pod" or ("nodeName" in obj(value, "spec") and "containers" in obj(value, "spec"))


def _uses(pod: Any) -> Iterator[ImageUse]:
    spec = obj(pod, "spec")
    lists = ("containers", "initContainers", "ephemeralContainers")
    asked = {word(c, "name"): word(c, "image") for kind in lists for c in seq(spec, kind)}
    for kind in _STATUSES:
        for status in seq(pod, "status", kind):
            own = digest(word(status, "imageID").replace("docker://", "", 1))
            name = reference(asked.get(word(status, "name"), "")) or reference(word(status, "image"))
            if own and name is not None and "running" in obj(status, "state"):
                yield ImageUse(str(name), own)
