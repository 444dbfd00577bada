"""Everything that is known of images, as one value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from feeds.images.image_tags import TagState
from feeds.images.layers import Chains
from feeds.images.records import Image, ImageIndex, ImageManifest, Material
from feeds.images.release_lines import Cycle


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What was read of images in registries and reported by hosts, by digest."""

    images: Mapping[str, Image] = field(default_factory=dict)
    """By the digest of their config; an image whose config is not known, by the digest that an engine gave it."""
    manifests: Mapping[str, ImageManifest] = field(default_factory=dict)
    indexes: Mapping[str, ImageIndex] = field(default_factory=dict)
    materials: Mapping[str, tuple[Material, ...]] = field(default_factory=dict)
    """By the manifest of the image that was built of them."""
    tags: Mapping[str, TagState] = field(default_factory=dict)
    """By `registry/repository:tag`."""
    aliases: Iterable[tuple[str, str, str]] = ()
    """(digest, platform, image): a digest under which an engine holds an image."""
    names: Mapping[str, Iterable[str]] = field(default_factory=dict)
    """By image: the names under which hosts hold it, with a tag or without."""
    chains: Chains = field(default_factory=Chains)
    chain: Mapping[str, int] = field(default_factory=dict)
    """By image: its chain. One that is missing is made of the image's layers."""
    cycles: Mapping[str, tuple[Cycle, ...]] = field(default_factory=dict)
    """By product of endoflife.date."""
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By repository: the tags that its registry lists."""
