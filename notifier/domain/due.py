"""Due dates: until when a finding is to be fixed, counted from its first exposure.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from feeds.advisories.records import Advisory, Level


@dataclass(frozen=True, slots=True)
class DuePolicy:
    """How many days a finding may stay open, by severity, and if it is known exploited."""

    days: Mapping[Level, int] = field(default_factory=dict)
    exploited: int | None = None

    def __bool__(self) -> bool:
        """Whether any finding gets a due date."""
        return bool(self.days) or self.exploited is not None

    def due(self, advisory: Advisory, first: date) -> date | None:
        """The last day on which a finding is in time; None if it has no due date."""
        allowed = [self.days.get(Level.of(advisory.severity))]
        if advisory.exploited is not None:
            allowed.append(self.exploited)
        days = min((d for d in allowed if d is not None), default=None)
        return None if days is None else first + timedelta(days=days)


NO_DUE_DATES = DuePolicy()


@dataclass(frozen=True, slots=True)
class Dated:
    """When a finding was first exposed, when it is due (None: never), and whether that has passed."""

    first: date
    due: date | None = None
    overdue: bool = False
