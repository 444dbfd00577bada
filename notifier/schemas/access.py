"""The answers of `navtex user list` and `navtex token list`.  Pure; their JSON is a contract."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from notifier.schemas.fields import MOMENT

_TAGS = Meta(description="only hosts with all of these tags; {}: all hosts")


class ListedUser(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may use the page."""

    user: Annotated[str, Meta(description="the name")]
    role: Annotated[str, Meta(description="viewer, operator or admin")]
    tags: Annotated[dict[str, str], _TAGS]
    password: Annotated[bool, Meta(description="whether there is a password; without one they sign in elsewhere")]
    created_at: Annotated[datetime, MOMENT, Meta(description="when the account was made")]
    signed_in_at: Annotated[datetime | None, MOMENT, Meta(description="when they last signed in")]


class UserList(msgspec.Struct, frozen=True, kw_only=True):
    """Users by name."""

    users: Annotated[tuple[ListedUser, ...], Meta(description="by name")]


class ListedToken(msgspec.Struct, frozen=True, kw_only=True):
    """An API token, without its secret."""

    token: Annotated[str, Meta(description="the part of the token that is no secret, which `token remove` takes")]
    name: Annotated[str, Meta(description="what it is for")]
    owner: Annotated[str | None, Meta(description="the user whose role limits it; null: made on the command line")]
    scopes: Annotated[tuple[str, ...], Meta(description="read, inventory:push, subscriptions:write, ... or admin")]
    tags: Annotated[dict[str, str], _TAGS]
    hosts: Annotated[str | None, Meta(description="the pattern of hosts that it may push; null: all")]
    created_at: Annotated[datetime, MOMENT, Meta(description="when it was made")]
    expires_at: Annotated[datetime, MOMENT, Meta(description="when it expires")]
    used_at: Annotated[datetime | None, MOMENT, Meta(description="when it was last used")]
    expired: Annotated[bool, Meta(description="whether it has expired")]


class TokenList(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens, newest first."""

    tokens: Annotated[tuple[ListedToken, ...], Meta(description="newest first")]


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done."""

    number: int
    at: datetime
    who: str
    way: str
    client: str
    action: str
    target: str
    before: str
    after: str
