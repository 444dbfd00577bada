"""What is installed where: components and hosts, as values.  Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from feeds.advisory import PRODUCTS
from feeds.errors import VersionError
from feeds.packages import distro_in, ecosystem
from feeds.versions import read

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
    }
)


class View(StrEnum):
    """How an inventory knows of a component: by a person's word, a package manager's, or the daemon's own."""

    DECLARED = "declared"
    INSTALLED = "installed"
    RUNNING = "running"


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
        """What OSV calls the distribution that built it; "" where that is not known."""
        return ecosystem(self.distro or distro_in(self.package_version or self.version))

    @property
    def rebuilt(self) -> bool:
        """Whether somebody other than the project built it: then backports may make its number lie."""
        if self.package:
            return self.package_name not in DOCKER_PACKAGES
        return re.search(r"[+~](?:dfsg|ds|azure|deb|ubuntu)|ubuntu", self.version) is not None


@dataclass(frozen=True, slots=True)
class Host:
    """A host as an inventory names it."""

    name: str
    components: tuple[Component, ...]
    tags: dict[str, str] = field(default_factory=dict)
    view: View = View.DECLARED


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be taken: where it stands, and why."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """What an inventory file holds: hosts, the rows that could not be read, and notes worth telling."""

    hosts: tuple[Host, ...]
    bad: tuple[BadRow, ...] = ()
    notes: tuple[str, ...] = ()


def component(product: str, version: str, package: str = "", distro: str = "") -> Component:
    """A component, checked; VersionError or ValueError says what is wrong with the row.

    The version of a component that came in a package may be left out: it is then the package's.
    """
    product = product.strip().lower()
    if product not in PRODUCTS:
        raise ValueError(f"the product {product!r} is none of {', '.join(PRODUCTS)}")
    package, distro = " ".join(package.split()), distro.strip().lower()
    version = version.strip() or upstream(package.partition(" ")[2])
    if not version:
        raise VersionError("the version is missing")
    read(version)
    return Component(product, re.sub(r"^(?:docker://)?v(?=\d)|^docker://", "", version), package, distro)


def upstream(package_version: str) -> str:
    """The upstream version in a package's: without epoch and revision.

    >>> upstream("5:29.1.3-1~debian.12~bookworm"), upstream("20.10.24+dfsg1-1+deb12u1+b6")
    ('29.1.3', '20.10.24+dfsg1')
    """
    version = re.sub(r"^\d+:", "", package_version.strip())
    head, dash, revision = version.rpartition("-")
    return head if dash and revision[:1].isdigit() else version


def parse_tags(text: str) -> dict[str, str]:
    """Tags as they stand in a cell: `env=prod;team=web`. ValueError where a part has no `=`."""
    tags = {}
    for part in re.split(r"[;,]", text):
        if not part.strip():
            continue
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"the tag {part.strip()!r} is not of the form name=value")
        tags[name.strip()] = value.strip()
    return tags
