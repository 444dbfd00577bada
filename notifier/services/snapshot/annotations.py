"""What operators have noted on advisories: silences and assignments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import msgspec

from feeds.storage.database import Connection
from notifier.alerts import silences as silence
from notifier.alerts.silences import Silence
from notifier.assessment.findings import Finding
from notifier.domain.filters import Scope
from notifier.exporters.model import Remark
from notifier.schemas.exposure import AssignmentRow, SilenceRow
from notifier.schemas.fields import whole
from notifier.services.snapshot.assessment import Assessment
from notifier.storage import hosts_by_component


@dataclass(frozen=True, slots=True)
class Remarks:
    """The silences in force and the assignments, by the number of their advisory."""

    silenced: Mapping[int, tuple[Silence, ...]]
    in_hand: Mapping[int, tuple[AssignmentRow, ...]]

    @classmethod
    def of(cls, assessment: Assessment) -> Remarks:
        """The remarks of an assessment."""
        assigned = {
            number: tuple(
                AssignmentRow(owner=h.owner, due=h.due, scope=h.scope, note=h.note, overdue=h.overdue) for h in hands
            )
            for number, hands in assessment.assigned.items()
        }
        return cls(assessment.in_force, assigned)

    def silent(self, advisory: int) -> tuple[SilenceRow, ...]:
        """The silences of an advisory as rows."""
        return _rows(self.silenced.get(advisory, ()))

    def words(self, advisory: int) -> tuple[str, ...]:
        """The silences and assignments of an advisory as sentences."""
        return tuple(str(one) for one in (*self.silent(advisory), *self.in_hand.get(advisory, ())))

    def exported(self, connection: Connection) -> Callable[[Finding], Remark]:
        """The remark on a finding for other tools: what applies to hosts that run its component.

        Only a silence of all hosts can justify that none is affected.
        """

        @cache
        def runs(hosts: str) -> frozenset[int]:
            scope = msgspec.json.decode(hosts, type=Scope)
            return frozenset(hosts_by_component.counts(connection, scope))

        def concerns(one: Silence, number: int) -> bool:
            return one.scope == Scope() or number in runs(msgspec.json.encode(one.scope).decode())

        def remark(finding: Finding) -> Remark:
            number = finding.match.advisory.id
            mine = tuple(s for s in self.silenced.get(number, ()) if concerns(s, finding.number))
            everywhere = (s.justification for s in mine if s.scope == Scope())
            words = (*_rows(mine), *self.in_hand.get(number, ()))
            return Remark(tuple(map(str, words)), next(filter(None, everywhere), ""))

        return remark


def _rows(silences: Iterable[Silence]) -> tuple[SilenceRow, ...]:
    return tuple(
        SilenceRow(reason=s.reason, author=s.author, until=whole(s.until), scope=silence.shown(s.scope))
        for s in silences
    )
