"""One name that runs as several images on a fleet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from feeds.images.references import Reference
from notifier.images.catalogue import ImageCatalogue


@dataclass(frozen=True, slots=True)
class RunningImage:
    """What runs under a name: an image by the digest that the hosts report, on how many of them, since when."""

    name: Reference
    digest: str
    platform: str
    hosts: int
    since: datetime
    """When the first of these hosts was seen to run it."""


@dataclass(frozen=True, slots=True)
class Split:
    """A name that runs as several images: (image, hosts), the one on most hosts first."""

    name: Reference
    platform: str
    images: tuple[tuple[str, int], ...]
    since: datetime
    """When the second image appeared."""


def splits(
    catalogue: ImageCatalogue, running: Iterable[RunningImage], now: datetime, lasting: timedelta
) -> list[Split]:
    """The names that have run as several images for at least `lasting`; an update under way is shorter than that.

    Images with the same layers count as one, and each platform counts by itself.
    """
    found: dict[tuple[Reference, str], dict[object, list[tuple[str, RunningImage]]]] = {}
    for one in running:
        config = catalogue.resolve(one.digest, one.platform).config
        if not config or not one.name.tag:
            continue
        platform = catalogue.images[config].platform
        same: object = catalogue.chain[config] or config
        found.setdefault((one.name, platform), {}).setdefault(same, []).append((config, one))
    result = []
    for (name, platform), groups in found.items():
        began = sorted(min(r.since for _, r in group) for group in groups.values())
        if len(groups) < 2 or now - began[1] < lasting:
            continue
        counted = [(min(c for c, _ in group), sum(r.hosts for _, r in group)) for group in groups.values()]
        result.append(Split(name, platform, tuple(sorted(counted, key=lambda g: (-g[1], g[0]))), began[1]))
    return sorted(result, key=lambda s: (s.name, s.platform))
