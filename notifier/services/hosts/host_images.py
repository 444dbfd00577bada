"""Keeps what an import says of the images of hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from feeds import storage
from feeds.storage.database import Connection
from notifier.domain.images import HostImages, ImageUse
from notifier.storage import images, inventory


def keep_host_images(connection: Connection, found: Sequence[HostImages], at: datetime) -> None:
    """Store the images of hosts that the inventory has. What runs replaces what ran before on the same host."""
    if not found:
        return
    uses: dict[str, set[ImageUse]] = {}
    asked = {use.digest for one in found for use in one.uses or () if not use.platform}
    storage.keep_held(connection, (image for one in found for image in one.held))
    for one in found:
        if one.uses is not None:
            uses.setdefault(one.name, set()).update(one.uses)
    platforms = storage.image_platforms(connection, asked)
    numbers = inventory.host_numbers(connection, uses)
    known = {numbers[name]: _known(of, platforms) for name, of in uses.items() if name in numbers}
    images.replace_images(connection, known, at)


def _known(uses: Iterable[ImageUse], platforms: Mapping[str, str]) -> set[ImageUse]:
    """The uses, each with the platform of its image where that is known."""
    return {ImageUse(u.name, u.digest, u.platform or platforms.get(u.digest, "")) for u in uses}
