"""What every page has around its content: the menu, the viewer, and addresses that change one thing.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class MenuLink:
    """A page in the menu."""

    title: str
    address: str
    here: bool = False
    """Whether it is the page that is shown, or one below it."""


@dataclass(frozen=True, slots=True)
class MenuGroup:
    """Pages of the menu under one title."""

    title: str
    links: tuple[MenuLink, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """The surroundings of a page. Without a `menu` it is a page that stands alone, such as the one to sign in."""

    viewer: str = ""
    role: str = ""
    menu: tuple[MenuGroup, ...] = ()
    operator: bool = False
    """Whether the viewer may silence, assign and change subscriptions: pages show those forms to no one else."""
    administrator: bool = False
    subscribing: bool = False
    """Whether people may subscribe themselves."""
    can_sign_out: bool = False
    password: bool = False
    """Whether the viewer signed in where passwords are used, and can change theirs."""
    done: str = ""
    """What the viewer's last action did, as a sentence."""


@dataclass(frozen=True, slots=True)
class PageFilter:
    """A filter that is on, as its parameter and in words."""

    name: str
    value: str
    words: str


@dataclass(frozen=True, slots=True)
class PageAddress:
    """The address of a page with its parameters, from which links are made that change one of them."""

    path: str
    query: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, path: str, query: Mapping[str, tuple[str, ...]]) -> PageAddress:
        """An address; parameters without a value are left out, and so is `done`, which is said once."""
        pairs = ((name, value) for name, values in query.items() for value in values)
        return cls(path, tuple((name, value) for name, value in pairs if value and name != "done"))

    def __str__(self) -> str:
        return self.path + (f"?{urlencode(self.query)}" if self.query else "")

    def with_(self, **changes: str) -> PageAddress:
        """The address with these parameters instead of their former values; "" takes one away.

        >>> str(PageAddress("/", (("sort", "name"), ("after", "x"))).with_(sort="hosts", after=""))
        '/?sort=hosts'
        """
        kept = [(name, value) for name, value in self.query if name not in changes]
        return PageAddress(self.path, (*kept, *((name, value) for name, value in changes.items() if value)))

    def plus(self, name: str, value: str) -> PageAddress:
        """The address with one more value of a parameter, on the first part of the list."""
        kept = [one for one in self.query if one[0] != "after" and one != (name, value)]
        return PageAddress(self.path, (*kept, (name, value)))

    def without(self, name: str, value: str) -> PageAddress:
        """The address without one value of a parameter, on the first part of the list."""
        return PageAddress(self.path, tuple(one for one in self.query if one[0] != "after" and one != (name, value)))

    def cleared(self, filters: Iterable[PageFilter]) -> PageAddress:
        """The address without these filters."""
        gone = {one.name for one in filters} | {"after"}
        return PageAddress(self.path, tuple(one for one in self.query if one[0] not in gone))


_PAGES: Final = (
    ("Fleet", (("What first", "/"), ("Plan", "/plan"), ("Hosts", "/hosts"), ("Images", "/images"))),
    (
        "News",
        (("Advisories", "/advisories"), ("Benchmarks", "/benchmarks"), ("Trend", "/trend"), ("Sources", "/sources")),
    ),
    (
        "Alerts",
        (
            ("Subscriptions", "/subscriptions"),
            ("Subscribe", "/subscribe"),
            ("Notifications", "/notifications"),
            ("Silences", "/silences"),
        ),
    ),
)
_WORKERS: Final = ("Workers", (("Jobs", "/jobs"),))
_OWN: Final = ("Access", (("Tokens", "/tokens"),))
_ADMINISTRATOR: Final = ("Access", (("Tokens", "/tokens"), ("Users", "/users"), ("Audit log", "/audit")))


def menu(
    path: str, *, own: bool = False, administrator: bool = False, subscribing: bool = False, jobs: bool = False
) -> tuple[MenuGroup, ...]:
    """The menu as it stands on the page of a path.

    `own`: the viewer is a person, who has tokens; `administrator`: one who may read the audit log; `subscribing`:
    people may subscribe themselves. An administrator learns on that page how to permit it. `jobs`: there are workers,
    and the viewer may see what they do.
    """
    more = (_ADMINISTRATOR,) if administrator else (_OWN,) if own else ()
    more = (_WORKERS, *more) if jobs else more
    closed = set() if administrator or subscribing else {"/subscribe"}
    return tuple(
        MenuGroup(
            title,
            tuple(MenuLink(name, address, _here(path, address)) for name, address in links if address not in closed),
        )
        for title, links in (*_PAGES, *more)
    )


def _here(path: str, address: str) -> bool:
    return path == address or (address != "/" and path.startswith(f"{address}/"))
