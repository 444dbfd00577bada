"""What Syft's own JSON and CycloneDX have in common: packages by their purl, and whom they describe.  Pure.

Only packages of a package manager count.  A Go module `github.com/docker/docker` is a library that some
program was built with, and no engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from packageurl import PackageURL

from feeds.core.errors import InventoryError
from feeds.versions.products import of_module
from notifier.domain.components import Component, Found, Host, Note, Observed
from notifier.inventory.formats.shared.distributions import of_id
from notifier.inventory.formats.shared.installed_packages import Package, components, interesting, left_out, named
from notifier.inventory.text import word

_KINDS = ("deb", "rpm", "apk", "golang")


class Purl(NamedTuple):
    """A package URL: its type, its name (with the namespace of a Go module), version, and distribution."""

    kind: str
    name: str
    version: str
    distro: str


@lru_cache(maxsize=1 << 12)  # the hosts of a fleet have the same few
def purl(text: str) -> Purl | None:
    """A package URL of a type that is read here.

    >>> purl("pkg:rpm/fedora/moby-engine@27.3.1-1.fc41?arch=x86_64&epoch=2&distro=fedora-41")
    Purl(kind='rpm', name='moby-engine', version='2:27.3.1-1.fc41', distro='fedora-41')
    """
    try:
        read = PackageURL.from_string(text)
    except ValueError:
        return None
    if read.type not in _KINDS:
        return None
    qualifiers, version = dict(read.qualifiers), read.version or ""
    name = f"{read.namespace}/{read.name}" if read.type == "golang" and read.namespace else read.name
    epoch = qualifiers.get("epoch", "")
    if read.type == "rpm" and epoch.isdigit() and epoch != "0" and ":" not in version:
        version = f"{epoch}:{version}"
    system, _, release = qualifiers.get("distro", "").rpartition("-")
    return Purl(read.type, name, version, of_id(system, release))


def hosts(
    entries: Iterable[tuple[str, Any]], host: str, described: str, distro: str = "", image: str = ""
) -> Iterator[Found]:
    """The host of an SBOM's entries, each (place, object with `name`, `version` and `purl`).

    `described` is what the SBOM says that it is of; it names the host where it can be a host's name. An
    image is none: it is only read under a name that was given.
    """
    packages: list[Package] = []
    modules: dict[str, None] = {}
    others = 0
    for where, entry in entries:
        url = purl(word(entry, "purl")[:2000])
        if url is None:
            others += 1
            continue
        if url.kind == "golang":
            if of_module(url.name):
                modules[url.name] = None
            others += 1
        elif interesting(url.name, url.kind):
            version = word(entry, "version") if url.kind == "rpm" and ":" in word(entry, "version") else url.version
            packages.append(Package(where, url.name, version or word(entry, "version"), url.kind, url.distro))
        else:
            others += 1
    found, bad = components(packages, distro)
    yield from bad
    yield from left_out(others)
    if found:
        yield _host(tuple(found), host, described, image)
        return
    for name in list(modules)[:5]:
        yield Note(f"{name[:100]} is a library in a program, not an engine")
    if not bad:
        yield Note("no package in it is an engine or one of its parts")


def _host(found: tuple[Component, ...], host: str, described: str, image: str) -> Host:
    if host.strip():
        return Host(named(host, "the SBOM"), found, view=Observed.INSTALLED)
    if image:
        raise InventoryError(
            f"it describes the container image {image[:100]!r}, which is not a host",
            remedy="To import it as a host, use --host NAME",
        )
    if not re.fullmatch(r"(?=[A-Za-z0-9.-]*[A-Za-z0-9])[A-Za-z0-9][A-Za-z0-9._-]*", described):
        described = ""
    return Host(named(described, "the SBOM"), found, view=Observed.INSTALLED)
