"""`/advisories`: what is new in the world? `/advisories/ID`: does it concern us, how do we know, and what to do."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from feeds.advisories.records import Kind
from feeds.verdicts.weighing import Status
from notifier.alerts.silences import JUSTIFICATIONS
from notifier.assessment.matcher import EXPOSED
from notifier.domain.filters import Scope
from notifier.services.catalogue.advisories import AdvisoryQuery, advisories, advisory
from notifier.services.catalogue.silences_and_assignments import list_assignments
from notifier.services.findings.exposure import ExposureQuery, assessed
from notifier.services.findings.overview import fleet_numbers
from notifier.services.findings.verdict_explanations import proofs
from notifier.services.snapshot.settings import due_policy
from notifier.web.handler_values import Answer, Call
from notifier.web.page_answers import shown
from notifier.web.pages import query_parameters
from notifier.web.scoping import scoped

_PROOFS = 24
"""Versions whose proof one page has; the others are counted."""


def listing(call: Call) -> Answer:
    """The page of all advisories."""
    query = AdvisoryQuery(
        kinds=tuple(query_parameters.word(Kind, one, "kind") for one in query_parameters.values(call, "kind")),
        least=query_parameters.level(call),
        product=call.asked("product") or None,
        limit=query_parameters.ROWS,
        words=call.asked("q").strip(),
        after=call.asked("after"),
    )
    return shown(
        call,
        "advisories.html",
        found=advisories(call.database, query),
        kinds=query_parameters.KINDS,
        levels=query_parameters.LEVELS,
        products=query_parameters.PRODUCT_NAMES,
        filters=query_parameters.filters(call, "q", "kind", "severity", "product"),
    )


def one(call: Call, problem: str = "", status: int = 200) -> Answer:
    """The page of one advisory, with the reason why an action on it was refused."""
    about = advisory(call.database, call.path["name"], call.now, call.viewer.scope)
    everything = query_parameters.switch(call, "all")
    query = ExposureQuery(
        scope=scoped(call, Scope(hosts=query_parameters.values(call, "host"))),
        verdicts=frozenset(Status) if everything else EXPOSED | {Status.UNKNOWN},
        advisories=(about.advisory,),
        limit=call.viewer.scope,
        due=due_policy(call.config.due),
    )
    with assessed(call.database, query, call.now) as (connection, found):
        numbers = fleet_numbers(connection, found)
        shown_proofs = proofs(connection, found, _PROOFS)
        versions = len(found.findings)
    return shown(
        call,
        "advisory.html",
        status,
        about=about,
        numbers=numbers,
        proofs=shown_proofs,
        more=versions - len(shown_proofs),
        everything=everything,
        problem=problem,
        form=defaultdict(str, {name: call.filled(name) for name in call.form}),
        in_a_month=(call.now + timedelta(days=30)).date(),
        in_a_week=(call.now + timedelta(days=7)).date(),
        today=call.now.date(),
        justifications=tuple((one, one.replace("_", " ")) for one in JUSTIFICATIONS),
        filters=query_parameters.filters(call, "host", "all"),
        assignments=list_assignments(call.database, advisory=about.advisory, within=call.viewer.scope).listed,
        within=call.viewer.scope,
    )
