"""The only code that queries the tables of `feeds`. Values go in, values come out; no row leaves."""

from feeds.storage.advisories import Changes, catalogue, cves, facts, fingerprints, lost, reads, sync, tags, wanted_cves
from feeds.storage.documents import (
    documents,
    forget_history,
    histories,
    keep,
    known,
    note,
    outdated,
    remember,
    sources,
    told,
    touch,
    wait,
    waiting,
)
from feeds.storage.items import Kept, forget_pages, listed, names_in, newest_missing, settle
from feeds.storage.mirrors import mirror, note_mirror
from feeds.storage.sql import insert, upsert

__all__ = [
    "Changes",
    "Kept",
    "catalogue",
    "cves",
    "documents",
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
    "names_in",
    "newest_missing",
    "note",
    "note_mirror",
    "outdated",
    "reads",
    "remember",
    "settle",
    "sources",
    "sync",
    "tags",
    "told",
    "touch",
    "upsert",
    "wait",
    "waiting",
    "wanted_cves",
]
