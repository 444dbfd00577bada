"""`/benchmarks`: which hosts must be audited (again), and against which edition of the CIS benchmark."""

from __future__ import annotations

from notifier.domain.filters import Scope
from notifier.services.catalogue.audits import host_audits
from notifier.services.catalogue.benchmarks import benchmark, benchmarks
from notifier.web.calls import Answer, Call
from notifier.web.page_answers import shown
from notifier.web.pages import asking
from notifier.web.scoping import scoped


def listing(call: Call) -> Answer:
    """The page of the editions and of the hosts to be audited."""
    scope = asking.seen(call)
    everything = asking.switch(call, "all")
    return shown(
        call,
        "benchmarks.html",
        editions=benchmarks(call.database, call.now, scope=scope),
        audits=host_audits(call.database, scope, call.now, everything=everything, limit=asking.ROWS),
        everything=everything,
        filters=asking.filters(call, "host", "tag", "all"),
    )


def one(call: Call) -> Answer:
    """The page of one edition."""
    found = benchmark(call.database, call.path["name"], call.now, scoped(call, Scope()), asking.ROWS)
    return shown(call, "benchmark.html", about=found, most=asking.ROWS)
