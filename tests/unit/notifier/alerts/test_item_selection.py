"""What a digest takes when there are more items than it holds."""

from __future__ import annotations

from msgspec.structs import replace

from feeds.advisories.records import Read
from notifier.alerts.digest import DigestItem
from notifier.alerts.item_selection import fairly
from tests.support.digests import item
from tests.support.samples import START, advisory


def of(number: int, *sources: str) -> DigestItem:
    about = advisory(number)
    reads = tuple(Read(about.records[0].record, source, "https://example.org", START) for source in sources)
    return item(replace(about, records=reads))


def test_a_source_with_thousands_of_items_hides_no_others_worst() -> None:
    flood = [of(n, "liar") for n in range(1000)]
    real = [of(2000 + n, "honest") for n in range(3)]
    both = of(3000, "third", "liar")
    chosen = fairly([*flood, *real, both], 10)
    assert chosen == [*flood[:6], *real, both]
    assert fairly(flood[:10], 10) == flood[:10]
