"""What a scope matches in the inventory, and why it matches nothing."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from feeds.storage.database import Connection, Database
from notifier.alerts.silences import shown
from notifier.domain.filters import Scope
from notifier.storage import inventory

EMPTY = "The inventory is empty. See `navtex inventory import --help`."


def check_hosts(connection: Connection, scope: Scope) -> None:
    """UnknownName if a host is named, not by a pattern, that the inventory does not have."""
    for name in scope.hosts:
        if not set(name) & set("*?") and not inventory.count(connection, Scope(hosts=(name,))):
            raise inventory.unknown_host(name)


def check_visible(database: Database, names: Iterable[str], limit: Scope) -> None:
    """UnknownName if a host is named, not by a pattern, that is not within a limit, or not in the inventory at all."""
    with database.connect() as connection:
        for name in names:
            one = Scope(tags=limit.tags, hosts=(name,))
            if not set(name) & set("*?") and not inventory.count(connection, one):
                raise inventory.unknown_host(name)


def visible_part(connection: Connection, scope: Scope, limit: Scope) -> Scope | None:
    """The part of somebody's scope that a viewer limited to some tags may read; None if it is about other hosts.

    What it says of their hosts is the same. A name that none of them has is left out.
    """
    if any(scope.tags.get(name, value) != value for name, value in limit.tags.items()):
        return None
    if limit == Scope() or not scope.hosts:
        return scope
    tags = {**scope.tags, **limit.tags}
    names = tuple(n for n in scope.hosts if inventory.count(connection, Scope(tags=tags, hosts=(n,))))
    return msgspec.structs.replace(scope, hosts=names) if names else None


def covers(limit: Scope, scope: Scope) -> bool:
    """Whether a scope is about no host outside of a viewer's limit, which consists of tags."""
    return limit.tags.items() <= scope.tags.items()


def nothing_in(connection: Connection, scope: Scope) -> str:
    """Why a scope matches nothing, as a sentence; "" if it matches something."""
    if not inventory.count(connection):
        return EMPTY
    if not inventory.count(connection, scope):
        return "No host in the inventory matches."
    if not inventory.populations(connection, scope):
        return f"No matching host runs {' or '.join(scope.products) or 'a product that Navtex covers'}."
    return ""


def unmatched(connection: Connection, scope: Scope) -> list[str]:
    """A warning for each part of a scope that matches no host, where the inventory has any."""
    if not inventory.count(connection):
        return []
    wrong = [msgspec.structs.replace(scope, products=())]
    if inventory.count(connection, scope):
        wrong = [s for name in scope.hosts if not inventory.count(connection, s := Scope(hosts=(name,)))]
    return [
        f"no host in the inventory matches {shown(one)}: check the spelling with `navtex inventory list`, "
        "or ignore this if such hosts will be added later"
        for one in wrong
    ]
