"""The only code that queries the tables of `feeds`. Values go in, values come out; no row leaves."""

from feeds.storage.advisories import Changes, catalogue, cves, facts, fingerprints, lost, reads, sync, tags
from feeds.storage.documents import (
    Kept,
    forget_history,
    forget_pages,
    histories,
    keep,
    known,
    listed,
    note,
    outdated,
    remember,
    sources,
    told,
    touch,
    wait,
    waiting,
)
from feeds.storage.mirrors import mirror, note_mirror
from feeds.storage.sql import insert, upsert

__all__ = [
    "Changes",
    "Kept",
    "catalogue",
    "cves",
    "facts",
    "fingerprints",
    "forget_history",
    "forget_pages",
    "histories",
    "insert",
    "keep",
    "known",
    "listed",
    "lost",
    "mirror",
    "note",
    "note_mirror",
    "outdated",
    "reads",
    "remember",
    "sources",
    "sync",
    "tags",
    "told",
    "touch",
    "upsert",
    "wait",
    "waiting",
]
