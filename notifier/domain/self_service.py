"""What people may subscribe themselves to: whose mailboxes and webhooks, and which hosts.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec

from notifier.domain.access import Actor, Way
from notifier.domain.filters import Filters, Scope
from notifier.domain.schedule import Schedule

CONFIRMATION: Final = timedelta(hours=48)
"""How long a subscription can be confirmed."""
UNDO: Final = timedelta(days=30)
"""How long an unsubscription can be undone."""
DAY: Final = timedelta(days=1)
PER_MAILBOX: Final = 3
"""Confirmations that a mailbox gets in a day."""
PER_CLIENT: Final = 20
"""Confirmations that one address of the network can ask for in a day."""


@dataclass(frozen=True, slots=True)
class SelfServiceRules:
    """What the configuration says of people who subscribe themselves. Without `domains` nobody can."""

    domains: tuple[str, ...] = ()
    """Domains of mailboxes, and hosts of webhooks (`HOST` or `HOST:PORT`)."""
    server: str = ""
    """The mailto:// address through which their mails go, without a recipient."""
    scope: Scope = Scope()  # noqa: RUF009 - a frozen value
    """The hosts that somebody who is not signed in may subscribe to."""
    web: str = ""
    """The external address of the page."""
    operators: tuple[str, ...] = ()
    templates: Path | None = None

    @property
    def open(self) -> bool:
        """Whether anybody can subscribe themselves."""
        return bool(self.domains and self.web)


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who asks: the user's name, "" for somebody who is not signed in; which hosts they may see; and from where."""

    name: str = ""
    scope: Scope = Scope()  # noqa: RUF009 - a frozen value
    client: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for: a mailbox or a webhook, and what it is to get when."""

    to: str
    filters: Filters = Filters()  # noqa: RUF009
    schedule: Schedule = Schedule()  # noqa: RUF009


SOMEBODY: Final = Actor("-", Way.ANONYMOUS)
"""Who opened a link, where nobody knows."""


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a confirmation confirms: a subscription, or (`subscription`) that a recipient comes back to one."""

    to: str
    """The mailbox, or the webhook without its secret."""
    target: str = ""
    owner: str = ""
    filters: Filters = Filters()
    schedule: Schedule = Schedule()
    subscription: int = 0


def narrowed(wanted: Scope, limit: Scope) -> Scope | None:
    """What of the wanted hosts is within a limit; None if nothing can be.

    >>> narrowed(Scope(), Scope(tags={"team": "a"})).tags
    {'team': 'a'}
    >>> narrowed(Scope(tags={"team": "b"}), Scope(tags={"team": "a"}))
    """
    tags = limit.tags | wanted.tags
    if not limit.tags.items() <= tags.items():
        return None
    hosts, products = _within(wanted.hosts, limit.hosts), _within(wanted.products, limit.products)
    if hosts is None or products is None:
        return None
    return Scope(tags, hosts, products)


def _within(wanted: tuple[str, ...], limit: tuple[str, ...]) -> tuple[str, ...] | None:
    """The wanted names that a limit lists; None if there are none. Without a limit, or a wish, it is the other."""
    if not limit or not wanted:
        return wanted or limit
    known = {name.lower() for name in limit}
    return tuple(name for name in wanted if name.lower() in known) or None


def counted_as(mailbox: str) -> str:
    """A mailbox or webhook as its requests are counted: in lower case, and without what follows a plus sign.

    >>> counted_as("Ann+news@Example.org")
    'ann@example.org'
    """
    local, at, domain = mailbox.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}" if at and "://" not in mailbox else mailbox
