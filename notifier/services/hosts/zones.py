"""Collecting by zones: a plan enqueues the hosts of a zone in batches, and a worker that reaches them asks them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from feeds.core.errors import ConfigError
from feeds.storage.database import Database
from notifier.collection.targets import Chosen, label_of, lines_of
from notifier.config import Collecting
from notifier.domain.jobs import TARGETS, collect_job, zone_queue
from notifier.schemas.fields import whole
from notifier.schemas.inventory import UnansweredHost, UnansweredHosts
from notifier.services.hosts.collecting import CollectOptions, collect
from notifier.storage import jobs, zones

_TRIES = 2
"""How often hosts that did not answer are asked again in a round."""


@dataclass(frozen=True, slots=True)
class ZonePart:
    """Hosts of a zone that are asked together, in the round that began at a moment, after so many tries."""

    zone: str
    targets: tuple[str, ...]
    begun: datetime
    tries: int = 0


def plan_zone(database: Database, settings: Collecting, zone: str, now: datetime) -> int:
    """Enqueue a collection from every host of a zone; how many hosts. ConfigError if its file cannot be read.

    What waits of an earlier round is cancelled.
    """
    file = settings.zones[zone]
    try:
        lines = lines_of(Path(file).expanduser().read_text(encoding="utf-8"), file)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the hosts of the zone {zone!r} cannot be read: {error}", where=file) from error
    parts = [lines[at : at + TARGETS] for at in range(0, len(lines), TARGETS)]
    with database.begin() as connection:
        zones.begin(connection, zone, now, [_name(line) for line in lines])
        jobs.clear(connection, zone_queue(zone))
        jobs.enqueue(connection, [collect_job(zone, part, now) for part in parts])
    return len(lines)


def collect_part(
    database: Database,
    settings: Collecting,
    part: ZonePart,
    environment: Mapping[str, str],
    now: datetime,
    *,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Ask hosts of a zone, and store what they answer; how many did not. A part of an earlier round is dropped.

    Those that do not answer are asked again twice, a minute apart. Those that were not asked yet when it was to stop
    are left to the next worker.
    """
    with database.connect() as connection:
        if not zones.is_current(connection, part.zone, part.begun):
            return 0
    chosen = Chosen(hosts=part.targets, tls=settings.tls)
    options = CollectOptions(chosen, settings.jobs, settings.timeout, stopping=stopping)
    answer = collect(database, options, environment, now)
    lines = {_name(line): line for line in part.targets}
    names = {label_of(name): name for name in lines}
    rest = {names[label] for label in answer.left if label in names}
    missing = {names[m.target]: m.reason for m in answer.value.missing if m.target in names}
    again = [line for name, line in lines.items() if name in missing and part.tries < _TRIES]
    with database.begin() as connection:
        zones.note(connection, part.zone, lines.keys() - rest, missing.items(), now)
        wanted = ((again, part.tries + 1), ([lines[name] for name in lines if name in rest], part.tries))
        jobs.enqueue(connection, [collect_job(part.zone, some, part.begun, tries) for some, tries in wanted if some])
    return len(missing)


def _name(line: str) -> str:
    """A host as messages name it."""
    return line.split(maxsplit=1)[0]


def list_unanswered(database: Database) -> UnansweredHosts:
    """The hosts of zones that did not answer when they were asked last."""
    with database.connect() as connection:
        found = zones.listed(connection)
    return UnansweredHosts(
        hosts=tuple(
            UnansweredHost(zone=o.zone, target=o.target, reason=o.reason, since=whole(o.since), asked_at=whole(o.at))
            for o in found
        )
    )
