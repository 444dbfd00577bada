"""`/`: what first? The numbers, the first upgrades, and the list by version, advisory or host, or as a matrix."""

from __future__ import annotations

from notifier.assessment.matcher import EXPOSED
from notifier.services.findings.exposure import ExposureQuery, assessed
from notifier.services.findings.exposure_rows import GroupBy
from notifier.services.findings.overview import COUNTED, RowOrder, RowPart, exposure_matrices, overview
from notifier.services.snapshot.settings import due_policy
from notifier.web.handler_values import Answer, Call
from notifier.web.page_answers import shown
from notifier.web.pages import query_parameters

FILTERS = ("host", "tag", "product", "advisory", "severity", "kev", "verdict", "overdue")
_MATRIX = "matrix"


def query(call: Call) -> ExposureQuery:
    """What the address asks for, within what the viewer may see."""
    return ExposureQuery(
        scope=query_parameters.seen(call),
        verdicts=(query_parameters.verdicts(call) or EXPOSED) | COUNTED,
        advisories=query_parameters.values(call, "advisory"),
        least=query_parameters.level(call),
        kev=query_parameters.switch(call, "kev"),
        limit=call.viewer.scope,
        due=due_policy(call.config.due),
        overdue=query_parameters.switch(call, "overdue"),
    )


def exposure(call: Call) -> Answer:
    """The page."""
    as_matrix = call.asked("group") == _MATRIX
    part = RowPart(
        group=GroupBy.ADVISORY if as_matrix else query_parameters.chosen(GroupBy, call, "group") or GroupBy.VERSION,
        order=query_parameters.chosen(RowOrder, call, "sort") or RowOrder.SEVERITY,
        after=call.asked("after"),
        limit=1 if as_matrix else query_parameters.ROWS,
    )
    asked = query(call)
    with assessed(call.database, asked, call.now, stale_days=call.config.digest.stale_days) as (connection, found):
        seen = overview(connection, found, part, query_parameters.verdicts(call) or EXPOSED)
        matrices = exposure_matrices(connection, found) if as_matrix else ()
    return shown(
        call,
        "exposure.html",
        seen=seen,
        group=_MATRIX if as_matrix else part.group.value,
        sort=part.order.value,
        matrices=matrices,
        filters=query_parameters.filters(call, *FILTERS),
        dated=bool(asked.due),
        levels=query_parameters.LEVELS,
        products=query_parameters.PRODUCT_NAMES,
    )
