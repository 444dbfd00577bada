"""Every limit on what a source may do, in one place; a test compares the documentation with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

RESPONSE: Final = 32 << 20
"""Bytes of an answer, packed and unpacked; a longer one is broken off."""
PAGE: Final = 8 << 20
"""Bytes of a page or a feed; the longest real one has a tenth of them, and its tree takes many times its size."""
INDEX: Final = 64 << 20
"""Bytes of an unpacked apt index, which is read whole; Docker's longest has a twentieth of them."""
PACKAGES: Final = 512 << 20
"""Bytes of an unpacked list of RPM packages, which is read in pieces; Docker's longest has an eighth of them."""
MODULE_FILE: Final = 1 << 20
"""Bytes of a module file; the longest real one has a fiftieth of them."""
MANIFEST: Final = 4 << 20
"""Bytes of an image's manifest or config; the registry specification lets a registry refuse longer manifests."""
LAYERS: Final = 1_000
"""Layers of an image, and manifests of an index."""
TOKEN: Final = 1 << 20
"""Bytes of a registry's answer with a token that are read."""
TAGS: Final = 10_000
"""Tags that a page of a registry's list may have; the others are left out."""
TAG_PAGES: Final = 20
"""Pages of a registry's list of tags that one poll reads."""
MIRROR: Final = 4 << 30
"""Bytes that one filling of a mirror may bring."""
MIRROR_LIST: Final = 16 << 20
"""Bytes of a mirror's own list of its files that are read."""
HEADERS: Final = 128 << 10
"""Bytes of an answer's headers; a browser takes 256 KiB."""
ROBOTS: Final = 512 << 10
"""Bytes of a robots.txt; RFC 9309 asks for at least 500 KiB."""
REQUEST: Final = 20.0
"""Seconds of one request."""
TRIES: Final = 3
"""How often one request is made in a poll."""
RETRIED: Final = (408, 429, 500, 502, 503, 504)
"""Statuses after which a request is made again."""
REDIRECTS: Final = 5
"""Redirects that one request follows."""
REQUESTS_A_SECOND: Final = 4
"""Requests to one host; a mirror is asked without delay."""
FOLLOWED: Final = 5_000
"""Documents of a source that are asked for because other documents name them."""
MODULE_FILES: Final = 150
"""Documents of a source that never change and that one poll asks for; the next ones are left to the next poll."""
MEMORY: Final = 2 << 30
"""Bytes of address space that the crawl may use."""
REASON: Final = 400
"""Characters of the reason of a failure."""
SILENT_AFTER: Final = timedelta(days=3)
"""A source that could not be read for this long is silent."""
GOOD_POLLS: Final = 30
"""Number of good polls in a source's history."""
LEAST_POLLS: Final = 5
"""Minimum number of good polls for a usable history."""
LEAST_LISTED: Final = (3, 4)
"""The share of its former entries that a list must still have; with less it is taken for a broken page."""
GONE_AFTER: Final = timedelta(hours=23)
"""How far apart the two good polls are that must both miss an entry. An hour less than a day: timers are not exact."""
AT_ONCE: Final = 3
"""So many entries that go missing within a day are not believed to be gone, however long the list is."""
PEAK: Final = timedelta(weeks=4)
"""How long the longest list is remembered: one that shrinks little by little is compared with it."""
NAMED: Final = 3
"""A first list without entries is not believed where another source names as many that it should have."""
MENTIONS: Final = 100
"""CVEs that a document only mentions, and that are asked for; the first ones count."""
MENTIONED: Final = 1_000
"""The same of all documents of a source, those of each document in turn."""
CLAIMED: Final = 1_000
"""CVEs of one source's claims whose records are asked for, the newest first; the largest source has a third of them."""
ASSIGNED: Final = 5_000
"""CVEs of Docker's own authority that are read; it assigns some dozen a year."""
UNLINKED: Final = 3
"""Entries that a source may lose with a page that is no longer linked, without anybody wondering."""
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
SOURCE_SIZE: Final = 64 << 20
"""Bytes of these entries, as they are stored."""
SOURCE_STORED: Final = 10_000
"""Entries of a source that count at the same time, however many polls brought them."""
CLAIMS: Final = 500
"""Claims, names and references of one entry, of each."""
DIGEST_ITEMS: Final = 500
"""Items of one digest, the worst first; the others are in the next."""
HOST_READING: Final = 10.0
"""Seconds of processor time that reading all documents of a host may take in one poll."""
CLOCK_SLACK: Final = timedelta(minutes=5)
"""How far clocks of two machines may be apart; what is noted further in the future counts as now."""
LONG_PAUSE: Final = timedelta(minutes=1)
"""A host that asks for a longer pause is left alone by later polls, too; a shorter one was waited for in the poll."""
LONGEST_WAIT: Final = timedelta(days=7)
"""The longest pause that a host may ask for."""
