"""What the operators themselves say of advisories, beside what exposes their hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import msgspec

from feeds.storage.database import Connection
from notifier.alerts import silences as silence
from notifier.alerts.silences import Silence
from notifier.assessment.findings import Finding
from notifier.domain.filters import Scope
from notifier.exporters.model import Remark
from notifier.schemas.exposure import AssignmentRow, SilenceRow
from notifier.services.assessment import Assessment
from notifier.storage import exposure, silences


def in_force(connection: Connection, now: datetime) -> Mapping[int, tuple[Silence, ...]]:
    """The silences in force, by the number of their advisory. Silences that something broke are not."""
    if not any(s.lasts(now) for s in silences.every(connection)):
        return {}
    return Assessment.load(connection, now).in_force


@dataclass(frozen=True, slots=True)
class Remarks:
    """By the number of their advisory: the silences in force, and who has it in hand."""

    silenced: Mapping[int, tuple[Silence, ...]]
    in_hand: Mapping[int, tuple[AssignmentRow, ...]]

    @classmethod
    def read(cls, connection: Connection, now: datetime) -> Remarks:
        """What stands now. Silences that something broke stand no longer."""
        if not (silences.every(connection) or silences.hands(connection)):
            return cls({}, {})
        assessment = Assessment.load(connection, now)
        taken = {
            number: tuple(
                AssignmentRow(owner=h.owner, due=h.due, scope=h.scope, note=h.note, overdue=h.overdue) for h in hands
            )
            for number, hands in assessment.assigned.items()
        }
        return cls(assessment.in_force, taken)

    def silent(self, advisory: int) -> tuple[SilenceRow, ...]:
        """The silences of an advisory as rows."""
        return _rows(self.silenced.get(advisory, ()))

    def words(self, advisory: int) -> tuple[str, ...]:
        """What is said of an advisory, in words."""
        return tuple(str(one) for one in (*self.silent(advisory), *self.in_hand.get(advisory, ())))

    def exported(self, connection: Connection) -> Callable[[Finding], Remark]:
        """The same for other tools: of a finding, what concerns hosts that run its component.

        Only a silence of all hosts can justify that none is affected.
        """

        @cache
        def runs(hosts: str) -> frozenset[int]:
            scope = msgspec.json.decode(hosts, type=Scope)
            return frozenset(exposure.counts(connection, scope))

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
        SilenceRow(reason=s.reason, author=s.author, until=s.until, scope=silence.shown(s.scope)) for s in silences
    )
