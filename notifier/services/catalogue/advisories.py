"""`navtex advisory list` and `show`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from feeds import storage
from feeds.advisories.merging import at_least
from feeds.advisories.records import Kind, Severity
from feeds.storage.database import Database
from notifier.alerts.silences import about
from notifier.domain.filters import Scope
from notifier.schemas.advisory import AdvisoryDetail, AdvisoryList, advisory_detail, advisory_row
from notifier.services.snapshot.scopes import visible_part
from notifier.storage import silences


@dataclass(frozen=True, slots=True)
class AdvisoryQuery:
    """Which advisories to list: empty and None stand for all."""

    kinds: tuple[Kind, ...] = ()
    least: Severity | None = None
    product: str | None = None
    limit: int | None = None
    words: str = ""
    """Text that the name, an alias or the title contains."""
    after: str = ""
    """The name of the last one that was listed before."""


@dataclass(frozen=True, slots=True)
class AdvisoriesAnswer:
    """The advisories, how many more there are, whether any is known at all, and how many match."""

    value: AdvisoryList
    more: int
    known: bool
    total: int = 0


def advisories(database: Database, query: AdvisoryQuery) -> AdvisoriesAnswer:
    """The advisories that a query matches, newest first. Unscored ones match every severity."""
    with database.connect() as connection:
        everything = storage.catalogue(connection).advisories
    chosen = [
        a
        for a in everything
        if (not query.kinds or a.kind in query.kinds)
        and (query.least is None or at_least(a.severity, query.least))
        and (query.product is None or query.product in a.products)
        and query.words.lower() in " ".join((a.name, *a.aliases, a.title)).lower()
    ]
    chosen.sort(key=lambda a: (-(a.published.timestamp() if a.published else 0), -a.place, a.name))
    place = next((at + 1 for at, one in enumerate(chosen) if query.after and one.name == query.after), 0)
    listed = chosen[place:][: query.limit]
    return AdvisoriesAnswer(
        AdvisoryList(advisories=tuple(map(advisory_row, listed))),
        len(chosen) - place - len(listed),
        bool(everything),
        len(chosen),
    )


def advisory(
    database: Database,
    name: str,
    now: datetime,
    within: Scope = Scope(),  # noqa: B008 - a frozen value
) -> AdvisoryDetail:
    """One advisory by its name or an alias; UnknownName if there is none.

    `within` are the tags that the viewer is limited to: no silence or assignment of other hosts is shown.
    """
    with database.connect() as connection:
        found = storage.catalogue(connection).find(name)
        assignments = [h for h in silences.hands(connection) if h.advisory in about(found)]
        lasting = [s for s in silences.every(connection) if s.advisory in about(found) and s.lasts(now)]
        assignments = [
            replace(h, scope=p) for h in assignments if (p := visible_part(connection, h.scope, within)) is not None
        ]
        lasting = [replace(s, scope=p) for s in lasting if (p := visible_part(connection, s.scope, within)) is not None]
    return advisory_detail(found, assignments, lasting)
