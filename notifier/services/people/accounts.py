"""The people who may use the page: add, list, change and remove them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from feeds.core.errors import UnknownName, UsageProblem
from feeds.core.text import printable
from feeds.storage.database import Connection, Database
from notifier.domain.access import Actor, Role
from notifier.domain.filters import Scope
from notifier.schemas.access import ListedUser, UserList
from notifier.schemas.fields import whole
from notifier.security.passwords import hashed_password
from notifier.services.installation.audit_log import note_in
from notifier.services.people.own_subscriptions import follow_owner
from notifier.storage import accounts
from notifier.storage.accounts import Account

_LONGEST = 200


def account_name(text: str) -> str:
    """The name of an account as it is stored: in lower case; UsageProblem if it cannot be a name."""
    name = text.strip().lower()
    if not name or len(name) > _LONGEST or printable(name) != name:
        raise UsageProblem("the name must have 1 to 200 printable characters", where=repr(text[:50]))
    return name


def add_user(  # noqa: PLR0913 - what an account has is named at the call
    database: Database,
    actor: Actor,
    now: datetime,
    name: str,
    role: Role,
    *,
    tags: Mapping[str, str] | None = None,
    password: str = "",
    first: bool = False,
) -> ListedUser:
    """Add an account. Without a password its user signs in elsewhere.

    UsageProblem if the name is taken, the password too short, or with `first` if there is an account already.
    """
    name, limit = account_name(name), dict(tags or {})
    _check_limit(role, limit)
    hashed = hashed_password(password) if password else ""
    with database.begin() as connection:
        if first and accounts.count(connection):
            raise UsageProblem("there are users already", remedy="Ask an administrator for an account")
        if accounts.named(connection, name):
            raise UsageProblem(f"there is a user {name!r} already", remedy="See `navtex user list`")
        accounts.add(connection, name, role, now, tags=limit, hashed=hashed)
        note_in(connection, actor, now, "user.add", name, after={"role": role.value, "tags": limit})
        return _listed(_found(connection, name))


def list_users(database: Database) -> UserList:
    """All accounts by name."""
    with database.connect() as connection:
        return UserList(users=tuple(map(_listed, accounts.accounts(connection))))


def change_user(
    database: Database, actor: Actor, now: datetime, name: str, *, role: Role, tags: Mapping[str, str]
) -> ListedUser:
    """Give an account another role and other tags; UnknownName if there is none.

    What its user subscribed themselves is limited to the tags, too.
    """
    _check_limit(role, tags)
    with database.begin() as connection:
        old = _found(connection, account_name(name))
        accounts.change(connection, old.id, role=role, tags=dict(tags))
        follow_owner(connection, old.name, Scope(tags=dict(tags)), now)
        new = {"role": role.value, "tags": dict(tags)}
        note_in(connection, actor, now, "user.change", old.name, before=_said(old), after=new)
        return _listed(_found(connection, old.name))


def set_password(database: Database, actor: Actor, now: datetime, name: str, password: str) -> None:
    """Give an account another password, and end its sessions; UnknownName if there is none."""
    hashed = hashed_password(password)
    with database.begin() as connection:
        one = _found(connection, account_name(name))
        accounts.change(connection, one.id, hashed=hashed)
        accounts.close_sessions(connection, one.id)
        note_in(connection, actor, now, "user.password", one.name)


def remove_user(database: Database, actor: Actor, now: datetime, name: str) -> None:
    """Remove an account, its sessions, tokens and own subscriptions; UnknownName if there is none."""
    with database.begin() as connection:
        one = _found(connection, account_name(name))
        accounts.remove(connection, one.id)
        follow_owner(connection, one.name, None, now)
        note_in(connection, actor, now, "user.remove", one.name, before=_said(one))


def any_user(database: Database) -> bool:
    """Whether there is an account."""
    with database.connect() as connection:
        return accounts.count(connection) > 0


def any_password(database: Database) -> bool:
    """Whether somebody can sign in with a password."""
    with database.connect() as connection:
        return accounts.with_password(connection) > 0


def _check_limit(role: Role, tags: Mapping[str, str]) -> None:
    """UsageProblem for an administrator who is limited to some hosts: they could lift their limit themselves."""
    if role is Role.ADMIN and tags:
        raise UsageProblem("an admin sees all hosts", remedy="Leave out the tags, or choose the role operator")


def _found(connection: Connection, name: str) -> Account:
    one = accounts.named(connection, name)
    if one is None:
        raise UnknownName(f"there is no user {name!r}", remedy="See `navtex user list`")
    return one


def _said(one: Account) -> dict[str, Any]:
    return {"role": one.role.value, "tags": one.tags}


def _listed(one: Account) -> ListedUser:
    return ListedUser(
        user=one.name,
        role=one.role.value,
        tags=one.tags,
        password=one.has_password,
        created_at=whole(one.created_at),
        signed_in_at=whole(one.signed_in_at) if one.signed_in_at else None,
    )
