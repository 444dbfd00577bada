"""Report an advisory whose sources keep changing once: (the news, what was sent) -> the news to send.  Pure.

A *turn* is a correction, or the return of what a correction removed.  The second turn of an advisory within a week is
reported with a note that its sources keep changing.  Further turns send nothing, and the worst statement counts, until
the sources have agreed for a week.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace as with_values
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from feeds.advisories.records import Advisory
from feeds.verdicts.weighing import Status
from notifier.alerts.alert_state import AffectedComponent, AlertState, facets_of, worst_of
from notifier.alerts.digest import CORRECTION, UPDATE, DigestItem

STILL: Final = timedelta(days=7)
"""How long sources must agree before they count again, and the window in which two turns count as wavering."""
WORDS: Final = "sources keep changing; counted as affected until they agree for a week"


def returned(before: AlertState, advisory: Advisory, group: Iterable[AffectedComponent]) -> bool:
    """Whether something that a correction removed is back."""
    if before.withdrawn and not advisory.withdrawn:
        return True
    return any(c.number in before.taken and c.number not in before.components for c in group)


def damped(
    items: list[DigestItem],
    facets: dict[int, AlertState],
    noted: dict[int, AlertState],
    about: Iterable[tuple[Advisory, AlertState, list[AffectedComponent]]],
    now: datetime,
) -> list[DigestItem]:
    """Return the items to send. `about` are the reported advisories with their states; changes `facets` and `noted`."""
    of_advisory: dict[int, list[DigestItem]] = defaultdict(list)
    for item in items:
        of_advisory[item.advisory.id].append(item)
    changed: dict[int, list[DigestItem]] = {}
    for advisory, before, group in about:
        mine = of_advisory.get(advisory.id, [])
        turned = any(i.change == CORRECTION for i in mine) or (bool(mine) and returned(before, advisory, group))
        if before.wavering is None and not turned:
            continue
        says = frozenset(c.number for c in group)
        turns = (*(t for t in before.turns if now - t < STILL), now)
        if before.wavering is not None and says == before.says and now - before.wavering >= STILL:
            _settle(advisory.id, before, facets, noted)
        elif before.wavering is not None:
            since = before.wavering if says == before.says else now
            after = _worst(before, advisory, group, since)
            changed[advisory.id] = kept = [i for i in mine if i.change != CORRECTION]
            facets.pop(advisory.id, None)
            (facets if kept else noted)[advisory.id] = after
        elif len(turns) < 2:
            facets[advisory.id] = replace(facets[advisory.id], turns=turns)
        else:
            facets[advisory.id] = _worst(before, advisory, group, now)
            changed[advisory.id] = [_told(mine)]
    return [*(i for i in items if i.advisory.id not in changed), *(i for those in changed.values() for i in those)]


def _settle(number: int, before: AlertState, facets: dict[int, AlertState], noted: dict[int, AlertState]) -> None:
    """End the wavering: the sources have agreed for long enough."""
    where = facets if number in facets else noted
    where[number] = replace(where.get(number, before), wavering=None, turns=(), says=frozenset())


def _worst(before: AlertState, advisory: Advisory, group: Iterable[AffectedComponent], since: datetime) -> AlertState:
    group = list(group)
    worst = worst_of(before, facets_of(advisory, group))
    back = {n: Status.AFFECTED for n in before.taken if n not in worst.components}
    says = frozenset(c.number for c in group)
    return replace(
        worst, components={**back, **worst.components}, taken=frozenset(), turns=(), wavering=since, says=says
    )


def _told(items: list[DigestItem]) -> DigestItem:
    """The one item that reports that an advisory wavers."""
    first = next((i for i in items if i.change == UPDATE), items[0])
    groups = first.groups if first.change == UPDATE else ()
    changes = (*first.changes, WORDS) if first.change == UPDATE else (WORDS,)
    return with_values(first, change=UPDATE, groups=groups, changes=changes)
