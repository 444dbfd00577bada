"""The images that a collection meets: each once, however many hosts hold it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from feeds.images.records import HeldImage, joined
from notifier.domain.images import HostImages, ImageUse


class HeldImages:
    """The images of a collection, and what was known before it. Threads may share it."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        """`known` has the platforms of images whose layers need not be asked for again, by their ids."""
        self._known = dict(known or {})
        self._found: dict[str, HeldImage] = {}
        self._uses: dict[ImageUse, ImageUse] = {}
        self._lock = threading.Lock()

    def platform(self, key: str) -> str | None:
        """The platform of an image whose layers are known; None for another."""
        return self._known.get(key)

    def add(self, images: Iterable[HeldImage]) -> None:
        """Keep images; names of one that is there already are added to it."""
        with self._lock:
            for image in images:
                before = self._found.get(image.key)
                self._found[image.key] = image if before is None else joined(before, image)
                if image.layers:
                    self._known[image.key] = image.platform

    def without_held(self, found: HostImages) -> HostImages:
        """What runs on a host, its images being kept here: a fleet repeats them on every host."""
        self.add(found.held)
        if found.uses is None:
            return HostImages(found.name)
        with self._lock:
            return HostImages(found.name, tuple(self._uses.setdefault(use, use) for use in found.uses))

    def take(self) -> tuple[HeldImage, ...]:
        """The images that were met since the last call."""
        with self._lock:
            found, self._found = tuple(self._found.values()), {}
        return found
