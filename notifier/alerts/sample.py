"""A digest of made-up news with every part that a digest can have: what templates are tried with.  Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from feeds.advisories.records import Advisory, Edition, Kind, Severity
from feeds.sources.health import Change, SourceHealth, SourceState
from feeds.verdicts.weighing import Status
from notifier.alerts.digest import (
    CORRECTION,
    NEW,
    UPDATE,
    Action,
    AuditsDue,
    Digest,
    DigestAssignment,
    DigestItem,
    Fixed,
    Footer,
    Group,
    OlderAudit,
    Open,
    Silenced,
    Upcoming,
)
from notifier.alerts.overdue import OverdueGroup, OverdueItem
from notifier.assessment.upgrade_plans import Way
from notifier.domain.hosts import Hosts

AT = datetime(2030, 3, 1, 8, 0, tzinfo=UTC)
_SOURCES = (
    SourceState("docker-announcements", SourceHealth.HEALTHY, items=40, last_attempt=AT, last_success=AT),
    SourceState(
        "kev", SourceHealth.FAILING, "https://example.org/kev.json: HTTP 503", 4, 1, AT, AT - timedelta(days=1)
    ),
)


def _advisory(name: str, severity: Severity | None = None, kind: Kind = Kind.VULNERABILITY, **values: Any) -> Advisory:
    said: dict[str, Any] = {
        "aliases": (),
        "title": "A made-up flaw that shows what a digest looks like",
        "summary": "",
        "url": f"https://example.org/{name}",
        "cvss": None,
        "published": AT,
        "withdrawn": None,
        "records": (),
    }
    return Advisory(name=name, kind=kind, severity=severity, **said | values)


def _group(version: str, *hosts: str, more: int = 0, to: str | None = None, **values: Any) -> Group:
    said: dict[str, Any] = {
        "status": Status.AFFECTED,
        "reason": f"in the affected range < {to or '99.0.0'} (docker-announcements)",
        "fixed_in": (to,) if to else (),
    }
    return Group("engine", version, "", Hosts(len(hosts) + more, hosts), upgrade_to=to, **said | values)


_CRITICAL = _advisory("CVE-2030-10001", Severity.CRITICAL, cvss=9.8, exploited=date(2030, 2, 27))
_HIGH = _advisory("CVE-2030-10002", Severity.HIGH, cvss=7.5)
_UNSCORED = _advisory("GHSA-2222-3333-4444")


def digest(at: datetime, subscription: str, key: str) -> Digest:
    """The digest of made-up news, as of a moment, for whom, and what names it."""
    hand = DigestAssignment("Ann", (at + timedelta(days=14)).date(), "tag env=prod", "with the next window")
    return Digest(
        key=key,
        subscription=subscription,
        welcome=False,
        created_at=at,
        items=(
            DigestItem(
                _CRITICAL,
                UPDATE,
                (_group("29.5.0", "web-1", "web-2", "web-3", more=12, to="29.5.1"),),
                (("Made-up announcement", "https://example.org/announcement"),),
                ("severity raised from high to critical", "now known to be exploited"),
                at - timedelta(days=9),
                "fedcba9876543210",
                (hand,),
            ),
            DigestItem(
                _HIGH,
                NEW,
                (_group("29.5.0", "web-1", to="29.5.1"), _group("25.0.5", "db-1", status=Status.CONFLICTING)),
            ),
            DigestItem(
                _UNSCORED,
                CORRECTION,
                (_group("25.0.5", "db-1", status=Status.NOT_AFFECTED, reason="the flaw came with 26.0.0 (reviewed)"),),
                (),
                (),
                at,
            ),
            DigestItem(
                _advisory("CVE-2030-10003", Severity.LOW), CORRECTION, (), (), ("withdrawn",), at - timedelta(days=2)
            ),
            DigestItem(
                _advisory("made-up-benchmark", kind=Kind.BENCHMARK, title="CIS Docker Benchmark v8.9.0, made up"),
                NEW,
                (_group("29.5.0", "web-1", "web-2", "web-3", more=12, reason="written for Docker Engine 29"),),
                audits=AuditsDue(
                    (OlderAudit(Edition("8.8.0"), Hosts(2, ("web-1", "web-2"))),), Hosts(13, ("web-3", "web-4"))
                ),
            ),
            DigestItem(
                _advisory("made-up-paper", kind=Kind.PUBLICATION, title="How to harden a made-up engine"), NEW, ()
            ),
        ),
        unaffected_hosts=Hosts(1, ("db-2",)),
        undecided=(_group("20.10.24", "old-1", status=Status.UNKNOWN, reason="needs the distribution's record"),),
        footer=Footer(
            _SOURCES,
            214,
            unsaid=2,
            stale=3,
            silences=(
                Silenced("CVE-2030-10004", "host lab-*", "a lab without users", "Ben", at + timedelta(days=30)),
                Silenced("CVE-2030-10005", "", "the feature is off everywhere", "Ann", at + timedelta(days=60)),
            ),
            mirror="the mirror https://mirror.example.org was filled 4 hours ago,"
            f" {at - timedelta(hours=4):%Y-%m-%d %H:%M} UTC",
        ),
        actions=(
            Action(
                "engine",
                ("29.4.0", "29.5.0"),
                Hosts(15, ("web-1", "web-2", "web-3")),
                "29.5.1",
                Way.OWN_LINE,
                (_CRITICAL, _HIGH),
                (),
                Severity.CRITICAL,
                2,
                1,
                words=(
                    "package docker-ce 5:29.5.1-1~ubuntu.22.04~jammy",
                    "29.5.0 is the lowest release of the line that leaves no more open",
                ),
                regressions=(
                    "Known regression in 29.5.1, fixed in 29.5.2: containers with a health check did not stop",
                ),
            ),
        ),
        overdue=(
            OverdueItem(
                _HIGH,
                (
                    OverdueGroup(
                        "engine",
                        "25.0.5",
                        at.date() - timedelta(days=34),
                        at.date() - timedelta(days=4),
                        Hosts(2, ("db-3", "db-4")),
                        "25.0.6",
                    ),
                ),
            ),
        ),
        reminder=True,
        open=(
            Open(_HIGH, Hosts(2, ("db-3", "db-4")), at - timedelta(days=34), 34, (hand,), ("25.0.6",)),
            Open(_UNSCORED, Hosts(1, ("db-5",)), at - timedelta(days=1), 1, ()),
        ),
        fixed=(Fixed("engine", "25.0.5", ("25.0.6",), Hosts(2, ("app-1", "app-2")), (_HIGH,)),),
        upcoming=(
            Upcoming(
                "Docker Engine 25.0 reaches its end of life",
                f"25.0 gets security fixes until {at + timedelta(days=61):%Y-%m-%d}",
                Hosts(4, ("db-1", "db-3", "db-4", "db-5")),
                "https://example.org/eol",
            ),
            Upcoming(
                "CIS Docker Benchmark v9.0.0",
                "made-up edition, the newest for Docker Engine 25.0",
                Hosts(4, ("db-1", "db-3", "db-4", "db-5")),
                "https://example.org/cis",
            ),
        ),
    )


DIGEST = digest(AT, "sample", "0123456789abcdef")

CHANGES = (
    Change(_SOURCES[1], SourceHealth.HEALTHY),
    Change(
        SourceState("docker-blog", SourceHealth.HEALTHY, items=12, last_attempt=AT, last_success=AT),
        SourceHealth.SILENT,
    ),
)
