"""Package URLs, by which other tools identify components.  Pure.

A package is named as its distribution names it (`pkg:deb/debian/docker.io@...?distro=debian-12`), an
upstream release by its repository and tag (`pkg:github/moby/moby@v28.0.1`), Docker Desktop, which has
neither, generically.
"""

from __future__ import annotations

import re

from packageurl import PackageURL

from feeds.advisories.records import ENGINE
from feeds.versions.package_versions import distro_in
from feeds.versions.upstream import key
from notifier.domain.components import Component

_REPOSITORIES = {
    "engine": "moby/moby",
    "cli": "docker/cli",
    "containerd": "containerd/containerd",
    "runc": "opencontainers/runc",
    "buildkit": "moby/buildkit",
    "buildx": "docker/buildx",
    "compose": "docker/compose",
}
_BUNDLES = {"containerd.io": "containerd", "docker-desktop": "desktop"}
"""Packages that contain several products, and the product whose version they have."""
_KINDS = {
    "deb": ("debian", "ubuntu", "raspbian", "linuxmint"),
    "rpm": (
        *("rhel", "centos", "rocky", "almalinux", "fedora", "ol", "amzn", "sles", "opensuse", "opensuse-leap"),
        *("opensuse-tumbleweed", "mageia", "photon", "azurelinux", "mariner", "openeuler"),
    ),
    "apk": ("alpine", "wolfi", "chainguard"),
}
_KIND_OF = {vendor: kind for kind, vendors in _KINDS.items() for vendor in vendors}
_SIGNS = (
    (re.compile(r"~(?:debian|ubuntu)|\+deb\d|ubuntu\d"), "deb"),
    (re.compile(r"\.(?:el|fc|amzn)\d+"), "rpm"),
    (re.compile(r"-r\d+$"), "apk"),
)
"""Version patterns that show the package type if the distribution is unknown."""
_NAMESPACES = {"rhel": "redhat", "opensuse-leap": "opensuse", "opensuse-tumbleweed": "opensuse"}


def purls(component: Component) -> tuple[str, str]:
    """The package URL of a component's package, and of the software meant within it; "" if both are the same."""
    release = _release(component.product, component.version)
    if not component.package or component.static:
        return release, ""
    package = _package(component)
    main = _BUNDLES.get(component.package_name)
    return package, release if main and main != component.product else ""


def _release(product: str, version: str) -> str:
    repository = _REPOSITORIES.get(product)
    if repository is None:
        return PackageURL("generic", None, f"docker-{product}", version).to_string()
    namespace, _, name = repository.partition("/")
    return PackageURL("github", namespace, name, _tag(product, version)).to_string()


def _tag(product: str, version: str) -> str:
    """The git tag of a release: `v28.5.2`, and for the engine from 29 on `docker-v29.0.0`."""
    return f"docker-v{version}" if product == ENGINE and key(version) >= key("29.0.0") else f"v{version}"


def _package(component: Component) -> str:
    version = component.package_version or component.version
    distro = component.distro or distro_in(version)
    vendor = distro if distro in _KIND_OF else distro.rpartition("-")[0]
    kind = _KIND_OF.get(vendor) or next((k for sign, k in _SIGNS if sign.search(version)), "generic")
    namespace = _NAMESPACES.get(vendor, vendor) or ("debian" if kind == "deb" else None)
    qualifiers = {"distro": distro} if distro else {}
    if kind == "rpm" and ":" in version:
        qualifiers["epoch"], _, version = version.partition(":")
    return PackageURL(kind, namespace, component.package_name, version, qualifiers or None).to_string()
