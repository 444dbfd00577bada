"""`/plan`: what to upgrade, in which order, and with which command."""

from __future__ import annotations

from notifier.services.findings.exposure import ExposureQuery
from notifier.services.findings.plan_parts import plan_part
from notifier.services.snapshot.settings import due_policy
from notifier.web.handler_values import Answer, Call
from notifier.web.page_answers import shown
from notifier.web.pages import query_parameters

_CARDS = 20


def plan(call: Call) -> Answer:
    """The page."""
    skip = query_parameters.whole(call.asked("after")) or 0
    query = ExposureQuery(
        query_parameters.seen(call),
        least=query_parameters.level(call),
        limit=call.viewer.scope,
        due=due_policy(call.config.due),
        overdue=query_parameters.switch(call, "overdue"),
    )
    found = plan_part(call.database, query, call.now, skip=skip, limit=_CARDS)
    end = skip + len(found.plans)
    return shown(
        call,
        "plan.html",
        found=found,
        next=str(end) if end < found.total else "",
        filters=query_parameters.filters(call, "host", "tag", "product", "severity", "overdue"),
        dated=bool(query.due),
        levels=query_parameters.LEVELS,
        products=query_parameters.PRODUCT_NAMES,
    )
