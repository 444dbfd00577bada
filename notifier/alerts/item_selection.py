"""Which items a digest takes when there are more than it holds.  Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence

from notifier.alerts.digest import DigestItem


def fairly(items: Sequence[DigestItem], most: int) -> list[DigestItem]:
    """Up to `most` items, the worst first, in turns by source: what one source floods a digest with hides nothing else.

    An item takes the turn of whichever of its sources has one first.
    """
    if len(items) <= most:
        return list(items)
    queues: dict[str, deque[int]] = defaultdict(deque)
    for place, item in enumerate(items):
        for source in {read.source for read in item.advisory.records} or {""}:
            queues[source].append(place)
    chosen: set[int] = set()
    while len(chosen) < most:
        for queue in queues.values():
            while queue and queue[0] in chosen:
                queue.popleft()
            if queue and len(chosen) < most:
                chosen.add(queue.popleft())
    return [item for place, item in enumerate(items) if place in chosen]
