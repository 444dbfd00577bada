"""Values that tests of digests and notifications are made of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
import sqlalchemy as sa

from feeds import storage
from feeds.advisories.facts import Release, ReleaseLine
from feeds.advisories.records import Advisory, Edition, Kind, Read, Record, Score, Severity, VersionStatement
from feeds.crawl.protocol import FetchResult, FetchStatus, ItemPayload
from feeds.sources.health import SourceHealth, SourceState
from feeds.storage.database import Database
from feeds.verdicts.weighing import Status, Verdict
from feeds.versions.ranges import Span
from notifier.alerts.alert_state import AffectedComponent
from notifier.assessment.matcher import Match
from notifier.channels import MessageSender
from notifier.domain.components import Component, Host
from notifier.domain.filters import Filters
from notifier.domain.hosts import Hosts
from notifier.domain.schedule import Schedule
from notifier.domain.subscriptions import Subscription
from notifier.services.sending.notifications import NotifyReport, Settings, notify
from notifier.storage import inventory, subscriptions, tables

START = datetime(2026, 4, 15, 12, 0, tzinfo=UTC)
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def record(
    name: str,
    *,
    kind: Kind = Kind.VULNERABILITY,
    title: str = "",
    summary: str = "",
    url: str = "",
    below: str = "29.5.1",
    products: tuple[str, ...] = ("engine",),
    aliases: tuple[str, ...] = (),
    mentions: tuple[str, ...] = (),
    severity: Severity | None = Severity.HIGH,
    cvss: float | None = None,
    edition: Edition | None = None,
    published: datetime | None = START,
    withdrawn: datetime | None = None,
    fixed: bool = True,
) -> Record:
    """A record that says: every version of the products below `below` is affected, and (if `fixed`) fixed there."""
    return Record(
        id=name,
        kind=kind,
        title=title or f"A flaw called {name}",
        url=url or f"https://example.org/{name}",
        aliases=aliases,
        mentions=mentions,
        summary=summary,
        published=published,
        scores=(Score(by="example", severity=severity, base=cvss, own=True),) if severity else (),
        claims=tuple(
            VersionStatement(product=p, affected=(Span("", below),), fixed=(below,) if fixed else ()) for p in products
        ),
        edition=edition,
        withdrawn=withdrawn,
    )


def advisory(
    number: int,
    name: str = "",
    *,
    kind: Kind = Kind.VULNERABILITY,
    title: str = "",
    severity: Severity | None = Severity.HIGH,
    cvss: float | None = None,
    summary: str = "",
    url: str | None = None,
    aliases: tuple[str, ...] = (),
    products: tuple[str, ...] = ("engine",),
    mentions: tuple[str, ...] = (),
    baseline: bool = False,
    first_seen: datetime = START - DAY,
    doubles: tuple[int, ...] = (),
) -> Advisory:
    """An advisory as the store gives it."""
    name = name or f"CVE-2026-{1000 + number}"
    said = record(name, kind=kind, products=products, mentions=mentions)
    return Advisory(
        name=name,
        aliases=aliases,
        kind=kind,
        title=title or f"Flaw number {number}",
        summary=summary,
        url=f"https://example.org/{name}" if url is None else url,
        severity=severity,
        cvss=cvss,
        published=START,
        withdrawn=None,
        records=(Read(said, "example", "https://example.org/all", START),),
        id=number,
        doubles=doubles,
        first_seen=first_seen,
        baseline=baseline,
    )


def concern(
    number: int,
    about: Advisory,
    version: str = "25.0.5",
    *,
    product: str = "engine",
    package: str = "",
    hosts: tuple[str, ...] = ("web-1",),
    count: int = 0,
    latest: datetime = START - DAY,
    status: Status = Status.AFFECTED,
    reason: str = "in the affected range < 25.0.6 (example)",
    fixed_in: tuple[str, ...] = ("25.0.6", "26.1.5"),
    upgrade_to: str | None = "25.0.6",
) -> AffectedComponent:
    """An advisory that concerns the component of a number, and the hosts that run it."""
    verdict = Verdict(status, reason, about.records[0], fixed_in, upgrade_to)
    match = Match(Component(product, version, package), about, verdict)
    return AffectedComponent(number, match, Hosts(count or len(hosts), hosts), latest)


def publish(
    database: Database,
    *records: Record | ReleaseLine | Release,
    at: datetime = START,
    source: str = "example",
    complete: bool = False,
) -> None:
    """Keep records as a good poll of one document of a source would."""
    url = f"https://example.org/{source}"
    pieces = tuple(ItemPayload(r.key, msgspec.Raw(msgspec.json.encode(r))) for r in records)
    outcome = FetchResult(
        source=source, url=url, form="api", complete=complete, result=FetchStatus.READ, at=at, items=pieces
    )
    with database.begin() as connection:
        polled = source in storage.sources(connection)
        storage.keep(connection, outcome)
        storage.settle(connection, source, at)
        storage.note(
            connection, SourceState(source, SourceHealth.HEALTHY, last_attempt=at, last_success=at, items=len(pieces))
        )
        storage.sync(connection, at, baseline=frozenset() if polled else frozenset({source}))


def names(items: Iterable[object]) -> list[str]:
    """The names of the advisories of digest items."""
    return [item.advisory.name for item in items]  # type: ignore[attr-defined]


def install(database: Database, at: datetime = START, **hosts: str) -> None:
    """Import hosts with their engines' versions; underscores in the names are dashes."""
    found = [Host(n.replace("_", "-"), (Component("engine", v),), {"of": n[:3]}) for n, v in hosts.items()]
    with database.begin() as connection:
        inventory.take(connection, found, {}, at)


def subscribe(
    database: Database,
    *targets: str,
    name: str = "ops",
    filters: Filters = Filters(),  # noqa: B008 - a frozen value
    silent: bool = False,
    schedule: Schedule = Schedule(),  # noqa: B008 - a frozen value
) -> None:
    with database.begin() as connection:
        wanted = Subscription(name, targets, filters, START, silent_start=silent, schedule=schedule)
        subscriptions.add(connection, wanted)


def run(
    database: Database,
    at: datetime = NOW,
    settings: Settings = Settings(),  # noqa: B008 - a frozen value
) -> NotifyReport:
    with MessageSender() as courier:
        return notify(database, courier, now=at, settings=settings)


def counted(database: Database) -> dict[str, int]:
    """How many rows each table has that a notification writes."""
    written = (tables.digest, tables.told, tables.outbox)
    with database.connect() as connection:
        return {t.name: connection.execute(sa.select(sa.func.count()).select_from(t)).scalar_one() for t in written}
