"""What can be said of somebody else's build of a version.  Pure."""

from __future__ import annotations

from dataclasses import replace

from feeds.advisories.records import ENGINE
from feeds.verdicts.evidence import Status, Verdict
from feeds.versions.packages import is_version
from notifier.domain.components import Component


def rebuilt(verdict: Verdict, component: Component) -> Verdict:
    """What upstream's verdict says of somebody else's build of that version."""
    build = component.package or f"{component.product} {component.version}"
    if verdict.status is Status.UNKNOWN:
        return verdict
    if verdict.status is Status.NOT_AFFECTED:
        return replace(verdict, reason=f"{verdict.reason}; {build} is built from that version")
    reason = (
        f"upstream's {component.version} is {verdict.status.value}: {verdict.reason}; but {build} is a distribution's "
        f"build, which may carry the fix: {_decider(component)}"
    )
    return Verdict(Status.UNKNOWN, reason, verdict.source)


def numbered_otherwise(component: Component) -> Verdict:
    """Of a build with numbers of its own, not even that upstream's number is safe says anything."""
    build = component.package or f"{component.product} {component.version}"
    if component.distro.startswith("windows") and not component.package:
        decider = "whose build it is would decide"
        decider += ": the platform that `docker version` names there" if component.product == ENGINE else ""
    else:
        decider = "the vendor's own advisory would decide, and no source of Navtex has one"
    return Verdict(
        Status.UNKNOWN, f"{build} is {component.other_numbers}, whose numbers need not be upstream's: {decider}"
    )


def _decider(component: Component) -> str:
    """What would decide about a distribution's build."""
    if not component.package and not component.distro:
        return "the name and version of its package, and its distribution, would decide"
    if not component.distro and not component.ecosystem:
        return "its distribution would decide (os-release's ID-VERSION_ID, as `distro`)"
    if not component.ecosystem:
        return f"a security record of {component.distro} would decide, and no source of Navtex has one"
    if not component.package:
        return f"the name and version of its package would decide, as {component.ecosystem} writes them"
    if not is_version(component.package_version, component.ecosystem):
        given = f", but {component.package_version!r} is not one" if component.package_version else ""
        return f"the version of its package would decide, as {component.ecosystem} writes it{given}"
    return f"the security record of {component.ecosystem} would decide, and it has none of this package yet"
