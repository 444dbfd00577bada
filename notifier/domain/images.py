"""What runs on a host, by image. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from feeds.images.records import HeldImage


@dataclass(frozen=True, slots=True, order=True)
class ImageUse:
    """An image as containers run it."""

    name: str
    """The name that it was asked by, in its normal form: `docker.io/library/nginx:1.27`."""
    digest: str
    """Of its config, manifest or index, as the engine or Kubernetes says it."""
    platform: str = ""


@dataclass(frozen=True, slots=True)
class HostImages:
    """What an input says of the images of one host."""

    name: str
    """Of the host; "" if the input does not say it."""
    uses: tuple[ImageUse, ...] | None = None
    """What runs; None if the input says only what is there."""
    held: tuple[HeldImage, ...] = ()
