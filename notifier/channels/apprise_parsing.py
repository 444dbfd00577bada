"""What Apprise makes of an address."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from feeds.core.errors import ChannelError

HELP = "See `navtex help channels`"


def scheme(address: str) -> str:
    """What stands before the colon, in lower case."""
    return address.partition(":")[0].strip().lower()


@lru_cache(maxsize=1024)
def parse(address: str) -> Any:
    """Apprise's object for an address, to be read and not to be sent with.

    ChannelError where Apprise understands none; the address itself is not shown.
    """
    import apprise

    if "://" not in address:
        raise _no_address(address.strip())
    # what it logs quotes addresses, which may hold passwords
    log = logging.getLogger("apprise")
    log.handlers, log.propagate = [logging.NullHandler()], False
    parsed = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    if parsed is None and scheme(address) in ("http", "https"):
        raise ChannelError(
            f"{scheme(address)}:// does not say which service it is",
            remedy=f"For a JSON webhook, write json{scheme(address)[4:]}://HOST/PATH",
        )
    if parsed is None:
        raise ChannelError(f"the {scheme(address)}:// address is not valid", remedy=HELP)
    return parsed


def _no_address(text: str) -> ChannelError:
    """What to say of a text without a scheme. It may be a secret, and is not shown, unless it is a path."""
    if text.startswith(("/", "./", "../", "~")):
        whole = quote(text) if text.startswith("/") else "/WHOLE/PATH"
        return ChannelError("it is a path, not an address", remedy=f"For a folder, write file://{whole}")
    if "@" in text:
        return ChannelError(
            "it is a mail address without a server",
            remedy="Write mailto://SERVER?from=ADDRESS&to=ADDRESS",
        )
    return ChannelError(
        "it is not an address: it does not begin with a scheme such as mailto:// or file://", remedy=HELP
    )
