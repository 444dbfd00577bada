"""What an engine's API lists of containers and images. Pure.

Only the fields that are named here are decoded: never a command, an environment or a label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from feeds.images.records import HeldImage
from feeds.images.references import digest
from notifier.inventory.formats.shared import image_objects

_ID = re.compile(r"[0-9a-f]{12,64}")


class ListedContainer(msgspec.Struct, frozen=True, rename="pascal"):
    """A container of `/containers/json`."""

    id: str
    image: str
    """The name that it was started with, or the image's id where the name is another image's by now."""
    image_id: str = msgspec.field(name="ImageID")

    @property
    def lost_its_name(self) -> bool:
        """Whether the list says the image's id instead of the name."""
        return image_objects.is_id(self.image, self.image_id)

    @property
    def path(self) -> str:
        """Where the engine describes it; "" where its id is none."""
        return f"/containers/{self.id}/json" if _ID.fullmatch(self.id) else ""

    def inspected(self, name: str) -> dict[str, Any]:
        """The same as `docker container inspect` has it, by the name that it was started with."""
        return {"Id": self.id, "Image": self.image_id, "Config": {"Image": name}}


class ListedImage(msgspec.Struct, frozen=True, rename="pascal"):
    """An image of `/images/json`, or one that runs and is not listed there."""

    id: str
    repo_tags: list[str] | None = None
    repo_digests: list[str] | None = None

    @property
    def path(self) -> str:
        """Where the engine describes it; "" where its id is none."""
        found = digest(self.id)
        return f"/images/{found}/json" if found else ""

    def held(self, platform: str) -> HeldImage | None:
        """The image without layers: they are known."""
        system, architecture, variant = [*platform.split("/", 2), "", ""][:3]
        known = {"Os": system, "Architecture": architecture, "Variant": variant, "RootFS": {}}
        names = {"RepoTags": self.repo_tags or [], "RepoDigests": self.repo_digests or []}
        return image_objects.held_image({"Id": self.id, **known, **names})


class _RootFs(msgspec.Struct, frozen=True, rename="pascal"):
    layers: list[str] | None = None


class _InspectedImage(ListedImage, frozen=True, rename="pascal"):
    os: str | None = None
    architecture: str | None = None
    variant: str | None = None
    created: str | None = None
    root_fs: _RootFs = msgspec.field(name="RootFS", default=_RootFs())


class _ContainerConfig(msgspec.Struct, frozen=True, rename="pascal"):
    image: str = ""


class _InspectedContainer(msgspec.Struct, frozen=True, rename="pascal"):
    config: _ContainerConfig


class Listed(NamedTuple):
    """Rows of a list; `bad` counts those that could not be read."""

    rows: list[Any]
    bad: int


def containers(text: str) -> Listed:
    """The containers of `/containers/json`; ValueError where it is no list."""
    return _rows(text, ListedContainer)


def images(text: str) -> Listed:
    """The images of `/images/json`; ValueError where it is no list."""
    return _rows(text, ListedImage)


def _rows(text: str, kind: type[Any]) -> Listed:
    rows, bad = [], 0
    for raw in msgspec.json.decode(text, type=list[msgspec.Raw] | None) or ():
        try:
            rows.append(msgspec.json.decode(raw, type=kind))
        except (msgspec.DecodeError, RecursionError):
            bad += 1
    return Listed(rows, bad)


def name_of(text: str) -> str:
    """The name that a container was started with, from `/containers/ID/json`; ValueError where it cannot be read."""
    return msgspec.json.decode(text, type=_InspectedContainer).config.image


def image(text: str) -> HeldImage | None:
    """The image of `/images/ID/json`; ValueError where it cannot be read."""
    said = msgspec.json.decode(text, type=_InspectedImage)
    names = {"RepoTags": said.repo_tags or [], "RepoDigests": said.repo_digests or []}
    fields = {"Os": said.os, "Architecture": said.architecture, "Variant": said.variant, "Created": said.created}
    return image_objects.held_image({"Id": said.id, **names, **fields, "RootFS": {"Layers": said.root_fs.layers or []}})


def to_inspect(running: Iterable[ListedContainer], listed: Iterable[ListedImage]) -> list[ListedImage]:
    """Every image of a host once, those that run first."""
    by_id = {one.id: one for one in listed}
    used = {c.image_id: by_id.get(c.image_id) or ListedImage(c.image_id) for c in running}
    return list((used | by_id).values())
