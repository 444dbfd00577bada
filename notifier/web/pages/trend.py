"""`/trend`: does it get better: hosts by severity, how old what is open is, and how long a fix takes."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from feeds.core.errors import UsageProblem
from notifier.rendering.age_chart import AGES, age_chart, host_history
from notifier.rendering.trend_chart import week_chart
from notifier.services.findings.trend import open_ages
from notifier.services.findings.trend import trend as trend_of
from notifier.services.snapshot.settings import due_policy
from notifier.web.handler_values import Answer, Call
from notifier.web.page_answers import shown

_SPANS: Final = ((28, "4 weeks"), (84, "12 weeks"), (364, "a year"))
_WEEKS: Final = 26
"""Weeks that the chart has at most."""


def trend(call: Call) -> Answer:
    """The page. The history is of the whole inventory: a viewer of some hosts sees how old is what is open on them."""
    if call.viewer.limited:
        return _own_hosts(call)
    asked = call.asked("days", "84")
    if asked not in {str(days) for days, _ in _SPANS}:
        raise UsageProblem(f"{asked[:40]!r} is not one of {', '.join(str(days) for days, _ in _SPANS)}", where="days")
    policy = due_policy(call.config.due)
    found = trend_of(call.database, call.now, call.now.date() - timedelta(days=int(asked)), policy)
    return shown(
        call,
        "trend.html",
        found=found,
        history=host_history(found),
        ages=age_chart(found.ages),
        weeks=week_chart(found.weeks[-_WEEKS:]),
        groups=AGES,
        spans=_SPANS,
        days=int(asked),
        dated=bool(policy),
        levels=[str(one.level) for one in found.ages],
    )


def _own_hosts(call: Call) -> Answer:
    policy = due_policy(call.config.due)
    found = open_ages(call.database, call.now, call.viewer.scope, policy)
    return shown(
        call,
        "trend_own.html",
        found=found,
        ages=age_chart(found),
        groups=AGES,
        dated=bool(policy),
        limit=call.viewer.scope.tags,
        total=sum(one.findings for one in found),
        overdue=sum(one.overdue for one in found),
    )
