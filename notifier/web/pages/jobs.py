"""`/jobs`: what workers do, what waits, and what failed."""

from __future__ import annotations

from collections.abc import Callable

from feeds.core.errors import UnknownName, UsageProblem
from feeds.storage.database import Database
from notifier.services.upkeep.job_overview import jobs_overview
from notifier.services.upkeep.jobs import cancel_job, retry_job
from notifier.web.audit_entries import noted
from notifier.web.handler_values import Answer, Call, redirect
from notifier.web.page_answers import shown
from notifier.web.pages.notifications import number


def listing(call: Call, problem: str = "", status: int = 200) -> Answer:
    """The page. Jobs are about the whole inventory, so that a viewer of some hosts only does not see them."""
    found = None if call.viewer.limited else jobs_overview(call.database, call.now)
    return shown(call, "jobs.html", status, found=found, problem=problem)


def retry(call: Call) -> Answer:
    """Retry a failed job."""
    return _changed(call, retry_job, "job.retry", "job-retried")


def cancel(call: Call) -> Answer:
    """Cancel a job that waits."""
    return _changed(call, cancel_job, "job.cancel", "job-cancelled")


def _changed(call: Call, change: Callable[[Database, int], None], action: str, done: str) -> Answer:
    which = number(call.path["number"])
    if call.viewer.limited:
        raise UnknownName(f"there is no job {which}")
    try:
        change(call.database, which)
    except UnknownName:
        raise
    except UsageProblem as error:
        return listing(call, str(error), 409)
    noted(call, action, str(which))
    return redirect(f"/jobs?done={done}")
