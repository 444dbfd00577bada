"""Digests to render: a welcome, news, and one with nothing in it."""

from __future__ import annotations

from typing import Any

from feeds.advisories.records import Advisory, Kind, Severity
from feeds.sources.health import SourceHealth, SourceState
from feeds.verdicts.weighing import Status
from notifier.alerts.digest import Digest, DigestItem, Footer, Group
from notifier.domain.hosts import Hosts
from tests.support.samples import DAY, START, advisory

SOURCES = (
    SourceState("docker-announcements", SourceHealth.HEALTHY),
    SourceState("moby-advisories", SourceHealth.DEGRADED, "https://api.github.com/repos/moby/moby: HTTP 403"),
    SourceState("cis-benchmark", SourceHealth.FAILING),
)


def group(version: str, *hosts: str, more: int = 0, **values: Any) -> Group:
    """The hosts of one version."""
    said = {
        "product": "engine",
        "package": "",
        "status": Status.AFFECTED,
        "reason": f"in the affected range >= 19.03.0, < {values.get('upgrade_to') or '30'} (moby-advisories)",
        "fixed_in": tuple(v for v in (values.get("upgrade_to"),) if v),
    }
    return Group(version=version, hosts=Hosts(len(hosts) + more, hosts), **{**said, **values})


def item(
    about: Advisory, *groups: Group, change: str = "new", see_also: tuple[tuple[str, str], ...] = (), **values: Any
) -> DigestItem:
    """An advisory and the hosts it concerns."""
    return DigestItem(about, change, groups, see_also, **values)


def digest(*items: DigestItem, welcome: bool = False, subscription: str = "ops", **values: Any) -> Digest:
    """A digest of items, with a quiet footer."""
    said: dict[str, Any] = {"unaffected_hosts": Hosts(0, ()), "undecided": (), "footer": Footer(SOURCES[:1], 4)}
    return Digest(
        key="0123456789abcdef",
        subscription=subscription,
        welcome=welcome,
        created_at=START,
        items=items,
        **said | values,
    )


BENCHMARK = advisory(
    9,
    "cis-docker-1.8.0",
    kind=Kind.BENCHMARK,
    severity=None,
    title="CIS Docker Benchmark v1.8.0",
    url="https://www.cisecurity.org/benchmark/docker",
)

WELCOME = digest(
    item(
        advisory(
            1,
            "CVE-2024-41110",
            severity=Severity.CRITICAL,
            cvss=9.9,
            title="Authorization plugins can be bypassed with a request whose body the daemon does not forward to them",
        ),
        group("20.10.27", "build-1", "build-2", "build-3", "build-4", "build-5", more=12, upgrade_to="23.0.15"),
        group("25.0.5", "lab-4", upgrade_to="25.0.6", fixed_in=("25.0.6", "26.1.5", "27.1.1")),
        see_also=(("Docker Desktop 4.33 security update", "https://docs.docker.com/#4330"),),
    ),
    item(advisory(2, "CVE-2026-2", severity=None), group("25.0.5", "lab-4", status=Status.CONFLICTING)),
    item(
        advisory(
            3, "eol-25.0", kind=Kind.END_OF_LIFE, severity=None, title="Docker Engine 25.0 reaches its end of life"
        ),
        group("25.0.5", "lab-4", reason="25.0 gets security fixes until 2026-06-01", fixed_in=()),
    ),
    item(
        advisory(4, "ann-1", kind=Kind.ANNOUNCEMENT, severity=None, title="Docker Desktop 4.71.0 security update"),
        group("4.70.0", "laptop-1", product="desktop", upgrade_to="4.71.0"),
    ),
    item(BENCHMARK, group("25.0.5", "lab-4", reason="Docker Engine 25.0 was maintained when it came out", fixed_in=())),
    welcome=True,
    unaffected_hosts=Hosts(7, ("a-1", "a-2", "a-3", "a-4", "a-5")),
    undecided=(
        group(
            "20.10.24+dfsg1",
            "web-2",
            package="docker.io 20.10.24+dfsg1-1+deb12u1",
            status=Status.UNKNOWN,
            reason="CVE-2024-41110. upstream's 20.10.24 is affected, but this is a distribution's build",
        ),
    ),
    footer=Footer(SOURCES, 27),
)

NEWS = digest(
    item(
        advisory(1, "CVE-2026-41567", severity=Severity.HIGH, cvss=8.8, title="A crafted archive runs code as root"),
        group("29.5.0", "lab-1", upgrade_to="29.5.1"),
    ),
    item(
        advisory(2, "CVE-2024-41110", severity=Severity.CRITICAL, cvss=9.9),
        group("25.0.5", "lab-9", upgrade_to="25.0.6"),
        change="update",
        changes=("newly affected hosts",),
        told_at=START - DAY,
    ),
    item(
        advisory(4, "ann-1", kind=Kind.ANNOUNCEMENT, severity=None, title="Docker Desktop 4.71.0 security update"),
        group("4.70.0", "laptop-1", product="desktop", upgrade_to="4.71.0"),
        change="update",
        changes=("newly affected hosts",),
        told_at=START - DAY,
    ),
    item(BENCHMARK, group("29.5.0", "lab-1", reason="Docker Engine 29 was maintained when it came out", fixed_in=())),
    item(advisory(5, "paper", kind=Kind.PUBLICATION, severity=None, products=(), title="How to harden an engine")),
    unaffected_hosts=Hosts(1, ("lab-2",)),
    footer=Footer(SOURCES[:1], 4, unsaid=3),
)

EMPTY = digest(welcome=True, unaffected_hosts=Hosts(2, ("lab-1", "lab-2")), footer=Footer(SOURCES[:1], 2))

LATER = START + DAY
