"""Runs the application under uvicorn."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from feeds.core.errors import ConfigError
from feeds.storage.database import Database
from notifier.config import Config, listen_address
from notifier.rendering.pages import Pages
from notifier.web.app import Site, application
from notifier.web.origins import own_hosts

_GRACE = 10
"""Seconds that answers have left when the server is stopped."""


def site_of(database: Database, config: Config, *, address: str = "", secure: bool = True) -> Site:
    """What requests share, by the configuration. `address`: where it listens."""
    listen = address or config.web.listen
    hosts = own_hosts(config.web.url, listen, config.web.allowed_hosts)
    return Site(database, config, Pages(), hosts, config.web.url.rstrip("/") or f"http://{listen}")


def serve(database: Database, config: Config, *, insecure: bool, say: Callable[[str], None]) -> None:
    """Listen and answer until interrupted. ConfigError if the address cannot be listened on."""
    with _bound(config.web.listen) as listening:
        host, port = listening.getsockname()[:2]
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        site = site_of(database, config, address=address, secure=not insecure)
        server = uvicorn.Server(_settings(site))
        say(f"Serving {site.base}/ (stop with Ctrl+C)")
        server.run(sockets=[listening])


def _settings(site: Site) -> uvicorn.Config:
    return uvicorn.Config(
        application(site),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        loop="asyncio",
        http="h11",
        timeout_graceful_shutdown=_GRACE,
    )


def _bound(listen: str) -> socket.socket:
    host, port = listen_address(listen)
    made: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError as error:
        if made:
            made.close()
        raise ConfigError(
            f"cannot be listened on: {error.strerror or error}", where=listen, remedy="Choose another with --listen"
        ) from None
    return made
