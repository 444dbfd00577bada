"""API tokens: make, list and revoke them, and whom they stand for."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from feeds.core.errors import DatabaseError, UnknownName, UsageProblem
from feeds.storage.database import Connection, Database
from notifier.domain.access import Actor, Role, TokenScope, Viewer, Way
from notifier.domain.filters import Scope
from notifier.schemas.access import ListedToken, TokenList
from notifier.schemas.fields import whole
from notifier.security.passwords import digest, new_secret, same
from notifier.services.installation.audit_log import note_in
from notifier.storage import accounts, api_tokens
from notifier.storage.api_tokens import Token

DAYS, MOST_DAYS = 90, 3650
_USED = timedelta(minutes=5)
"""How precisely the last use of a token is known: not each request writes."""
_TOKEN = re.compile(r"nvx_([a-z0-9]{10})_([A-Za-z0-9_-]{43})")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that is asked for."""

    name: str
    scopes: frozenset[TokenScope]
    days: int = DAYS
    tags: Mapping[str, str] = field(default_factory=dict)
    hosts: str = ""


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A new token. Its secret is not stored, and can be shown only now."""

    secret: str
    value: ListedToken


def add_token(database: Database, actor: Actor, now: datetime, wanted: NewToken, owner: Viewer | None) -> MadeToken:
    """Make a token for a user, or for a program (`owner` None).

    UsageProblem if it would allow more than its owner may.
    """
    _check(wanted, owner)
    key = "".join(secrets.choice(_LETTERS) for _ in range(10))
    secret = f"nvx_{key}_{new_secret()}"
    token = Token(
        id=0,
        key=key,
        name=wanted.name.strip(),
        owner="",
        owner_id=owner.account if owner else None,
        role=None,
        scopes=wanted.scopes,
        tags=dict(wanted.tags),
        owner_tags={},
        hosts=wanted.hosts,
        created_at=now,
        expires_at=now + timedelta(days=wanted.days),
        used_at=None,
        hash=digest(secret),
    )
    with database.begin() as connection:
        api_tokens.add(connection, token)
        stored = _of_key(connection, key)
        listed = _listed(stored, now)
        note_in(connection, actor, now, "token.add", key, after=_said(stored))
    return MadeToken(secret, listed)


def list_tokens(database: Database, now: datetime, owner: int | None = None) -> TokenList:
    """All tokens, or those of an account, newest first."""
    with database.connect() as connection:
        return TokenList(tokens=tuple(_listed(t, now) for t in api_tokens.tokens(connection, owner)))


def remove_token(database: Database, actor: Actor, now: datetime, key: str, owner: int | None = None) -> None:
    """Revoke a token; with `owner`, only one of theirs. UnknownName if there is none."""
    with database.begin() as connection:
        one = _of_key(connection, key.removeprefix("nvx_").partition("_")[0])
        if owner is not None and one.owner_id != owner:
            raise _unknown(key)
        api_tokens.remove(connection, one.id)
        note_in(connection, actor, now, "token.remove", one.key, before=_said(one))


def of_tokens(database: Database, given: Collection[str], now: datetime) -> dict[str, Viewer]:
    """Whom tokens stand for. Those that are none of ours, revoked or expired are left out."""
    keys = {secret: found[1] for secret in given if (found := _TOKEN.fullmatch(secret))}
    if not keys:
        return {}
    with database.connect() as connection:
        stored = {token.key: token for token in api_tokens.of_keys(connection, set(keys.values()))}
    valid = {
        secret: token
        for secret, key in keys.items()
        if (token := stored.get(key)) and same(token.hash, digest(secret)) and token.expires_at > now
    }
    used = {token.id for token in valid.values() if token.used_at is None or now - token.used_at > _USED}
    if used:
        # a later request notes it, if an import writes now
        with suppress(DatabaseError), database.begin(patient=False) as connection:
            api_tokens.use(connection, used, now)
    return {secret: _viewer(token) for secret, token in valid.items()}


def user(database: Database, name: str) -> Viewer:
    """A user as the owner of a token; UnknownName if there is none."""
    with database.connect() as connection:
        one = accounts.named(connection, name.strip().lower())
    if one is None:
        raise UnknownName(f"there is no user {name!r}", remedy="See `navtex user list`")
    return Viewer(one.name, one.role, Scope(tags=one.tags), Way.COMMAND, account=one.id)


def _viewer(token: Token) -> Viewer:
    needed = max((s.role for s in token.scopes), key=lambda r: r.rank, default=Role.VIEWER)
    role = needed if token.role is None or token.role.includes(needed) else token.role
    contradict = any(token.tags.get(name, value) != value for name, value in token.owner_tags.items())
    # an owner who was limited to other tags since then: their token sees nothing
    tags = {"\n": ""} if contradict else {**token.tags, **token.owner_tags}
    scopes = token.scopes if token.role is None else frozenset(s for s in token.scopes if token.role.includes(s.role))
    return Viewer(
        token.owner or f"token {token.name}",
        role,
        Scope(tags=tags),
        Way.TOKEN,
        scopes=scopes,
        hosts=token.hosts,
        account=token.owner_id,
    )


def _check(wanted: NewToken, owner: Viewer | None) -> None:
    push, admin = (scope in wanted.scopes for scope in (TokenScope.PUSH, TokenScope.ADMIN))
    for wrong, what, remedy in (
        (not 0 < len(wanted.name.strip()) <= 100, "the name of a token must have 1 to 100 characters", ""),
        (not wanted.scopes, "a token needs a scope", f"Choose among {', '.join(TokenScope)}"),
        (not 1 <= wanted.days <= MOST_DAYS, f"a token is valid for 1 to {MOST_DAYS} days", ""),
        (wanted.hosts and not push, "only a token with the scope inventory:push has a pattern of hosts", ""),
        (admin and wanted.tags, "a token with the scope admin sees all hosts", "Leave out the tags"),
        (push and wanted.tags, "a pattern of hosts limits a token with the scope inventory:push, not tags", ""),
    ):
        if wrong:
            raise UsageProblem(what, remedy=remedy)
    if owner is not None:
        _check_owner(wanted, owner)


def _check_owner(wanted: NewToken, owner: Viewer) -> None:
    """UsageProblem if a token would allow more than its owner may."""
    for scope in sorted(wanted.scopes):
        if not owner.does(scope.role):
            raise UsageProblem(f"the scope {scope.value} needs the role {scope.role.value}")
    limit = owner.scope.tags
    if any(wanted.tags.get(name, value) != value for name, value in limit.items()):
        raise UsageProblem("the tags are outside of what you may see yourself")


def _of_key(connection: Connection, key: str) -> Token:
    found = api_tokens.of_keys(connection, [key])
    if not found:
        raise _unknown(key)
    return found[0]


def _unknown(key: str) -> UnknownName:
    return UnknownName(f"there is no token {key[:20]!r}", remedy="See `navtex token list`")


def _said(token: Token) -> dict[str, object]:
    return {
        "name": token.name,
        "owner": token.owner,
        "scopes": sorted(token.scopes),
        "tags": token.tags,
        "hosts": token.hosts,
        "expires_at": whole(token.expires_at),
    }


def _listed(token: Token, now: datetime) -> ListedToken:
    return ListedToken(
        token=token.key,
        name=token.name,
        owner=token.owner or None,
        scopes=tuple(sorted(token.scopes)),
        tags=token.tags,
        hosts=token.hosts or None,
        created_at=whole(token.created_at),
        expires_at=whole(token.expires_at),
        used_at=whole(token.used_at) if token.used_at else None,
        expired=token.expires_at <= now,
    )
