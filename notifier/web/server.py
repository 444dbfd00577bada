"""Runs the application under uvicorn."""

from __future__ import annotations

import gc
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import uvicorn

from feeds.core.errors import ConfigError
from feeds.storage.database import Database
from notifier.config import Config, listen_address
from notifier.rendering.pages import Pages
from notifier.security.passwords import digest, new_secret
from notifier.services.people.accounts import any_password, any_user
from notifier.web.app import application
from notifier.web.connections import TimedConnection
from notifier.web.origins import own_hosts
from notifier.web.permissions import is_loopback
from notifier.web.routes import ROUTES
from notifier.web.security_headers import Answered
from notifier.web.shared_state import Site


@dataclass(frozen=True, slots=True)
class Events:
    """Whom the server tells what happens: a message for a person, and an error that nobody expected."""

    say: Callable[[str], None]
    failed: Callable[[BaseException], None]
    answered: Callable[[Answered], None]


_GRACE = 10
"""Seconds that answers have left when the server is stopped."""


def site_of(database: Database, config: Config, *, address: str = "", secure: bool = True, setup: str = "") -> Site:
    """What requests share, by the configuration. `address`: where it listens; `setup`: see `Call.setup`."""
    listen = address or config.web.listen
    hosts = own_hosts(config.web.url, listen, config.web.allowed_hosts)
    base = config.web.url.rstrip("/") or f"http://{listen}"
    return Site(database, config, Pages(), hosts, base, ROUTES, secure, setup)


def serve(database: Database, config: Config, events: Events, *, insecure: bool = False) -> None:
    """Listen and answer until interrupted. ConfigError if nobody could sign in, or the address cannot be used."""
    check_reachable(database, config)
    with _bound(config.web.listen) as listening:
        host, port = listening.getsockname()[:2]
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        secret = new_secret() if "local" in config.web.auth.methods and not any_user(database) else ""
        site = site_of(database, config, address=address, secure=not insecure, setup=digest(secret) if secret else "")
        site.report, site.told = events.failed, events.answered
        events.say(f"Serving {site.base}/ (stop with Ctrl+C)")
        if secret:
            events.say(f"Create the first administrator at {site.base}/setup/{secret} (valid once)")
        gc.freeze()  # what was loaded stays, and need not be looked through for garbage again and again
        # uvicorn raises the signal that ended it again; to be stopped is no failure
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(settings(site)).run(sockets=[listening])


def check_reachable(database: Database, config: Config) -> None:
    """ConfigError if others would reach the server while nobody can sign in."""
    host = listen_address(config.web.listen)[0]
    if is_loopback(host) or host == "localhost":
        return
    if {"oidc", "proxy"} & set(config.web.auth.methods) or any_password(database):
        return
    raise ConfigError(
        "other machines can reach this address, and nobody can sign in",
        where=config.web.listen,
        remedy="Add a user with `navtex user add NAME --role admin`, or configure [web.auth]",
    )


def settings(site: Site, connection: type[TimedConnection] = TimedConnection) -> uvicorn.Config:
    """How uvicorn runs the application of a site."""
    return uvicorn.Config(
        application(site),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        loop="asyncio",
        http=connection,
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
        made.listen(1024)
    except OSError as error:
        if made:
            made.close()
        raise ConfigError(
            f"cannot be listened on: {error.strerror or error}", where=listen, remedy="Choose another with --listen"
        ) from None
    return made
