"""The only code that queries the tables of `feeds`. Values go in, values come out; no row leaves."""

from feeds.store.advisories import Changes, catalogue, cves, facts, fingerprints, reads, sync
from feeds.store.documents import Kept, forget_pages, keep, known, note, outdated, sources, touch, wait, waiting
from feeds.store.mirrors import mirror, note_mirror
from feeds.store.sql import insert, upsert

__all__ = [
    "Changes",
    "Kept",
    "catalogue",
    "cves",
    "facts",
    "fingerprints",
    "forget_pages",
    "insert",
    "keep",
    "known",
    "mirror",
    "note",
    "note_mirror",
    "outdated",
    "reads",
    "sources",
    "sync",
    "touch",
    "upsert",
    "wait",
    "waiting",
]
