"""Hosts that report themselves: read what they push, and store a group of pushes in one transaction."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from feeds import storage
from feeds.core.errors import DatabaseError, InventoryError
from feeds.storage.database import Connection, Database
from notifier.domain.components import Bare, Host, Observed, gathered
from notifier.domain.filters import Scope
from notifier.domain.hosts import HostOutcome
from notifier.domain.pushes import Push, PushResult, PushRound, rounds
from notifier.inventory import InputOptions, open_text
from notifier.inventory.text import Text
from notifier.schemas.inventory import unread_rows
from notifier.schemas.push import PushSummary
from notifier.services.hosts.host_images import keep_host_images
from notifier.services.installation.worker_wakeups import wake_matching
from notifier.storage import pushes as store
from notifier.storage import verdicts
from notifier.storage.identities import Identities
from notifier.storage.inventory import host_numbers, outside
from notifier.storage.pushes import PushImport

BAD_ROWS = 100
"""So many bad rows are told of, at most."""
PushAnswer = PushSummary | PushResult
"""What was stored, or why nothing was."""


class HostNotAllowed(InventoryError):
    """A host is pushed that its sender may not speak for."""


def read_push(
    body: bytes,
    options: InputOptions,
    *,
    tags: Mapping[str, str] = {},
    may: Callable[[str], bool] = lambda _: True,
    key: str = "",
) -> Push:
    """Read what a host pushes, in any format of imports; `may` tells which hosts its sender speaks for.

    InventoryError if nothing can be read, UsageProblem for an unknown format, HostNotAllowed for a foreign host.
    """
    try:
        found = list(open_text(Text.of(body), options).found)
    except RecursionError as error:
        raise InventoryError("it is nested too deeply") from error
    said = gathered(Host(o.name, (), view=Observed.INSTALLED) if isinstance(o, Bare) else o for o in found)
    hosts = tuple(replace(host, tags={**host.tags, **tags}) for host in said.hosts)
    how = repr((options.form, options.host, options.product, sorted(tags.items()))).encode()
    push = Push(
        hosts=hosts,
        images=said.images,
        bad=said.bad,
        given=options.host.strip(),
        key=key,
        body=hashlib.sha256(how + b"\0" + body).hexdigest(),
        size=len(body),
    )
    if not push.names:
        reasons = (*(f"{row.where}: {row.reason}" for row in said.bad), *said.notes, "")
        reason = f": {reasons[0]}" if reasons[0] else ""
        raise InventoryError(f"no host was found{reason}", remedy="See `navtex help inventory-formats`")
    if foreign := sorted(name for name in push.names if not may(name)):
        raise _not_allowed(foreign[0])
    return push


def check_own(database: Database, push: Push, limit: Scope) -> None:
    """HostNotAllowed if the inventory has a host of a push without the tags that the sender is limited to."""
    with database.connect() as connection:
        foreign = outside(connection, push.names, limit)
    if foreign:
        raise _not_allowed(foreign[0])


def _not_allowed(name: str) -> HostNotAllowed:
    return HostNotAllowed(f"this token may not report the host {name!r}", remedy="Use a token for this host")


def store_pushes(
    database: Database, pushes: Sequence[Push], now: datetime, refused: Mapping[PushResult, int] = {}
) -> tuple[PushAnswer, ...]:
    """Store pushes in one transaction, and add to the numbers of those that were refused before.

    What cannot be stored with the others is tried alone, so that it stops no other. DatabaseError if nothing can be.
    """
    try:
        return _stored(database, pushes, now, refused)
    except DatabaseError:
        raise
    except Exception:
        if len(pushes) < 2:
            raise
    return tuple(_alone(database, push, now) for push in pushes)


def _alone(database: Database, push: Push, now: datetime) -> PushAnswer:
    try:
        return _stored(database, [push], now, {})[0]
    except DatabaseError:
        raise
    except Exception:  # noqa: BLE001 - whatever is wrong with one push stops no other
        count_pushes(database, {PushResult.FAILED: 1}, now)
        return PushResult.FAILED


def count_pushes(database: Database, results: Mapping[PushResult, int], now: datetime) -> None:
    """Add to the numbers of pushes."""
    with database.begin() as connection:
        store.count(connection, results, now)


def refresh_verdicts(database: Database, now: datetime) -> None:
    """Assess what is new in the inventory, so that readers need not do it each time."""
    with database.connect() as connection:
        behind = verdicts.is_behind(connection)
    if behind:
        with database.begin() as connection:
            verdicts.refresh(connection, storage.catalogue(connection), now.date())


def _stored(
    database: Database, pushes: Sequence[Push], now: datetime, refused: Mapping[PushResult, int]
) -> tuple[PushAnswer, ...]:
    found: dict[int, PushAnswer] = {}
    with database.begin() as connection:
        work, identities = PushImport(connection, now), Identities(connection)
        for part in rounds(enumerate(pushes)):
            found.update(_round(connection, part, (work, identities), now))
        results = Counter(PushResult.STORED if isinstance(a, PushSummary) else a for a in found.values())
        store.count(connection, results + Counter(refused), now)
        if work.changed:
            wake_matching(connection)
    return tuple(found[place] for place in range(len(pushes)))


def _round(
    connection: Connection, part: PushRound, tools: tuple[PushImport, Identities], now: datetime
) -> dict[int, PushAnswer]:
    """Store pushes of different hosts; those whose key was answered before get that answer again."""
    known = store.answers(connection, [p.key for _, p in part.pushes if p.key], now)
    found: dict[int, PushAnswer] = {}
    for place, push in part.pushes:
        if push.key in known:
            body, answer = known[push.key]
            found[place] = msgspec.json.decode(answer, type=PushSummary) if body == push.body else PushResult.KEY_REUSED
    fresh = [(place, push) for place, push in part.pushes if place not in found]
    stored = _hosts_stored(connection, [push for _, push in fresh], tools, now)
    made = {place: _summary(push, stored) for place, push in fresh}
    rows = [(p.key, p.body, msgspec.json.encode(made[place]).decode()) for place, p in fresh if p.key]
    store.keep_answers(connection, rows, now)
    return {**found, **made}


def _hosts_stored(
    connection: Connection, pushes: Sequence[Push], tools: tuple[PushImport, Identities], now: datetime
) -> dict[str, HostOutcome]:
    """What became of each host, by the name under which it was pushed."""
    work, identities = tools
    hosts = [host for push in pushes for host in push.hosts]
    images = [one for push in pushes for one in push.images]
    hosts += _only_of_images(connection, {i.name for i in images} - {h.name for h in hosts})
    given = frozenset(push.given for push in pushes if push.given)
    resolved = [host for host, _ in identities.resolve(hosts, given=given)]
    outcomes = work.store(resolved)
    identities.store()
    names = {host.name: called.name for host, called in zip(hosts, resolved, strict=True)}
    keep_host_images(connection, [replace(one, name=names.get(one.name, one.name)) for one in images], now)
    return {name: outcomes.get(called, HostOutcome.SAME) for name, called in names.items()}


def _only_of_images(connection: Connection, names: Collection[str]) -> Iterable[Host]:
    """Hosts of which only images are known, and that the inventory does not have."""
    known = host_numbers(connection, names) if names else {}
    return [Host(name, (), view=Observed.RUNNING) for name in sorted(set(names) - known.keys())]


def _summary(push: Push, stored: Mapping[str, HostOutcome]) -> PushSummary:
    outcomes = Counter(stored.get(name, HostOutcome.SAME) for name in push.names)
    return PushSummary(
        hosts=len(push.names),
        new=outcomes[HostOutcome.NEW],
        changed=outcomes[HostOutcome.CHANGED],
        same=outcomes[HostOutcome.SAME],
        bad=unread_rows(push.bad[:BAD_ROWS]),
    )
