"""What a subscription or a question is about: which hosts, and which advisories.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from feeds.advisories.merging import at_least
from feeds.advisories.records import Advisory, Kind, Severity

Named = frozenset[tuple[str, ...]]
"""Of the patterns of some scopes, those that the name of a host matches."""


class Scope(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which hosts, and which of their components: () and {} are all of them.

    A host is in it when it has every tag, and its name matches one of the patterns (`web-*`), in
    any case of letters.
    """

    tags: dict[str, str] = {}
    hosts: tuple[str, ...] = ()
    products: tuple[str, ...] = ()

    def tagged(self, tags: Mapping[str, str]) -> bool:
        """Whether a host with these tags has every one that is asked for."""
        return self.tags.items() <= tags.items()

    def about(self, product: str) -> bool:
        """Whether a product is meant."""
        return not self.products or product in self.products

    def within(self, limit: Scope) -> bool:
        """Whether each of its hosts has the tags of a limit, and so whether somebody so limited may change it."""
        return limit.tags.items() <= self.tags.items()

    def alike(self, other: Scope) -> bool:
        """Whether another says the same, in whatever order."""
        return (self.tags, {h.lower() for h in self.hosts}, set(self.products)) == (
            other.tags,
            {h.lower() for h in other.hosts},
            set(other.products),
        )

    def has(self, tags: Mapping[str, str], named: Named, product: str) -> bool:
        """Whether a product on a host is in it. What the host's name matches only a store can tell."""
        return self.about(product) and self.tagged(tags) and (not self.hosts or self.hosts in named)


def merged(scopes: Iterable[Scope]) -> list[Scope]:
    """The same hosts and components in fewer scopes: those that differ in nothing but names become one."""
    alike: dict[tuple[frozenset[tuple[str, str]], tuple[str, ...]], list[Scope]] = {}
    for scope in scopes:
        alike.setdefault((frozenset(scope.tags.items()), scope.products), []).append(scope)
    found = []
    for group in alike.values():
        # without a name a scope has all hosts, and so has what it becomes
        names = dict.fromkeys(n for s in group for n in s.hosts) if all(s.hosts for s in group) else ()
        found.append(msgspec.structs.replace(group[0], hosts=tuple(names)))
    return found


class Filters(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which news a subscription wants.

    `severity` is the least one; unscored advisories pass unless `scored_only`.  `everything` adds
    what affects no host: publications, releases, and all the rest.
    """

    scope: Scope = Scope()
    severity: Severity | None = None
    scored_only: bool = False
    kinds: tuple[Kind, ...] = ()
    keywords: tuple[str, ...] = ()
    kev: bool = False
    """Only vulnerabilities that CISA lists as known to be exploited."""
    everything: bool = False
    epss: float | None = None
    """Only vulnerabilities whose EPSS (0 to 1) is at least this; those without one pass."""

    def wants(self, advisory: Advisory) -> bool:
        """Whether an advisory passes the filters, apart from the hosts."""
        return next(self.rejections(advisory), None) is None

    def rejections(self, advisory: Advisory) -> Iterator[str]:
        """The filters that an advisory does not pass, each in words."""
        if self.kinds and advisory.kind not in self.kinds:
            yield f"kind: {advisory.kind.value} (wanted: {', '.join(self.kinds)})"
        if advisory.kind is Kind.VULNERABILITY:
            yield from self._measured(advisory)
        if self.kev and advisory.exploited is None:
            yield "kev: not known to be exploited"
        if self.scope.products and advisory.products and not advisory.products & set(self.scope.products):
            yield f"product: {', '.join(sorted(advisory.products))} (wanted: {', '.join(self.scope.products)})"
        text = f"{advisory.name} {' '.join(advisory.aliases)} {advisory.title} {advisory.summary}".lower()
        if self.keywords and not any(k.lower() in text for k in self.keywords):
            yield f"keyword: its name, title and summary do not contain {' or '.join(self.keywords)}"

    def _measured(self, advisory: Advisory) -> Iterator[str]:
        if self.severity and self.scored_only and advisory.severity is None:
            yield f"severity: unscored (wanted: {self.severity.value} or worse)"
        if self.severity and not at_least(advisory.severity, self.severity):
            assert advisory.severity is not None
            yield f"severity: {advisory.severity.value} (wanted: {self.severity.value} or worse)"
        if self.epss is not None and advisory.epss is not None and advisory.epss < self.epss:
            yield f"epss: {advisory.epss:.3g} (wanted: at least {self.epss:.3g})"
