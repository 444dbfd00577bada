"""The reviewed list of CIS Docker benchmark editions that ships: dates, engine lines and the evidence.  Pure.

The Center's page lists the newest editions without a date and drops old ones, so hosts on old engines would
never hear of the benchmark that was written for them.
"""

from __future__ import annotations

import re
import tomllib

import msgspec

from feeds.advisories.authority import Precedence
from feeds.advisories.records import EDITIONS, Edition, Kind, Read, Record
from feeds.core.errors import ConfigError
from feeds.versions.upstream import Key, key

PAGE = "https://www.cisecurity.org/benchmark/docker"
"""Where every edition can be downloaded."""

_MAKER = r"(?:(?:CE|Community Edition|EE|Enterprise Edition)[ _-])?"
_NUMBER = r"(?<![\d.])v?\d{1,4}(?:\.\d{1,4}){1,3}(?![\d])"
_DOCKER = r"CIS[ _-](?:Benchmarks?[ ]for[ ])?Docker"
_LINE_FIRST = re.compile(
    rf"{_DOCKER}[ _-]{_MAKER}(?P<line>{_NUMBER})[ _-]Benchmark(?:[ _-](?P<version>{_NUMBER}))?", re.IGNORECASE
)
_VERSION_LAST = re.compile(
    rf"{_DOCKER}[ _-]{_MAKER}(?:Benchmark[ ,_-]*)?(?:version[ ]?)?(?P<version>{_NUMBER})", re.IGNORECASE
)
_FIRST_LINES = ("1.10", "1.11", "1.12", "1.13")
"""Engine lines with an edition of their own whose numbers no edition of the general series has."""

_CALENDAR = key("17.03")


class ReviewedEdition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One edition as it stands in the file: see there for the forms of `dated`."""

    title: str
    version: str
    evidence: str
    line: str = ""
    engines: tuple[str, ...] = ()
    dated: str = ""


def read(text: str, where: str) -> list[Record]:
    """The editions of a file as records; ConfigError says which entry is wrong."""
    try:
        listed = msgspec.convert(tomllib.loads(text).get("edition", []), tuple[ReviewedEdition, ...])
        return [_record(one) for one in listed]
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, ValueError) as error:
        raise ConfigError(f"the list of CIS editions is wrong: {error}", where=where) from error


def _record(one: ReviewedEdition) -> Record:
    edition = Edition(version=one.version, line=one.line, engines=one.engines, dated=one.dated)
    return Record(
        id=edition_id(one.line, one.version),
        kind=Kind.BENCHMARK,
        title=f"{one.title} v{one.version}",
        url=PAGE,
        published=edition.exact,
        summary=edition.summary,
        edition=edition,
        reason=one.evidence,
        precedence=Precedence.REVIEWED_EDITIONS,
    )


def named(text: str) -> Edition | None:
    """The edition that a text names first; None if it names none.

    >>> [label(named(text)) for text in ("CIS Docker 1.13.0 Benchmark", "CIS_Docker_v1.2.0")]
    ['CIS Docker 1.13 Benchmark v1.0.0', 'CIS Docker Benchmark v1.2.0']

    Tools also write `CIS_Docker_v1.2.0` and `cis-docker-benchmark-1.12.0`.  The second is the benchmark for
    Docker 1.12: the general series has no such number.
    """
    if found := _LINE_FIRST.search(text):
        return written(found["line"], found["version"])
    if found := _VERSION_LAST.search(text):
        version = _number(found["version"])
        # with a v it is an edition's number; without, one that only an engine line has is the line's
        bare = found["version"][:1] not in ("v", "V") and _line(version) in _FIRST_LINES
        return Edition("1.0.0", _line(version)) if bare else Edition(version)
    return None


def written(line: str | None, version: str | None) -> Edition:
    """The edition that is written with an engine line, if it has one, and a version.

    Early engine lines have editions of their own, each of which was 1.0.0. From 17.03 on the general series goes on:
    "Docker CE 17.06 (1.1.0)" is the Community Edition's, and names the line it was written for.

    >>> label(written("1.13.0", None)), label(written("17.06", "1.1"))
    ('CIS Docker 1.13 Benchmark v1.0.0', 'CIS Docker Benchmark v1.1.0')
    """
    number, of = _number(version or "1.0.0"), _line(line or "")
    if of and key(of) >= _CALENDAR:
        return Edition(number, engines=(of,))
    return Edition(number, of)


def _number(text: str) -> str:
    """Three numbers: the benchmark says v1.6.0 where a tool says 1.6."""
    numbers = text.strip().lstrip("vV").split(".")
    return ".".join([*numbers, "0"]) if len(numbers) == 2 else ".".join(numbers)


def _line(text: str) -> str:
    return ".".join(text.strip().lstrip("vV").split(".")[:2])


def label(edition: Edition) -> str:
    """What an edition is called: "CIS Docker Benchmark v1.8.0", "CIS Docker 1.13 Benchmark v1.0.0"."""
    return f"CIS Docker {edition.line + ' ' if edition.line else ''}Benchmark v{edition.version}"


def place(edition: Edition) -> tuple[bool, Key, Key]:
    """Sort key, oldest first: the editions for one early engine line come before the general series."""
    return not edition.line, key(edition.line) if edition.line else (), key(edition.version)


def edition_id(line: str, version: str) -> str:
    """The name of an edition: `cis-docker-1.13-benchmark-1.0.0`, or `cis-docker-benchmark-1.8.0`."""
    return f"cis-docker{'-' + line if line else ''}-benchmark-{version}"


def held_back(groups: list[list[Read]]) -> set[str]:
    """The ids of editions that only the reviewed list has, and that are newer than any that was crawled.

    What is current is for the Center's page to say; the list adds dates, and what came before.
    """
    general = [
        (r.record.id, r.record.edition.version, r.source)
        for group in groups
        for r in group
        if r.record.edition and not r.record.edition.line
    ]
    crawled = [key(version) for _, version, source in general if source != EDITIONS]
    seen = {name for name, _, source in general if source != EDITIONS}
    if not crawled:
        return set()
    return {name for name, version, _ in general if name not in seen and key(version) > max(crawled)}
