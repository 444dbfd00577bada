"""`[collect]` and `[inventory]`: where inventories come from."""

from __future__ import annotations

import re

from msgspec import field

from notifier.config.tables import SettingError, Table

ZONE = r"[a-z0-9][a-z0-9-]{0,39}"
"""The name of a zone."""


MOST_PARALLEL = 256
"""How many engines and hosts may be queried at a time."""


class Collecting(Table, frozen=True):
    """`[collect]`: whom `navtex inventory collect` asks, how many at a time, and the seconds that each may take.

    `ssh` holds hosts as the lines of a hosts file, and `ssh_hosts` names such a file. `tls` is the folder with the
    certificates for `tcp://` addresses in them. `zones` names a hosts file for each zone, whose hosts a worker of that
    zone asks.
    """

    local: bool = False
    contexts: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    ssh_hosts: str = ""
    jobs: int = 16
    timeout: float = 20.0
    tls: str = ""
    zones: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for zone in self.zones:
            if not re.fullmatch(ZONE, zone):
                raise SettingError(
                    "zones", f"has {zone!r}, which must consist of lower-case letters, digits and dashes"
                )
        if not 1 <= self.jobs <= MOST_PARALLEL:
            raise SettingError("jobs", f"is {self.jobs}, and must be 1 to {MOST_PARALLEL}")
        if not 0 < self.timeout <= 3600:
            raise SettingError("timeout", f"is {self.timeout:g}, and must be more than 0 and at most 3600 seconds")


class MappingPaths(Table, frozen=True):
    """`[inventory.mapping.NAME]`: where the JSON of a tool holds what an inventory needs, as JMESPath expressions.

    `hosts` is looked up in the document, `host`, `id`, `distribution` and `components` in each host, and the others
    in each component, or in the host where there are no components.
    """

    hosts: str = "@"
    host: str = ""
    components: str = ""
    product: str = ""
    package: str = ""
    kind: str = ""
    version: str = ""
    distribution: str = ""
    id: str = ""

    def __post_init__(self) -> None:
        if not self.host or not self.version or not (self.product or self.package):
            raise SettingError("", "needs `host`, `version`, and `product` or `package`")


class InventorySettings(Table, frozen=True):
    """`[inventory]`: readers of your own, by the name that `inventory import --from` calls them by."""

    mapping: dict[str, MappingPaths] = field(default_factory=dict)
