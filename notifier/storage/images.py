"""Which images run on which hosts, and what subscriptions were told of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from feeds.images.references import reference
from feeds.storage import upsert
from notifier.domain.filters import Scope
from notifier.domain.images import ImageUse
from notifier.images.splits import RunningImage
from notifier.storage import bulk, tables
from notifier.storage.inventory import conditions


def replace_images(connection: Connection, uses: Mapping[int, Collection[ImageUse]], at: datetime) -> None:
    """Let hosts, by their numbers, run these images and no others. What still runs keeps since when it does."""
    numbers = _numbers(connection, {use for of in uses.values() for use in of})
    table = tables.running_image
    here = bulk.in_list(connection, table.c.host, sorted(uses))
    before = {(row.use, row.host) for row in connection.execute(sa.select(table.c.use, table.c.host).where(here))}
    now = {(numbers[use], host) for host, of in uses.items() for use in of}
    bulk.delete_pairs(connection, table, ("use", "host"), sorted(before - now))
    stamp = bulk.moment(connection, at)
    bulk.insert_rows(connection, table, ("use", "host", "since"), [(*pair, stamp) for pair in sorted(now - before)])


def _numbers(connection: Connection, uses: Collection[ImageUse]) -> dict[ImageUse, int]:
    """The number of each use; new ones are added."""
    table = tables.image_use
    columns = ("name", "digest", "platform")
    named = bulk.select_in(connection, table, ("id", *columns), "digest", sorted({u.digest for u in uses}))
    found = {ImageUse(*row[1:]): int(row[0]) for row in named}
    last = connection.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0
    new = [(last + n, u) for n, u in enumerate(sorted(set(uses) - found.keys()), 1)]
    bulk.insert_rows(connection, table, ("id", *columns), [(n, u.name, u.digest, u.platform) for n, u in new])
    if new and connection.dialect.name == "postgresql":
        sequence = sa.func.pg_get_serial_sequence("image_use", "id")
        connection.execute(sa.select(sa.func.setval(sequence, new[-1][0])))
    return found | {u: n for n, u in new}


def running(connection: Connection, scope: Scope) -> list[tuple[int, RunningImage]]:
    """What the hosts of a scope run: each use by its number, with on how many hosts, and since when."""
    table, use, host = tables.running_image, tables.image_use, tables.host
    where = conditions(connection, Scope(tags=scope.tags, hosts=scope.hosts))
    source = table.join(use, use.c.id == table.c.use)
    if where:
        source = source.join(host, host.c.id == table.c.host)
    statement = (
        sa.select(use.c.id, use.c.name, use.c.digest, use.c.platform, sa.func.count(), sa.func.min(table.c.since))
        .select_from(source)
        .where(*where)
        .group_by(use.c.id, use.c.name, use.c.digest, use.c.platform)
        .order_by(use.c.name, use.c.digest, use.c.platform)
    )
    return [
        (number, RunningImage(named, digest, platform, hosts, since))
        for number, name, digest, platform, hosts, since in connection.execute(statement)
        if (named := reference(name)) is not None
    ]


def any_running(connection: Connection) -> bool:
    """Whether any image runs on any host."""
    return connection.execute(sa.select(sa.literal(1)).select_from(tables.running_image).limit(1)).first() is not None


def count_hosts(connection: Connection, scope: Scope, uses: Iterable[int]) -> int:
    """On how many hosts of a scope at least one of some uses runs."""
    table, host = tables.running_image, tables.host
    where = conditions(connection, Scope(tags=scope.tags, hosts=scope.hosts))
    source = table.join(host, host.c.id == table.c.host) if where else table
    chosen = bulk.in_list(connection, table.c.use, sorted(set(uses)))
    hosts = sa.select(table.c.host).select_from(source).where(chosen, *where).distinct().subquery()
    return connection.execute(sa.select(sa.func.count()).select_from(hosts)).scalar() or 0


def hosts_running(connection: Connection, scope: Scope, uses: Iterable[int]) -> Iterator[tuple[str, int]]:
    """The hosts of a scope that run some uses, by name, each with the number of the use."""
    table, host = tables.running_image, tables.host
    where = conditions(connection, Scope(tags=scope.tags, hosts=scope.hosts))
    statement = (
        sa.select(host.c.name, table.c.use)
        .join(host, host.c.id == table.c.host)
        .where(bulk.in_list(connection, table.c.use, sorted(set(uses))), *where)
        .order_by(host.c.name, table.c.use)
    )
    yield from ((row.name, row.use) for row in connection.execute(statement))


def told(connection: Connection, subscription: int) -> dict[tuple[str, str], int]:
    """What a subscription was told: (event, image) with on how many hosts it ran then."""
    table = tables.image_told
    rows = connection.execute(sa.select(table).where(table.c.subscription == subscription))
    return {(row.event, row.image): row.hosts for row in rows}


def note_told(
    connection: Connection, subscription: int, what: Mapping[tuple[str, str], int], at: datetime, digest: str
) -> None:
    """Remember that a subscription was told of (event, image), and on how many hosts."""
    for (event, image), hosts in what.items():
        row = {"subscription": subscription, "event": event, "image": image, "hosts": hosts, "at": at, "digest": digest}
        upsert(connection, tables.image_told, row, ["subscription", "event", "image"])


def forget_told(connection: Connection, subscription: int, what: Iterable[tuple[str, str]]) -> None:
    """Forget what is over: an image that left an event may come to it again as news."""
    table = tables.image_told
    for event, image in what:
        where = (table.c.subscription == subscription, table.c.event == event, table.c.image == image)
        connection.execute(sa.delete(table).where(*where))
