"""What the API answers to GET: the lists of the command line, a page at a time."""

from __future__ import annotations

from typing import Any

from feeds.core.errors import UnknownName, UsageProblem
from feeds.verdicts.weighing import Status
from notifier.assessment.matcher import EXPOSED
from notifier.schemas.job import JobList
from notifier.services.catalogue.advisories import AdvisoryQuery
from notifier.services.catalogue.advisories import advisories as list_advisories
from notifier.services.catalogue.advisories import advisory as show_advisory
from notifier.services.catalogue.benchmarks import benchmarks as list_benchmarks
from notifier.services.catalogue.silences_and_assignments import list_silences
from notifier.services.catalogue.sources import sources as list_sources
from notifier.services.findings.exposure import ExposureQuery, assessed
from notifier.services.findings.exposure_pages import exposure_page
from notifier.services.findings.plans import plans as list_plans
from notifier.services.findings.trend import trend as show_trend
from notifier.services.hosts import inventory
from notifier.services.snapshot.images import ImageQuery, list_images
from notifier.services.snapshot.settings import due_policy
from notifier.services.subscriptions.notification_log import NotificationQuery, list_notifications
from notifier.services.subscriptions.subscriptions import list_subscriptions
from notifier.services.upkeep.jobs import JobQuery, list_jobs
from notifier.web.api.answers import after_of, answer, paged, part_of
from notifier.web.api.parameters import Given
from notifier.web.handler_values import Answer, Call, problem
from notifier.web.scoping import check_host, scoped


def exposure(call: Call, given: Given) -> Answer:
    """What affects the hosts, worst first."""
    verdicts: frozenset[Status] = frozenset().union(*given.get("verdict", ())) or EXPOSED
    query = ExposureQuery(
        scoped(call, given.scope),
        verdicts,
        tuple(given.get("advisory", ())),
        given.get("severity"),
        given.get("kev", False),
        call.viewer.scope,
        due_policy(call.config.due),
        given.get("overdue", False),
    )
    after = after_of(call)
    days = call.config.digest.stale_days
    with assessed(call.database, query, call.now, stale_days=days) as (connection, found):
        page = exposure_page(connection, found, given.get("group"), given.limit, after)
    return paged(call, page.value, page.last)


def hosts(call: Call, given: Given) -> Answer:
    """The hosts, by name."""
    days = call.config.digest.stale_days if given.get("stale") else None
    after = after_of(call)
    query = inventory.HostQuery(scoped(call, given.scope), days, given.limit, str(after[0]) if after else "")
    found = inventory.hosts(call.database, query, call.now)
    return paged(call, found.value, (found.value.hosts[-1].host,) if found.more else None)


def host(call: Call, given: Given) -> Answer:
    """One host."""
    check_host(call, named(call))
    return answer(call, inventory.host(call.database, named(call)))


def advisories(call: Call, given: Given) -> Answer:
    """The advisories, newest first."""
    query = AdvisoryQuery(tuple(given.get("kind", ())), given.get("severity"), given.get("product"))
    found = list_advisories(call.database, query).value
    return part_of(call, found, "advisories", lambda row: (row.advisory,), given.limit)


def advisory(call: Call, given: Given) -> Answer:
    """One advisory with every statement about affected versions."""
    return answer(call, show_advisory(call.database, named(call), call.now, call.viewer.scope))


def plan(call: Call, given: Given) -> Answer:
    """The upgrades that fix the most, worst version first."""
    found = list_plans(
        call.database,
        scoped(call, given.scope),
        call.now,
        least=given.get("severity"),
        due=due_policy(call.config.due),
        overdue=given.get("overdue", False),
    ).value
    return part_of(call, found, "plans", _planned, given.limit)


def _planned(row: Any) -> tuple[str, str, str | None]:
    return row.product, row.version, row.package


def benchmarks(call: Call, given: Given) -> Answer:
    """The editions of the CIS Docker benchmark, newest first."""
    found = list_benchmarks(call.database, call.now, scope=scoped(call, given.scope)).value
    return part_of(call, found, "editions", lambda row: (row.edition,), given.limit)


def images(call: Call, given: Given) -> Answer:
    """The images in use, most urgent first."""
    query = ImageQuery(scoped(call, given.scope), given.get("status"), given.get("base"), given.get("split", False))
    found = list_images(call.database, call.config.images, query, call.now)
    return part_of(call, found, "images", lambda row: (row.image, row.config, row.platform), given.limit)


def sources(call: Call, given: Given) -> Answer:
    """The sources and their health."""
    found = list_sources(call.database, call.config, call.now).value
    return part_of(call, found, "sources", lambda row: (row.name,), given.limit)


def subscriptions(call: Call, given: Given) -> Answer:
    """The subscriptions, by name."""
    found = list_subscriptions(call.database, within=call.viewer.scope).value
    return part_of(call, found, "subscriptions", lambda row: (row.name,), given.limit)


def notifications(call: Call, given: Given) -> Answer:
    """The deliveries, newest first."""
    after = after_of(call)
    query = NotificationQuery(
        given.get("state"),
        given.get("subscription"),
        given.get("advisory"),
        given.limit,
        int(after[0]) if after else None,
        call.viewer.scope,
    )
    found = list_notifications(call.database, query)
    return paged(call, found.value, (found.value.notifications[-1].id,) if found.more else None)


def silences(call: Call, given: Given) -> Answer:
    """The silences, newest first."""
    found = list_silences(call.database, call.now, ended=given.get("ended", False), within=call.viewer.scope).value
    return part_of(call, found, "silences", lambda row: (row.number,), given.limit)


def trend(call: Call, given: Given) -> Answer:
    """Whether it gets better: hosts by severity, findings opened and closed, days to fix, and their age."""
    if call.viewer.limited:
        return problem(
            403,
            "Not permitted",
            "The history is of the whole inventory, and you may see a part of it. See /api/v1/exposure.",
        )
    since = given.get("since")
    if since and since > call.now.date():
        raise UsageProblem(f"{since} is in the future", where="since")
    return answer(call, show_trend(call.database, call.now, since, due_policy(call.config.due)))


def jobs(call: Call, given: Given) -> Answer:
    """The jobs of workers, newest first."""
    if call.viewer.limited:
        return problem(403, "Not permitted", "Jobs are about the whole inventory, and you may see a part of it.")
    after, states = after_of(call), (given["state"],) if "state" in given else ()
    found = list_jobs(call.database, JobQuery(states, given.limit + 1, int(after[0]) if after else None)).jobs
    rows = found[: given.limit]
    return paged(call, JobList(jobs=rows), (rows[-1].id,) if len(found) > len(rows) else None)


def named(call: Call) -> str:
    """The name at the end of the path; UnknownName if it cannot be one."""
    name = call.path["name"]
    if not name.isprintable():
        raise UnknownName("there is nothing of this name")
    return name
