"""How registries are reached: by the configuration, with Docker's credentials or those of the configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping

from feeds.core.errors import ChannelError, ConfigError
from feeds.images.references import HUB
from feeds.sources.registries import RegistryAccess
from notifier.collection.registry_credentials import Credential, credentials
from notifier.config import ImageSettings
from notifier.security.references import resolved


def registry_accesses(
    settings: ImageSettings, environment: Mapping[str, str] = os.environ
) -> tuple[tuple[RegistryAccess, ...], list[str]]:
    """The registries that may be asked, and warnings about credentials that could not be read.

    ConfigError if a setting is of a registry that is not asked, or refers to a secret that is not there.
    """
    names = tuple(_named(name) for name in settings.registries)
    for name in settings.registry:
        if _named(name) not in names:
            raise ConfigError(f"images.registry has {name!r}, which is not in images.registries")
    if not names:
        return (), []
    found, warnings = credentials(names, environment)
    return tuple(_access(name, settings, found.get(name, Credential())) for name in names), warnings


def same_registry(one: str, other: str) -> bool:
    """Whether two names stand for the same registry; ConfigError if one is none."""
    return _named(one) == _named(other)


def _access(name: str, settings: ImageSettings, credential: Credential) -> RegistryAccess:
    own = next((s for n, s in settings.registry.items() if _named(n) == name), None)
    if own is None:
        return RegistryAccess(
            name,
            username=credential.username,
            password=credential.password,
            identity_token=credential.identity_token,
        )
    try:
        password = resolved(own.password) if own.password else ""
    except ChannelError as error:
        raise ConfigError(error.what, where=f"images.registry.{name}.password") from error
    return RegistryAccess(
        name,
        http=own.http,
        ca=own.ca,
        token_hosts=own.token_hosts,
        username=own.username or credential.username,
        password=password or credential.password,
        identity_token="" if own.username else credential.identity_token,
    )


def _named(name: str) -> str:
    """A registry by the name that references have; ConfigError if it is none."""
    plain = name.strip().lower().removesuffix("/")
    if not plain or "/" in plain or any(c.isspace() for c in plain):
        raise ConfigError(f"images.registries has {name!r}, which is not HOST or HOST:PORT")
    return HUB if plain in ("index.docker.io", "registry-1.docker.io", "hub.docker.com") else plain
