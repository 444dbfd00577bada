"""`crictl ps -o json` and `crictl images -o json`: what a node runs and holds, by the container runtime itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from feeds.images.records import HeldImage
from feeds.images.references import digest, reference
from notifier.domain.components import Found
from notifier.domain.images import HostImages, ImageUse
from notifier.inventory.formats.shared.installed_packages import named
from notifier.inventory.text import Item, Text, obj, seq, word

NAME = "crictl"
SIGN = "it has a list of containers with `imageRef`, or of images with `repoTags`"


def recognises(text: Text) -> bool:
    """Whether it is the answer of one of the two commands."""
    value = obj(text.sample)
    return any("imageRef" in obj(c) for c in seq(value, "containers")[:10]) or any(
        "repoTags" in obj(i) or "repoDigests" in obj(i) for i in seq(value, "images")[:10]
    )


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The images of one host, which `host` names."""
    containers: list[Any] = []
    held: dict[str, HeldImage] = {}
    asked = False
    for item in text.items():
        if not isinstance(item, Item):
            yield item
            continue
        asked = asked or "containers" in obj(item.value)
        containers += seq(item.value, "containers")
        for image in map(_held, seq(item.value, "images")):
            if image is not None:
                held[image.key] = image
    uses = {use for c in containers if (use := _use(c, held)) is not None}
    yield HostImages(named(host, "what `crictl` prints"), tuple(sorted(uses)) if asked else None, tuple(held.values()))


def _use(container: Any, held: dict[str, HeldImage]) -> ImageUse | None:
    if word(container, "state") not in ("", "CONTAINER_RUNNING"):
        return None
    own = digest(word(container, "imageRef"))
    image = held.get(own)
    candidates = (
        word(container, "image", "userSpecifiedImage"),
        word(container, "image", "image"),
        *(image.tags if image else ()),
        word(container, "imageRef"),
    )
    name = next((named for text in candidates if (named := reference(text)) is not None), None)
    return ImageUse(str(name), own) if own and name is not None else None


def _held(value: Any) -> HeldImage | None:
    own = digest(word(value, "id"))
    tags = tuple(str(n) for t in seq(value, "repoTags") if (n := reference(str(t))) is not None)
    digests = tuple(str(n) for d in seq(value, "repoDigests") if (n := reference(str(d))) is not None and n.digest)
    return HeldImage(own, "", (), tags, digests) if own else None
