"""What the operators themselves say of advisories, beside what exposes their hosts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from feeds.database import Connection
from notifier import silence
from notifier.export.model import Remark
from notifier.filters import Scope
from notifier.grouped import Silent, Taken
from notifier.silence import Silence
from notifier.store import silences
from notifier.world import World


@dataclass(frozen=True, slots=True)
class Remarks:
    """By the number of their advisory: the silences in force, and who has it in hand."""

    silenced: dict[int, tuple[Silence, ...]]
    in_hand: dict[int, tuple[Taken, ...]]

    @classmethod
    def read(cls, connection: Connection, now: datetime) -> Remarks:
        """What stands now. Silences that something broke stand no longer."""
        if not (silences.every(connection) or silences.hands(connection)):
            return cls({}, {})
        world = World.read(connection, now)
        taken = {
            number: tuple(Taken(owner=h.owner, due=h.due, scope=h.scope, note=h.note, overdue=h.overdue) for h in hands)
            for number, hands in world.in_hand.items()
        }
        return cls(world.held, taken)

    def silent(self, advisory: int) -> tuple[Silent, ...]:
        """The silences of an advisory as rows."""
        return tuple(
            Silent(reason=s.reason, author=s.author, until=s.until, scope=silence.shown(s.scope))
            for s in self.silenced.get(advisory, ())
        )

    def words(self, advisory: int) -> tuple[str, ...]:
        """What is said of an advisory, in words."""
        return tuple(str(one) for one in (*self.silent(advisory), *self.in_hand.get(advisory, ())))

    def exported(self) -> dict[int, Remark]:
        """The same for other tools. Only a silence of all hosts can justify that none is affected."""
        found = {}
        for number in self.silenced.keys() | self.in_hand.keys():
            everywhere = (s for s in self.silenced.get(number, ()) if s.scope == Scope())
            word = next((s.justification for s in everywhere if s.justification), "")
            found[number] = Remark(self.words(number), word)
        return found
