"""The form that changes a subscription: its fields, and what they say."""

from __future__ import annotations

from typing import Any

from feeds.advisories.records import PRODUCTS, Kind, Severity
from feeds.core.errors import UsageProblem
from notifier.domain.subscription_edits import EditOption, SubscriptionEdit
from notifier.domain.subscriptions import Subscription
from notifier.web.handler_values import Call
from notifier.web.pages import query_parameters

Fields = dict[str, Any]


def of_subscription(subscription: Subscription) -> Fields:
    """The fields as a subscription has them."""
    filters, when = subscription.filters, subscription.schedule
    return {
        "severity": filters.severity.value if filters.severity else "",
        "kinds": [kind.value for kind in filters.kinds],
        "products": list(filters.scope.products),
        "hosts": " ".join(filters.scope.hosts),
        "tags": " ".join(f"{name}={value}" for name, value in filters.scope.tags.items()),
        "keywords": ", ".join(filters.keywords),
        "kev": filters.kev,
        "everything": filters.everything,
        "epss": f"{filters.epss:g}" if filters.epss is not None else "",
        "every": when.every,
        "zone": when.zone,
        "quiet": when.quiet,
        "breaks": when.breaks,
        "remind": when.remind,
    }


def of_form(call: Call) -> Fields:
    """The fields as the form was filled in."""
    texts = {name: call.filled(name) for name in ("severity", "hosts", "tags", "keywords", "epss", "every", "zone")}
    more = {name: call.filled(name) for name in ("quiet", "breaks", "remind")}
    lists = {name: list(call.form.get(name, ())) for name in ("kinds", "products")}
    return {**texts, **more, **lists, **{name: bool(call.filled(name)) for name in ("kev", "everything")}}


def edit_of(call: Call) -> SubscriptionEdit:
    """What the form changes: every field, an empty one to its default. UsageProblem says which is wrong."""
    said = of_form(call)
    values: dict[EditOption, Any] = {
        EditOption.HOST: tuple(said["hosts"].replace(",", " ").split()),
        EditOption.TAG: query_parameters.tags([said["tags"]], "tags"),
        EditOption.PRODUCT: tuple(_known(PRODUCTS, one, "products") for one in said["products"]),
        EditOption.SEVERITY: query_parameters.word(Severity, said["severity"], "severity")
        if said["severity"]
        else None,
        EditOption.KIND: tuple(query_parameters.word(Kind, one, "kinds") for one in said["kinds"]),
        EditOption.KEYWORD: tuple(filter(None, map(str.strip, said["keywords"].split(",")))),
        EditOption.KEV: said["kev"],
        EditOption.EPSS: _share(said["epss"]),
        EditOption.EVERYTHING: said["everything"],
        EditOption.SCHEDULE: said["every"].strip() or "immediate",
        EditOption.ZONE: said["zone"].strip() or "UTC",
        EditOption.QUIET: said["quiet"].strip(),
        EditOption.BREAK_SCHEDULE: said["breaks"],
        EditOption.REMIND: said["remind"],
    }
    return SubscriptionEdit(values=tuple(values.items()))


def _known(names: tuple[str, ...], text: str, where: str) -> str:
    if text not in names:
        raise UsageProblem(f"{text[:100]!r} is not one of {', '.join(names)}", where=where)
    return text


def _share(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise UsageProblem(f"{text[:40]!r} is not a number from 0 to 1", where="epss")
    return found
