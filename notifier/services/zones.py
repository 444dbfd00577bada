"""Collecting by zones: a plan enqueues the hosts of a zone in batches, and a worker that reaches them asks them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from feeds.core.errors import ConfigError
from feeds.storage.database import Database
from notifier.collection.targets import Chosen, lines_of
from notifier.config import Collecting
from notifier.domain.jobs import TARGETS, collect_job, zone_queue
from notifier.schemas.fields import whole
from notifier.schemas.inventory import UnansweredHost, UnansweredHosts
from notifier.services.collecting import CollectOptions, collect
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
    database: Database, settings: Collecting, part: ZonePart, environment: Mapping[str, str], now: datetime
) -> int:
    """Ask hosts of a zone, and store what they answer; how many did not. A part of an earlier round is dropped.

    Those that do not answer are asked again twice, a minute apart.
    """
    with database.connect() as connection:
        if not zones.is_current(connection, part.zone, part.begun):
            return 0
    options = CollectOptions(Chosen(ssh=part.targets), settings.jobs, settings.timeout)
    missing = {
        m.target.removeprefix("ssh "): m.reason for m in collect(database, options, environment, now).value.missing
    }
    lines = {_name(line): line for line in part.targets}
    left: Sequence[str] = [line for name, line in lines.items() if name in missing]
    with database.begin() as connection:
        zones.note(connection, part.zone, lines, missing.items(), now)
        if left and part.tries < _TRIES:
            jobs.enqueue(connection, [collect_job(part.zone, left, part.begun, part.tries + 1)])
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
