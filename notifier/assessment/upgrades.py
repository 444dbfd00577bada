"""Upgrade plans, from verdicts, releases and end-of-life dates.  Pure.

A component gets up to two upgrades: the lowest release of its own line that closes the most, and the
same on the next maintained line.  A distribution's package gets one: the distribution's newest fix.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from feeds.advisories.facts import Package, ReleaseLine, line_of
from feeds.advisories.records import Advisory
from feeds.verdicts.evidence import Status
from feeds.versions.packages import scheme
from feeds.versions.upstream import branch, key
from notifier.assessment.findings import worst_first
from notifier.assessment.matcher import EXPOSED, Match, Matcher
from notifier.assessment.targets import Offer, offers, source_only
from notifier.domain.components import Component


class Way(StrEnum):
    """The kind of an upgrade. The values are part of the JSON of `navtex plan`."""

    RESTART = "restart"
    """A newer version is installed; only a restart is missing."""
    OWN_LINE = "own line"
    NEXT_LINE = "next maintained line"
    LATER_LINE = "later maintained line"
    """A maintained line above the next one, offered because it leaves less open."""
    LATER_RELEASE = "later release"
    """Any later release, where no later line is maintained or no lines are known."""
    DISTRIBUTION = "distribution"


@dataclass(frozen=True, slots=True)
class Regression:
    """A known regression in a release: the release that fixes it, and the words and address of the release notes."""

    release: str
    repaired_in: str
    words: str
    url: str

    def __str__(self) -> str:
        return f"Known regression in {self.release}, fixed in {self.repaired_in}: {self.words}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A version that is installed but not running yet: on how many hosts, and the names of some."""

    component: Component
    hosts: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One upgrade: the release, what it closes and leaves open, and the command that installs it."""

    way: Way
    to: str
    line: ReleaseLine | None = None
    maintained: bool | None = None
    """Whether that line still gets security fixes; None where that is not known."""
    closes: tuple[Advisory, ...]
    leaves: tuple[Advisory, ...]
    regressions: tuple[Regression, ...] = ()
    command: str
    minimum: str = ""
    """The lowest release of the line that closes as much; "" where the package was not verified."""
    package: str = ""
    """The package version that the host's channel holds; "" where it was not verified."""
    source_only: tuple[str, ...] = ()
    """Releases that fix something open and have a tag, but no package for the host's distribution."""
    waiting: Waiting | None = None
    """The hosts that only need a restart; None for every other way."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The open vulnerabilities of one component, and the upgrades that close some of them."""

    component: Component
    line: ReleaseLine | None
    maintained: bool | None
    """Whether its line still gets security fixes; None where that is not known."""
    open: tuple[Match, ...]
    undecided: tuple[Match, ...]
    """Matches without a verdict: mostly of a distribution's builds."""
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class _Running:
    """A component in use with what its upgrade is chosen by."""

    matcher: Matcher
    component: Component
    exposed: tuple[Match, ...]
    line: ReleaseLine | None
    lines: tuple[ReleaseLine, ...]
    today: date

    def option(self, way: Way, to: str, line: ReleaseLine | None, package: Package | None = None) -> Option:
        """The upgrade to one of the vendor's releases."""
        product = self.component.product
        closes, leaves = self.closing(Component(product, to))
        regressions = tuple(
            Regression(to, release.version, repair.words, release.url)
            for release, repair in self.matcher.releases.regressions(product, to)
        )
        return Option(
            way=way,
            to=to,
            line=line,
            maintained=self.maintained(line),
            closes=closes,
            leaves=leaves,
            regressions=regressions,
            command=install(package) if package else command(self.component, to),
            minimum=self.minimum(to, line) if package else "",
            package=package.package_version if package else "",
            source_only=self.source_only(),
        )

    def minimum(self, to: str, line: ReleaseLine | None) -> str:
        """The lowest release of a line, above the one that runs, that leaves no more open than another one."""
        at, left = key(self.component.version), self.left(to)
        lower = (r for r in _candidates(self) if at < key(r) <= key(to) and (line is None or line.holds(r)))
        return next((r for r in lower if self.left(r) <= left), to)

    def source_only(self) -> tuple[str, ...]:
        """The fixed releases of its own line, above it, that have no package in its channel; lowest first."""
        fixed = {f for m in self.exposed for f in m.verdict.fixed_in}
        line, at = self.line, key(self.component.version)
        own = [f for f in fixed if key(f) > at and (line.holds(f) if line else branch(key(f)) == branch(at))]
        return source_only(self.matcher.releases, self.component, tuple(sorted(own, key=key)))

    def maintained(self, line: ReleaseLine | None) -> bool | None:
        """Whether a line gets security fixes today; None where the line is not known."""
        return line.maintained(self.today) if line else None

    def closing(self, other: Component) -> tuple[tuple[Advisory, ...], tuple[Advisory, ...]]:
        """The advisories that running another component instead closes, and those open then, worst first."""
        left = self.open_in(other)
        return tuple(m.advisory for m in self.exposed if m.advisory.name not in left), tuple(left.values())

    def open_in(self, other: Component) -> dict[str, Advisory]:
        """The advisories that affect another component, by name, worst first."""
        found = [*self.matcher.exposures(other), *self.uncertain(other)]
        return {m.advisory.name: m.advisory for m in sorted(found, key=worst_first)}

    def uncertain(self, other: Component) -> Iterator[Match]:
        """What affects the running component by what it contains, unless another one is known to be rid of it."""
        for match in self.exposed:
            if other.product not in match.advisory.products:
                case = self.matcher.case(match.advisory, other.product)
                if case and case.decide(other.version).status is not Status.NOT_AFFECTED:
                    yield match

    def left(self, release: str) -> int:
        """How many advisories affect a release."""
        return len(self.open_in(Component(self.component.product, release)))

    def best(self, releases: list[str]) -> str | None:
        """The lowest of the releases that leave the fewest advisories open; None where none closes anything."""
        left = {r: self.left(r) for r in releases}
        best = min(releases, key=lambda r: (left[r], key(r)), default=None)
        return best if best is not None and left[best] < len(self.exposed) else None


def plan(matcher: Matcher, component: Component, today: date, waiting: Iterable[Waiting] = ()) -> Plan:
    """The plan for one component in use; `waiting` are the versions that its hosts have installed but not started."""
    lines = tuple(x for x in matcher.releases.lines if x.product == component.product and not component.other_numbers)
    line = line_of(component.version, lines)
    known = sorted(matcher.standing(component), key=worst_first)
    exposed = tuple(m for m in known if m.verdict.status in EXPOSED)
    undecided = tuple(m for m in known if m.verdict.status is Status.UNKNOWN)
    maintained = line.maintained(today) if line else (False if lines and _older(component, lines) else None)
    running = _Running(matcher, component, exposed, line, lines, today)
    options = [_restart(running, one) for one in waiting]
    if exposed:
        options.extend(_distribution(component, exposed) if component.rebuilt else _releases(running))
    return Plan(component, line, maintained, exposed, undecided, tuple(options))


def _older(component: Component, lines: tuple[ReleaseLine, ...]) -> bool:
    return all(key(component.version) < key(line.name) for line in lines)


_RESTARTS = {
    "engine": "systemctl restart docker",
    "containerd": "systemctl restart containerd docker",
    "desktop": "docker desktop restart",
}


def _restart(running: _Running, waiting: Waiting) -> Option:
    """Start what is installed already."""
    installed = waiting.component
    line = line_of(installed.version, running.lines)
    closes, leaves = running.closing(installed)
    return Option(
        way=Way.RESTART,
        to=installed.package_version or installed.version,
        line=line,
        maintained=running.maintained(line),
        closes=closes,
        leaves=leaves,
        command=_RESTARTS.get(running.component.product, ""),
        waiting=waiting,
    )


def _releases(running: _Running) -> Iterable[Option]:
    """The vendor's releases: on the same line, and on later lines as long as each leaves less open.

    Where the index of the host's channel was read, only what can be installed from it.
    """
    found = offers(running.matcher.releases, running.component, running.today)
    if found is not None:
        yield from _packaged(running, found)
        return
    at, line = key(running.component.version), running.line
    above = [r for r in _candidates(running) if key(r) > at]
    own = [r for r in above if (line.holds(r) if line else branch(key(r)) == branch(at))]
    if best := running.best(own):
        yield running.option(Way.OWN_LINE, best, line)
    following = sorted(
        (x for x in running.lines if key(x.name) > at and x != line and x.maintained(running.today)),
        key=lambda x: key(x.name),
    )
    if not following and (best := running.best([r for r in above if r not in own])):
        yield running.option(Way.LATER_RELEASE, best, line_of(best, running.lines))
    way, least = Way.NEXT_LINE, len(running.exposed)
    for each in following:
        best = running.best([r for r in above if each.holds(r)])
        if best and (left := running.left(best)) < least:
            yield running.option(way, best, each)
            way, least = Way.LATER_LINE, left


def _packaged(running: _Running, found: Iterable[Offer]) -> Iterable[Option]:
    """The offers that close something, each of a later line only if it leaves less open than those before it."""
    way, least = Way.NEXT_LINE, len(running.exposed)
    for offer in found:
        to = offer.package.version
        left = running.left(to)
        if offer.own and left < least:
            yield running.option(Way.OWN_LINE, to, offer.line, offer.package)
        elif not offer.own and left < least:
            later = offer.line is None or not offer.line.maintained(running.today)
            yield running.option(Way.LATER_RELEASE if later else way, to, offer.line, offer.package)
            way, least = Way.LATER_LINE, left


def _candidates(running: _Running) -> list[str]:
    """The releases to choose from, lowest first: all that exist, and those that are named as fixes."""
    named = {f for m in running.exposed for f in (*m.verdict.fixed_in, m.verdict.upgrade_to) if f and "-" not in f}
    releases = running.matcher.releases.finals(running.component.product)
    known = {key(r): r for r in (*releases, *sorted(named))}
    return [known[k] for k in sorted(known)]


def _distribution(component: Component, exposed: Iterable[Match]) -> Iterable[Option]:
    """The distribution's newest fix of anything that is open."""
    order = scheme(component.ecosystem)
    fixes = {m.advisory.name: m.verdict.fixed_in for m in exposed if m.verdict.fixed_in}
    if order is None or not fixes:
        return
    to = max((f[0] for f in fixes.values()), key=order)
    closed = {name for name, versions in fixes.items() if any(order(v) <= order(to) for v in versions)}
    yield Option(
        way=Way.DISTRIBUTION,
        to=to,
        closes=tuple(m.advisory for m in exposed if m.advisory.name in closed),
        leaves=tuple(m.advisory for m in exposed if m.advisory.name not in closed),
        command=command(component, to),
    )


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
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~:_^-]*")
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


def install(package: Package) -> str:
    """The command that installs a package of Docker's, with its version as the channel's index writes it."""
    if package.package_version.endswith(".tgz"):
        return f"curl -fsSLO https://download.docker.com/linux/static/stable/x86_64/{package.package_version}"
    if not (_NAME.fullmatch(package.name) and _VERSION.fullmatch(package.package_version)):
        return ""
    if package.architecture in ("amd64", "armhf"):
        return f"apt-get install --only-upgrade {package.name}={package.package_version}"
    return f"dnf upgrade {package.name}-{package.package_version}"


def _manager(component: Component) -> str:
    distro, version = component.distro, component.package_version
    if _APT.match(distro) or re.search(r"~(?:debian|ubuntu)|\+deb\d|ubuntu\d", version):
        return "apt"
    if _DNF.match(distro) or re.search(r"\.(?:el|fc)\d+", version):
        return "dnf"
    if distro.startswith("alpine") or re.search(r"-r\d+$", version):
        return "apk"
    return "zypper" if distro.startswith(("sles", "opensuse")) else ""
