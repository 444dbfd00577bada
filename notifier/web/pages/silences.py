"""`/silences`: what is left out of digests, until when, and who works on what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from urllib.parse import quote

from feeds.core.errors import UsageProblem
from notifier.domain.filters import Scope
from notifier.services.catalogue.silences_and_assignments import (
    NewAssignment,
    NewSilence,
    add_silence,
    assign,
    list_assignments,
    list_silences,
    remove_assignment,
    remove_silence,
)
from notifier.web.audit_entries import noted
from notifier.web.handler_values import Answer, Call, redirect
from notifier.web.page_answers import shown
from notifier.web.pages import advisories, query_parameters
from notifier.web.pages.notifications import number
from notifier.web.scoping import NOTHING, scoped


def listing(call: Call) -> Answer:
    """The page."""
    within, ended, after = call.viewer.scope, query_parameters.switch(call, "ended"), call.asked("after")
    found = list_silences(
        call.database,
        call.now,
        ended=ended,
        limit=query_parameters.ROWS,
        within=within,
        after=query_parameters.whole(after) or 0,
    )
    rows = found.value.silences
    return shown(
        call,
        "silences.html",
        rows=rows,
        next=str(rows[-1].number) if found.more else "",
        mine={n for n, scope in found.scopes.items() if scope.within(within)},
        assignments=list_assignments(call.database, within=within, limit=query_parameters.ROWS),
        ended=ended,
        within=within,
        filters=query_parameters.filters(call, "ended"),
    )


def _day(call: Call, name: str) -> date:
    text = call.filled(name).strip()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageProblem(f"{text[:40]!r} is not a date (YYYY-MM-DD)", where=name) from None


def _scope(call: Call, field: str = "hosts") -> Scope:
    """The hosts that a form names, as far as the viewer may see them."""
    hosts = tuple(dict.fromkeys(call.filled(field).replace(",", " ").split()))
    found = scoped(call, Scope(tags=query_parameters.tags([call.filled("tags")], "tags"), hosts=hosts))
    if found.tags == NOTHING:
        raise UsageProblem("you may not change these hosts", where="tags")
    return found


def _acted(call: Call, action: Callable[[Call], str], done: str) -> Answer:
    """The advisory's page again: with what was done, or with why it was refused and the form as it was filled in."""
    try:
        name = action(call)
    except UsageProblem as error:
        return advisories.one(call, error.what, 400)
    return redirect(f"/advisories/{quote(name, safe='')}?done={done}")


def silence(call: Call) -> Answer:
    """Silence an advisory, until the end of a day."""

    def action(call: Call) -> str:
        until = datetime.combine(_day(call, "until"), time(23, 59, 59), UTC)
        wanted = NewSilence(
            advisory=call.path["name"],
            scope=_scope(call),
            reason=call.filled("reason"),
            until=until,
            author=call.viewer.name,
            justification=call.filled("justification"),
        )
        made = add_silence(call.database, wanted, call.now).value
        noted(call, "silence.add", made.advisory, after=made)
        return made.advisory

    return _acted(call, action, "silenced")


def expire(call: Call) -> Answer:
    """End a silence."""
    which = number(call.path["number"])
    advisory = remove_silence(call.database, which, call.now, call.viewer.scope)
    noted(call, "silence.remove", advisory, before={"number": which})
    return redirect("/silences?done=expired")


def take(call: Call) -> Answer:
    """Assign an advisory to somebody."""

    def action(call: Call) -> str:
        wanted = NewAssignment(
            advisory=call.path["name"],
            scope=_scope(call, "assigned-hosts"),
            owner=call.filled("owner"),
            due=_day(call, "due"),
            note=call.filled("note"),
        )
        made = assign(call.database, wanted, call.now)
        after = {"owner": wanted.owner, "due": wanted.due, "scope": made.scope, "note": wanted.note}
        noted(call, "assignment.add", made.advisory, after=after)
        return made.advisory

    return _acted(call, action, "assigned")


def release(call: Call) -> Answer:
    """Remove an assignment."""
    removed = remove_assignment(call.database, number(call.path["number"]), call.now, call.viewer.scope)
    noted(call, "assignment.remove", removed.name, before={"owner": removed.owner, "due": removed.due})
    return redirect(f"/advisories/{quote(removed.name, safe='')}?done=unassigned")
