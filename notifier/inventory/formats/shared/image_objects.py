"""Containers and images as Docker's API and `docker inspect` describe them. Pure.

No environment and no command of a container is read: they may hold secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from feeds.images.records import HeldImage, platform
from feeds.images.references import digest, reference
from feeds.images.registry_documents import moment
from notifier.domain.images import HostImages, ImageUse
from notifier.inventory.text import obj, seq, word

_ID = re.compile(r"[0-9a-f]{12,64}")
_RUNNING = ("", "running", "paused", "restarting")


def is_container(value: Any) -> bool:
    """Whether an object is of `docker container inspect`."""
    return bool(word(value, "Id")) and bool(word(value, "Image")) and "Image" in obj(value, "Config")


def is_image(value: Any) -> bool:
    """Whether an object is of `docker image inspect`."""
    return bool(word(value, "Id")) and "RootFS" in obj(value) and not is_container(value)


def is_id(asked: str, image: str) -> bool:
    """Whether what a container was started with is the id of its image, or the beginning of it, and no name."""
    written = asked.removeprefix("sha256:")
    return _ID.fullmatch(written) is not None and image.removeprefix("sha256:").startswith(written)


def of_host(host: str, objects: Iterable[Any]) -> HostImages:
    """What inspected containers and images say of a host. `uses` is None if no container is among them."""
    containers, held = [], {}
    for value in objects:
        if is_container(value):
            containers.append(value)
        elif is_image(value) and (image := held_image(value)) is not None:
            held[image.key] = image
    uses = None
    if containers:
        found = {use for c in containers if (use := _use(c, held)) is not None}
        uses = tuple(sorted(found))
    return HostImages(host, uses, tuple(held.values()))


def _use(container: Any, held: dict[str, HeldImage]) -> ImageUse | None:
    """The image that a container runs, by the name that it was started with; None for one that does not run."""
    if word(container, "State", "Status").lower() not in _RUNNING:
        return None
    own = digest(word(container, "Image"))
    asked = word(container, "Config", "Image")
    named = reference(asked)
    if not own or named is None or is_id(asked, own):
        return None
    image = held.get(own)
    system, _, architecture = word(container, "Platform").partition("/")
    known = image.platform if image else (platform(system, architecture) if architecture else "")
    return ImageUse(str(named), own, known)


def held_image(value: Any) -> HeldImage | None:
    """An inspected image; None where it has no id."""
    own = digest(word(value, "Id"))
    if not own:
        return None
    layers = tuple(digest(one) for one in seq(value, "RootFS", "Layers") if isinstance(one, str))
    tags = tuple(str(named) for one in seq(value, "RepoTags") if (named := reference(str(one))) is not None)
    digests = tuple(
        str(named) for one in seq(value, "RepoDigests") if (named := reference(str(one))) is not None and named.digest
    )
    return HeldImage(
        own,
        platform(word(value, "Os"), word(value, "Architecture"), word(value, "Variant")),
        layers if all(layers) and len(layers) <= 1000 else (),
        tags[:1000],
        digests[:1000],
        moment(word(value, "Created")),
    )
