"""A fleet of any size, and advisories about it: made up, the same each time, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from feeds.advisories.facts import Fact
from feeds.advisories.records import Kind, Read, Record, Score, Severity, VersionStatement
from feeds.images.records import RegistryItem
from feeds.versions.ranges import Span
from notifier.domain.components import Component, Host

AT = datetime(2026, 6, 20, tzinfo=UTC)
_LINES = {
    "engine": ("20.10.{}", "23.0.{}", "25.0.{}", "28.5.{}"),
    "containerd": ("1.6.{}", "1.7.{}", "2.0.{}"),
    "runc": ("1.1.{}", "1.2.{}"),
    "buildx": ("0.14.{}", "0.30.{}"),
    "compose": ("2.24.{}", "2.40.{}"),
}
_PATCHES = 23
COMPONENTS = {
    product: [Component(product, line.format(n)) for line in lines for n in range(_PATCHES)]
    for product, lines in _LINES.items()
}
"""Five products, and about three hundred distinct components."""


def hosts(number: int) -> Iterator[Host]:
    """That many hosts with five components each, spread over all that there are."""
    kinds = list(COMPONENTS.values())
    seed = 1
    for n in range(number):
        held = []
        for of in kinds:
            seed = (seed * 1103515245 + 12345) % 2147483648
            held.append(of[seed % len(of)])
        yield Host(f"host-{n:07}", tuple(held), {"env": "prod" if n % 3 else "test"})


def rows(number: int) -> Iterator[str]:
    """The same fleet as lines of a CSV."""
    yield "host,product,version,tags\n"
    for host in hosts(number):
        for component in host.components:
            yield f"{host.name},{component.product},{component.version},env={host.tags['env']}\n"


def advisory(number: int) -> Read:
    """One advisory: a range of one of the products, and its fix."""
    product = list(_LINES)[number % len(_LINES)]
    line = _LINES[product][number // 5 % len(_LINES[product])]
    low, high = line.format(0), line.format(1 + number % (_PATCHES - 1))
    name = f"CVE-2026-{10000 + number}"
    place = number % 4
    record = Record(
        id=name,
        kind=Kind.VULNERABILITY,
        title=f"Flaw {number} of {product}",
        url=f"https://example.org/{name}",
        published=AT,
        claims=(VersionStatement(product=product, affected=(Span(low, high),), fixed=(high,)),),
        scores=(Score(by="cna", severity=list(Severity)[place], base=4.0 + 2 * place, own=True),),
    )
    return Read(record, "benchmark", f"https://example.org/{name}", AT)


def raw(record: Record | Fact | RegistryItem) -> msgspec.Raw:
    """A record or a fact as a crawl hands it over."""
    return msgspec.Raw(msgspec.json.encode(record))
