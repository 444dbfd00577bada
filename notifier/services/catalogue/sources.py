"""`navtex source list`: every source and its state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from feeds import storage
from feeds.sources.all_sources import SOURCES
from feeds.sources.health import MirrorState, SourceHealth, SourceState, assessed
from feeds.sources.registries import ImageQuestions, source
from feeds.storage.database import Database
from notifier.config import Config
from notifier.schemas.fields import whole
from notifier.schemas.source import DISABLED, MirrorRow, SourceList, SourceRow
from notifier.services.installation.mirror_age import age


@dataclass(frozen=True, slots=True)
class SourcesAnswer:
    """The sources, and the state of the mirror that they were read from."""

    value: SourceList
    mirror: MirrorState | None


def sources(database: Database, config: Config, now: datetime, limit: int | None = None) -> SourcesAnswer:
    """Every source, or the first `limit`, and the mirror. Registries are a source if some are configured."""
    with database.connect() as connection:
        stored = storage.sources(connection)
        mirror = storage.mirror(connection)
    states = stored | {s.name: s for s in assessed(stored.values(), now)}
    rows = []
    registries = (source(ImageQuestions()),) if config.images.registries else ()
    for one in (*SOURCES, *registries)[:limit]:
        state = states.get(one.name) or SourceState(one.name, SourceHealth.UNPOLLED)
        rows.append(
            SourceRow(
                name=one.name,
                title=one.title,
                url=one.home,
                state=DISABLED if one.name in config.disabled else state.state.value,
                last_success=whole(state.last_success) if state.last_success else None,
                items=state.items,
                message=state.message,
            )
        )
    value = SourceList(sources=tuple(rows), mirror=_mirror(mirror, config.poll.mirror_days, now) if mirror else None)
    return SourcesAnswer(value, mirror)


def _mirror(mirror: MirrorState, days: float, now: datetime) -> MirrorRow:
    return MirrorRow(
        mirror=mirror.name,
        fetched_at=whole(mirror.fetched_at) if mirror.fetched_at else None,
        read_at=whole(mirror.read_at),
        old=age(mirror, days, now)[1],
    )
