"""How old a mirror is, in words; and the list of what an inventory needs of its filler.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from feeds.core.errors import UsageProblem
from feeds.core.text import counted
from feeds.sources.base import RequestContext
from feeds.sources.engine_modules import has_module_file
from feeds.sources.health import MirrorState

REMEDY = "Fill it again with `navtex mirror fetch` on a connected machine"


def age(mirror: MirrorState, days: float, now: datetime) -> tuple[str, bool]:
    """A mirror's age as a sentence, and whether it is older than `days`."""
    old = mirror.age(now)
    if old is None or mirror.fetched_at is None:
        return f"the mirror {mirror.name} does not say when it was filled", False
    when = f"{mirror.fetched_at:%Y-%m-%d %H:%M} UTC"
    told = f"the mirror {mirror.name} was filled {_long(old)} ago, {when}"
    if old > timedelta(days=days):
        return f"{told}, so newer advisories are missing", True
    return told, False


def _long(span: timedelta) -> str:
    for unit, seconds in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(span.total_seconds() // seconds)
        if count >= (2 if unit == "day" else 1):
            return counted(count, unit)
    return "moments"


_CHANNELS, _ENGINES = "download.docker.com", "moby/moby"
"""What stands before a channel of Docker's packages, and before an engine release, where an ecosystem stands else."""


def listed(wanted: RequestContext) -> list[str]:
    """The lines of the list: distributions' packages, channels of Docker's packages, and engine releases."""
    pairs = {
        *wanted.packages,
        *((_CHANNELS, name) for name in wanted.channels),
        *((_ENGINES, version) for version in wanted.engines if has_module_file(version)),
    }
    return [f"{of} {name}" for of, name in sorted(pairs)]


def with_listed(wanted: RequestContext, pairs: Iterable[tuple[str, str]]) -> RequestContext:
    """What is to be asked, and what the pairs of a list add to it."""
    found: dict[str, set[str]] = {_CHANNELS: set(), _ENGINES: set()}
    packages = set(wanted.packages)
    for of, name in pairs:
        if of in found:
            found[of].add(name)
        else:
            packages.add((of, name))
    return msgspec.structs.replace(
        wanted,
        packages=frozenset(packages),
        channels=wanted.channels | found[_CHANNELS],
        engines=wanted.engines | found[_ENGINES],
    )


def packages(lines: Iterable[str], where: str) -> frozenset[tuple[str, str]]:
    """The pairs of a list of packages, "ECOSYSTEM NAME" a line; UsageProblem names a line that is not one.

    >>> sorted(packages(["# ours", "openSUSE:Leap 15.6 docker"], "list"))
    [('openSUSE:Leap 15.6', 'docker')]
    """
    found = set()
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 2 or not "".join(words).isprintable():
            remedy = "Each line is an ecosystem and a package, as `navtex inventory packages` prints them"
            raise UsageProblem(f"line {number} is not a package: {line.strip()[:60]!r}", where=where, remedy=remedy)
        found.add((" ".join(words[:-1]), words[-1]))
    return frozenset(found)
