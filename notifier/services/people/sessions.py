"""Signing in and out, and the sessions between."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from feeds.core.errors import DatabaseError, UsageProblem
from feeds.storage.database import Connection, Database
from notifier.domain.access import Actor, Role, Viewer, Way, network_of
from notifier.domain.filters import Scope
from notifier.security.passwords import digest, matches, new_secret
from notifier.services.installation.audit_log import note, note_in
from notifier.services.people.accounts import account_name
from notifier.storage import accounts, audit_log
from notifier.storage.accounts import Account

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
_SEEN = timedelta(minutes=1)
"""How precisely the last use of a session is known: not each request writes."""
WINDOW = timedelta(minutes=15)
PER_ACCOUNT, PER_CLIENT = 5, 20
"""Failed sign-ins in that time after which further ones are refused."""


class SignInProblem(StrEnum):
    """Why somebody was not let in."""

    WRONG = "wrong"
    """There is no such name, or the password is another: which of them is not said."""
    TOO_MANY = "too_many"
    NO_ACCOUNT = "no_account"
    """Somebody else vouches for them, but they were not added here."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: the secret for the cookie."""

    secret: str
    name: str


def sign_in(database: Database, name: str, password: str, client: str, now: datetime) -> SignedIn | SignInProblem:
    """Sign in with a password. Too many failures, by name or network address, refuse a right password, too."""
    try:
        name = account_name(name)
    except UsageProblem:
        name = "-"
    actor, client = Actor(name, Way.ANONYMOUS, client), network_of(client)
    with database.begin() as connection:
        mine, theirs = audit_log.failures(connection, name, client, now - WINDOW)
        if mine >= PER_ACCOUNT or theirs >= PER_CLIENT:
            return SignInProblem.TOO_MANY
        # counted before the password is compared: attempts at the same time cannot all pass
        number = audit_log.add_failure(connection, name, client, now)
        hashed = accounts.password(connection, name)
    if not matches(hashed, password):
        note(database, actor, now, "sign_in.failed", name)
        return SignInProblem.WRONG
    with database.begin() as connection:
        audit_log.remove_failures(connection, name, number)
        found = accounts.named(connection, name)
        if found is None:
            return SignInProblem.WRONG
        return _opened(connection, found, actor, now)


def sign_in_elsewhere(
    database: Database, name: str, role: Role | None, client: str, now: datetime, *, decides: bool = False
) -> SignedIn | SignInProblem:
    """Sign in somebody for whom an identity provider vouches.

    `role` is that of somebody who was not added. If the provider `decides`, everybody has that role from now on, and
    nobody without one is let in.
    """
    actor = Actor(account_name(name), Way.ANONYMOUS, client)
    with database.begin() as connection:
        found = _known(connection, actor, role, now)
        if found and decides:
            found = _decided(connection, found, role, actor, now)
        return SignInProblem.NO_ACCOUNT if found is None else _opened(connection, found, actor, now)


def of_proxy(database: Database, name: str, default: Role | None, client: str, now: datetime) -> Viewer:
    """The viewer for whom a proxy vouches. One who was not added has no role."""
    name = account_name(name)
    with database.connect() as connection:
        found = accounts.named(connection, name)
    if found is None and default is not None:
        with database.begin() as connection:
            found = _known(connection, Actor(name, Way.PROXY, client), default, now)
    return Viewer(name, way=Way.PROXY) if found is None else _viewer(found, Way.PROXY)


def of_session(database: Database, secret: str, now: datetime) -> Viewer | None:
    """The viewer of a session; None if it has ended."""
    hashed = digest(secret)
    with database.connect() as connection:
        found = accounts.of_session(connection, hashed, seen_after=now - IDLE, made_after=now - LONGEST)
    if found is None:
        return None
    account, seen_at = found
    if now - seen_at > _SEEN:
        # a later request notes it, if an import writes now
        with suppress(DatabaseError), database.begin(patient=False) as connection:
            accounts.see_session(connection, hashed, now)
    return _viewer(account, Way.SESSION)


def sign_out(database: Database, secret: str, actor: Actor, now: datetime) -> None:
    """End a session."""
    with database.begin() as connection:
        if accounts.close_session(connection, digest(secret)):
            note_in(connection, actor, now, "sign_out", actor.name)


def _opened(connection: Connection, found: Account, actor: Actor, now: datetime) -> SignedIn:
    secret = new_secret()
    accounts.open_session(connection, digest(secret), found.id, now)
    note_in(connection, Actor(found.name, Way.SESSION, actor.client), now, "sign_in", found.name)
    return SignedIn(secret, found.name)


def _known(connection: Connection, actor: Actor, default: Role | None, now: datetime) -> Account | None:
    """The account of somebody who signs in elsewhere, made at their first visit if there is a role for that."""
    found = accounts.named(connection, actor.name)
    if found is None and default is not None:
        accounts.add(connection, actor.name, default, now, tags={}, hashed="")
        note_in(connection, actor, now, "user.add", actor.name, after={"role": default.value, "tags": {}})
        found = accounts.named(connection, actor.name)
    return found


def _decided(connection: Connection, found: Account, role: Role | None, actor: Actor, now: datetime) -> Account | None:
    """An account with the role that the provider gives it; without one, its sessions end."""
    if role is None:
        accounts.close_sessions(connection, found.id)
        return None
    if role is Role.ADMIN and found.tags:
        role = Role.OPERATOR  # an admin could lift the limit to some hosts
    if role is not found.role:
        accounts.change(connection, found.id, role=role)
        before, after = ({"role": one.value, "tags": found.tags} for one in (found.role, role))
        note_in(connection, actor, now, "user.change", found.name, before=before, after=after)
    return accounts.named(connection, found.name)


def _viewer(account: Account, way: Way) -> Viewer:
    return Viewer(account.name, account.role, Scope(tags=account.tags), way, account=account.id)
