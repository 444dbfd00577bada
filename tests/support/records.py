"""Small records, and what they add up to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from feeds.advisories.facts import Fact, Tag, Tags
from feeds.advisories.merging import Catalogue, merge
from feeds.advisories.records import Advisory, Kind, Rank, Read, Record, VersionStatement
from feeds.advisories.releases import Releases, gathered
from feeds.verdicts.weighing import EvidenceSet
from feeds.versions.ranges import Span, read_range

NAME = "CVE-2026-1001"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def spans(text: str) -> tuple[Span, ...]:
    """The spans of an expression; none of an empty one."""
    found = read_range(text) if text else None
    assert found is not None or not text, text
    return found.spans if found else ()


def claim(
    affected: str = "", fixed: str = "", *, unaffected: str = "", product: str = "engine", **values: Any
) -> VersionStatement:
    """What a field says: "< 1.2 || >= 1.3, < 1.4", fixed in "1.2 1.4"."""
    return VersionStatement(
        product=product, affected=spans(affected), unaffected=spans(unaffected), fixed=tuple(fixed.split()), **values
    )


def words(affected: str = "", fixed: str = "", **values: Any) -> VersionStatement:
    """The same, read from a sentence."""
    return claim(affected, fixed, prose=True, **values)


def packaged(
    fixed: str, package: str = "docker.io", ecosystem: str = "Debian:12", *, low: str = "", **values: Any
) -> VersionStatement:
    """A distribution's word on its package; unfixed where `fixed` is empty."""
    return VersionStatement(
        product="engine",
        affected=(Span(low, fixed),),
        fixed=(fixed,) if fixed else (),
        rank=Rank.DISTRIBUTION,
        package=package,
        ecosystem=ecosystem,
        words=f"{ecosystem} {package} {'fixed in ' + fixed if fixed else 'unfixed'}",
        **values,
    )


def read(*claims: VersionStatement, name: str = NAME, source: str = "maker", **values: Any) -> Read:
    """A record as one source has it."""
    said: dict[str, Any] = {
        "kind": Kind.VULNERABILITY,
        "title": f"A flaw called {name}",
        "url": f"https://example.org/{source}",
    }
    return Read(Record(id=name, claims=claims, **said | values), source, f"https://example.org/{source}.json", NOW)


def advisory(*reads: Read) -> Advisory:
    """The one advisory that records add up to."""
    (found,) = merge(reads)
    return found


def case(
    *reads: Read, product: str = "engine", releases: Releases | None = None, corrections: bool = True
) -> EvidenceSet:
    """The evidence of records about a product."""
    return EvidenceSet(advisory(*reads), product, releases, corrections=corrections)


def catalogue(*reads: Read, releases: Releases | None = None) -> Catalogue:
    """Everything that is known."""
    return Catalogue(tuple(merge(reads)), releases or Releases())


def tags(names: str, product: str = "engine", **commits: str) -> Tags:
    """The tags of a repository, each on its own commit unless another is given ("v1_2=..." for v1.2)."""
    on = {name.replace("_", "."): commit for name, commit in commits.items()}
    listed = tuple(Tag(name, on.get(name, f"commit-of-{name}")) for name in names.split())
    return Tags(product=product, repository=f"example/{product}", tags=listed)


def released(names: str, product: str = "engine", *facts: Fact) -> Releases:
    """Releases of which these exist."""
    return gathered((tags(names, product), *facts))


TWINS = """docker-v29.3.0 v2.0.0-beta.8 docker-v29.4.0 v2.0.0-beta.10 docker-v29.5.0-rc.1 docker-v29.5.0 v2.0.0-beta.13
docker-v29.5.1 v2.0.0-beta.14 docker-v29.5.2 docker-v29.6.0 v2.0.0-beta.16 v2.0.0-beta.17"""


def twinned() -> Releases:
    """Engine releases of which some lie on the commit of a tag of the Go module."""
    same = {
        "docker-v29.3.0": "a" * 40,
        "v2.0.0-beta.8": "a" * 40,
        "docker-v29.5.0-rc.1": "b" * 40,
        "docker-v29.5.0": "b" * 40,
        "v2.0.0-beta.13": "b" * 40,
        "docker-v29.5.1": "c" * 40,
        "v2.0.0-beta.14": "c" * 40,
        "docker-v29.6.0": "d" * 40,
        "v2.0.0-beta.16": "d" * 40,
    }
    return gathered([tags(TWINS, **{name: same.get(name, name) for name in TWINS.split()})])


def verdicts(about: EvidenceSet, versions: str) -> dict[str, str]:
    """The verdict on each of some versions, in a letter or two: A, n, ?, !."""
    letter = {"affected": "A", "not_affected": "n", "unknown": "?", "conflicting": "!"}
    return {v: letter[about.decide(v).status] for v in versions.split()}


def row(text: str) -> dict[str, str]:
    """What `verdicts` should be: "1.1=A 1.2=n"."""
    return dict(part.split("=") for part in text.split())
