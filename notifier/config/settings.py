"""Every setting."""

from __future__ import annotations

from pathlib import Path

from msgspec import field
from msgspec.structs import force_setattr

from feeds.core.errors import ConfigError
from notifier.config.channels import Mail, Operator, Slack
from notifier.config.digests import Digests
from notifier.config.due import DueSettings
from notifier.config.images import ImageSettings
from notifier.config.inventory import Collecting, InventorySettings
from notifier.config.locations import default_path
from notifier.config.operation import Log, Metrics, Retention, Workers
from notifier.config.sources import Polling, SourceSettings, mirror_location
from notifier.config.tables import SettingError, Table
from notifier.config.web import Web


class Config(Table, frozen=True):
    """Every setting, with what is used when nothing is said."""

    database: str = ""
    mirror: str = ""
    ca_bundle: str = ""
    corrections: str = ""
    poll: Polling = Polling()
    mail: Mail = Mail()
    slack: Slack = Slack()
    collect: Collecting = Collecting()
    inventory: InventorySettings = InventorySettings()
    images: ImageSettings = ImageSettings()
    operator: Operator = Operator()
    digest: Digests = Digests()
    due: DueSettings = DueSettings()
    retention: Retention = Retention()
    templates: str = ""
    log: Log = Log()
    metrics: Metrics = Metrics()
    worker: Workers = Workers()
    web: Web = Web()
    sources: dict[str, SourceSettings] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            force_setattr(self, "mirror", mirror_location(self.mirror, ""))
        except ConfigError as error:
            raise SettingError("mirror", f"is wrong: {error.what}") from None

    @property
    def template_folder(self) -> Path | None:
        """The folder with the user's own templates, if there is one."""
        own = Path(self.templates).expanduser() if self.templates else default_path().parent / "templates"
        return own if self.templates or own.is_dir() else None

    @property
    def disabled(self) -> frozenset[str]:
        """The sources that are not asked."""
        return frozenset(name for name, s in self.sources.items() if not s.enabled)

    @property
    def urls(self) -> dict[str, dict[str, str]]:
        """The addresses that are replaced, by source and form."""
        return {name: s.urls for name, s in self.sources.items() if s.urls}
