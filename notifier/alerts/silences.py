"""Silences and assignments: what they cover, what breaks them, and what reports an advisory again.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from feeds.advisories.records import Advisory
from notifier.alerts.alert_state import AffectedComponent, AlertState, escalations
from notifier.alerts.digest import Silenced
from notifier.domain.filters import Named, Scope

JUSTIFICATIONS = (
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
)
"""VEX's words for why a vulnerability does not affect a product."""


class SilenceState(StrEnum):
    """In force: digests leave the advisory out.  Broken: the advisory got worse, so it is reported.  Ended: over."""

    IN_FORCE = "in force"
    BROKEN = "broken"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Silence:
    """An advisory that digests leave out, for the hosts of a scope, until a moment.

    `facets` is its state when it was silenced: anything worse breaks the silence.  Hosts that join the scope later are
    silenced, too.
    """

    advisory: int
    scope: Scope
    reason: str
    author: str
    created_at: datetime
    until: datetime
    facets: AlertState = field(default_factory=AlertState)
    justification: str = ""
    name: str = ""
    """The advisory's name."""
    id: int = 0

    def lasts(self, now: datetime) -> bool:
        """Whether its end is still to come."""
        return self.created_at <= now < self.until


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who an advisory is assigned to, for the hosts of a scope, until the end of a day (in UTC)."""

    advisory: int
    scope: Scope
    owner: str
    due: date
    created_at: datetime
    note: str = ""
    released_at: datetime | None = None
    name: str = ""
    id: int = 0

    @property
    def overdue_at(self) -> datetime:
        """The moment from which it is overdue."""
        return datetime.combine(self.due + timedelta(days=1), time(), UTC)

    def overdue(self, now: datetime) -> bool:
        """Whether it is overdue, and was not released."""
        return self.released_at is None and now >= self.overdue_at


@dataclass(frozen=True, slots=True)
class SilenceStatement:
    """A silence as a VEX statement: `status` is not_affected where it was justified as such, else affected."""

    advisory: str
    aliases: tuple[str, ...]
    scope: Scope
    status: str
    justification: str
    words: str
    author: str
    at: datetime
    until: datetime


def about(advisory: Advisory) -> tuple[int, ...]:
    """The numbers under which an advisory may be stored."""
    return (advisory.id, *advisory.doubles)


def broken(silence: Silence, advisory: Advisory, group: Iterable[AffectedComponent]) -> tuple[str, ...]:
    """What got worse since it was silenced, in words; () if the silence holds."""
    return tuple(escalations(silence.facets, advisory, group))


def in_force(
    silences: Iterable[Silence], concerns: Mapping[int, list[AffectedComponent]], now: datetime
) -> dict[int, tuple[Silence, ...]]:
    """The silences that hold now, by the number of their advisory. `concerns` are by advisory, for all hosts."""
    found: dict[int, tuple[Silence, ...]] = {}
    lasting = [s for s in silences if s.lasts(now)]
    for number, group in concerns.items():
        advisory = group[0].match.advisory
        mine = tuple(s for s in lasting if s.advisory in about(advisory) and not broken(s, advisory, group))
        if mine:
            found[number] = mine
    return found


def patterns(silences: Iterable[Silence]) -> tuple[tuple[str, ...], ...]:
    """The patterns by which the scopes of some silences name hosts, each once."""
    return tuple(dict.fromkeys(s.scope.hosts for s in silences if s.scope.hosts))


def covered_until(silences: Iterable[Silence], tags: Mapping[str, str], named: Named, product: str) -> datetime | None:
    """The latest end of those silences in force that cover a product on a host; None if none does.

    `tags` are the host's, `named` the patterns that its name matches.
    """
    return max((s.until for s in silences if s.scope.has(tags, named, product)), default=None)


def shown(scope: Scope) -> str:
    """A scope in words: "hosts web-*, tag env=prod"; "" for all hosts.

    >>> shown(Scope(hosts=("web-*",), tags={"env": "prod"}))
    'host web-*, tag env=prod'
    """
    parts = [f"host {h}" for h in scope.hosts]
    parts += [f"tag {k}={v}" for k, v in scope.tags.items()]
    parts += [f"product {p}" for p in scope.products]
    return ", ".join(parts)


def line(silence: Silence) -> Silenced:
    """A silence as listed in the footer of a digest."""
    return Silenced(silence.name, shown(silence.scope), silence.reason, silence.author, silence.until)


def statements(
    silences: Iterable[Silence], advisories: Mapping[int, Advisory], now: datetime
) -> Iterator[SilenceStatement]:
    """The silences that last, as VEX statements. `advisories` are by number; of others nothing is stated."""
    for silence in silences:
        advisory = advisories.get(silence.advisory)
        if advisory is not None and silence.lasts(now):
            yield SilenceStatement(
                advisory.name,
                advisory.aliases,
                silence.scope,
                "not_affected" if silence.justification else "affected",
                silence.justification,
                silence.reason,
                silence.author,
                silence.created_at,
                silence.until,
            )
