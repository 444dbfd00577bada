"""The inventory: list, show and remove hosts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from feeds.storage.database import Connection, Database
from notifier.domain.filters import Scope
from notifier.schemas.inventory import HostDetail, HostList, host_detail
from notifier.services.mirror_age import listed
from notifier.services.scopes import check_hosts, nothing_in
from notifier.storage import host_listing, stays
from notifier.storage import inventory as store


@dataclass(frozen=True, slots=True)
class HostQuery:
    """Which hosts to list. `stale_days`, if given, selects hosts that no import has named for so many days."""

    scope: Scope = field(default_factory=Scope)
    stale_days: int | None = None
    limit: int | None = None
    after: str = ""
    """Only hosts whose names come after this one."""


@dataclass(frozen=True, slots=True)
class HostsAnswer:
    """The hosts, how many more match, and why there are none, if there are none."""

    value: HostList
    more: int = 0
    nothing: str = ""


def hosts(database: Database, query: HostQuery, now: datetime) -> HostsAnswer:
    """The hosts that a query selects, by name; UnknownName if it names a host that is not in the inventory."""
    before = now - timedelta(days=query.stale_days) if query.stale_days else None
    with database.connect() as connection:
        check_hosts(connection, query.scope)
        found = host_listing.hosts(connection, query.scope, unseen_since=before, limit=query.limit, after=query.after)
        total = len(found)
        if query.limit and total == query.limit:
            total = host_listing.count_matching(connection, query.scope, unseen_since=before, after=query.after)
        nothing = "" if found else _why_none(connection, query)
    return HostsAnswer(HostList(hosts=tuple(map(host_detail, found))), total - len(found), nothing)


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
        stays.note_removed(connection, store.host_numbers(connection, [name]).values(), now.date())
        store.remove(connection, name)


def mirrored_names(database: Database) -> list[str]:
    """What a mirror must be asked for because of the inventory: packages, channels and engine releases, as lines."""
    with database.connect() as connection:
        return listed(store.wanted(connection))
