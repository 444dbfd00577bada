"""The reviewed list of CIS Docker benchmark editions that ships: dates, engine lines and the evidence.  Pure.

The Center's page lists the newest editions without a date and drops old ones, so hosts on old engines would
never hear of the benchmark that was written for them.
"""

from __future__ import annotations

import tomllib

import msgspec

from feeds.advisories.records import EDITIONS, Edition, Kind, Read, Record
from feeds.advisories.standing import Precedence
from feeds.core.errors import ConfigError
from feeds.versions.upstream import key

PAGE = "https://www.cisecurity.org/benchmark/docker"
"""Where every edition can be downloaded."""


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
