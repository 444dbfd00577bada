"""What the configuration says of notifying."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from feeds.advisories.records import Level
from notifier.config import Config, DueSettings, ImageSettings
from notifier.domain.due import NO_DUE_DATES, DuePolicy
from notifier.domain.hosts import NAMED


def due_policy(settings: DueSettings) -> DuePolicy:
    """What `[due]` of the configuration says."""
    days = settings.days
    return DuePolicy({level: days[level] for level in Level if level in days}, days.get("exploited"))


@dataclass(frozen=True, slots=True)
class Settings:
    """What the configuration says of notifying."""

    stale_days: int = 14
    named: int = NAMED
    """How many hosts a digest names of each version."""
    disabled: frozenset[str] = frozenset()
    """Sources that are not asked, of which nothing is to be said."""
    operators: tuple[str, ...] = ()
    """The channels of those who run Navtex."""
    templates: Path | None = None
    """The user's own templates."""
    images: ImageSettings = field(default_factory=ImageSettings)
    due: DuePolicy = NO_DUE_DATES

    @classmethod
    def of(cls, config: Config) -> Settings:
        """Those of a configuration."""
        return cls(
            stale_days=config.digest.stale_days,
            named=config.digest.hosts,
            disabled=config.disabled,
            operators=config.operator.to,
            templates=config.template_folder,
            images=config.images,
            due=due_policy(config.due),
        )


DEFAULTS = Settings()
"""Those of a configuration that says nothing."""
