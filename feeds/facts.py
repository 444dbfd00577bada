"""Facts about products that are no advisories: release lines and when they end.  Pure."""

from __future__ import annotations

from datetime import date

import msgspec

from feeds.versions import Key, is_version, key


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="line"):
    """A release line, as endoflife.date tells it: "25.0" of the engine, "1.7" of containerd.

    `ends` is the day its security support ends; None where no day is known, and then `ended`
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


def starts_with(at: Key, line: str) -> bool:
    """Whether a version's numbers start with those of a line's name.

    >>> from feeds.versions import key
    >>> starts_with(key("17.3.2"), "17.03"), starts_with(key("1.10.3"), "1.1")
    (True, False)
    """
    numbers = tuple(int(n) for n in line.split("."))
    return at[: len(numbers)] == numbers


def line_of(version: str, lines: tuple[Line, ...]) -> Line | None:
    """The line that a version is of; the most specific where several match, None where none does."""
    found = [line for line in lines if line.holds(version)]
    return max(found, key=lambda line: line.name.count("."), default=None)
