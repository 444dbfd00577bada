"""The page of jobs: what waits and what failed, for operators who may see every host, and what they can do about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from feeds.storage.database import Database
from notifier.domain.access import Role, TokenScope
from notifier.domain.jobs import MATCH, JobState, deliver_job
from notifier.services.installation.audit_log import list_entries
from notifier.services.upkeep.jobs import JobQuery, list_jobs, note_failure
from notifier.storage import jobs
from tests.conftest import fresh_postgres
from tests.support.access import signed_in, token, user
from tests.support.web import Browser, browser

HOST = "mail.bravo.example.org"


@pytest.fixture
def database(postgres: sa.URL) -> Iterator[Database]:
    opened = Database(fresh_postgres(postgres))
    user(opened, "ann", Role.OPERATOR)
    user(opened, "lim", Role.OPERATOR, {"team": "a"})
    user(opened, "vic", Role.VIEWER)
    yield opened
    opened.close()


@pytest.fixture
def numbers(database: Database) -> dict[str, int]:
    """A job that waits and one that failed, by their tasks."""
    with database.begin() as connection:
        jobs.enqueue(connection, [MATCH, deliver_job(HOST)])
        found = {one.task: one.id for one in jobs.listed(connection)}
        fail = sa.text("UPDATE jobs.procrastinate_jobs SET status = 'failed', attempts = 1 WHERE id = :n")
        connection.execute(fail, {"n": found["deliver"]})
    note_failure(database, found["deliver"], OSError(f"https://ops:hunter2@{HOST} is away"), datetime.now(UTC))
    return found


@pytest.fixture
def one(database: Database) -> Iterator[Browser]:
    with browser(database) as made:
        made.now = datetime.now(UTC)
        yield made


def states(database: Database) -> dict[str, JobState]:
    return {row.task: row.state for row in list_jobs(database, JobQuery()).jobs}


def test_an_operator_sees_what_waits_and_what_failed_and_why(numbers: dict[str, int], one: Browser) -> None:
    signed_in(one, "ann")
    text = one.get("/jobs").text
    assert "No worker runs" in text
    assert f"deliver {HOST}" in text
    assert f"https://****@{HOST} is away" in text
    assert "hunter2" not in text
    assert f'action="/jobs/{numbers["deliver"]}/retry"' in text
    assert f'action="/jobs/{numbers["match"]}/cancel"' in text
    assert '<a href="/jobs" aria-current="page">Jobs</a>' in text
    assert 'href="/jobs"' in one.get("/sources").text


def test_workers_that_are_alive_are_counted_and_a_queue_that_nobody_serves_is_named(
    database: Database, numbers: dict[str, int], one: Browser
) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql("INSERT INTO jobs.procrastinate_workers (last_heartbeat) VALUES (now())")
        old = "INSERT INTO jobs.procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')"
        connection.exec_driver_sql(old)
        connection.exec_driver_sql("UPDATE jobs.procrastinate_events SET at = now() - interval '1 hour'")
    signed_in(one, "ann")
    text = one.get("/jobs").text
    assert "Jobs wait for a worker" in text
    assert "1 worker alive" in text
    assert "navtex worker --queues core" in text


def test_a_failed_job_is_retried_and_a_waiting_one_cancelled_with_a_note_in_the_audit_log(
    database: Database, numbers: dict[str, int], one: Browser
) -> None:
    signed_in(one, "ann")
    assert one.post(f"/jobs/{numbers['deliver']}/retry").header("location") == "/jobs?done=job-retried"
    assert one.post(f"/jobs/{numbers['match']}/cancel").header("location") == "/jobs?done=job-cancelled"
    assert states(database) == {"deliver": JobState.WAITING, "match": JobState.CANCELLED}
    again = one.post(f"/jobs/{numbers['match']}/retry")
    assert (again.status, "Only failed jobs can be retried" in again.text) == (409, True)
    assert one.post("/jobs/999/cancel").status == 404
    noted = [(entry.action, entry.target) for entry in list_entries(database)]
    assert noted[:2] == [("job.cancel", str(numbers["match"])), ("job.retry", str(numbers["deliver"]))]


def test_a_form_of_another_site_changes_no_job(database: Database, numbers: dict[str, int], one: Browser) -> None:
    signed_in(one, "ann")
    refused = one.post(f"/jobs/{numbers['match']}/cancel", sec_fetch_site="cross-site")
    assert refused.status == 403
    assert states(database)["match"] is JobState.WAITING


@pytest.mark.parametrize("name", ["lim", "vic"])
def test_somebody_who_sees_some_hosts_only_or_may_only_look_learns_of_no_job_and_changes_none(
    database: Database, numbers: dict[str, int], one: Browser, name: str
) -> None:
    signed_in(one, name)
    shown = [one.get("/jobs"), *(one.post(f"/jobs/{n}/{do}") for n in numbers.values() for do in ("retry", "cancel"))]
    assert [reply.status for reply in shown] == ([200, 404, 404, 404, 404] if name == "lim" else [403] * 5)
    assert not any("bravo" in reply.text for reply in shown)
    assert states(database) == {"deliver": JobState.FAILED, "match": JobState.WAITING}
    assert 'href="/jobs"' not in one.get("/sources").text


def test_programs_read_the_jobs_in_parts(database: Database, numbers: dict[str, int], one: Browser) -> None:
    def get(path: str, **limit: str) -> object:
        secret = token(database, TokenScope.READ, tags=limit, at=one.now - timedelta(minutes=1))
        reply = one.get(f"/api/v1/jobs{path}", authorization=f"Bearer {secret}")
        return reply.json if reply.status == 200 else reply.status

    first = get("?limit=1")
    assert isinstance(first, dict)
    second = get(f"?limit=1&cursor={first['next']}")
    assert isinstance(second, dict)
    assert [row["id"] for row in first["jobs"] + second["jobs"]] == sorted(numbers.values(), reverse=True)
    assert second["next"] is None
    failed = get("?state=failed")
    assert isinstance(failed, dict)
    assert [row["problem"] for row in failed["jobs"]] == [f"https://****@{HOST} is away"]
    assert get("?state=lost") == 400
    assert get("", team="a") == 403


def test_a_database_without_workers_says_what_to_do(sqlite_database: Database) -> None:
    user(sqlite_database, "ann", Role.OPERATOR)
    with browser(sqlite_database) as made:
        signed_in(made, "ann")
        text = made.get("/jobs").text
        assert "Workers need PostgreSQL, and the database is SQLite" in text
        assert 'href="/jobs"' not in made.get("/sources").text
        assert made.post("/jobs/1/retry").status == 409
