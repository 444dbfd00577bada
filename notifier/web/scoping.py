"""The hosts that a call may be about: what was asked for, within what the viewer may see."""

from __future__ import annotations

import msgspec

from notifier.domain.filters import Scope
from notifier.services.snapshot.scopes import check_visible
from notifier.web.handler_values import Call

NOTHING = {"\n": ""}
"""Tags that no host has."""


def scoped(call: Call, asked: Scope = Scope()) -> Scope:  # noqa: B008 - a frozen value
    """The part of a scope that the viewer may see; UnknownName if it names a host that they may not see.

    Somebody who is limited to some tags gets the same error for such a host as for one that does not exist.
    """
    limit = call.viewer.scope
    if not call.viewer.limited:
        return asked
    check_visible(call.database, asked.hosts, limit)
    return intersection(asked, limit)


def check_host(call: Call, name: str) -> None:
    """UnknownName if the viewer may not see a host, or there is none of that name."""
    if call.viewer.limited:
        check_visible(call.database, (name,), call.viewer.scope)


def intersection(asked: Scope, limit: Scope) -> Scope:
    """What is in both scopes. A limit consists of tags.

    >>> intersection(Scope(hosts=("web-*",)), Scope(tags={"team": "a"}))
    Scope(tags={'team': 'a'}, hosts=('web-*',), products=())
    """
    if any(asked.tags.get(name, value) != value for name, value in limit.tags.items()):
        return msgspec.structs.replace(asked, tags=NOTHING)
    return msgspec.structs.replace(asked, tags={**asked.tags, **limit.tags})
