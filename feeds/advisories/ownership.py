"""Whose matter a vulnerability is: where makers' records speak of something that is not theirs.  Pure.

A repository may list a vulnerability of what it contains, and anybody who can write there may give the entry any CVE
id.  Such a record stands *aside* in an advisory of which all others speak of other products: its words and its scores
come after theirs.  And a name is *disputed* where all others that have it speak of other products.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import msgspec

from feeds.advisories.authority import Precedence
from feeds.advisories.records import ENGINE, Kind, Rank, Read, Record, canonical
from feeds.versions.products import ENGINE_MODULE

_MAKERS: Final = frozenset({Precedence.MAINTAINERS, Precedence.RELEASE_FEED, Precedence.FIX})
"""What speaks for a maker: a repository's advisories, notes, and Docker's announcements of a CVE."""


def is_makers(record: Record) -> bool:
    """Whether a record of a vulnerability is the word of a product's maker."""
    return record.kind is Kind.VULNERABILITY and record.precedence in _MAKERS


class Names:
    """Which products the records of each name speak of, by source."""

    def __init__(self, reads: Iterable[Read]) -> None:
        self._spoken: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for read in reads:
            found = _products(read.record)
            for name in read.record.names if found else ():
                self._spoken[canonical(name)][read.source] |= found

    def disputed(self, read: Read, alias: str) -> int:
        """How many of a maker's alias and the id that it gives it to others have for matters of other products.

        One does not count where somebody says the same of the alias.
        """
        if not is_makers(read.record):
            return 0
        own = _products(read.record)
        of_alias, of_id = (_others(self._spoken.get(canonical(n), {}), read.source) for n in (alias, read.record.id))
        return 0 if own & of_alias else bool(of_alias) + bool(of_id and not own & of_id)


def with_standing(group: list[Read]) -> list[Read]:
    """The records of one advisory, those that stand aside in it marked."""
    spoken: dict[str, set[str]] = defaultdict(set)
    for read in group:
        spoken[read.source] |= _products(read.record)
    return [_marked(read, _others(spoken, read.source)) for read in group]


def _marked(read: Read, others: set[str]) -> Read:
    aside = is_makers(read.record) and bool(others) and not others & _products(read.record)
    return read if aside == read.aside else msgspec.structs.replace(read, aside=aside)


def _products(record: Record) -> frozenset[str]:
    """The products that a record speaks of with more weight than anybody."""
    own = (claim.product for claim in record.claims if claim.rank is not Rank.OTHERS)
    return frozenset(ENGINE if product == ENGINE_MODULE else product for product in own)


def _others(spoken: dict[str, set[str]], source: str) -> set[str]:
    return {product for name, found in spoken.items() if name != source for product in found}
