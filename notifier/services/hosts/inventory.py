"""The inventory: list, show and remove hosts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from feeds.storage.database import Connection, Database
from notifier.domain.filters import Scope
from notifier.domain.hosts import HostOrder
from notifier.schemas.inventory import HostDetail, HostList, host_detail
from notifier.services.installation.mirror_age import listed
from notifier.services.snapshot.scopes import check_hosts, nothing_in
from notifier.storage import component_periods, host_listing
from notifier.storage import inventory as store


@dataclass(frozen=True, slots=True)
class HostQuery:
    """Which hosts to list. `stale_days`, if given, selects hosts that no import has named for so many days."""

    scope: Scope = field(default_factory=Scope)
    stale_days: int | None = None
    limit: int | None = None
    after: str = ""
    """Only hosts that come after the one of this name, in the order."""
    order: HostOrder = HostOrder.NAME
    runs: host_listing.Runs = ()
    """Only hosts that run this version of a product."""


@dataclass(frozen=True, slots=True)
class HostsAnswer:
    """The hosts, how many more match, and why there are none, if there are none."""

    value: HostList
    more: int = 0
    nothing: str = ""
    total: int = 0
    """How many hosts match, those before the listed ones included."""
    next: str = ""
    """What `after` must be for the next part of the list; "" at its end."""


def hosts(database: Database, query: HostQuery, now: datetime) -> HostsAnswer:
    """The hosts that a query selects, by name; UnknownName if it names a host that is not in the inventory."""
    before = now - timedelta(days=query.stale_days) if query.stale_days else None
    with database.connect() as connection:
        check_hosts(connection, query.scope)
        read = host_listing.hosts(
            connection,
            query.scope,
            unseen_since=before,
            limit=query.limit + 1 if query.limit else None,
            after=query.after,
            order=query.order,
            runs=query.runs,
        )
        found = read[: query.limit]
        following = found[-1].name if len(read) > len(found) else ""
        more, total = 0, len(read)
        if following or query.after:
            total = host_listing.count_matching(connection, query.scope, unseen_since=before, runs=query.runs)
        if following:
            more = total - len(found)
            if query.after and query.order is HostOrder.NAME:
                more = host_listing.count_matching(
                    connection, query.scope, unseen_since=before, after=following, runs=query.runs
                )
        nothing = "" if total else _why_none(connection, query)
    return HostsAnswer(HostList(hosts=tuple(map(host_detail, found))), more, nothing, total, following)


def _why_none(connection: Connection, query: HostQuery) -> str:
    nothing = nothing_in(connection, query.scope)
    if nothing or query.stale_days is None:
        return nothing
    return f"No host is stale: each was imported within the last {query.stale_days} days."


def host(database: Database, name: str) -> HostDetail:
    """One host by its exact name; UnknownName if there is none."""
    with database.connect() as connection:
        found = host_listing.hosts(connection, Scope(hosts=(name,)))
    same = next((h for h in found if h.name == name), None)
    if same is None:
        raise store.unknown_host(name)
    return host_detail(same)


def remove_host(database: Database, name: str, now: datetime) -> None:
    """Remove a host; UnknownName if there is none."""
    with database.begin() as connection:
        component_periods.note_removed(connection, store.host_numbers(connection, [name]).values(), now.date())
        store.remove(connection, name)


def mirrored_names(database: Database) -> list[str]:
    """What a mirror must be asked for because of the inventory: packages, channels and engine releases, as lines."""
    with database.connect() as connection:
        return listed(store.wanted(connection))
