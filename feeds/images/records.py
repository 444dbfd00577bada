"""What a registry publishes of images, as values."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import msgspec

from feeds.images.release_lines import Cycle


class BuildStep(StrEnum):
    """What one instruction of a build did, as far as lineage needs to know it."""

    COPY = "c"
    """COPY, ADD or WORKDIR: files that do not depend on what stands below."""
    PACKAGE = "p"
    """RUN with a package manager."""
    RUN = "r"
    """Any other RUN, and what is not understood."""
    META = "m"
    """No layer: ENV, LABEL, CMD and their like."""


class MemberRole(StrEnum):
    """What a member of an index is."""

    IMAGE = "image"
    ATTESTATION = "attestation"


@dataclass(frozen=True, slots=True)
class Image:
    """An image: one config, one platform, one chain of layers."""

    config: str
    """The digest of the config; it identifies the image."""
    platform: str
    """`linux/amd64`, `linux/arm/v7`; "" if it is not known."""
    layers: tuple[str, ...]
    """diff_ids from the bottom up."""
    steps: str = ""
    """One letter of `BuildStep` each; "" if the history is missing or does not agree with the layers."""
    env: tuple[tuple[str, str], ...] = ()
    """Names of variables, each with a hash of its value. Values are not kept: they may be secrets."""
    created: datetime | None = None
    rebasable: bool | None = None
    """The label `io.buildpacks.rebasable`."""
    run_image: str = ""
    """The reference of a buildpack's run image."""
    run_image_top: str = ""
    """The diff_id of the run image's last layer."""


@dataclass(frozen=True, slots=True)
class ImageManifest:
    """The manifest of one image of one platform."""

    digest: str
    config: str
    blobs: tuple[str, ...]
    """Digests of the layers as they are stored, from the bottom up: the same layer compressed otherwise has another."""
    base_name: str = ""
    base_digest: str = ""
    kind: MemberRole = MemberRole.IMAGE
    statements: tuple[str, ...] = ()
    """Of an attestation: the digests of its provenance statements."""


@dataclass(frozen=True, slots=True)
class IndexMember:
    """An entry of an index."""

    manifest: str
    platform: str
    role: MemberRole
    about: str = ""
    """Of an attestation: the manifest that it speaks of."""


@dataclass(frozen=True, slots=True)
class ImageIndex:
    """An index (or manifest list): one manifest for each platform, and attestations."""

    digest: str
    members: tuple[IndexMember, ...]
    base_name: str = ""
    base_digest: str = ""

    def of(self, platform: str) -> str:
        """The manifest of a platform, or of the only one; "" if neither is there."""
        images = [m for m in self.members if m.role is MemberRole.IMAGE]
        exact = [m.manifest for m in images if same_platform(m.platform, platform)]
        if exact:
            return exact[0]
        return images[0].manifest if len(images) == 1 else ""


@dataclass(frozen=True, slots=True)
class HeldImage:
    """An image as an engine holds it."""

    key: str
    """The engine's id: the digest of the config or, in containerd's image store, of the manifest or index."""
    platform: str
    layers: tuple[str, ...]
    """diff_ids from the bottom up; empty where the engine does not say."""
    tags: tuple[str, ...] = ()
    """`registry/repository:tag`."""
    digests: tuple[str, ...] = ()
    """`registry/repository@digest`. No proof that a registry has it."""
    created: datetime | None = None

    @property
    def by_config(self) -> bool:
        """Whether the id is the config's digest: in containerd's store it is one of the repository digests."""
        return not any(one.endswith(f"@{self.key}") for one in self.digests)


def joined(one: HeldImage, other: HeldImage) -> HeldImage:
    """Two descriptions of one image as one: the first that has layers, with the names of both."""
    first = one if one.layers or not other.layers else other
    tags, digests = dict.fromkeys((*one.tags, *other.tags)), dict.fromkeys((*one.digests, *other.digests))
    return replace(first, tags=tuple(tags), digests=tuple(digests))


@dataclass(frozen=True, slots=True)
class Material:
    """An image that a build used, by its provenance."""

    uri: str
    digest: str


class TagAnswer(msgspec.Struct, frozen=True):
    """What a tag names."""

    reference: str
    digest: str


class RegistryItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a registry said; exactly one of the fields is set."""

    key: str
    tag: TagAnswer | None = None
    manifest: ImageManifest | None = None
    index: ImageIndex | None = None
    image: Image | None = None
    materials: tuple[Material, ...] | None = None
    """Of the manifest that `key` names."""
    tags: tuple[str, ...] | None = None
    """Of the repository that `key` names."""
    cycles: tuple[Cycle, ...] | None = None
    """Release lines of the product that `key` names."""


def same_platform(one: str, other: str) -> bool:
    """Whether two platforms are the same; arm64 is arm64/v8, and amd64 is amd64/v1.

    >>> same_platform("linux/arm64", "linux/arm64/v8"), same_platform("linux/arm/v6", "linux/arm/v7")
    (True, False)
    """
    return bool(one) and _plain(one) == _plain(other)


def platform(system: str, architecture: str, variant: str = "") -> str:
    """A platform as containerd writes it; "" if it is not known."""
    names = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armhf": "arm", "i386": "386"}
    system, architecture = system.strip().lower() or "linux", architecture.strip().lower()
    architecture = names.get(architecture, architecture)
    if not architecture or "unknown" in (system, architecture):
        return ""
    if not all(re.fullmatch(r"[a-z0-9._-]{1,32}", part) for part in (system, architecture, variant.lower() or "x")):
        return ""
    return f"{system}/{architecture}" + (f"/{variant.lower()}" if variant else "")


def _plain(text: str) -> str:
    return (
        text.removesuffix("/v8")
        if text.endswith("arm64/v8")
        else text.removesuffix("amd64/v1") + "amd64" * text.endswith("amd64/v1")
    )


_NOP = re.compile(r"^(?:/bin/sh -c |\|\d+ .*?/bin/sh -c )?#\(nop\)\s*(\w+)", re.DOTALL)
_PACKAGES = re.compile(
    r"(?<![\w-])(?:apt|apt-get|aptitude|apk|dpkg|dnf|microdnf|tdnf|yum|rpm|zypper|pacman|emerge|opkg|xbps-install)(?![\w-])"
)
_COPIES = {"COPY", "ADD", "WORKDIR"}


def steps(history: Iterable[tuple[str, bool]], layers: int) -> str:
    r"""The steps of a history of (created_by, empty_layer); "" if it does not account for every layer.

    >>> steps([("/bin/sh -c #(nop) ADD file:1 in / ", False), ("/bin/sh -c #(nop)  CMD [\"sh\"]", True)], 1)
    'cm'
    >>> steps([("RUN /bin/sh -c apt-get install -y curl # buildkit", False), ("COPY a /a # buildkit", False)], 2)
    'pc'
    """
    found = [(BuildStep.META if empty else _step(by)) for by, empty in history]
    return "".join(found) if sum(s is not BuildStep.META for s in found) == layers else ""


def _step(created_by: str) -> BuildStep:
    classic = _NOP.match(created_by)
    word = classic[1] if classic else created_by.strip().partition(" ")[0]
    if word.upper() in _COPIES:
        return BuildStep.COPY
    return BuildStep.PACKAGE if _PACKAGES.search(created_by) else BuildStep.RUN


def env(entries: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Names of variables with a hash of their values, by name."""
    pairs = dict(entry.partition("=")[::2] for entry in entries if "=" in entry)
    return tuple(
        sorted((name, hashlib.sha256(value.encode()).hexdigest()[:16]) for name, value in pairs.items() if name)
    )
