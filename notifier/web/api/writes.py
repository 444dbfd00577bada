"""What the API changes: silences, assignments and subscriptions."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from feeds.core.errors import UnknownName, UsageProblem
from notifier.alerts.silences import shown
from notifier.domain.filters import Filters, Scope
from notifier.domain.schedule import Schedule
from notifier.domain.subscription_edits import EditOption, SubscriptionEdit
from notifier.domain.subscriptions import Subscription
from notifier.schemas.requests import (
    AssignmentAnswer,
    AssignmentRequest,
    SilenceRequest,
    SubscriptionChange,
    SubscriptionRequest,
)
from notifier.services.catalogue.silences_and_assignments import (
    NewAssignment,
    NewSilence,
    add_silence,
    assign,
    remove_silence,
    unassign,
)
from notifier.services.installation.channel_addresses import check_remote
from notifier.services.subscriptions import subscriptions as service
from notifier.web.api.answers import answer
from notifier.web.api.lists import named
from notifier.web.api.parameters import Given
from notifier.web.audit_entries import noted
from notifier.web.handler_values import Answer, Call, json, problem
from notifier.web.scoping import NOTHING, scoped

Body = TypeVar("Body", bound=msgspec.Struct)
_LARGEST = 2**31 - 1


class WrongType(UsageProblem):
    """A body is not JSON by what is said of it."""


def body_of(call: Call, kind: type[Body]) -> Body:
    """The body of a call; UsageProblem if it is not JSON of this kind."""
    said = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said != "application/json":
        raise WrongType("the body must be application/json")
    try:
        return msgspec.json.decode(call.body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UsageProblem(f"the body cannot be used: {error}") from error


def _within(call: Call, scope: Scope) -> Scope:
    """The scope as far as the caller may see it; UsageProblem if that is nothing."""
    found = scoped(call, scope)
    if found.tags == NOTHING:
        raise UsageProblem("these hosts are outside of what you may see", where="tags")
    return found


def silence(call: Call, given: Given) -> Answer:
    """Silence an advisory for some hosts or all, until a date."""
    said = body_of(call, SilenceRequest)
    scope = _within(call, Scope(said.tags, said.hosts, said.products))
    wanted = NewSilence(said.advisory, scope, said.reason, _end(said.until), call.viewer.name, said.justification)
    made = add_silence(call.database, wanted, call.now).value
    noted(call, "silence.add", made.advisory, after=made)
    return json(made, 201, (("location", f"/api/v1/silences/{made.number}"),))


def _end(text: str) -> datetime:
    for form, whole in (("%Y-%m-%d", True), ("%Y-%m-%dT%H:%M:%SZ", False)):
        try:
            found = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return datetime.combine(found.date(), time(23, 59, 59), UTC) if whole else found
    raise UsageProblem(f"{text[:60]!r} is not a date (YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ)", where="until")


def end_silence(call: Call, given: Given) -> Answer:
    """End a silence now."""
    number = named(call)
    if not number.isascii() or not number.isdigit() or not 0 < int(number[:10]) <= _LARGEST or len(number) > 10:
        raise UnknownName(f"there is no silence {number[:20]!r}")
    advisory = remove_silence(call.database, int(number), call.now, call.viewer.scope)
    noted(call, "silence.remove", advisory, before={"number": int(number)})
    return Answer(204)


def add_assignment(call: Call, given: Given) -> Answer:
    """Assign an advisory to someone, for some hosts or all."""
    said = body_of(call, AssignmentRequest)
    scope = _within(call, Scope(said.tags, said.hosts, said.products))
    wanted = NewAssignment(said.advisory, scope, said.owner, said.due, said.note)
    made = assign(call.database, wanted, call.now)
    stored = AssignmentAnswer(
        advisory=made.advisory, owner=said.owner.strip(), due=said.due, scope=made.scope, note=said.note.strip()
    )
    noted(call, "assignment.add", made.advisory, after=stored)
    return json(stored, 201, (("location", f"/api/v1/advisories/{quote(made.advisory, safe='')}"),))


def remove_assignment(call: Call, given: Given) -> Answer:
    """Remove the assignment of an advisory for these hosts, or all of them."""
    chosen = _within(call, given.scope)
    advisory, owners = unassign(call.database, named(call), None if chosen == Scope() else chosen, call.now)
    noted(call, "assignment.remove", advisory, before={"owners": owners, "scope": shown(chosen)})
    return Answer(204)


def subscribe(call: Call, given: Given) -> Answer:
    """Add a subscription."""
    said = body_of(call, SubscriptionRequest)
    check_remote(said.to)
    filters = Filters(
        scope=_within(call, Scope(said.tags, said.hosts, said.products)),
        severity=said.severity,
        kinds=said.kinds,
        keywords=said.keywords,
        kev=said.kev,
        everything=said.everything,
        epss=said.epss,
    )
    when = Schedule(
        every=said.schedule, zone=said.zone, quiet=said.quiet, breaks=said.break_schedule, remind=said.remind
    )
    wanted = Subscription(said.name, said.to, filters, call.now, silent_start=said.silent_start, schedule=when)
    made = service.add_subscription(call.database, wanted).value
    noted(call, "subscription.add", made.name, after=made)
    return json(made, 201, (("location", f"/api/v1/subscriptions/{quote(made.name, safe='')}"),))


def subscription(call: Call, given: Given) -> Answer:
    """One subscription, when it is due, and what it was sent."""
    return answer(call, service.show_subscription(call.database, _visible(call), call.now).value)


_OPTIONS = {
    "hosts": EditOption.HOST,
    "tags": EditOption.TAG,
    "products": EditOption.PRODUCT,
    "severity": EditOption.SEVERITY,
    "kinds": EditOption.KIND,
    "keywords": EditOption.KEYWORD,
    "kev": EditOption.KEV,
    "epss": EditOption.EPSS,
    "everything": EditOption.EVERYTHING,
    "schedule": EditOption.SCHEDULE,
    "zone": EditOption.ZONE,
    "quiet": EditOption.QUIET,
    "break_schedule": EditOption.BREAK_SCHEDULE,
    "remind": EditOption.REMIND,
}


def change_subscription(call: Call, given: Given) -> Answer:
    """Change the channels, filters or schedule of a subscription, pause or resume it."""
    name = _visible(call)
    before = service.show_subscription(call.database, name, call.now).value
    said: dict[str, Any] = body_of(call, SubscriptionChange).given()
    check_remote(said.get("to", ()))
    if "tags" in said and call.viewer.limited:
        said["tags"] = _within(call, Scope(said["tags"] or {})).tags
    if said.get("hosts"):
        _within(call, Scope(hosts=said["hosts"]))
    values = tuple((_OPTIONS[n], v) for n, v in said.items() if n in _OPTIONS and v is not None)
    clear = frozenset(_OPTIONS[n] for n, v in said.items() if n in _OPTIONS and v is None)
    if "to" in said or values or clear or "paused" not in said:
        edit = SubscriptionEdit(said.get("to", ()), values, clear)
        service.edit_subscription(call.database, name, edit, call.now)
    if "paused" in said:
        service.pause_subscription(call.database, name, paused=said["paused"])
    after = service.show_subscription(call.database, name, call.now).value
    noted(call, "subscription.edit", name, before, after)
    return json(after)


def unsubscribe(call: Call, given: Given) -> Answer:
    """Remove a subscription. What it was sent stays in the history."""
    name = _visible(call)
    before = service.show_subscription(call.database, name, call.now).value
    service.remove_subscription(call.database, name, call.now)
    noted(call, "subscription.remove", name, before)
    return Answer(204)


def _visible(call: Call) -> str:
    """The name of the subscription in the path; UnknownName if the caller may not see it."""
    name = named(call)
    listed = service.list_subscriptions(call.database, within=call.viewer.scope).value.subscriptions
    if not any(one.name == name for one in listed):
        raise UnknownName(f"there is no subscription {name[:100]!r}")
    return name


def wrong_type(error: WrongType) -> Answer:
    """The answer to a body of another type."""
    return problem(415, "Unsupported media type", str(error))
