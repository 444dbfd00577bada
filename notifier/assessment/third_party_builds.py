"""What can be said of somebody else's build of a version.  Pure."""

from __future__ import annotations

from dataclasses import replace

from feeds.advisories.records import ENGINE
from feeds.verdicts.weighing import Status, Verdict
from feeds.versions.package_versions import is_version
from notifier.domain.components import Component


def rebuilt(verdict: Verdict, component: Component) -> Verdict:
    """What upstream's verdict says of somebody else's build of that version."""
    build = component.package or f"{component.product} {component.version}"
    if verdict.status is Status.UNKNOWN:
        return verdict
    if verdict.status is Status.NOT_AFFECTED:
        return replace(verdict, reason=f"{verdict.reason}; {build} is built from that version")
    reason = (
        f"upstream's {component.version} is {verdict.status.value}, {verdict.reason}, but {build} is a distribution's "
        f"build that may contain the fix; {_missing(component)}"
    )
    return Verdict(Status.UNKNOWN, reason, verdict.source)


def numbered_otherwise(component: Component) -> Verdict:
    """Of a build with numbers of its own, not even that upstream's number is safe says anything."""
    build = component.package or f"{component.product} {component.version}"
    if component.distro.startswith("windows") and not component.package:
        missing = "its vendor is not known"
        missing += "; import the platform that `docker version` reports" if component.product == ENGINE else ""
    else:
        missing = "the vendor's own advisories decide, and Navtex has no source of them"
    return Verdict(
        Status.UNKNOWN,
        f"{build} is {component.other_numbers}, whose version numbers can differ from upstream's; {missing}",
    )


def _missing(component: Component) -> str:
    """What it would take to decide about a distribution's build."""
    if not component.package and not component.distro:
        return "to decide, import its package name and version, and its distribution"
    if not component.distro and not component.ecosystem:
        return "to decide, import its distribution (ID-VERSION_ID of os-release, as `distro`)"
    if not component.ecosystem:
        return f"Navtex has no source of security records of {component.distro}"
    if not component.package:
        return f"to decide, import the name and version of its package as {component.ecosystem} writes them"
    if not is_version(component.package_version, component.ecosystem):
        given = f" ({component.package_version!r} is not one)" if component.package_version else ""
        return f"to decide, import the version of its package as {component.ecosystem} writes it{given}"
    return f"{component.ecosystem} has published no security record of this package yet"
