"""Which hosts a new edition of the benchmark asks to audit, for the digest that tells of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from feeds.advisories.cis_editions import place
from feeds.advisories.records import Edition
from feeds.storage.database import Connection
from notifier.alerts.alert_state import AffectedComponent
from notifier.alerts.digest import CORRECTION, AuditsDue, DigestItem, OlderAudit
from notifier.domain.audits import AuditDue, standing
from notifier.domain.filters import Scope
from notifier.domain.hosts import Hosts
from notifier.services.snapshot.assessment import Assessment
from notifier.storage import audits


def with_audits(
    connection: Connection,
    assessment: Assessment,
    scope: Scope,
    items: Iterable[DigestItem],
    concerns: Iterable[AffectedComponent],
) -> tuple[DigestItem, ...]:
    """The items of a digest, those of editions with the hosts to audit. Nothing is added before the first import."""
    items = tuple(items)
    editions = {i.advisory.id for i in items if i.advisory.edition and i.change != CORRECTION}
    if not editions or not audits.any_stored(connection):
        return items
    groups: dict[int, list[AffectedComponent]] = defaultdict(list)
    for concern in concerns:
        if concern.match.advisory.id in editions:
            groups[concern.match.advisory.id].append(concern)
    return tuple(
        replace(item, audits=_due(connection, assessment, scope, edition, group))
        if (edition := item.advisory.edition) and (group := groups.get(item.advisory.id))
        else item
        for item in items
    )


def _due(
    connection: Connection, assessment: Assessment, scope: Scope, edition: Edition, group: Sequence[AffectedComponent]
) -> AuditsDue:
    silenced, named = assessment.in_force.get(group[0].match.advisory.id, ()), assessment.fleet.named
    made = audits.of_hosts_running(connection, scope, [c.number for c in group], [s.scope for s in silenced])
    older: dict[Edition | None, list[str]] = defaultdict(list)
    for host, of in made.items():
        found = standing(edition, of, None)
        if found.audit and set(found.reasons) & {AuditDue.OLDER_EDITION, AuditDue.UNKNOWN_EDITION}:
            older[found.audit.edition].append(host)
    unaudited = sorted({name for c in group for name in c.hosts.names if name not in made})
    never = max(len(unaudited), sum(c.hosts.count for c in group) - len(made))
    return AuditsDue(
        again=tuple(
            OlderAudit(of, Hosts(len(hosts), tuple(sorted(hosts)[:named])))
            for of, hosts in sorted(older.items(), key=lambda one: place(one[0]) if one[0] else ())
        ),
        never=Hosts(never, tuple(unaudited[:named])),
    )
