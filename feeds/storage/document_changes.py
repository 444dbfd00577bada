"""What a document had and has now, compared before it is stored."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from feeds.advisories.facts import FACTS
from feeds.advisories.list_facts import contents, shrunk
from feeds.advisories.records import Record
from feeds.crawl.protocol import FetchResult
from feeds.sources.base import Item

_ITEM = msgspec.json.Decoder(Item)


@lru_cache(maxsize=16384)
def decoded(payload: str) -> Item:
    """The item that a payload holds."""
    item: Item = _ITEM.decode(payload)
    return item


@dataclass(frozen=True, slots=True)
class Reading:
    """What a document had and has now, by key: rows, and JSON."""

    had: dict[str, Any]
    now: dict[str, str]
    others: Counter[str]

    def problem(self, outcome: FetchResult, had_listed: int | None) -> str:
        """Why the reading is not to be believed, or ""."""
        present = [k for k, r in self.had.items() if r.gone_at is None]
        lost = [k for k in present if k not in self.now and not self.others[k]]
        if outcome.complete and shrunk(len(present) - len(lost), len(present)):
            return f"it lists {len(self.now)} entries and lacks {len(lost)} of the {len(present)} it had"
        listed = outcome.listed or len(outcome.items)
        if not outcome.complete and had_listed and shrunk(listed, had_listed):
            return f"it lists {listed} entries, and {had_listed} before"
        return next((why for key in self.now if key in self.had and (why := self._inside(key) or self._older(key))), "")

    def _inside(self, key: str) -> str:
        before, now = self.lists(key)
        if before is None or now is None:
            return ""
        lost = {name for name in before - now if self.others[f"{key}\n{name}"] < 1}
        if not shrunk(len(before) - len(lost), len(before)):
            return ""
        return f"its list {key} has {len(now)} entries and lacks {len(lost)} of the {len(before)} it had"

    def _older(self, key: str) -> str:
        row = self.had[key]
        if key.startswith(FACTS) or row.payload == self.now[key]:
            return ""
        before, now = decoded(row.payload), decoded(self.now[key])
        if not (isinstance(before, Record) and isinstance(now, Record) and before.modified and now.modified):
            return ""
        if now.modified >= before.modified:
            return ""
        return f"it is an older copy: {now.id} is of {now.modified:%Y-%m-%d}, and was of {before.modified:%Y-%m-%d}"

    def missing(self) -> set[tuple[int, str]]:
        """The items and the entries of lists that are not in it any more."""
        found = set()
        for key, row in self.had.items():
            if row.gone_at is None and key in self.now:
                before, now = self.lists(key)
                found |= {(row.id, name) for name in (before or frozenset()) - (now or frozenset())}
            elif row.gone_at is None:
                found.add((row.id, ""))
        return found

    def lists(self, key: str) -> tuple[frozenset[str] | None, frozenset[str] | None]:
        """The entries of a list that is kept as one fact, before and now."""
        if not key.startswith(FACTS) or key not in self.had:
            return None, None
        return contents(decoded(self.had[key].payload)), contents(decoded(self.now[key]))
