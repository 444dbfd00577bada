"""`docker ps` and `docker image ls` with `--no-trunc --format json`: names and ids, no layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from feeds.images.records import HeldImage, joined
from feeds.images.references import digest, reference
from notifier.domain.components import Found, Note
from notifier.domain.images import HostImages, ImageUse
from notifier.inventory.formats.shared.installed_packages import named
from notifier.inventory.text import Item, Text, obj, word

NAME = "docker-ps"
SIGN = "its first row is a container of `docker ps` or an image of `docker image ls`"


def recognises(text: Text) -> bool:
    """Whether its first row is a container or an image of these commands."""
    return _is_container(text.sample) or _is_image(text.sample)


def read(text: Text, host: str = "") -> Iterator[Found]:
    """The images of one host, which `host` names. A container's image is known where a row of an image has its name."""
    containers: list[Any] = []
    held: dict[str, HeldImage] = {}
    for item in text.items():
        if not isinstance(item, Item):
            yield item
        elif _is_container(item.value):
            containers.append(item.value)
        elif _is_image(item.value) and (image := _held(item.value)) is not None:
            before = held.get(image.key)
            held[image.key] = image if before is None else joined(before, image)
    by_tag = {tag: image.key for image in held.values() for tag in image.tags}
    uses = []
    for container in containers:
        asked = word(container, "Image")
        name = reference(asked)
        if word(container, "State").lower() not in ("", "running", "paused", "restarting"):
            continue
        if name is None:
            yield Note(f"the container {word(container, 'Names')[:60]} runs an image that lost its name: inspect it")
            continue
        uses.append(ImageUse(str(name), by_tag.get(str(name), "")))
    yield HostImages(
        named(host, "a list of containers or images"),
        tuple(sorted(set(uses))) if containers else None,
        tuple(held.values()),
    )


def _is_container(value: Any) -> bool:
    return {"Image", "Names", "State"} <= obj(value).keys() or {"Image", "Names", "RunningFor"} <= obj(value).keys()


def _is_image(value: Any) -> bool:
    return {"Repository", "Tag", "ID"} <= obj(value).keys()


def _held(value: Any) -> HeldImage | None:
    own = digest(word(value, "ID"))
    if not own:
        return None
    name = reference(f"{word(value, 'Repository')}:{word(value, 'Tag')}")
    repository = reference(word(value, "Repository"))
    told = digest(word(value, "Digest"))
    digests = (f"{repository.name}@{told}",) if repository is not None and told else ()
    return HeldImage(own, "", (), (str(name),) if name else (), digests)
