"""Notifying: due subscriptions -> digest -> outbox -> channels.  A thin shell over `digest` and `delivering`.

A digest, its outbox rows and the ledger are one transaction; delivering is another step, which can
be repeated: each try carries the digest's key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from msgspec.structs import replace

from feeds import store
from feeds.catalogue import Catalogue
from feeds.database import Connection, Database
from feeds.errors import ChannelError
from feeds.evidence import Status
from feeds.health import SourceState
from notifier import digest as digests
from notifier.channels import Courier, expand
from notifier.delivering import Deliveries, deliver, sample
from notifier.digest import Concern, Digest, Foot, Group, Hosts, News
from notifier.inventory.model import Component
from notifier.matching import Matcher
from notifier.render import render
from notifier.store import delivery, inventory, subscriptions
from notifier.store.subscriptions import Subscription

__all__ = ["Report", "World", "deliver", "notify", "preview", "sample"]


@dataclass(slots=True)
class Report(Deliveries):
    """What a notification run did."""

    digests: list[Digest] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    """Subscriptions whose welcome waits until some source was read."""

    @property
    def ok(self) -> bool:
        """Whether every digest was made, and every delivery that was due succeeded."""
        return not (self.failed or self.broken)


@dataclass(frozen=True, slots=True)
class World:
    """What a run needs to know of the database, read once."""

    catalogue: Catalogue
    matcher: Matcher
    sources: tuple[SourceState, ...]
    now: datetime

    @classmethod
    def read(cls, connection: Connection, now: datetime) -> World:
        """The world as the database has it."""
        catalogue = store.catalogue(connection)
        matcher = Matcher(catalogue, now.date())
        return cls(catalogue, matcher, tuple(store.sources(connection).values()), now)


def notify(
    database: Database, courier: Courier, *, now: datetime | None = None, operator: Sequence[str] = ()
) -> Report:
    """Make the digests that are due, and deliver what the outbox holds.

    `operator` are the addresses that hear of what was given up; `now` None is the clock's.
    """
    report = Report()
    with database.begin() as connection:
        world = World.read(connection, now or datetime.now(UTC))
        for subscription in subscriptions.every(connection):
            if not subscription.paused:
                try:
                    _prepare(connection, world, subscription, report)
                except ChannelError as error:  # an address that is no longer one stops nobody else's digest
                    report.broken.append((subscription.name, str(error)))
    deliver(database, courier, report, now, operator=operator)
    return report


def preview(connection: Connection, subscription: Subscription, now: datetime) -> Digest | None:
    """The digest that would go out now; None where there is nothing to tell. Nothing is kept."""
    found = _news(connection, World.read(connection, now), subscription)
    return found[1]


def _prepare(connection: Connection, world: World, subscription: Subscription, report: Report) -> None:
    if subscription.started_at is None and not any(s.last_success for s in world.sources):
        report.held.append(subscription.name)
        return
    found, digest = _news(connection, world, subscription)
    number = None
    if digest is not None:
        targets = [t for address in subscription.targets for t in expand(address)]
        number = delivery.put(connection, subscription, render(digest), targets, welcome=digest.welcome)
        report.digests.append(digest)
    subscriptions.tell(connection, subscription, found.facets, world.now, number)
    subscriptions.tell(connection, subscription, found.silent, world.now, None)
    if subscription.started_at is None:
        subscriptions.start(connection, subscription, world.now)


def _news(connection: Connection, world: World, subscription: Subscription) -> tuple[News, Digest | None]:
    """What there is to tell a subscription, and the digest of it."""
    scope = subscription.filters.scope
    components = inventory.components(connection)
    populations = inventory.populations(connection, scope)
    concerns = [
        Concern(number, match, Hosts(people.hosts, people.names), people.latest)
        for number, people in populations.items()
        for match in world.matcher.concerns(components[number])
    ]
    told = subscriptions.told(connection, subscription)
    arrivals = {
        moment: {n: Hosts(p.hosts, p.names) for n, p in inventory.populations(connection, scope, since=moment).items()}
        for moment in digests.moments(concerns, told)
    }
    known = [a for a in world.catalogue.advisories if not a.withdrawn]
    found = digests.news(concerns, known, told, arrivals, subscription.filters, subscription.started_at)
    welcome = subscription.started_at is None
    if (welcome and subscription.silent_start) or not (welcome or found.items):
        return found, None
    # a host is clear when nothing affects it, followed here or not
    everyone = inventory.populations(connection, replace(scope, products=())) if scope.products else populations
    undecided = _undecided(world, components, everyone)
    exposed = {number for number in everyone if world.matcher.exposures(components[number])}
    clear = inventory.untouched(connection, scope, exposed | undecided.keys())
    digest = Digest(
        key=digests.key_of(subscription.name, world.now, found.items),
        subscription=subscription.name,
        welcome=welcome,
        created_at=world.now,
        items=tuple(found.items),
        clear=Hosts(*clear),
        undecided=tuple(
            _undecided(
                world, components, populations, None if welcome else {i.advisory.id for i in found.items}
            ).values()
        ),
        foot=Foot(world.sources, inventory.count(connection, scope), len(found.silent)),
    )
    return found, digest


def _undecided(
    world: World,
    components: dict[int, Component],
    populations: dict[int, inventory.Population],
    only: set[int] | None = None,
) -> dict[int, Group]:
    """The components of which some verdict (of the advisories in `only`) is unknown, and what would decide."""
    groups = {}
    for number, people in populations.items():
        component = components[number]
        unknown = [
            m
            for m in world.matcher.vulnerabilities(component)
            if m.verdict.status is Status.UNKNOWN and (only is None or m.advisory.id in only)
        ]
        if unknown:
            names = ", ".join(m.advisory.name for m in unknown[:3]) + (
                f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
            )
            groups[number] = Group(
                component.product,
                component.version,
                component.package,
                Hosts(people.hosts, people.names),
                Status.UNKNOWN,
                f"{names}. {unknown[0].verdict.reason}",
            )
    return groups
