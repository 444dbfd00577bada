"""What is installed where: components and hosts, as values.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

import msgspec

from feeds.advisories.records import ENGINE, PRODUCTS
from feeds.core.errors import VersionError
from feeds.core.text import few
from feeds.versions.package_channels import STATIC, channel
from feeds.versions.package_versions import distro_in, ecosystem, upstream
from feeds.versions.products import STATIC_ENGINE
from feeds.versions.upstream import is_version, key, read
from notifier.domain.images import HostImages
from notifier.domain.product_names import unknown_product

# Packages that Docker itself builds, and whose numbers therefore are upstream's.
DOCKER_PACKAGES = frozenset(
    {
        "docker-ce",
        "docker-ce-cli",
        "containerd.io",
        "docker-buildx-plugin",
        "docker-compose-plugin",
        "docker-desktop",
        "docker-engine",
        "lxc-docker",
    }
)
# Packages of Docker EE, now Mirantis Container Runtime.
_ENTERPRISE = frozenset({"docker-ee", "docker-ee-cli"})
# For these Docker builds no packages: an engine on them is their own.
_OWN_BUILDS = re.compile(
    r"(?:amzn|sles|sled|sle-micro|sl-micro|opensuse|alpine|arch|azurelinux|balenaos|bottlerocket|cos|flatcar|gentoo|mageia|mariner|nixos|photon"
    r"|talos|windows|wolfi)(?:-|$)"
)
_BUILT_BY_THEM = frozenset({"engine", "cli", "containerd", "runc"})
_STATIC_BUILD = re.compile(r"docker-(?P<version>\d[\w.]*(?:-\w[\w.]*)?)\.tgz")
_LONGEST = 253
_LONGEST_TAG = 500


class Observed(StrEnum):
    """From where somebody looks at a host: which sets of components may differ, and all be true."""

    DECLARED = "declared"
    """What a person says: CSV and rows of our own."""
    INSTALLED = "installed"
    """What a package list or an SBOM says."""
    RUNNING = "running"
    """Reported by a running daemon."""


class Component(msgspec.Struct, frozen=True, order=True):
    """One product on a host: its version, the package it came in, and the host's distribution.

    `package` is "NAME VERSION" as the package manager tells it, or ""; `distro` is os-release's
    ID-VERSION_ID (`debian-12`), or "".  Verdicts are made for distinct components, never for hosts.
    """

    product: str
    version: str
    package: str = ""
    distro: str = ""

    @property
    def package_name(self) -> str:
        """The package's name, or ""."""
        return self.package.partition(" ")[0]

    @property
    def package_version(self) -> str:
        """The package's version, or ""."""
        return self.package.partition(" ")[2]

    @property
    def ecosystem(self) -> str:
        """What OSV calls the distribution that built it; "" if that is unknown."""
        return ecosystem(self.distro or distro_in(self.package_version or self.version))

    @property
    def channel(self) -> str:
        """The channel of download.docker.com that its upgrade comes from; "" for other people's builds, and unknown.

        Without a package and a distribution it is the static builds', which run everywhere.
        """
        if self.static:
            return STATIC
        if self.rebuilt or self.product == "desktop":
            return ""
        if not self.package and not self.distro:
            return STATIC
        return channel(self.distro, self.package_version)

    @property
    def static(self) -> bool:
        """Whether it is an engine of Docker's static builds: its package is the file (`docker-29.3.0.tgz`)."""
        return self.product == ENGINE and _STATIC_BUILD.fullmatch(self.package) is not None

    @property
    def judged_as(self) -> str:
        """What it is judged as: its product, or an engine that brings its own runc and containerd."""
        return STATIC_ENGINE if self.static else self.product

    @property
    def rebuilt(self) -> bool:
        """Whether somebody other than the project built it: then backports may make its number lie."""
        if self.other_numbers:
            return True
        if self.package:
            return self.package_name not in DOCKER_PACKAGES and not self.static
        if self.product in _BUILT_BY_THEM and _OWN_BUILDS.match(self.distro):
            return True
        # Docker left -ce away from 18.09 on; SUSE and Amazon did not
        edition = is_version(self.version) and read(self.version).edition == "ce" and key(self.version) >= key("18.09")
        return edition or re.search(r"[+~](?:dfsg|ds|azure|deb|ubuntu)|ubuntu|-k3s", self.version) is not None

    @property
    def other_numbers(self) -> str:
        """Who gives it numbers of their own, so that what is said of the project's says nothing of it; "" mostly."""
        if self.product not in _BUILT_BY_THEM or self.package_name in DOCKER_PACKAGES:
            return ""
        version = read(self.version) if is_version(self.version) else None
        if self.package_name in _ENTERPRISE or (
            version and (version.edition in ("ee", "cs") or re.fullmatch(r"m\d+", version.build))
        ):
            return "Mirantis Container Runtime (once Docker EE)"
        if self.distro.startswith("balenaos") and self.product == "engine":
            return "balenaEngine"
        return "a build for Windows Server" if self.distro.startswith("windows") else ""


@dataclass(frozen=True, slots=True)
class Host:
    """A host as an inventory names it, in one view. What a file says in two views is two hosts of one name."""

    name: str
    components: tuple[Component, ...]
    tags: dict[str, str] = field(default_factory=dict)
    view: Observed = Observed.DECLARED
    identity: str = ""
    """KIND:ID, where the kind is `engine`, `machine` or `node`. Two ids of a kind are two hosts, even with one name."""


@dataclass(frozen=True, slots=True)
class Bare:
    """A host whose complete list of packages has none of a product."""

    name: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be read: where it stands, and why."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """A message that is not an error, such as what a file holds that is not an engine, and why."""

    text: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What a reader leaves out by its rules, and why. Shown by `inventory import --explain` only."""

    what: str
    reason: str


Found = Host | Bare | HostImages | BadRow | Note | LeftOut
"""What comes out of an inventory file, in its order."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What an inventory file holds: hosts, the rows that could not be read, and notes worth telling."""

    hosts: tuple[Host, ...]
    bad: tuple[BadRow, ...] = ()
    notes: tuple[str, ...] = ()
    images: tuple[HostImages, ...] = ()


class Tally:
    """Names by what is to be said of them all: a note for each, and not one for each name."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}
        self._counts: dict[str, int] = {}

    def add(self, said: str, name: str) -> None:
        """One more of whom it is to be said."""
        self._counts[said] = self._counts.get(said, 0) + 1
        names = self._names.setdefault(said, [])
        if len(names) < 3:
            names.append(name[:60])

    def notes(self) -> Iterable[Note]:
        """A note for each thing to be said, with a few of the names."""
        for said, count in self._counts.items():
            names = self._names[said]
            yield Note(f"{said} ({few(names, len(names), count)})")


def gathered(found: Iterable[Found]) -> Inventory:
    """All that a file holds: hosts of one name and view joined, in the order in which they first come."""
    hosts: dict[tuple[str, Observed, str], tuple[dict[Component, None], dict[str, str]]] = {}
    bad: list[BadRow] = []
    notes: dict[str, None] = {}
    images: list[HostImages] = []
    for one in found:
        if isinstance(one, HostImages):
            images.append(one)
        elif isinstance(one, Host):
            components, tags = hosts.setdefault((one.name, one.view, one.identity), ({}, {}))
            components.update(dict.fromkeys(one.components))
            tags.update(one.tags)
        elif isinstance(one, BadRow):
            bad.append(one)
        elif isinstance(one, Note):
            notes[one.text] = None
    joined = tuple(Host(n, tuple(c), t, v, i) for (n, v, i), (c, t) in hosts.items())
    return Inventory(joined, tuple(bad), tuple(notes), tuple(images))


@lru_cache(maxsize=1 << 16)
def component(product: str, version: str, package: str = "", distro: str = "") -> Component:
    """A component, checked; VersionError or ValueError says what is wrong with the row.

    The version of a component that came in a package may be left out: it is then the package's.
    """
    product = product.strip().lower()
    if product not in PRODUCTS:
        raise ValueError(f"the product {unknown_product(product)}" if product else "the product is missing")
    package, distro = " ".join(package.split()), distro.strip().lower()
    for name, text in (("package", package), ("distribution", distro)):
        if len(text) > _LONGEST or not text.isprintable():
            raise ValueError(f"the {name} {text[:60]!r} is too long or contains unprintable characters")
    file = _STATIC_BUILD.fullmatch(package)
    version = version.strip() or (file["version"] if file else upstream(package.partition(" ")[2]))
    if not version:
        raise VersionError("the version is missing")
    read(version)
    return Component(product, re.sub(r"^(?:docker://)?v(?=\d)|^docker://", "", version), package, distro)


def host_name(text: str) -> str:
    """A host's name, checked; ValueError says what is wrong with it."""
    name = text.strip()
    if not name:
        raise ValueError("the host is missing")
    if len(name) > _LONGEST or not name.isprintable():
        raise ValueError(f"the host {name[:60]!r} is too long or contains unprintable characters")
    return name


def parse_tags(text: str) -> dict[str, str]:
    """Tags as they stand in a cell: `env=prod;team=web`. ValueError if a part has no `=`."""
    tags = {}
    for part in re.split(r"[;,]", text):
        if not part.strip():
            continue
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"the tag {part.strip()[:60]!r} is not of the form name=value")
        if not part.strip().isprintable() or len(part) > _LONGEST_TAG:
            raise ValueError(f"the tag {part.strip()[:60]!r} is too long or contains unprintable characters")
        tags[name.strip()] = value.strip()
    return tags
