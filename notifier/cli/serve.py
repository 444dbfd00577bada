"""`navtex serve`."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import click
import msgspec

from feeds.core.errors import ConfigError, NavtexError
from notifier.cli.common import opened, say, settings
from notifier.cli.log import event
from notifier.config import Config, listen_address

if TYPE_CHECKING:
    from notifier.web.security_headers import Answered


@click.command("serve")
@click.option("--listen", metavar="HOST:PORT", help="Address to listen on.  [default: 127.0.0.1:8420]")
@click.option(
    "--threads", type=click.IntRange(1, 256), metavar="N", help="Number of threads that answer requests.  [default: 8]"
)
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
        server.serve(database, config, server.Events(say, _failed, _answered), insecure=insecure_http)


def _failed(error: BaseException) -> None:
    """Log an error for which somebody got the status 500 or 503. The server goes on."""
    lines = "".join(traceback.format_exception(error))
    name = type(error).__name__
    if isinstance(error, NavtexError):
        event("answer_failed", str(error), level="error", error=name)
        return
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    text = f"Unexpected error in an answer: {name}: {error}{place}. Please report it"
    event("answer_failed", text, level="error", error=name, traceback=lines)


def _answered(request: Answered) -> None:
    """Log a request. What its address holds of secrets is left out."""
    text = f"{request.method} {request.path} {request.status}"
    event(
        "answered",
        text,
        method=request.method,
        path=request.path,
        status=request.status,
        seconds=round(request.seconds, 4),
        client=request.client,
    )


def _server() -> ModuleType:
    """The server; ConfigError if its libraries are missing."""
    try:
        from notifier.web import server
    except ModuleNotFoundError as error:
        if (error.name or "").startswith(("notifier", "feeds")):
            raise
        raise ConfigError(f"the page needs {error.name}", remedy="In the checkout, run pip install '.[web]'") from None
    return server


def _config(config: Config, listen: str | None, threads: int | None) -> Config:
    """The configuration with what the options say."""
    given = {name: value for name, value in (("listen", listen), ("threads", threads)) if value is not None}
    try:
        listen_address(listen or config.web.listen)
    except ValueError as error:
        raise ConfigError(str(error), where="--listen", remedy="Write for example 127.0.0.1:8420") from None
    return msgspec.structs.replace(config, web=msgspec.structs.replace(config.web, **given))
