"""The contexts in the folder of the `docker` program, and DOCKER_HOST."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from notifier.collection.engines import Engine, EngineTls
from notifier.inventory.formats.probe import fit

_SOCKET = "unix:///var/run/docker.sock"
_LARGEST = 1 << 20


class Context(NamedTuple):
    """A context: its name, the address of its engine, and why that is unknown, or ""."""

    name: str
    engine: Engine
    problem: str = ""


class _Endpoint(msgspec.Struct):
    host: str = msgspec.field(default="", name="Host")
    skip: bool = msgspec.field(default=False, name="SkipTLSVerify")


class _Meta(msgspec.Struct):
    name: str = msgspec.field(name="Name")
    endpoints: dict[str, _Endpoint] = msgspec.field(default_factory=dict, name="Endpoints")


def folder(environment: Mapping[str, str]) -> Path:
    """The folder of the `docker` program: DOCKER_CONFIG, or ~/.docker."""
    named = environment.get("DOCKER_CONFIG")
    return Path(named) if named else Path.home() / ".docker"


def local(environment: Mapping[str, str]) -> Engine:
    """The engine at DOCKER_HOST, with TLS if DOCKER_TLS_VERIFY is set; otherwise this machine's."""
    address = environment.get("DOCKER_HOST") or _SOCKET
    return Engine(address, certificates(environment) if address.startswith(("tcp:", "http")) else None)


def certificates(environment: Mapping[str, str]) -> EngineTls | None:
    """The certificates for engines that no context describes; None unless DOCKER_TLS_VERIFY is set."""
    if not environment.get("DOCKER_TLS_VERIFY"):
        return None
    named = environment.get("DOCKER_CERT_PATH")
    return EngineTls(Path(named) if named else folder(environment))


def stored(environment: Mapping[str, str]) -> list[Context]:
    """All stored contexts, by name; one that cannot be read has the name of its folder."""
    contexts = folder(environment) / "contexts"
    found = [_read(path, contexts / "tls" / path.parent.name) for path in contexts.glob("meta/*/meta.json")]
    return sorted(found)


def _read(path: Path, tls: Path) -> Context:
    try:
        with path.open("rb") as file:
            meta = msgspec.json.decode(file.read(_LARGEST), type=_Meta)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Context(path.parent.name, Engine(""), f"{path} cannot be read: {error}")
    if not fit(meta.name):
        return Context(path.parent.name, Engine(""), f"{path} has a name that is too long or not printable")
    endpoint = meta.endpoints.get("docker")
    if endpoint is None or not endpoint.host:
        return Context(meta.name, Engine(""), f"{path} has no engine address")
    files = tls / "docker"
    secured = EngineTls(files, not endpoint.skip) if files.is_dir() or endpoint.skip else None
    return Context(meta.name, Engine(endpoint.host, secured))
