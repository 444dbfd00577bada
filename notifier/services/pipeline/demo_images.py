"""The images of the demo: a registry's documents made of a short description, and which hosts run what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from notifier.config import ImageSettings
from notifier.domain.images import HostImages, ImageUse

_BASE = "org.opencontainers.image.base"


class _Image(msgspec.Struct, frozen=True, rename="kebab"):
    name: str
    layers: tuple[str, ...]
    day_2: tuple[str, ...] = ()
    on: str = ""
    steps: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


class _Description(msgspec.Struct, frozen=True):
    registry: str
    image: tuple[_Image, ...]


@dataclass(frozen=True, slots=True)
class DemoImages:
    """The registry of the demo on one day: its documents by their paths in a mirror, and the digest of each tag."""

    registry: str
    files: Mapping[str, bytes]
    digests: Mapping[str, str]
    hosts: Mapping[str, tuple[str, ...]]

    @property
    def settings(self) -> ImageSettings:
        """The configuration that asks this registry."""
        return ImageSettings(registries=(self.registry,), own=(f"{self.registry}/**",))

    @property
    def running(self) -> list[HostImages]:
        """What the hosts run."""
        uses: dict[str, list[ImageUse]] = {}
        for name, hosts in self.hosts.items():
            for host in hosts:
                uses.setdefault(host, []).append(ImageUse(f"{self.registry}/{name}", self.digests[name]))
        return [HostImages(host, tuple(of)) for host, of in uses.items()]

    def write(self, folder: Path) -> Path:
        """Write the documents below a folder that a mirror can serve."""
        for path, body in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(body)
        return folder


def images(description: bytes, day: int) -> DemoImages:
    """The registry of a day (1 or 2)."""
    read = msgspec.toml.decode(description, type=_Description)
    files: dict[str, bytes] = {}
    digests: dict[str, str] = {}
    before: dict[str, str] = {}
    for one in read.image:
        built = _documents(one, one.layers, read.registry, before)
        before[one.name] = digests[one.name] = next(iter(built))
        if day > 1 and one.day_2:
            built |= (moved := _documents(one, one.day_2, read.registry, before))
            digests[one.name] = next(iter(moved))
        repository, _, tag = one.name.partition(":")
        place = f"{read.registry}/v2/{repository}"
        for own, (kind, body) in built.items():
            files[f"{place}/{kind}/{own}.json"] = body
        files[f"{place}/manifests/{tag}.json"] = built[digests[one.name]][1]
    return DemoImages(read.registry, files, digests, {i.name: i.hosts for i in read.image if i.hosts})


def _documents(
    one: _Image, layers: tuple[str, ...], registry: str, before: Mapping[str, str]
) -> dict[str, tuple[str, bytes]]:
    """The manifest of an image, then its config, each by its digest with its kind."""
    steps = one.steps or tuple(f"COPY {layer} /" for layer in layers)
    config = _json(
        {
            "os": "linux",
            "architecture": "amd64",
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer.encode()) for layer in layers]},
            "history": [{"created_by": step} for step in steps],
        }
    )
    notes = {f"{_BASE}.name": f"{registry}/{one.on}", f"{_BASE}.digest": before[one.on]} if one.on else {}
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"digest": _digest(config)},
            "layers": [{"digest": _digest(f"{layer}.tar.gz".encode())} for layer in layers],
            "annotations": notes,
        }
    )
    return dict(_by_digest((("manifests", manifest), ("blobs", config))))


def _by_digest(documents: tuple[tuple[str, bytes], ...]) -> Iterator[tuple[str, tuple[str, bytes]]]:
    for kind, body in documents:
        yield _digest(body), (kind, body)


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
