"""`/benchmarks`: which hosts must be audited (again), and against which edition of the CIS benchmark."""

from __future__ import annotations

from notifier.domain.filters import Scope
from notifier.services.catalogue.audits import host_audits
from notifier.services.catalogue.benchmarks import benchmark, benchmarks
from notifier.web.handler_values import Answer, Call
from notifier.web.page_answers import shown
from notifier.web.pages import query_parameters
from notifier.web.scoping import scoped


def listing(call: Call) -> Answer:
    """The page of the editions and of the hosts to be audited."""
    scope = query_parameters.seen(call)
    everything = query_parameters.switch(call, "all")
    return shown(
        call,
        "benchmarks.html",
        editions=benchmarks(call.database, call.now, scope=scope),
        audits=host_audits(call.database, scope, call.now, everything=everything, limit=query_parameters.ROWS),
        everything=everything,
        filters=query_parameters.filters(call, "host", "tag", "all"),
    )


def one(call: Call) -> Answer:
    """The page of one edition."""
    found = benchmark(call.database, call.path["name"], call.now, scoped(call, Scope()), query_parameters.ROWS)
    return shown(call, "benchmark.html", about=found, most=query_parameters.ROWS)
