"""The interface of a source: its requests, and a parser for the responses.  Pure.

A source never fetches.  `requests` names what to fetch, and `parse` turns one document into records and facts.  A
document that is not what the source publishes raises ShapeError: an empty result must never look like "no news".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

import msgspec

from feeds.advisories.facts import Contents, Exploited, Likelihood, Packages, Release, ReleaseLine, Tags
from feeds.advisories.records import Record
from feeds.images.records import RegistryItem

Item = Record | ReleaseLine | Tags | Release | Contents | Packages | Exploited | Likelihood


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """One question: a URL, and which form of the source it is (`page`, `rss`, `api`).

    `robots` says that robots.txt governs it: it does for pages that are scraped; feeds and APIs
    are made for programs (and GitHub's robots.txt forbids its own feeds).
    """

    url: str
    form: str
    robots: bool = False
    optional: bool = False
    """Whether there may be nothing: a CVE that is not published yet is not a fault of its source."""
    once: bool = False
    """Whether its answer never changes (a file at a git tag): once it was read, it is not asked again."""
    instead: tuple[Request, ...] = ()
    """What to ask where there is nothing: the same under its other name."""
    accept: str = ""
    body: str = ""
    """JSON to send; then it is a POST."""
    method: str = ""
    """HEAD where the headers say all; "" is GET, or POST with a body."""
    rank: int = 0
    """Its place among the questions to its host: the lowest is asked first."""
    scope: str = ""
    """What a registry's token is asked for; "" if no registry is asked."""

    @property
    def name(self) -> str:
        """What tells this question from others: two that POST to one address differ in what they send."""
        return f"{self.url}#{self.body or self.method}" if self.body or self.method == "HEAD" else self.url


class Document(msgspec.Struct, frozen=True):
    """An answer: what was asked, and what came. Header names are in lower case."""

    url: str
    form: str
    body: bytes
    headers: dict[str, str]
    fetched_at: datetime


class Parsed(msgspec.Struct, frozen=True):
    """What a document holds: its items, and what to ask next (further pages).

    `entries` is how many entries it lists, where only some of them become items.
    """

    items: tuple[Item | RegistryItem, ...]
    follow: tuple[Request, ...] = ()
    entries: int = 0

    @property
    def listed(self) -> int:
        """How many entries the document lists: what shrinks when it is cut."""
        return self.entries or len(self.items) + len(self.follow)


class RequestContext(msgspec.Struct, frozen=True):
    """What a source must ask because of other sources or of the inventory.

    `packages` are (ecosystem, source package) pairs in the terms of OSV: ("Debian:12", "docker.io").
    `channels` are channels of download.docker.com, as `feeds.versions.package_channels` names them: "ubuntu/jammy".
    `products` are those that hosts run: what claims say of them is asked for first.
    Of `cves`, `ranked` are those that claims are about, in the order in which to ask for them; the others are only
    mentioned.
    `engines` are the versions of Docker Engine that hosts run, `tags` the git tags of moby/moby, as far as known.
    """

    cves: frozenset[str] = frozenset()
    packages: frozenset[tuple[str, str]] = frozenset()
    channels: frozenset[str] = frozenset()
    engines: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    ranked: tuple[str, ...] = ()
    products: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Source:
    """One place where news appears. Subclasses say what to ask and how to read it.

    `complete` is true if a document lists everything: a missing entry was withdrawn.  A feed of the ten newest entries
    is not complete.
    """

    name: str
    title: str
    home: str
    urls: Mapping[str, str] = field(default_factory=dict)
    recent: bool = field(default=False, kw_only=True)
    """Whether mirrors may lack it, because earlier versions of Navtex did not read it."""
    complete: ClassVar[bool] = False
    late: ClassVar[bool] = False
    """Whether to ask when all others have answered, because the question holds what they name."""
    remembers: ClassVar[bool] = False
    """Whether its reader counts what it has read, so that all of it must be read in one process."""
    guessed: ClassVar[bool] = False
    """Whether Navtex guesses its addresses: then "not found" everywhere is an answer like any other."""

    def requests(self, wanted: RequestContext) -> Iterable[Request]:
        """What to ask. Called at the start, and again whenever more is wanted."""
        raise NotImplementedError

    def instead(self, ask: Request, status: int) -> Request | None:
        """What to ask instead after an HTTP status that is not 200; None mostly."""
        del ask, status
        return None

    def products(self, forms: Iterable[str]) -> frozenset[str]:
        """The products whose vulnerabilities it must list, by the forms of what it was asked; none mostly."""
        del forms
        return frozenset()

    def parse(self, document: Document) -> Parsed:
        """The items of one document; ShapeError where it is none of this source's."""
        raise NotImplementedError
