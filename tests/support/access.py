"""Users, sessions and tokens for tests of the page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from argon2 import PasswordHasher

from feeds.storage.database import Database
from notifier.domain.access import Actor, Role, TokenScope
from notifier.services.people.accounts import add_user
from notifier.services.people.sessions import SignedIn, sign_in_elsewhere
from notifier.services.people.tokens import NewToken, add_token
from notifier.storage import accounts
from tests.support.web import NOW, Browser

SELF = Actor("test")
PASSWORD = "correct horse battery"
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def user(
    database: Database, name: str, role: Role = Role.VIEWER, tags: Mapping[str, str] | None = None, password: str = ""
) -> None:
    """Add a user, with a password if one is given.

    Its hash says that it takes next to no work to compare; those that the program makes take much of it on purpose.
    """
    add_user(database, SELF, NOW, name, role, tags=tags)
    if password:
        with database.begin() as connection:
            account = accounts.named(connection, name)
            assert account is not None
            accounts.change(connection, account.id, hashed=_CHEAP.hash(password))


def signed_in(one: Browser, name: str) -> Browser:
    """Give a browser a session of a user."""
    made = sign_in_elsewhere(one.site.database, name, None, one.client, one.now)
    assert isinstance(made, SignedIn)
    one.cookies["__Host-navtex"] = made.secret
    return one


def token(
    database: Database,
    *scopes: TokenScope,
    tags: Mapping[str, str] | None = None,
    hosts: str = "",
    at: datetime = NOW,
) -> str:
    """Make a token for a program; its secret comes back."""
    return add_token(database, SELF, at, NewToken("test", frozenset(scopes), 30, tags or {}, hosts), None).secret
