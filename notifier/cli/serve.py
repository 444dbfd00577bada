"""`navtex serve`."""

from __future__ import annotations

from types import ModuleType

import click
import msgspec

from feeds.core.errors import ConfigError
from notifier.cli.app import opened, say, settings
from notifier.cli.log import crash
from notifier.config import Config, listen_address


@click.command("serve")
@click.option("--listen", metavar="HOST:PORT", help="Address to listen on.  [default: 127.0.0.1:8420]")
@click.option("--threads", type=click.IntRange(1, 256), metavar="N", help="Threads that answer.  [default: 8]")
@click.option(
    "--insecure-http", is_flag=True, help="Let people sign in over plain HTTP. Their cookies can be read on the way."
)
def command(listen: str | None, threads: int | None, insecure_http: bool) -> None:
    """Serve the web page and the API until interrupted.

    Listens on this machine only, unless `[web] listen` or --listen says otherwise. Put a proxy with TLS in front
    (`navtex help serve-behind-a-proxy`). If nobody can sign in yet, it prints an address at which to create the first
    administrator.
    """
    server = _server()
    config = _config(settings(), listen, threads)
    with opened(config) as database:
        server.serve(database, config, server.Events(say, crash), insecure=insecure_http)


def _server() -> ModuleType:
    """The server; ConfigError if its libraries are missing."""
    try:
        from notifier.web import server
    except ModuleNotFoundError as error:
        if (error.name or "").startswith(("notifier", "feeds")):
            raise
        raise ConfigError(f"the page needs {error.name}", remedy="Install navtex[web]") from None
    return server


def _config(config: Config, listen: str | None, threads: int | None) -> Config:
    """The configuration with what the options say."""
    given = {name: value for name, value in (("listen", listen), ("threads", threads)) if value is not None}
    try:
        listen_address(listen or config.web.listen)
    except ValueError as error:
        raise ConfigError(str(error), where="--listen", remedy="Write for example 127.0.0.1:8420") from None
    return msgspec.structs.replace(config, web=msgspec.structs.replace(config.web, **given))
