"""Asking an engine over its API which images its containers run and which it holds."""

from __future__ import annotations

import http.client
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from feeds.core.errors import InventoryError
from feeds.images.records import HeldImage
from notifier.collection import engines
from notifier.collection.collected_images import HeldImages
from notifier.collection.engines import Engine
from notifier.domain.images import HostImages
from notifier.inventory.formats import engine_images as api
from notifier.inventory.formats.probe_images import MOST_IMAGES
from notifier.inventory.formats.shared import image_objects

_LARGEST_LIST = 8 << 20
_FAULTS = (OSError, http.client.HTTPException, ValueError, RecursionError, InventoryError)


@dataclass(slots=True)
class EngineImages:
    """What an engine says of its images. `notes` tell, without the host's name, what is missing."""

    images: HostImages | None = None
    notes: list[str] = field(default_factory=list)


class _Refused(ValueError):
    """Another status than 200."""


def ask(engine: Engine, host: str, architecture: str, held: HeldImages, seconds: float) -> EngineImages:
    """Query the images of an engine; what it refuses, or has no time for, is in the notes.

    An image of which `held` knows the layers is not asked for again, unless it is known for another architecture.
    """
    found = EngineImages()
    connection = engines.connected(engine, seconds)
    try:
        _Question(connection, held, architecture, time.monotonic() + seconds * 0.8, found.notes).ask(host, found)
    finally:
        connection.close()
    return found


@dataclass(frozen=True, slots=True)
class _Question:
    connection: http.client.HTTPConnection
    held: HeldImages
    architecture: str
    until: float
    notes: list[str]

    def ask(self, host: str, found: EngineImages) -> None:
        try:
            running = api.containers(self._get("/containers/json", _LARGEST_LIST))
        except _FAULTS as error:
            self.notes.append(f"what runs by image is not known: {_why(error, '/containers/json')}")
            return
        named = [(c, self._name(c)) for c in running.rows]
        if not all(name for _, name in named):
            self.notes.append("some of its containers run an image whose name is not known")
        containers = [c.inspected(name) for c, name in named if name]
        if running.bad:
            self.notes.append("some of its containers cannot be read")
        try:
            listed = api.images(self._get("/images/json", _LARGEST_LIST))
        except _FAULTS as error:
            self.notes.append(f"its images are not known: {_why(error, '/images/json')}")
        else:
            self._images(api.to_inspect(running.rows, listed.rows))
        uses = image_objects.of_host(host, containers).uses or ()
        found.images = HostImages(host, tuple(replace(u, platform=self.held.platform(u.digest) or "") for u in uses))

    def _name(self, container: api.ListedContainer) -> str:
        """The name that a container was started with; "" where that is not known."""
        if not container.lost_its_name:
            return container.image
        if not container.path or time.monotonic() > self.until:
            return ""
        try:
            return api.name_of(self._get(container.path))
        except _FAULTS:
            return ""  # it may have ended meanwhile

    def _images(self, listed: Sequence[api.ListedImage]) -> None:
        """Keep what the list says of images whose layers are known, and ask for the others."""
        asked = 0
        for one in listed:
            platform = self.held.platform(one.id)
            if platform is not None and self._is_own(platform):
                self._keep(one.held(platform))
                continue
            if asked >= MOST_IMAGES or time.monotonic() > self.until:
                self.notes.append("not all of its images were read; the next collection reads more")
                return
            asked += 1
            try:
                self._keep(api.image(self._get(one.path)) if one.path else None)
            except _Refused as error:
                if error.args[1] != 404:  # one that was removed meanwhile
                    self.notes.append(f"its images are not known: {_why(error, '/images/ID/json')}")
                    return
            except _FAULTS as error:
                self.notes.append(f"not all of its images were read: {_why(error, '/images/ID/json')}")
                return

    def _is_own(self, platform: str) -> bool:
        """Whether the platform is the host's: in containerd's store one id has an image for each."""
        return not self.architecture or platform.split("/")[1:2] == [self.architecture]

    def _keep(self, image: HeldImage | None) -> None:
        if image is not None:
            self.held.add([image])

    def _get(self, path: str, largest: int = 1 << 20) -> str:
        status, body = engines.get(self.connection, path, largest)
        if status != 200:
            raise _Refused(f"the engine answers HTTP {status}", status)
        return body


def _why(error: Exception, path: str) -> str:
    what = error.args[0] if isinstance(error, _Refused) else "its answer cannot be read"
    if isinstance(error, OSError | http.client.HTTPException):
        what = "timed out" if isinstance(error, TimeoutError) else "the connection broke"
    return f"{what} to {path}" if isinstance(error, _Refused) else f"{what} ({path})"
