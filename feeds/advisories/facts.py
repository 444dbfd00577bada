"""Facts that are no advisories: releases and tags, release lines and their ends, exploitation.  Pure."""

from __future__ import annotations

from datetime import date

import msgspec

from feeds.versions.upstream import Key, is_version, key


class ReleaseLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="line"):
    """A release line, as endoflife.date tells it: "25.0" of the engine, "1.7" of containerd.

    `ends` is the day its security support ends; None if no day is known, and then `ended`
    says whether it is over.
    """

    product: str
    name: str
    url: str
    released: date | None = None
    ends: date | None = None
    ended: bool = False
    latest: str = ""

    @property
    def key(self) -> str:
        """Unique among the items of one document."""
        return f"line:{self.product}:{self.name}"

    def maintained(self, on: date) -> bool:
        """Whether the line was out, and still supported, on a day."""
        if self.released is not None and on < self.released:
            return False
        return on < self.ends if self.ends is not None else not self.ended

    def holds(self, version: str) -> bool:
        """Whether a version is of this line: its numbers start with the line's, as numbers."""
        return is_version(version) and starts_with(key(version), self.name)


class Tag(msgspec.Struct, frozen=True, array_like=True):
    """A git tag and the commit that it names."""

    name: str
    commit: str


class Tags(msgspec.Struct, frozen=True, kw_only=True, tag="tags"):
    """The tags on one page of a repository's list: which releases exist."""

    product: str
    repository: str
    tags: tuple[Tag, ...]

    @property
    def key(self) -> str:
        """Unique among the items of one document."""
        return f"tags:{self.repository}"


class Repair(msgspec.Struct, frozen=True, array_like=True):
    """A regression that a release repairs: the release that brought it ("" if unsaid), and the notes' words."""

    brought_by: str
    words: str


class Bundled(msgspec.Struct, frozen=True, array_like=True):
    """A release of another product that a release's binaries hold."""

    product: str
    version: str


class Release(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="release"):
    """A release as its notes tell it: when it came out, which regressions it repairs, and what it bundles."""

    product: str
    version: str
    url: str
    day: date | None = None
    repairs: tuple[Repair, ...] = ()
    bundles: tuple[Bundled, ...] = ()
    """Releases of other products that its binaries were updated to."""

    @property
    def key(self) -> str:
        """Unique among the items of one document."""
        return f"notes:{self.product}:{self.version}"


class Contents(msgspec.Struct, frozen=True, kw_only=True, tag="contents"):
    """What a release is built with: by product, the version as its module file has it ("0.28.0").

    A product that is named without a version is in it, and which version is not known: the file puts another
    module in its place.
    """

    product: str
    version: str
    url: str
    contains: dict[str, str]

    @property
    def key(self) -> str:
        """Unique among the items of one document."""
        return f"contents:{self.product}:{self.version}"


class Exploited(msgspec.Struct, frozen=True, kw_only=True, tag="kev"):
    """CISA's catalogue of known exploited vulnerabilities: CVE to the day it was added."""

    added: dict[str, date]

    @property
    def key(self) -> str:
        """Unique among the items of one document."""
        return "kev"


class Likelihood(msgspec.Struct, frozen=True, kw_only=True, tag="epss"):
    """FIRST's EPSS: CVE to the probability (0 to 1) of exploitation in the next thirty days, as of a day."""

    day: str
    scores: dict[str, float]

    @property
    def key(self) -> str:
        """Unique among the items of one document."""
        return "epss"


class Package(msgspec.Struct, frozen=True, array_like=True, order=True):
    """A package that Docker published: product and upstream version, its own name and version, architecture.

    For a static build, `package_version` is the file's name.
    """

    product: str
    version: str
    name: str
    package_version: str
    architecture: str


class Packages(msgspec.Struct, frozen=True, kw_only=True, tag="packages"):
    """The packages in a channel of download.docker.com: which releases can be installed there."""

    channel: str
    url: str
    packages: tuple[Package, ...]

    @property
    def key(self) -> str:
        """Unique among the items of one document."""
        return f"packages:{self.channel}"


Fact = ReleaseLine | Tags | Release | Contents | Packages | Exploited | Likelihood
FACTS = ("line:", "tags:", "notes:", "contents:", "packages:", "kev", "epss")
"""How the keys of facts begin; records' keys begin with their kind."""


def starts_with(at: Key, line: str) -> bool:
    """Whether a version's numbers start with those of a line's name.

    >>> from feeds.versions.upstream import key
    >>> starts_with(key("17.3.2"), "17.03"), starts_with(key("1.10.3"), "1.1")
    (True, False)
    """
    numbers = tuple(int(n) for n in line.split("."))
    return at[: len(numbers)] == numbers


def line_of(version: str, lines: tuple[ReleaseLine, ...]) -> ReleaseLine | None:
    """The line that a version is of; the most specific where several match, None if none does."""
    found = [line for line in lines if line.holds(version)]
    return max(found, key=lambda line: line.name.count("."), default=None)
