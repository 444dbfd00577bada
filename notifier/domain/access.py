"""Who asks, and what they may do and see.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network

from notifier.domain.filters import Scope


class Role(StrEnum):
    """What a person may do. Each role includes the ones before it."""

    VIEWER = "viewer"
    """Sees everything in their scope."""
    OPERATOR = "operator"
    """Also changes silences, assignments and subscriptions."""
    ADMIN = "admin"
    """Also manages users, everyone's tokens, and reads the audit log."""

    @property
    def rank(self) -> int:
        """The place in the order of roles, 0 for the least."""
        return list(Role).index(self)

    def includes(self, other: Role) -> bool:
        """Whether this role may do all that another may.

        >>> Role.ADMIN.includes(Role.OPERATOR), Role.VIEWER.includes(Role.OPERATOR)
        (True, False)
        """
        return self.rank >= other.rank


class TokenScope(StrEnum):
    """What an API token is for."""

    READ = "read"
    PUSH = "inventory:push"
    SUBSCRIPTIONS = "subscriptions:write"
    SILENCES = "silences:write"
    ADMIN = "admin"
    """All of the others, and what only an administrator may do."""

    @property
    def role(self) -> Role:
        """The least role that its owner needs."""
        return _NEEDED[self]


_NEEDED = {
    TokenScope.READ: Role.VIEWER,
    TokenScope.PUSH: Role.OPERATOR,
    TokenScope.SUBSCRIPTIONS: Role.OPERATOR,
    TokenScope.SILENCES: Role.OPERATOR,
    TokenScope.ADMIN: Role.ADMIN,
}


class Way(StrEnum):
    """How somebody proved who they are."""

    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a word
    PROXY = "proxy"
    COMMAND = "command"
    """The command line, on the machine itself."""
    ANONYMOUS = "anonymous"


class Permission(StrEnum):
    """What a route asks of a viewer."""

    PUBLIC = "public"
    READ = "read"
    OPERATE = "operate"
    ADMINISTER = "administer"
    METRICS = "metrics"
    """An administrator, a token that may read and has no limited scope, or a caller on this machine."""
    PUSH = "push"
    """A token for pushes."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks."""

    name: str = ""
    """"" for somebody who did not sign in."""
    role: Role | None = None
    scope: Scope = Scope()  # noqa: RUF009 - a frozen value
    """The hosts that they may see; Scope() is all."""
    way: Way = Way.ANONYMOUS
    scopes: frozenset[TokenScope] = frozenset()
    """What the token is for, if they have one."""
    hosts: str = ""
    """The pattern of the hosts that a token may push; "" for all."""
    account: int | None = None
    """The number of their account, if they have one."""

    @property
    def limited(self) -> bool:
        """Whether they may see only some of the hosts."""
        return self.scope != Scope()

    def does(self, role: Role) -> bool:
        """Whether they have a role, or one that includes it."""
        return self.role is not None and self.role.includes(role)

    def holds(self, scope: TokenScope) -> bool:
        """Whether their token is for something."""
        return scope in self.scopes or TokenScope.ADMIN in self.scopes


ANYBODY = Viewer()
"""Somebody who did not sign in."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something, as the audit log has it."""

    name: str
    way: Way = Way.COMMAND
    client: str = ""
    """Their network address, if they came over the network."""


def network_of(client: str) -> str:
    """What counts as one network address: a whole /64 of IPv6, which one machine has.

    >>> network_of("192.0.2.7"), network_of("2001:db8::1"), network_of("")
    ('192.0.2.7', '2001:db8::/64', '')
    """
    try:
        found = ip_address(client)
    except ValueError:
        return client
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((found, 64), strict=False))
