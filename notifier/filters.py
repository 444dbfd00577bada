"""What a subscription or a question is about: which hosts, and which advisories.  Pure."""

from __future__ import annotations

import msgspec

from feeds.advisory import Advisory, Kind, Severity
from feeds.catalogue import at_least


class Scope(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which hosts, and which of their components: () and {} are all of them.

    A host is in it when it has every tag, and its name matches one of the patterns (`web-*`), in
    any case of letters.
    """

    tags: dict[str, str] = {}
    hosts: tuple[str, ...] = ()
    products: tuple[str, ...] = ()


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

    def wants(self, advisory: Advisory) -> bool:
        """Whether an advisory passes, wherever it matters."""
        if self.kinds and advisory.kind not in self.kinds:
            return False
        if self.severity and advisory.kind is Kind.VULNERABILITY:
            if self.scored_only and advisory.severity is None:
                return False
            if not at_least(advisory.severity, self.severity):
                return False
        if self.kev and advisory.exploited is None:
            return False
        if self.scope.products and advisory.products and not advisory.products & set(self.scope.products):
            return False
        text = f"{advisory.name} {' '.join(advisory.aliases)} {advisory.title} {advisory.summary}".lower()
        return not self.keywords or any(k.lower() in text for k in self.keywords)
