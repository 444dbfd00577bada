"""Verdicts, releases and ends of life -> what to upgrade to.  Pure.

For each component in use two ways are weighed: the smallest release of its own line that closes the
most, and the same on the next line that is still maintained.  A distribution's package has one way:
the distribution's own newest fix.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from feeds.advisories.facts import ReleaseLine, line_of
from feeds.advisories.records import Advisory
from feeds.verdicts.evidence import Status
from feeds.versions.packages import scheme
from feeds.versions.upstream import branch, key
from notifier.assessment.findings import worst_first
from notifier.assessment.matcher import EXPOSED, Match, Matcher
from notifier.domain.components import Component


@dataclass(frozen=True, slots=True)
class Regression:
    """Something that a release broke: the release, the one that repairs it, and the notes' words."""

    release: str
    repaired_in: str
    words: str
    url: str

    def __str__(self) -> str:
        return f"{self.repaired_in} repairs what {self.release} broke: {self.words}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is installed already where an older version still runs: on how many hosts, and a few of their names."""

    component: Component
    hosts: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Option:
    """One way out: the release, what it closes and leaves open, and how to install it."""

    way: str
    """"restart", "own line", "next maintained line", "later maintained line" (which leaves less open), "later release"
    (where no line above is maintained, or lines are not known), or "distribution"."""
    to: str
    line: ReleaseLine | None
    closes: tuple[Advisory, ...]
    leaves: tuple[Advisory, ...]
    regressions: tuple[Regression, ...]
    command: str
    waiting: Waiting | None = None
    """Where only a restart is missing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one component is open to, and the ways out; none where nothing is open or nothing helps."""

    component: Component
    line: ReleaseLine | None
    maintained: bool | None
    """Whether its line still gets security fixes; None where that is not known."""
    open: tuple[Match, ...]
    undecided: tuple[Match, ...]
    """Of which nobody can say whether they are open: mostly a distribution's builds."""
    options: tuple[Option, ...]


def plan(matcher: Matcher, component: Component, today: date, waiting: Iterable[Waiting] = ()) -> Plan:
    """The plan for one component that runs; `waiting` is what its hosts have installed beside it."""
    lines = tuple(x for x in matcher.releases.lines if x.product == component.product and not component.other_numbers)
    line = line_of(component.version, lines)
    known = sorted(matcher.standing(component), key=worst_first)
    exposed = [m for m in known if m.verdict.status in EXPOSED]
    undecided = tuple(m for m in known if m.verdict.status is Status.UNKNOWN)
    maintained = line.maintained(today) if line else (False if lines and _older(component, lines) else None)
    options = [_restart(matcher, component, exposed, one, lines) for one in waiting]
    if exposed:
        if component.rebuilt:
            options.extend(_distribution(component, exposed))
        else:
            options.extend(_releases(matcher, component, exposed, line, lines, today))
    return Plan(component, line, maintained, tuple(exposed), undecided, tuple(options))


def _older(component: Component, lines: tuple[ReleaseLine, ...]) -> bool:
    return all(key(component.version) < key(line.name) for line in lines)


_RESTARTS = {
    "engine": "systemctl restart docker",
    "containerd": "systemctl restart containerd docker",
    "desktop": "docker desktop restart",
}


def _restart(
    matcher: Matcher, component: Component, exposed: list[Match], waiting: Waiting, lines: tuple[ReleaseLine, ...]
) -> Option:
    """Starting what is installed already."""
    installed = waiting.component
    left = _open(matcher, installed)
    closes = tuple(m.advisory for m in exposed if m.advisory.name not in left)
    to = installed.package_version or installed.version
    command = _RESTARTS.get(component.product, "")
    return Option("restart", to, line_of(installed.version, lines), closes, tuple(left.values()), (), command, waiting)


def _releases(
    matcher: Matcher,
    component: Component,
    exposed: list[Match],
    line: ReleaseLine | None,
    lines: tuple[ReleaseLine, ...],
    today: date,
) -> Iterable[Option]:
    at = key(component.version)
    above = [r for r in _candidates(matcher, component, exposed) if key(r) > at]
    own = [r for r in above if (line.holds(r) if line else branch(key(r)) == branch(at))]
    best = _best(matcher, component, own, exposed)
    if best:
        yield _option(matcher, component, "own line", best, line, exposed)
    following = sorted(
        (x for x in lines if key(x.name) > at and x != line and x.maintained(today)), key=lambda x: key(x.name)
    )
    if not following:
        best = _best(matcher, component, [r for r in above if r not in own], exposed)
        if best:
            yield _option(matcher, component, "later release", best, line_of(best, lines), exposed)
    way, least = "next maintained line", len(exposed)
    for each in following:
        best = _best(matcher, component, [r for r in above if each.holds(r)], exposed)
        if best and (left := len(_open(matcher, Component(component.product, best)))) < least:
            yield _option(matcher, component, way, best, each, exposed)
            way, least = "later maintained line", left


def _candidates(matcher: Matcher, component: Component, exposed: list[Match]) -> list[str]:
    """The releases to choose from: all that exist, and those that are named as fixes."""
    named = {f for m in exposed for f in (*m.verdict.fixed_in, m.verdict.upgrade_to) if f and "-" not in f}
    known = {key(r): r for r in (*matcher.releases.finals(component.product), *sorted(named))}
    return [known[k] for k in sorted(known)]


def _best(matcher: Matcher, component: Component, releases: list[str], exposed: list[Match]) -> str | None:
    """The lowest of the releases that leave least open; None where none closes anything."""
    left = {r: len(_open(matcher, Component(component.product, r))) for r in releases}
    best = min(releases, key=lambda r: (left[r], key(r)), default=None)
    return best if best is not None and left[best] < len(exposed) else None


def _open(matcher: Matcher, component: Component) -> dict[str, Advisory]:
    """What a component is exposed to, by name, the worst first."""
    return {m.advisory.name: m.advisory for m in sorted(matcher.exposures(component), key=worst_first)}


def _option(
    matcher: Matcher, component: Component, way: str, to: str, line: ReleaseLine | None, exposed: list[Match]
) -> Option:
    left = _open(matcher, Component(component.product, to))
    closes = tuple(m.advisory for m in exposed if m.advisory.name not in left)
    regressions = tuple(
        Regression(to, release.version, repair.words, release.url)
        for release, repair in matcher.releases.regressions(component.product, to)
    )
    return Option(way, to, line, closes, tuple(left.values()), regressions, command(component, to))


def _distribution(component: Component, exposed: list[Match]) -> Iterable[Option]:
    """The distribution's newest fix of anything that is open."""
    order = scheme(component.ecosystem)
    fixes = {m.advisory.name: m.verdict.fixed_in for m in exposed if m.verdict.fixed_in}
    if order is None or not fixes:
        return
    to = max((f[0] for f in fixes.values()), key=order)
    closed = {name for name, versions in fixes.items() if any(order(v) <= order(to) for v in versions)}
    closes = tuple(m.advisory for m in exposed if m.advisory.name in closed)
    leaves = tuple(m.advisory for m in exposed if m.advisory.name not in closed)
    yield Option("distribution", to, None, closes, leaves, (), command(component, to))


_PACKAGES = {
    "engine": "docker-ce",
    "cli": "docker-ce-cli",
    "containerd": "containerd.io",
    "runc": "containerd.io",
    "buildx": "docker-buildx-plugin",
    "compose": "docker-compose-plugin",
}
# a command is copied into a shell, and a package's name may come from a host that is not ours alone
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*")
_APT = re.compile(r"^(?:debian|ubuntu|raspbian|linuxmint)")
_DNF = re.compile(r"^(?:rhel|centos|rocky|almalinux|fedora|ol|amzn)")


def command(component: Component, to: str) -> str:
    """The command that installs a release, in the words of the host's package manager; "" where none is known."""
    if component.product == "desktop":
        return ""
    name = component.package_name or _PACKAGES.get(component.product, "")
    manager = _manager(component)
    if not _NAME.fullmatch(name):
        return ""
    if component.product in ("containerd", "runc") and name == "containerd.io":
        # Docker's package holds runc, too; its own number says nothing of runc's
        return {"apt": "apt-get install --only-upgrade containerd.io", "dnf": "dnf upgrade containerd.io"}.get(
            manager, ""
        )
    if component.rebuilt:
        return {
            "apt": f"apt-get install --only-upgrade {name}={to}",
            "dnf": f"dnf upgrade {name}-{to}",
            "apk": f"apk add '{name}={to}'",
            "zypper": f"zypper install {name}={to}",
        }.get(manager, "")
    # what Docker appends to its packages' numbers differs between releases: any of this release will do
    return {
        "apt": f"apt-get install --only-upgrade '{name}=5:{to}*'"
        if name.startswith("docker-ce")
        else f"apt-get install --only-upgrade '{name}={to}*'",
        "dnf": f"dnf upgrade '{name}-{to}*'",
    }.get(manager, "")


def _manager(component: Component) -> str:
    distro, version = component.distro, component.package_version
    if _APT.match(distro) or re.search(r"~(?:debian|ubuntu)|\+deb\d|ubuntu\d", version):
        return "apt"
    if _DNF.match(distro) or re.search(r"\.(?:el|fc)\d+", version):
        return "dnf"
    if distro.startswith("alpine") or re.search(r"-r\d+$", version):
        return "apk"
    return "zypper" if distro.startswith(("sles", "opensuse")) else ""


def worst(matches: Iterable[Match]) -> int:
    """The worst severity among some matches, as a rank; 0 where none is scored."""
    return max((m.advisory.severity.rank for m in matches if m.advisory.severity), default=0)
