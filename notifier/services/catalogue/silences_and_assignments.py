"""Silences and assignments: add, list and end them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from feeds import storage
from feeds.core.errors import UnknownName, UsageProblem
from feeds.storage.database import Database
from notifier.alerts.silences import JUSTIFICATIONS, Assignment, Silence, SilenceState, about, shown
from notifier.domain.bounds import check_name, check_scope, check_text
from notifier.domain.filters import Scope
from notifier.schemas.silence import ListedSilence, SilenceList, listed_silence
from notifier.services.snapshot.assessment import Assessment
from notifier.services.snapshot.scopes import covers, unmatched, visible_part
from notifier.storage import silences


@dataclass(frozen=True, slots=True)
class NewSilence:
    """A silence that is asked for: of which advisory, for which hosts, why, and until when."""

    advisory: str
    scope: Scope
    reason: str
    until: datetime
    author: str = ""
    justification: str = ""
    """A VEX justification, where the hosts are not affected."""


@dataclass(frozen=True, slots=True)
class SilenceAdded:
    """The new silence, the numbers of those it replaced, and what the user should check."""

    value: ListedSilence
    replaced: tuple[int, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SilencesAnswer:
    """The listed silences, how many more there are, and their scopes by number."""

    value: SilenceList
    more: int
    scopes: Mapping[int, Scope] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AssignmentsAnswer:
    """The assignments that were not removed, the first due first, and how many more there are."""

    listed: tuple[Assignment, ...]
    more: int


@dataclass(frozen=True, slots=True)
class NewAssignment:
    """An assignment that is asked for: of which advisory, for which hosts, to whom, and until when."""

    advisory: str
    scope: Scope
    owner: str
    due: date
    note: str = ""


@dataclass(frozen=True, slots=True)
class AssignmentAdded:
    """The name of the advisory, its scope in words, and what the user should check."""

    advisory: str
    scope: str
    warnings: tuple[str, ...]


def add_silence(database: Database, wanted: NewSilence, now: datetime) -> SilenceAdded:
    """Silence an advisory. It replaces a silence of the same hosts.

    UnknownName for an advisory that is unknown; UsageProblem for an end in the past, an empty reason or an unknown
    justification.
    """
    if wanted.until <= now:
        raise UsageProblem(f"{wanted.until:%Y-%m-%d %H:%M} UTC is in the past", where="--until")
    if wanted.justification and wanted.justification not in JUSTIFICATIONS:
        raise UsageProblem(
            f"{wanted.justification!r} is not one of {', '.join(JUSTIFICATIONS)}", where="--justification"
        )
    reason = wanted.reason.strip()
    if not reason:
        raise UsageProblem("the reason is empty", where="--reason")
    check_text("reason", reason)
    check_name("author", wanted.author)
    check_scope(wanted.scope)
    with database.begin() as connection:
        assessment = Assessment.load(connection, now)
        found = assessment.find(wanted.advisory)
        state = assessment.alert_state(connection, found)
        made = Silence(
            found.id, wanted.scope, reason, wanted.author, now, wanted.until, state, wanted.justification, found.name
        )
        number, replaced = silences.renew(connection, made, about(found))
        warnings = unmatched(connection, wanted.scope)
    value = listed_silence(replace(made, id=number), SilenceState.IN_FORCE)
    return SilenceAdded(value, replaced, tuple(warnings))


def list_silences(
    database: Database,
    now: datetime,
    *,
    ended: bool = False,
    limit: int | None = None,
    within: Scope = Scope(),  # noqa: B008 - a frozen value
    after: int = 0,
) -> SilencesAnswer:
    """The silences that have not ended, newest first; with `ended` all there ever were.

    `within` are the tags that the viewer is limited to; `after`, the number of the last one that was listed before.
    """
    with database.connect() as connection:
        assessment = Assessment.load(connection, now).visible(connection, within)
    held = {s.id for some in assessment.in_force.values() for s in some}

    def state(one: Silence) -> SilenceState:
        if not one.lasts(now):
            return SilenceState.ENDED
        return SilenceState.BROKEN if one.id in assessment.lasting - held else SilenceState.IN_FORCE

    found = [s for s in assessment.silences if ended or s.lasts(now)]
    place = next((at + 1 for at, one in enumerate(found) if one.id == after), 0)
    part = found[place:][:limit]
    listed = tuple(listed_silence(s, state(s)) for s in part)
    more = len(found) - place - len(listed)
    return SilencesAnswer(SilenceList(silences=listed), more, {s.id: s.scope for s in part})


def list_assignments(
    database: Database,
    *,
    advisory: str = "",
    within: Scope = Scope(),  # noqa: B008 - a frozen value
    limit: int | None = None,
) -> AssignmentsAnswer:
    """The assignments that were not removed: all, or those of an advisory.

    `within` are the tags that the viewer is limited to.
    """
    with database.connect() as connection:
        found = silences.hands(connection)
        if advisory:
            numbers = about(storage.catalogue(connection).find(advisory))
            found = [h for h in found if h.advisory in numbers]
        found = [
            replace(h, scope=part) for h in found if (part := visible_part(connection, h.scope, within)) is not None
        ]
    return AssignmentsAnswer(tuple(found[:limit]), len(found) - len(found[:limit]))


def remove_silence(
    database: Database,
    number: int,
    now: datetime,
    within: Scope = Scope(),  # noqa: B008 - a frozen value
) -> str:
    """End a silence now; the name of its advisory comes back.

    UnknownName if no such silence is in force, or it is about hosts outside of the tags `within`.
    """
    with database.begin() as connection:
        if any(s.id == number and not covers(within, s.scope) for s in silences.every(connection)):
            raise silences.unknown(number)
        return silences.expire(connection, number, now).name


def assign(database: Database, wanted: NewAssignment, now: datetime) -> AssignmentAdded:
    """Assign an advisory to somebody. It replaces an assignment of the same hosts.

    UnknownName for an advisory that is unknown; UsageProblem for a day in the past or an empty owner.
    """
    owner = wanted.owner.strip()
    if not owner:
        raise UsageProblem("the owner is empty", where="--owner")
    check_name("owner", owner)
    check_text("note", wanted.note)
    check_scope(wanted.scope)
    if wanted.due < now.date():
        raise UsageProblem(f"{wanted.due:%Y-%m-%d} is in the past", where="--due")
    with database.begin() as connection:
        found = storage.catalogue(connection).find(wanted.advisory)
        made = Assignment(found.id, wanted.scope, owner, wanted.due, now, wanted.note.strip())
        silences.take(connection, made)
        warnings = unmatched(connection, wanted.scope)
    return AssignmentAdded(found.name, shown(wanted.scope), tuple(warnings))


def remove_assignment(
    database: Database,
    number: int,
    now: datetime,
    within: Scope = Scope(),  # noqa: B008 - a frozen value
) -> Assignment:
    """Remove one assignment; UnknownName if there is none of that number, or it is about hosts outside of `within`."""
    with database.begin() as connection:
        found = next((h for h in silences.hands(connection) if h.id == number and covers(within, h.scope)), None)
        if found is None:
            raise UnknownName(f"there is no assignment with number {number}", remedy="See `navtex advisory show`")
        silences.release(connection, (found.advisory,), found.scope, now)
    return found


def unassign(database: Database, advisory: str, scope: Scope | None, now: datetime) -> tuple[str, tuple[str, ...]]:
    """Remove the assignment of a scope, or (None) every assignment of an advisory.

    The advisory's name and the former owners come back; UnknownName if there is no such assignment.
    """
    with database.begin() as connection:
        found = storage.catalogue(connection).find(advisory)
        removed = silences.release(connection, about(found), scope, now)
    if not removed:
        where = f" for {shown(scope)}" if scope is not None else ""
        raise UnknownName(f"{found.name} is not assigned{where}", remedy=f"See `navtex advisory show {found.name}`")
    return found.name, tuple(one.owner for one in removed)
