"""Release lines of the official images on Docker Hub, by the tags that name them, and when they end.

Ends are those of endoflife.date (API v1, `/products/NAME/`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

from feeds.images.references import HUB, Reference

PRODUCTS = {
    "alpine": "alpine-linux",
    "almalinux": "almalinux",
    "amazonlinux": "amazon-linux",
    "debian": "debian",
    "fedora": "fedora",
    "golang": "go",
    "mariadb": "mariadb",
    "mongo": "mongodb",
    "mysql": "mysql",
    "nginx": "nginx",
    "node": "nodejs",
    "oraclelinux": "oracle-linux",
    "php": "php",
    "postgres": "postgresql",
    "python": "python",
    "redis": "redis",
    "rockylinux": "rocky-linux",
    "ruby": "ruby",
    "ubuntu": "ubuntu",
}
"""By the name of an official image: what endoflife.date calls it."""


class Cycle(msgspec.Struct, frozen=True):
    """A release line: its name (`12`, `3.19`), its codename, and the day its support ended or will end."""

    name: str
    codename: str
    ends: date | None


def product_of(named: Reference) -> str:
    """The product of endoflife.date that an image is of; "" if it is not an official image of one."""
    if named.registry != HUB or not named.repository.startswith("library/"):
        return ""
    return PRODUCTS.get(named.repository.removeprefix("library/"), "")


def ended(tag: str, cycles: Iterable[Cycle], today: date) -> date | None:
    """When the line of a tag ended; None if it has not, or where the tag names no line.

    >>> lines = [Cycle("12", "bookworm", date(2028, 6, 30)), Cycle("10", "buster", date(2024, 6, 30))]
    >>> [str(ended(tag, lines, date(2026, 1, 1))) for tag in ("10-slim", "buster", "12.1", "latest")]
    ['2024-06-30', '2024-06-30', 'None', 'None']
    """
    found = _cycle(tag, {c.name: c for c in cycles})
    return found.ends if found is not None and found.ends is not None and found.ends < today else None


def _cycle(tag: str, cycles: Mapping[str, Cycle]) -> Cycle | None:
    """The line that a tag is of: the longest beginning of its numbers, else the codename among its words."""
    numbers = re.match(r"v?(\d+(?:\.\d+)*)", tag)
    parts = numbers[1].split(".") if numbers else []
    for length in range(len(parts), 0, -1):
        if (found := cycles.get(".".join(parts[:length]))) is not None:
            return found
    words = set(re.split(r"[-_.]", tag.lower()))
    return next((c for c in cycles.values() if c.codename and c.codename.lower().partition(" ")[0] in words), None)
