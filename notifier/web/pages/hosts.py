"""`/hosts`: which hosts are there, and what runs on them? `/hosts/NAME`: what is wrong with this one."""

from __future__ import annotations

from feeds.core.errors import UsageProblem
from notifier.domain.filters import Scope
from notifier.domain.hosts import HostOrder
from notifier.services.findings.exposure import ExposureQuery, assess
from notifier.services.findings.exposure_rows import GroupBy
from notifier.services.findings.overview import COUNTED, RowPart, overview
from notifier.services.hosts.inventory import HostQuery, host, hosts
from notifier.services.snapshot.settings import due_policy
from notifier.web.handler_values import Answer, Call
from notifier.web.page_answers import shown
from notifier.web.pages import query_parameters
from notifier.web.scoping import scoped

_MOST = 200
"""Rows of one host."""


def listing(call: Call) -> Answer:
    """The page of all hosts."""
    days = call.config.digest.stale_days
    query = HostQuery(
        scope=query_parameters.seen(call),
        stale_days=days if query_parameters.switch(call, "stale") else None,
        limit=query_parameters.ROWS,
        order=query_parameters.chosen(HostOrder, call, "sort") or HostOrder.NAME,
        after=call.asked("after"),
        runs=_runs(call.asked("runs").strip()),
    )
    return shown(
        call,
        "hosts.html",
        found=hosts(call.database, query, call.now),
        sort=query.order.value,
        stale_days=days,
        filters=query_parameters.filters(call, "host", "tag", "product", "runs", "stale"),
        products=query_parameters.PRODUCT_NAMES,
    )


def _runs(text: str) -> tuple[()] | tuple[str, str]:
    """The product and version of PRODUCT@VERSION; UsageProblem for anything else."""
    product, at, version = text.partition("@")
    if not text:
        return ()
    if not (product and at and version):
        raise UsageProblem(f"{text[:100]!r} is not of the form PRODUCT@VERSION", where="runs")
    return product, version


def one(call: Call) -> Answer:
    """The page of one host."""
    name = call.path["name"]
    scope = scoped(call, Scope(hosts=(name,)))
    about = host(call.database, name)
    query = ExposureQuery(scope, COUNTED, limit=call.viewer.scope, due=due_policy(call.config.due))
    with call.database.connect() as connection:
        found = assess(connection, query, call.now, stale_days=call.config.digest.stale_days)
        seen = overview(connection, found, RowPart(group=GroupBy.ADVISORY, limit=_MOST), COUNTED)
    return shown(
        call, "host.html", host=about, seen=seen, dated=bool(query.due), stale_days=call.config.digest.stale_days
    )
