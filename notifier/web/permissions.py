"""Who may call which route. Pure."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

from notifier.domain.access import Permission, Role, TokenScope, Viewer, Way
from notifier.web.handler_values import Route

_ROLES = {Permission.READ: Role.VIEWER, Permission.OPERATE: Role.OPERATOR, Permission.ADMINISTER: Role.ADMIN}
"""What a person needs."""
_TOKENS = {Permission.READ: TokenScope.READ, Permission.PUSH: TokenScope.PUSH, Permission.METRICS: TokenScope.READ}
"""What a token must be for where the route does not say it; an administrator's for everything else."""


def permitted(route: Route, viewer: Viewer, *, here: bool = False) -> bool:
    """Whether a viewer may call a route. `here`: the call comes from this machine."""
    needs = route.needs
    if needs is Permission.PUBLIC or (needs is Permission.METRICS and here):
        return True
    if needs is Permission.METRICS and viewer.limited:
        return False
    if viewer.way is Way.TOKEN:
        role = _ROLES.get(needs, Role.VIEWER)
        return viewer.holds(route.token or _TOKENS.get(needs, TokenScope.ADMIN)) and viewer.does(role)
    if needs is Permission.PUSH:
        return False
    return viewer.does(_ROLES.get(needs, Role.ADMIN))


@lru_cache(maxsize=1024)
def is_loopback(address: str) -> bool:
    """Whether a network address is this machine's own.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("10.0.0.1"), is_loopback("")
    (True, True, False, False)
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback
