"""Every limit on what a source may do, in one place; a test compares the documentation with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

LEAST_LISTED: Final = (3, 4)
"""The share of its former entries that a list must still have; with less it is taken for a broken page."""
GONE_AFTER: Final = timedelta(hours=23)
"""How far apart the two good polls are that must both miss an entry. An hour less than a day: timers are not exact."""
NAMED: Final = 3
"""A first list without entries is not believed where another source names as many that it should have."""
MENTIONS: Final = 100
"""CVEs that a document only mentions, and that are asked for; the first ones count."""
ADDRESS: Final = 2_000
"""Bytes of an address: PostgreSQL's indexes take 2,704 for an address and the name of an entry together."""
NAME: Final = 500
"""Bytes of a name: of an entry, a CVE, a tag."""
TITLE: Final = 300
"""Characters of a title; a longer one is cut."""
HEADER: Final = 1_000
"""Characters of a header that is kept (ETag, Last-Modified)."""
ENTRIES: Final = 20_000
"""Entries of one document, and documents that it may lead to; the longest real one has a tenth of them."""
ENTRY: Final = 4 << 20
"""Bytes of one entry."""
SOURCE_ENTRIES: Final = 5_000
"""Entries of all documents of a source that a poll may bring; the largest source has a fifth of them."""
CLAIMS: Final = 500
"""Claims, names and references of one entry, of each."""
DIGEST_ITEMS: Final = 500
"""Items of one digest, the worst first; the others are in the next."""
HOST_READING: Final = 10.0
"""Seconds of processor time that reading all documents of a host may take in one poll."""
CLOCK_SLACK: Final = timedelta(minutes=5)
"""How far clocks of two machines may be apart; what is noted further in the future counts as now."""
LONGEST_WAIT: Final = timedelta(days=7)
"""The longest pause that a host may ask for."""
