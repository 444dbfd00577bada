"""`[images]`: registries, and images of your own."""

from __future__ import annotations

from msgspec import field

from notifier.config.tables import Table


class ImageBaseSettings(Table, frozen=True):
    """`[[images.base]]`: a base whose tag is asked for, with its line as endoflife.date names it ("debian 12")."""

    name: str
    line: str = ""


class RegistrySettings(Table, frozen=True):
    """`[images.registry."HOST"]`: how one registry is reached. Credentials may refer to secrets (`${NAME}`)."""

    ca: str = ""
    token_hosts: tuple[str, ...] = ()
    http: bool = False
    username: str = ""
    password: str = ""


class ImageSettings(Table, frozen=True):
    """`[images]`: the registries that are asked (no other is), what you build yourself, and the bases that you name."""

    registries: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    pulls: int = 40
    split_hours: float = 24.0
    base: tuple[ImageBaseSettings, ...] = ()
    registry: dict[str, RegistrySettings] = field(default_factory=dict)
