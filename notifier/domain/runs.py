"""A run of a command, as it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Run:
    """One run of an unattended command: from when to when, for how many seconds, and its exit status."""

    command: str
    began_at: datetime
    ended_at: datetime
    seconds: float
    status: int
    succeeded_at: datetime | None = None
    """When the command last ended with status 0: this run, or one before it."""
